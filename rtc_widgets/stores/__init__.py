"""Where the logs of documents are kept: the ``Store`` seam, ``Snapshots`` beside it, and the package's two stores."""

from __future__ import annotations

from rtc_widgets.stores.entry import Entry, Store
from rtc_widgets.stores.memory import MemoryStore
from rtc_widgets.stores.snapshot import Snapshot, Snapshots
from rtc_widgets.stores.sqlite import SqliteStore

__all__ = ["Entry", "MemoryStore", "Snapshot", "Snapshots", "SqliteStore", "Store"]
