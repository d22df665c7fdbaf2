"""What can be read of a damaged log: the entries of each document, in order, up to the first that is missing.

Never an entry after a hole: it may build upon what is gone. Where the snapshot beside a log covers the hole, it takes
the place of what it covers. What else lost entries ends with one labelled ``DAMAGED``.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from bisect import bisect_right
from typing import Any, NamedTuple

from rtc_widgets.stores.aside import readable
from rtc_widgets.stores.entry import DAMAGED, KINDS

__all__ = ["COLUMNS", "checksum", "find_damage", "salvage"]

COLUMNS = ("seq", "doc", "kind", "time", "author", "label", "data", "before", "checksum", "participant")
_EMPTY_UPDATE = b"\0\0"
_SNAPSHOT = KINDS.index("snapshot")


def checksum(row: tuple[Any, ...]) -> int:
    """Return the checksum of a row of ``COLUMNS``, whose own place is ignored: SQLite has none.

    Rows from before there was a participant have none, and the checksum that they had.
    """
    seq, doc, kind, at, author, label, data, before = row[:8]
    who = author if row[9] is None else (author, row[9])
    return zlib.crc32(data, zlib.crc32(repr((seq, doc, kind, float(at), who, label, before)).encode()))


def find_damage(connection: sqlite3.Connection) -> str | None:
    """Return what is wrong with a log that SQLite takes to be whole, if anything is."""
    count = "SELECT count(*) FROM entries"
    ((rows,), (indexed,)) = (
        connection.execute(f"{count} {how}").fetchone()
        for how in ("NOT INDEXED", "INDEXED BY entries_of_doc")
    )
    if rows != indexed:
        return f"{rows} entries, of which {indexed} are in its index"
    for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries NOT INDEXED"):  # noqa: S608 - no input
        if not _is_whole(row):
            return f"entry {row[0]} is not as it was written"
    return None


def salvage(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy what can be read of *source* into the empty log *target*."""
    names = _names(source)
    target.executemany("INSERT OR IGNORE INTO names (number, name) VALUES (?, ?)", names.items())
    log = _Log(source, target)
    target.execute("DELETE FROM sqlite_sequence WHERE name = 'entries'")
    target.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('entries', ?)", (log.upto,))
    mark = log.upto
    for doc in sorted(names.keys() & (log.found.keys() | log.ends.keys())):
        kept = log.kept(doc)
        for seq in kept.seqs:
            _insert(target, log.row(seq))
        if kept.whole is not None:
            _insert(target, kept.whole)
        elif (snapshot := log.snapshots.get(doc)) is not None and snapshot[1] in kept.seqs:
            target.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?)", snapshot)
        if not kept.complete:
            mark += 1
            last = kept.last
            _insert(
                target,
                (
                    mark,
                    doc,
                    KINDS.index("update"),
                    time.time(),
                    None,
                    DAMAGED,
                    _EMPTY_UPDATE,
                    last,
                    None,
                    None,
                ),
            )


class _Kept(NamedTuple):
    seqs: list[int]
    last: int
    complete: bool
    whole: tuple[Any, ...] | None = None


class _Found(NamedTuple):
    seq: int
    kind: int
    time: float
    label: str | None
    before: int | None


class _Log:
    """Know which entries of a damaged log can be read.

    ``found`` has them by document, ``unreadable`` the places of others, ``ends`` each document's last as far as the
    index tells, and ``snapshots`` those rows. What was found once is kept in a table of *target* that goes with the
    connection: looked for again, it may not be found.
    """

    def __init__(self, source: sqlite3.Connection, target: sqlite3.Connection) -> None:
        self._target = target
        names = ", ".join(COLUMNS[1:])
        target.execute(f"CREATE TEMP TABLE found (seq INTEGER PRIMARY KEY, {names})")
        keep = f"INSERT INTO found VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - no input
        self.found: dict[int, list[_Found]] = {}
        self.unreadable: list[int] = []
        ends = _try(source, "SELECT doc, max(seq) FROM entries INDEXED BY entries_of_doc GROUP BY doc")
        self._knows_ends = ends is not None
        self.ends: dict[int, int] = dict(ends or ())
        last = _try(source, "SELECT seq FROM sqlite_sequence WHERE name = 'entries'") or []
        self.upto = max([*self.ends.values(), *(row[0] for row in last), 0])
        for row in readable(source, "entries", _selected(source), self.upto):
            if isinstance(row, int) or not _is_whole(row[1:]):
                self.unreadable.append(row if isinstance(row, int) else row[0])
                continue
            target.execute(keep, row[1:])
            seq, doc, kind, at, _, label, _, before, *_ = row[1:]
            self.found.setdefault(doc, []).append(_Found(seq, kind, at, label, before))
            self.upto = max(self.upto, seq)
        self.snapshots = {row[0]: row for row in _snapshots(source)}

    def row(self, seq: int) -> tuple[Any, ...]:
        """Return the row of an entry that was found."""
        row: tuple[Any, ...] = self._target.execute("SELECT * FROM found WHERE seq = ?", (seq,)).fetchone()
        return row

    def kept(self, doc: int) -> _Kept:
        """Return what is kept of a document."""
        entries = self.found.get(doc, [])
        plain = self._chain(doc, entries, 0)
        snapshot = self.snapshots.get(doc)
        if plain.complete or snapshot is None or plain.last > snapshot[1]:
            return plain
        # It covers what is missing.
        _, seq, _, lineage, _, state = snapshot
        label = entries[0].label if entries and entries[0].kind != KINDS.index("update") else lineage
        at = max((entry.time for entry in entries if entry.seq <= seq), default=0.0)
        whole = (seq, doc, _SNAPSHOT, at, None, label, state, 0, None, None)
        return self._chain(doc, [entry for entry in entries if entry.seq > seq], seq)._replace(whole=whole)

    def _chain(self, doc: int, entries: list[_Found], last: int) -> _Kept:
        seqs: list[int] = []
        broken = False
        for entry in entries:
            if entry.before is not None:
                broken = entry.before != last
            else:  # of an older release, which did not note it
                begins = not last and entry.kind != KINDS.index("update")
                broken = not begins and self._misses(last, entry.seq)
            if broken:
                break
            seqs.append(entry.seq)
            last = entry.seq
        if not broken:
            broken = self.ends.get(doc) != last if self._knows_ends else self._misses(last, 2**63)
        return _Kept(seqs, last, not broken)

    def _misses(self, after: int, before: int) -> bool:
        """Tell whether there is an entry between these two that cannot be read, and may be anybody's."""
        place = bisect_right(self.unreadable, after)
        return place < len(self.unreadable) and self.unreadable[place] < before


def _is_whole(row: tuple[Any, ...]) -> bool:
    if not isinstance(row[6], bytes) or not isinstance(row[3], float) or row[2] not in range(len(KINDS)):
        return False
    return row[8] is None or row[8] == checksum(row)


def _insert(target: sqlite3.Connection, row: tuple[Any, ...]) -> None:
    marks = ", ".join("?" * len(COLUMNS))
    statement = f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({marks})"  # noqa: S608 - no input
    target.execute(statement, (*row[:8], checksum(row), row[9]))


def _names(source: sqlite3.Connection) -> dict[int, str]:
    """Return the names by number. They stand in the table and in its index; where the two differ neither counts."""
    indexed = _try(source, "SELECT number, name FROM names INDEXED BY sqlite_autoindex_names_1") or []
    table = [row[1:] for row in readable(source, "names", "number, name") if isinstance(row, tuple)]
    names: dict[int, str] = dict(indexed)
    differ = {number for number, name in table if names.setdefault(number, name) != name}
    return {number: name for number, name in names.items() if number not in differ and isinstance(name, str)}


def _snapshots(source: sqlite3.Connection) -> list[tuple[Any, ...]]:
    rows = readable(source, "snapshots", "doc, seq, version, lineage, checksum, data")
    return [
        row[1:]
        for row in rows
        if isinstance(row, tuple) and isinstance(row[6], bytes) and zlib.crc32(row[6]) == row[5]
    ]


def _selected(source: sqlite3.Connection) -> str:
    """Return ``COLUMNS`` for a SELECT, null where an older release had none."""
    there = {row[1] for row in _try(source, "PRAGMA table_info(entries)") or ()}
    return ", ".join(name if name in there else f"NULL AS {name}" for name in COLUMNS)


def _try(source: sqlite3.Connection, statement: str) -> list[Any] | None:
    try:
        return source.execute(statement).fetchall()
    except sqlite3.Error:
        return None
