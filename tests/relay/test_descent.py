"""What a version of the file was made from, where a server ended before it noted what it wrote."""

from __future__ import annotations

from typing import Any

import pytest

from rtc_widgets.relay.descent import descends


def cells(*sources: str) -> dict[str, Any]:
    """Return a notebook whose cells are named by the first letter of their sources; the empty one by none."""
    return {"cells": [{"id": source[:1], "source": source} for source in sources]}


@pytest.mark.parametrize(
    ("found", "later", "earlier", "made_from_later"),
    [
        (cells("a typed", "b out"), cells("a typed", "b"), cells("a", "b"), True),
        (cells("a", "b out"), cells("a typed", "b"), cells("a", "b"), False),
        (cells("a", "b", "c out"), cells("a", "b", "c"), cells("a", "b"), True),
        (cells("a", "b out", ""), cells("", "a typed", "b"), cells("a", "b"), False),
        (cells("a\none\nout"), cells("a\none"), cells("a"), True),
        (cells("a out", "c"), cells("a", "c"), cells("a", "b", "c"), True),
        (cells("a out", "b", "c"), cells("a", "c"), cells("a", "b", "c"), False),
        (cells("a", "c", "d"), cells("a", "c typed", "d"), cells("a", "b", "c", "d"), False),
        (cells("b", "a out", "c"), cells("b", "a", "c"), cells("a", "b", "c"), True),
        (cells("b", "a out", "x"), cells("b", "a", "c"), cells("a", "b", "c"), True),
        (cells("a out", "b", "c"), cells("b", "a", "c"), cells("a", "b", "c"), False),
    ],
    ids=[
        "typed",
        "not typed",
        "added, and changed by others",
        "not typed, and an empty cell there, too",
        "typed, and changed by others",
        "deleted",
        "not deleted",
        "deleted by others, too, where something was typed",
        "moved",
        "moved, and more was done by others",
        "not moved",
    ],
)
def test_a_file_is_made_from_what_was_written_if_it_has_what_only_that_has(
    found: Any, later: Any, earlier: Any, made_from_later: bool
) -> None:
    assert descends(found, later, earlier) is made_from_later
