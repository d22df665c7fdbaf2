"""A notebook as a whole: out as an nbformat object, in by the least change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map

from rtc_widgets.documents import cell_match, rules
from rtc_widgets.documents.assign import Existing, put
from rtc_widgets.documents.mapping import plain_map, set_map
from rtc_widgets.documents.merge import PLACEHOLDERS
from rtc_widgets.documents.schema import alike, parsed
from rtc_widgets.documents.seed import own_ids
from rtc_widgets.documents.ycells import completed
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


def checked_notebook(content: Mapping[str, Any], known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a copy of *content* as the document holds it, if it is a notebook; cells without an id have None.

    Args:
        content: the notebook.
        known: cells by id that need no check; what is the same is not copied.

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
    checked = [_checked(cell, known) for cell in cells]
    for index, own in enumerate(own_ids({"cells": checked})):
        if own is None:  # of two with one id, only the first has it
            checked[index] = {**checked[index], "id": None}
    return {
        "cells": checked,
        "metadata": rules.checked_metadata(content.get("metadata", {}), "notebook"),
        "nbformat_minor": 5 if minor is None else minor,
    }


def replace(document: LiveDocument, content: Mapping[str, Any], running: str | None) -> None:
    """Make *document* what *content* says; in a transaction of the caller's.

    Raises:
        TypeError, DocumentError: see `checked_notebook`.
    """
    with document.reading() as replica:
        text = str(replica.root("cells", Array))
    live = completed(parsed(text))
    for cell in live:
        cell.pop("execution_state", None)
    known = {cell["id"]: cell for cell in reversed(live)}
    theirs = checked_notebook(content, known)
    cells = theirs["cells"]
    own = [cell["id"] for cell in cells]
    matched = cell_match.match(live, cells, own, distinct=True)  # takes a moment, so not under the lock
    for cell, index in zip(cells, matched, strict=True):
        if index is not None and cell["id"] is None:
            cell["id"] = live[index]["id"]
    wanted = [Existing(cell["id"]) if _same(known.get(cell["id"]), cell) else cell for cell in cells]
    with document.writing() as replica:
        put(replica, range(len(live)), wanted, running)
        meta = replica.root("meta", Map)
        if meta.get("nbformat_minor") != theirs["nbformat_minor"]:
            meta["nbformat_minor"] = float(theirs["nbformat_minor"])
        old = plain_map(meta, "metadata")
        kept = {key: value for key, value in PLACEHOLDERS.items() if old.get(key) == value}
        set_map(meta, kept | theirs["metadata"], None, old=old)


def _checked(cell: Any, known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a copy of *cell*, checked, or the known cell that is the same."""
    same = (
        known.get(cell.get("id", "")) if isinstance(cell, dict) and isinstance(cell.get("id"), str) else None
    )
    return same if same is not None and alike(same, cell) else rules.checked_cell(cell)


def _same(one: dict[str, Any] | None, other: dict[str, Any]) -> bool:
    return one is other or alike(one, other)
