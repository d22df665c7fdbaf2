"""Which cells a notebook has: read once, and again when cells came or went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pycrdt import Array, Doc, Subscription

__all__ = ["CellIds"]


class CellIds:
    """Know the ids of a notebook's cells; of another document none.

    Reading all cells takes long, and many may ask, or one a hundred times, while people only type.

    Args:
        doc: the content.
        type_: its type.
    """

    def __init__(self, doc: Doc[Any], type_: str) -> None:
        self._cells: Array[Any] | None = doc.get("cells", type=Array) if type_ == "notebook" else None
        self._ids: set[str] | None = None
        self._subscription: Subscription | None = None
        if self._cells is not None:
            self._subscription = self._cells.observe(self._on_cells)

    @property
    def all(self) -> set[str]:
        """The ids; not to be changed by the caller."""
        if self._ids is None:
            # One call for all: `cells[i]` costs more the further back the cell is.
            cells = [] if self._cells is None else json.loads(str(self._cells))
            self._ids = {cell["id"] for cell in cells if "id" in cell}
        return self._ids

    def have(self, anchor: Mapping[str, Any]) -> bool:
        """Tell whether the cell that *anchor* names is there; where in it is for clients to find."""
        cell = anchor.get("cell")
        return cell is None or (isinstance(cell, str) and cell in self.all)

    def close(self) -> None:
        """Follow the document no longer."""
        if self._cells is not None and self._subscription is not None:
            self._cells.unobserve(self._subscription)
        self._subscription = None

    def _on_cells(self, _event: Any) -> None:
        self._ids = None
