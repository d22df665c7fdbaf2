"""What is kept for one person about a room, over restarts: an SQLite file beside the log."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from rtc_widgets.rooms.private import Private
from rtc_widgets.stores.database import Database

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import Callable, Sequence

__all__ = ["PrivateFile"]

_APPLICATION = 0x52544350  # "RTCP"
_SCHEMA = [
    """
    CREATE TABLE private (
        room TEXT NOT NULL,
        user TEXT NOT NULL,
        value TEXT NOT NULL,
        time REAL NOT NULL,
        PRIMARY KEY (room, user)
    ) WITHOUT ROWID
    """
]
# Without an identity provider everybody is somebody new with each browser profile, who never comes back.
_KEPT = 365 * 24 * 3600.0  # seconds since it was touched last


class PrivateFile:
    """Keep it in the SQLite file at *path*; a `PrivateNotes`.

    Args:
        path: of the file.
        hold: see ``Database``.

    Raises:
        StoreError: the file is not one of these, or cannot be used; see ``Database``.
    """

    def __init__(self, path: str | os.PathLike[str], *, hold: Callable[[], None] = lambda: None) -> None:
        self._database = Database(
            path,
            application=_APPLICATION,
            schema=_SCHEMA,
            what="what is kept for single people",
            hold=hold,
        )

    async def get(self, room: str, user: str) -> Private:
        """Return what is kept of a person."""
        value = await self._database.call(_get, (room, user))
        return Private() if value is None else Private(**json.loads(value))

    async def put(self, room: str, user: str, private: Private) -> None:
        """Keep it, in the place of what was kept."""
        await self._database.call(_put, (room, user, json.dumps(private.to_json()), time.time()))

    async def forget_old(self) -> None:
        """Forget what nobody has touched for a year."""
        await self._database.call(_forget, time.time() - _KEPT)

    async def aclose(self) -> None:
        """Write what waits and close the file."""
        await self._database.aclose()


# --- in the database's thread


def _get(connection: sqlite3.Connection, keys: Sequence[tuple[str, str]]) -> list[Any]:
    rows = (connection.execute("SELECT value FROM private WHERE room = ? AND user = ?", key) for key in keys)
    return [row[0] if row else None for row in (found.fetchone() for found in rows)]


def _put(connection: sqlite3.Connection, rows: Sequence[tuple[str, str, str, float]]) -> list[None]:
    connection.executemany("INSERT OR REPLACE INTO private VALUES (?, ?, ?, ?)", rows)
    return [None] * len(rows)


def _forget(connection: sqlite3.Connection, times: Sequence[float]) -> list[None]:
    connection.executemany("DELETE FROM private WHERE time < ?", [(when,) for when in times])
    return [None] * len(times)
