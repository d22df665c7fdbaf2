"""Where each cell stands in a notebook's text, so that of a text edited within one cell only that cell is read."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from rtc_widgets.documents.text import common_ends

__all__ = ["CellSpans", "EditedCell"]

_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class EditedCell:
    """Hold what a text says, of the cells only the one in which it differs from another text.

    Args:
        index: the cell's place.
        raw: a notebook of this one cell.
    """

    index: int
    raw: dict[str, Any]


class CellSpans:
    r"""Keep where the cells stand in one text, and follow it from edit to edit.

    >>> old = '{"cells": [{"id": "a"}, {"id": "b"}], "metadata": {}}'
    >>> CellSpans().edited(old, old.replace('"b"', '"b", "source": "x"'), ["a", "b"])
    EditedCell(index=1, raw={'metadata': {}, 'cells': [{'id': 'b', 'source': 'x'}]})
    """

    def __init__(self) -> None:
        self._text = ""
        self._rest: dict[str, Any] | None = None
        self._names: list[str] = []
        self._starts: list[int] = []
        self._stops: list[int] = []

    def edited(self, old: str, new: str, names: list[str]) -> EditedCell | None:
        """Return what *new* says where it differs from *old* within one cell only, whose id it leaves; else None.

        Args:
            old: a notebook.
            new: any text.
            names: the ids of the cells in *old*, all different.
        """
        if old != self._text and self._followed(old) is None:
            self._scan(old)
        # Where cells have no ids of their own, they are told apart by all of them.
        return self._followed(new) if self._rest is not None and self._names == names else None

    def _followed(self, text: str) -> EditedCell | None:
        """Go over to *text* if only one cell of it is another, which is returned."""
        before, after = common_ends(self._text, text)
        index = bisect_right(self._starts, before) - 1
        if self._rest is None or index < 0 or len(self._text) - after > self._stops[index]:
            return None
        grown = len(text) - len(self._text)
        start, stop = self._starts[index], self._stops[index] + grown
        try:
            cell = json.loads(text[start:stop])
        except (ValueError, RecursionError):
            return None
        if not isinstance(cell, dict) or cell.get("id") != self._names[index]:
            return None
        self._text = text
        if grown:
            later = slice(index + 1, None)
            self._starts[later] = [at + grown for at in self._starts[later]]
            self._stops[index:] = [at + grown for at in self._stops[index:]]
        return EditedCell(index, {**self._rest, "cells": [cell]})

    def _scan(self, text: str) -> None:
        """Find the cells of a text that may be anything."""
        self._text, self._rest = text, None
        self._names, self._starts, self._stops = [], [], []
        try:
            self._rest = self._scanned(text)
        except (ValueError, IndexError, RecursionError):
            self._rest = None

    def _scanned(self, text: str) -> dict[str, Any]:
        """Return all but the cells; raise where it is not a notebook's text."""
        rest: dict[str, Any] = {}
        at = _behind(text, _skip(text, 0), "{")
        while True:
            key, at = _decoder.raw_decode(text, at)
            at = _behind(text, _skip(text, at), ":")
            if key == "cells":
                at = self._scan_cells(text, at)
            else:
                rest[key], at = _decoder.raw_decode(text, at)
            at = _skip(text, at)
            if text[at] != ",":
                break
            at = _behind(text, at, ",")
        if _behind(text, at, "}") != len(text):
            raise ValueError("This is more than one value.")
        return rest

    def _scan_cells(self, text: str, at: int) -> int:
        if self._starts:
            raise ValueError("A notebook has its cells once.")
        at = _behind(text, at, "[")
        while True:
            cell, stop = _decoder.raw_decode(text, at)
            self._starts.append(at)
            self._stops.append(stop)
            self._names.append(cell["id"] if isinstance(cell, dict) and "id" in cell else "")
            at = _skip(text, stop)
            if text[at] != ",":
                return _behind(text, at, "]")
            at = _behind(text, at, ",")


def _behind(text: str, at: int, expected: str) -> int:
    """Return where the next thing begins after *expected*, which stands at *at*."""
    if text[at] != expected:
        raise ValueError(f"{expected} expected.")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
