"""The log in one SQLite file: append-only, in order, 50,000 and more acknowledged updates a second."""

from __future__ import annotations

import itertools
import logging
import zlib
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, NamedTuple

from rtc_widgets.errors import StoreError
from rtc_widgets.logged import fields
from rtc_widgets.stores.database import DamagedRow, Database
from rtc_widgets.stores.entry import KINDS, PARTICIPANTS, Entry, check_entries, check_snapshot
from rtc_widgets.stores.salvage import COLUMNS, checksum, find_damage, salvage
from rtc_widgets.stores.snapshot import Snapshot, check

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from rtc_widgets.stores.aside import Damage

__all__ = ["SqliteStore"]

_APPLICATION = 0x52544357  # "RTCW"
_SCHEMA = [
    # Documents and authors are long names that stand in every row: kept once, by number.
    """
    CREATE TABLE names (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE entries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        doc INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        time REAL NOT NULL,
        author INTEGER,
        label TEXT,
        data BLOB NOT NULL
    );
    CREATE INDEX entries_of_doc ON entries (doc, seq)
    """,
    # Beside the entries, which stay: one for each document.
    """
    CREATE TABLE snapshots (
        doc INTEGER PRIMARY KEY,
        seq INTEGER NOT NULL,
        version INTEGER NOT NULL,
        lineage TEXT NOT NULL,
        checksum INTEGER NOT NULL,
        data BLOB NOT NULL
    )
    """,
    # SQLite does not see a wrong byte in a row, nor that one is missing: which entry of the document was before it.
    """
    ALTER TABLE entries ADD COLUMN before INTEGER;
    ALTER TABLE entries ADD COLUMN checksum INTEGER
    """,
    "ALTER TABLE entries ADD COLUMN participant INTEGER",
]
_BATCH_ROWS = 1000
_MOST_PAGES = 4096  # given back at once
_BATCH_BYTES = 1 << 20
_log = logging.getLogger(__name__)

_CHUNKS = (256, 32, 4, 1)  # rows in one statement
_NAMES = ", ".join(COLUMNS)
_VALUES = f"({', '.join('?' * len(COLUMNS))})"
_SELECT = (
    f"SELECT name, {_NAMES} FROM entries LEFT JOIN names ON number = author "  # noqa: S608 - no input
    "WHERE doc = ? AND seq > ? ORDER BY seq LIMIT ?"
)
_IS_FIRST = "SELECT NOT EXISTS (SELECT 1 FROM entries WHERE doc = ? AND seq < ?)"
_REPLACE = f"INSERT OR REPLACE INTO entries ({_NAMES}) VALUES {_VALUES}"  # noqa: S608 - no input

_Row = tuple[Any, ...]  # of COLUMNS


class _Append(NamedTuple):
    doc: str
    entries: Sequence[Entry]


class _Read(NamedTuple):
    doc: str
    after: int


class _Compact(NamedTuple):
    doc: str
    upto: int
    snapshot: bytes
    label: str | None
    after: int


class _Put(NamedTuple):
    doc: str
    snapshot: Snapshot


class SqliteStore:
    """Keep logs in the SQLite file at *path*.

    A damaged file is set aside, and what can be read of it put into a new one (``salvage``), before the first call is
    answered. One that is deleted meanwhile is written again.

    Args:
        path: of the file.
        hold: called in the store's thread before anything is done, and raises StoreError where another process has the
            log now.

    Raises:
        StoreError: the file is another program's, a newer release's, or not accessible. It was left untouched; the
            message names it and the cure.

    Example::

        store = SqliteStore(folder / "log.sqlite")
        number = await store.append("doc", [Entry(update, "ada", time.time(), "update")])
    """

    def __init__(self, path: str | os.PathLike[str], *, hold: Callable[[], None] = lambda: None) -> None:
        self._numbers: dict[str, int] = {}
        self._lasts: dict[int, int] = {}
        self._database = Database(
            path,
            application=_APPLICATION,
            schema=_SCHEMA,
            what="the log of shared documents",
            on_rollback=self._forget,
            check=find_damage,
            salvage=salvage,
            hold=hold,
        )

    @property
    def damage(self) -> Damage | None:
        """Return what was found when it was opened; known when the first call has returned."""
        return self._database.damage

    async def append(self, doc: str, entries: Sequence[Entry]) -> int:
        """Add *entries* and return after their commit; see ``Store.append``."""
        check_entries(entries)
        return await self._database.call(self._append, _Append(doc, tuple(entries)))

    async def read(self, doc: str, *, after: int = 0) -> AsyncIterator[Entry]:
        """Yield entries in order; see ``Store.read``."""
        while batch := await self._database.call(self._read, _Read(doc, after)):
            for entry in batch:
                yield entry
            after = batch[-1].seq

    async def compact(
        self, doc: str, *, upto: int, snapshot: bytes, label: str | None = None, after: int = 0
    ) -> None:
        """Replace the beginning of the log by *snapshot*; see ``Store.compact``."""
        if label is None:
            check_snapshot(snapshot)
        await self._database.call(self._compact, _Compact(doc, upto, snapshot, label, after))

    async def put_snapshot(self, doc: str, snapshot: Snapshot) -> None:
        """Keep *snapshot* beside the log; see ``Snapshots.put_snapshot``."""
        check(snapshot)
        await self._database.call(self._put_snapshot, _Put(doc, snapshot))

    async def snapshot(self, doc: str) -> Snapshot | None:
        """Return what is kept; see ``Snapshots.snapshot``."""
        return await self._database.call(self._snapshot, doc)

    async def aclose(self) -> None:
        """Commit what waits and close the file."""
        await self._database.aclose()

    # --- in the database's thread

    def _forget(self) -> None:
        self._numbers.clear()
        self._lasts.clear()

    def _number(self, connection: sqlite3.Connection, name: str, *, create: bool = False) -> int:
        number = self._numbers.get(name)
        if number is None:
            if create:
                connection.execute("INSERT OR IGNORE INTO names (name) VALUES (?)", (name,))
            row = connection.execute("SELECT number FROM names WHERE name = ?", (name,)).fetchone()
            if row is None:
                return 0  # SQLite counts from 1
            number = self._numbers[name] = row[0]
        return number

    def _append(self, connection: sqlite3.Connection, appends: Sequence[_Append]) -> list[int]:
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone()
        numbers = itertools.count(row[0] + 1 if row else 1)
        rows: list[_Row] = []
        answers: list[int] = []
        for doc, entries in appends:
            number = self._number(connection, doc, create=True)
            for entry in entries:
                author = None if entry.author is None else self._number(connection, entry.author, create=True)
                kind = KINDS.index(entry.kind)
                label = entry.label or None
                seq, before = next(numbers), self._last(connection, number)
                by = None if entry.by is None else PARTICIPANTS.index(entry.by)
                row = (seq, number, kind, float(entry.time), author, label, entry.update, before, None, by)
                rows.append((*row[:8], checksum(row), by))
                self._lasts[number] = seq
            answers.append(self._last(connection, number))
        _insert(connection, rows)
        return answers

    def _last(self, connection: sqlite3.Connection, doc: int) -> int:
        last = self._lasts.get(doc)
        if last is None:
            row = connection.execute("SELECT max(seq) FROM entries WHERE doc = ?", (doc,)).fetchone()
            last = self._lasts[doc] = row[0] or 0
        return last

    def _read(self, connection: sqlite3.Connection, reads: Sequence[_Read]) -> list[list[Entry]]:
        return [list(_batch(connection, self._number(connection, doc), after)) for doc, after in reads]

    def _compact(self, connection: sqlite3.Connection, compacts: Sequence[_Compact]) -> list[None]:
        for doc, upto, snapshot, label, after in compacts:
            number = self._number(connection, doc)
            ends = "SELECT min(seq), max(seq) FROM entries WHERE doc = ? AND seq > ? AND seq <= ?"
            first, last = connection.execute(ends, (number, after, upto)).fetchone()
            if first is None:
                continue
            one = f"SELECT {_NAMES} FROM entries WHERE seq = ?"  # noqa: S608 - no input
            begins, stays = (connection.execute(one, (seq,)).fetchone() for seq in (first, last))
            (is_first,) = connection.execute(_IS_FIRST, (number, first)).fetchone()
            if is_first:
                known = begins[5] if label is None else label
                row = (last, number, KINDS.index("snapshot"), stays[3], None, known, snapshot, 0, None, None)
                gone = "DELETE FROM snapshots WHERE doc = ? AND seq >= ? AND seq <= ?"
            else:
                row = (*stays[:6], snapshot, begins[7], None, stays[9])
                gone = "DELETE FROM snapshots WHERE doc = ? AND seq >= ? AND seq < ?"
            # One transaction either way, and the new is written before the old goes: at the last one's place.
            connection.execute(_REPLACE, (*row[:8], checksum(row), row[9]))
            connection.execute(
                "DELETE FROM entries WHERE doc = ? AND seq >= ? AND seq < ?", (number, first, last)
            )
            connection.execute(gone, (number, 0 if is_first else first, last))
        # The pages that are free now, where the file is of a release that gives them back.
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        for _ in range(min(free, _MOST_PAGES)):
            connection.execute("PRAGMA incremental_vacuum(1)")
        return [None] * len(compacts)

    def _put_snapshot(self, connection: sqlite3.Connection, puts: Sequence[_Put]) -> list[None]:
        for doc, (seq, lineage, state, version) in ((put.doc, astuple(put.snapshot)) for put in puts):
            number = self._number(connection, doc)
            # The checksum, because SQLite has none, and a damaged state may read as one with less in it.
            connection.execute(
                "INSERT OR REPLACE INTO snapshots SELECT doc, seq, ?, ?, ?, ? FROM entries WHERE doc = ? AND seq = ? "
                "AND NOT EXISTS (SELECT 1 FROM snapshots WHERE doc = ? AND seq > ?)",
                (version, lineage, zlib.crc32(state), state, number, seq, number, seq),
            )
        return [None] * len(puts)

    def _snapshot(self, connection: sqlite3.Connection, docs: Sequence[str]) -> list[Snapshot | None]:
        return [self._kept(connection, doc) for doc in docs]

    def _kept(self, connection: sqlite3.Connection, doc: str) -> Snapshot | None:
        row = connection.execute(
            "SELECT snapshots.seq, lineage, snapshots.data, version, snapshots.checksum FROM snapshots JOIN entries "
            "ON entries.seq = snapshots.seq AND entries.doc = snapshots.doc WHERE snapshots.doc = ?",
            (self._number(connection, doc),),
        ).fetchone()
        if row is None:
            return None
        if not isinstance(row[2], bytes) or zlib.crc32(row[2]) != row[4]:
            _log.warning(
                "The snapshot of %s in %s is damaged; its log is replayed.",
                doc,
                self._database.path,
                extra=fields("snapshot.unusable", document=doc, file=str(self._database.path)),
            )
            return None
        return Snapshot(*row[:4])


def _insert(connection: sqlite3.Connection, rows: list[_Row]) -> None:
    """Insert many rows a statement, since each fights with the event loop for the GIL."""
    start = 0
    for size in _CHUNKS:
        statement = f"INSERT INTO entries ({_NAMES}) VALUES " + ", ".join([_VALUES] * size)  # noqa: S608 - no input
        while len(rows) - start >= size:
            values = itertools.chain.from_iterable(rows[start : start + size])
            connection.execute(statement, tuple(values))
            start += size


def _batch(connection: sqlite3.Connection, doc: int, after: int) -> Iterator[Entry]:
    rows: Any = connection.execute(_SELECT, (doc, after, _BATCH_ROWS))
    size = 0
    for name, *row in rows:
        seq, _, kind, time, _, label, data, _, check, by = row
        if check is not None and check != checksum(tuple(row)):
            raise DamagedRow(f"entry {seq} is not as it was written")
        try:
            who = None if by is None else PARTICIPANTS[by]
            yield Entry(data, name, time, KINDS[kind], label or "", seq, who)
        except IndexError as error:
            raise StoreError(
                f"Entry {seq} of the log is of a kind that this release does not know."
            ) from error
        size += len(data)
        if size > _BATCH_BYTES:
            rows.close()
            return
