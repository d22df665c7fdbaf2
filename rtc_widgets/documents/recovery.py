"""Apply what was never acknowledged again, to a document of another lineage (docs/protocol.md, section 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rtc_widgets.documents.content import content_of, read
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.merge import MergeResult, merge_notebook, merge_other, merge_text
from rtc_widgets.documents.wrapped import TEXT, wrap, writing

__all__ = ["Recovery", "content", "reapply"]


@dataclass(frozen=True, slots=True)
class Recovery:
    """Tell what became of what was not acknowledged.

    Args:
        refused: why it was left out, a sentence for a person; empty where it was applied.
        conflicts: cells or values that were changed on both sides; both versions of a text stay.
        content: what the document held here.
    """

    refused: str = ""
    conflicts: list[str] = field(default_factory=list)
    content: Any = None


def content(document: LiveDocument, type_: str, base: Any = None) -> Any:
    """Return what the document would be as a file, normalized; cells under the ids that they have here."""
    with document.reading() as replica:
        taken = read(replica.doc, type_, wrap(replica, type_))
    return content_of(taken, type_, base)


def reapply(document: LiveDocument, type_: str, base: Any, mine: Any) -> Recovery:
    """Do to *document* what makes *mine* of *base*.

    Deletions of cells are not repeated: a deleted cell that comes back costs a key press, one that is lost costs work.
    """
    if type_ == "notebook":
        kept = {cell["id"] for cell in mine["cells"]}
        base = {**base, "cells": [cell for cell in base["cells"] if cell["id"] in kept]}
    origin = document.origin
    with writing(document, type_) as (replica, wrapper):
        result: MergeResult
        if type_ == "notebook":
            result = merge_notebook(replica.doc, base, mine, origin)
        elif type_ in TEXT:
            result = merge_text(replica.doc, base, mine, origin)
        else:
            result = merge_other(wrapper, type_, base, mine, origin)
    return Recovery(result.refused, result.conflicts, mine)
