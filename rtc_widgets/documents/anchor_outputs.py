"""What an anchor remembers of an output, so that another one of a later run is not taken for it.

The same as ``labextension/src/documents/anchor_outputs.ts``: equal outputs have equal hashes there
(docs/schema.md, "Anchors").
"""

from __future__ import annotations

import json
import math
import re
import struct
import zlib
from collections.abc import Sequence
from typing import Any

__all__ = ["describe", "find_line", "find_output", "lines_of", "parse_outputs", "text_of"]

_EXCERPT = 200
_ANSI = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")


def describe(output: dict[str, Any], index: int, count: int | None) -> dict[str, Any]:
    """Return what tells an output from others.

    Args:
        count: the execution count of the run that made it.
    """
    return {
        "index": index,
        "type": str(output.get("output_type")),
        "execution_count": count,
        "mime": _mime(output),
        "excerpt": text_of(output)[:_EXCERPT],
        "hash": _hash(output),
    }


def find_output(outputs: Sequence[dict[str, Any]], wanted: dict[str, Any]) -> int | None:
    """Return the index of the output that an anchor remembers, the nearest of several."""
    alike = [
        index
        for index, output in enumerate(outputs)
        if output.get("output_type") == wanted["type"]
        and text_of(output)[:_EXCERPT] == wanted["excerpt"]
        and _hash(output) == wanted["hash"]
    ]
    return min(alike, key=lambda index: (abs(index - wanted["index"]), index), default=None)


def find_line(output: dict[str, Any], wanted: dict[str, Any]) -> int | None:
    """Return the index of the line that an anchor remembers, the nearest of several."""
    alike = [index for index, line in enumerate(lines_of(output)) if line == wanted["text"]]
    return min(alike, key=lambda index: (abs(index - wanted["index"]), index), default=None)


def lines_of(output: dict[str, Any]) -> list[str]:
    """Return the lines of an output's text, a traceback's above all, without the codes that color them."""
    if output.get("output_type") == "error":
        return _ANSI.sub("", _joined(output.get("traceback"), "\n")).split("\n")
    return _ANSI.sub("", text_of(output)).split("\n")


def text_of(output: dict[str, Any]) -> str:
    """Return what an output says in words, empty where it says nothing so."""
    kind = output.get("output_type")
    if kind == "stream":
        return _joined(output.get("text"))
    if kind == "error":
        return f"{_joined(output.get('ename'))}: {_joined(output.get('evalue'))}"
    data = output.get("data")
    return _joined(data.get("text/plain")) if isinstance(data, dict) else ""


def _mime(output: dict[str, Any]) -> str | None:
    data = output.get("data")
    types = sorted(data) if isinstance(data, dict) else []
    return next((type_ for type_ in types if type_ != "text/plain"), types[0] if types else None)


def _joined(value: object, by: str = "") -> str:
    """Return text that nbformat also allows to be a list of pieces."""
    if isinstance(value, list):
        return by.join(piece for piece in value if isinstance(piece, str))
    return value if isinstance(value, str) else ""


def _hash(output: dict[str, Any]) -> str:
    """Return a check sum of all that an output shows; its run's number is not shown in it."""
    shown = {key: value for key, value in output.items() if key not in ("execution_count", "metadata")}
    pieces: list[bytes] = []
    _write(shown, pieces)
    data = b"".join(pieces)
    return f"{zlib.crc32(data):08x}-{len(data)}"


def _write(value: object, pieces: list[bytes]) -> None:
    """Write a value so that it is the same bytes in every language, numbers above all."""
    if isinstance(value, str):
        data = value.encode("utf-8", "replace")
        pieces += (b"s%d:" % len(data), data)
    elif isinstance(value, bool):
        pieces.append(b"t" if value else b"f")
    elif isinstance(value, int | float) and math.isfinite(value):
        pieces += (b"d", struct.pack(">d", value + 0.0))
    elif isinstance(value, list):
        pieces.append(b"[")
        for item in value:
            _write(item, pieces)
        pieces.append(b"]")
    elif isinstance(value, dict):
        pieces.append(b"{")
        for key in sorted(value):
            _write(key, pieces)
            _write(value[key], pieces)
        pieces.append(b"}")
    else:
        pieces.append(b"n")


def parse_outputs(text: str) -> list[dict[str, Any]]:
    """Return the outputs whose array has the JSON *text*; what is none of them is an empty one."""
    found = json.loads(text)
    return [one if isinstance(one, dict) else {} for one in found] if isinstance(found, list) else []
