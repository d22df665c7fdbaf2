"""A room that has closed is gone: nothing waits for Python's collector, which may not look for minutes."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import MemorySignatureStore
from pycrdt import Array
from support.conversation import Peer

from rtc_widgets.documents.text import set_text
from rtc_widgets.relay.index import RoomIndex
from rtc_widgets.relay.opening import RoomMaker
from rtc_widgets.relay.relay import RelaySettings
from rtc_widgets.rooms.manager import RoomKey, RoomManager
from rtc_widgets.rooms.room import Room
from rtc_widgets.stores.memory import MemoryStore

NOTEBOOK = RoomKey("a.ipynb", "json", "notebook")
AS_TEXT = RoomKey("a.ipynb", "text", "file")


class Rooms:
    """The rooms of a server, which close as soon as they are empty, and what is left of them."""

    def __init__(self, folder: Path) -> None:
        cell = {"id": "one", "cell_type": "code", "metadata": {}, "source": "a = 1"}
        cells = [{**cell, "outputs": [], "execution_count": None}]
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (folder / "a.ipynb").write_text(json.dumps(notebook))
        contents: Any = AsyncLargeFileManager(root_dir=str(folder), delete_to_trash=False)
        contents.notary.store = MemorySignatureStore()
        self.index = RoomIndex(folder / "rooms.sqlite")
        settings = RelaySettings(save_delay=3600.0, save_max_wait=3600.0, poll_interval=3600.0)
        maker = RoomMaker(contents, MemoryStore(), self.index, settings)
        self.manager = RoomManager(
            maker.make, close_delay=0.0, forget=self.index.forget, make_view=maker.make_view
        )
        self._refs: list[weakref.ref[Any]] = []

    async def visit(self, key: RoomKey) -> None:
        """Open a room, type and save in it, and leave it."""
        room = await self.manager.open(key)
        for open_ in {room, room.source or room}:
            self._watch(open_)
        ada = Peer(room.content, "ada").join()
        source = ada.text if key is AS_TEXT else ada.doc.get("cells", type=Array)[0]["source"]
        set_text(source, str(source).replace("a = 1", "a = 12"))
        await room.backing.save()
        set_text(source, str(source).replace("a = 12", "a = 1"))
        room.content.leave(ada)
        ada.doc.unobserve(ada._observer)  # a peer, too, goes at once
        self.manager.settle(room)

    def _watch(self, room: Room) -> None:
        parts = (room, room.backing, room.content, room.content.doc, room.annotations, room.annotations.doc)
        self._refs += [weakref.ref(part) for part in parts]

    @property
    def alive(self) -> list[str]:
        """Return what is still there of the rooms that were opened."""
        return [type(part).__name__ for ref in self._refs if (part := ref()) is not None]


async def until(fact: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not fact():
            await asyncio.sleep(0.005)


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    rooms = Rooms(tmp_path)
    yield rooms
    await rooms.manager.aclose()
    await rooms.index.aclose()


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("key", [NOTEBOOK, AS_TEXT], ids=["notebook", "text"])
async def test_nothing_is_left_of_rooms_that_closed(rooms: Rooms, key: RoomKey) -> None:
    for _ in range(5):
        await rooms.visit(key)
        assert rooms.alive, "it is looked for in the right place"
        await until(lambda: not rooms.manager.rooms)
    await until(lambda: not rooms.alive)


async def test_nothing_is_left_of_a_room_whose_file_was_deleted(rooms: Rooms, tmp_path: Path) -> None:
    await rooms.visit(AS_TEXT)
    (tmp_path / "a.ipynb").unlink()
    await rooms.manager.delete("a.ipynb")
    await until(lambda: not rooms.alive)
