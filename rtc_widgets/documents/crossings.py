"""Work in cells that went meanwhile: where others delete a cell, or move it, and something is written here unknowingly.

For the CRDT the deletion wins, and what was written is gone; to move a cell is to delete it and to insert it anew. What
was written here is known when the deletion arrives, so it is written again: into the cell of that id where there is
one, else as that cell. What others wrote in cells that were deleted here, while there was no connection, is written
again here, too. (`crossings.ts` does both in a page.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pycrdt import Array, Doc

from rtc_widgets.documents.content import content_of, read
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.merge import merge_notebook
from rtc_widgets.documents.unacknowledged import Unacknowledged
from rtc_widgets.ids import new_client_id
from rtc_widgets.origins import Origin

__all__ = ["keep", "receive"]

_NOTHING = b"\0"  # the state vector of an empty document


def receive(
    document: LiveDocument,
    type_: str,
    update: bytes,
    origin: Origin,
    unacknowledged: Unacknowledged,
    take: Callable[[], None],
    known: int = 0,
) -> bool:
    """Apply an update of others, and write again what it deletes of what was written here.

    Waits for nobody, not for a transaction that is open here either; so what is written again is no step to be undone.

    Args:
        document: the replica.
        type_: its type; only in notebooks something can be written again.
        update: what others made.
        origin: signs it.
        unacknowledged: what was written here; gets to know *update*.
        take: brings *unacknowledged* what was written last.
        known: up to which message who made *update* knew what was written here, and brings it back itself
            (docs/protocol.md, 3.5).

    Returns:
        Whether something was written again; `LiveDocument.on_update` tells it.

    Raises:
        FrameError: the bytes are no update; nothing has changed.
    """
    crossed: tuple[Any, Any] | None = None
    if type_ != "notebook" or update[-1:] == b"\0":  # which is the number of its deletions
        document.apply_remote(update, origin)
    elif _takes_cells_out(document, update, origin):
        document.wait_until_told()
        take()
        if not unacknowledged.empty:
            base, mine = unacknowledged.copies(known)
            crossed = _crossed(_notebook(base), mine, [update])
    unacknowledged.known(update)
    if crossed is None or document.detached is not None:
        return False
    _write_again(document, *crossed)
    return True


def keep(
    document: LiveDocument, before: Any, unacknowledged: Unacknowledged, written: Sequence[bytes]
) -> bool:
    """Write again what others wrote meanwhile in the cells that were deleted, or moved, here.

    Args:
        document: the replica.
        before: the notebook, normalized, without what was written here, before any of that arrived.
        unacknowledged: knows what has arrived since.
        written: the updates in which cells were deleted.

    Returns:
        Whether something was written again; `LiveDocument.on_update` tells it.
    """
    theirs, _ = unacknowledged.copies()
    crossed = _crossed(before, theirs, written)
    if crossed is None or document.detached is not None:
        return False
    _write_again(document, *crossed)
    return True


def _write_again(document: LiveDocument, base: Any, mine: Any) -> None:
    """Do to *document* what makes *mine* of *base*."""
    copy: Doc[Any] = Doc(client_id=new_client_id())
    copy.apply_update(document.diff_update(_NOTHING))
    before = copy.get_state()
    merge_notebook(copy, base, mine, document.origin, settle=False)
    document.apply_copied(copy.get_update(before))


def _takes_cells_out(document: LiveDocument, update: bytes, origin: Origin) -> bool:
    """Apply *update*, and tell whether cells went meanwhile; those that were deleted here, too, which does no harm."""
    found: list[bool] = []
    with document.reading():
        cells: Array[Any] = document.replica.doc.get("cells", type=Array)
        watch = cells.observe(lambda event: found.extend("delete" in part for part in _delta(event)))
    try:
        document.apply_remote(update, origin)
    finally:
        with document.reading():
            cells.unobserve(watch)
    return any(found)


def _crossed(before: Any, doc: Doc[Any], deleting: Sequence[bytes]) -> tuple[Any, Any] | None:
    """Return two notebooks that differ in what was written in cells that were deleted meanwhile, None for nothing.

    Args:
        before: a notebook, normalized, without what was written.
        doc: the document with it; *deleting* is applied to it.
        deleting: the updates that delete, made without what was written.
    """
    after = _notebook(doc)
    ids = [cell["id"] for cell in after["cells"]]
    gone: set[str] = set()
    cells: Array[Any] = doc.get("cells", type=Array)
    watch = cells.observe(lambda event: gone.update(_deleted(_delta(event), ids)))
    with doc.transaction():
        for update in deleting:
            doc.apply_update(update)
    cells.unobserve(watch)
    was = {cell["id"]: cell for cell in before["cells"]}
    # Who deletes a cell that was not there before has seen it; and one of twins is deleted for the other's sake.
    twins = _twins(before) | _twins(after)
    written = {
        cell["id"]
        for cell in after["cells"]
        if cell["id"] in (gone & was.keys()) - twins and cell["source"] != was[cell["id"]]["source"]
    }
    if not written:
        return None
    return {
        **after,
        "cells": [was[cell["id"]] if cell["id"] in written else cell for cell in after["cells"]],
    }, after


def _notebook(doc: Doc[Any]) -> Any:
    return content_of(read(doc, "notebook"), "notebook", None)


def _twins(notebook: Any) -> set[str]:
    times = Counter(cell["id"] for cell in notebook["cells"])
    return {name for name, number in times.items() if number > 1}


def _delta(event: Any) -> list[dict[str, Any]]:
    delta: list[dict[str, Any]] = event.delta
    return delta


def _deleted(delta: list[dict[str, Any]], ids: list[str]) -> Iterator[str]:
    """Return which of the cells with those *ids* a change of their array deletes."""
    index = 0
    for part in delta:
        if "delete" in part:
            yield from ids[index : index + part["delete"]]
        index += part.get("retain", 0) + part.get("delete", 0)
