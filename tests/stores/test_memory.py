"""The store in memory sits the exam."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtc_widgets.stores import MemoryStore
from rtc_widgets.testing import StoreExam

if TYPE_CHECKING:
    from pathlib import Path


class TestMemoryStore(StoreExam):
    persistent = False

    def open_store(self, folder: Path) -> MemoryStore:
        return MemoryStore()
