"""A notebook that people typed as JSON: read, or told where it is not one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.json_place import locate, place
from rtc_widgets.documents.schema import checked_value
from rtc_widgets.documents.seed import normalize, own_ids
from rtc_widgets.errors import DocumentError

if TYPE_CHECKING:
    from rtc_widgets.documents.cell_spans import EditedCell

__all__ = ["Check", "Problem", "Typed", "read_typed", "read_typed_cell"]

Check = Callable[[dict[str, Any]], tuple[str, Sequence[str | int]] | None]
"""Says what keeps a notebook from being one, and at which path; None where nothing does."""

_TOO_DEEP = "This is nested too deeply."
_NO_CELLS = "A notebook has one cell at least."


@dataclass(frozen=True, slots=True)
class Problem:
    """Tell why a text is not a notebook.

    Args:
        line: where, from 1.
        column: likewise, in code points.
        message: a sentence for a person.
    """

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Hold what a text says.

    Args:
        raw: the notebook as it stands there.
        content: the same, normalized: each cell has an id of its own.
        complete: whether the text has those ids, too.
        only: the place of the one cell that is in *content*, where the others and the rest say nothing new.
    """

    raw: dict[str, Any]
    content: dict[str, Any]
    complete: bool
    only: int | None = None


def read_typed(text: str, base: dict[str, Any] | None, check: Check) -> Typed | Problem:
    """Read *text* as a notebook.

    Only what differs from *base* is checked: that is less work, and nobody has to mend what others left.

    Args:
        text: what people typed.
        base: a normalized notebook that is known; its cells are found by their ids.
        check: checks a notebook of the changed cells, which all have ids.
    """
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        what = error.msg if text.strip() else "There is nothing here"
        return Problem(error.lineno, error.colno, f"{what}.")
    except RecursionError:
        return Problem(1, 1, _TOO_DEEP)
    try:
        return _read(text, raw, base or {}, check)
    except RecursionError:
        return Problem(1, 1, _TOO_DEEP)


def read_typed_cell(edited: EditedCell, base: dict[str, Any], check: Check) -> Typed | None:
    """Read a text in which one cell is another than in *base*; None where only the whole text tells what is wrong."""
    index = edited.index
    # Where it is wrong is looked for in the whole text.
    read = _read("{}", edited.raw, {**base, "cells": [base["cells"][index]]}, check)
    return replace(read, only=index) if isinstance(read, Typed) else None


def _read(text: str, raw: Any, base: dict[str, Any], check: Check) -> Typed | Problem:
    cells = raw.get("cells") if isinstance(raw, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        found = check(raw) if isinstance(raw, dict) else ("A notebook is a JSON object.", [])
        return _problem(text, *(found or ("A notebook has a list of cells.", ["cells"])))
    if not cells:
        return _problem(text, _NO_CELLS, ["cells"])
    own = own_ids(raw)
    try:
        content = normalize("notebook", raw)
    except DocumentError as error:
        # Where it is, the schema knows better.
        return _problem(text, *(check(_with_ids(raw, own)) or (str(error), [])))
    known = {cell["id"]: cell for cell in base.get("cells", ())}
    changed = [
        index
        for index, cell in enumerate(content["cells"])
        if cell != known.get(cell["id"]) or not own[index]
    ]
    part = {**raw, "cells": [cells[index] for index in changed]}
    if content["metadata"] == base.get("metadata") and "metadata" in raw:
        part["metadata"] = {}
    found = check(_with_ids(part, [content["cells"][index]["id"] for index in changed]))
    if found is not None:
        message, path = found
        if len(path) > 1 and path[0] == "cells":
            path = ["cells", changed[int(path[1])], *path[2:]]
        return _problem(text, message, path)
    try:
        at: list[str | int] = ["metadata"]
        checked_value(content["metadata"], "This")
        checked_value(_whole_numbers(raw.get("metadata")), "This")
        for index in changed:
            at = ["cells", index]
            checked_value(content["cells"][index], "This")
            checked_value(_whole_numbers(cells[index]), "This")
    except DocumentError as error:
        return _problem(text, str(error), at)
    bare = content["nbformat_minor"] < 5
    return Typed(raw, content, bare or None not in own)


def _whole_numbers(value: Any) -> Any:
    """Return *value* without all but its whole numbers: in the content those that no CRDT holds are floats."""
    if isinstance(value, dict):
        return {
            str(key).encode(errors="replace").decode(): _whole_numbers(item) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return value if isinstance(value, int) else None


def _with_ids(notebook: dict[str, Any], names: Sequence[str | None]) -> dict[str, Any]:
    """Return *notebook* with ids where the format has them: a person who adds a cell makes up none."""
    minor = notebook.get("nbformat_minor")
    if isinstance(minor, bool) or not isinstance(minor, int) or minor < 5:
        return notebook
    cells = [{**cell, "id": name or "new"} for cell, name in zip(notebook["cells"], names, strict=True)]
    return {**notebook, "cells": cells}


def _problem(text: str, message: str, path: Sequence[str | int]) -> Problem:
    return Problem(*place(text, locate(text, path)), message)
