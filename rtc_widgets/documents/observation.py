"""Turn what pycrdt's observers say into what happened to which cell, or to a text."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pycrdt import Array, Map, Text

from rtc_widgets.documents.cell_index import CellEdit, CellIndex
from rtc_widgets.documents.replica import Replica
from rtc_widgets.documents.subscription import weakly
from rtc_widgets.documents.text import Edit, apply_to_str, diff, edits_of_delta

__all__ = ["Observation", "Seen", "TextObservation"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Seen:
    """One change, before it is addressed to anybody."""

    kind: Literal["source", "cells", "outputs", "metadata", "attachments", "content"]
    cell_id: str | None
    delta: tuple[Edit, ...] | tuple[CellEdit, ...] | tuple[str, ...] = ()
    edits: tuple[CellEdit, ...] = ()


class Observation:
    """Observe one replica and tell *publish* what each transaction changed.

    Everything here runs under the document's lock, most of it inside a transaction: it reads, writes nothing
    and raises nothing.
    """

    def __init__(self, replica: Replica, publish: Callable[[list[Seen]], None]) -> None:
        self._replica = replica
        self._publish = publish
        self._index = replica.part(CellIndex)
        self._index.listener = self._on_cells
        self._cells: Array[Any] = replica.root("cells", Array)
        self._ends: list[Callable[[], None]] = []
        # The sources as they were: a deletion says how many bytes went, and only the old text knows how many
        # characters that is.
        self._sources: dict[str, str] = {}

    def set_deep(self, *, deep: bool) -> None:
        """Observe the inside of the cells too, or no longer."""
        if deep and not self._ends:
            cells = json.loads(str(self._cells))
            self._sources = {str(cell.get("id")): str(cell.get("source", "")) for cell in cells}
            meta: Map[Any] = self._replica.root("meta", Map)
            self._ends = [
                self._replica.observe(self._cells, self._on_deep, deep=True),
                self._replica.observe(meta, self._on_meta, deep=True),
            ]
        elif not deep:
            while self._ends:
                self._ends.pop()()
            self._sources = {}

    def close(self) -> None:
        """Observe nothing any more."""
        self._index.listener = None
        self.set_deep(deep=False)

    def _on_cells(self, edits: list[CellEdit]) -> None:
        self._publish([Seen("cells", None, tuple(edits), tuple(edits))])

    def _on_deep(self, events: list[Any]) -> None:
        seen: dict[tuple[int, str], Seen] = {}
        try:
            for event in events:
                if not event.path:
                    self._remember(event)
            for event in events:
                if event.path:
                    self._on_event(event, seen)
        except Exception:  # noqa: BLE001 (others' documents may hold anything; an observer must not raise)
            _log.exception("A change of a notebook could not be understood.")
        if seen:
            self._publish([seen[key] for key in sorted(seen)])  # the events come in no order

    def _remember(self, event: Any) -> None:
        for part in event.delta:
            for ycell in part.get("insert", ()):
                self._sources[str(ycell.get("id", ""))] = str(ycell.get("source", ""))

    def _on_event(self, event: Any, seen: dict[tuple[int, str], Seen]) -> None:
        place, *inside = event.path
        ycell = self._cells[place]
        cell_id = str(ycell.get("id", ""))
        changed = {str(inside[0])} if inside else set(event.keys)
        if "source" in changed:
            what = seen.setdefault((place, "source"), Seen("source", cell_id))
            what.delta = self._source(cell_id, event if inside else None, ycell)
        if changed & {"outputs", "execution_count"}:
            seen.setdefault((place, "outputs"), Seen("outputs", cell_id))
        if "attachments" in changed:
            seen.setdefault((place, "attachments"), Seen("attachments", cell_id))
        if "metadata" in changed:
            what = seen.setdefault((place, "metadata"), Seen("metadata", cell_id))
            keys = _keys(event, inside[1:]) if inside else tuple(ycell["metadata"].keys())
            what.delta = _union(what.delta, keys)

    def _source(self, cell_id: str, event: Any | None, ycell: Any) -> tuple[Edit, ...]:
        new = str(ycell.get("source", ""))
        old = self._sources.get(cell_id, "")
        self._sources[cell_id] = new
        if event is not None and isinstance(event.target, Text):
            try:
                return edits_of_delta(old, event.delta)
            except UnicodeDecodeError:
                pass  # twins, two cells of one id, were taken for each other
        return (Edit(0, len(old), new),)

    def _on_meta(self, events: list[Any]) -> None:
        keys: tuple[str, ...] = ()
        for event in events:
            if event.path:
                keys = _union(keys, _keys(event, event.path[1:]))
            elif "metadata" in event.keys:
                keys = _union(keys, tuple(event.target["metadata"].keys()))
        if keys:
            self._publish([Seen("metadata", None, keys)])


class TextObservation:
    """Observe the one text of a text file.

    Args:
        replica: whose.
        publish: is told of each change, under the document's lock.
        old: the text that was told last, where the document was rebuilt since: the first change leads on from there.
    """

    def __init__(
        self, replica: Replica, publish: Callable[[list[Seen]], None], old: str | None = None
    ) -> None:
        self._publish = publish
        text: Text = replica.root("source", Text)
        self.text = str(text) if old is None else old
        self._end = replica.observe(text, weakly(self._on_change))

    def close(self) -> None:
        """Observe nothing any more."""
        self._end()

    def _on_change(self, event: Any) -> None:
        old, self.text = self.text, str(event.target)
        try:
            edits = edits_of_delta(old, event.delta)
        except UnicodeDecodeError:
            edits = ()
        if apply_to_str(old, edits) != self.text:  # the document was rebuilt
            edits = tuple(diff(old, self.text))
        if edits:
            self._publish([Seen("source", None, edits)])


def _keys(event: Any, path: list[Any]) -> tuple[str, ...]:
    """Return the top keys of a metadata map that *event*, at *path* below it, changed."""
    return (str(path[0]),) if path else tuple(event.keys)


def _union(known: tuple[Any, ...], more: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(sorted({*known, *more}))
