"""In which cells of a notebook something changed since somebody asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map

from rtc_widgets.documents.subscription import weakly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pycrdt import Doc, Subscription

__all__ = ["ChangedCells"]


class ChangedCells:
    """Follow a document's cells from the first time that somebody asks; of a text file there are none.

    Cells that came, went or were put again count as changed, whatever is in them.

    Args:
        doc: the content.
    """

    def __init__(self, doc: Doc[Any]) -> None:
        self._cells: Any = doc.get("cells", type=Array)
        self._ids: list[str] | None = None  # in order; None where all have to be read
        self._changed: set[str] = set()
        self._came: Subscription | None = None
        self._inside: Subscription | None = None

    def take(self, read: Callable[[], Sequence[str]]) -> set[str] | None:
        """Return the ids of the cells that changed since the last call, None where that may be all of them.

        Args:
            read: returns the ids of all cells, in order.
        """
        changed, self._changed = self._changed, set()
        if self._ids is not None:
            return changed
        self._ids = list(read())
        if self._came is None:
            self._came = self._cells.observe(weakly(self._on_cells))
            # The CRDT's own events: nothing of them is read but what is asked for.
            self._inside = self._cells.integrated.observe_deep(weakly(self._on_inside))
        return None

    def close(self) -> None:
        """Follow them no longer."""
        if self._came is not None and self._inside is not None:
            self._cells.unobserve(self._came)
            self._inside.drop()
        self._came = self._inside = self._ids = None

    def _on_cells(self, event: Any) -> None:
        """Take cells in and out, before it is told what changed inside of those that are there now."""
        if self._ids is None:
            return
        at = 0
        for step in event.delta:
            if "retain" in step:
                at += step["retain"]
            elif "delete" in step:
                self._changed.update(self._ids[at : at + step["delete"]])
                del self._ids[at : at + step["delete"]]
            else:
                new = [_id(cell) for cell in step["insert"]]
                self._changed.update(new)
                self._ids[at:at] = new
                at += len(new)

    def _on_inside(self, events: list[Any]) -> None:
        for event in events:
            if self._ids is None:
                return
            path = event.path
            if len(path) == 1 and "id" in event.keys:
                self._ids = None
            elif path:
                self._changed.add(self._ids[path[0]])


def _id(cell: Any) -> str:
    return str(cell.get("id") if isinstance(cell, Map) else None)
