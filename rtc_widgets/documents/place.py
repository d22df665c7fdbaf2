"""Where in a document a live view reads and writes: a cell, or the notebook itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pycrdt import Map

from rtc_widgets.documents.cell_index import find_cell

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument
    from rtc_widgets.documents.replica import Replica

__all__ = ["CellPlace", "NotebookPlace", "Place"]


@dataclass(frozen=True, slots=True)
class CellPlace:
    """Find a cell by its id, wherever it stands."""

    document: LiveDocument
    cell_id: str

    def holder(self, replica: Replica) -> tuple[Map[Any], str]:
        """Return the shared map of the cell and its type.

        Raises:
            CellGone: it was deleted.
        """
        _, ycell = find_cell(replica, self.cell_id)
        return ycell, str(ycell.get("cell_type"))


@dataclass(frozen=True, slots=True)
class NotebookPlace:
    """Find what belongs to the notebook as a whole."""

    document: LiveDocument

    def holder(self, replica: Replica) -> tuple[Map[Any], str]:
        """Return the shared map that has the notebook's metadata."""
        return replica.root("meta", Map), "notebook"


Place = CellPlace | NotebookPlace
