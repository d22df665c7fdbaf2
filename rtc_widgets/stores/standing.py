"""Whether a SQLite file that is open still stands where it was opened, and how it is written there again.

SQLite goes on in a file that somebody deletes. It answers as ever, and all of it goes with the process.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Standing", "write_again", "write_log"]


class Standing:
    """Remember which files a connection has open, to tell whether they are still there.

    Args:
        path: of the database, which was just opened, and read.

    Raises:
        OSError: it cannot be looked at; so does each question later.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.fspath(path)
        self._log = self._file + "-wal"
        self._file_was = _identity(self._file)
        self._log_was = _identity(self._log)  # none beside a rollback journal

    @property
    def is_deleted(self) -> bool:
        """Tell that the file is gone."""
        return self._file_was is not None and _identity(self._file) is None

    @property
    def is_replaced(self) -> bool:
        """Tell that another file stands in its place."""
        return _identity(self._file) not in (None, self._file_was)

    @property
    def is_whole(self) -> bool:
        """Tell that nothing happened to it, nor to its ``-wal``."""
        if _identity(self._file) != self._file_was:
            return False
        return self._log_was is None or _identity(self._log) == self._log_was


def write_again(connection: sqlite3.Connection, path: Path) -> None:
    """Write what *connection* has to *path*, where no file is any more, and close it.

    The new file is whole, and on the disk, before it has that name.

    Raises:
        sqlite3.Error, OSError: it was not written; the connection goes on.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as target:
        connection.backup(target)
    _empty_log(connection)  # or what is in it would be read as the new file's
    fresh.rename(path)
    connection.close()


def write_log(connection: sqlite3.Connection) -> None:
    """Write what is in the ``-wal`` of *connection*, which is no file any more, into the database, and close it.

    Raises:
        sqlite3.Error: it was not written, or not all; the connection goes on.
    """
    _empty_log(connection)
    connection.close()


def _empty_log(connection: sqlite3.Connection) -> None:
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    # Who waits for jobs is told at once, and it is tried again.
    connection.execute("PRAGMA busy_timeout=0").fetchone()
    try:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout={patience}").fetchone()
    if busy:
        raise sqlite3.OperationalError("another program is reading it")


def _identity(path: str) -> tuple[int, int] | None:
    """Return what tells a file from every other, for as long as both are there; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - it is asked for with every commit
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino
