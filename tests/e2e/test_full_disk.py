"""The disk of the log is full for a while: files are written all the same, and nothing is lost."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from support.server import Server
from support.tab import Refused, Tab

# SQLite itself refuses more pages than there are, as on a full disk, while a file named "full" is there.
FULL = """
import sqlite3
from pathlib import Path

NAME = Path(__file__).with_name("full")

class Limited(sqlite3.Connection):
    def execute(self, sql, *values):
        if sql.startswith("BEGIN"):
            super().execute(f"PRAGMA max_page_count={1 if NAME.exists() else 2**30}").fetchall()
        return super().execute(sql, *values)

def connect(path, *args, connect=sqlite3.connect, **options):
    if "rtc_widgets" in str(path):
        options["factory"] = Limited
    return connect(path, *args, **options)

sqlite3.connect = connect
"""


def much(seed: int) -> str:
    """Return a text that no compression makes short."""
    return random.Random(seed).randbytes(50_000).hex()


async def test_what_the_log_does_not_take_is_written_into_the_file(serve: Any) -> None:
    server: Server = serve(config=FULL)
    full = server.work / "config" / "full"
    path, other = server.notebook("full.ipynb", "first"), server.notebook("other.ipynb", much(2))
    async with Tab(server, path) as tab:
        tab.cell(0)["source"].insert(0, "before ")
        await tab.committed()
        await tab.save()
        full.touch()
        tab.cell(0)["source"].insert(0, much(1) + " ")
        await tab.until(lambda: "store" in [said.params.get("code") for said in tab.events], "it is told")
        written = tab.written
        await tab.save()
        assert server.sources(path) == tab.sources
        assert tab.acknowledged < written
        with pytest.raises(Refused, match="Free some space") as refused:
            await asyncio.to_thread(Tab(server, other).ask)
        assert (refused.value.status, refused.value.code) == (500, "internal-error")
        full.unlink()
        await tab.until(lambda: tab.acknowledged >= written, "it is in the log now")
        tab.cell(0)["source"].insert(0, "after ")
        await tab.until(lambda: tab.acknowledged >= tab.written, "and what follows")
        want = tab.sources
        await asyncio.to_thread(server.stop, True)
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as back:
        assert back.sources == want
        await back.save()
        assert server.sources(path) == want
    assert "Traceback" not in server.log


async def test_a_server_that_stops_on_a_full_disk_writes_what_is_unsaved(serve: Any) -> None:
    server: Server = serve(
        config=FULL, options=["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000"]
    )
    path = server.notebook("stops.ipynb", "first")
    async with Tab(server, path) as tab:
        (server.work / "config" / "full").touch()
        tab.cell(0)["source"].insert(0, much(3) + " ")
        await tab.until(lambda: "store" in [said.params.get("code") for said in tab.events], "it is told")
        want = tab.sources
        await asyncio.to_thread(server.stop)
    assert server.sources(path) == want
    (server.work / "config" / "full").unlink()
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as back:
        assert back.sources == want


def test_a_server_whose_log_there_cannot_be_says_so_and_works_without(serve: Any) -> None:
    server: Server = serve(options=["--RelayApp.store_path=/dev/null/log.sqlite"])
    assert "Documents are opened without collaboration: /dev/null/log.sqlite" in server.log
    assert server.api(f"/api/contents/{server.notebook('a.ipynb', 'x = 1')}")["type"] == "notebook"
