"""Where each cell stands: the ids of all cells in order, kept in step with the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pycrdt import Array, Map

from rtc_widgets.documents import schema
from rtc_widgets.documents.replica import Replica
from rtc_widgets.errors import CellGone

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["CellEdit", "CellIndex", "Row", "find_cell", "gone", "known_row"]

# Up to here, cells are read one by one, because their outputs may be large; above, all in one call
# (facts.md, Speed).
_FEW = 500
# After so many changes that nobody looked at it is cheaper to read all again, should somebody look.
_FOLLOWED = 300
# How often a cell is looked for that is not where it was, before all places are noted anew.
_MISSES = 5


@dataclass(frozen=True, slots=True)
class CellEdit:
    """Say what happened to one cell.

    Args:
        action: ``replace`` for a cell that was put again in its place under the same id: a retype.
        cell_id: which cell.
        index: where it stands now; of a deleted cell, where it stood.
    """

    action: Literal["insert", "delete", "move", "replace"]
    cell_id: str
    index: int


class Row(NamedTuple):
    """Hold the small things of one cell: all but its outputs."""

    id: str
    type: str
    source: str
    metadata: dict[str, Any]

    @property
    def tags(self) -> list[str]:
        """The tags, where there are some that are tags."""
        found = self.metadata.get("tags")
        return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []


class CellIndex:
    """Know the cells' ids in order, and what is small in them, so that nobody has to read all cells for one.

    Follows each transaction: which cells came and went, and in which of them something changed; those are read
    again when somebody asks.
    """

    def __init__(self, replica: Replica) -> None:
        self.listener: Callable[[list[CellEdit]], None] | None = None
        self._replica = replica
        self._cells: Array[Any] = replica.root("cells", Array)
        self._ids: list[str] = []
        # Where each cell stood when that was last known; there is one of every cell.
        self._hints: dict[str, int] = {}
        self._missed = 0
        # Of each cell, None where it has to be read again; all of it None while nobody asks.
        self._rows: list[Row | None] | None = None
        self._given: list[Row] | None = None
        self._reads = self._followed = 0
        self._read()
        replica.observe(self._cells, self._on_change)
        replica.observe_inside(self._cells, self._on_inside)

    def __len__(self) -> int:
        return len(self._ids)

    def ids(self) -> list[str]:
        """Return the ids of all cells, in order; not to be changed by the caller."""
        return self._ids

    def place(self, cell_id: str) -> int | None:
        """Return where a cell stands, None where there is no such cell; of twins, two cells of one id, the first."""
        if self._replica.writing:
            found = self.find(cell_id)
            return None if found is None else found[0]
        return self._place(cell_id)

    def find(self, cell_id: str) -> tuple[int, Map[Any]] | None:
        """Return the index and the shared map of a cell, None where there is no such cell.

        Of twins the first.
        """
        index = self._place(cell_id)
        if index is None:
            return None
        if index < len(self._cells) and _id(ycell := self._cells[index]) == cell_id:
            return index, ycell
        # The block that goes on has moved it.
        return next(((i, ycell) for i, ycell in enumerate(self._cells) if _id(ycell) == cell_id), None)

    def source(self, cell_id: str) -> str | None:
        """Return the source of a cell, None where there is no such cell.

        Somebody who reads many in a row gets them from one bulk read, ten times as fast.
        """
        row = self._often_row(cell_id)
        if row is not None:
            return row.source
        found = self.find(cell_id)
        return None if found is None else str(found[1]["source"])

    def type(self, cell_id: str) -> str | None:
        """Return the type of a cell, None where there is no such cell; many in a row as with `source`."""
        row = self._often_row(cell_id)
        if row is not None:
            return row.type
        found = self.find(cell_id)
        return None if found is None else str(found[1]["cell_type"])

    def known(self, cell_id: str) -> Row | None:
        """Return what is small in a cell if no one has to read it in the document, for loops over all cells.

        Takes no lock: a row is of the cell that it names, and of the last transaction that has ended.
        """
        rows, place = self._rows, self._hints.get(cell_id, -1)
        if rows is None or self._replica.writing or not 0 <= place < len(rows):
            return None
        try:
            row = rows[place]
        except IndexError:  # another thread deletes cells
            return None
        self._followed = 0
        return row if row is not None and row.id == cell_id else None

    def rows(self) -> list[Row]:
        """Return the small things of all cells, in order; not to be changed by the caller.

        Not to be asked for within a block that has written.
        """
        self._followed = 0
        if self._given is None:
            if self._rows is None:
                self._rows = [_row(cell) for cell in self._values()]
            rows = self._rows
            place = -1
            for _ in range(rows.count(None)):
                place = rows.index(None, place + 1)
                rows[place] = _row(_small(self._cells[place]))
            self._given = list(rows)  # type: ignore[arg-type]
        return self._given

    def at(self, index: int) -> tuple[str, Map[Any]]:
        """Return the id and the shared map of the cell at *index*, which must be in range."""
        ycell = self._cells[index]
        return _id(ycell), ycell

    def _often_row(self, cell_id: str) -> Row | None:
        """Return what is small in a cell, or None: there is no such cell, or somebody asks too seldom for all."""
        if self._replica.writing:
            return None
        if self._rows is None:
            self._reads += 1
            if self._reads <= _FEW or len(self._ids) <= _FEW:
                return None
            self.rows()
        index = self._place(cell_id)
        if index is None:
            return None
        self._followed = 0
        assert self._rows is not None
        row = self._rows[index]
        if row is None:
            row = self._rows[index] = _row(_small(self._cells[index]))
        return row

    def _place(self, cell_id: str) -> int | None:
        hint = self._hints.get(cell_id)
        if hint is None or (hint < len(self._ids) and self._ids[hint] == cell_id):
            return hint
        self._missed += 1
        if self._missed > _MISSES:
            self._remember_places()
            return self._hints.get(cell_id)
        try:
            place = self._ids.index(cell_id)
        except ValueError:
            del self._hints[cell_id]
            return None
        self._hints[cell_id] = place
        return place

    def _remember_places(self) -> None:
        ids = self._ids
        self._hints = dict(zip(reversed(ids), range(len(ids) - 1, -1, -1), strict=True))
        self._missed = 0

    def _values(self) -> list[Any]:
        """Return all cells, or what is small in them."""
        if len(self._cells) <= _FEW:
            return [_small(ycell) for ycell in self._cells]
        cells: list[Any] = schema.parsed(str(self._cells))
        return cells

    def _read(self) -> None:
        if len(self._cells) <= _FEW:
            self._ids = [_id(ycell) for ycell in self._cells]
        else:
            rows = [_row(cell) for cell in self._values()]
            self._rows, self._ids = list(rows), [row.id for row in rows]
        self._remember_places()

    def _on_change(self, event: Any) -> None:
        deleted: list[tuple[int, int, str]] = []  # where it stood, the gap it left, which
        inserted: list[tuple[int, str]] = []
        ids, rows, new, old = self._ids, self._rows, 0, 0
        for part in event.delta:
            if "retain" in part:
                new, old = new + part["retain"], old + part["retain"]
            elif "delete" in part:
                count = part["delete"]
                deleted += [(old + i, new, cell_id) for i, cell_id in enumerate(ids[new : new + count])]
                del ids[new : new + count]
                if rows is not None:
                    del rows[new : new + count]
                old += count
            else:
                added = [_id(item) for item in part["insert"]]
                inserted += [(new + i, cell_id) for i, cell_id in enumerate(added)]
                ids[new:new] = added
                if rows is not None:
                    rows[new:new] = [None] * len(added)
                new += len(added)
        self._hints.update((cell_id, place) for place, cell_id in reversed(inserted))
        self._given = None
        if rows is not None and len(inserted) > _FEW:
            self._rows = None  # one bulk read is quicker than so many single ones
        if self.listener is not None:
            self.listener(_edits(deleted, inserted))

    def _on_inside(self, events: list[Any]) -> None:
        """Note in which cells something changed; whose place takes a while to find (facts.md, Speed)."""
        self._given = None
        self._followed += len(events)
        if self._followed > _FOLLOWED:
            self._rows, self._reads = None, 0
        for event in events:
            # The relay gives one of twins another id.
            new = getattr(event, "keys", {}).get("id")
            if (self._rows is None and new is None) or not (path := event.path):
                continue
            place = int(path[0])
            if new is not None and len(path) == 1:
                value = new.get("newValue")
                self._ids[place] = cell_id = value if isinstance(value, str) else ""
                self._hints[cell_id] = min(place, self._hints.get(cell_id, place))
            if self._rows is not None:
                self._rows[place] = None


def known_row(document: LiveDocument, cell_id: str) -> Row | None:
    """Return what is small in a cell, if that is known: a hundred times as fast as to read it."""
    index = document.peek(CellIndex)
    return None if index is None else index.known(cell_id)


def find_cell(replica: Replica, cell_id: str) -> tuple[int, Map[Any]]:
    """Return the index and the shared map of a cell.

    Raises:
        CellGone: there is no such cell.
    """
    found = replica.part(CellIndex).find(cell_id)
    if found is None:
        raise gone(cell_id)
    return found


def gone(cell_id: str) -> CellGone:
    """Return what to raise where there is no such cell."""
    return CellGone(f"The cell {cell_id[:8]} was deleted.")


def _edits(deleted: list[tuple[int, int, str]], inserted: list[tuple[int, str]]) -> list[CellEdit]:
    gone = {cell_id: (place, gap) for place, gap, cell_id in deleted}
    edits: list[CellEdit] = []
    for place, cell_id in inserted:
        if cell_id not in gone:
            edits.append(CellEdit("insert", cell_id, place))
            continue
        _, gap = gone.pop(cell_id)
        edits.append(CellEdit("replace" if gap in (place, place + 1) else "move", cell_id, place))
    left = set(gone)
    return [CellEdit("delete", cell_id, place) for place, _, cell_id in deleted if cell_id in left] + edits


def _id(ycell: Any) -> str:
    found = ycell.get("id") if isinstance(ycell, Map) else None
    return found if isinstance(found, str) else ""


def _small(ycell: Any) -> Any:
    if not isinstance(ycell, Map):
        return None
    metadata = ycell.get("metadata")
    return {
        "id": ycell.get("id"),
        "cell_type": ycell.get("cell_type"),
        "source": str(ycell.get("source", "")),
        "metadata": schema.plain(metadata.to_py()) if isinstance(metadata, Map) else metadata,
    }


def _row(cell: Any) -> Row:
    if not isinstance(cell, dict):  # others' documents may hold anything
        return Row("", "", "", {})
    cell_id, metadata = cell.get("id"), cell.get("metadata")
    return Row(
        cell_id if isinstance(cell_id, str) else "",
        str(cell.get("cell_type") or ""),
        str(cell.get("source") or ""),
        metadata if isinstance(metadata, dict) else {},
    )
