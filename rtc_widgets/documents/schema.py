"""Cells as values: made, copied and checked, exactly in the schema of ``jupyter_ydoc``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, MutableSequence
from functools import cache
from typing import Any

from jupyter_ydoc import YNotebook
from jupyter_ydoc.utils import cast_all
from pycrdt import Map

from rtc_widgets.documents.text import checked
from rtc_widgets.errors import DocumentError

__all__ = [
    "CELL_TYPES",
    "alike",
    "checked_json",
    "checked_type",
    "checked_value",
    "make",
    "parsed",
    "plain",
    "retyped",
    "value_of",
]

CELL_TYPES = ("code", "markdown", "raw")

# JavaScript reads larger integers inexactly, and pycrdt cannot write those beyond 64 bits.
_LARGEST = 2**53


@cache
def _factory() -> YNotebook:
    return YNotebook()


def make(value: dict[str, Any]) -> Map[Any]:
    """Return the shared map of a cell, as ``YNotebook`` makes it, to be inserted into the array of cells."""
    made: Map[Any] = _factory().create_ycell(value)
    return made


def value_of(ycell: Map[Any]) -> dict[str, Any]:
    """Return all of a cell as plain data, what others added included."""
    value = plain(ycell.to_py())
    value.pop("execution_state", None)  # of the one run, not of the cell
    return dict(value)


def retyped(value: dict[str, Any], type_: str) -> dict[str, Any]:
    """Return the cell as one of *type_*: only code has outputs, and only text has attachments."""
    code = type_ == "code"
    drop = ("attachments",) if code else ("outputs", "execution_count")
    kept = {key: item for key, item in value.items() if key not in drop}
    fresh: dict[str, Any] = {"outputs": [], "execution_count": None} if code else {}
    return fresh | kept | {"cell_type": type_}


def plain(value: Any) -> Any:
    """Return *value* with whole floats as the ints they were: a CRDT has only JavaScript's numbers."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return cast_all(value, float, int) if isinstance(value, list | dict) else value


def parsed(text: str) -> Any:
    """Return what the JSON *text* of a shared type holds, `plain`."""
    return json.loads(text, parse_float=_number)


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values are the same as JSON; unlike in Python, true is not 1 there."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(alike(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(alike, one, other))
    return type(one) is type(other) and bool(one == other)


def checked_type(type_: object) -> str:
    """Return *type_* if it is a cell type.

    Raises:
        DocumentError: it is none.
    """
    if type_ not in CELL_TYPES:
        raise DocumentError(f"A cell is of type code, markdown or raw, not {type_!r}.")
    return str(type_)


def checked_json(value: object, where: str = "metadata") -> dict[str, Any]:
    """Return a copy of a mapping, all plain, if every reader of the notebook can hold it.

    Raises:
        TypeError: it is not a mapping.
        DocumentError: something in it is not JSON; the message says where.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{where[0].upper()}{where[1:]} is a dict, not {type(value).__name__}.")
    copy: dict[str, Any] = checked_value(value, where)
    return copy


def checked_value(value: object, where: str = "metadata") -> Any:
    """Return a copy of *value*, all plain, if it is JSON that every reader of the notebook can hold.

    Raises:
        DocumentError: something in it is not JSON; the message says where.
    """
    try:
        return _json(value, where)
    except RecursionError:
        raise DocumentError(f"This value of {where} holds itself, or is nested too deeply.") from None


def _key(key: object, where: str) -> bool:
    if not isinstance(key, str):
        raise DocumentError(f"The keys of {where} are str, not {type(key).__name__}: {key!r}.")
    checked(key, f"A key of {where}")
    return True


def _json(value: object, where: str) -> Any:
    match value:
        case None | bool():
            return value
        case str():
            return checked(value, where)
        case int():
            if abs(value) > _LARGEST:
                raise DocumentError(
                    f"{where} is beyond 2**53, where readers in JavaScript lose digits: use a str."
                )
            return int(value)
        case float():
            if not math.isfinite(value):
                raise DocumentError(f"{where} is {value}, which JSON does not know: use None or a str.")
            return float(value)
        case list() | tuple() | MutableSequence() if not isinstance(value, bytearray):
            return [_json(item, f"{where}[{index}]") for index, item in enumerate(value)]
        case Mapping():
            return {key: _json(item, f"{where}[{key!r}]") for key, item in value.items() if _key(key, where)}
    raise DocumentError(f"{where} is of type {type(value).__name__}, which JSON does not know.")
