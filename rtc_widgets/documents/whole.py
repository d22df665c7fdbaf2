"""A notebook as a whole: out as an nbformat object, in by the least change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map

from rtc_widgets.documents import cell_match, rules
from rtc_widgets.documents.assign import Existing, put
from rtc_widgets.documents.mapping import plain_map, set_map
from rtc_widgets.documents.merge import PLACEHOLDERS
from rtc_widgets.documents.schema import plain
from rtc_widgets.documents.seed import own_ids
from rtc_widgets.documents.ycells import parse_cells
from rtc_widgets.errors import DocumentError

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from rtc_widgets.documents.document import LiveDocument

__all__ = ["checked_notebook", "replace", "to_nbformat"]


def to_nbformat(content: dict[str, Any]) -> NotebookNode:
    """Return plain nbformat data as a ``NotebookNode``.

    Raises:
        ModuleNotFoundError: nbformat is not installed.
    """
    try:
        import nbformat  # noqa: PLC0415 (loads a JSON schema library, which nobody else here needs)
    except ModuleNotFoundError as error:
        if error.name != "nbformat":
            raise
        raise ModuleNotFoundError(
            "nb.to_nbformat() needs nbformat: pip install nbformat. nb.to_dict() gives the same as plain data.",
            name="nbformat",
        ) from error
    node: NotebookNode = nbformat.from_dict(content)
    return node


def checked_notebook(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of *content* as the document holds it, if it is a notebook; cells without an id have None.

    Raises:
        TypeError: it is not a ``dict``, or something in it is of a wrong type.
        DocumentError: it is no notebook of format 4; the message says why.
    """
    if not isinstance(content, Mapping):
        raise TypeError(f"A notebook is a dict as nbformat has it, not {type(content).__name__}.")
    if content.get("nbformat") != 4:
        raise DocumentError(
            f"This is not a notebook of format 4, but {content.get('nbformat')!r}: "
            "nbformat.convert(notebook, 4) makes one."
        )
    cells = content.get("cells")
    if not isinstance(cells, list | tuple):
        raise DocumentError("A notebook has a list of cells.")
    minor = rules.checked_count(content.get("nbformat_minor", 5))
    checked = [rules.checked_cell(cell) for cell in cells]
    for cell, own in zip(checked, own_ids({"cells": checked}), strict=True):
        cell["id"] = own  # of two with one id, only the first has it
    return {
        "cells": checked,
        "metadata": rules.checked_metadata(content.get("metadata", {}), "notebook"),
        "nbformat_minor": 5 if minor is None else minor,
    }


def replace(document: LiveDocument, theirs: dict[str, Any], running: str | None) -> None:
    """Make *document* what *theirs*, checked, says; in a transaction of the caller's."""
    cells = theirs["cells"]
    with document.reading() as replica:
        live = plain(parse_cells(str(replica.root("cells", Array))))
    own = [cell["id"] for cell in cells]
    matched = cell_match.match(live, cells, own, distinct=True)  # takes a moment, so not under the lock
    for cell, index in zip(cells, matched, strict=True):
        if index is not None and cell["id"] is None:
            cell["id"] = live[index]["id"]
    known = {cell["id"]: _key(cell) for cell in reversed(live)}
    wanted = [Existing(cell["id"]) if known.get(cell["id"]) == _key(cell) else cell for cell in cells]
    with document.writing(tracked=True) as replica:
        put(replica, range(len(live)), wanted, running)
        meta = replica.root("meta", Map)
        if meta.get("nbformat_minor") != theirs["nbformat_minor"]:
            meta["nbformat_minor"] = float(theirs["nbformat_minor"])
        old = plain_map(meta, "metadata")
        kept = {key: value for key, value in PLACEHOLDERS.items() if old.get(key) == value}
        set_map(meta, kept | theirs["metadata"], None, old=old)


def _key(cell: dict[str, Any]) -> str:
    """Return what two cells have in common that hold the same; unlike in Python, true is not 1 there."""
    return json.dumps({key: value for key, value in cell.items() if key != "execution_state"}, sort_keys=True)
