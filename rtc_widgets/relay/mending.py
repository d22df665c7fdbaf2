"""A document whose log lost entries begins anew: with what its file holds, and what could be read of the log.

The entries that are gone are in the replicas of people who come back. So the document gets another lineage: else they
would bring it what was taken from the file once more, and it would stand twice.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pycrdt import Doc

from rtc_widgets.documents.seed import seed
from rtc_widgets.errors import RtcError
from rtc_widgets.logged import fields
from rtc_widgets.relay.versions import Versions
from rtc_widgets.rooms.log import load
from rtc_widgets.rooms.room import comm_id

if TYPE_CHECKING:
    from pathlib import Path

    from rtc_widgets.relay.file_version import FileVersion
    from rtc_widgets.relay.index import RoomIndex, RoomRecord
    from rtc_widgets.stores.entry import Store

__all__ = ["begin_anew", "remark"]

_log = logging.getLogger(__name__)


async def begin_anew(store: Store, index: RoomIndex, record: RoomRecord, file: FileVersion) -> None:
    """Put one entry into the place of a damaged log, under a lineage of its own.

    Args:
        store: the log's.
        index: gets the new lineage.
        record: of the room, which stays the same: its comments are in a log of their own.
        file: as it is now.

    Raises:
        StoreError: nothing was changed, or the lineage in the index only; then the document is seeded from its file.
    """
    name = comm_id(record.room, "content")
    doc: Doc[Any] = Doc()
    tally = await load(store, name, doc, record.lineage)
    assert tally is not None
    versions = Versions(doc, record.type)
    if tally.time >= _seconds(record.last_modified) and await _merged(versions, record, file):
        base, content = versions.base, await versions.live()
    else:
        base = content = file.normal
    seeded = await asyncio.to_thread(seed, record.type, content)
    await store.compact(name, upto=tally.seq, snapshot=seeded.update, label=seeded.lineage)
    stat = file.stat
    await index.put(
        replace(
            record,
            lineage=seeded.lineage,
            hash=stat.hash,
            last_modified=stat.last_modified,
            base=base,
            attempted=None,
        )
    )


async def _merged(versions: Versions, record: RoomRecord, file: FileVersion) -> bool:
    """Merge the file into what was read.

    Only where what is gone was logged after the file was written, for then the file lacks what the log has, and not the
    other way round.
    """
    try:
        if versions.recover(record.base, record.attempted, file):
            versions.take(file)
    except RtcError as error:
        _log.warning(
            "%s is as its file is, and not as its damaged log has it: %s",
            record.path,
            error,
            extra=fields("log.not-recovered", path=record.path, room=record.room),
        )
        return False
    return True


def remark(aside: Path | None, *, lost: bool, comments: bool) -> tuple[str, str, str]:
    """Return what is told in a room that opens after a log was found damaged: level, code and a sentence.

    Args:
        aside: where the damaged file is now, where that was found since the server was started.
        lost: whether entries of its content are gone.
        comments: whether entries of its comments are.
    """
    where = "The server's log was damaged"
    if aside is not None:
        where += f" and set aside as {aside.name}, beside the new one"
    if not lost and not comments:
        return "info", "damaged", f"{where}. Nothing of this document was lost."
    what = [where + "."]
    if lost:
        what.append(
            "This document was made from its file and what could be read: see that what you typed last is there."
        )
    if comments:
        what.append("Some comments may be missing.")
    return "warning", "damaged", " ".join(what)


def _seconds(last_modified: str) -> float:
    """Return when a file was written; for an unknown time the end of all, since what is in the file counts then."""
    try:
        return datetime.fromisoformat(last_modified).timestamp()
    except ValueError:
        return float("inf")
