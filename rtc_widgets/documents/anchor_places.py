"""A document as a pass over many anchors sees it: each thing is read once, and only when an anchor asks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pycrdt import Array, Doc, Map, Text

from rtc_widgets.documents.anchor_outputs import parse_outputs
from rtc_widgets.documents.positions import Known, Positions
from rtc_widgets.documents.quotes import Work

__all__ = ["FILE", "Places"]

# Where the text of a text file is, in place of a cell's index.
FILE = -1

# Up to here cells are asked for their ids one by one, because their outputs may be large; above, all in one call.
_FEW = 2_000


class Places:
    """Read a document for as long as it does not change; make another one when it has.

    The caller sees to it that nobody writes meanwhile.
    """

    def __init__(self, doc: Doc[Any]) -> None:
        self._doc = doc
        self._known = Known(doc)
        self._ids: list[str] | None = None
        self._where: dict[str, list[int]] = {}
        # The maps of those cells that were looked at; what others have put among the cells may be none.
        self._cells: dict[int, Any] = {}
        self._texts: dict[int, Positions | None] = {}
        self._all: str | None = None
        self._outputs: dict[int, list[dict[str, Any]]] = {}
        self.work = Work()

    @property
    def ids(self) -> list[str]:
        """The ids of the cells, in order."""
        if self._ids is None:
            self._ids = self._read_ids()
            for index, cell_id in enumerate(self._ids):
                self._where.setdefault(cell_id, []).append(index)
        return self._ids

    def own(self, anchor: Mapping[str, Any]) -> list[int]:
        """Return where the cell of an anchor is: one place, none, or two of twins, of more than two the first."""
        cell_id = anchor.get("cell")
        if cell_id is None:
            return [FILE]
        return self._where.get(cell_id, [])[:2] if self.ids else []

    def find(self, cell_id: str | None) -> int | None:
        """Return where a cell is, None where it is not."""
        return self._where[cell_id][0] if self.ids and cell_id in self._where else None

    def id_at(self, where: int) -> str | None:
        """Return a cell's id, None for the text of a file."""
        return None if where == FILE else self.ids[where]

    def near(self, where: int) -> list[str | None]:
        """Return the ids of the cells in front of a cell and behind it."""
        around = (where - 1, where + 1)
        return [self.ids[index] if 0 <= index < len(self.ids) else None for index in around]

    def hint(self, anchor: Mapping[str, Any]) -> int:
        """Return about where the cell of an anchor was, by its neighbours."""
        before, after = (self.find(cell_id) for cell_id in anchor.get("near") or (None, None))
        if before is not None:
            return before + 1
        return after - 1 if after is not None else 0

    def text(self, where: int) -> Positions | None:
        """Return a source, None where a cell has none."""
        if where not in self._texts:
            source = self._doc.get("source", type=Text) if where == FILE else self._value(where, "source")
            self._texts[where] = Positions(source, self._known) if isinstance(source, Text) else None
        return self._texts[where]

    def string(self, where: int) -> str:
        """Return what a source holds."""
        found = self.text(where)
        return found.string if found else ""

    def holding(self, exact: str, near: int) -> Iterator[int]:
        """Return the cells whose sources hold *exact*, from the place *near* outwards."""
        self.work.searched += 1
        if self._all is None:
            self._all = "\0".join(map(self.string, range(len(self.ids))))
        # One search through everything first: most of what is not found is nowhere.
        found = range(len(self.ids)) if exact in self._all else ()
        outwards = sorted(found, key=lambda where: (abs(where - near), where))
        return (where for where in outwards if exact in self.string(where))

    def outputs(self, where: int) -> list[dict[str, Any]]:
        """Return the outputs of a cell."""
        if where not in self._outputs:
            found = self._value(where, "outputs")
            text = str(found) if isinstance(found, Array) else json.dumps(found)
            self._outputs[where] = parse_outputs(text)
        return self._outputs[where]

    def execution_count(self, where: int) -> int | None:
        """Return the number of a cell's last run."""
        count = self._value(where, "execution_count")
        return int(count) if isinstance(count, int | float) else None

    def _value(self, where: int, key: str) -> Any:
        if where not in self._cells:
            self._cells[where] = self._array()[where]
        cell = self._cells[where]
        try:
            return cell[key] if isinstance(cell, Map) else None  # `get` would ask three times
        except KeyError:
            return None

    def _array(self) -> Array[Any]:
        cells: Array[Any] = self._doc.get("cells", type=Array)
        return cells

    def _read_ids(self) -> list[str]:
        cells = self._array()
        if len(cells) > _FEW:
            found = [cell.get("id") if isinstance(cell, dict) else None for cell in json.loads(str(cells))]
        else:
            with self._doc.transaction():
                self._cells = dict(enumerate(cells))
                found = [self._value(where, "id") for where in range(len(self._cells))]
        return [str(cell_id) for cell_id in found]
