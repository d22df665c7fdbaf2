"""Which room a file has, and what the room knows of the file: kept over restarts of the server.

So a room is loaded from its log again, under the ids that clients and the log know it by, and what happened
to the file meanwhile is told by comparing it to the base that is kept here.
"""

from __future__ import annotations

import base64
import json
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtc_widgets.stores.aside import copy_tables
from rtc_widgets.stores.database import Database

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import Callable, Sequence

    from rtc_widgets.stores.aside import Damage

__all__ = ["RoomIndex", "RoomRecord"]

_APPLICATION = 0x52544358  # "RTCX"
_SCHEMA = [
    """
    CREATE TABLE rooms (
        room TEXT PRIMARY KEY,
        path TEXT NOT NULL,
        format TEXT NOT NULL,
        type TEXT NOT NULL,
        lineage TEXT NOT NULL,
        hash TEXT,
        last_modified TEXT NOT NULL,
        base BLOB NOT NULL,
        UNIQUE (path, format, type)
    )
    """,
    "ALTER TABLE rooms ADD COLUMN attempted BLOB",
    """
    CREATE TABLE deleted (
        room TEXT PRIMARY KEY,
        path TEXT NOT NULL,
        format TEXT NOT NULL,
        type TEXT NOT NULL,
        lineage TEXT NOT NULL,
        hash TEXT,
        last_modified TEXT NOT NULL,
        base BLOB NOT NULL,
        attempted BLOB,
        time REAL NOT NULL
    )
    """,
    """
    CREATE TABLE merging (
        room TEXT PRIMARY KEY,
        hash TEXT NOT NULL,
        content BLOB NOT NULL
    )
    """,
]
_REMEMBERED = 90 * 24 * 3600.0  # seconds for which the room of a deleted file is known again
_COLUMNS = "room, path, format, type, lineage, hash, last_modified, base, attempted"


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """Hold what is kept of a room.

    Args:
        room: its id, part of its documents' comm ids and of their names in the store.
        path: the contents manager's, without slashes at the ends.
        format: ``json``, ``text`` or ``base64``.
        type: a document type.
        lineage: of the content document.
        hash: of the file as last read or written, where the contents manager tells.
        last_modified: likewise, in ISO 8601.
        base: the content of the file as last read or written, normalized, under the live cells' ids.
        attempted: the content that was being written when the server ended, likewise; None where none was.
    """

    room: str
    path: str
    format: str
    type: str
    lineage: str
    hash: str | None
    last_modified: str
    base: Any
    attempted: Any = None


class RoomIndex:
    """Keep the records in the SQLite file at *path*.

    Args:
        path: of the file.
        hold: see ``Database``.

    Raises:
        StoreError: the file is not an index, or cannot be used; see ``Database``.
    """

    def __init__(self, path: str | os.PathLike[str], *, hold: Callable[[], None] = lambda: None) -> None:
        self._database = Database(
            path,
            application=_APPLICATION,
            schema=_SCHEMA,
            what="the list of shared documents",
            check=_find_damage,
            salvage=_salvage,
            hold=hold,
        )

    @property
    def damage(self) -> Damage | None:
        """Return what was found when it was opened; known when the first call has returned."""
        return self._database.damage

    async def find(self, path: str, format_: str, type_: str) -> RoomRecord | None:
        """Return the record of a file, if it was ever open."""
        row = await self._database.call(_find, (path.strip("/"), format_, type_))
        return None if row is None else _record(row)

    async def last(self, path: str) -> RoomRecord | None:
        """Return the record that tells most of the file at *path*: a notebook's before that of its text.

        That of the last file there where it was deleted.
        """
        row = await self._database.call(_last, path.strip("/"))
        return None if row is None else _record(row)

    async def restore(self, path: str, format_: str, type_: str, content: Any) -> RoomRecord | None:
        """Take up the room again that a file had when it was deleted, if that was with just this content.

        Args:
            path: of the file, which has no room now.
            format_: as in a record.
            type_: likewise.
            content: what the file holds, normalized.
        """
        row = await self._database.call(_restore, (path.strip("/"), format_, type_, content))
        return None if row is None else _record(row)

    async def path_of(self, room: str) -> str | None:
        """Return where the file of a room is now, None where the room is not known."""
        path: str | None = await self._database.call(_path_of, room)
        return path

    async def put(self, record: RoomRecord) -> None:
        """Keep *record*, in the place of an older one of the same room or the same file."""
        await self._database.call(_put, record)

    async def saving(self, room: str, content: Any) -> None:
        """Note what *room* is about to write, lest a crash in between make it look like somebody else's."""
        await self._database.call(_saving, (content, room))

    async def merging(self, room: str, hash_: str, content: Any) -> None:
        """Note a version of the file that *room* is about to merge, before its log has that."""
        await self._database.call(_merging, (room, hash_, content))

    async def merged(self, room: str, hash_: str) -> Any:
        """Return the content of that version, unless a later one was noted, or it by `saved`; then None."""
        return await self._database.call(_merged, (room, hash_))

    async def saved(self, room: str, hash_: str | None, last_modified: str, base: Any) -> None:
        """Note the version of the file that *room* has just read or written."""
        await self._database.call(_saved, (hash_, last_modified, base, room))

    async def rename(self, old: str, new: str) -> None:
        """Follow a file, or all files of a folder, from *old* to *new*."""
        await self._database.call(_rename, (old.strip("/"), new.strip("/")))

    async def delete(self, path: str, keep: Sequence[str] = ()) -> None:
        """Forget a file, or all files of a folder, but not the rooms *keep*, until it is restored.

        Their logs stay in the store.
        """
        await self._database.call(_delete, (path.strip("/"), tuple(keep)))

    async def forget(self, room: str) -> None:
        """Forget one room until its file is restored; its log stays in the store."""
        await self._database.call(_forget, room)

    async def forget_deleted(self, path: str) -> list[str]:
        """Forget the rooms that a file had when it was deleted; return these and the ones that it has now."""
        rooms: list[str] = await self._database.call(_forget_deleted, path.strip("/"))
        return rooms

    async def aclose(self) -> None:
        """Write what waits and close the file."""
        await self._database.aclose()


# --- in the database's thread


def _find_damage(connection: sqlite3.Connection) -> str | None:
    for table in ("rooms", "deleted"):
        for room, *contents in connection.execute(f"SELECT room, base, attempted FROM {table}"):  # noqa: S608 - no input
            if not all(content is None or _can_unpack(content) for content in contents):
                return f"what the file of the room {room} held cannot be read"
    return None


def _salvage(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    copy_tables(source, target)
    for table in ("rooms", "deleted"):
        rows = target.execute(f"SELECT room, base, attempted FROM {table}").fetchall()  # noqa: S608 - no input
        for room, *contents in rows:
            if not all(content is None or _can_unpack(content) for content in contents):
                target.execute(f"DELETE FROM {table} WHERE room = ?", (room,))  # noqa: S608 - no input


def _can_unpack(content: Any) -> bool:
    try:
        _unpack(content)
    except (zlib.error, ValueError, LookupError, TypeError):
        return False
    return True


def _find(connection: sqlite3.Connection, keys: Sequence[tuple[str, str, str]]) -> list[Any]:
    statement = f"SELECT {_COLUMNS} FROM rooms WHERE path = ? AND format = ? AND type = ?"  # noqa: S608 - no input
    return [connection.execute(statement, key).fetchone() for key in keys]


def _last(connection: sqlite3.Connection, paths: Sequence[str]) -> list[Any]:
    found: list[Any] = []
    for path in paths:
        for which in ("rooms WHERE path = ?", "deleted WHERE path = ?"):
            newest = ", time DESC" if which.startswith("deleted") else ""
            statement = f"SELECT {_COLUMNS} FROM {which} ORDER BY type != 'notebook'{newest}"  # noqa: S608 - no input
            row = connection.execute(statement, (path,)).fetchone()
            if row is not None:
                break
        found.append(row)
    return found


def _path_of(connection: sqlite3.Connection, rooms: Sequence[str]) -> list[str | None]:
    found = (
        connection.execute("SELECT path FROM rooms WHERE room = ?", (room,)).fetchone() for room in rooms
    )
    return [None if row is None else row[0] for row in found]


def _put(connection: sqlite3.Connection, records: Sequence[RoomRecord]) -> list[None]:
    for record in records:
        row = (record.room, record.path.strip("/"), record.format, record.type, record.lineage)
        attempted = None if record.attempted is None else _pack(record.attempted)
        rest = (record.hash, record.last_modified, _pack(record.base), attempted)
        connection.execute("INSERT OR REPLACE INTO rooms VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row + rest)
    return [None] * len(records)


def _saving(connection: sqlite3.Connection, items: Sequence[tuple[Any, str]]) -> list[None]:
    for content, room in items:
        connection.execute("UPDATE rooms SET attempted = ? WHERE room = ?", (_pack(content), room))
    return [None] * len(items)


def _merging(connection: sqlite3.Connection, items: Sequence[tuple[str, str, Any]]) -> list[None]:
    for room, hash_, content in items:
        connection.execute("INSERT OR REPLACE INTO merging VALUES (?, ?, ?)", (room, hash_, _pack(content)))
    return [None] * len(items)


def _merged(connection: sqlite3.Connection, items: Sequence[tuple[str, str]]) -> list[Any]:
    statement = "SELECT content FROM merging WHERE room = ? AND hash = ?"
    rows = (connection.execute(statement, item).fetchone() for item in items)
    return [None if row is None or not _can_unpack(row[0]) else _unpack(row[0]) for row in rows]


def _saved(connection: sqlite3.Connection, items: Sequence[tuple[str | None, str, Any, str]]) -> list[None]:
    for hash_, last_modified, base, room in items:
        connection.execute("DELETE FROM merging WHERE room = ?", (room,))
        connection.execute(
            "UPDATE rooms SET hash = ?, last_modified = ?, base = ?, attempted = NULL WHERE room = ?",
            (hash_, last_modified, _pack(base), room),
        )
    return [None] * len(items)


def _rename(connection: sqlite3.Connection, renames: Sequence[tuple[str, str]]) -> list[None]:
    for old, new in renames:
        if old != new:
            _remove(connection, new)  # what stood there before was overwritten
            connection.execute("UPDATE rooms SET path = ? WHERE path = ?", (new, old))
            connection.execute(
                "UPDATE rooms SET path = ? || substr(path, ?) WHERE substr(path, 1, ?) = ?",
                (new, len(old) + 1, len(old) + 1, old + "/"),
            )
    return [None] * len(renames)


def _delete(connection: sqlite3.Connection, items: Sequence[tuple[str, tuple[str, ...]]]) -> list[None]:
    for path, keep in items:
        _remove(connection, path, keep)
    return [None] * len(items)


def _forget(connection: sqlite3.Connection, rooms: Sequence[str]) -> list[None]:
    for room in rooms:
        _drop(connection, "room = ?", (room,))
    return [None] * len(rooms)


def _forget_deleted(connection: sqlite3.Connection, paths: Sequence[str]) -> list[list[str]]:
    found: list[list[str]] = []
    for path in paths:
        both = "SELECT room FROM rooms WHERE path = ? UNION SELECT room FROM deleted WHERE path = ?"
        found.append([room for (room,) in connection.execute(both, (path, path))])
        connection.execute("DELETE FROM deleted WHERE path = ?", (path,))
    return found


def _remove(connection: sqlite3.Connection, path: str, keep: Sequence[str] = ()) -> None:
    _drop(
        connection,
        "(path = ? OR substr(path, 1, ?) = ?) AND room NOT IN (SELECT value FROM json_each(?))",
        (path, len(path) + 1, path + "/", json.dumps(keep)),
    )


def _drop(connection: sqlite3.Connection, which: str, values: tuple[Any, ...]) -> None:
    now = time.time()
    connection.execute(
        f"INSERT OR REPLACE INTO deleted ({_COLUMNS}, time) SELECT {_COLUMNS}, ? FROM rooms WHERE {which}",  # noqa: S608 - no input
        (now, *values),
    )
    connection.execute(
        f"DELETE FROM merging WHERE room IN (SELECT room FROM rooms WHERE {which})",  # noqa: S608 - no input
        values,
    )
    connection.execute(f"DELETE FROM rooms WHERE {which}", values)  # noqa: S608 - no input
    connection.execute("DELETE FROM deleted WHERE time < ?", (now - _REMEMBERED,))


def _restore(
    connection: sqlite3.Connection, wanted: Sequence[tuple[str, str, str, Any]]
) -> list[list[Any] | None]:
    found: list[list[Any] | None] = []
    for path, format_, type_, content in wanted:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM deleted WHERE path = ? AND format = ? AND type = ? ORDER BY time DESC",  # noqa: S608 - no input
            (path, format_, type_),
        )
        row = next((row for row in rows if _unpack(row[7]) == content), None)
        if row is not None:
            connection.execute("INSERT INTO rooms VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute("DELETE FROM deleted WHERE room = ?", (row[0],))
        found.append(row)
    return found


def _record(row: Sequence[Any]) -> RoomRecord:
    room, path, format_, type_, lineage, hash_, last_modified, base, attempted = row
    wanted = None if attempted is None else _unpack(attempted)
    return RoomRecord(room, path, format_, type_, lineage, hash_, last_modified, _unpack(base), wanted)


def _pack(base: Any) -> bytes:
    if isinstance(base, bytes | bytearray):
        base = {"base64": base64.b64encode(base).decode()}
    else:
        base = {"json": base}
    return zlib.compress(json.dumps(base, separators=(",", ":")).encode(), 1)


def _unpack(data: bytes) -> Any:
    base = json.loads(zlib.decompress(data))
    return base64.b64decode(base["base64"]) if "base64" in base else base["json"]
