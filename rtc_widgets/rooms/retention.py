"""How much of a log is kept: what is old becomes one snapshot, and a minute's typing one entry.

Each key is an entry, some eighty bytes on the disk for one of content. Once they are two minutes old, what one
participant did in a minute is merged; that is what it was, only coarser. Nothing here touches what came last, so it
goes on beside the typing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rtc_widgets.errors import StoreError
from rtc_widgets.logged import fields
from rtc_widgets.rooms.apart import call_apart
from rtc_widgets.rooms.squashing import Replay
from rtc_widgets.stores.entry import EMPTY_UPDATES, Entry
from rtc_widgets.stores.snapshot import snapshots_of

if TYPE_CHECKING:
    from rtc_widgets.stores.entry import Store

__all__ = ["Retention", "shorten"]

_DAY = 24 * 3600.0
_RESTS = 120.0  # seconds after which an entry may be merged
_SPAN = 60.0  # seconds that one entry may stand for
_MANY = 2000  # entries, and
_LARGE = 2**20  # bytes, from which on it is planned in another process
_AT_ONCE = 256  # entries in a transaction (docs/performance.md)
_ROW = 60  # bytes that an entry takes beside its update
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """Say how much history is kept.

    Args:
        days: for which every change is kept, to the minute; what is older is one snapshot.
        size: bytes of one document's log, over which the older half of its history is made one snapshot.
    """

    days: float = 30.0
    size: int = 64 * 2**20


class _Step(NamedTuple):
    """Put an update into the place of some ``entries``: those with a ``seq`` over ``after``, ``upto`` at most.

    A last one with no entries says that what would be merged did not come to the same.
    """

    after: int
    upto: int
    update: bytes
    entries: int


async def shorten(store: Store, name: str, retention: Retention, now: float) -> None:
    """Make the log of *name* as short as it may be; the document that it comes to stays the same.

    Entries with a label, and all after the first of them, are never made part of a snapshot: named states stay
    reachable.

    Args:
        store: the log's.
        name: of the document there.
        retention: how much is kept.
        now: seconds since the epoch.
    """
    begun = time.monotonic()
    try:
        entries = [entry async for entry in store.read(name)]
        snapshots = snapshots_of(store)
        beside = None if snapshots is None else await snapshots.snapshot(name)
        seq = 0 if beside is None else beside.seq
        steps = await asyncio.to_thread(_planned, entries, retention, now, seq)
        plan = [step for step in steps if step.update not in EMPTY_UPDATES]
        # All in one transaction, since they are asked for at once.
        await asyncio.gather(
            *(store.compact(name, after=step.after, upto=step.upto, snapshot=step.update) for step in plan)
        )
    except StoreError as error:
        _log.warning(
            "The log of %s was not shortened; it is whole. %s",
            name,
            error,
            extra=fields("log.not-shortened", document=name),
        )
        return
    if any(not step.entries for step in steps):
        _log.warning(
            "Entries of the log of %s could not be told in fewer; they stay as they are.",
            name,
            extra=fields("log.not-shortened", document=name),
        )
    if plan:
        gone = sum(step.entries - 1 for step in plan)
        seconds = round(time.monotonic() - begun, 4)
        _log.info(
            "The log of %s has %d entries less, after %g s.",
            name,
            gone,
            seconds,
            extra=fields("log.shortened", document=name, count=gone, seconds=seconds),
        )


def _planned(entries: list[Entry], retention: Retention, now: float, snapshot: int) -> list[_Step]:
    """Plan in a process of its own where that would be felt by those who type."""
    if len(entries) >= _MANY or sum(len(entry.update) for entry in entries) >= _LARGE:
        rows = (
            (entry.update, entry.author, entry.time, entry.kind, entry.label, entry.seq, entry.by)
            for entry in entries
        )
        with contextlib.suppress(OSError):  # else it takes a moment here
            return call_apart(_plan_rows, rows, retention, now, snapshot)
    return _plan(entries, retention, now, snapshot)


def _plan_rows(rows: list[tuple[Any, ...]], retention: Retention, now: float, snapshot: int) -> list[_Step]:
    return _plan([Entry(*row) for row in rows], retention, now, snapshot)


def _plan(entries: list[Entry], retention: Retention, now: float, snapshot: int) -> list[_Step]:
    """Return what to put in the place of what."""
    covered = _old(entries, retention, now)
    groups = _minutes(entries[len(covered) :], now, snapshot)
    due = [group for group in groups if len(group) > 1]
    if not covered and not due:
        return []
    plan: list[_Step] = []
    replay = Replay()
    for start in range(0, len(covered), _AT_ONCE):
        replay.take([entry.update for entry in covered[start : start + _AT_ONCE]])
    if covered:
        plan.append(_Step(0, covered[-1].seq, replay.state, len(covered)))
    before = covered[-1].seq if covered else 0
    for group in groups[: groups.index(due[-1]) + 1] if due else []:
        updates = [entry.update for entry in group]
        if len(group) == 1:
            replay.take(updates)
        else:
            plan.append(_Step(before, group[-1].seq, replay.squash(updates), len(group)))
        before = group[-1].seq
    if not replay.agree():
        return [*plan[: 1 if covered else 0], _Step(0, 0, EMPTY_UPDATES[0], 0)]
    return plan


def _old(entries: list[Entry], retention: Retention, now: float) -> list[Entry]:
    """Return the entries that are to become one snapshot, if it is worth it."""
    size = sum(len(entry.update) + _ROW for entry in entries[1:])
    spare = size - retention.size // 2 if size > retention.size else 0
    count = 0
    for count, entry in enumerate(entries):  # noqa: B007 - it is used below
        if entry.kind == "update":
            if entry.label or (spare <= 0 and entry.time >= now - retention.days * _DAY):
                break
            spare -= len(entry.update) + _ROW
    else:
        count = len(entries)
    return entries[:count] if count > 1 else []


def _minutes(entries: list[Entry], now: float, snapshot: int) -> list[list[Entry]]:
    """Return all entries, those together that are to become one."""
    groups: list[list[Entry]] = []
    ends = True
    for entry in entries:
        plain = entry.kind == "update" and not entry.label and entry.time <= now - _RESTS
        if plain and not ends and _alike(groups[-1][0], entry):
            groups[-1].append(entry)
        else:
            groups.append([entry])
        ends = not plain or entry.seq == snapshot
    return groups


def _alike(first: Entry, entry: Entry) -> bool:
    same = (first.author, first.by) == (entry.author, entry.by)
    return same and 0 <= entry.time - first.time < _SPAN
