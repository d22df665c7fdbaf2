"""The sections of a notebook, which the headings in its markdown cells make."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from rtc_widgets.documents import looks
from rtc_widgets.documents.cell_index import CellIndex
from rtc_widgets.documents.cells import cell_lines

if TYPE_CHECKING:
    from rtc_widgets.documents.cell_index import Row
    from rtc_widgets.documents.cells import Cell
    from rtc_widgets.documents.sequence import CellSequence

__all__ = ["Section", "Sections", "headings"]

# What ends a line for CommonMark; `str.splitlines` knows more ends.
_END = re.compile(r"\r\n|\n|\r")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HASHES = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*")
_RULE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_NOT_TEXT = re.compile(r"\s*$| {4}|\t| {0,3}(?:[-*+>|]|\d+[.)]\s)")
# What is taken from a title: links, images and tags around it, and signs of emphasis and code.
_MARKUP = (
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"</?\w[^>]*>"), ""),
    (re.compile(r"[*`]+|\b_+|_+\b"), ""),
)


def headings(source: str) -> list[tuple[int, str]]:
    r"""Return level and title of each heading of a markdown text; those within code are none.

    >>> headings("# **Results**\n```\n# no\n```\nPlots\n-----")
    [(1, 'Results'), (2, 'Plots')]
    """
    found: list[tuple[int, str]] = []
    fence, before = "", ""
    for line in _END.split(source):
        mark = _FENCE.match(line)
        if fence:
            if mark is not None and mark[1].startswith(fence) and not line.strip().strip(mark[1][0]):
                fence = ""
        elif mark is not None:
            fence, before = mark[1], ""
        elif (hashes := _HASHES.fullmatch(line)) is not None:
            found.append((len(hashes[1]), _title(hashes[2] or "")))
            before = ""
        elif before and (rule := _RULE.fullmatch(line)) is not None:
            found.append((1 if rule[1][0] == "=" else 2, _title(before)))
            before = ""
        else:
            before = "" if _NOT_TEXT.match(line) else line
    return found


def _title(text: str) -> str:
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return text.strip()


@dataclass(frozen=True, slots=True)
class _Span:
    """Say where a section is: from the cell with its heading to before another one."""

    cell_id: str
    number: int  # which heading of that cell
    level: int
    title: str
    start: int
    stop: int


class Section(Sequence[Any]):
    """Be the cells of a section, live: the one with its heading, and all up to the next heading of its level.

    Follows its heading, also where that is moved or worded anew; where it is deleted, raises `LookupError`.
    """

    def __init__(self, notebook: CellSequence, cell_id: str, number: int) -> None:
        self._notebook = notebook
        self._cell_id = cell_id
        self._number = number

    @property
    def title(self) -> str:
        """The words of the heading, without markup."""
        return self._span().title

    @property
    def level(self) -> int:
        """The level of the heading, from 1 to 6."""
        return self._span().level

    @property
    def heading(self) -> Cell:
        """The cell with the heading."""
        self._span()
        return self._notebook.cell(self._cell_id)

    @property
    def sections(self) -> Sections:
        """The sections within this one."""
        return Sections(self._notebook, self)

    @property
    def parent(self) -> Section | None:
        """The section that this one is within; None for an outermost one."""
        mine = self._span()
        parent = None
        for span in _spans(self._notebook):
            if (span.cell_id, span.number) == (mine.cell_id, mine.number):
                break
            if span.level < mine.level and span.stop >= mine.stop:
                parent = span
        return None if parent is None else Section(self._notebook, parent.cell_id, parent.number)

    def append(self, source: Any = "", type: str | None = None, **options: Any) -> Cell:  # noqa: A002 (as above)
        """Add a cell at the end of the section and return it: see `Notebook.insert`."""
        return self[-1].below(source, type, **options)

    @overload
    def __getitem__(self, key: int) -> Cell: ...
    @overload
    def __getitem__(self, key: slice) -> list[Cell]: ...
    @overload
    def __getitem__(self, key: str) -> Section: ...
    def __getitem__(self, key: int | slice | str) -> Cell | list[Cell] | Section:
        """Return a cell, a list of cells, or the section within this one that has a title."""
        if isinstance(key, str):
            return self.sections[key]
        ids = self._ids()
        if isinstance(key, slice):
            return [self._notebook.cell(cell_id) for cell_id in ids[key]]
        if not -len(ids) <= key < len(ids):
            raise IndexError(f"There is no cell {key}: the section has {len(ids)}.")
        return self._notebook.cell(ids[key])

    def __len__(self) -> int:
        span = self._span()
        return span.stop - span.start

    def __iter__(self) -> Iterator[Cell]:
        return iter(self[:])

    def __contains__(self, item: object) -> bool:
        """Tell whether a cell, or a section of that title, is in this section."""
        if isinstance(item, str):
            return item in self.sections
        return any(cell == item for cell in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Section):
            return NotImplemented
        mine, theirs = (self._cell_id, self._number), (other._cell_id, other._number)
        return mine == theirs and self._notebook.document is other._notebook.document

    def __hash__(self) -> int:
        return hash((self._cell_id, self._number))

    def __repr__(self) -> str:
        try:
            span = self._span()
        except LookupError:
            return "<section, deleted>"
        count = span.stop - span.start
        title = looks.shortened(repr(span.title), 200)
        return f"<section {'#' * span.level} {title}, {count} cell{'' if count == 1 else 's'}>"

    def _repr_html_(self) -> str:
        try:
            span, cells = self._span(), self[:]
        except LookupError as error:
            return looks.text(str(error.args[0]))
        title = looks.titled(span.title, f"heading {span.level}, {looks.counted(len(cells), 'cell')}")
        return looks.cells(title, cell_lines(self._notebook, cells[: looks.MOST]), len(cells))  # type: ignore[arg-type]

    def _ipython_key_completions_(self) -> list[str]:
        """Return what completes ``section["`` in IPython: the titles of the sections within it."""
        return self.sections._ipython_key_completions_()

    def _span(self) -> _Span:
        for span in _spans(self._notebook):
            if (span.cell_id, span.number) == (self._cell_id, self._number):
                return span
        raise LookupError(f"The heading of this section, in the cell {self._cell_id[:8]}, was deleted.")

    def _ids(self) -> list[str]:
        with self._notebook.document.reading() as replica:
            span = self._span()
            return replica.part(CellIndex).ids()[span.start : span.stop]


class Sections(Sequence[Section]):
    """Be the sections of a notebook, or within a section, in order, those within others included; live.

    A key is a title or an index. Of several sections with one title ``nb.sections["Results"]`` is the first;
    ``nb.sections.titled("Results")`` is all of them, and ``nb.sections["Methods"]["Results"]`` the one within another.

    >>> from rtc_widgets.documents.notebook import Notebook
    >>> nb = Notebook.new()
    >>> for source in ("# Results", "## Plots"):
    ...     _ = nb.append(source, type="markdown"); _ = nb.append(source.lower())
    >>> [cell.source for cell in nb.sections["Results"]["Plots"]]
    ['## Plots', '## plots']
    >>> nb.sections, nb[3].section.title, nb[3] in nb.sections["Results"]
    ([<section # 'Results', 4 cells>, <section ## 'Plots', 2 cells>], 'Plots', True)
    """

    def __init__(self, notebook: CellSequence, within: Section | None = None) -> None:
        self._notebook = notebook
        self._within = within

    @overload
    def __getitem__(self, key: int | str) -> Section: ...
    @overload
    def __getitem__(self, key: slice) -> list[Section]: ...
    def __getitem__(self, key: int | str | slice) -> Section | list[Section]:
        """Return the section at an index or, of those with a title, the first.

        Raises:
            KeyError: there is no section with that title.
        """
        if isinstance(key, str):
            found = self.titled(key)
            if not found:
                titles = [span.title for span in self._spans()]
                known = ", ".join(map(repr, titles[:8])) + (", …" if len(titles) > 8 else "")
                raise KeyError(f"no section is titled {key!r}; there are {known or 'none'}")
            return found[0]
        sections = [self._section(span) for span in self._spans()]
        return sections[key]

    def titled(self, title: str) -> list[Section]:
        """Return all sections with a title; markup around it does not count."""
        wanted = {title, _title(title)}
        return [self._section(span) for span in self._spans() if span.title in wanted]

    def of(self, cell: Cell) -> Section | None:
        """Return the innermost section that *cell* stands in; None in front of the first heading."""
        place = cell.index
        around = [span for span in self._spans() if span.start <= place < span.stop]
        return self._section(around[-1]) if around else None

    def __len__(self) -> int:
        return len(self._spans())

    def __iter__(self) -> Iterator[Section]:
        return iter(self[:])

    def __contains__(self, item: object) -> bool:
        """Tell whether there is a section, or one of that title."""
        if isinstance(item, str):
            return bool(self.titled(item))
        return any(section == item for section in self)

    def __repr__(self) -> str:
        try:
            return looks.listed(self[:])
        except LookupError as error:
            return looks.lost(error)

    def _repr_html_(self) -> str:
        try:
            spans = self._spans()
        except LookupError as error:
            return looks.text(str(error.args[0]))
        rows = [
            (looks.indented(span.title, span.level), str(span.level), looks.reach(span.start, span.stop))
            for span in spans[:100]
        ]
        more = len(spans) - 100
        note = f"… {more:,} more" if more > 0 else ""
        count = looks.titled("Sections", f"{len(spans):,}")
        return looks.table(count, ("Title", "Level", "Cells"), rows, note=note)

    def _ipython_key_completions_(self) -> list[str]:
        """Return what completes ``nb.sections["`` in IPython: the titles; none where the section was deleted."""
        try:
            return list(dict.fromkeys(span.title for span in self._spans()))
        except LookupError:
            return []

    def _spans(self) -> list[_Span]:
        spans = _spans(self._notebook)
        if self._within is None:
            return spans
        outer = self._within._span()  # noqa: SLF001 (of the same module)
        at = spans.index(outer)
        inner = []
        for span in spans[at + 1 :]:
            if span.level <= outer.level:
                break
            inner.append(span)
        return inner

    def _section(self, span: _Span) -> Section:
        return Section(self._notebook, span.cell_id, span.number)


class _Outline:
    """Keep the spans of the sections until anything changes."""

    def __init__(self, replica: Any) -> None:
        self._replica = replica
        self._version = -1
        self._spans: list[_Span] = []

    def spans(self) -> list[_Span]:
        if self._version != self._replica.version:
            self._spans = _outline(self._replica.part(CellIndex).rows())
            self._version = self._replica.version
        return self._spans


def _spans(notebook: CellSequence) -> list[_Span]:
    with notebook.document.reading() as replica:
        return replica.part(_Outline).spans()


def _outline(rows: list[Row]) -> list[_Span]:
    found = [
        (place, row.id, number, level, title)
        for place, row in enumerate(rows)
        if row.type == "markdown" and any(sign in row.source for sign in "#=-")
        for number, (level, title) in enumerate(headings(row.source))
    ]
    spans: list[_Span] = []
    stops = {level: len(rows) for level in range(1, 7)}  # where a section of that level ends
    for place, cell_id, number, level, title in reversed(found):
        spans.append(_Span(cell_id, number, level, title, place, max(stops[level], place + 1)))
        for deeper in range(level, 7):
            stops[deeper] = place
    return spans[::-1]
