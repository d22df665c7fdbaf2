"""A damaged log is set aside as it was found; what can be read of it goes on, and never an entry after a hole."""

from __future__ import annotations

import random
import sqlite3
from contextlib import aclosing
from pathlib import Path

import pytest

from rtc_widgets.errors import StoreError
from rtc_widgets.stores import Entry, Snapshot, SqliteStore
from rtc_widgets.stores.entry import DAMAGED

PAGE = 4096


def update(text: str) -> Entry:
    return Entry(text.encode(), "ada", 1.0, "update")


async def filled(path: Path, docs: int = 3, rounds: int = 300) -> dict[str, list[str]]:
    """Write a log of several documents, and return what each was told."""
    told: dict[str, list[str]] = {f"doc{number}": [] for number in range(docs)}
    async with aclosing(SqliteStore(path)) as store:
        for doc in told:
            await store.append(doc, [Entry(b"seed", None, 1.0, "seed", "lineage")])
        for number in range(rounds):
            for doc, texts in told.items():
                texts.append(f"{doc} {number} {'x' * (number % 90)}")
                await store.append(doc, [update(texts[-1])])
    return told


async def read(path: Path, doc: str) -> tuple[list[str], bool]:
    """Return what a log has, and whether it says that something is missing."""
    async with aclosing(SqliteStore(path)) as store:
        entries = [entry async for entry in store.read(doc)]
    texts = [entry.update.decode() for entry in entries if entry.kind == "update" and entry.label != DAMAGED]
    return texts, any(entry.label == DAMAGED for entry in entries)


def spoil(path: Path, start: int, data: bytes) -> bytes:
    """Write over a part of the file and return all of it as it is then."""
    whole = bytearray(path.read_bytes())
    whole[start : start + len(data)] = data
    path.write_bytes(whole)
    return bytes(whole)


def aside(path: Path) -> list[Path]:
    beside = ("-wal", "-shm")
    return [
        file for file in path.parent.iterdir() if ".damaged-" in file.name and not file.name.endswith(beside)
    ]


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("seed", range(24))
async def test_whatever_page_is_damaged_each_document_keeps_a_beginning_and_knows_if_it_is_all(
    tmp_path: Path, seed: int
) -> None:
    path = tmp_path / "log.sqlite"
    told = await filled(path)
    dice = random.Random(seed)
    page = dice.randrange(1, path.stat().st_size // PAGE)
    length = dice.choice([1, 30, PAGE, 3 * PAGE])
    found = spoil(path, page * PAGE + dice.randrange(0, PAGE, 40), dice.randbytes(length))
    for doc, texts in told.items():
        kept, lost = await read(path, doc)
        assert kept == texts[: len(kept)], "in order, and nothing after a hole"
        assert lost or len(kept) in (0, len(texts))
        if len(kept) < len(texts) and kept:
            assert lost
    for file in aside(path):
        assert file.read_bytes() == found
        assert file.stat().st_mode & 0o077 == 0
    # And the new one is a log like any other.
    async with aclosing(SqliteStore(path)) as store:
        await store.append("doc0", [update("more")])
        assert store.damage is None
    assert (await read(path, "doc0"))[0][-1] == "more"
    assert len(aside(path)) <= 1
    assert path.stat().st_mode & 0o077 == 0


async def test_a_wrong_byte_that_sqlite_does_not_see_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    told = await filled(path, docs=2, rounds=100)
    where = path.read_bytes().index(b"doc1 60 ")
    spoil(path, where, b"doc1 61 ")
    assert await read(path, "doc1") == (told["doc1"][:60], True)
    assert await read(path, "doc0") == (told["doc0"], False), "another document's hole is none of its own"
    assert len(aside(path)) == 1


async def test_an_entry_that_is_missing_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    told = await filled(path, docs=2, rounds=10)
    change(path, "DELETE FROM entries WHERE data = CAST('doc0 5 xxxxx' AS BLOB)")
    change(path, "UPDATE entries SET checksum = 5 WHERE data = CAST('doc1 9 xxxxxxxxx' AS BLOB)")
    assert await read(path, "doc0") == (told["doc0"][:5], True)
    assert await read(path, "doc1") == (told["doc1"][:9], True)


async def test_a_snapshot_takes_the_place_of_what_is_missing_before_it(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    await filled(path, docs=1, rounds=20)
    async with aclosing(SqliteStore(path)) as store:
        seqs = [entry.seq async for entry in store.read("doc0")]
        await store.put_snapshot("doc0", Snapshot(seqs[10], "lineage", b"all up to here"))
    change(path, f"UPDATE entries SET data = x'00' WHERE seq = {seqs[4]}")
    async with aclosing(SqliteStore(path)) as store:
        first, *rest = [entry async for entry in store.read("doc0")]
        assert store.damage is not None and "not as it was written" in store.damage.problem
    assert (first.update, first.kind, first.label, first.seq) == (
        b"all up to here",
        "snapshot",
        "lineage",
        seqs[10],
    )
    assert [entry.seq for entry in rest] == seqs[11:], "and nothing says that something is missing"


async def test_a_log_of_an_older_release_is_salvaged_too(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    told = await filled(path, docs=1)
    for column in ("before", "checksum"):
        change(path, f"UPDATE entries SET {column} = NULL")
    size = path.stat().st_size
    spoil(path, size // PAGE // 2 * PAGE, b"\xaa" * 3 * PAGE)
    kept, lost = await read(path, "doc0")
    assert kept == told["doc0"][: len(kept)]
    assert lost or not kept
    assert len(aside(path)) == 1


async def test_a_file_that_is_no_database_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "log.sqlite"
    path.write_bytes(b"My shopping list\n" * 1000)
    async with aclosing(SqliteStore(path)) as store:
        await store.append("doc", [update("1")])
        assert store.damage is not None
        assert store.damage.aside.read_bytes() == b"My shopping list\n" * 1000
    assert "was damaged" in caplog.text and "set aside as log.sqlite.damaged-" in caplog.text
    assert await read(path, "doc") == (["1"], False)


async def test_a_log_that_ends_early_is_salvaged(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    told = await filled(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    for doc, texts in told.items():
        kept, lost = await read(path, doc)
        assert kept == texts[: len(kept)]
        assert lost or not kept


async def test_damage_that_is_met_at_work_is_an_error_and_mended_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    told = await filled(path, docs=1, rounds=10)
    async with aclosing(SqliteStore(path)) as store:
        assert len([entry async for entry in store.read("doc0")]) == 11
        change(path, "UPDATE entries SET data = x'00' WHERE seq = 8")
        with pytest.raises(StoreError, match=r"log\.sqlite.*entry 8.*Restart the server"):
            [entry async for entry in store.read("doc0")]
    assert await read(path, "doc0") == (told["doc0"][:6], True)


async def test_a_damaged_log_that_cannot_be_mended_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.sqlite"
    await filled(path, docs=1, rounds=10)
    found = spoil(path, PAGE, b"\xaa" * 3 * PAGE)
    (tmp_path / "log.sqlite.new").mkdir()
    async with aclosing(SqliteStore(path)) as store:
        for _ in range(2):
            with pytest.raises(StoreError, match=r"log\.sqlite"):
                await store.append("doc0", [update("1")])
    assert path.read_bytes() == found and aside(path) == []
