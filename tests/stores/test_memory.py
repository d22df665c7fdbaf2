"""The store in memory sits the exam, and so does one that has the four verbs and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtc_widgets.stores import MemoryStore
from rtc_widgets.testing import StoreExam

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from rtc_widgets.stores import Entry


class TestMemoryStore(StoreExam):
    persistent = False

    def open_store(self, folder: Path) -> MemoryStore:
        return MemoryStore()


class _Plain:
    """A store that keeps no snapshots."""

    def __init__(self) -> None:
        self._store = MemoryStore()

    async def append(self, doc: str, entries: Sequence[Entry]) -> int:
        return await self._store.append(doc, entries)

    def read(self, doc: str, *, after: int = 0) -> AsyncIterator[Entry]:
        return self._store.read(doc, after=after)

    async def compact(
        self, doc: str, *, upto: int, snapshot: bytes, label: str | None = None, after: int = 0
    ) -> None:
        await self._store.compact(doc, upto=upto, snapshot=snapshot, label=label, after=after)

    async def aclose(self) -> None:
        await self._store.aclose()


class TestPlainStore(StoreExam):
    persistent = False
    snapshots = False

    def open_store(self, folder: Path) -> _Plain:
        return _Plain()
