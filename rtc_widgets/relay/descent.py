"""Which of two versions of a document a version of its file was made from."""

from __future__ import annotations

from typing import Any

__all__ = ["descends"]


def descends(found: Any, later: Any, earlier: Any) -> bool:
    """Tell whether *found* was made from *later* rather than from *earlier*: it has most of what only *later* has."""
    if found == later:
        return True
    if isinstance(found, str):
        there, new = _kept(found, later, earlier or "")
        return 0 < new <= 2 * there
    if not isinstance(found, dict) or "cells" not in found:
        return False
    return _cells_descend(
        _sources_by_id(found), _sources_by_id(later), _sources_by_id(earlier or {"cells": []})
    )


def _sources_by_id(notebook: Any) -> dict[str, str]:
    return {cell["id"]: cell["source"] for cell in notebook["cells"]}


def _cells_descend(now: dict[str, str], after: dict[str, str], before: dict[str, str]) -> bool:
    """Tell it of the sources of cells by their ids, in order."""
    for name, source in after.items():
        # An empty cell has the name of another empty one as like as not.
        if source and name in now and (name not in before or now[name] == source != before[name]):
            return True
    # No cell is as it was written: others changed just those. So look at their lines.
    kept = [_kept(now.get(name, ""), source, before.get(name, "")) for name, source in after.items()]
    there, new = (sum(counts) for counts in zip(*kept, strict=True)) if kept else (0, 0)
    if new:
        # Whatever else is alike: others may have deleted what was deleted here, and what was typed would be taken back.
        return new <= 2 * there
    # Nothing was written, so look at what was deleted, or else moved.
    if removed := before.keys() - after.keys():
        return not removed & now.keys()
    order = [name for name in now if name in after]
    return order == [name for name in after if name in now] != [name for name in before if name in now]


def _kept(found: str, later: str, earlier: str) -> tuple[int, int]:
    """Return how many of the lines that only *later* has are in *found*, and how many there are."""
    new = {*later.split("\n")} - {*earlier.split("\n")}
    return len(new & {*found.split("\n")}), len(new)
