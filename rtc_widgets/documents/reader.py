"""What a notebook's file would hold, read again only where the document was changed."""

from __future__ import annotations

import json
from typing import Any

from pycrdt import Array, Doc, Map

from rtc_widgets.documents.content import content_of, read
from rtc_widgets.documents.seed import normalize
from rtc_widgets.documents.ycells import parse_cells

__all__ = ["Reader"]


class Reader:
    """Read *doc*, a notebook in jupyter_ydoc's schema, again and again.

    What was handed out is not changed any more, but parts of it are handed out again.
    """

    def __init__(self, doc: Doc[Any]) -> None:
        self.has_twins = False
        """Whether two cells have one id: what was handed out tells them apart, the document does not."""
        self._content: dict[str, Any] | None = None
        self._meta: Any = None
        self._changed: set[int] = set()
        self.follow(doc)

    def follow(self, doc: Doc[Any]) -> None:
        """Read *doc* from now on, another replica in the same state."""
        self._doc = doc
        self._cells: Array[Any] = doc.get("cells", type=Array)
        self._subscription = self._cells.observe_deep(self._on_events)

    def content(self, known: dict[str, Any] | None) -> dict[str, Any]:
        """Return the normalized notebook.

        Args:
            known: the content that the file has as far as is known: it tells what metadata are the file's own.
        """
        # As data: the order of keys in the text is any.
        meta = json.loads(str(self._doc.get("meta", type=Map)))
        if self._content is None or meta != self._meta or not self._read_changed():
            self._meta = meta
            self._content = self._read_all(known)
        self._changed.clear()
        return self._content

    def _read_all(self, known: dict[str, Any] | None) -> dict[str, Any]:
        taken = read(self._doc, "notebook")
        content: dict[str, Any] = content_of(taken, "notebook", known)
        # Other ids were made up, for one of two cells that have the same or for one that has none.
        live = [cell.get("id") for cell in json.loads(taken[1])]
        self.has_twins = live != [cell["id"] for cell in content["cells"]]
        return content

    def _read_changed(self) -> bool:
        """Read the cells that changed; tell whether that was enough."""
        assert self._content is not None
        cells = list(self._content["cells"])
        if self.has_twins or len(cells) != len(self._cells):
            return False
        for index in self._changed:
            (cell,) = parse_cells(f"[{self._cells[index]}]")
            (now,) = normalize("notebook", {**self._content, "cells": [cell]})["cells"]
            if not cell["id"] == now["id"] == cells[index]["id"]:
                return False
            cells[index] = now
        if self._changed:
            self._content = {**self._content, "cells": cells}
        return True

    def _on_events(self, events: list[Any]) -> None:
        for event in events:
            path = event.path
            if path:
                self._changed.add(path[0])
            else:
                self._content = None
