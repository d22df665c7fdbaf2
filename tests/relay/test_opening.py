"""A room comes back from its log and its file as it was, whenever the server ended."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import MemorySignatureStore
from pycrdt import Array, Text

from rtc_widgets.documents.ycells import read_cells
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.origins import Origin
from rtc_widgets.relay.files import RoomFile
from rtc_widgets.relay.index import RoomIndex
from rtc_widgets.relay.opening import RoomMaker
from rtc_widgets.relay.relay import RelaySettings
from rtc_widgets.rooms.manager import RoomKey
from rtc_widgets.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from rtc_widgets.rooms.room import Room

NOTEBOOK = RoomKey("a.ipynb", "json", "notebook")
TEXT = RoomKey("a.txt", "text", "file")


class Servers:
    """One server after another, on one folder and one log; each ends without a word."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryStore()
        self.index = RoomIndex(folder / "rooms.sqlite")
        self.room: Room
        self.dead: list[Room] = []

    async def start(self, key: RoomKey = NOTEBOOK) -> None:
        self.contents: Any = AsyncLargeFileManager(root_dir=str(self.folder), delete_to_trash=False)
        self.contents.notary.store = MemorySignatureStore()
        settings = RelaySettings(save_delay=3600.0, save_max_wait=3600.0, poll_interval=3600.0)
        self.maker = RoomMaker(self.contents, self.store, self.index, settings)
        self.room = await self.maker.make(key)

    async def kill(self, key: RoomKey = NOTEBOOK) -> None:
        """End this server, whose log was written, and start the next."""
        await self.room.content.committed()
        self.dead.append(self.room)
        saves = self.room.backing._tasks  # type: ignore[attr-defined]
        for save in saves:
            save.cancel()  # a process that ends lets go of the file
        await asyncio.gather(*saves, return_exceptions=True)
        self.index.__dict__.pop("saved", None)
        await self.start(key)

    def write(self, *sources: str) -> None:
        cells = [
            {"id": f"cell-{index}", "cell_type": "code", "source": source, "metadata": {}}
            | {"outputs": [], "execution_count": None}
            for index, source in enumerate(sources)
        ]
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (self.folder / "a.ipynb").write_text(json.dumps(notebook))

    @property
    def written(self) -> list[str]:
        cells = json.loads((self.folder / "a.ipynb").read_text())["cells"]
        return ["".join(cell["source"]) for cell in cells]

    @property
    def sources(self) -> list[str]:
        return [cell["source"] for cell in read_cells(self.room.content.doc)]

    def type(self, text: str, cell: int = 0) -> None:
        doc = self.room.content.doc
        with doc.transaction(origin=Origin("remote", "ada")):
            doc.get("cells", type=Array)[cell]["source"].insert(0, text)

    def dies_before_noting(self) -> None:
        """Have the index forget what it is told from now on about versions of the file."""

        async def forget(*_: Any) -> None:
            return

        self.index.saved = forget  # type: ignore[method-assign]

    def dies_writing(self, left: str) -> None:
        """Have the next save leave *left* in the file, and never end."""

        async def save(model: Any, path: str) -> Any:
            (self.folder / path).write_text(left)
            await asyncio.get_running_loop().create_future()

        self.contents.save = save


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    servers = Servers(tmp_path)
    yield servers
    for room in [*servers.dead, servers.room]:
        watch = room.backing._watch  # type: ignore[attr-defined]
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
    await servers.index.aclose()


async def test_what_was_logged_and_not_saved_is_there_again(servers: Servers) -> None:
    servers.write("1")
    await servers.start()
    servers.type("typed ")
    await servers.kill()
    assert servers.sources == ["typed 1"]


async def test_a_save_that_was_not_noted_is_no_change_by_others(servers: Servers) -> None:
    servers.write("1", "2")
    await servers.start()
    servers.type("saved ")
    servers.dies_before_noting()
    await servers.room.backing.save()
    servers.type("typed ")
    await servers.kill()
    assert servers.sources == ["typed saved 1", "2"], "neither is a conflict, and nothing stands twice"
    await servers.room.backing.save()
    assert servers.written == ["typed saved 1", "2"]


async def test_a_change_outside_after_a_save_that_was_not_noted_is_merged(servers: Servers) -> None:
    servers.write("1", "2")
    await servers.start()
    servers.type("saved ")
    servers.dies_before_noting()
    await servers.room.backing.save()
    servers.type("typed ")
    servers.write("saved 1", "outside")
    await servers.kill()
    assert servers.sources == ["typed saved 1", "outside"]


async def test_a_change_outside_before_a_save_that_never_began_is_merged(servers: Servers) -> None:
    servers.write("1", "2")
    await servers.start()
    servers.type("typed ")
    servers.dies_before_noting()
    servers.contents.save = lambda *_: asyncio.get_running_loop().create_future()
    save = asyncio.create_task(servers.room.backing.save())
    await asyncio.sleep(0.3)
    servers.write("1", "outside")
    await servers.kill()
    save.cancel()
    assert servers.sources == ["typed 1", "outside"]


async def test_what_a_save_merged_that_never_wrote_is_no_sign_that_it_did(servers: Servers) -> None:
    servers.write("1", "2")
    await servers.start()
    servers.type("typed ")
    servers.write("1", "outside")
    servers.contents.save = lambda *_: asyncio.get_running_loop().create_future()
    save = asyncio.create_task(servers.room.backing.save())
    async with asyncio.timeout(10):
        while servers.sources != ["typed 1", "outside"]:
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.3)
    servers.write("1", "outside", "more")
    await servers.kill()
    save.cancel()
    assert servers.sources == ["typed 1", "outside", "more"]


async def test_a_merge_that_was_not_logged_is_made_again(servers: Servers) -> None:
    servers.write("1", "2")
    await servers.start()
    await servers.room.content.committed()
    append, asked = servers.store.append, asyncio.Event()

    def never(*_: object) -> asyncio.Future[int]:
        asked.set()
        return asyncio.get_running_loop().create_future()

    servers.store.append = never  # type: ignore[method-assign, assignment]
    servers.write("1", "outside")
    poll = asyncio.create_task(servers.room.backing.poll())  # type: ignore[attr-defined]
    async with asyncio.timeout(10):
        await asked.wait()
    assert servers.sources == ["1", "outside"]
    servers.dead.append(servers.room)
    servers.store.append = append  # type: ignore[method-assign]
    await servers.start()
    poll.cancel()
    assert servers.sources == ["1", "outside"]


@pytest.mark.parametrize("left", ["", '{"cells": [{"cell_ty'], ids=["empty", "half"])
async def test_a_file_that_was_half_written_is_written_again(servers: Servers, left: str) -> None:
    servers.write("1")
    await servers.start()
    servers.type("typed ")
    servers.dies_writing(left)
    save = asyncio.create_task(servers.room.backing.save())
    async with asyncio.timeout(10):
        while (servers.folder / "a.ipynb").read_text() != left:
            await asyncio.sleep(0.005)
    await servers.kill()
    save.cancel()
    assert servers.sources == ["typed 1"]
    await servers.room.backing.save()
    assert servers.written == ["typed 1"]


async def test_text_that_was_half_written_is_written_again(servers: Servers) -> None:
    file = servers.folder / "a.txt"
    file.write_text("one\ntwo\n")
    await servers.start(TEXT)
    text: Text = servers.room.content.doc.get("source", type=Text)
    with servers.room.content.doc.transaction(origin=Origin("remote", "ada")):
        text.insert(0, "zero\n")
    servers.dies_writing("zero\non")
    save = asyncio.create_task(servers.room.backing.save())
    async with asyncio.timeout(10):
        while file.read_text() != "zero\non":
            await asyncio.sleep(0.005)
    await servers.kill(TEXT)
    save.cancel()
    assert str(servers.room.content.doc.get("source", type=Text)) == "zero\none\ntwo\n"
    await servers.room.backing.save()
    assert file.read_text() == "zero\none\ntwo\n"


async def test_a_merge_that_was_not_noted_is_not_made_twice(servers: Servers) -> None:
    servers.write("1")
    await servers.start()
    servers.dies_before_noting()
    servers.write("1", "outside")
    await servers.room.backing.poll()  # type: ignore[attr-defined]
    servers.type("typed ", cell=1)
    await servers.kill()
    assert servers.sources == ["1", "typed outside"]


async def test_a_merge_that_was_not_noted_is_known_also_where_the_file_went_on(servers: Servers) -> None:
    servers.write("1")
    await servers.start()
    servers.dies_before_noting()
    servers.write("1\noutside")
    await servers.room.backing.poll()  # type: ignore[attr-defined]
    servers.type("typed ")
    servers.write("1\noutside\nmore")
    await servers.kill()
    assert servers.sources == ["typed 1\noutside\nmore"]
    assert servers.room.backing.problem is None
    await servers.room.backing.save()
    servers.write("1\nmore")
    await servers.kill()
    assert servers.sources == ["1\nmore"], "what was merged before counts no more"


async def test_what_was_written_while_there_was_no_server_is_merged(servers: Servers) -> None:
    servers.write("one", "two")
    await servers.start()
    servers.type("typed ")
    await servers.kill()
    assert servers.sources == ["typed one", "two"], "nobody touched the file"
    await servers.room.content.committed()
    servers.write("one", "two, by another program")
    await servers.kill()
    assert servers.sources == ["typed one", "two, by another program"]


async def test_nothing_is_left_of_openings_that_fail(servers: Servers) -> None:
    (servers.folder / "bad.ipynb").write_text("{not JSON")
    servers.write("one")
    await servers.start()

    def files() -> int:
        gc.collect()
        return sum(isinstance(thing, RoomFile) for thing in gc.get_objects())

    before = files()
    for _ in range(3):
        with pytest.raises(ChannelClosed):
            await servers.maker.make(RoomKey("bad.ipynb", "json", "notebook"))
    assert files() == before
