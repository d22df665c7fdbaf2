r"""Seeding: the first state of a document, made so that the same file always gives the same state.

A document is seeded once, by the relay, with a client id derived from what is seeded (docs/protocol.md,
section 7). Two servers that seed the same file therefore make the same document: the same items under the
same ids. For that the content is *normalized* first, which settles what a reader of files leaves open:

- a cell without an id (nbformat 4.4 and older), with an invalid or a doubled one gets an id made from what
  it holds and where it stands. The notebook keeps its ``nbformat_minor``: a 4.4 file stays 4.4, its ids live
  in the document and its log only;
- keys are sorted, because the order in which a map is filled decides the clocks of its items. (The *bytes* of
  an update still differ, since pycrdt writes the keys of plain JSON values in no fixed order, but a value is
  one item either way);
- ``metadata.trusted`` is taken out: it is the contents manager's judgement on this machine, not the file's;
- line ends in text and in cell sources are ``\n``, as editors count them; who writes the file puts back
  what it had;
- a lone surrogate, which neither a CRDT nor a UTF-8 file can hold, becomes U+FFFD; NaN and infinity, which
  JSON has not and browsers refuse to read, become null. A whole number of more than 64 bits becomes the nearest float,
  as browsers read it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pycrdt import Doc

from rtc_widgets import ids
from rtc_widgets.errors import DocumentError
from rtc_widgets.registry import document_class

__all__ = ["CONVERTER", "Seed", "normalize", "own_ids", "seed"]

CONVERTER = 2
"""Counts changes to this module that make another document of the same file."""

_CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_JSON_TYPE = re.compile(r"application/(json$|.*\+json$)")
_LINE_END = re.compile(r"\r\n?")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LEAST, _MOST = -(2**63), 2**63 - 1  # of the whole numbers that a CRDT holds
_TEXT_TYPES = frozenset({"file", "unicode"})


@dataclass(frozen=True, slots=True)
class Seed:
    """Hold a document's first state.

    Args:
        update: the state as a Yjs update, written by ``ids.seed_client_id(lineage)``; not compared.
        lineage: 64 hexadecimal digits that name this seeding.
        content: the normalized content that the update holds.
    """

    update: bytes = field(compare=False)
    lineage: str
    content: Any


def seed(type_: str, content: Any, *, normal: bool = False) -> Seed:
    """Return the first state of a document of *type_* that holds *content*.

    Args:
        type_: a document type.
        content: what a file of that type holds.
        normal: whether it comes from ``normalize``.

    Raises:
        DocumentError: *content* is not what a file of that type holds.
        UnknownDocumentType: no such type is registered.
    """
    if not normal:
        content = normalize(type_, content)
    cls = document_class(type_)
    lineage = _lineage(type_, content, cls().version)
    doc: Doc[Any] = Doc(client_id=ids.seed_client_id(lineage))
    try:
        if type_ == "notebook":
            _fill(cls(doc), content)
        else:
            cls(doc).set(content)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise DocumentError(f"This is not the content of a {type_}: {error}") from error
    return Seed(doc.get_update(), lineage, content)


def _fill(notebook: Any, content: dict[str, Any]) -> None:
    """Do what ``YNotebook.set`` does, from the last cell to the first.

    To append a cell the CRDT walks over all that stand before it: a second for 10,000 of them, not a quarter of one.
    """
    *before, last = content["cells"]
    with notebook.ydoc.transaction():
        notebook.set({**content, "cells": [last]})
        for cell in reversed(before):
            notebook.ycells.insert(0, notebook.create_ycell(cell))


def normalize(type_: str, content: Any) -> Any:
    """Return *content* as a document of *type_* holds it; normalizing twice changes nothing.

    Raises:
        DocumentError: *content* is not what a file of that type holds.
    """
    if type_ == "notebook":
        return _notebook(content)
    if type_ in _TEXT_TYPES:
        if not isinstance(content, str):
            raise DocumentError(f"A {type_} holds text, not {type(content).__name__}.")
        return _LINE_END.sub("\n", clean(content))
    if type_ == "blob" and isinstance(content, str):
        try:
            return base64.b64decode(content)
        except binascii.Error as error:
            raise DocumentError(f"A blob holds bytes or base64: {error}") from error
    return clean(content)


def _notebook(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DocumentError(f"A notebook is a JSON object, not {type(content).__name__}.")
    cells = content.get("cells", [])
    if not isinstance(cells, list):
        raise DocumentError("A notebook's cells are a list.")
    metadata = content.get("metadata", {})
    if not isinstance(metadata, dict):
        raise DocumentError("A notebook's metadata are a JSON object.")
    # orig_nbformat is nbformat's own note in passing; it never reaches a file.
    passing = {"orig_nbformat", "orig_nbformat_minor", "signature"}
    return {
        # JupyterLab shows a cell in an empty notebook, and jupyter_ydoc adds one, under a random id.
        "cells": _with_ids([_cell(cell) for cell in cells] or [_cell({"cell_type": "code"})]),
        "metadata": clean({k: v for k, v in metadata.items() if k not in passing}),
        "nbformat": _integer(content.get("nbformat", 4), "nbformat"),
        "nbformat_minor": _integer(content.get("nbformat_minor", 5), "nbformat_minor"),
    }


def _integer(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise DocumentError(f"A notebook's {name} is a whole number, not {value!r}.")
    return int(value)


def _cell(cell: Any) -> dict[str, Any]:
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
        raise DocumentError("A cell is a JSON object with a cell_type.")
    result: dict[str, Any] = clean(cell)
    result["source"] = _LINE_END.sub("\n", _joined(result.get("source", ""), "source"))
    metadata = result.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise DocumentError("A cell's metadata are a JSON object.")
    result["metadata"] = {key: value for key, value in metadata.items() if key != "trusted"}
    result.pop("execution_state", None)
    attachments = result.get("attachments")
    if isinstance(attachments, dict):
        result["attachments"] = {
            name: _bundle(data) if isinstance(data, dict) else data for name, data in attachments.items()
        }
    if result["cell_type"] == "code":
        outputs = result.get("outputs") or []
        if not isinstance(outputs, list):
            raise DocumentError("A cell's outputs are a list.")
        result["outputs"] = [_output(output) for output in outputs]
        result.setdefault("execution_count", None)
    else:
        result.pop("outputs", None)
        result.pop("execution_count", None)
        if not result.get("attachments", True):
            del result["attachments"]
    return dict(sorted(result.items()))


def _output(output: Any) -> dict[str, Any]:
    if not isinstance(output, dict):
        raise DocumentError("An output is a JSON object.")
    if output.get("output_type") == "stream":
        return {**output, "text": _joined(output.get("text", ""), "text")}
    data = output.get("data")
    return {**output, "data": _bundle(data)} if isinstance(data, dict) else output


def _bundle(data: dict[str, Any]) -> dict[str, Any]:
    """Join the lines of what is text, as nbformat does on reading: lists under JSON types are data."""
    return {
        mime: "".join(value)
        if isinstance(value, list) and not _JSON_TYPE.match(mime) and all(isinstance(v, str) for v in value)
        else value
        for mime, value in data.items()
    }


def _joined(value: Any, name: str) -> str:
    """Return a multi-line string that nbformat also allows as a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    raise DocumentError(f"A cell's {name} is text, not {type(value).__name__}.")


def own_ids(content: dict[str, Any]) -> list[str | None]:
    """Return the cells' own ids; None where one is missing, invalid or doubled."""
    used: set[str] = set()
    own: list[str | None] = []
    for cell in content.get("cells", []):
        name = cell.get("id")
        if isinstance(name, str) and _CELL_ID.fullmatch(name) and name not in used:
            used.add(name)
            own.append(name)
        else:
            own.append(None)
    return own


def _with_ids(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give a derived id to every cell that brings none along."""
    own = own_ids({"cells": cells})
    taken = set(own)
    result = []
    for index, (cell, name) in enumerate(zip(cells, own, strict=True)):
        cell_id = name or next(name for name in _derived_ids(cell, index) if name not in taken)
        taken.add(cell_id)
        result.append(dict(sorted({**cell, "id": cell_id}.items())))
    return result


def _derived_ids(cell: dict[str, Any], index: int) -> Iterator[str]:
    digest = hashlib.sha256(f"{index}\0".encode())
    digest.update(_canonical({key: value for key, value in cell.items() if key != "id"}))
    while True:
        yield digest.hexdigest()[:16]
        digest.update(b"again")


def clean(value: Any) -> Any:
    """Return a deep copy of plain JSON with sorted keys, without what a document cannot hold."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {clean(str(key)): clean(item) for key, item in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return _number(value) if isinstance(value, int | float) else value


def _number(value: float) -> float | None:
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        try:
            value = float(value)
        except OverflowError:
            return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def _canonical(value: Any) -> bytes:
    def plain(item: Any) -> Any:
        if isinstance(item, bytes | bytearray):
            return {"base64": base64.b64encode(item).decode()}
        raise DocumentError(f"{type(item).__name__} cannot be part of a document.")

    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=plain
    ).encode()


def _lineage(type_: str, content: Any, version: str) -> str:
    digest = hashlib.sha256(json.dumps([type_, version, CONVERTER]).encode())
    digest.update(_canonical(content))
    return digest.hexdigest()
