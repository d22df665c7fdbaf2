"""Where the logs of documents are kept: the ``Store`` seam, and the two stores that come with the package."""

from __future__ import annotations

from rtc_widgets.stores.entry import Entry, Store
from rtc_widgets.stores.memory import MemoryStore
from rtc_widgets.stores.sqlite import SqliteStore

__all__ = ["Entry", "MemoryStore", "SqliteStore", "Store"]
