"""What a live document would be as a file: the way back from a seed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pycrdt import Doc, Map, Text

from rtc_widgets.documents.merge import PLACEHOLDERS
from rtc_widgets.documents.seed import normalize
from rtc_widgets.documents.ycells import read_cells

if TYPE_CHECKING:
    from jupyter_ydoc.ybasedoc import YBaseDoc

__all__ = ["content_of", "trusted_cells"]


def content_of(doc: Doc[Any], type_: str, base: Any, document: YBaseDoc | None = None) -> Any:
    """Return the normalized content of *doc*, which equals *base* where there is nothing to save.

    Not through ``YNotebook``: its undo manager records everybody's keystrokes for ever, and reading cell by
    cell is slow. Cells keep their ids here also where the notebook's version has none; see ``Disk.write``.

    Args:
        doc: the live document.
        type_: its type.
        base: what the file holds as far as is known; tells whether metadata that jupyter_ydoc puts into every
            notebook are in the file.
        document: the wrapper that reads types other than notebooks and text.
    """
    if type_ == "notebook":
        meta = json.loads(str(doc.get("meta", type=Map)))
        known = base["metadata"] if base else {}
        metadata = {
            key: value
            for key, value in (meta.get("metadata") or {}).items()
            if key in known or value != PLACEHOLDERS.get(key)
        }
        return normalize("notebook", {**meta, "metadata": metadata, "cells": read_cells(doc)})
    if document is None:
        return normalize(type_, str(doc.get("source", type=Text)))
    return normalize(type_, document.get())


def trusted_cells(doc: Doc[Any]) -> set[str]:
    """Return the ids of the cells that a frontend marked as trusted, as it does with what it ran."""
    return {cell["id"] for cell in read_cells(doc) if cell["metadata"].get("trusted")}
