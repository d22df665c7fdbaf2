"""What the server has noted is deleted, or replaced, while it runs: it is written again, and nothing is lost."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.server import Server
from support.tab import Tab

import rtc_widgets

# Each starts a server twice.
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def server(serve: Any) -> Server:
    """A server that saves when it is asked to, so that what was typed is nowhere but in its log."""
    started: Server = serve(options=["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000"])
    return started


def folder(server: Server) -> Path:
    return server.work / "data/rtc_widgets"


def noted(server: Server) -> set[str]:
    """Return the files in which it notes things, but for SQLite's own beside them."""
    return {file.name for file in folder(server).glob("*") if file.suffix in (".sqlite", ".lock")}


def delete_all(server: Server) -> None:
    for file in folder(server).iterdir():
        file.unlink()


def delete_folder(server: Server) -> None:
    shutil.rmtree(folder(server))


def delete_log(server: Server) -> None:
    log(server).unlink()


def log(server: Server) -> Path:
    (path,) = (file for file in folder(server).glob("*.sqlite") if "." not in file.stem)
    return path


async def typed(tab: Tab, text: str) -> None:
    tab.cell(0)["source"].insert(0, text)
    await tab.committed()


@pytest.mark.parametrize("delete", [delete_all, delete_folder, delete_log])
async def test_a_log_that_is_deleted_under_a_running_server_is_written_again(
    server: Server, delete: Any
) -> None:
    path, rests = server.notebook("a.ipynb", "first", "second"), server.notebook("b.ipynb", "rests")
    async with Tab(server, path) as ada, Tab(server, rests) as ben:
        async with rtc_widgets.connect_async(server.url, token=server.token, path=path) as nb:
            await typed(ben, "typed before ")
            await typed(ada, "before ")
            nb[1].comment("kept", on="second")
            await nb.synced()
            files = noted(server)
            delete(server)
            await typed(ada, "after ")
            nb[1].comment("kept, too", on="second")
            await nb.synced()
            await ada.until(lambda: noted(server) == files, "it is written again")
        lineage = ada.welcome.lineage if ada.welcome else None
        await asyncio.to_thread(server.stop, True)
    await asyncio.to_thread(server.start)
    async with Tab(server, path, doc=ada.doc, lineage=lineage) as back, Tab(server, rests) as rested:
        assert back.closed is None, "the server knows the document that was open"
        assert back.sources == ["after before first", "second"]
        assert rested.sources == ["typed before rests"]
        async with rtc_widgets.connect_async(server.url, token=server.token, path=path) as nb:
            assert {thread.body for thread in nb.comments} == {"kept", "kept, too"}
    assert "was deleted while this server used it, and is written again" in server.log
    assert "Traceback" not in server.log


async def test_a_server_that_comes_after_does_not_take_the_log_that_was_deleted(
    server: Server, serve: Any
) -> None:
    path = server.notebook("a.ipynb", "first")
    async with Tab(server, path) as ada:
        await typed(ada, "before ")
        files = noted(server)
        delete_all(server)
        await ada.until(lambda: noted(server) == files, "it is written again")
        second: Server = await asyncio.to_thread(serve, beside=server)
        assert "Another server holds" in second.log
        await typed(ada, "after ")
        await asyncio.to_thread(second.stop)
        await asyncio.to_thread(server.stop, True)
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as back:
        assert back.sources == ["after before first"]


async def test_a_log_that_is_replaced_takes_nothing_until_it_is_moved_away(server: Server) -> None:
    path = server.notebook("a.ipynb", "first")
    async with Tab(server, path) as ada:
        await typed(ada, "before ")
        theirs = folder(server) / "theirs"
        theirs.write_bytes(b"of another program")
        theirs.replace(log(server))
        ada.cell(0)["source"].insert(0, "meanwhile ")
        written = ada.written

        def told() -> list[Any]:
            return [said.params for said in ada.events if said.params.get("code") == "store"]

        await ada.until(told, "it is told")
        assert "was replaced by another file" in told()[0]["message"]
        assert ada.acknowledged < written
        assert log(server).read_bytes() == b"of another program"
        await ada.save()
        assert server.sources(path) == ["meanwhile before first"]
        log(server).rename(folder(server) / "theirs")
        await ada.until(lambda: ada.acknowledged >= written, "it is in the log now")
        await typed(ada, "after ")
        await asyncio.to_thread(server.stop, True)
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as back:
        assert back.sources == ["after meanwhile before first"]
    assert "Traceback" not in server.log
