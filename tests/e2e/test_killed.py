"""A server is killed, at rest or while it writes, and its file changed meanwhile: all is there, once, and goes on."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import pytest
from jupyter_ydoc import YNotebook
from pycrdt import Array, Doc, Provider
from support.gates import GATES, Gate
from support.server import Server, until
from support.stock import Socket, closed, stock
from support.tab import Tab

import rtc_widgets
from rtc_widgets.documents.link import LinkState
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.rooms.log import load
from rtc_widgets.rooms.room import comm_id
from rtc_widgets.stores.sqlite import SqliteStore

pytestmark = pytest.mark.timeout(120)

UNSAVED = ["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000", "--RelayApp.poll_interval=0.1"]


# As on a file system where WAL finds no shared memory: one of SQLite's own.
NO_SHARED_MEMORY = """
import sqlite3

def connect(path, *args, connect=sqlite3.connect, **options):
    if path and "rtc_widgets" in str(path) and not options.get("uri"):
        path, options["uri"] = f"file:{path}?vfs=unix-none", True
    return connect(path, *args, **options)

sqlite3.connect = connect
"""


def connect(server: Server, path: str) -> Any:
    return rtc_widgets.connect_async(server.url, token=server.token, path=path)


def words(sources: list[str]) -> Counter[str]:
    return Counter(word for source in sources for word in source.split())


async def logged(server: Server, tab: Tab) -> list[str]:
    """Return the sources of a document as the log alone has them; for a server that is stopped."""
    assert tab.welcome is not None
    (path,) = (file for file in _logs(server) if "." not in file.stem)
    doc: Doc[Any] = Doc()
    async with aclosing(SqliteStore(path)) as store:
        assert await load(store, comm_id(tab.welcome.room, "content"), doc, tab.welcome.lineage)
    return [cell["source"] for cell in doc.get("cells", type=Array).to_py()]


def _logs(server: Server) -> list[Path]:
    return list((server.work / "data/rtc_widgets").glob("*.sqlite"))


def again(tab: Tab) -> Tab:
    """Return a tab that comes back as browsers do: with its document, and the lineage that it knows."""
    assert tab.welcome is not None
    return Tab(tab.server, tab.path, doc=tab.doc, lineage=tab.welcome.lineage)


def put_back(server: Server, path: str, before: bytes) -> None:
    """Put the file back to what it was before anybody had typed."""
    (server.root / path).write_bytes(before)


def edit(server: Server, path: str, before: bytes) -> None:
    """Edit the file as another program does, which may have had it open before: a line more, and a cell more."""
    notebook = json.loads((server.root / path).read_bytes() or before)
    first = notebook["cells"][0]
    notebook["cells"].append({**first, "id": "outside", "source": "their-cell"})
    first["source"] = "".join(first["source"]) + "\ntheir-line"
    server.write(path, notebook)


def leave(_server: Server, _path: str, _before: bytes) -> None:
    """Leave the file as it is."""


@pytest.mark.parametrize("meanwhile", [put_back, edit, leave], ids=["older", "newer", "equal"])
@pytest.mark.parametrize("moment", ["at rest", "half", "written"])
async def test_all_is_there_once(serve: Any, moment: str, meanwhile: Any) -> None:
    server: Server = serve(options=UNSAVED, config=GATES)
    path = server.notebook("killed.ipynb", "first", "second")
    before = (server.root / path).read_bytes()
    async with AsyncExitStack() as stack:
        tab = await stack.enter_async_context(Tab(server, path))
        nb = await stack.enter_async_context(connect(server, path))
        tab.cell(0)["source"].insert(0, "ada-kept\n")
        nb[1].source += "\nben-kept"
        nb.append("ben-cell")
        await tab.committed()
        await nb.synced()
        if meanwhile is leave:
            await tab.save()
        if moment != "at rest":
            gate = await stack.enter_async_context(Gate(server, moment))
            tab.cell(0)["source"].insert(0, "ada-saves\n")
            await tab.committed()
            tab.ask_to_save()
            await gate.reached()
        # Stopped, it acknowledges no more; what is typed now only its writers know.
        server.signal(signal.SIGSTOP)
        tab.cell(1)["source"].insert(0, "ada-sent\n")
        nb[0].source += "\nben-sent"
        nb.append("ben-new-cell")
        await asyncio.to_thread(server.stop, True)
        await tab.until(lambda: tab.hung_up or tab.closed, "the tab notices")
        await asyncio.to_thread(until, lambda: nb.state is LinkState.OFFLINE, "the script notices")
        if moment != "at rest":
            await gate.__aexit__()
        meanwhile(server, path, before)
        await asyncio.to_thread(server.start)
        back = await stack.enter_async_context(again(tab))
        assert back.closed is None
        await nb.synced()
        await back.committed()
        mine = {"ada-kept", "ben-kept", "ben-cell", "ada-sent", "ben-sent", "ben-new-cell"}
        theirs = {"their-line", "their-cell"} if meanwhile is edit else set()
        saved = {"ada-saves"} if moment != "at rest" else set()
        want = Counter({"first", "second"} | mine | theirs | saved)
        await back.until(lambda: words(back.sources) == want, lambda: f"all is there, once: {back.sources}")
        for _ in range(2):  # whatever the save brings in from the file has come by then
            await back.save()
        await back.until(lambda: [cell.source for cell in nb] == back.sources, "the script has the same")
        assert words(back.sources) == want
        assert server.sources(path) == back.sources
        ids = [cell["id"] for cell in back.cells]
        assert len(set(ids)) == len(ids) and [cell["id"] for cell in server.read(path)["cells"]] == ids
    await asyncio.to_thread(server.stop, True)
    assert await logged(server, back) == back.sources


async def test_a_file_put_back_takes_back_what_had_been_saved_and_nothing_else(serve: Any) -> None:
    """As a `git checkout` does: it is somebody's decision, whether the server runs or not."""
    server: Server = serve(options=UNSAVED)
    path = server.notebook("checkout.ipynb", "first", "second")
    before = (server.root / path).read_bytes()
    async with Tab(server, path) as tab, connect(server, path) as nb:
        tab.cell(0)["source"].insert(0, "saved\n")
        await tab.save()
        tab.cell(1)["source"].insert(0, "kept\n")
        await tab.committed()
        await asyncio.to_thread(server.stop, True)
        nb.append("sent")
        put_back(server, path, before)
        await asyncio.to_thread(server.start)
        async with again(tab) as back:
            await nb.synced()
            await back.until(
                lambda: back.sources == ["first", "kept\nsecond", "sent"], lambda: f"{back.sources}"
            )
            await back.save()
            assert server.sources(path) == [cell.source for cell in nb] == back.sources


@pytest.fixture
def forgetful(serve: Any) -> Server:
    """A server that saves when it is asked to."""
    server: Server = serve(options=UNSAVED)
    return server


async def kill_and_forget(server: Server) -> None:
    """Kill the server and delete all that it has noted, and not the notebooks."""
    await asyncio.to_thread(server.stop, True)
    for file in (server.work / "data/rtc_widgets").iterdir():
        file.unlink()


async def test_without_the_log_what_was_not_acknowledged_comes_back_by_cell_id(forgetful: Server) -> None:
    path = forgetful.notebook("forgotten.ipynb", "first", "second", "third")
    doc: Doc[Any] = Doc()
    async with AsyncExitStack() as stack:
        tab = await stack.enter_async_context(Tab(forgetful, path))
        ada = await stack.enter_async_context(connect(forgetful, path))
        ben = await stack.enter_async_context(connect(forgetful, path))
        async with stock(forgetful, path) as socket, Provider(doc, Socket(socket, path)) as provider:
            await asyncio.wait_for(provider.synced.wait(), 30)
        ada[0].source += "\nada-kept"
        ben.append("ben-cell")
        await ada.synced()
        await ben.synced()
        await tab.save()
        # Stopped, it acknowledges no more.
        forgetful.signal(signal.SIGSTOP)
        ada[0].source += "\nada-sent"
        ben[0].source = "ben-sent\n" + ben[0].source
        ben[1].move(after=ben[2])
        ben[3].source += "\nben-adds"
        del ada[2]
        ada.append("ada-cell")
        doc.get("cells", type=Array)[0]["source"].insert(0, "stock ")
        await kill_and_forget(forgetful)
        await asyncio.to_thread(forgetful.start)
        async with stock(forgetful, path) as socket:
            assert await closed(doc, socket, path) == CloseCode.LINEAGE_MISMATCH.websocket == 4412
        async with again(tab) as back:
            assert back.closed is not None and back.closed["code"] == CloseCode.LINEAGE_MISMATCH
        await ada.synced()
        await ben.synced()
        async with Tab(forgetful, path) as fresh:
            want = words(["first ada-kept ada-sent ben-sent second third ben-cell ben-adds ada-cell"])
            await fresh.until(lambda: words(fresh.sources) == want, lambda: f"all, once: {fresh.sources}")
            await fresh.save()
            for nb in (ada, ben):
                await fresh.until(
                    lambda nb=nb: [cell.source for cell in nb] == fresh.sources, "the scripts have the same"
                )
            ids = [cell["id"] for cell in fresh.cells]
            assert len(set(ids)) == len(ids) == 5
            assert forgetful.sources(path) == fresh.sources
    await asyncio.to_thread(forgetful.stop, True)
    assert await logged(forgetful, fresh) == fresh.sources


async def test_without_the_log_and_never_saved_everybody_brings_back_everything(forgetful: Server) -> None:
    """The file is as it was seeded, so the document is the same, and even what the log had acknowledged returns."""
    path = forgetful.notebook("reseeded.ipynb", "first", "second")
    doc: Doc[Any] = Doc()
    async with AsyncExitStack() as stack:
        tab = await stack.enter_async_context(Tab(forgetful, path))
        nb = await stack.enter_async_context(connect(forgetful, path))
        async with stock(forgetful, path) as socket, Provider(doc, Socket(socket, path)) as provider:
            await asyncio.wait_for(provider.synced.wait(), 30)
            doc.get("cells", type=Array)[1]["source"].insert(0, "stock ")
            await tab.until(lambda: "stock" in words(tab.sources), "the stock client is heard")
        tab.cell(0)["source"].insert(0, "ada-kept ")
        await tab.committed()
        nb.append("ben-kept")
        await nb.synced()
        forgetful.signal(signal.SIGSTOP)
        nb[1].source += " ben-sent"
        await kill_and_forget(forgetful)
        await asyncio.to_thread(forgetful.start)
        want = words(["first second stock ada-kept ben-kept ben-sent"])
        async with (
            again(tab) as back,
            stock(forgetful, path) as socket,
            Provider(doc, Socket(socket, path)) as provider,
        ):
            assert back.closed is None
            await nb.synced()
            await back.until(lambda: words(back.sources) == want, lambda: f"all, once: {back.sources}")
            await back.save()
            assert forgetful.sources(path) == back.sources == [cell.source for cell in nb]
            theirs = YNotebook(doc)
            await back.until(
                lambda: [cell["source"] for cell in theirs.source["cells"]] == back.sources, "stock has it"
            )


async def test_a_log_that_moves_to_where_there_is_no_wal(forgetful: Server) -> None:
    """As home folders do that get onto a file server: the log of a killed server is read, and goes on by a journal."""
    path = forgetful.notebook("moves.ipynb", "first")
    async with Tab(forgetful, path) as tab:
        tab.cell(0)["source"].insert(0, "local ")
        await tab.committed()
        await asyncio.to_thread(forgetful.stop, True)
        (forgetful.work / "config/jupyter_server_config.py").write_text(NO_SHARED_MEMORY)
        assert all(
            log.with_name(f"{log.name}-wal").exists() for log in _logs(forgetful) if "." not in log.stem
        )
    for word in ("there ", "again "):
        await asyncio.to_thread(forgetful.start)
        async with Tab(forgetful, path) as tab:
            tab.cell(0)["source"].insert(0, word)
            await tab.committed()
            await asyncio.to_thread(forgetful.stop, True)
        assert list((forgetful.work / "data/rtc_widgets").glob("*-wal")) == []
    assert await logged(forgetful, tab) == ["again there local first"]
