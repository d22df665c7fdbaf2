"""One CRDT document in memory: its roots, what is derived from them, and its observers."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from pycrdt import Array, Doc, Map, Subscription, TransactionEvent

__all__ = ["Replica"]

_log = logging.getLogger(__name__)

# From here on, cells are read in one call (facts.md, Speed).
_MANY = 100

R = TypeVar("R")
P = TypeVar("P")


class Cells(Array[Any]):
    """The array of cells, which keeps what is deleted through it.

    Afterwards nothing could be read any more: an observer is told only how many cells went.
    """

    deleted: dict[str, str] | None = None

    def __delitem__(self, key: int | slice) -> None:
        """Delete cells; pycrdt's other ways to do it all come by here."""
        if self.deleted is not None:
            count = len(self)
            places = range(count)[key] if isinstance(key, slice) else range(count)[key:][:1]
            if len(places) >= _MANY:
                for value in json.loads(str(self))[places.start : places.stop]:
                    if isinstance(value, dict):
                        self.deleted.setdefault(str(value.get("id")), json.dumps(value))
            else:
                for place in places:
                    keep(self[place], self.deleted)
        super().__delitem__(key)

    def keep_all(self, cell_ids: Collection[str]) -> None:
        """Keep what the cells with these ids hold."""
        if self.deleted is not None:
            for value in json.loads(str(self)):
                if isinstance(value, dict) and value.get("id") in cell_ids:
                    self.deleted.setdefault(value["id"], json.dumps(value))


def keep(ycell: Any, into: dict[str, str]) -> None:
    """Keep the JSON of a cell under its id; what was kept first is what counts."""
    found = ycell.get("id") if isinstance(ycell, Map) else None
    if isinstance(found, str):
        into.setdefault(found, str(ycell))


class Replica:
    """Hold a pycrdt ``Doc``; every use of it happens under the lock of the `LiveDocument` that owns it.

    Observers are dropped by `close`, not by garbage collection: their callbacks live in Rust, where Python
    sees no cycles, and a document with a forgotten observer stays in memory for ever.
    """

    def __init__(
        self,
        doc: Doc[Any],
        on_commit: Callable[[TransactionEvent], None] | None = None,
        deleted: dict[str, str] | None = None,
    ) -> None:
        self.doc = doc
        # The cells that were deleted here, each as JSON by its id; None where nobody wants to know.
        self.deleted = deleted
        # Whether a block writes to it: what was written is told to observers when it ends.
        self.writing = False
        # How many transactions there were, of anybody.
        self.version = 0
        self._roots: dict[str, Any] = {}
        self._parts: dict[type, Any] = {}
        self._observed: list[tuple[Any, Subscription]] = []
        self._inside: list[Subscription] = []
        if on_commit is not None:
            self._observed.append((doc, doc.observe(on_commit)))
        self._observed.append((doc, doc.observe(self._count)))

    def root(self, name: str, kind: type[R]) -> R:
        """Return the root *name* as a shared type of *kind*."""
        found = self._roots.get(name)
        if found is None:
            actual: Any = Cells if name == "cells" and kind is Array else kind
            found = self._roots[name] = self.doc.get(name, type=actual)
            if isinstance(found, Cells):
                found.deleted = self.deleted
        return found  # type: ignore[no-any-return]

    def part(self, kind: type[P]) -> P:
        """Return the one *kind* of this replica, made from it when first asked for."""
        found = self._parts.get(kind)
        if found is None:
            found = self._parts[kind] = kind(self)  # type: ignore[call-arg]
        return found

    def peek(self, kind: type[P]) -> P | None:
        """Return the one *kind*, if somebody has asked for it before."""
        return self._parts.get(kind)

    def keep_deleted(self) -> None:
        """Keep the cells that are deleted from now on."""
        self.deleted = {}
        self.root("cells", Array).deleted = self.deleted  # type: ignore[attr-defined]

    def take_deleted(self) -> dict[str, str]:
        """Return the cells deleted since the last call."""
        deleted = dict(self.deleted or {})
        if self.deleted:
            self.deleted.clear()
        return deleted

    def observe(
        self, shared: Any, callback: Callable[[Any], None], *, deep: bool = False
    ) -> Callable[[], None]:
        """Have *callback* called within each transaction that changes *shared*; return what ends it.

        The callback must read what it needs at once, and write nothing. What it raises is logged: raised on,
        it would come out of somebody's write, which has happened already.
        """

        def guarded(event: Any) -> None:
            try:
                callback(event)
            except Exception:  # noqa: BLE001 (other people's documents may hold anything)
                _log.exception("A change of a document could not be understood.")

        entry = (shared, shared.observe_deep(guarded) if deep else shared.observe(guarded))
        self._observed.append(entry)

        def end() -> None:
            if entry in self._observed:
                self._observed.remove(entry)
                shared.unobserve(entry[1])

        return end

    def observe_inside(self, shared: Any, callback: Callable[[list[Any]], None]) -> None:
        """Have *callback* called with the CRDT's own events of *shared* and all that is in it.

        Nothing of an event is read before somebody asks for it, unlike with ``observe_deep``. It may only be asked
        for its ``path`` and, where it is of a map, its ``keys``.
        """

        def guarded(events: list[Any]) -> None:
            try:
                callback(events)
            except Exception:  # noqa: BLE001 (as above)
                _log.exception("A change of a document could not be understood.")

        self._inside.append(shared.integrated.observe_deep(guarded))

    def _count(self, _event: TransactionEvent) -> None:
        self.version += 1

    def close(self) -> None:
        """Drop all observers, so that the document can leave memory."""
        observed, self._observed = self._observed, []
        for shared, subscription in observed:
            shared.unobserve(subscription)
        while self._inside:
            self._inside.pop().drop()
        self._parts.clear()
