"""From what a person names, a text, a line, an output, to what an anchor is made at (`make_anchor`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.lines import Lines
from rtc_widgets.documents.outputs import Output
from rtc_widgets.errors import DocumentError

if TYPE_CHECKING:
    from rtc_widgets.documents.cells import Cell
    from rtc_widgets.documents.textfile import LiveText

__all__ = ["On", "in_cell", "in_file"]

On = str | re.Pattern[str] | slice | int | Output
"""A part of a cell or of a text: words of it, what a pattern matches first, code points, a line, or an output."""

_WHAT = "A comment is on a str, a compiled pattern, a slice, a line number, or an output of the cell; not on {!r}."
_NO_OUTPUT = "That is none of this cell's outputs as they are now: take it from cell.outputs once more."


def in_cell(cell: Cell, on: On | None) -> dict[str, Any]:
    """Return the target of an anchor in a cell.

    Raises:
        CellGone: the cell was deleted.
        DocumentError: there is no such place in it.
        TypeError: *on* names no place.
    """
    whole = {"cell": cell.id}
    if on is None:
        return {"kind": "cell", **whole}
    if isinstance(on, Output):
        outputs = cell.outputs.copy()
        place = next((place for place, one in enumerate(outputs) if on == one), None)
        if place is None:
            raise DocumentError(_NO_OUTPUT)
        return {"kind": "output", **whole, "output": place}
    return {"kind": "range", **whole, **_range(cell.source, cell.lines, on)}


def in_file(file: LiveText, on: On | None) -> dict[str, Any]:
    """Return the target of an anchor in a text file."""
    if on is None:
        return {"kind": "document"}
    if isinstance(on, Output):
        raise TypeError(_WHAT.format(on))
    return {"kind": "range", **_range(file.text, file.lines, on)}


def _range(text: str, lines: Lines, on: object) -> dict[str, int]:
    if isinstance(on, bool) or not isinstance(on, str | re.Pattern | slice | int):
        raise TypeError(_WHAT.format(on))
    if isinstance(on, slice):
        start, stop, step = on.indices(len(text))
        if step != 1:
            raise DocumentError("A comment is on one piece of text: give a slice without a step.")
        return {"start": start, "end": max(start, stop)}
    if isinstance(on, int):
        return lines.reach(on)
    if isinstance(on, str):
        start = text.find(on) if on else -1
        if start < 0:
            raise DocumentError(f"There is no {on!r} in this text.")
        if text.find(on, start + 1) >= 0:
            raise DocumentError(
                f"{on!r} stands there several times: give more of the text around it, a slice, or a line's number."
            )
        return {"start": start, "end": start + len(on)}
    match = on.search(text)
    if match is None:
        raise DocumentError(f"The pattern {on.pattern!r} matches nothing in this text.")
    return {"start": match.start(), "end": match.end()}
