"""Whether what a client sends as an anchor is one: its readers rely on its shape (docs/schema.md, "Anchors")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["is_anchor"]

_Check = Callable[[Any], bool]


def is_anchor(value: Any) -> bool:
    """Tell whether *value* is an anchor, of a kind that this release knows."""
    kind = value.get("kind") if isinstance(value, Mapping) else None
    shape = _KINDS.get(kind) if isinstance(kind, str) else None
    return shape is not None and _has(value, shape)


def _has(value: Any, shape: Mapping[str, _Check]) -> bool:
    """Tell whether *value* is an object with the keys of *shape*; one that ends with ? may be absent."""
    if not isinstance(value, Mapping):
        return False
    for key, check in shape.items():
        name = key.rstrip("?")
        if name in value:
            if not check(value[name]):
                return False
        elif name == key:
            return False
    return True


def _object(shape: Mapping[str, _Check]) -> _Check:
    return lambda value: _has(value, shape)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _count(value: Any) -> bool:
    # JSON of another language may write 3.0.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value < 2**53 and value == int(value)


def _count_or_none(value: Any) -> bool:
    return value is None or _count(value)


def _id(value: Any) -> bool:
    return value is None or _has(value, {"client": _count, "clock": _count})


def _association(value: Any) -> bool:
    return isinstance(value, int | float) and value in (-1, 0)


def _near(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_text_or_none, value))


_POSITION = _object({"type": _id, "tname": _text_or_none, "item": _id, "assoc": _association})
_QUOTE = _object({"exact": _text, "prefix": _text, "suffix": _text, "length?": _count})
_LINE = _object({"index": _count, "text": _text})
_CELL: Mapping[str, _Check] = {"cell": _text, "near": _near, "quote": _QUOTE}
_RANGE: Mapping[str, _Check] = {
    "cell?": _text,
    "near?": _near,
    "position": _object({"start": _POSITION, "end": _POSITION}),
    "quote": _QUOTE,
    "line": _count,
    "original?": _text,
}
_OUTPUT = _object(
    {
        "index": _count,
        "type": _text,
        "execution_count": _count_or_none,
        "mime": _text_or_none,
        "excerpt": _text,
        "hash": _text,
        "line?": _LINE,
    }
)
_KINDS: Mapping[str, Mapping[str, _Check]] = {
    "document": {},
    "cell": _CELL,
    "range": _RANGE,
    "line": _RANGE,
    "output": {**_CELL, "output": _OUTPUT},
}
