"""A secret was pasted and deleted: by command it is in nothing that a real server keeps, and the server goes on."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Array, Text
from support.command import rtc
from support.server import Server, until
from support.tab import Tab

# Each starts a server twice.
pytestmark = pytest.mark.timeout(180)

SECRET = "hunter2-correct-horse"
OPTIONS = ["--RelayApp.close_delay=2", "--RelayApp.snapshot_every=3"]


def purge(server: Server, path: str, *more: str) -> subprocess.CompletedProcess[str]:
    return rtc(server, "purge", path, *more)


def store(server: Server) -> Path:
    return server.work / "data/rtc_widgets"


def holding(server: Server, secret: str = SECRET) -> set[str]:
    """Return which files of the store have *secret* in any of their bytes, or of their rows where these are packed."""
    found = set()
    for file in store(server).rglob("*"):
        if file.is_file() and any(secret.encode() in part for part in _parts(file)):
            found.add(str(file.relative_to(store(server))).partition(".")[2])
    return found


def _parts(file: Path) -> Iterator[bytes]:
    yield file.read_bytes()
    if file.suffix != ".sqlite":
        return
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as rows:
        for (table,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in rows.execute(f"SELECT * FROM {table}"):
                for value in row:
                    if isinstance(value, bytes):
                        with contextlib.suppress(zlib.error):
                            yield zlib.decompress(value)


async def pasted(tab: Tab) -> None:
    """Paste the secret into the first cell, and delete it again once it was saved."""
    source = tab.cell(0)["source"]
    line = f"password = '{SECRET}'\n"
    source.insert(0, line)
    await tab.save()
    del source[0 : len(line)]
    for word in ("a ", "b ", "c ", "d "):
        source.insert(0, f"# {word}\n")
    await tab.save()


def _is_closed(server: Server) -> bool:
    return not server.api("/api/rtc_widgets/status")["rooms"]


async def test_it_is_refused_while_the_server_runs_and_done_once_it_is_stopped(
    serve: Callable[..., Server],
) -> None:
    server = serve(options=OPTIONS)
    path = server.notebook("folder/secret.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await pasted(ada)
        refused = await asyncio.to_thread(purge, server, path)
        assert refused.returncode == 1 and "Stop it first" in refused.stderr and not refused.stdout
        assert len(refused.stderr.splitlines()) == 1, "and nothing that a server would be advised"
        ada.cell(0)["source"].insert(0, "goes on ")
        await ada.save()
        lineage, sources = ada.welcome and ada.welcome.lineage, ada.sources
    ada._socket = None  # what is typed from here on is typed while the server is away
    await asyncio.to_thread(server.stop)
    assert holding(server), "the history has it"
    ada.cell(0)["source"].insert(0, "offline ")
    done = await asyncio.to_thread(purge, server, path)
    assert done.returncode == 0 and "entries of its history are gone" in done.stdout, done.stderr
    assert holding(server) == set()
    # Who was there comes back with what was typed meanwhile, into the same document, and it stands once.
    await asyncio.to_thread(server.start)
    async with Tab(server, path, doc=ada.doc, lineage=lineage) as back, Tab(server, path) as eve:
        assert back.closed is None
        wanted = ["offline " + sources[0]]
        await eve.until(lambda: eve.sources == wanted, "what was typed offline is here")
        eve.cell(0)["source"].insert(0, "more ")
        await eve.save()
        await back.until(lambda: back.sources == ["more " + wanted[0]], "both go on")
        assert SECRET.encode() not in eve.doc.get_update()
    assert server.sources(path) == ["more " + wanted[0]]
    assert holding(server) == set()


async def test_a_comment_with_the_secret_is_forgotten_too(serve: Callable[..., Server]) -> None:
    server = serve(options=OPTIONS)
    path = server.notebook("said.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await ada.request(
            "comments.add", thread="t", comment="c", body=f"It is {SECRET}.", anchor={"kind": "document"}
        )
        await ada.request("comments.add", thread="t", comment="d", body="I did not see that.", parent="c")
        await ada.request(
            "comments.edit", thread="t", comment="d", body=f"{SECRET}? I did not see that.", op="o1"
        )
        await ada.request("comments.edit", thread="t", comment="d", body="I did not see it.", op="o2")
        await ada.request("comments.delete", thread="t", comment="c")
        await ada.save()
    await asyncio.to_thread(server.stop)
    assert holding(server)
    assert (await asyncio.to_thread(purge, server, path)).returncode == 0
    assert holding(server) == set()
    await asyncio.to_thread(server.start)
    async with Tab(server, path, document="annotations") as back:
        assert b"I did not see it." in back.doc.get_update()
        await back.request("comments.add", thread="t", comment="e", body="Good.", parent="d")
        await back.until(lambda: b"Good." in back.doc.get_update(), "the thread goes on")


async def test_what_was_typed_in_the_notebooks_text_is_forgotten_too(serve: Callable[..., Server]) -> None:
    server = serve(options=OPTIONS)
    path = server.notebook("text.ipynb", "x = 1", "y = 2")
    async with Tab(server, path) as ada, Tab(server, path, type_="file", format_="text") as ben:
        text = ben.doc.get("source", type=Text)
        at = str(text).index("x = 1")
        text.insert(at, f"{SECRET} ")
        await ada.until(lambda: ada.sources[0] == f"{SECRET} x = 1", "the notebook has it")
        await ben.save()
        del text[at : at + len(SECRET) + 1]
        await ada.until(lambda: ada.sources[0] == "x = 1", "it is deleted")
        # One that was typed where the text was no notebook, and so never came into it.
        text.insert(0, SECRET)
        await ben.committed()
        del text[0 : len(SECRET)]
        await ben.save()
    await asyncio.to_thread(until, lambda: _is_closed(server), "all is closed")
    await asyncio.to_thread(server.stop)
    assert holding(server)
    assert (await asyncio.to_thread(purge, server, path)).returncode == 0
    assert holding(server) == set()
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as ada, Tab(server, path, type_="file", format_="text") as ben:
        text = ben.doc.get("source", type=Text)
        text.insert(str(text).index("x = 1"), "again ")
        await ada.until(lambda: ada.sources == ["again x = 1", "y = 2"], "both go on")


async def test_copies_from_before_most_cells_went_are_deleted(serve: Callable[..., Server]) -> None:
    server = serve(options=OPTIONS)
    path = server.notebook("much.ipynb", *(f"x = {SECRET!r}  # {number}" for number in range(10)))
    other = server.notebook("other.ipynb", *(f"y = {number}" for number in range(10)))
    for name in (path, other):
        async with Tab(server, name) as ada:
            ada.cell(0)["source"] = "x = 1"
            del ada.doc.get("cells", type=Array)[1:]
            await ada.save()
    await asyncio.to_thread(server.stop)
    kept = {file.name.rpartition("-")[2] for file in store(server).glob("*.backups/*/*")}
    assert kept == {path, other}
    done = await asyncio.to_thread(purge, server, path)
    assert done.returncode == 0 and "1 copy" in done.stdout, done
    assert holding(server) == set()
    kept = {file.name.rpartition("-")[2] for file in store(server).glob("*.backups/*/*")}
    assert kept == {other}, "those of other files stay"


async def test_a_damaged_log_is_named_and_deleted_where_that_is_asked_for(
    serve: Callable[..., Server],
) -> None:
    server = serve(options=OPTIONS)
    path = server.notebook("damaged.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await pasted(ada)
    await asyncio.to_thread(server.stop)
    (log,) = (file for file in store(server).glob("*.sqlite") if file.name.count(".") == 1)
    with log.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xaa" * 3000)
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as back:
        await back.save()
    await asyncio.to_thread(server.stop)
    named = await asyncio.to_thread(purge, server, path)
    (aside,) = store(server).glob("*.damaged-*[0-9]")
    # Done, and loudly not all: who reads the status, or the last line, does not believe that the secret is gone.
    assert named.returncode == 3 and "of its history" in named.stdout
    assert "WARNING" in named.stderr and str(aside) in named.stderr
    unknown = await asyncio.to_thread(purge, server, "no.ipynb")
    assert unknown.returncode == 1 and "WARNING" in unknown.stderr and str(aside) in unknown.stderr
    command = f"jupyter rtc purge {path} --root-dir {server.root} --damaged"
    assert named.stderr.splitlines()[-1].strip() == command
    assert aside.exists() and holding(server), "what it warns of is so"
    again = command.split()[3:]
    gone = await asyncio.to_thread(purge, server, *again[:1], *again[3:])
    assert (
        gone.returncode == 0
        and not gone.stderr
        and holding(server) == set()
        and not list(store(server).glob("*.damaged-*"))
    )


async def test_what_it_does_not_know_is_said(serve: Callable[..., Server]) -> None:
    server = serve()
    server.stop()
    said: Any = await asyncio.to_thread(purge, server, "no.ipynb")
    assert said.returncode == 1 and "knows no file 'no.ipynb'" in said.stderr
    elsewhere: Any = await asyncio.to_thread(purge, server, "no.ipynb", "--root-dir", str(server.work))
    assert elsewhere.returncode == 1 and "--root-dir" in elsewhere.stderr and "--log" in elsewhere.stderr
