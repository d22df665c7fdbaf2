"""Bringing the cells into another order with the fewest that are made anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pycrdt import Array

from rtc_widgets.documents import schema
from rtc_widgets.documents.cell_match import moved

__all__ = ["arrange", "falling_runs"]

Target = Sequence[int | dict[str, Any]]


def arrange(cells: Array[Any], target: Target, pinned: int | None = None) -> None:
    """Make *cells* what *target* says; in a transaction.

    A CRDT cannot move what is in an array: a cell that moves is deleted and made anew, under its id, so what others
    type into it in that moment is lost. Therefore as many as possible stay.

    Args:
        cells: the shared array.
        target: of each cell where it stands now, or of a new one its value; who is not named is deleted.
        pinned: where a cell stands that must not be made anew, because it is running.
    """
    kept = _staying(target, pinned)
    stay = set(kept)
    anew = {
        item: schema.value_of(cells[item]) for item in target if isinstance(item, int) and item not in stay
    }
    for start, stop in falling_runs(place for place in range(len(cells) - 1, -1, -1) if place not in stay):
        del cells[start:stop]
    place = len(kept)
    for item in reversed(target):
        if isinstance(item, int) and item in stay:
            place -= 1
        else:
            cells.insert(place, schema.make(anew[item] if isinstance(item, int) else item))


def _staying(target: Target, pinned: int | None) -> list[int]:
    order = [item for item in target if isinstance(item, int)]
    if pinned is not None and pinned in order:
        at = order.index(pinned)
        order = [item for index, item in enumerate(order) if index == at or (index < at) == (item < pinned)]
    out = moved(order)
    return [item for item in order if item not in out]


def falling_runs(places: Iterable[int]) -> list[tuple[int, int]]:
    """Join falling *places* into ranges, still the last first.

    >>> falling_runs([7, 3, 2, 1])
    [(7, 8), (1, 4)]
    """
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and runs[-1][0] == place + 1:
            runs[-1] = (place, runs[-1][1])
        else:
            runs.append((place, place + 1))
    return runs
