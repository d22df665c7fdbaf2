"""A real server keeps as much history as it is told to: what is older is one snapshot, and nobody notices."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from support.server import Server, until
from support.tab import Tab

from rtc_widgets.stores import Entry, SqliteStore

# Each starts a server twice.
pytestmark = pytest.mark.timeout(180)

KEYS = 40


async def type_(tab: Tab, word: str) -> None:
    """Type *word* so often that there are some entries, each committed before the next."""
    for _ in range(KEYS):
        tab.cell(0)["source"].insert(0, word)
        await tab.committed()


async def closed(server: Server) -> None:
    await asyncio.to_thread(
        until, lambda: not server.api("/api/rtc_widgets/status")["rooms"], "the document is closed"
    )


async def kept(log: Path, name: str) -> list[Entry]:
    async with aclosing(SqliteStore(log)) as store:
        return [entry async for entry in store.read(name)]


async def test_what_is_older_than_the_window_is_one_snapshot_once_all_have_left(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    log = tmp_path / "log.sqlite"
    server = serve(
        options=[f"--RelayApp.store_path={log}", "--RelayApp.close_delay=2", "--RelayApp.history_days=0"]
    )
    path = server.notebook("old.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await type_(ada, "a ")
        await ada.request("comments.add", thread="t", comment="c", body="Kept.", anchor={"kind": "document"})
        name, lineage, sources = ada.comm_id, ada.welcome and ada.welcome.lineage, ada.sources
    ada._socket = None  # what is typed from here on is typed without a connection
    await closed(server)
    (gone,) = re.findall(rf"The log of {name} has (\d+) entries less", server.log)
    assert int(gone) >= KEYS
    # While it still runs, and after a restart: it is the same document, for who was there and for who is new.
    for word in ("once ", "twice "):
        ada.cell(0)["source"].insert(0, word)
        sources = [word + sources[0]]
        async with Tab(server, path, doc=ada.doc, lineage=lineage) as back, Tab(server, path) as eve:
            assert back.closed is None
            await eve.until(lambda: eve.sources == sources, "what was typed meanwhile is here")  # noqa: B023
            eve.cell(0)["source"].insert(0, "eve ")
            sources = ["eve " + sources[0]]
            await back.until(lambda: back.sources == sources, "both go on")  # noqa: B023
            await eve.save()
        back._socket = None
        await asyncio.to_thread(server.stop)
        if word == "once ":
            entries = await kept(log, name)
            assert [(entry.kind, entry.label, entry.author) for entry in entries] == [
                ("snapshot", lineage, None)
            ]
        await asyncio.to_thread(server.start)
    async with Tab(server, path, document="annotations") as said:
        assert b"Kept." in said.doc.get_update()


async def test_a_log_over_its_size_loses_its_older_half_and_nothing_that_has_a_name(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    log = tmp_path / "log.sqlite"
    server = serve(
        options=[f"--RelayApp.store_path={log}", "--RelayApp.close_delay=2", "--RelayApp.max_log_size=3000"]
    )
    path = server.notebook("long.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await type_(ada, "a ")
        name = ada.comm_id
    await closed(server)
    await asyncio.to_thread(server.stop)
    before = await kept(log, name)
    assert before[0].kind == "snapshot"
    assert 0 < len([entry for entry in before if entry.by == "person" and entry.author]) < KEYS
    # A state that has a name: nothing from there on is put into a snapshot, however long the log becomes.
    async with aclosing(SqliteStore(log)) as store:
        named = await store.append(
            name, [Entry(before[-1].update, "ada", time.time(), "update", "first draft", by="person")]
        )
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as ada:
        await type_(ada, "b ")
        await type_(ada, "c ")
        sources = ada.sources
        await ada.save()
    await closed(server)
    await asyncio.to_thread(server.stop)
    after = await kept(log, name)
    assert [entry.seq for entry in after if entry.label == "first draft"] == [named]
    assert len([entry for entry in after if entry.seq > named and entry.kind == "update"]) >= 2 * KEYS
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as eve:
        assert eve.sources == sources == server.sources(path)
