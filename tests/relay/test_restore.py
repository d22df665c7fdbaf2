"""A file is written as its log has it, and nothing that can be read is written over."""

from __future__ import annotations

import sqlite3
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text

from rtc_widgets.documents.seed import seed
from rtc_widgets.errors import StoreError
from rtc_widgets.relay.__main__ import main
from rtc_widgets.relay.claim import Claim
from rtc_widgets.relay.index import RoomIndex, RoomRecord
from rtc_widgets.relay.restore import restore
from rtc_widgets.rooms.room import comm_id
from rtc_widgets.stores import Entry, SqliteStore


@pytest.fixture
async def log(tmp_path: Path) -> Path:
    """Return a log that has more of `folder/a.txt` than was saved."""
    log = tmp_path / "data/log.sqlite"
    seeded = seed("file", "saved")
    doc: Doc[Any] = Doc()
    doc.apply_update(seeded.update)
    state = doc.get_state()
    doc.get("source", type=Text).insert(0, "typed ünd ")
    async with (
        aclosing(SqliteStore(log)) as store,
        aclosing(RoomIndex(log.with_suffix(".rooms.sqlite"))) as index,
    ):
        entries = [Entry(seeded.update, None, 1.0, "seed", seeded.lineage)]
        entries.append(Entry(doc.get_update(state), "ada", 2.0, "update", by="person"))
        await store.append(comm_id("room", "content"), entries)
        await index.put(RoomRecord("room", "folder/a.txt", "text", "file", seeded.lineage, None, "", "saved"))
    (tmp_path / "folder").mkdir()
    return log


def bytes_of(log: Path) -> bytes:
    return log.read_bytes()


def spoil(log: Path) -> None:
    log.write_bytes(b"no database" * 1000)


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\x00"])
async def test_what_was_typed_is_written_and_what_stood_there_kept(
    log: Path, tmp_path: Path, damage: bytes
) -> None:
    file = tmp_path / "folder/a.txt"
    file.write_bytes(damage)
    file.chmod(0o640)
    restored = await restore(log, tmp_path, "folder/a.txt")
    assert restored.file == file and not restored.partial
    assert file.read_text() == "typed ünd saved" and file.stat().st_mode & 0o777 == 0o640
    assert restored.kept is not None and restored.kept.read_bytes() == damage
    assert {other.name for other in file.parent.iterdir()} == {"a.txt", restored.kept.name}


async def test_the_log_stays_as_it_is_also_where_a_server_uses_it(log: Path, tmp_path: Path) -> None:
    before = bytes_of(log)
    claim = Claim(log)
    try:
        async with aclosing(SqliteStore(log)) as store:
            assert [entry.seq async for entry in store.read(comm_id("room", "content"))]
            restored = await restore(log, tmp_path, "folder/a.txt")
    finally:
        claim.release()
    assert restored.kept is None and restored.file.read_text() == "typed ünd saved"
    assert bytes_of(log) == before


async def test_a_deleted_file_has_its_last_room(log: Path, tmp_path: Path) -> None:
    async with aclosing(RoomIndex(log.with_suffix(".rooms.sqlite"))) as index:
        await index.delete("folder")
    assert (await restore(log, tmp_path, "folder/a.txt")).file.read_text() == "typed ünd saved"


async def test_nothing_that_is_in_order_is_written_over(log: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "folder/a.txt", tmp_path / "b.txt"
    file.write_text("newer")
    other.write_text("mine")
    with pytest.raises(StoreError, match="is in order.*--output"):
        await restore(log, tmp_path, "folder/a.txt")
    with pytest.raises(StoreError, match="is there already"):
        await restore(log, tmp_path, "folder/a.txt", other)
    assert (file.read_text(), other.read_text()) == ("newer", "mine")
    assert (
        await restore(log, tmp_path, "folder/a.txt", tmp_path / "c.txt")
    ).file.read_text() == "typed ünd saved"
    assert file.read_text() == "newer"


async def test_what_the_log_lacks_is_said(log: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"knows no file 'b\.txt'"):
        await restore(log, tmp_path, "b.txt")
    with pytest.raises(StoreError, match="There is no log"):
        await restore(tmp_path / "none.sqlite", tmp_path, "folder/a.txt")
    with closing(sqlite3.connect(log.with_suffix(".rooms.sqlite"))) as rooms:
        rooms.execute("UPDATE rooms SET room = 'other'")
        rooms.commit()
    with pytest.raises(StoreError, match="has nothing of"):
        await restore(log, tmp_path, "folder/a.txt")
    spoil(log)
    with pytest.raises(StoreError, match="cannot be read"):
        await restore(log, tmp_path, "folder/a.txt")
    assert not (tmp_path / "folder/a.txt").exists()


def test_the_command_tells_what_it_did(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "folder/a.txt"
    file.write_bytes(b"\xff")
    place = ["restore", "folder/a.txt", "--root-dir", str(tmp_path), "--log", str(log)]
    assert main(place) == 0
    said = capsys.readouterr()
    assert f"{file} was written as the log has it." in said.out and ".damaged-" in said.out and not said.err
    assert main(place) == 1
    assert "is in order" in capsys.readouterr().err
    assert main([*place, "--output", str(tmp_path / "b.txt")]) == 0
    assert (tmp_path / "b.txt").read_text() == "typed ünd saved"


def test_of_a_damaged_log_what_can_be_read_is_written_and_that_is_said(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(log)) as entries:
        entries.execute(
            "UPDATE entries SET time = 3.0 WHERE seq = 2"
        )  # not as it was written: its checksum is another
        entries.commit()
    assert main(["restore", "folder/a.txt", "--root-dir", str(tmp_path), "--log", str(log)]) == 3
    assert (tmp_path / "folder/a.txt").read_text() == "saved"
    assert "what was typed last may be missing" in capsys.readouterr().err
