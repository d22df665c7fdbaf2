"""Whether somebody else's JSON is an anchor (docs/schema.md, "Anchors"): `resolve` takes only what is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rtc_widgets.errors import DocumentError

__all__ = ["MOST_BYTES", "checked_anchor"]

_Check = Callable[[object], bool]

# Texts of anchors are short; an anchor is no place to put something else.
_MOST_TEXT = 2_000
MOST_BYTES = 16_384
"""Bytes of an anchor as JSON, for whoever keeps it."""


def checked_anchor(value: object) -> dict[str, Any]:
    """Return a copy of *value* if it is an anchor, without what is not of its kind.

    What it says need not be true of any document: then it is resolved to be an orphan.

    Raises:
        DocumentError: it is none; the message says which key is wrong.
    """
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(kind, str) or kind not in _KINDS:
        raise DocumentError(f"An anchor's kind is one of {', '.join(_KINDS)}.")
    return {"kind": kind, **_checked(value, _KINDS[kind], "")}


def _checked(value: Mapping[str, Any], keys: Mapping[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, check in keys.items():
        key, optional = name.rstrip("?"), name.endswith("?")
        if optional and key not in value:
            continue
        item = value.get(key)
        if isinstance(check, Mapping):
            if not isinstance(item, Mapping):
                raise DocumentError(f"An anchor's {where}{key} is an object.")
            found[key] = _checked(item, check, f"{where}{key}.")
        elif check(item):
            found[key] = item
        else:
            raise DocumentError(f"An anchor has no {where}{key} like that.")
    return found


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MOST_TEXT


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _or_none(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


def _two_ids(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_or_none(_text), value))


def _id(value: object) -> bool:
    return isinstance(value, Mapping) and _count(value.get("client")) and _count(value.get("clock"))


_POSITION = {
    "type": _or_none(_id),
    "tname": _or_none(_text),
    "item": _or_none(_id),
    "assoc": lambda value: value in (0, -1),
}
_QUOTE = {"exact": _text, "prefix": _text, "suffix": _text, "length?": _count}
_CELL = {"cell": _text, "near": _two_ids, "quote": _QUOTE}
_RANGE = {
    "cell?": _text,
    "near?": _two_ids,
    "position": {"start": _POSITION, "end": _POSITION},
    "quote": _QUOTE,
    "line": _count,
    "original?": _text,
}
_OUTPUT = {
    "index": _count,
    "type": _text,
    "execution_count": _or_none(_count),
    "mime": _or_none(_text),
    "excerpt": _text,
    "hash": _text,
    "line?": {"index": _count, "text": lambda value: isinstance(value, str)},
}
_KINDS: dict[str, Mapping[str, Any]] = {
    "document": {},
    "cell": _CELL,
    "range": _RANGE,
    "line": _RANGE,
    "output": {**_CELL, "output": _OUTPUT},
}
