"""A damaged SQLite file is set aside whole, and a new one with what can be read of it takes its place."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Damage", "copy_tables", "is_damage", "readable", "set_aside"]

# Rowids in a row that are looked for where there is nothing: where it is known how far they go, and where it is not.
_PATIENCE = 5_000_000
_LESS_PATIENCE = 50_000
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_MOST_ROWID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Damage:
    """Tell of a file that was found damaged.

    Args:
        problem: what was wrong with it.
        aside: where it is now, as it was found, with its ``-wal`` and ``-shm``.
    """

    problem: str
    aside: Path


def is_damage(error: BaseException) -> bool:
    """Tell whether SQLite says that a file is damaged, and not that it is locked, or the disk full."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED


def set_aside(
    path: Path,
    problem: str,
    make: Callable[[Path], sqlite3.Connection],
    salvage: Callable[[sqlite3.Connection, sqlite3.Connection], None],
) -> Damage:
    """Put what *salvage* copies into a new file at *path*, and the damaged one beside it.

    The new file is whole before the old one is moved.

    Args:
        path: the damaged file, which nobody has open.
        problem: what is wrong with it.
        make: makes an empty file of the same kind.
        salvage: copies from the first connection, which may fail anywhere, to the second.

    Raises:
        sqlite3.Error, OSError: the new file could not be written; the damaged one is where it was.
    """
    fresh = path.with_name(path.name + ".new")
    for name in _files(fresh):
        name.unlink(missing_ok=True)
    target = make(fresh)
    try:
        source = _opened(path)
        if source is not None:
            try:
                target.execute("BEGIN")
                salvage(source, target)
                target.execute("COMMIT")
            finally:
                source.close()
    finally:
        target.close()
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    # The log before the file: beside a new file an old one's -wal would be taken for its own.
    for old, new in zip(reversed(_files(path)), reversed(_files(aside)), strict=True):
        if old.exists():
            old.rename(new)
    fresh.rename(path)
    return Damage(problem, aside)


def readable(
    source: sqlite3.Connection, table: str, columns: str, upto: int = 0
) -> Iterator[tuple[Any, ...] | int]:
    """Yield the rows of *table* that can be read, in order, each after its rowid; of others the bare rowid.

    Args:
        source: a damaged file.
        table: its name.
        columns: a list for a SELECT.
        upto: the last rowid that there can be; 0 where that is not known.
    """
    patience = _PATIENCE if upto else _LESS_PATIENCE
    upto = upto or _MOST_ROWID
    select = f"SELECT rowid, {columns} FROM {table} NOT INDEXED WHERE rowid"  # noqa: S608 - no input
    at = 0
    while True:
        try:
            for row in source.execute(f"{select} > ? ORDER BY rowid", (at,)):
                if not at < row[0] <= upto:
                    break  # a damaged page may say anything
                at = row[0]
                yield row
            else:
                return
        except sqlite3.Error:
            pass  # one by one, then
        missed = 0
        while True:
            at, missed = at + 1, missed + 1
            if at > upto or missed > patience:
                return
            try:
                row = source.execute(f"{select} = ?", (at,)).fetchone()
            except sqlite3.Error:
                yield at
                continue
            if row is not None:
                yield row
                break


def copy_tables(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy the rows that can be read of all tables that *target* has."""
    for (table,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        columns = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
        names = ", ".join(columns)
        marks = ", ".join("?" * len(columns))
        insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - no input
        for row in _rows(source, target, table, names):
            target.execute(insert, row)


def _rows(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, names: str
) -> Iterator[tuple[Any, ...]]:
    try:
        target.execute(f"SELECT rowid FROM {table}")  # noqa: S608 - no input
    except sqlite3.OperationalError:  # a table without any: what comes before the first damage
        try:
            yield from source.execute(f"SELECT {names} FROM {table}")  # noqa: S608 - no input
        except sqlite3.Error:
            return
        return
    for row in readable(source, table, names):
        if isinstance(row, tuple):
            yield row[1:]


def _opened(path: Path) -> sqlite3.Connection | None:
    """Open a damaged file for reading; None where it is no database any more."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        return None
    return connection


def _files(path: Path) -> list[Path]:
    return [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]
