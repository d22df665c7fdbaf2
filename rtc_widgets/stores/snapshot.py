"""Snapshots beside a log: what its entries up to one of them come to, so that loading need not replay them.

A snapshot takes nothing away: the log keeps every entry, and where a snapshot is missing, damaged or of another
lineage, replaying the log gives the same document, only later. So a store need not keep any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from rtc_widgets.errors import StoreError
from rtc_widgets.stores.entry import EMPTY_UPDATES

if TYPE_CHECKING:
    from rtc_widgets.stores.entry import Store

__all__ = ["VERSION", "Snapshot", "Snapshots", "check", "snapshots_of"]

VERSION = 1
"""Of what ``Snapshot.state`` holds: a Yjs update (version 1)."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Hold what the entries of a log come to, up to one of them.

    Args:
        seq: of the last entry that it covers.
        lineage: of the document.
        state: the document, a Yjs update (version 1).
        version: says how to read *state*; a reader ignores one that it does not know.
    """

    seq: int
    lineage: str
    state: bytes
    version: int = VERSION


@runtime_checkable
class Snapshots(Protocol):
    """Keep one snapshot beside the log of each document: what a ``Store`` may have besides its four verbs.

    Both methods may be called from any event loop.
    """

    async def put_snapshot(self, doc: str, snapshot: Snapshot) -> None:
        """Keep *snapshot* in the place of an older one, all of it or nothing, and return after the commit.

        Nothing happens where the log of *doc* has no entry ``snapshot.seq``, nor where what is kept covers more.

        Raises:
            StoreError: nothing was changed; also where the state is an empty update.
        """
        ...

    async def snapshot(self, doc: str) -> Snapshot | None:
        """Return what is kept for *doc*.

        None where there is nothing, where it is not as it was put, and where the log has no entry of its ``seq``
        any more: ``compact`` puts another in the place of the entries.
        """
        ...


def snapshots_of(store: Store) -> Snapshots | None:
    """Return *store* as one that keeps snapshots, if it does."""
    return store if isinstance(store, Snapshots) else None


def check(snapshot: Snapshot) -> None:
    """Refuse to keep an empty document."""
    if snapshot.state in EMPTY_UPDATES:
        raise StoreError("The snapshot is empty; the log was kept as it is.")
