"""Splitting, merging and doubling cells, so that what can stay in its place stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map, Text

from rtc_widgets.documents import schema, ycells
from rtc_widgets.documents.assign import refusal
from rtc_widgets.documents.cell_index import CellIndex, find_cell
from rtc_widgets.documents.lines import line_starts
from rtc_widgets.documents.mapping import plain_map
from rtc_widgets.documents.text import Edit, apply
from rtc_widgets.ids import new_cell_id

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["duplicate", "merge", "split"]


def split(document: LiveDocument, cell_id: str, at: int | None, line: int | None) -> str:
    """Split a cell at a code point or in front of a line, and return the id of the first part, a new cell.

    As JupyterLab does it: the last part stays what it was, with its id and outputs, and empty lines at the cut go.

    Raises:
        TypeError: not exactly one of *at* and *line* is given.
        IndexError: there is no such line.
    """
    if (at is None) == (line is None):
        raise TypeError("Give a place in code points or a line, for example cell.split(line=3).")
    with document.writing() as replica:
        index, ycell = find_cell(replica, cell_id)
        text: Text = ycell["source"]
        now = str(text)
        place = _line_start(now, line) if at is None else slice(at, None).indices(len(now))[0]  # type: ignore[arg-type]
        tail = len(now) - len(now[place:].lstrip("\r\n"))
        value = schema.value_of(ycell) | {"id": new_cell_id(), "source": now[:place].rstrip("\r\n")}
        execution = value["metadata"].get("execution", {})
        if "iopub.execute_input" in execution and "shell.execute_reply" not in execution:
            del value["metadata"]["execution"]  # the cell is running, and the first part is not that cell
        if value["cell_type"] == "code":
            value |= {"outputs": [], "execution_count": None}
        apply(text, [Edit(0, tail, "")] if tail else [], old=now)
        replica.root("cells", Array).insert(index, schema.make(value))
    return str(value["id"])


def merge(document: LiveDocument, cell_id: str, others: list[str], running: str | None) -> None:
    """Merge *others*, or the next cell, into a cell, in the order in which they stand.

    As JupyterLab does it: type and metadata are those of the cell, attachments come along, outputs go.

    Raises:
        IndexError: there is no next cell.
        DocumentError: one of them is running.
    """
    with document.writing() as replica:
        cells: Array[Any] = replica.root("cells", Array)
        index, ycell = find_cell(replica, cell_id)
        if not others:
            if index + 1 == len(cells):
                raise IndexError("There is no cell after this one to merge with.")
            places = {index + 1}
        else:
            places = {find_cell(replica, other)[0] for other in others} - {index}
        if running is not None and running in {
            replica.part(CellIndex).at(place)[0] for place in {index, *places}
        }:
            raise refusal("merged")
        parts = {place: str(cells[place]["source"]) for place in sorted(places)}
        if ycell["cell_type"] == "code":
            ycells.set_outputs(ycell, [])
            ycell["execution_count"] = None
        else:
            _add_attachments(ycell, [cells[place] for place in parts])
        text: Text = ycell["source"]
        now = str(text)
        before = "".join(f"{part}\n\n" for place, part in parts.items() if part and place < index)
        after = "".join(f"\n\n{part}" for place, part in parts.items() if part and place > index)
        if now:
            edits = [Edit(0, 0, before), Edit(len(now), len(now), after)]
        else:
            edits = [Edit(0, 0, (before + after[2:]) if after else before[:-2])]
        apply(text, [edit for edit in edits if edit.text], old=now)
        for place in sorted(places, reverse=True):
            del cells[place]


def duplicate(document: LiveDocument, cell_id: str) -> str:
    """Put a copy of a cell right below it, outputs included, and return its new id."""
    with document.writing() as replica:
        index, ycell = find_cell(replica, cell_id)
        value = schema.value_of(ycell) | {"id": new_cell_id()}
        replica.root("cells", Array).insert(index + 1, schema.make(value))
    return str(value["id"])


def _line_start(text: str, line: int) -> int:
    starts = line_starts(text) or [0]
    place = line + len(starts) if line < 0 else line
    if not 0 <= place < len(starts):
        raise IndexError(f"There is no line {line}: the cell has {len(starts)}.")
    return starts[place]


def _add_attachments(ycell: Map[Any], others: list[Map[Any]]) -> None:
    own = plain_map(ycell, "attachments")
    more: dict[str, Any] = {}
    for other in others:
        more |= plain_map(other, "attachments")
    if more.keys() - own.keys():
        ycell["attachments"] = more | own
