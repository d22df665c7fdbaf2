"""Which cell of one version of a notebook is which cell of another: by id, then by content.

Ids alone do not do: nbformat 4.4 and older have none, and tools that rewrite notebooks make new ones, or number them.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.alignment import Budget, align

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["match", "moved"]

_STEPS = 600_000  # of alignment; see alignment.Budget
_LEAST_LIKENESS = 0.5  # below it, two sources are two cells


def match(
    old: Sequence[dict[str, Any]],
    new: Sequence[dict[str, Any]],
    new_ids: Sequence[str | None],
    *,
    distinct: bool,
) -> list[int | None]:
    """Return, for each cell of *new*, the index of the cell of *old* that it was, if any; no index twice.

    Args:
        old: normalized cells, whose ids are known.
        new: normalized cells.
        new_ids: the ids that the cells of *new* have in the file; None where they have none of their own.
        distinct: whether another id means another cell, unless it holds exactly the same.
    """
    # As nbstripout numbers them anew: then an id says where a cell stands, and less of it than what it holds.
    numbered = list(new_ids) == [str(index) for index in range(len(new))]
    found: list[int | None] = [None] * len(new)
    if not numbered:
        _by_id(old, new_ids, found)
    _by_content(old, new, found)
    _by_likeness(old, new, new_ids if distinct and not numbered else [None] * len(new), found)
    if numbered:
        _by_id(old, new_ids, found)
    return found


def _by_id(old: Sequence[dict[str, Any]], new_ids: Sequence[str | None], found: list[int | None]) -> None:
    """Match those left that have an id which is left."""
    taken = set(found)
    where = {cell["id"]: index for index, cell in enumerate(old) if index not in taken}
    for index, name in enumerate(new_ids):
        if found[index] is None and name is not None:
            found[index] = where.get(name)


def _by_content(
    old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]], found: list[int | None]
) -> None:
    """Match equal cells among those left, in order first, then wherever they went."""
    rest = [index for index, cell in enumerate(new) if found[index] is None]
    taken = set(found)
    free = [index for index in range(len(old)) if index not in taken]
    keys, wanted = [_key(old[index]) for index in free], [_key(new[index]) for index in rest]
    at = position = 0
    for start, stop, _, right in [*align(keys, wanted, Budget(_STEPS)), (len(keys), 0, len(wanted), 0)]:
        for offset in range(start - at):
            found[rest[position + offset]] = free[at + offset]
        at, position = stop, right
    taken = set(found)
    elsewhere: dict[str, list[int]] = {}
    for index in reversed(free):
        if index not in taken and old[index]["source"]:
            elsewhere.setdefault(_key(old[index]), []).append(index)
    for index in rest:
        if found[index] is None and (candidates := elsewhere.get(_key(new[index]))):
            found[index] = candidates.pop()


def _by_likeness(
    old: Sequence[dict[str, Any]],
    new: Sequence[dict[str, Any]],
    new_ids: Sequence[str | None],
    found: list[int | None],
) -> None:
    """Match edited cells that have no id of their own, in order, between the neighbours that are matched."""
    taken = set(found)
    low = 0
    for index, cell in enumerate(new):
        matched = found[index]
        if matched is not None:
            low = matched + 1
            continue
        if new_ids[index] is not None:
            continue
        high = next((other for other in found[index + 1 :] if other is not None and other >= low), len(old))
        for candidate in range(low, high):
            if candidate not in taken and _alike(old[candidate], cell):
                found[index] = candidate
                taken.add(candidate)
                low = candidate + 1
                break


def _key(cell: dict[str, Any]) -> str:
    return json.dumps([cell["cell_type"], cell["source"]])


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if one["cell_type"] != other["cell_type"]:
        return False
    a, b = one["source"], other["source"]
    if not a or not b:
        return bool(a == b)
    # Lines for long sources: the work is quadratic.
    matcher: SequenceMatcher[str]
    short = len(a) + len(b) < 2000
    matcher = SequenceMatcher(None, a, b, autojunk=False) if short else _lines(a, b)
    return matcher.quick_ratio() >= _LEAST_LIKENESS and matcher.ratio() >= _LEAST_LIKENESS


def _lines(one: str, other: str) -> SequenceMatcher[str]:
    return SequenceMatcher(None, one.splitlines(), other.splitlines(), autojunk=False)


def moved(order: Sequence[int]) -> set[int]:
    """Return the fewest values of *order* without which it ascends (all but a longest ascending chain).

    >>> moved([0, 3, 1, 2])
    {3}
    """
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, value in enumerate(order):
        length = bisect_left(tails, value)
        previous.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [value]
        ends[length : length + 1] = [index]
    kept = set()
    at = ends[-1] if ends else -1
    while at >= 0:
        kept.add(order[at])
        at = previous[at]
    return set(order) - kept
