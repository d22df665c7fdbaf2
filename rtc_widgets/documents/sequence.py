"""The cells of a notebook as a Python list that others change at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableSequence
from typing import TYPE_CHECKING, Any, Self, overload

from pycrdt import Array

from rtc_widgets.documents import rules, schema
from rtc_widgets.documents.arrange import arrange, falling_runs
from rtc_widgets.documents.assign import Existing, Wanted, identify, put
from rtc_widgets.documents.cell_index import CellIndex, find_cell
from rtc_widgets.documents.cells import Cell
from rtc_widgets.documents.text import checked
from rtc_widgets.errors import DocumentError

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["CellSequence", "Content"]

Content = str | Mapping[str, Any] | Cell
"""What can become a cell: the source of a code cell, a cell as nbformat has it, or one of another notebook."""


class CellSequence(MutableSequence[Cell]):
    """Do with cells what a list does with its items."""

    document: LiveDocument
    # Set by the kernel for as long as a cell runs: that cell is neither moved nor retyped.
    running_cell_id: str | None = None

    # ----------------------------------------------------------------------------------------------- reading

    def __len__(self) -> int:
        with self.document.reading() as replica:
            return len(replica.root("cells", Array))

    def __iter__(self) -> Iterator[Cell]:
        """Yield the cells there are now; those added or deleted meanwhile do not disturb."""
        return iter([self.cell(cell_id) for cell_id in self._ids()])

    def __contains__(self, item: object) -> bool:
        """Tell whether a cell, one whose id begins so, or one with a tag (``"#tag"``) is in the notebook."""
        if isinstance(item, Cell):
            return item.notebook.document is self.document and item.exists
        if not isinstance(item, str):
            return False
        if item.startswith("#"):
            return bool(self._tagged(item[1:]))
        return item != "" and any(i.startswith(item) for i in self._ids())

    @overload
    def __getitem__(self, key: int | str) -> Cell: ...
    @overload
    def __getitem__(self, key: slice) -> list[Cell]: ...
    def __getitem__(self, key: int | str | slice) -> Cell | list[Cell]:
        """Return the cell at an index, whose id begins with a text, or with a tag; for a slice, a list of cells.

        ``nb["#tag"]`` is the first cell with that tag; ``nb.tagged("tag")`` is all of them.

        Raises:
            IndexError: there is no cell at that index.
            KeyError: no cell's id begins so, or those of several do, or no cell has the tag.
        """
        if isinstance(key, slice):
            return [self.cell(cell_id) for cell_id in self._ids()[key]]
        if isinstance(key, str):
            return self.cell(self._complete(key))
        with self.document.reading() as replica:
            index = replica.part(CellIndex)
            if replica.writing:
                return self.cell(index.at(_place(key, len(replica.root("cells", Array))))[0])
            ids = index.ids()
            return self.cell(ids[_place(key, len(ids))])

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
        return Cell(self, cell_id)  # type: ignore[arg-type]

    def resolve(self, which: Cell | str | int) -> Cell:
        """Return the cell that a handle, a tag (``"#tag"``), the beginning of an id, or an index names.

        Raises:
            DocumentError: the handle is of another notebook.
        """
        if isinstance(which, Cell):
            if which.notebook.document is not self.document:
                raise DocumentError(f"{which!r} is a cell of another notebook.")
            return which
        return self[which]

    # ----------------------------------------------------------------------------------------------- writing

    def append(  # type: ignore[override]
        self,
        source: Content = "",
        type: str | None = None,  # noqa: A002 (what people call it)
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> Cell:
        """Add a cell at the end and return it: see `insert`."""
        return self._add(None, [self._value(source, type, metadata)])[0]

    def insert(  # type: ignore[override]
        self,
        index: int,
        source: Content = "",
        type: str | None = None,  # noqa: A002 (what people call it)
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> Cell:
        """Add a cell in front of the one at *index* and return it; as in a list, any index will do.

        Args:
            index: counts from the end where it is negative.
            source: the text, or a cell as nbformat has it, or one of another notebook; such a cell keeps its id
                unless there is one of that id already.
            type: ``code`` (if nothing is said), ``markdown`` or ``raw``.
            metadata: of the new cell.
        """
        return self._add(index, [self._value(source, type, metadata)])[0]

    def extend(self, values: Iterable[Content]) -> None:
        """Add several cells at the end, in one transaction."""
        if isinstance(values, str | Mapping):
            raise TypeError("Give a list of cells, or append() one.")
        self._add(None, [self._value(value, None, None) for value in values])

    def __iadd__(self, values: Iterable[Content]) -> Self:
        self.extend(values)
        return self

    def __setitem__(self, key: int | str | slice, value: Any) -> None:
        """Put something else in the place of cells, changing as little as that takes.

        A text becomes the source of the cell it takes the place of, which keeps all else; where there is none
        left, of a new code cell. A cell as nbformat has it is written into the one with its id, or takes the place
        of one. Cells of the slice itself can be put in another order: ``nb[2:5] = reversed(nb[2:5])``.

        Raises:
            DocumentError: a cell would stand twice, or something is no cell; nothing was written.
        """
        if isinstance(key, slice):
            if isinstance(value, str | Mapping):
                raise TypeError("Give a list of cells for a slice.")
            wanted = [self._wanted(one) for one in value]
        else:
            wanted = [self._wanted(value)]
        cell_id = self._complete(key) if isinstance(key, str) else None
        with self.document.writing() as replica:
            index = replica.part(CellIndex)
            if isinstance(key, slice):
                places = range(len(index))[key]
                if places.step == 1:
                    places = range(places.start, max(places.start, places.stop))
                elif len(places) != len(wanted):
                    raise ValueError(f"{len(wanted)} cells do not fit into a slice of {len(places)}.")
            else:
                place = _place(key, len(index)) if cell_id is None else find_cell(replica, cell_id)[0]  # type: ignore[arg-type]
                places = range(place, place + 1)
            put(replica, places, wanted, self.running_cell_id)

    def __delitem__(self, key: int | str | slice) -> None:
        if isinstance(key, str):
            self[key].delete()
            return
        with self.document.writing() as replica:
            cells = replica.root("cells", Array)
            count = len(cells)
            places = range(count)[key] if isinstance(key, slice) else range(_place(key, count), count)[:1]
            for start, stop in falling_runs(sorted(places, reverse=True)):
                del cells[start:stop]

    def _insert_beside(
        self,
        cell: Cell,
        source: Content,
        type: str | None,  # noqa: A002 (as above)
        metadata: Mapping[str, Any] | None,
        *,
        below: bool,
    ) -> Cell:
        """Put a new cell right above or below another: what `Cell.above` and `Cell.below` do."""
        value = self._value(source, type, metadata)
        with self.document.writing() as replica:
            place = find_cell(replica, cell.id)[0] + below
            return self._add(place, [value])[0]

    def delete(self, which: Cell | str | int) -> None:
        """Delete a cell, for everybody."""
        self.resolve(which).delete()

    def remove(self, value: Cell) -> None:
        """Delete a cell, which must be there.

        Raises:
            ValueError: it is not in the notebook.
        """
        del self[self.index(value)]

    def pop(self, index: int | str = -1) -> dict[str, Any]:  # type: ignore[override]
        """Delete a cell and return what it held, as nbformat data, which `insert` takes.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> nb = Notebook.new()
        >>> nb += ["a", "b"]
        >>> nb.insert(0, nb.pop()).source, len(nb)
        ('b', 2)
        """
        with self.document.writing():
            cell = self[index]
            value = cell.to_dict()
            cell.delete()
        return value

    def clear(self) -> None:
        """Delete all cells."""
        del self[:]

    def reverse(self) -> None:
        """Put the cells in reverse order; the one that is running stays as it is, and the others move round it."""
        with self.document.writing() as replica:
            ids, running = replica.part(CellIndex).ids(), self.running_cell_id
            pinned = ids.index(running) if running in ids else None
            arrange(replica.root("cells", Array), range(len(ids))[::-1], pinned)

    # ---------------------------------------------------------------------------------------------- privates

    def _ids(self) -> list[str]:
        with self.document.reading() as replica:
            return list(replica.part(CellIndex).ids())

    def _complete(self, key: str) -> str:
        if key.startswith("#"):
            tagged = self._tagged(key[1:])
            if not tagged:
                raise KeyError(f"no cell has the tag {key[1:]!r}")
            return tagged[0]
        ids = self._ids()
        found = [key] if key in ids else [i for i in dict.fromkeys(ids) if i.startswith(key)]
        if len(found) == 1 and key:
            return found[0]
        if not found:
            raise KeyError(f"no cell's id begins with {key!r}")
        raise KeyError(f"{len(found)} cells' ids begin with {key!r}: give more of it")

    def _ipython_key_completions_(self) -> list[str]:
        """Return what completes ``nb["`` in IPython: the tags, and of each id as much as tells it from the others."""
        with self.document.reading() as replica:
            rows = replica.part(CellIndex).rows()
        tags = dict.fromkeys(f"#{tag}" for row in rows for tag in row.tags)
        return [*tags, *_beginnings([row.id for row in rows if row.id])]

    def _tagged(self, tag: str) -> list[str]:
        with self.document.reading() as replica:
            return [row.id for row in replica.part(CellIndex).rows() if tag in row.tags]

    def _value(
        self, source: Content, type_: str | None, metadata: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return a new cell as nbformat has it, checked; with an id only where it brings one along."""
        if isinstance(source, Cell):
            if source.notebook.document is self.document:
                raise DocumentError(f"{source!r} is in the notebook already: move() it, or duplicate() it.")
            source = source.to_dict()
        if isinstance(source, Mapping):
            if type_ is not None or metadata is not None:
                raise TypeError("Type and metadata are those of the cell that is given.")
            return rules.checked_cell(source)
        new = {"cell_type": "code" if type_ is None else type_, "source": checked(source)}
        return rules.checked_cell({**new, "metadata": {} if metadata is None else metadata})

    def _wanted(self, value: Content) -> Wanted:
        if isinstance(value, Cell):
            if value.notebook.document is self.document:
                return Existing(value.id)
            value = value.to_dict()
        return rules.checked_cell(value) if isinstance(value, Mapping) else checked(value)

    def _add(self, index: int | None, values: list[dict[str, Any]]) -> list[Cell]:
        with self.document.writing() as replica:
            identify(replica, values)
            cells = replica.root("cells", Array)
            count = len(cells)
            place = count if index is None else slice(index, None).indices(count)[0]
            for value in reversed(values):
                cells.insert(place, schema.make(value))
        return [self.cell(value["id"]) for value in values]


def _place(index: int, count: int) -> int:
    place = index + count if index < 0 else index
    if not 0 <= place < count:
        raise IndexError(f"There is no cell {index}: the notebook has {count}.")
    return place


def _beginnings(ids: list[str]) -> list[str]:
    """Return the beginning of each id, of 8 characters or as many more as no other id begins with.

    >>> _beginnings(["cell-of-ada-1", "b", "cell-of-ada-2", "9e107d9d-372b"])
    ['cell-of-ada-1', 'b', 'cell-of-ada-2', '9e107d9d']
    """
    ordered = sorted(set(ids))
    lengths = {}
    for before, one, after in zip(["", *ordered], ordered, [*ordered[1:], ""], strict=False):
        length = 8
        while length < len(one) and one[:length] in (before[:length], after[:length]):
            length += 1
        lengths[one] = length
    return [one[: lengths[one]] for one in dict.fromkeys(ids)]
