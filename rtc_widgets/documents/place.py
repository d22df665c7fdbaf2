"""Where in a document a live view reads and writes: a cell, the notebook itself, or the text of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from pycrdt import Map, Text

from rtc_widgets.documents.cell_index import CellIndex, find_cell, gone, known_row
from rtc_widgets.errors import StaleCell, StaleText

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument
    from rtc_widgets.documents.replica import Replica

__all__ = ["AttachmentsPlace", "CellPlace", "FilePlace", "NotebookPlace", "Place", "TextPlace"]


class TextPlace(Protocol):
    """Find a text that is edited in place."""

    # Whether a line end at the end of the text belongs to the last line, as in files.
    ends_lines: ClassVar[bool]

    @property
    def document(self) -> LiveDocument:
        """The document that it stands in."""
        ...

    def read(self) -> str:
        """Return the text as it is now."""
        ...

    def shared(self, replica: Replica) -> Text:
        """Return the shared text."""
        ...

    def stale(self, sentence: str) -> StaleText:
        """Return what to raise where the text is another one than was expected; *sentence* has a {} for its name."""
        ...


@dataclass(frozen=True, slots=True)
class CellPlace:
    """Find a cell by its id, wherever it stands."""

    document: LiveDocument
    cell_id: str
    ends_lines: ClassVar[bool] = False
    # Which of the cell's mappings a live mapping shows.
    field: ClassVar[Literal["metadata", "attachments"]] = "metadata"

    def holder(self, replica: Replica) -> tuple[Map[Any], str]:
        """Return the shared map of the cell and its type.

        Raises:
            CellGone: it was deleted.
        """
        _, ycell = find_cell(replica, self.cell_id)
        return ycell, str(ycell.get("cell_type"))

    def read(self) -> str:
        """Return the source of the cell.

        Raises:
            CellGone: it was deleted.
        """
        row = known_row(self.document, self.cell_id)
        if row is not None:
            return row.source
        with self.document.reading() as replica:
            found = replica.part(CellIndex).source(self.cell_id)
        if found is None:
            raise gone(self.cell_id)
        return found

    def shared(self, replica: Replica) -> Text:
        """Return the shared text of the source.

        Raises:
            CellGone: the cell was deleted.
        """
        text: Text = find_cell(replica, self.cell_id)[1]["source"]
        return text

    def stale(self, sentence: str) -> StaleText:
        """Return what to raise where the source is another one than was expected."""
        return StaleCell(sentence.format(f"the cell {self.cell_id[:8]}"))


@dataclass(frozen=True, slots=True)
class AttachmentsPlace(CellPlace):
    """Find the attachments of a cell."""

    field: ClassVar[Literal["metadata", "attachments"]] = "attachments"


@dataclass(frozen=True, slots=True)
class NotebookPlace:
    """Find what belongs to the notebook as a whole."""

    document: LiveDocument
    field: ClassVar[Literal["metadata", "attachments"]] = "metadata"

    def holder(self, replica: Replica) -> tuple[Map[Any], str]:
        """Return the shared map that has the notebook's metadata."""
        return replica.root("meta", Map), "notebook"


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Find the one text of a text file."""

    document: LiveDocument
    ends_lines: ClassVar[bool] = True

    def read(self) -> str:
        """Return the text."""
        with self.document.reading() as replica:
            return str(replica.root("source", Text))

    def shared(self, replica: Replica) -> Text:
        """Return the shared text."""
        return replica.root("source", Text)

    def stale(self, sentence: str) -> StaleText:
        """Return what to raise where the text is another one than was expected."""
        return StaleText(sentence.format("the text"))


Place = CellPlace | NotebookPlace
