"""A cell: a live handle that follows its cell by id, wherever the cell moves."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map, Text

from rtc_widgets.documents import schema
from rtc_widgets.documents.cell_index import CellIndex
from rtc_widgets.documents.replica import Replica
from rtc_widgets.documents.text import apply, checked, diff
from rtc_widgets.errors import CellGone, DocumentError

if TYPE_CHECKING:
    from rtc_widgets.documents.notebook import Notebook

__all__ = ["Cell"]

# Above this many code points the difference is computed before the lock is taken.
_LARGE = 4_000


class Cell:
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
            return _find(replica, self._id)[0]

    @property
    def exists(self) -> bool:
        """Whether the cell has not been deleted."""
        with self._notebook.document.reading() as replica:
            return replica.part(CellIndex).find(self._id) is not None

    @property
    def source(self) -> str:
        """The text of the cell.

        Set, only what differs is written: other people's cursors, comments and typing in this cell stay.
        What they typed since it was read is replaced, though, where the new text does not have it.

        Raises:
            TypeError: set to something other than a ``str``.
            DocumentError: set to a text with an unpaired surrogate.
        """
        with self._notebook.document.reading() as replica:
            found = replica.part(CellIndex).source(self._id)
        if found is None:
            raise _gone(self._id)
        return found

    @source.setter
    def source(self, new: str) -> None:
        new = checked(new)
        old = edits = None
        if len(new) > _LARGE:
            old = self.source
            edits = diff(old, new)
        with self._notebook.document.writing(tracked=True) as replica:
            text: Text = _find(replica, self._id)[1]["source"]
            now = str(text)
            apply(text, edits if edits is not None and now == old else diff(now, new), old=now)

    @property
    def cell_type(self) -> str:
        """``code``, ``markdown`` or ``raw``.

        Set, the cell keeps id, source and metadata; only code keeps outputs, only the others attachments.

        Raises:
            DocumentError: set to another word, or while the cell is running: its outputs would go nowhere.
        """
        with self._notebook.document.reading() as replica:
            return str(_find(replica, self._id)[1]["cell_type"])

    @cell_type.setter
    def cell_type(self, type_: str) -> None:
        type_ = schema.checked_type(type_)
        with self._notebook.document.writing(tracked=True) as replica:
            index, ycell = _find(replica, self._id)
            if ycell["cell_type"] != type_:
                self._refuse_running("retyped")
                value = schema.retyped(schema.value_of(ycell), type_)
                _put(replica, index, index, value)

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """A copy of the outputs as plain nbformat data; empty for cells that are not code."""
        with self._notebook.document.reading() as replica:
            found = _find(replica, self._id)[1].get("outputs")
            text = str(found) if isinstance(found, Array) else json.dumps(found or [])
        outputs: list[dict[str, Any]] = schema.plain(json.loads(text))
        return outputs

    @property
    def execution_count(self) -> int | None:
        """The number in the prompt of a code cell; None before its first run, and for other cells."""
        with self._notebook.document.reading() as replica:
            count = _find(replica, self._id)[1].get("execution_count")
        return None if count is None else int(count)

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of the metadata as plain data. Set, the keys that differ are written.

        Raises:
            TypeError: set to something other than a ``dict``.
            DocumentError: set to something that is not JSON; nothing was written.
        """
        with self._notebook.document.reading() as replica:
            return plain_map(_find(replica, self._id)[1], "metadata")

    @metadata.setter
    def metadata(self, new: dict[str, Any]) -> None:
        new = schema.checked_json(new)
        with self._notebook.document.writing(tracked=True) as replica:
            set_map(_find(replica, self._id)[1], "metadata", new)

    def move(self, *, before: Cell | str | int | None = None, after: Cell | str | int | None = None) -> None:
        """Move the cell in front of another one, or behind it, given as a handle, an id or an index.

        The cell keeps its id and all it holds; in the CRDT it is a new one, as after a drag in JupyterLab,
        so what somebody types into it in the same moment may be lost.

        Raises:
            DocumentError: the cell is running: its outputs would go to the place it left.
            TypeError: not exactly one of *before* and *after* is given.
        """
        target = after if before is None else before
        if target is None or (before is not None and after is not None):
            raise TypeError("Give either before= or after=, for example cell.move(before=nb[0]).")
        other = self._notebook.resolve(target)
        with self._notebook.document.writing(tracked=True) as replica:
            index, ycell = _find(replica, self._id)
            place = _find(replica, other.id)[0] + (before is None)
            place -= place > index
            if place != index:
                self._refuse_running("moved")
                _put(replica, index, place, schema.value_of(ycell))

    def delete(self) -> None:
        """Delete the cell, for everybody."""
        with self._notebook.document.writing(tracked=True) as replica:
            index, _ = _find(replica, self._id)
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
        except CellGone:
            return f"<cell {self._id[:8]}, deleted>"
        return f"<{type_} cell {index} {self._id[:8]} {line!r}>"

    def _repr_html_(self) -> str:
        try:
            index, type_, _ = self._summary()
            source = self.source
        except CellGone:
            return f"<em>cell {html.escape(self._id[:8])}, deleted</em>"
        lines = source.splitlines()
        shown = "\n".join(lines[:10]) + ("\n…" if len(lines) > 10 else "")
        return (
            f"<div><small>[{index}] {html.escape(type_)} <code>{html.escape(self._id[:8])}</code></small>"
            f"<pre>{html.escape(shown)}</pre></div>"
        )

    def _summary(self) -> tuple[int, str, str]:
        with self._notebook.document.reading() as replica:
            index, ycell = _find(replica, self._id)
            return index, str(ycell["cell_type"]), first_line(str(ycell["source"]))

    def _refuse_running(self, what: str) -> None:
        if self._notebook.running_cell_id == self._id:
            raise DocumentError(
                f"The running cell cannot be {what}: its outputs would go to the place it had. "
                "Do it when it has ended, from another cell."
            )


def first_line(source: str, width: int = 40) -> str:
    """Return the first line with something on it, cut to *width* code points."""
    line = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return line if len(line) <= width else line[: width - 1] + "…"


def plain_map(parent: Map[Any], key: str) -> dict[str, Any]:
    """Return the map or dictionary under *key* as plain data; an empty one where there is none."""
    found = parent.get(key)
    value = found.to_py() if isinstance(found, Map) else found
    return dict(schema.plain(value)) if isinstance(value, dict) else {}


def set_map(parent: Map[Any], key: str, new: dict[str, Any]) -> None:
    """Make the map under *key* equal to *new*, writing only what differs."""
    shared = parent.get(key)
    if not isinstance(shared, Map):
        parent[key] = Map(new)
        return
    old = plain_map(parent, key)
    for name in old.keys() - new.keys():
        del shared[name]
    for name, value in new.items():
        if name not in old or not _same(old[name], value):
            shared[name] = value


def _find(replica: Replica, cell_id: str) -> tuple[int, Map[Any]]:
    found = replica.part(CellIndex).find(cell_id)
    if found is None:
        raise _gone(cell_id)
    return found


def _gone(cell_id: str) -> CellGone:
    return CellGone(f"The cell {cell_id[:8]} was deleted.")


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON: unlike in Python, true is not 1 there."""
    return json.dumps(one, sort_keys=True) == json.dumps(schema.plain(other), sort_keys=True)


def _put(replica: Replica, index: int, place: int, value: dict[str, Any]) -> None:
    cells = replica.root("cells", Array)
    del cells[index]
    cells.insert(place, schema.make(value))
