"""The SQLite store sits the exam, and survives what happens to files and processes."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rtc_widgets.errors import StoreError
from rtc_widgets.stores import Entry, Snapshot, SqliteStore
from rtc_widgets.stores.database import is_network
from rtc_widgets.testing import StoreExam

if TYPE_CHECKING:
    from collections.abc import Sequence


class TestSqliteStore(StoreExam):
    def open_store(self, folder: Path) -> SqliteStore:
        return SqliteStore(folder / "deeper" / "log.sqlite")


class TestSqliteStoreOnANetworkFileSystem(StoreExam):
    @pytest.fixture(autouse=True)
    def _network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("rtc_widgets.stores.database.is_network", lambda path: True)

    def open_store(self, folder: Path) -> SqliteStore:
        return SqliteStore(folder / "log.sqlite")

    async def test_it_has_a_rollback_journal(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            await store.append("doc", [update("x")])
            assert [file.name for file in files(tmp_path)] == ["log.sqlite"]


class TestSqliteStoreWithoutSharedMemory(StoreExam):
    """Where nothing tells that WAL will not do: on one of SQLite's own file systems, which has no such memory."""

    @pytest.fixture(autouse=True)
    def _without_shared_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        without_shared_memory(monkeypatch)

    def open_store(self, folder: Path) -> SqliteStore:
        return SqliteStore(folder / "log.sqlite")

    async def test_it_has_a_rollback_journal_and_waits_for_the_disk(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            await store.append("doc", [update("x")])
            assert [file.name for file in files(tmp_path)] == ["log.sqlite"]
            assert await pragma(store, "journal_mode") == "delete"
            assert await pragma(store, "synchronous") == 2


async def test_a_log_from_a_local_disk_is_read_where_there_is_no_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where home folders were moved to a server; also of one that was killed, whose last entries are in the -wal."""
    path = tmp_path / "there" / "log.sqlite"
    async with aclosing(SqliteStore(tmp_path / "here" / "log.sqlite")) as store:
        await store.append("doc", [update("x"), update("y")])
        shutil.copytree(tmp_path / "here", path.parent, ignore=shutil.ignore_patterns("*-shm"))
    without_shared_memory(monkeypatch)
    for more in ("z", "!"):
        async with aclosing(SqliteStore(path)) as store:
            await store.append("doc", [update(more)])
            assert await pragma(store, "journal_mode") == "delete"
    async with aclosing(SqliteStore(path)) as store:
        assert await texts(store) == ["x", "y", "z", "!"]


def without_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def connect_so(path: Any, **options: Any) -> sqlite3.Connection:
        return connect(f"file:{path}?vfs=unix-none", uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", connect_so)


def update(text: str) -> Entry:
    return Entry(text.encode(), "ada", 0.0, "update")


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def texts(store: SqliteStore, doc: str = "doc") -> list[str]:
    return [entry.update.decode() async for entry in store.read(doc)]


async def pragma(store: SqliteStore, statement: str) -> Any:
    def run(connection: sqlite3.Connection, items: Sequence[None]) -> list[Any]:
        return [connection.execute(f"PRAGMA {statement}").fetchone() for _ in items]

    return (await store._database.call(run, None))[0]


_WRITER = """
import asyncio, sys
from rtc_widgets.stores import Entry, Snapshot, SqliteStore

async def main():
    store = SqliteStore(sys.argv[1])
    async def write(writer):
        number = 0
        while True:
            text = f"{writer} {number}"
            await store.append("doc", [Entry(text.encode(), "ada", 0.0, "update")])
            sys.stdout.write(text + "\\n")
            sys.stdout.flush()
            number += 1
    await asyncio.gather(*(write(writer) for writer in range(20)))

asyncio.run(main())
"""


def write_and_kill(path: Path, writer: str = _WRITER, least: int = 300) -> list[str]:
    """Return what a process that appends to *path* said was committed before it was killed."""
    command = [sys.executable, "-c", writer, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(least)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    return [line.strip() for line in lines if line.endswith("\n")]


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    # The second process goes on in the log that the first left behind.
    acknowledged = write_and_kill(path) + write_and_kill(path)
    async with aclosing(SqliteStore(path)) as store:
        kept = await texts(store)
    assert len(acknowledged) >= 600
    for text in set(acknowledged):
        assert kept.count(text) >= acknowledged.count(text)


_KEEPER = """
import asyncio, sys
from rtc_widgets.stores import Entry, Snapshot, SqliteStore

async def main():
    store = SqliteStore(sys.argv[1])
    texts = [entry.update async for entry in store.read("doc")]
    while True:
        texts.append(f"entry {len(texts)} ".encode() * 100)
        seq = await store.append("doc", [Entry(texts[-1], "ada", 0.0, "update")])
        await store.put_snapshot("doc", Snapshot(seq, "lineage", b"".join(texts)))
        sys.stdout.write(f"{seq}\\n")
        sys.stdout.flush()

asyncio.run(main())
"""


async def test_a_snapshot_survives_a_kill_whole_or_is_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    for _ in range(3):
        acknowledged = [int(line) for line in write_and_kill(path, _KEEPER, 50)]
        async with aclosing(SqliteStore(path)) as store:
            entries = [entry async for entry in store.read("doc")]
            kept = await store.snapshot("doc")
            assert kept is not None
            assert kept.seq >= acknowledged[-1]
            assert kept.state == b"".join(entry.update for entry in entries if entry.seq <= kept.seq)
            assert len([entry for entry in entries if entry.seq > kept.seq]) <= 1


async def test_a_damaged_snapshot_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "log.sqlite"
    async with aclosing(SqliteStore(path)) as store:
        seq = await store.append("doc", [update("1")])
        await store.put_snapshot("doc", Snapshot(seq, "lineage", b"a state"))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE snapshots SET data = ?", (b"a stave",))
    connection.close()
    async with aclosing(SqliteStore(path)) as store:
        assert await store.snapshot("doc") is None
        assert "damaged; its log is replayed" in caplog.text
        await store.put_snapshot("doc", Snapshot(seq, "lineage", b"another"))
        assert await store.snapshot("doc") == Snapshot(seq, "lineage", b"another")


async def test_a_log_from_before_there_were_snapshots_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    async with aclosing(SqliteStore(path)) as store:
        seq = await store.append("doc", [update("1")])
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE snapshots")
        connection.execute("ALTER TABLE entries DROP COLUMN before")
        connection.execute("ALTER TABLE entries DROP COLUMN checksum")
        connection.execute("ALTER TABLE entries DROP COLUMN participant")
        connection.execute("PRAGMA user_version=1")
    connection.close()
    async with aclosing(SqliteStore(path)) as store:
        assert await store.snapshot("doc") is None
        await store.put_snapshot("doc", Snapshot(seq, "lineage", b"state"))
        assert await store.snapshot("doc") == Snapshot(seq, "lineage", b"state")
        assert await texts(store) == ["1"]


async def test_a_full_disk_fails_the_append_and_wedges_nothing(tmp_path: Path) -> None:
    async with aclosing(SqliteStore(tmp_path / "log.sqlite")) as store:
        await store.append("doc", [update("1")])
        pages = await pragma(store, "page_count")
        await pragma(store, f"max_page_count={pages + 4}")
        answers = await asyncio.gather(
            store.append("doc", [update("x" * 200_000)]),
            store.append("other", [update("small")]),
            return_exceptions=True,
        )
        assert isinstance(answers[0], StoreError)
        assert "full" in str(answers[0])
        assert "Free some space" in str(answers[0])
        assert isinstance(answers[1], int)
        with pytest.raises(StoreError):
            await store.compact("doc", upto=answers[1], snapshot=b"x" * 200_000)
        with pytest.raises(StoreError):
            await store.put_snapshot("other", Snapshot(answers[1], "lineage", b"x" * 200_000))
        assert await store.snapshot("other") is None
        assert await texts(store) == ["1"]
        await pragma(store, "max_page_count=1000000")
        await store.append("doc", [update("2")])
        assert await texts(store) == ["1", "2"]
        assert await texts(store, "other") == ["small"]


async def test_a_name_first_seen_in_a_failed_transaction_is_not_remembered(tmp_path: Path) -> None:
    async with aclosing(SqliteStore(tmp_path / "log.sqlite")) as store:
        pages = await pragma(store, "page_count")
        await pragma(store, f"max_page_count={pages + 4}")
        with pytest.raises(StoreError):
            await store.append("new", [update("x" * 200_000)])
        await pragma(store, "max_page_count=1000000")
        await store.append("another", [update("1")])
        await store.append("new", [update("2")])
        assert (await texts(store, "another"), await texts(store, "new")) == (["1"], ["2"])


def test_the_database_of_another_program_is_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        SqliteStore(path)
    assert path.read_bytes() == before


async def test_a_log_of_a_newer_release_is_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    await SqliteStore(path).aclose()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer release.*Upgrade"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_path_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="Check that the server may write there"):
        SqliteStore(tmp_path / "file" / "log.sqlite")


async def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    async with aclosing(SqliteStore(tmp_path / "log.sqlite")):
        assert (tmp_path / "log.sqlite").stat().st_mode & 0o077 == 0


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
hub:/homes /home nfs4 rw 0 0
/dev/sdb1 /home/ada/scratch xfs rw 0 0
me@far: /mnt/a\\040disk fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/var/log.sqlite", False),
        ("/home/ada/log.sqlite", True),
        ("/homestead/log.sqlite", False),
        ("/home/ada/scratch/log.sqlite", False),
        ("/mnt/a disk/log.sqlite", True),
    ],
)
def test_network_file_systems_are_told_by_their_mounts(path: str, network: bool) -> None:
    assert is_network(Path(path), MOUNTS) is network
