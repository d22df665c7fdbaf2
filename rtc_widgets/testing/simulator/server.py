"""A server without a socket: the relay's own rooms, log, index and file, which can be killed and begun anew."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jupyter_server.services.contents.filemanager import FileContentsManager
from nbformat.sign import MemorySignatureStore, NotebookNotary

from rtc_widgets.channels.channel import Opened
from rtc_widgets.errors import NotConnected
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.relay.index import RoomIndex
from rtc_widgets.relay.opening import RoomMaker
from rtc_widgets.relay.relay import RelaySettings
from rtc_widgets.rooms.manager import RoomKey, RoomManager
from rtc_widgets.stores.entry import Store
from rtc_widgets.testing.simulator.clock import running
from rtc_widgets.testing.simulator.life import Life
from rtc_widgets.testing.simulator.line import Line, Trouble
from rtc_widgets.testing.simulator.slow import SlowContents, SlowIndex, SlowStore

__all__ = ["KEY", "SimulatedServer", "open_index"]

KEY = RoomKey("a.ipynb", "json", "notebook")
SETTINGS = RelaySettings(
    save_delay=0.7,
    save_max_wait=3.0,
    poll_interval=0.7,
    close_delay=2.0,
    snapshot_every=10,
    history_days=0,
    mirror="never",
    limits=Limits(frame=4096),
)


def open_index(folder: Path) -> RoomIndex:
    """Open the index of a server on *folder*."""
    return RoomIndex(folder / "index.sqlite")


class SimulatedServer:
    """Be one server after the other on one folder.

    Args:
        folder: of the notebook, and of the log.
        dice: decides how long things take.
        open_store: opens the log.
        on_read: called when the file has been looked into.
        before_save: called right before the file is written.
    """

    def __init__(
        self,
        folder: Path,
        dice: random.Random,
        open_store: Callable[[Path], Store],
        on_read: Callable[[], None],
        before_save: Callable[[], None],
    ) -> None:
        self.folder = folder
        self.rooms: RoomManager
        self._dice = dice
        self._open_store = open_store
        self._on_read = on_read
        self._before_save = before_save
        # Its state is a machine's, and not a server's: it goes on from one server to the next.
        notary = NotebookNotary(secret=b"simulated", store_factory=MemorySignatureStore)
        self._contents: Any = FileContentsManager(root_dir=str(folder), notary=notary, delete_to_trash=False)
        self._lines: list[Line] = []
        self._life: Life | None = None
        self._store: Store | None = None
        self._index: RoomIndex | None = None
        self._waiting: dict[asyncio.Future[Opened], None] = {}

    @property
    def up(self) -> bool:
        """Tell whether it answers."""
        return self._life is not None

    @property
    def store(self) -> Store:
        """Return the log."""
        assert self._store is not None
        return self._store

    def start(self) -> None:
        """Begin."""
        if self._life is not None:
            return
        self._life = life = Life()
        self._store = self._open_store(self.folder)
        self._index = open_index(self.folder)
        store = SlowStore(self._store, life, self._dice)
        index: Any = SlowIndex(self._index, life, self._dice)
        contents: Any = SlowContents(self._contents, life, self._dice, self._on_read, self._before_save)
        maker = RoomMaker(contents, store, index, SETTINGS)
        self.rooms = RoomManager(maker.make, SETTINGS.close_delay, index.forget)

    async def kill(self) -> None:
        """End in the middle of everything."""
        life, self._life = self._life, None
        if life is None:
            return
        for line in self._lines:
            line.cut()
        self._lines = []
        await life.end()
        self._close()

    async def stop(self) -> None:
        """End as one is asked to: write what is unsaved, close every room."""
        if self._life is not None:
            life = self._life
            await life.begin(self.rooms.aclose())
            await self.kill()

    def cut(self, user: str, noticed_here: float, noticed_there: float) -> None:
        """Break the connections of *user*; see `Line.cut`."""
        mine = [line for line in self._lines if line.user == user]
        for line in mine:
            line.cut(noticed_here, noticed_there)
            self._lines.remove(line)

    async def open(
        self,
        user: str,
        name: str,
        lineage: str | None,
        frames: Sequence[bytes],
        trouble: Trouble,
        compares: bool,
    ) -> Opened:
        """Open a document of the notebook's room for a participant.

        Raises:
            NotConnected: there is no server, or it ends meanwhile.
            ChannelClosed: it refuses.
        """
        await asyncio.sleep(trouble.delay())
        if self._life is None:
            raise NotConnected("There is no server.")
        answer: asyncio.Future[Opened] = running().create_future()
        self._waiting[answer] = None
        self._life.begin(self._serve(answer, self._life, user, name, lineage, frames, trouble, compares))
        try:
            return await answer
        finally:
            self._waiting.pop(answer, None)

    async def _serve(
        self,
        answer: asyncio.Future[Opened],
        life: Life,
        user: str,
        name: str,
        lineage: str | None,
        frames: Sequence[bytes],
        trouble: Trouble,
        compares: bool,
    ) -> None:
        try:
            room = await self.rooms.open(KEY)
            document = room.documents[name]

            def left() -> None:
                self.rooms.settle(room)

            line = Line(room, document, user, life, trouble, left)
            opened = line.join(frames, lineage, compares)
            self._lines.append(line)
            self.rooms.settle(room)
        except Exception as error:  # noqa: BLE001 - it is the participant's
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # likewise
        else:
            if answer.done():
                line.cut()
            else:
                answer.set_result(opened)

    def _close(self) -> None:
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(NotConnected("The server is gone."))
                answer.exception()  # it may be that nobody waits any more
        loop = running()
        assert self._store is not None
        assert self._index is not None
        loop.at_once(self._store.aclose())
        loop.at_once(self._index.aclose())
        self._store = self._index = None
