"""Finding cells by what is in them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from rtc_widgets.documents import looks
from rtc_widgets.documents.cell_index import CellIndex, Row
from rtc_widgets.documents.cells import Cell, cell_lines
from rtc_widgets.documents.definitions import defined
from rtc_widgets.documents.headings import Sections
from rtc_widgets.documents.lines import line_starts
from rtc_widgets.documents.schema import checked_type
from rtc_widgets.documents.sequence import CellSequence

__all__ = ["Found", "Lookup", "TypedCells"]


@dataclass(frozen=True, slots=True)
class Found:
    """Say where a regular expression matched.

    Args:
        cell: in which cell.
        line: in which of its lines, counted from 0; where it begins.
        span: from where to before where, in code points of the cell's source.
        match: the match itself, with its groups.
    """

    cell: Cell
    line: int
    span: tuple[int, int]
    match: re.Match[str]

    @property
    def text(self) -> str:
        """What matched."""
        return self.match[0]

    def __repr__(self) -> str:
        line, _ = self._in_line()
        return f"<{self.cell.id[:8]}:{self.line}: {looks.shortened(repr(line), 200)}>"

    def _repr_html_(self) -> str:
        return _found([self])

    def _in_line(self) -> tuple[str, int]:
        """Return the line in which it begins, and where in it."""
        source = self.match.string
        start = source.rfind("\n", 0, self.span[0]) + 1
        end = source.find("\n", self.span[0])
        return source[start : None if end < 0 else end], self.span[0] - start


class TypedCells(Sequence[Cell]):
    """Be the cells of one type, live: ``nb.code[0]`` is the first code cell there is at the moment."""

    def __init__(self, notebook: CellSequence, type_: str) -> None:
        self._notebook = notebook
        self._type = type_

    @overload
    def __getitem__(self, key: int) -> Cell: ...
    @overload
    def __getitem__(self, key: slice) -> list[Cell]: ...
    def __getitem__(self, key: int | slice) -> Cell | list[Cell]:
        ids = self._ids()
        if isinstance(key, slice):
            return [self._notebook.cell(cell_id) for cell_id in ids[key]]
        if not -len(ids) <= key < len(ids):
            raise IndexError(f"There is no {self._type} cell {key}: the notebook has {len(ids)}.")
        return self._notebook.cell(ids[key])

    def __len__(self) -> int:
        return len(self._ids())

    def __iter__(self) -> Iterator[Cell]:
        return iter(self[:])

    def __contains__(self, item: object) -> bool:
        return isinstance(item, Cell) and item in self._notebook and item.cell_type == self._type

    def __repr__(self) -> str:
        return looks.listed(self)

    def _repr_html_(self) -> str:
        cells = self[:]
        title = looks.titled(f"{self._type} cells", f"{len(cells):,}")
        return looks.cells(title, cell_lines(self._notebook, cells[: looks.MOST]), len(cells))  # type: ignore[arg-type]

    def _ids(self) -> list[str]:
        with self._notebook.document.reading() as replica:
            return [row.id for row in replica.part(CellIndex).rows() if row.type == self._type]


class Lookup(CellSequence):
    """Give a notebook the ways to find cells."""

    @property
    def this(self) -> Cell:
        """The cell that is running.

        Raises:
            LookupError: none is running.
        """
        running = self.running_cell_id
        if running is None:
            raise LookupError("No cell of this notebook is running here: nb.this is for code in a cell.")
        return self.cell(running)

    @property
    def code(self) -> TypedCells:
        """The code cells, live."""
        return TypedCells(self, "code")

    @property
    def markdown(self) -> TypedCells:
        """The markdown cells, live."""
        return TypedCells(self, "markdown")

    @property
    def raw(self) -> TypedCells:
        """The raw cells, live."""
        return TypedCells(self, "raw")

    @property
    def sections(self) -> Sections:
        """The sections that the headings in markdown cells make, live: see `Sections`."""
        return Sections(self)

    def tagged(self, tag: str) -> list[Cell]:
        """Return all cells with a tag, in order; ``nb["#tag"]`` is the first of them.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> nb = Notebook.new()
        >>> for source in "ab":
        ...     nb.append(source).tags.add("setup")
        >>> [cell.source for cell in nb.tagged("setup")], nb["#setup"].source
        (['a', 'b'], 'a')
        """
        return [self.cell(cell_id) for cell_id in self._tagged(tag.removeprefix("#"))]

    def find(self, pattern: str | re.Pattern[str], type: str | None = None) -> Cell | None:  # noqa: A002 (as above)
        r"""Return the first cell in which a regular expression matches; None where there is none.

        In a pattern given as text ``^`` and ``$`` match at each line.

        Args:
            pattern: as for `re.search`.
            type: look at ``code``, ``markdown`` or ``raw`` cells only.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> nb = Notebook.new()
        >>> nb += ["import pandas", "df = pandas.read_csv('a.csv')"]
        >>> nb.find(r"read_csv\(").index, nb.find("nothing")
        (1, None)
        """
        search = _compiled(pattern).search
        for row in self._rows(type):
            if search(row.source):
                return self.cell(row.id)
        return None

    def grep(self, pattern: str | re.Pattern[str], type: str | None = None) -> list[Found]:  # noqa: A002 (as above)
        r"""Return every place where a regular expression matches: cell, line, span and match.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> nb = Notebook.new()
        >>> nb += ["x = 1", "y = 2\nprint(x)"]
        >>> [(found.cell.index, found.line, found.span) for found in nb.grep(r"\bx\b")]
        [(0, 0, (0, 1)), (1, 1, (12, 13))]
        """
        compiled = _compiled(pattern)
        found = (
            Found(self.cell(row.id), _line(row.source, match.start()), match.span(), match)
            for row in self._rows(type)
            for match in compiled.finditer(row.source)
        )
        return looks.Shown(found, _found)

    def defining(self, name: str) -> Cell | None:
        r"""Return the last code cell that defines a name; None where none does.

        By its syntax: any assignment, an import, ``def``, ``class``, ``for``, ``with``, ``match``, ``:=``, outside of
        functions and classes. What runs later counts for nothing: order is that of the notebook.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> nb = Notebook.new()
        >>> nb += ["df = 1", "%time\nimport df", "print(df)"]
        >>> nb.defining("df").index
        1
        """
        if not name.isidentifier():
            raise ValueError(f"{name!r} is no name.")
        for row in reversed(self._rows("code")):
            if name in row.source and name in defined(row.source):
                return self.cell(row.id)
        return None

    def _rows(self, type_: str | None) -> list[Row]:
        if type_ is not None:
            checked_type(type_)
        with self.document.reading() as replica:
            rows = replica.part(CellIndex).rows()
        return rows if type_ is None else [row for row in rows if row.type == type_]


def _found(found: list[Found]) -> str:
    rows = []
    for one in found[: looks.MOST]:
        line, start = one._in_line()  # noqa: SLF001 (of the same module)
        place = str(one.cell.index) if one.cell.exists else "deleted"
        rows.append((place, str(one.line), looks.hit(line, start, start + len(one.text))))
    more = len(found) - len(rows)
    note = f"… {more:,} more" if more else ""
    count = looks.titled("Found", f"{len(found):,} time{'' if len(found) == 1 else 's'}")
    return looks.table(count, ("Cell", "Line", "Text"), rows, note=note)


def _line(source: str, offset: int) -> int:
    """Return in which line of a cell, as `Cell.lines` counts them, an offset is."""
    if "\r" not in source:
        return source.count("\n", 0, offset)
    return bisect_right(line_starts(source), offset) - 1


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE) if isinstance(pattern, str) else pattern
