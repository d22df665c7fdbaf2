"""Where in a JSON text a value stands: for people who are to find it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["locate", "place"]

_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder()


def locate(text: str, path: Sequence[str | int]) -> int:
    """Return where the value at *path* begins in the JSON *text*, in code points; of what is not there, its parent.

    >>> locate('{"a": [1, {"b": 2}]}', ["a", 1, "b"])
    16
    """
    at = _skip(text, 0)
    for step in path:
        found = _member(text, at, step)
        if found is None:
            break
        at = found
    return at


def place(text: str, at: int) -> tuple[int, int]:
    r"""Return line and column of a place in *text*, both from 1, the column in code points.

    >>> place("a\nbc", 3)
    (2, 2)
    """
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _member(text: str, at: int, step: str | int) -> int | None:
    """Return where the member *step* of the array or object at *at* begins; of a doubled key, the last one's."""
    opened = text[at]
    if opened not in "[{":
        return None
    found = None
    index = 0
    at = _skip(text, at + 1)
    while text[at] not in "]}":
        key: str | int = index
        if opened == "{":
            key, at = _decoder.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # the colon
        if key == step:
            found = at
            if opened == "[":
                break
        _, at = _decoder.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
        index += 1
    return found


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
