"""The history of a file is forgotten, so that a secret is nowhere, and the document goes on."""

from __future__ import annotations

import tomllib
from contextlib import aclosing
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text

from rtc_widgets.documents.seed import seed
from rtc_widgets.errors import StoreError
from rtc_widgets.relay.__main__ import main
from rtc_widgets.relay.claim import Claim
from rtc_widgets.relay.index import RoomIndex, RoomRecord
from rtc_widgets.relay.purge import purge
from rtc_widgets.rooms.log import load
from rtc_widgets.rooms.room import comm_id
from rtc_widgets.stores import Entry, Snapshot, SqliteStore

SEED = seed("file", "x = 1")
SECRET = "hunter2-correct-horse"


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file())


async def written(log: Path, room: str = "room", path: str = "a.txt") -> Doc[Any]:
    """Write a log in which a secret was pasted, and deleted again; return the replica of who was there."""
    doc: Doc[Any] = Doc()
    doc.apply_update(SEED.update)
    made: list[bytes] = []
    subscription = doc.observe(lambda happened: made.append(happened.update))
    text = doc.get("source", type=Text)
    text.insert(0, f"password = {SECRET}\n")
    state = doc.get_update()
    del text[0 : text.to_py().index("\n") + 1]  # type: ignore[union-attr]
    text.insert(0, "y = 2\n")
    doc.unobserve(subscription)
    name = comm_id(room, "content")
    async with (
        aclosing(SqliteStore(log)) as store,
        aclosing(RoomIndex(log.with_suffix(".rooms.sqlite"))) as index,
    ):
        await store.append(name, [Entry(SEED.update, None, 1.0, "seed", SEED.lineage)])
        seq = await store.append(name, [Entry(made[0], "ada", 2.0, "update", by="person")])
        await store.put_snapshot(name, Snapshot(seq, SEED.lineage, state))
        await store.append(name, [Entry(update, "ada", 3.0, "update", by="person") for update in made[1:]])
        await index.put(RoomRecord(room, path, "text", "file", SEED.lineage, None, "", "y = 2\nx = 1"))
    return doc


async def loaded(log: Path, room: str = "room") -> Doc[Any]:
    doc: Doc[Any] = Doc()
    async with aclosing(SqliteStore(log)) as store:
        assert await load(store, comm_id(room, "content"), doc, SEED.lineage) is not None
    return doc


async def test_a_secret_is_nowhere_any_more_and_the_document_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "log.sqlite"
    ada = await written(log)
    ben = await written(log, "other", "b.txt")
    assert SECRET.encode() in bytes_of(tmp_path)
    for path in ("a.txt", "b.txt"):
        purged = await purge(log, path)
        assert (purged.rooms, purged.entries, purged.copies, purged.left) == (1, 3, 0, ())
    assert SECRET.encode() not in bytes_of(tmp_path)
    for replica, room in ((ada, "room"), (ben, "other")):
        doc = await loaded(log, room)
        assert str(doc.get("source", type=Text)) == "y = 2\nx = 1"
        # Who was there comes back, with what was typed meanwhile: it stands once.
        replica.get("source", type=Text).insert(0, "z = 3\n")
        doc.apply_update(replica.get_update(doc.get_state()))
        assert SECRET.encode() not in doc.get_update()
        assert str(doc.get("source", type=Text)) == "z = 3\ny = 2\nx = 1"
        assert doc.get_update(replica.get_state())[:1] == b"\0"


async def test_the_room_of_a_deleted_file_is_purged_too(tmp_path: Path) -> None:
    log = tmp_path / "log.sqlite"
    await written(log)
    async with aclosing(RoomIndex(log.with_suffix(".rooms.sqlite"))) as index:
        await index.delete("a.txt")
    assert (await purge(log, "a.txt")).rooms == 1
    assert SECRET.encode() not in bytes_of(tmp_path)


async def test_a_server_that_runs_is_not_interfered_with(tmp_path: Path) -> None:
    log = tmp_path / "log.sqlite"
    await written(log)
    claim = Claim(log)
    before = log.read_bytes()
    with pytest.raises(StoreError, match="Stop it first"):
        await purge(log, "a.txt")
    assert log.read_bytes() == before
    claim.release()
    assert (await purge(log, "a.txt")).entries == 3


async def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no log"):
        await purge(tmp_path / "log.sqlite", "a.txt")
    log = tmp_path / "log.sqlite"
    await written(log)
    with pytest.raises(StoreError, match="knows no file 'c.txt'"):
        await purge(log, "c.txt")
    aside = tmp_path / "log.sqlite.damaged-20260101-000000"
    aside.write_bytes(SECRET.encode())
    assert (await purge(log, "a.txt")).left == (aside,)


def test_the_command_is_one_of_jupyters() -> None:
    scripts = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["scripts"]
    assert EntryPoint("jupyter-rtc", scripts["jupyter-rtc"], "console_scripts").load() is main
