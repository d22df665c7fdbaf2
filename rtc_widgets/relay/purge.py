"""Forget the history of a file, and not what it holds: for a secret that was typed and deleted again."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pycrdt import Doc

from rtc_widgets.errors import StoreError
from rtc_widgets.relay.backups import Backups
from rtc_widgets.relay.claim import Claim
from rtc_widgets.relay.index import RoomIndex
from rtc_widgets.relay.projections import IN_STEP
from rtc_widgets.rooms.room import comm_id
from rtc_widgets.stores.entry import EMPTY_UPDATES
from rtc_widgets.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from rtc_widgets.stores.entry import Entry, Store

__all__ = ["NO_FILE", "NO_LOG", "Purged", "purge"]

NO_LOG = (
    "There is no log {log}. Name the folder that the server has as its root with --root-dir, which is where it was "
    "started unless it was told another, or its RelayApp.store_path with --log; and run this as the same user."
)
NO_FILE = (
    "{log} knows no file {path!r}, so it has no history of it. A path begins at the server's root folder, as "
    "JupyterLab's file browser shows it."
)
_MAY_HAVE_IT = (
    "\nWARNING: damaged logs that were set aside may have it, with what is there of all files. Delete them:"
)


@dataclass(frozen=True, slots=True)
class Purged:
    """Tell what was done.

    Args:
        rooms: that the file has, or had before it was deleted.
        entries: of the logs, that are gone.
        copies: from before most of a notebook's cells went, that are gone.
        left: files that were not looked into: damaged logs that were set aside.
    """

    rooms: int
    entries: int
    copies: int
    left: tuple[Path, ...]


async def purge(log: Path, path: str, *, damaged: bool = False) -> Purged:
    """Make the logs of a file's documents one entry each, which holds what they hold now, and write the log anew.

    The lineage stays, and so does who comes back with a replica: what was deleted is known to be, without what it was.

    Args:
        log: the SQLite file; no server may be using it.
        path: of the file, as the server has it.
        damaged: whether to delete the damaged logs that were set aside, with what they have of other files.

    Raises:
        StoreError: a server uses the log, there is none, or it knows no such file; nothing was changed.
    """
    if not await asyncio.to_thread(log.exists):
        raise StoreError(NO_LOG.format(log=log))
    claim = Claim(log)
    try:
        if claim.path != log:
            raise StoreError(
                f"A server uses {log}. Stop it first: it has the history in memory, too. `jupyter server list` names "
                "those that run."
            )
        store, index = SqliteStore(log), RoomIndex(log.with_suffix(".rooms.sqlite"))
        try:
            rooms = await index.forget_deleted(path)
            if not rooms:
                aside = "".join(f"\n  {file}" for file in _damaged(log))
                raise StoreError(NO_FILE.format(log=log, path=path) + (aside and _MAY_HAVE_IT + aside))
            names = [comm_id(room, document) for room in rooms for document in ("content", "annotations")]
            entries = sum([await _forget(store, name) for name in names])
            backups = Backups(log.with_suffix(".backups"), 0)
            copies = sum([await backups.forget(room) for room in rooms])
        finally:
            await store.aclose()
            await index.aclose()
        for suffix in (".sqlite", ".rooms.sqlite", ".private.sqlite"):
            await asyncio.to_thread(_write_anew, log if suffix == ".sqlite" else log.with_suffix(suffix))
    finally:
        claim.release()
    left = _damaged(log)
    if damaged:
        for file in left:
            file.unlink()
    return Purged(len(rooms), entries, copies, () if damaged else tuple(left))


def _damaged(log: Path) -> list[Path]:
    return sorted(log.parent.glob(f"{log.stem}.*damaged-*"))


async def _forget(store: Store, name: str) -> int:
    """Put one entry into the place of a log, or two of a notebook's text that is not in the notebook yet."""
    entries = [entry async for entry in store.read(name)]
    steps = [
        place for place, entry in enumerate(entries) if entry.kind == "update" and entry.label == IN_STEP
    ]
    known = steps[-1] + 1 if steps else len(entries)
    doc: Doc[Any] = Doc()
    gone = 0
    for after, part in ((0, entries[:known]), (entries[known - 1].seq if known else 0, entries[known:])):
        if not part:
            continue
        before = doc.get_state() if after else None
        _replay(doc, part)
        state = doc.get_update() if before is None else doc.get_update(before)
        if state not in EMPTY_UPDATES:
            await store.compact(name, after=after, upto=part[-1].seq, snapshot=state)
            gone += len(part) - 1
    return gone


def _replay(doc: Doc[Any], entries: list[Entry]) -> None:
    for start in range(0, len(entries), 256):
        with doc.transaction():
            for entry in entries[start : start + 256]:
                doc.apply_update(entry.update)


def _write_anew(path: Path) -> None:
    """Write a database anew, so that nothing that was deleted stands in its pages, nor beside it."""
    if not path.exists():
        return
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()  # takes in the -wal, which goes
        connection.execute("PRAGMA secure_delete=ON").fetchall()
        connection.execute("VACUUM")
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} was purged, but its free pages were not: {error}. Free some space and purge again."
        ) from error
    finally:
        connection.close()
