"""The threads of an annotations document as values: all are read once, and then those that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycrdt import Map as YMap

from rtc_widgets.documents.subscription import weakly
from rtc_widgets.documents.threads import THREADS, ThreadValue, read_thread, read_threads, updated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pycrdt import Doc

__all__ = ["KnownThreads"]

# Of all threads, which part is read one by one; of more, all are read at once, which takes less.
_FEW = 0.2


class KnownThreads:
    """Know the threads of one annotations document.

    Args:
        doc: is written by one thread at a time, the one that reads here or another.
    """

    def __init__(self, doc: Doc[Any]) -> None:
        self._doc = doc
        self._known: dict[str, ThreadValue] | None = None
        self._touched: set[str] = set()
        shared: Any = doc.get(THREADS, type=YMap)
        # The CRDT's own events: nothing of them is read but what is asked for.
        self._subscription = shared.integrated.observe_deep(weakly(self._on_events))

    @property
    def all(self) -> Mapping[str, ThreadValue]:
        """The threads by id in the order of their numbers, deleted ones too; not to be changed by the caller.

        A thread in which nothing has changed is the same object as it was before.
        """
        known = self._known
        if known is None:
            known = read_threads(self._doc)
        elif len(self._touched) > _FEW * len(known) + 1:
            known = _same(known, read_threads(self._doc))
        elif self._touched:
            known = updated(known, {id_: read_thread(self._doc, id_) for id_ in self._touched})
        self._known, self._touched = known, set()
        return known

    def _on_events(self, events: list[Any]) -> None:
        """Note which threads a transaction changes; within it."""
        if self._known is not None:  # else all are read anyway
            for event in events:
                self._touched.update([str(event.path[0])] if event.path else map(str, event.keys))


def _same(known: Mapping[str, ThreadValue], read: dict[str, ThreadValue]) -> dict[str, ThreadValue]:
    return {id_: known[id_] if known.get(id_) == thread else thread for id_, thread in read.items()}
