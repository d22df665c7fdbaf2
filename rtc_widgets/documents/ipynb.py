"""A notebook as the text of its file: what ``nbformat.write`` would write, cell by cell."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Writer", "written_cell"]

# MIME types besides text/… that nbformat writes line by line.
_LINES = frozenset({"application/javascript", "image/svg+xml"})


def written_cell(cell: dict[str, Any], *, ids: bool = True) -> dict[str, Any]:
    """Return a normalized cell as it stands in a file: long strings as lists of lines.

    Args:
        cell: the cell.
        ids: whether the notebook's format has ids: they came with nbformat 4.5.
    """
    written = {key: value for key, value in cell.items() if ids or key != "id"}
    written["source"] = cell["source"].splitlines(keepends=True)
    if isinstance(cell.get("attachments"), dict):
        written["attachments"] = {name: _bundle(data) for name, data in cell["attachments"].items()}
    if isinstance(cell.get("outputs"), list):
        written["outputs"] = [_output(output) for output in cell["outputs"]]
    return written


class Writer:
    """Write one notebook again and again: only the cells that changed are written anew.

    >>> cell = {"id": "a", "cell_type": "raw", "metadata": {}, "source": "x"}
    >>> notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    >>> print(Writer().write(notebook), end="")
    {
     "cells": [
      {
       "cell_type": "raw",
       "id": "a",
       "metadata": {},
       "source": [
        "x"
       ]
      }
     ],
     "metadata": {},
     "nbformat": 4,
     "nbformat_minor": 5
    }
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[dict[str, Any], str]] = {}
        self._last: tuple[dict[str, Any], str] | None = None
        self._ids = True

    def write(self, notebook: dict[str, Any]) -> str:
        """Return the text of the normalized *notebook*, with a newline at its end."""
        if self._last is not None and self._last[0] is notebook:
            return self._last[1]
        ids = notebook["nbformat_minor"] >= 5
        known = self._known if ids == self._ids else {}
        self._ids, self._known = ids, {}
        pieces = []
        for cell in notebook["cells"]:
            before = known.get(cell["id"])
            if before is None or (before[0] is not cell and before[0] != cell):
                before = cell, _indented(written_cell(cell, ids=ids), 2)
            self._known[cell["id"]] = before
            pieces.append(before[1])
        rest = _indented({key: value for key, value in notebook.items() if key != "cells"}, 0)
        # "cells" sorts before everything else that a notebook has.
        text = '{\n "cells": [\n  ' + ",\n  ".join(pieces) + "\n ]," + rest[1:] + "\n"
        self._last = notebook, text
        return text


def _indented(value: dict[str, Any], depth: int) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": "))
    return text.replace("\n", "\n" + " " * depth)


def _output(output: dict[str, Any]) -> dict[str, Any]:
    if output.get("output_type") == "stream" and isinstance(output.get("text"), str):
        return {**output, "text": output["text"].splitlines(keepends=True)}
    data = output.get("data")
    return {**output, "data": _bundle(data)} if isinstance(data, dict) else output


def _bundle(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    return {
        mime: value.splitlines(keepends=True)
        if isinstance(value, str) and (mime.startswith("text/") or mime in _LINES)
        else value
        for mime, value in data.items()
    }
