"""A log that somebody deletes, moves or replaces while it is open: it is written again, with all that was in it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from rtc_widgets.errors import StoreError
from rtc_widgets.stores import Entry, Snapshot, SqliteStore


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "log.sqlite"


@pytest.fixture(params=["WAL", "a rollback journal"])
def _journal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtc_widgets.stores.database.is_network", lambda path: request.param != "WAL")


def update(text: str) -> Entry:
    return Entry(text.encode(), "ada", 0.0, "update")


async def texts(store: SqliteStore, doc: str = "doc") -> list[str]:
    return [entry.update.decode() async for entry in store.read(doc)]


async def after_a_kill(log: Path, folder: Path) -> list[str]:
    """Return what the next process would find if this one ended now."""
    shutil.copytree(log.parent, folder, ignore=shutil.ignore_patterns("*-shm"))
    async with aclosing(SqliteStore(folder / log.name)) as store:
        return await texts(store)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def move(path: Path, to: Path) -> None:
    path.rename(to)


def delete_file(log: Path) -> None:
    log.unlink()


def delete_all(log: Path) -> None:
    for file in log.parent.iterdir():
        file.unlink()


def delete_folder(log: Path) -> None:
    shutil.rmtree(log.parent)


def move_folder(log: Path) -> None:
    log.parent.rename(log.parent.with_name("moved"))


@pytest.mark.usefixtures("_journal")
@pytest.mark.parametrize("happens", [delete_file, delete_all, delete_folder, move_folder])
class TestOneThatIsGone:
    async def test_is_written_before_what_follows_is_acknowledged(
        self, log: Path, tmp_path: Path, happens: Callable[[Path], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        async with aclosing(SqliteStore(log)) as store:
            for number in range(300):
                await store.append("doc", [update(f"before {number}")])
            last = await store.append("other", [update("theirs")])
            await store.put_snapshot("other", Snapshot(last, "lineage", b"state", 1))
            happens(log)
            await store.append("doc", [update("after")])
            want = [*(f"before {number}" for number in range(300)), "after"]
            assert await after_a_kill(log, tmp_path / "killed") == want
            await store.append("doc", [update("more")])
            assert await store.snapshot("other") == Snapshot(last, "lineage", b"state", 1)
        assert "To begin anew, stop the server first" in caplog.text
        async with aclosing(SqliteStore(log)) as store:
            assert await texts(store) == [*want, "more"]
            assert await store.snapshot("other") == Snapshot(last, "lineage", b"state", 1)
            assert store.damage is None
        assert (mode(log), mode(log.parent)) == (0o600, 0o700)
        assert names(log.parent) == [log.name]

    async def test_is_written_at_rest_too(
        self, log: Path, tmp_path: Path, happens: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rtc_widgets.stores.database._LOOK_SECONDS", 0.01)
        async with aclosing(SqliteStore(log)) as store:
            await store.append("doc", [update("x")])
            happens(log)
            while log.name not in names(log.parent):
                await asyncio.sleep(0.01)
            assert await after_a_kill(log, tmp_path / "killed") == ["x"]

    async def test_is_written_when_it_is_closed(self, log: Path, happens: Callable[[Path], None]) -> None:
        async with aclosing(SqliteStore(log)) as store:
            await store.append("doc", [update("x")])
            happens(log)
        async with aclosing(SqliteStore(log)) as store:
            assert await texts(store) == ["x"]


async def test_what_is_only_in_a_deleted_wal_is_kept(log: Path, tmp_path: Path) -> None:
    async with aclosing(SqliteStore(log)) as store:
        await store.append("doc", [update("x")])
        log.with_name(log.name + "-wal").unlink()
        await store.append("doc", [update("y")])
        assert await after_a_kill(log, tmp_path / "killed") == ["x", "y"]
        await store.append("doc", [update("z")])
        assert await after_a_kill(log, tmp_path / "again") == ["x", "y", "z"]


async def test_where_it_cannot_be_written_nothing_is_acknowledged_until_it_can(
    log: Path, tmp_path: Path
) -> None:
    async with aclosing(SqliteStore(log)) as store:
        await store.append("doc", [update("x")])
        shutil.rmtree(log.parent)
        log.parent.write_text("in the way")
        with pytest.raises(StoreError, match="could not be written again.*Check that the server may write"):
            await store.append("doc", [update("refused")])
        assert log.parent.read_text() == "in the way"
        log.parent.unlink()
        await store.append("doc", [update("y")])
        assert await after_a_kill(log, tmp_path / "killed") == ["x", "y"]


async def test_where_it_cannot_be_looked_at_nothing_is_acknowledged_until_it_can(
    log: Path, tmp_path: Path
) -> None:
    async with aclosing(SqliteStore(log)) as store:
        await store.append("doc", [update("x")])
        log.parent.rename(tmp_path / "moved")
        log.parent.symlink_to(log.parent)  # a loop
        with pytest.raises(StoreError, match="could not be looked at.*Check that the server may write"):
            await store.append("doc", [update("refused")])
        log.parent.unlink()
        await store.append("doc", [update("y")])
        assert await after_a_kill(log, tmp_path / "killed") == ["x", "y"]


async def test_another_file_in_its_place_is_left_alone_and_nothing_is_acknowledged_until_it_is_gone(
    log: Path, tmp_path: Path
) -> None:
    async with aclosing(SqliteStore(tmp_path / "another.sqlite")) as another:
        await another.append("doc", [update("another")])
    async with aclosing(SqliteStore(log)) as store:
        await store.append("doc", [update("x")])
        move(tmp_path / "another.sqlite", log)
        with pytest.raises(StoreError, match="was replaced by another file.*Move that one away"):
            await store.append("doc", [update("refused")])
        move(log, tmp_path / "theirs.sqlite")
        await store.append("doc", [update("y")])
        assert await after_a_kill(log, tmp_path / "killed") == ["x", "y"]
    async with aclosing(SqliteStore(tmp_path / "theirs.sqlite")) as another:
        assert await texts(another) == ["another"]


async def test_who_no_longer_holds_it_writes_nothing(log: Path) -> None:
    held = True

    def hold() -> None:
        if not held:
            raise StoreError("another server has it")

    async with aclosing(SqliteStore(log, hold=hold)) as store:
        await store.append("doc", [update("x")])
        held = False
        delete_file(log)
        with pytest.raises(StoreError, match="another server has it"):
            await store.append("doc", [update("refused")])
        assert log.name not in names(log.parent)
        held = True
        assert await texts(store) == ["x"]


async def test_it_waits_for_a_program_that_reads_it(log: Path, tmp_path: Path) -> None:
    async with aclosing(SqliteStore(log)) as store:
        await store.append("doc", [update("x")])
        reader = sqlite3.connect(log)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchone()
        await store.append("doc", [update("y")])
        log.with_name(log.name + "-wal").unlink()
        with pytest.raises(StoreError, match="another program is reading it"):
            await store.append("doc", [update("refused")])
        reader.close()
        await store.append("doc", [update("z")])
        assert await after_a_kill(log, tmp_path / "killed") == ["x", "y", "z"]
