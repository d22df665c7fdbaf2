"""A document out of its log, and a snapshot beside the log whenever replaying it has come to cost something."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtc_widgets.errors import StoreError
from rtc_widgets.logged import fields
from rtc_widgets.stores.entry import DAMAGED
from rtc_widgets.stores.snapshot import VERSION, Snapshot, snapshots_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycrdt import Doc

    from rtc_widgets.stores.entry import Entry, Store

__all__ = ["Tally", "load"]

# A transaction for each entry costs ten times as much, one for very many is quadratic (docs/performance.md).
_ENTRIES = 256
_BYTES = 1 << 20
_ENTRY_COSTS = 1000  # bytes that are applied in the time that an entry takes, however small it is

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """Count what replaying a log would cost, beyond the last snapshot of it.

    Args:
        seq: of the last entry.
        cost: of the entries since the snapshot, in bytes.
        size: of the snapshot, or of what the log began with, in bytes.
        time: of the last entry that was read; seconds since the epoch.
        damaged: whether entries are missing that could not be read any more.
    """

    seq: int = 0
    cost: int = 0
    size: int = 0
    time: float = 0.0
    damaged: bool = False

    def add(self, entries: Sequence[Entry]) -> None:
        """Count *entries* that were added to the log."""
        self.cost += sum(len(entry.update) + _ENTRY_COSTS for entry in entries)

    def due(self, every: int) -> bool:
        """Tell whether to make a snapshot: after *every* small entries, and more in a large document.

        A snapshot is no larger than what was logged since the one before, so that they at most double what is written.
        """
        return bool(every) and self.cost >= max(every * _ENTRY_COSTS, self.size)

    def took(self, size: int) -> None:
        """Note that a snapshot was made, or tried."""
        self.cost, self.size = 0, size


async def load(store: Store, name: str, doc: Doc[Any], lineage: str, *, seeded: bool = True) -> Tally | None:
    """Fill the empty *doc* from its log, by way of the snapshot beside it where there is one that fits.

    Args:
        store: the log's.
        name: of the document there.
        doc: is filled.
        lineage: of the document.
        seeded: whether the log begins with a seed of that lineage, or a snapshot in the place of its beginning.

    Returns:
        What was read; None where there is no log of that lineage.

    Raises:
        StoreError: the log cannot be read.
    """
    tally = Tally()
    snapshot = await _fitting(store, name, lineage)
    if snapshot is not None and _apply(doc, [snapshot.state], name):
        tally.seq, tally.size = snapshot.seq, len(snapshot.state)
    updates: list[bytes] = []
    size = 0
    async for entry in store.read(name, after=tally.seq):
        if entry.kind == "update" and entry.label == DAMAGED:
            tally.seq, tally.damaged = entry.seq, True
            continue
        if not tally.seq:
            if seeded and (entry.kind == "update" or entry.label != lineage):
                return None
            tally.size = len(entry.update)
        else:
            tally.add([entry])
        tally.seq, tally.time = entry.seq, entry.time
        updates.append(entry.update)
        size += len(entry.update)
        if len(updates) == _ENTRIES or size > _BYTES:
            _replay(doc, updates)
            updates, size = [], 0
    _replay(doc, updates)
    return tally if tally.seq or not seeded else None


async def _fitting(store: Store, name: str, lineage: str) -> Snapshot | None:
    snapshots = snapshots_of(store)
    if snapshots is None:
        return None
    try:
        snapshot = await snapshots.snapshot(name)
    except StoreError as error:
        _log.warning(
            "The snapshot of %s cannot be read; its log is replayed. %s",
            name,
            error,
            extra=fields("snapshot.unusable", document=name),
        )
        return None
    if snapshot is not None and (snapshot.lineage != lineage or snapshot.version != VERSION):
        _log.warning(
            "The snapshot of %s is of another lineage or release; its log is replayed.",
            name,
            extra=fields("snapshot.unusable", document=name),
        )
        return None
    return snapshot


def _apply(doc: Doc[Any], updates: list[bytes], name: str) -> bool:
    try:
        _replay(doc, updates)
    except ValueError as error:  # it is decoded before anything is applied
        _log.warning(
            "The snapshot of %s is no document; its log is replayed. (%s)",
            name,
            error,
            extra=fields("snapshot.unusable", document=name),
        )
        return False
    return True


def _replay(doc: Doc[Any], updates: list[bytes]) -> None:
    with doc.transaction():
        for update in updates:
            doc.apply_update(update)
