"""The relay of one server: where rooms, grants, files, the log and the kernels meet."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.serverapp import ServerApp
from tornado.websocket import WebSocketHandler

from rtc_widgets.errors import ChannelClosed, StoreError
from rtc_widgets.logged import fields
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.relay.access import Grants, RoleHook
from rtc_widgets.relay.asking import HubAnswers
from rtc_widgets.relay.backups import Backups
from rtc_widgets.relay.claim import Claim
from rtc_widgets.relay.directory import Directory
from rtc_widgets.relay.index import RoomIndex
from rtc_widgets.relay.kernels import Kernels
from rtc_widgets.relay.memory import FreeMemory
from rtc_widgets.relay.metrics import Metrics
from rtc_widgets.relay.mirroring import Mirror
from rtc_widgets.relay.opening import RoomMaker
from rtc_widgets.relay.private import PrivateFile
from rtc_widgets.relay.tidings import Tidings
from rtc_widgets.rooms.counts import Counts
from rtc_widgets.rooms.manager import RoomKey, RoomManager
from rtc_widgets.rooms.room import Room
from rtc_widgets.stores.sqlite import SqliteStore

__all__ = ["Relay", "RelaySettings", "default_store"]

_log = logging.getLogger(__name__)
_CONTENTS_EVENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"
# Extensions that own the documents of a server themselves: one file has one writer.
_OTHER_PROVIDERS = {
    "jupyter_server_ydoc": "jupyter-collaboration",
    "jupyter_server_documents": "jupyter-server-documents",
}


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Hold the configuration; `RelayApp` says what each means."""

    save_delay: float = 1.0
    save_max_wait: float = 10.0
    poll_interval: float = 1.0
    close_delay: float = 60.0
    recheck_interval: float = 30.0
    store_path: str = ""
    mirror: Mirror = "ask"
    snapshot_every: int = 1000
    history_days: float = 30.0
    max_log_size: int = 64 * 2**20
    max_file_size: int = 100 * 2**20
    max_documents: int = 256
    backups: int = 10
    max_rooms: int = 1000
    max_comment: int = 2**16
    max_unsent: int = 16 * 2**20
    limits: Limits = field(default_factory=Limits)
    remember_people: bool = True
    directory: Callable[[str], Any] | None = None
    role_hook: RoleHook | None = None
    kernels: bool = True
    kernels_open_files: bool = True


class Relay:
    """Hold the documents of one server.

    Args:
        serverapp: whose contents manager, identity and kernels serve.
        settings: the configuration.

    Raises:
        StoreError: the log cannot be used; the message says why, and the cure.
    """

    def __init__(self, serverapp: ServerApp, settings: RelaySettings) -> None:
        self._serverapp = serverapp
        self._settings = settings
        self.limits = settings.limits
        self.max_documents = settings.max_documents
        self.max_unsent = settings.max_unsent
        self.kernels_open_files = settings.kernels_open_files
        self.recheck_interval = settings.recheck_interval
        self.role_hook = settings.role_hook
        # Room for a frame at the limit and its envelope.
        self.max_websocket_message = max(4 * 2**20, 2 * settings.limits.frame)
        self.grants = Grants()
        self.hub = HubAnswers()
        self.connections: set[WebSocketHandler] = set()
        path = Path(settings.store_path) if settings.store_path else default_store(serverapp.root_dir)
        self._claim = Claim(path)
        try:
            hold = self._claim.hold
            self.store = SqliteStore(self._claim.path, hold=hold)
            self.index = RoomIndex(self._claim.path.with_suffix(".rooms.sqlite"), hold=hold)
            self.private = PrivateFile(self._claim.path.with_suffix(".private.sqlite"), hold=hold)
            self.directory = Directory(
                self._claim.path.with_suffix(".people.sqlite"),
                remember=settings.remember_people,
                ask=settings.directory,
                hold=hold,
            )
        except StoreError:
            self._claim.release()
            raise
        self.store_path = self._claim.path
        self._damage_told = False
        self.counts = Counts()
        self.tidings = Tidings(serverapp.event_logger)
        self.counts.on_dropped = self.tidings.dropped
        self._maker = RoomMaker(
            serverapp.contents_manager,
            self.store,
            self.index,
            settings,
            self.private,
            self.directory,
            self._aside,
            counts=self.counts,
            told=self.tidings.told,
            backups=Backups(self.store_path.with_suffix(".backups"), settings.backups),
        )
        self._memory = FreeMemory()
        self.rooms = RoomManager(
            self._maker.make,
            settings.close_delay,
            self.index.forget,
            self._maker.make_view,
            self._sized,
            settings.max_rooms,
        )
        self.kernels = Kernels(self, serverapp)
        self._metrics = Metrics(self)

    @property
    def other_provider(self) -> str | None:
        """Return the name of another extension that owns this server's documents, if one is active."""
        apps = self._serverapp.extension_manager.extension_apps
        for name, package in _OTHER_PROVIDERS.items():
            active = [app for app in apps.get(name, ()) if not getattr(app, "disable_rtc", False)]
            if active:
                return package
        return None

    @property
    def store_bytes(self) -> int:
        """Return how large the log is on the disk, with what SQLite keeps beside it."""
        files = (self._claim.path.with_name(self._claim.path.name + end) for end in ("", "-wal", "-journal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def _sized(self, room: Room) -> None:
        self._memory.after(room.content.size)
        damage = self.store.damage or self.index.damage
        if damage is not None and not self._damage_told:
            # Only now: it is found out by the first who reads.
            self._damage_told = True
            self.tidings.tell("damaged", code="store", message=f"{damage.problem} ({damage.aside.name})")
        opened = self.rooms.get(room.path) is room
        self.tidings.tell("opened" if opened else "closed", room)

    async def open(self, key: RoomKey) -> Room:
        """Return the room of a file.

        Raises:
            ChannelClosed: another extension owns the documents, or the file cannot be opened.
        """
        if self.other_provider is not None:
            raise ChannelClosed(CloseCode.OTHER_PROVIDER, CloseCode.OTHER_PROVIDER.sentence)
        try:
            return await self.rooms.open(key)
        except StoreError as error:
            _log.error(
                "%s cannot be opened: %s", key.path, error, extra=fields("room.not-opened", path=key.path)
            )
            raise ChannelClosed(CloseCode.INTERNAL_ERROR, str(error)) from error

    async def start(self) -> None:
        """Follow the files and the kernels."""
        await self.private.forget_old()
        await self.directory.load()
        events: Any = self._serverapp.event_logger
        events.add_listener(schema_id=_CONTENTS_EVENTS, listener=self._on_contents)
        if self._settings.kernels:
            self.kernels.start()

    async def aclose(self) -> None:
        """Write what is unsaved, close every room and connection, and the log."""
        await self.kernels.aclose()
        self._metrics.close()
        self._memory.close()
        await self.rooms.aclose()
        for connection in list(self.connections):
            connection.close(CloseCode.GOING_AWAY.websocket, CloseCode.GOING_AWAY)
        await self.store.aclose()
        await self.index.aclose()
        await self.private.aclose()
        await self.directory.aclose()
        self._claim.release()

    def _aside(self) -> Path | None:
        """Return where a log is now that was found damaged, if one was."""
        damage = self.store.damage or self.index.damage
        return None if damage is None else damage.aside

    async def _on_contents(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        """Follow renames and deletions; an exception in a listener would only reach the log of the event bus."""
        if data.get("action") == "rename":
            old, new = data["source_path"].strip("/"), data["path"].strip("/")
            await self.rooms.rename(old, new, partial(self.index.rename, old, new))
        elif data.get("action") == "delete":
            path = data["path"].strip("/")
            await self.rooms.delete(path, partial(self.index.delete, path))


def default_store(root_dir: str) -> Path:
    """Return where the log of a server is whose `RelayApp.store_path` says nothing."""
    name = hashlib.sha256(str(Path(root_dir).resolve()).encode()).hexdigest()[:16]
    return Path(jupyter_data_dir()) / "rtc_widgets" / f"{name}.sqlite"
