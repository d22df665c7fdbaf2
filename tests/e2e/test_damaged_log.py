"""A log that was damaged on disk: set aside, and documents are there from their files and what can be read."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from support.tab import Tab

from rtc_widgets.protocol.codes import CloseCode

PAGE = 4096
# Each starts a server twice.
pytestmark = pytest.mark.timeout(180)


def remarks(tab):
    return [told.params for told in tab.events if told.params.get("code") == "damaged"]


async def typed(tab, text):
    """Type at the beginning of the first cell, each key a change of its own."""
    for key in reversed(text):
        tab.cell(0)["source"].insert(0, key)
    await tab.committed()


def damage(log, part):
    """Write over the page that has the entry which stands at *part* of the log, and return the file as it is then."""
    with sqlite3.connect(log) as connection:
        rows = connection.execute("SELECT data FROM entries ORDER BY seq").fetchall()
    connection.close()
    (entry,) = rows[int(len(rows) * part)]
    data = bytearray(log.read_bytes())
    page = data.index(entry) // PAGE
    assert page, "not the page that says what the file is"
    data[page * PAGE : (page + 1) * PAGE] = b"\xaa" * PAGE
    log.write_bytes(data)
    return bytes(data)


def aside(log):
    return [
        file for file in log.parent.glob(f"{log.name}.damaged-*") if file.suffix[-4:] not in ("-wal", "-shm")
    ]


async def test_a_damaged_log_is_set_aside_and_a_document_is_what_file_and_log_have(serve, tmp_path):
    log = tmp_path / "log.sqlite"
    server = serve(options=[f"--RelayApp.store_path={log}"])
    path, other = server.notebook("a.ipynb", "x = 1", "y = 2"), server.notebook("b.ipynb", "z = 3")
    async with Tab(server, other) as ben:
        await typed(ben, "# kept ")
        await ben.save()
    async with Tab(server, path) as ada:
        await typed(ada, "# first " + "a" * 150)
        await ada.save()
        await typed(ada, "then " + "b" * 150)
        await ada.save()
        sources, lineage = ada.sources, ada.welcome.lineage
    ada._socket = None
    await asyncio.to_thread(server.stop)
    with_damage = damage(log, 0.7)
    await asyncio.to_thread(server.start)
    # Who had the document open brings what the log lost: it must not stand twice.
    async with Tab(server, path, doc=ada.doc, lineage=lineage) as back:
        assert back.closed is not None and back.closed["code"] == CloseCode.LINEAGE_MISMATCH
    async with Tab(server, path) as fresh, Tab(server, other) as untouched:
        assert fresh.sources == sources == server.sources(path)
        await fresh.until(lambda: remarks(fresh), "the tab is told")
        assert (
            remarks(fresh)[0]["level"] == "warning" and "made from its file" in remarks(fresh)[0]["message"]
        )
        assert untouched.sources == ["# kept z = 3"]
        await untouched.until(lambda: remarks(untouched), "everybody is told")
        await fresh.committed()
        await typed(fresh, "more ")
        await fresh.save()
    assert server.sources(path)[0] == "more " + sources[0]
    assert "was damaged" in server.log and "set aside as log.sqlite.damaged-" in server.log
    (found,) = aside(log)
    assert found.read_bytes() == with_damage


@pytest.mark.parametrize("what", ["the log", "the list of documents", "both"])
async def test_where_nothing_can_be_read_the_files_are_there(serve, tmp_path, what):
    log = tmp_path / "log.sqlite"
    server = serve(options=[f"--RelayApp.store_path={log}"])
    path = server.notebook("a.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await typed(ada, "# kept ")
        await ada.save()
    await asyncio.to_thread(server.stop)
    for name in {"the log": [log], "the list of documents": [log.with_suffix(".rooms.sqlite")]}.get(
        what, [log, log.with_suffix(".rooms.sqlite")]
    ):
        name.write_bytes(b"\xaa" * 20_000)
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as back:
        assert back.sources == ["# kept x = 1"]
        await back.until(lambda: remarks(back), "the tab is told")
        await typed(back, "more ")
        await back.save()
    assert server.sources(path) == ["more # kept x = 1"]
