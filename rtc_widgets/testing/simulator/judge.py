"""What has to be true of a simulation: each function raises an AssertionError that says what is not."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pycrdt import Doc

from rtc_widgets.documents.seed import normalize
from rtc_widgets.documents.threads import read_threads
from rtc_widgets.documents.ycells import read_cells
from rtc_widgets.protocol import sync
from rtc_widgets.testing.simulator.file import FIRST, NotebookFile
from rtc_widgets.testing.simulator.person import Person, Tokens, tokens_of

__all__ = ["digest", "has_comments", "has_updates", "same", "whole"]


def same(cells: list[dict[str, Any]], others: list[dict[str, Any]], what: str) -> None:
    """See that two have the same cells."""
    if cells != others:
        raise AssertionError(f"{what} differ:\n" + "\n".join(_differences(cells, others)))


def whole(cells: list[dict[str, Any]], people: Iterable[Person], file: NotebookFile, tokens: Tokens) -> None:
    """See that in *cells* nothing is missing, and nothing is there twice."""
    ids = Counter(cell["id"] for cell in cells)
    doubled = [name for name, count in ids.items() if count > 1]
    assert not doubled, f"There twice: the cells {doubled}."
    missing = {name for name in FIRST if name[0] != "d"} - ids.keys()
    assert not missing, f"Missing: the cells {sorted(missing)}."
    for person in people:
        person.check()
    found = Counter(token for cell in cells for token in tokens_of(cell["source"]))
    # Cells that are split, or retyped and moved at once by two, may rightly leave a text twice.
    once = (
        {token for token, home in tokens.home.items() if home[0] in "tm"}
        - tokens.undone
        - tokens.on_both_sides
    )
    doubled = sorted(token for token in once if found[token] > 1)
    assert not doubled, f"There twice: {doubled}."
    lost = {
        token for token in file.added if not found[token] and tokens.home[token] in ids.keys() - tokens.gone
    }
    lost = {token for token in lost if tokens.home[token][0] == "t"}
    assert not lost, f"Written into the file, and missing: {sorted(lost)}."


def has_updates(doc: Doc[Any], updates: Sequence[bytes], whose: str) -> None:
    """See that *doc* has all of *updates*: applying them again changes nothing."""
    news: list[bytes] = []
    subscription = doc.observe(lambda event: news.append(event.update))
    try:
        for number, update in enumerate(updates):
            doc.apply_update(update)
            changed = any(one != sync.EMPTY_UPDATE for one in news)
            assert not changed, f"Acknowledged to {whose}, and not in the log: update {number}."
    finally:
        doc.unobserve(subscription)


def has_comments(doc: Doc[Any], promised: Iterable[tuple[str, str]]) -> None:
    """See that the annotations *doc* has each of the comments that were *promised*, once."""
    threads = read_threads(doc)
    found = Counter((thread.id, comment.id) for thread in threads.values() for comment in thread.comments)
    for one in promised:
        assert found[one] == 1, (
            f"Answered, and {found[one]} times in the log: the comment {one[1]} of {one[0]}."
        )


def in_file(file: NotebookFile) -> list[dict[str, Any]]:
    """Return the cells of the file, as those of a document."""
    cells: list[dict[str, Any]] = normalize("notebook", file.content)["cells"]
    return cells


def in_document(doc: Doc[Any]) -> list[dict[str, Any]]:
    """Return the cells of a document, as those of the file."""
    content = {"cells": read_cells(doc), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for cell in content["cells"]:  # type: ignore[attr-defined]
        cell.pop("execution_state", None)
    cells: list[dict[str, Any]] = normalize("notebook", content)["cells"]
    return cells


def digest(cells: list[dict[str, Any]]) -> str:
    """Return a short name of what came out."""
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:16]


def _differences(cells: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[str]:
    ids, other_ids = [cell["id"] for cell in cells], [cell["id"] for cell in others]
    if ids != other_ids:
        return [f"  cells {ids}", f"  and   {other_ids}"]
    pairs = zip(cells, others, strict=True)
    return [f"  {one}\n  {other}" for one, other in pairs if one != other]
