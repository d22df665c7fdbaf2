"""A live notebook: a sequence of cells that other people edit at the same time."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self, overload

from pycrdt import Array, Map

from rtc_widgets.documents import schema
from rtc_widgets.documents.cell_index import CellIndex
from rtc_widgets.documents.cells import Cell, first_line, plain_map, set_map
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.handle import Handle
from rtc_widgets.documents.observable import Observable
from rtc_widgets.documents.transactions import Transaction
from rtc_widgets.documents.undo import Undo
from rtc_widgets.documents.undoable import Undoable
from rtc_widgets.documents.users import NotebookPeople
from rtc_widgets.errors import CellGone, DocumentError

__all__ = ["Notebook"]


class Notebook(Undoable, Observable, NotebookPeople, Handle, Sequence[Cell]):
    """Be the cells of a live document of the type ``notebook``.

    Reads come from the replica here; writes are seen by everybody at once. Cells are found by index, by the
    beginning of their id, or in a slice.

    >>> nb = Notebook.new()
    >>> cell = nb.append("x = 1")
    >>> nb.insert(0, "# Title", type="markdown").cell_type
    'markdown'
    >>> [cell.source for cell in nb]
    ['# Title', 'x = 1']
    """

    def __init__(self, document: LiveDocument) -> None:
        self.document = document
        self._steps = document.part(Undo)
        # Set by the kernel for as long as a cell runs: that cell is neither moved nor retyped.
        self.running_cell_id: str | None = None

    @classmethod
    def new(cls) -> Self:
        """Return an empty notebook that nobody else sees."""
        notebook = cls(LiveDocument())
        with notebook.document.writing() as replica:
            meta = replica.root("meta", Map)
            meta["nbformat"] = 4
            meta["nbformat_minor"] = 5
            meta["metadata"] = Map({})
        return notebook

    # ----------------------------------------------------------------------------------------------- reading

    def __len__(self) -> int:
        with self.document.reading() as replica:
            return len(replica.root("cells", Array))

    def __iter__(self) -> Iterator[Cell]:
        """Yield the cells there are now; those added or deleted meanwhile do not disturb."""
        return iter([Cell(self, cell_id) for cell_id in self._ids()])

    def __contains__(self, item: object) -> bool:
        """Tell whether a cell, or one whose id begins so, is in the notebook."""
        if isinstance(item, Cell):
            return item.notebook.document is self.document and item.exists
        return isinstance(item, str) and item != "" and any(i.startswith(item) for i in self._ids())

    @overload
    def __getitem__(self, key: int | str) -> Cell: ...
    @overload
    def __getitem__(self, key: slice) -> list[Cell]: ...
    def __getitem__(self, key: int | str | slice) -> Cell | list[Cell]:
        """Return the cell at an index, or the one whose id begins with a text; for a slice, a list of cells.

        Raises:
            IndexError: there is no cell at that index.
            KeyError: no cell's id begins so, or those of several do.
        """
        if isinstance(key, slice):
            return [Cell(self, cell_id) for cell_id in self._ids()[key]]
        if isinstance(key, str):
            return Cell(self, self._complete(key))
        with self.document.reading() as replica:
            index = replica.part(CellIndex)
            return Cell(self, index.at(_place(key, len(index)))[0])

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """Return where *value*, a cell, stands.

        Raises:
            ValueError: it is not in the notebook, or not within the bounds.
        """
        if isinstance(value, Cell) and value in self:
            found = value.index
            if found in range(*slice(start, stop).indices(len(self))):
                return found
        raise ValueError(f"{value!r} is not in the notebook.")

    def cell(self, cell_id: str) -> Cell:
        """Return the handle for a whole id, whether or not there is such a cell yet."""
        return Cell(self, cell_id)

    def resolve(self, which: Cell | str | int) -> Cell:
        """Return the cell that a handle, the beginning of an id, or an index names.

        Raises:
            DocumentError: the handle is of another notebook.
        """
        if isinstance(which, Cell):
            if which.notebook.document is not self.document:
                raise DocumentError(f"{which!r} is a cell of another notebook.")
            return which
        return self[which]

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of the notebook's metadata as plain data. Set, the keys that differ are written.

        Raises:
            TypeError: set to something other than a ``dict``.
            DocumentError: set to something that is not JSON; nothing was written.
        """
        with self.document.reading() as replica:
            return plain_map(replica.root("meta", Map), "metadata")

    @metadata.setter
    def metadata(self, new: dict[str, Any]) -> None:
        new = schema.checked_json(new)
        with self.document.writing(tracked=True) as replica:
            set_map(replica.root("meta", Map), "metadata", new)

    def to_dict(self) -> dict[str, Any]:
        """Return the notebook as plain nbformat data, as it would be saved now."""
        with self.document.reading() as replica:
            meta = schema.plain(replica.root("meta", Map).to_py())
            cells = json.loads(str(replica.root("cells", Array)))
        minor = int(meta.get("nbformat_minor", 5))
        for cell in cells:
            cell.pop("execution_state", None)
            if not cell.get("attachments", True):
                del cell["attachments"]
            if minor < 5:  # ids came with nbformat 4.5
                cell.pop("id", None)
        return {
            "cells": schema.plain(cells),
            "metadata": meta.get("metadata", {}),
            "nbformat": int(meta.get("nbformat", 4)),
            "nbformat_minor": minor,
        }

    # ----------------------------------------------------------------------------------------------- writing

    def append(
        self,
        source: str = "",
        type: str = "code",  # noqa: A002 (what people call it)
        *,
        metadata: dict[str, Any] | None = None,
    ) -> Cell:
        """Add a cell at the end and return it."""
        return self._insert(None, source, type, metadata)

    def insert(
        self,
        index: int,
        source: str = "",
        type: str = "code",  # noqa: A002 (what people call it)
        *,
        metadata: dict[str, Any] | None = None,
    ) -> Cell:
        """Add a cell in front of the one at *index* and return it; as in a list, any index will do."""
        return self._insert(index, source, type, metadata)

    def delete(self, which: Cell | str | int) -> None:
        """Delete a cell, for everybody."""
        self.resolve(which).delete()

    def __delitem__(self, key: int | str | slice) -> None:
        if isinstance(key, str):
            self[key].delete()
            return
        with self.document.writing(tracked=True) as replica:
            cells = replica.root("cells", Array)
            count = len(cells)
            places = range(count)[key] if isinstance(key, slice) else range(_place(key, count), count)[:1]
            for start, stop in _runs(sorted(places, reverse=True)):
                del cells[start:stop]

    def transaction(self, label: str | None = None) -> Transaction:
        """Return a block whose changes happen together or not at all: one update, one undo step.

        Inside it the notebook shows the changes made so far, and nothing of what others do meanwhile. An
        exception takes everything back. Entering copies the document: some milliseconds, more with megabytes
        of outputs.

        >>> nb = Notebook.new()
        >>> with nb.transaction("tidy up"):
        ...     first = nb.append("a")
        ...     first.source += "!"
        >>> [cell.source for cell in nb]
        ['a!']
        """
        return self.document.transaction(label)

    # ------------------------------------------------------------------------------------------------- looks

    def __repr__(self) -> str:
        path = self.path
        return f"<notebook{'' if path is None else f' {path!r}'}, {self._census()}>"

    def _repr_html_(self) -> str:
        rows = []
        for index, cell in enumerate(self[:20]):
            try:
                row = (str(index), cell.cell_type, cell.id[:8], first_line(cell.source, 80))
            except CellGone:
                continue
            rows.append("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>")
        more = len(self) - 20
        title = html.escape(self.path or "Live notebook")
        rest = f"<p>… and {more} more</p>" if more > 0 else ""
        return f"<p><strong>{title}</strong>, {self._census()}</p><table>{''.join(rows)}</table>{rest}"

    def _census(self) -> str:
        with self.document.reading() as replica:
            cells = replica.root("cells", Array)
            types = Counter(str(ycell.get("cell_type")) for ycell in cells) if len(cells) <= 500 else {}
            count = len(cells)
        parts = ", ".join(f"{number} {type_}" for type_, number in types.items())
        return f"{count} cell{'' if count == 1 else 's'}" + (f" ({parts})" if parts else "")

    # ---------------------------------------------------------------------------------------------- privates

    def _insert(self, index: int | None, source: str, type_: str, metadata: dict[str, Any] | None) -> Cell:
        value = schema.new_cell(type_, source, metadata)
        with self.document.writing(tracked=True) as replica:
            cells = replica.root("cells", Array)
            count = len(cells)
            place = count if index is None else slice(index, None).indices(count)[0]
            cells.insert(place, schema.make(value))
        return Cell(self, value["id"])

    def _ids(self) -> list[str]:
        with self.document.reading() as replica:
            return list(replica.part(CellIndex).ids())

    def _complete(self, beginning: str) -> str:
        ids = self._ids()
        found = (
            [beginning] if beginning in ids else [i for i in dict.fromkeys(ids) if i.startswith(beginning)]
        )
        if len(found) == 1 and beginning:
            return found[0]
        if not found:
            raise KeyError(f"no cell's id begins with {beginning!r}")
        raise KeyError(f"{len(found)} cells' ids begin with {beginning!r}: give more of it")


def _place(index: int, count: int) -> int:
    place = index + count if index < 0 else index
    if not 0 <= place < count:
        raise IndexError(f"There is no cell {index}: the notebook has {count}.")
    return place


def _runs(places: Iterable[int]) -> list[tuple[int, int]]:
    """Join falling *places* into ranges, still the last first."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and runs[-1][0] == place + 1:
            runs[-1] = (place, runs[-1][1])
        else:
            runs.append((place, place + 1))
    return runs
