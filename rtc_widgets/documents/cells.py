"""A cell: a live handle that follows its cell by id, wherever the cell moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map, Text

from rtc_widgets.documents import looks, restructure, rules, schema, ycells
from rtc_widgets.documents.assign import refusal
from rtc_widgets.documents.cell_index import CellIndex, find_cell, gone, known_row
from rtc_widgets.documents.celltext import CellText
from rtc_widgets.documents.editable import Editable
from rtc_widgets.documents.mapping import LiveMapping, set_attachments, set_map
from rtc_widgets.documents.outputs import Outputs, outputs_origin
from rtc_widgets.documents.place import AttachmentsPlace, CellPlace
from rtc_widgets.documents.replica import Replica
from rtc_widgets.documents.tags import Tags
from rtc_widgets.documents.targets import On, in_cell
from rtc_widgets.documents.text import apply, checked, diff
from rtc_widgets.documents.thread import Thread, begin
from rtc_widgets.documents.users import whereabouts
from rtc_widgets.errors import DocumentError

if TYPE_CHECKING:
    from rtc_widgets.documents.headings import Section
    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.documents.sequence import Content

__all__ = ["Cell", "cell_lines", "first_line"]

# Above this many code points the difference is computed before the lock is taken.
_LARGE = 4_000


class Cell(Editable):
    """Stand for one cell of a live notebook.

    A handle, not a copy: reading gives what is there now, writing is seen by everybody. It survives moves,
    inserts and retyping, and raises `CellGone` once the cell is deleted.

    >>> from rtc_widgets.documents.notebook import Notebook
    >>> nb = Notebook.new()
    >>> cell = nb.append("x = 1")
    >>> cell.source = "x = 2"
    >>> cell.source, cell.cell_type, cell.index
    ('x = 2', 'code', 0)
    """

    __slots__ = ("__weakref__", "_id", "_notebook")

    def __init__(self, notebook: Notebook, cell_id: str) -> None:
        self._notebook = notebook
        self._id = cell_id

    @property
    def id(self) -> str:
        """The cell's id, which stays the same for as long as it lives."""
        return self._id

    @property
    def notebook(self) -> Notebook:
        """The notebook it belongs to."""
        return self._notebook

    @property
    def index(self) -> int:
        """Where the cell stands now, counted from 0."""
        with self._notebook.document.reading() as replica:
            place = replica.part(CellIndex).place(self._id)
        if place is None:
            raise gone(self._id)
        return place

    @property
    def _place(self) -> CellPlace:
        return CellPlace(self._notebook.document, self._id)

    @property
    def exists(self) -> bool:
        """Whether the cell has not been deleted."""
        with self._notebook.document.reading() as replica:
            return replica.part(CellIndex).place(self._id) is not None

    @property
    def source(self) -> str:
        """The text of the cell.

        Set, only what differs is written: other people's cursors, comments and typing in this cell stay.
        What they typed since it was read is replaced, though, where the new text does not have it.

        Raises:
            TypeError: set to something other than a ``str``.
            DocumentError: set to a text with an unpaired surrogate.
        """
        return self._place.read()

    @source.setter
    def source(self, new: str) -> None:
        new = checked(new)
        old = edits = None
        if len(new) > _LARGE:
            old = self.source
            edits = diff(old, new)
        with self._notebook.document.writing() as replica:
            text: Text = find_cell(replica, self._id)[1]["source"]
            now = str(text)
            apply(text, edits if edits is not None and now == old else diff(now, new), old=now)

    @property
    def cell_type(self) -> str:
        """``code``, ``markdown`` or ``raw``.

        Set, the cell keeps id, source and metadata; only code keeps outputs, only the others attachments.

        Raises:
            DocumentError: set to another word, or while the cell is running: its outputs would go nowhere.
        """
        row = known_row(self._notebook.document, self._id)
        if row is not None:
            return row.type
        with self._notebook.document.reading() as replica:
            found = replica.part(CellIndex).type(self._id)
        if found is None:
            raise gone(self._id)
        return found

    @cell_type.setter
    def cell_type(self, type_: str) -> None:
        type_ = schema.checked_type(type_)
        with self._notebook.document.writing() as replica:
            index, ycell = find_cell(replica, self._id)
            if ycell["cell_type"] != type_:
                self._refuse_running("retyped")
                value = schema.retyped(schema.value_of(ycell), type_)
                for key, entry in value["metadata"].items():
                    rules.checked_entry(key, entry, type_)
                _put(replica, index, index, value)

    @property
    def type(self) -> str:
        """The same as `cell_type`."""
        return self.cell_type

    @type.setter  # noqa: A003 (the short form, as the arguments have it)
    def type(self, type_: str) -> None:
        self.cell_type = type_

    # ------------------------------------------------------------------------------------- text, bit by bit

    @property
    def text(self) -> CellText:
        """The source as a string that is edited in place: see `CellText`."""
        return CellText(self._place)

    @text.setter
    def text(self, new: str | CellText) -> None:
        if not isinstance(new, CellText) or new != self.text:  # after `cell.text += …` all is done
            self.source = str(new) if isinstance(new, CellText) else new

    # --------------------------------------------------------------------------- outputs, metadata and tags

    @property
    def outputs(self) -> Outputs:
        """The outputs as a live list of nbformat objects: see `Outputs`. Set, those that differ are written.

        Raises:
            DocumentError: set to what nbformat does not allow, or for a cell that is not code.
        """
        return Outputs(self._place)

    @outputs.setter
    def outputs(self, new: Iterable[Mapping[str, Any]]) -> None:
        if not isinstance(new, Outputs) or new != self.outputs:
            self.outputs[:] = new

    def clear_outputs(self) -> None:
        """Remove the outputs and the number in the prompt; nothing happens to cells that are not code."""
        document = self._notebook.document
        with document.writing(origin=outputs_origin(document)) as replica:
            clear_outputs(find_cell(replica, self._id)[1])

    @property
    def execution_count(self) -> int | None:
        """The number in the prompt of a code cell; None before its first run, and for other cells.

        Raises:
            DocumentError: set to something else than an int from 0, or None, or for a cell that is not code.
        """
        with self._notebook.document.reading() as replica:
            count = find_cell(replica, self._id)[1].get("execution_count")
        return None if count is None else int(count)

    @execution_count.setter
    def execution_count(self, count: int | None) -> None:
        count = rules.checked_count(count)
        document = self._notebook.document
        with document.writing(origin=outputs_origin(document)) as replica:
            set_execution_count(find_cell(replica, self._id)[1], count)

    @property
    def metadata(self) -> LiveMapping:
        """The metadata as a live dict: see `LiveMapping`. Set, the keys that differ are written.

        Raises:
            TypeError: set to something other than a ``dict``.
            DocumentError: set to what JSON or nbformat does not allow; nothing was written.
        """
        return LiveMapping(self._place)

    @metadata.setter
    def metadata(self, new: Mapping[str, Any]) -> None:
        new = schema.checked_json(new)
        with self._notebook.document.writing() as replica:
            ycell, kind = self._place.holder(replica)
            set_map(ycell, new, kind)

    @property
    def attachments(self) -> LiveMapping:
        """The files within a Markdown or raw cell, by name, each a dict by mime type: see `LiveMapping`.

        Markdown shows one as ``![owl](attachment:owl.png)``. The data of a picture are a str in Base64. They are
        written together, so of two who change attachments of one cell at once, one wins. Code has none.

        Raises:
            TypeError: set to something other than a ``dict`` of dicts.
            DocumentError: set to what nbformat does not allow, or for a cell that is code; nothing was written.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> cell = Notebook.new().append("![owl](attachment:owl.png)", type="markdown")
        >>> cell.attachments["owl.png"] = {"image/png": "iVBORw0KGgo="}
        >>> cell.attachments
        {'owl.png': {'image/png': 'iVBORw0KGgo='}}
        """
        return LiveMapping(AttachmentsPlace(self._notebook.document, self._id))

    @attachments.setter
    def attachments(self, new: Mapping[str, Any]) -> None:
        new = schema.checked_json(new, "attachments")
        with self._notebook.document.writing() as replica:
            ycell, kind = self._place.holder(replica)
            set_attachments(ycell, new, kind)

    @property
    def tags(self) -> Tags:
        """The tags as a live set: see `Tags`. Set, they are these and no others."""
        return Tags(self._place)

    @tags.setter
    def tags(self, new: Iterable[str]) -> None:
        if not isinstance(new, Tags) or new != self.tags:
            self.tags.set(new)

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as plain nbformat data, as of format 4.5."""
        with self._notebook.document.reading() as replica:
            value = schema.value_of(find_cell(replica, self._id)[1])
        if value["cell_type"] != "code" and not value.get("attachments", True):
            del value["attachments"]
        return value

    # ------------------------------------------------------------------------------------- among other cells

    def below(
        self,
        source: Content = "",
        type: str | None = None,  # noqa: A002 (what people call it)
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> Cell:
        """Put a new cell right below this one and return it: see `Notebook.insert`."""
        return self._notebook._insert_beside(  # noqa: SLF001 (its handle's own)
            self, source, type, metadata, below=True
        )

    def above(
        self,
        source: Content = "",
        type: str | None = None,  # noqa: A002 (what people call it)
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> Cell:
        """Put a new cell right above this one and return it: see `Notebook.insert`."""
        return self._notebook._insert_beside(  # noqa: SLF001 (its handle's own)
            self, source, type, metadata, below=False
        )

    def duplicate(self) -> Cell:
        """Put a copy of the cell, outputs included, right below it, and return the copy, which has a new id."""
        return Cell(self._notebook, restructure.duplicate(self._notebook.document, self._id))

    def split(self, at: int | None = None, *, line: int | None = None) -> tuple[Cell, Cell]:
        r"""Split the cell at a code point, or in front of a line, and return both parts.

        As in JupyterLab, the first part is a new cell, and **this handle is the last part**: it keeps id, outputs
        and execution count, because outputs are those of the last line, comments on the cell as a whole are mostly
        about its outputs, and so a running cell can be split. Both have the metadata. Empty lines at the cut go.

        Raises:
            TypeError: not exactly one of *at* and *line* is given.
            IndexError: there is no such line.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> cell = Notebook.new().append("import os\n\nos.getcwd()")
        >>> first, last = cell.split(line=2)
        >>> first.source, last.source, last == cell
        ('import os', 'os.getcwd()', True)
        """
        return Cell(self._notebook, restructure.split(self._notebook.document, self._id, at, line)), self

    def merge(self, *others: Cell | str | int) -> Cell:
        """Merge other cells, or the next one, into this cell, in the order in which they stand, and return it.

        An empty line comes between them. As in JupyterLab, type and metadata are those of this cell, and its outputs
        go. It keeps its id, and its text stays in place, so that comments on it stay; those on the others find
        their words again.

        Raises:
            IndexError: there is no next cell.
            DocumentError: one of them is running: its outputs would go nowhere.
        """
        notebook = self._notebook
        ids = [notebook.resolve(other).id for other in others]
        restructure.merge(notebook.document, self._id, ids, notebook.running_cell_id)
        return self

    @property
    def section(self) -> Section | None:
        """The innermost section that the cell stands in; None in front of the first heading."""
        return self._notebook.sections.of(self)

    def move(self, *, before: Cell | str | int | None = None, after: Cell | str | int | None = None) -> None:
        """Move the cell in front of another one, or behind it, given as a handle or a key.

        The cell keeps its id and all it holds; in the CRDT it is a new one, as after a drag in JupyterLab. What others
        type into it meanwhile they write again, but for what has reached the server in that moment, and not this side.

        Raises:
            DocumentError: the cell is running: its outputs would go to the place it left.
            TypeError: not exactly one of *before* and *after* is given.
        """
        target = after if before is None else before
        if target is None or (before is not None and after is not None):
            raise TypeError("Give either before= or after=, for example cell.move(before=nb[0]).")
        other = self._notebook.resolve(target)
        with self._notebook.document.writing() as replica:
            index, ycell = find_cell(replica, self._id)
            place = find_cell(replica, other.id)[0] + (before is None)
            place -= place > index
            if place != index:
                self._refuse_running("moved")
                _put(replica, index, place, schema.value_of(ycell))

    def comment(self, body: str, on: On | None = None, *, timeout: float | None = 30.0) -> Thread:
        """Begin a thread of comments about the cell, or about something in it, and return it: see `Thread`.

        Everybody sees it; the server signs it. Returns when the server has answered.

        Args:
            body: Markdown; ``@ada`` mentions somebody.
            on: what it is about: words that stand there once, what a compiled pattern matches first, a slice of code
                points, the number of a line as `lines` counts them, one of `outputs`, or a line of one:
                ``(output, "words in it")``, ``(output, -1)``; None for the whole cell.
            timeout: seconds to wait for the answer.

        Raises:
            CellGone: the cell was deleted.
            CommentRefused: the server says no, and why.
            DocumentError: there is no such place in the cell.
            NotConnected: there was no answer in *timeout* seconds; it is asked again when the server is back.
        """
        return begin(self._notebook, body, in_cell(self, on), timeout)

    def delete(self) -> None:
        """Delete the cell, for everybody."""
        with self._notebook.document.writing() as replica:
            index, _ = find_cell(replica, self._id)
            del replica.root("cells", Array)[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cell):
            return NotImplemented
        return self._id == other._id and self._notebook.document is other._notebook.document

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        try:
            index, type_, line = self._summary()
        except LookupError:
            return f"<cell {self._id[:8]}, deleted>"
        return f"<{type_} cell {index} {self._id[:8]} {line!r}>"

    def _repr_html_(self) -> str:
        lines = cell_lines(self._notebook, [self])
        if not lines:
            return looks.text(f"The cell {self._id[:8]} was deleted.")
        try:
            count, outputs = self.execution_count, len(self.outputs)
        except LookupError:  # in this moment
            count, outputs = None, 0
        run = [] if count is None else [f"run as [{count}]"]
        return looks.cell(lines[0], [*run, *([looks.counted(outputs, "output")] if outputs else [])])

    def _summary(self) -> tuple[int, str, str]:
        index, type_, source = _look(self)
        return index, type_, first_line(source)

    def _refuse_running(self, what: str) -> None:
        if self._notebook.running_cell_id == self._id:
            raise refusal(what)


def cell_lines(notebook: Notebook, cells: Sequence[Cell]) -> list[looks.CellLine]:
    """Return what is shown of some cells; those that were deleted are left out."""
    here = whereabouts(notebook)
    lines = []
    for cell in cells:
        faces = here.get(cell.id, [])
        running = cell.id == notebook.running_cell_id or any(face.kernel for face in faces)
        shown = [face for face in faces if not (face.kernel and face.me)]
        try:
            index, type_, source = _look(cell)
            lines.append(looks.CellLine(index, cell.id, type_, source, list(cell.tags), shown, running))
        except LookupError:
            continue
    return lines


def _look(cell: Cell) -> tuple[int, str, str]:
    """Return index, type and source of a cell to be shown; others' documents may hold anything in their place."""
    if not cell.id:
        raise gone("")
    with cell.notebook.document.reading() as replica:
        index, ycell = find_cell(replica, cell.id)
        return index, str(ycell.get("cell_type", "strange")), str(ycell.get("source", ""))


def first_line(source: str, width: int = 40) -> str:
    """Return the first line with something on it, cut to *width* code points."""
    line = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return line if len(line) <= width else line[: width - 1] + "…"


def _put(replica: Replica, index: int, place: int, value: dict[str, Any]) -> None:
    cells = replica.root("cells", Array)
    del cells[index]
    cells.insert(place, schema.make(value))


def clear_outputs(ycell: Map[Any]) -> None:
    """Remove outputs and execution count of a cell, in a transaction, where there are any."""
    if ycell.get("cell_type") == "code":
        if ycell.get("outputs"):
            ycells.set_outputs(ycell, [])
        set_execution_count(ycell, None)


def set_execution_count(ycell: Map[Any], count: int | None) -> None:
    """Set the execution count of a cell, in a transaction, where it is another one."""
    if ycell.get("cell_type") != "code":
        if count is not None:
            raise DocumentError("Only code has an execution count.")
    elif ycell.get("execution_count") != count or "execution_count" not in ycell:
        ycell["execution_count"] = count
