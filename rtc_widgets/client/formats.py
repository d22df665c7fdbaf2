"""What a file on disk holds as a document, and a document as the bytes of its file, looking as it looked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from rtc_widgets.documents.ipynb import written_cell
from rtc_widgets.documents.wrapped import TEXT
from rtc_widgets.errors import DocumentError

__all__ = ["Style", "encode", "parse"]

_BOM = b"\xef\xbb\xbf"
_OLD = (
    "{name} is a notebook of format {version}. Reading it needs the package nbformat, which converts it (and saving it "
    "is an upgrade): pip install nbformat"
)


@dataclass(frozen=True, slots=True)
class Style:
    """Hold how a file is written: what a document does not know, and a save should not change."""

    line_end: str = "\n"
    indent: int | str = 1
    last_newline: bool = True
    bom: bool = False


def parse(name: str, type_: str, data: bytes) -> tuple[Any, Style]:
    """Return the content of a file, and its style.

    Raises:
        DocumentError: it is not what a file of that type holds; the message names it.
    """
    if type_ == "blob":
        return data, Style()
    bom = data.startswith(_BOM)
    try:
        text = data.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name} is not text in UTF-8: {error}.") from error
    line_end = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    if type_ != "notebook":
        return text, Style(line_end, bom=bom)
    try:
        content = json.loads(text)
    except ValueError as error:
        what = "is empty" if not text.strip() else f"is not JSON: {error}"
        raise DocumentError(f"{name} {what}. Repair it, or restore it from a copy.") from error
    if not isinstance(content, dict):
        raise DocumentError(f"{name} is JSON, but not a notebook.")
    indent = re.match(r"\{\r?\n([ \t]+)\S", text)
    spaces: int | str = 1 if indent is None else indent[1]
    return _modern(name, content), Style(line_end, spaces, text.endswith("\n"), bom)


def encode(type_: str, content: Any, style: Style) -> bytes:
    """Return the bytes of a file that holds *content*, normalized."""
    if type_ == "blob":
        return bytes(content)
    text = _notebook(content, style) if type_ == "notebook" else _plain(type_, content)
    if style.line_end != "\n":
        text = text.replace("\n", style.line_end)
    return (_BOM if style.bom else b"") + text.encode()


def _plain(type_: str, content: Any) -> str:
    if isinstance(content, str):
        return content
    if type_ in TEXT:
        raise DocumentError(f"A {type_} holds text, not {type(content).__name__}.")
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _notebook(content: dict[str, Any], style: Style) -> str:
    """Return a notebook as nbformat writes it: keys sorted, long strings as lists of lines."""
    minor = content["nbformat_minor"]
    cells = [written_cell(cell, ids=minor >= 5) for cell in content["cells"]]
    text = json.dumps(
        {**content, "cells": cells},
        ensure_ascii=False,
        indent=style.indent,
        sort_keys=True,
        separators=(",", ": "),
    )
    return text + "\n" if style.last_newline else text


def _modern(name: str, content: dict[str, Any]) -> dict[str, Any]:
    version = content.get("nbformat", 4)
    if version == 4:
        return content
    try:
        import nbformat  # noqa: PLC0415 (only for notebooks of old)
    except ImportError as error:
        raise DocumentError(_OLD.format(name=name, version=version)) from error
    try:
        converted = nbformat.convert(nbformat.from_dict(content), 4)
    except Exception as error:
        raise DocumentError(f"{name} cannot be read as a notebook of format {version}: {error}.") from error
    result: dict[str, Any] = json.loads(json.dumps(converted))
    return result
