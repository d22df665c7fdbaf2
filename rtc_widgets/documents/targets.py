"""From what a person names, a text, a line, an output, to what an anchor is made at (`make_anchor`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.anchor_outputs import lines_of
from rtc_widgets.documents.lines import Lines
from rtc_widgets.documents.outputs import Output
from rtc_widgets.errors import DocumentError

if TYPE_CHECKING:
    from rtc_widgets.documents.cells import Cell
    from rtc_widgets.documents.textfile import LiveText

__all__ = ["On", "in_cell", "in_file"]

On = str | re.Pattern[str] | slice | int | Output | tuple[Output, str | re.Pattern[str] | int]
"""A part of a cell or of a text: words of it, what a pattern matches first, code points, a line, an output, or a line
of an output: by its number, or by words in it."""

_WHAT = (
    "A comment is on a str, a compiled pattern, a slice, a line number, an output of the cell, or a line of an output, "
    "(output, line); not on {!r}."
)
_NO_LINE = "That output has no line {!r}: it has {:,} lines, of which the first is 0."
_NO_LINE_WITH = "No line of that output has {!r} in it."
_NOTHING = "There is nothing at {}:{} in this text, which has {:,} code points: give a slice with some of it."
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
    output, line = on if isinstance(on, tuple) and len(on) == 2 else (on, None)
    if isinstance(output, Output):
        outputs = cell.outputs.copy()
        place = next((place for place, one in enumerate(outputs) if output == one), None)
        if place is None:
            raise DocumentError(_NO_OUTPUT)
        which = {} if line is None else {"line": _line(lines_of(outputs[place]), line)}
        return {"kind": "output", **whole, "output": place, **which}
    return {"kind": "range", **whole, **_range(cell.source, cell.lines, on)}


def in_file(file: LiveText, on: On | None) -> dict[str, Any]:
    """Return the target of an anchor in a text file."""
    if on is None:
        return {"kind": "document"}
    if isinstance(on, Output | tuple):
        raise TypeError(_WHAT.format(on))
    return {"kind": "range", **_range(file.text, file.lines, on)}


def _line(lines: list[str], which: object) -> int:
    """Return which line of an output is meant: the last one that fits, for that is where an error says what it is."""
    if isinstance(which, int) and not isinstance(which, bool):
        try:
            return range(len(lines))[which]
        except IndexError:
            raise DocumentError(_NO_LINE.format(which, len(lines))) from None
    if not isinstance(which, str | re.Pattern):
        raise TypeError(_WHAT.format(which))
    pattern = re.compile(re.escape(which)) if isinstance(which, str) else which
    found = [place for place, line in enumerate(lines) if pattern.search(line)]
    if not found:
        raise DocumentError(_NO_LINE_WITH.format(pattern.pattern if which is pattern else which))
    return found[-1]


def _range(text: str, lines: Lines, on: object) -> dict[str, int]:
    if isinstance(on, bool) or not isinstance(on, str | re.Pattern | slice | int):
        raise TypeError(_WHAT.format(on))
    if isinstance(on, slice):
        start, stop, step = on.indices(len(text))
        if step != 1:
            raise DocumentError("A comment is on one piece of text: give a slice without a step.")
        if start >= stop:
            raise DocumentError(_NOTHING.format(on.start, on.stop, len(text)))
        return {"start": start, "end": stop}
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
