"""A store in memory, for tests and for servers that keep no history."""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

from rtc_widgets.errors import StoreError
from rtc_widgets.stores.entry import Entry, check_entries, check_snapshot
from rtc_widgets.stores.snapshot import check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from rtc_widgets.stores.snapshot import Snapshot

__all__ = ["MemoryStore"]

_BATCH = 1000  # entries between two turns of the event loop


class MemoryStore:
    """Keep logs until the process ends.

    >>> store = MemoryStore()
    >>> asyncio.run(store.append("doc", [Entry(b"...", "ada", 0.0, "seed", "lineage")]))
    1
    """

    def __init__(self) -> None:
        self._logs: dict[str, list[Entry]] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._last = 0
        self._lock = threading.Lock()
        self._closed = False

    async def append(self, doc: str, entries: Sequence[Entry]) -> int:
        """Add *entries*; see ``Store.append``."""
        check_entries(entries)
        with self._lock:
            self._check_open()
            log = self._logs.setdefault(doc, [])
            for entry in entries:
                self._last += 1
                log.append(replace(entry, seq=self._last))
            return log[-1].seq if log else 0

    async def read(self, doc: str, *, after: int = 0) -> AsyncIterator[Entry]:
        """Yield entries in order; see ``Store.read``."""
        with self._lock:
            self._check_open()
            entries = [entry for entry in self._logs.get(doc, ()) if entry.seq > after]
        for index, entry in enumerate(entries):
            if index % _BATCH == 0:
                await asyncio.sleep(0)
            yield entry

    async def compact(
        self, doc: str, *, upto: int, snapshot: bytes, label: str | None = None, after: int = 0
    ) -> None:
        """Replace the beginning of the log by *snapshot*; see ``Store.compact``."""
        if label is None:
            check_snapshot(snapshot)
        with self._lock:
            self._check_open()
            log = self._logs.get(doc, [])
            start = sum(entry.seq <= after for entry in log)
            covered = [entry for entry in log[start:] if entry.seq <= upto]
            if covered:
                first, last = covered[0], covered[-1]
                known = first.label if label is None else label
                whole = Entry(snapshot, None, last.time, "snapshot", known, last.seq)
                if start:
                    whole = replace(last, update=snapshot)
                self._logs[doc] = [*log[:start], whole, *log[start + len(covered) :]]
                kept = self._snapshots.get(doc)
                if not start and kept is not None and kept.seq <= last.seq:
                    del self._snapshots[doc]

    async def put_snapshot(self, doc: str, snapshot: Snapshot) -> None:
        """Keep *snapshot* beside the log; see ``Snapshots.put_snapshot``."""
        check(snapshot)
        with self._lock:
            self._check_open()
            before = self._kept(doc)
            if self._has(doc, snapshot.seq) and (before is None or before.seq <= snapshot.seq):
                self._snapshots[doc] = snapshot

    async def snapshot(self, doc: str) -> Snapshot | None:
        """Return what is kept; see ``Snapshots.snapshot``."""
        with self._lock:
            self._check_open()
            return self._kept(doc)

    async def aclose(self) -> None:
        """Refuse everything from now on."""
        with self._lock:
            self._closed = True

    def _kept(self, doc: str) -> Snapshot | None:
        kept = self._snapshots.get(doc)
        return kept if kept is not None and self._has(doc, kept.seq) else None

    def _has(self, doc: str, seq: int) -> bool:
        log = self._logs.get(doc, [])
        index = bisect_left(log, seq, key=lambda entry: entry.seq)
        return index < len(log) and log[index].seq == seq

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("The store is closed.")
