"""Where each cell stands: the ids of all cells in order, kept in step with the document."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from pycrdt import Array, Map

from rtc_widgets.documents.replica import Replica
from rtc_widgets.errors import CellGone

__all__ = ["CellEdit", "CellIndex", "Row", "find_cell", "gone"]

# Up to here, cells are read one by one, because their outputs may be large; above, all in one call
# (facts.md, Speed).
_FEW = 500


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
    """Know the cells' ids in order, so that a cell is found by its id without reading all.

    Follows insertions and deletions as they happen. An id that changed within a cell (the relay does it to
    twins) is seen when it is looked at: by `ids`, which reads again after others wrote, or by `find`, which
    verifies.
    """

    def __init__(self, replica: Replica) -> None:
        self.listener: Callable[[list[CellEdit]], None] | None = None
        self._replica = replica
        self._cells: Array[Any] = replica.root("cells", Array)
        self._ids: list[str] = []
        self._hints: dict[str, int] = {}
        self._checked = -1
        self._version = -1  # of the document, for the three below
        self._reads = 0
        self._sources: dict[str, str] | None = None
        self._rows: list[Row] | None = None
        self._read()
        replica.observe(self._cells, self._on_change)

    def __len__(self) -> int:
        return len(self._ids)

    def ids(self) -> list[str]:
        """Return the ids of all cells, in order; not to be changed by the caller."""
        if self._checked != self._replica.foreign:
            self._read()
        return self._ids

    def find(self, cell_id: str) -> tuple[int, Map[Any]] | None:
        """Return the index and the shared map of a cell, None where there is no such cell.

        Of twins, two cells of one id, the first.
        """
        for _ in range(2):
            index = self._place(cell_id)
            if index is not None:
                ycell = self._cells[index]
                if ycell.get("id") == cell_id:
                    return index, ycell
            if self._checked == self._replica.foreign:
                return None
            self._read()
        return None

    def source(self, cell_id: str) -> str | None:
        """Return the source of a cell, None where there is no such cell.

        Somebody who reads many in a row gets them from one bulk read, ten times as fast, until anything
        changes.
        """
        self._refresh()
        self._reads += 1
        if self._sources is None and self._reads > _FEW and len(self._ids) > _FEW:
            self._sources = {row.id: row.source for row in reversed(self.rows())}
        if self._sources is not None:
            return self._sources.get(cell_id)
        found = self.find(cell_id)
        return None if found is None else str(found[1]["source"])

    def rows(self) -> list[Row]:
        """Return the small things of all cells, in order; not to be changed by the caller.

        They are read once, until anything changes: not to be asked for within a block that has written.
        """
        self._refresh()
        if self._rows is None:
            if len(self._cells) <= _FEW:
                cells = [_small(ycell) for ycell in self._cells]
            else:
                cells = json.loads(str(self._cells))
            self._rows = [_row(cell) for cell in cells]
        return self._rows

    def at(self, index: int) -> tuple[str, Map[Any]]:
        """Return the id and the shared map of the cell at *index*, which must be in range."""
        ycell = self._cells[index]
        found = _id(ycell)
        if self._ids[index] != found:
            self._ids[index] = found
        return found, ycell

    def _refresh(self) -> None:
        if self._version != self._replica.version:
            self._version, self._reads = self._replica.version, 0
            self._sources = self._rows = None

    def _place(self, cell_id: str) -> int | None:
        hint = self._hints.get(cell_id, -1)
        if 0 <= hint < len(self._ids) and self._ids[hint] == cell_id:
            return hint
        try:
            place = self._ids.index(cell_id)
        except ValueError:
            return None
        self._hints[cell_id] = place
        return place

    def _read(self) -> None:
        if len(self._cells) <= _FEW:
            self._ids = [_id(ycell) for ycell in self._cells]
        else:
            self._ids = [str(cell.get("id", "")) for cell in json.loads(str(self._cells))]
        self._hints = {cell_id: place for place, cell_id in reversed(list(enumerate(self._ids)))}
        self._checked = self._replica.foreign

    def _on_change(self, event: Any) -> None:
        deleted: list[tuple[int, int, str]] = []  # where it stood, the gap it left, which
        inserted: list[tuple[int, str]] = []
        ids, new, old = self._ids, 0, 0
        for part in event.delta:
            if "retain" in part:
                new, old = new + part["retain"], old + part["retain"]
            elif "delete" in part:
                count = part["delete"]
                deleted += [(old + i, new, cell_id) for i, cell_id in enumerate(ids[new : new + count])]
                del ids[new : new + count]
                old += count
            else:
                added = [_id(item) for item in part["insert"]]
                inserted += [(new + i, cell_id) for i, cell_id in enumerate(added)]
                ids[new:new] = added
                new += len(added)
        self._hints.update((cell_id, place) for place, cell_id in inserted)
        if self.listener is not None:
            self.listener(_edits(deleted, inserted))


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
        "metadata": metadata.to_py() if isinstance(metadata, Map) else metadata,
    }


def _row(cell: Any) -> Row:
    if not isinstance(cell, dict):  # others' documents may hold anything
        return Row("", "", "", {})
    metadata = cell.get("metadata")
    return Row(
        str(cell.get("id") or ""),
        str(cell.get("cell_type") or ""),
        str(cell.get("source") or ""),
        metadata if isinstance(metadata, dict) else {},
    )
