"""What a live document would be as a file: the way back from a seed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pycrdt import Array, Doc, Map, Text

from rtc_widgets.documents.merge import PLACEHOLDERS
from rtc_widgets.documents.mirror import take_out
from rtc_widgets.documents.seed import normalize
from rtc_widgets.documents.ycells import parse_cells

if TYPE_CHECKING:
    from jupyter_ydoc.ybasedoc import YBaseDoc

__all__ = ["content_of", "read"]


def read(doc: Doc[Any], type_: str, document: YBaseDoc | None = None) -> Any:
    """Take from *doc* what ``content_of`` needs: the short part of the work, for the thread that owns *doc*.

    Not through ``YNotebook``: its undo manager records everybody's keystrokes for ever, and reading cell by cell is
    slow.

    Args:
        doc: the live document.
        type_: its type.
        document: the wrapper that reads types other than notebooks and text.
    """
    if type_ == "notebook":
        return str(doc.get("meta", type=Map)), str(doc.get("cells", type=Array))
    return str(doc.get("source", type=Text)) if document is None else document.get()


def content_of(taken: Any, type_: str, base: Any) -> Any:
    """Return the normalized content, which equals *base* where there is nothing to save; for any thread.

    Cells keep their ids here also where the notebook's version has none.

    Args:
        taken: from ``read``.
        type_: the document's type.
        base: what the file holds as far as is known; tells whether metadata that jupyter_ydoc puts into every
            notebook are in the file.
    """
    if type_ != "notebook":
        return normalize(type_, taken)
    meta, cells = json.loads(taken[0]), parse_cells(taken[1])
    known = base["metadata"] if base else {}
    metadata = {
        key: value
        for key, value in (meta.get("metadata") or {}).items()
        if key in known or value != PLACEHOLDERS.get(key)
    }
    notebook = {**meta, "metadata": metadata, "cells": cells}
    # Only the relay, or whoever keeps the comments, puts a copy of them into the file.
    take_out(notebook)
    return normalize("notebook", notebook)
