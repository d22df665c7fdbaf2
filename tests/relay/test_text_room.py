"""The text of a notebook comes back from its log, whenever the server ended, and with what was not in the notebook."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import MemorySignatureStore
from pycrdt import Array, Text
from support.conversation import Peer

from rtc_widgets.documents.text import set_text
from rtc_widgets.documents.ycells import read_cells
from rtc_widgets.protocol import awareness
from rtc_widgets.relay.index import RoomIndex
from rtc_widgets.relay.opening import RoomMaker
from rtc_widgets.relay.projections import IN_STEP
from rtc_widgets.relay.relay import RelaySettings
from rtc_widgets.rooms.manager import RoomKey, RoomManager
from rtc_widgets.stores.entry import Entry
from rtc_widgets.stores.memory import MemoryStore

KEY = RoomKey("a.ipynb", "text", "file")


class Servers:
    """One server after another, on one folder and one log; each may end without a word."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryStore()
        self.index = RoomIndex(folder / "rooms.sqlite")
        self.dead: list[Any] = []
        cell = {"id": "one", "cell_type": "code", "metadata": {}, "source": "a = 1"}
        cells = [{**cell, "outputs": [], "execution_count": None}]
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (folder / "a.ipynb").write_text(json.dumps(notebook))

    async def start(self) -> Peer:
        """Start a server, and return a person who has the notebook open as text."""
        contents: Any = AsyncLargeFileManager(root_dir=str(self.folder), delete_to_trash=False)
        contents.notary.store = MemorySignatureStore()
        settings = RelaySettings(save_delay=3600.0, save_max_wait=3600.0, poll_interval=3600.0)
        maker = RoomMaker(contents, self.store, self.index, settings)
        self.rooms = RoomManager(maker.make, close_delay=3600.0, make_view=maker.make_view)
        self.text = await self.rooms.open(KEY)
        notebook = self.rooms.get("a.ipynb")
        assert notebook is not None
        self.notebook = notebook
        self.ada = Peer(self.text.content, "ada").join()
        self.ben = Peer(self.notebook.content, "ben").join()
        return self.ada

    async def kill(self) -> Peer:
        """End this server, whose logs were written, and start the next."""
        for room in (self.text, self.notebook):
            await room.content.committed()
        self.dead.append(self.notebook)
        backing: Any = self.text.backing
        backing._closed = True
        backing._pace.stop()
        for task in backing._tasks:
            task.cancel()
        return await self.start()

    @property
    def sources(self) -> list[str]:
        return [cell["source"] for cell in read_cells(self.notebook.content.doc)]

    @property
    def seen_by_ben(self) -> str:
        return str(self.ben.doc.get("cells", type=Array)[0]["source"])

    @property
    def said(self) -> str:
        return str(self.text.content.doc.get("source", type=Text))

    def write(self, source: str) -> None:
        """Set the notebook's cell, as Ben does, who has it open."""
        set_text(self.ben.doc.get("cells", type=Array)[0]["source"], source)

    def replace(self, old: str, new: str) -> None:
        set_text(self.ada.text, str(self.ada.text).replace(old, new))

    def log(self, room: Any) -> list[Entry]:
        return self.store._logs[room.content.comm_id]

    async def noted(self) -> None:
        """Wait until the log says that the notebook has everything."""
        await until(lambda: self.log(self.text)[-1].label == IN_STEP)


async def until(fact: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not fact():
            await asyncio.sleep(0.005)


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    servers = Servers(tmp_path)
    yield servers
    for room in [*servers.dead, servers.notebook]:
        watch = room.backing._watch
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
    await servers.text.backing.aclose()
    await servers.index.aclose()


async def test_what_was_in_the_notebook_already_is_no_change_after_a_crash(servers: Servers) -> None:
    ada = await servers.start()
    servers.replace("a = 1", "a = 2")
    await until(lambda: servers.sources == ["a = 2"])
    await servers.noted()
    servers.text.content.leave(ada)
    servers.write("a = 3")
    await servers.kill()
    assert servers.sources == ["a = 3"] and '"a = 3"' in servers.said


async def test_what_was_in_the_text_s_log_only_is_taken_over_after_a_crash(servers: Servers) -> None:
    await servers.start()
    servers.replace("a = 1", "a = 2")
    assert servers.sources == ["a = 1"]
    await servers.kill()
    await until(lambda: servers.sources == ["a = 2"])
    await servers.notebook.content.committed()
    assert servers.log(servers.notebook)[-1].author == "ada", "it is still hers"
    assert servers.said.count('"a = 2"') == 1


async def test_a_text_that_is_no_notebook_is_there_after_a_crash_and_is_mended(servers: Servers) -> None:
    await servers.start()
    servers.replace('"a = 1"', '"a = 2')
    await until(lambda: any(told.name == "projection" for told in servers.ada.events))
    servers.write("a = 1\nb = 3")
    ada = await servers.kill()
    assert servers.sources == ["a = 1\nb = 3"] and '"a = 2\n' in servers.said
    servers.replace('"a = 2', '"a = 2"')
    await until(lambda: servers.sources == ["a = 2\nb = 3"])
    await until(lambda: '"a = 2\\n",\n    "b = 3"' in str(ada.text))


async def test_the_log_of_a_text_does_not_grow_for_ever(servers: Servers) -> None:
    await servers.start()
    for number in range(2, 6):
        servers.replace(f"a = {number - 1}", f"a = {number}")
        await until(lambda: servers.sources == [f"a = {number}"])  # noqa: B023
    await servers.noted()
    lineage = servers.text.content.lineage
    await servers.kill()
    first, *_ = servers.log(servers.text)
    assert (first.kind, first.label) == ("snapshot", lineage)
    assert servers.text.content.lineage == lineage and servers.sources == ["a = 5"]


async def test_who_typed_and_who_wrote_is_in_both_logs(servers: Servers) -> None:
    await servers.start()
    servers.replace("a = 1", "a = 2")
    await until(lambda: servers.seen_by_ben == "a = 2")
    servers.write("a = 2 + b")
    await until(lambda: "a = 2 + b" in servers.said)
    for room in (servers.text, servers.notebook):
        await room.content.committed()
    assert "ada" in [entry.author for entry in servers.log(servers.notebook)]
    authors = [entry.author for entry in servers.log(servers.text) if entry.author]
    assert [author for author in authors if author != "relay"] == ["ada", "ben"]


async def test_who_has_it_open_in_either_form_is_seen_in_the_other(servers: Servers) -> None:
    ada = await servers.start()
    ben, kernel = servers.ben, Peer(servers.notebook.content, "ben").join()
    _say(ada, 1, user={"username": "ada"}, activeCell="one", cursors=[1])
    _say(ben, 2, user={"username": "ben"}, activeCell="one", cursors=[2])
    kernel.kind = "kernel"
    _say(kernel, 3, user={"username": "ben"}, kind="kernel", cell="one", status="training")
    await until(lambda: len(_seen(ada, "notebook")) == 2 and len(_seen(ben, "text")) == 1)
    text, notebook = {"view": "text"}, {"view": "notebook"}
    assert ("ada", {"activeCell": "one", **text}) in _told(ben)
    assert ("ben", {"activeCell": "one", **notebook}) in _told(ada)
    assert ("kernel", {"kind": "kernel", "cell": "one", "status": "training", **notebook}) in _told(ada)
    # Who comes later sees them, too.
    zoe = Peer(servers.text.content, "zoe").join()
    assert len(zoe.states) == 3
    servers.notebook.content.leave(kernel)
    servers.notebook.content.leave(ben)
    await until(lambda: not _seen(ada, "notebook"))
    servers.text.content.leave(ada)
    servers.text.content.leave(zoe)
    assert servers.text.empty, "those who are only told of keep nothing open"


def _told(peer: Peer) -> list[tuple[str, dict[str, Any]]]:
    """Return of each state that a peer was told whose it is, and the rest."""
    states = [dict(state) for state in peer.states.values() if state]
    return [(state.pop("user")["username"], state) for state in states]


def _say(peer: Peer, client: int, **state: Any) -> None:
    told = awareness.State(client, 1, json.dumps(state))
    peer.say(awareness.encode(awareness.encode_states([told])))


def _seen(peer: Peer, view: str) -> list[dict[str, Any]]:
    """Return what *peer* is told of those who have the notebook open in that form."""
    return [state for state in peer.states.values() if state and state.get("view") == view]
