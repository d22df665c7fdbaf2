"""Align two sequences within a bounded amount of work: Myers' algorithm, then anchors, then giving up."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

__all__ = ["Budget", "Span", "align"]

# old[start:stop] becomes new[left:right]
Span = tuple[int, int, int, int]


class Budget:
    """Count down the inner steps an alignment may still take, about 0.3 µs each."""

    def __init__(self, steps: int) -> None:
        self.steps = steps


def align(old: Sequence[str], new: Sequence[str], budget: Budget) -> list[Span]:
    """Return the spans that differ, in order, never adjacent.

    Minimal in pieces where the budget lasts; beyond it pieces that occur just once on both sides serve as
    anchors, and what lies between two anchors is aligned with what is left or replaced whole.
    """
    spans = _trimmed_myers(old, new, 0, 0, budget, budget.steps // 2)
    if spans is not None:
        return spans
    spans = []
    i = j = 0
    for x, y in [*_anchors(old, new), (len(old), len(new))]:
        part = _trimmed_myers(old[i:x], new[j:y], i, j, budget, budget.steps // 4)
        spans += [(i, x, j, y)] if part is None else part
        i, j = x + 1, y + 1
    return spans


def _trimmed_myers(
    old: Sequence[str], new: Sequence[str], i: int, j: int, budget: Budget, most: int
) -> list[Span] | None:
    """Return the spans, shifted by *i* and *j*; None when *most* steps do not suffice."""
    n, m = len(old), len(new)
    before = 0
    while before < n and before < m and old[before] == new[before]:
        before += 1
    while n > before and m > before and old[n - 1] == new[m - 1]:
        n, m = n - 1, m - 1
    if before in (n, m):
        return [(i + before, i + n, j + before, j + m)] if n != m else []
    trace = _search(old[before:n], new[before:m], budget, most)
    if trace is None:
        return None
    return _spans(trace, n - before, m - before, i + before, j + before)


def _search(old: Sequence[str], new: Sequence[str], budget: Budget, most: int) -> list[list[int]] | None:
    """Return, for each number of edits, how far each diagonal was reached before it (Myers 1986, figure 2).

    Entry *d* of the trace holds diagonals ``-d - 1`` to ``d + 1``, at index ``diagonal + d + 1``.
    """
    n, m = len(old), len(new)
    middle = n + m + 1
    reach = [-1] * (2 * middle + 1)
    reach[middle + 1] = 0
    trace: list[list[int]] = []
    steps = 0
    for distance in range(n + m + 1):
        steps += distance + 1
        if steps > most:
            budget.steps -= steps
            return None
        trace.append(reach[middle - distance - 1 : middle + distance + 2])
        for diagonal in range(-distance, distance + 1, 2):
            down, right = reach[middle + diagonal + 1], reach[middle + diagonal - 1]
            x = down if diagonal == -distance or (diagonal != distance and right < down) else right + 1
            y = x - diagonal
            while 0 <= y < m and x < n and old[x] == new[y]:
                x, y, steps = x + 1, y + 1, steps + 1
            reach[middle + diagonal] = x
            if x >= n and y >= m:
                budget.steps -= steps
                return trace
    return None


def _spans(trace: list[list[int]], x: int, y: int, i: int, j: int) -> list[Span]:
    """Walk the trace backwards and return the differing spans, shifted by *i* and *j*."""
    spans: list[Span] = []
    for distance in range(len(trace) - 1, 0, -1):
        reach = trace[distance]
        diagonal = x - y
        down, right = reach[diagonal + distance + 2], reach[diagonal + distance]
        came_down = diagonal == -distance or (diagonal != distance and right < down)
        start_x = down if came_down else right
        start_y = start_x - (diagonal + 1 if came_down else diagonal - 1)
        end_x, end_y = (start_x, start_y + 1) if came_down else (start_x + 1, start_y)
        span = (i + start_x, i + end_x, j + start_y, j + end_y)
        if spans and spans[-1][0] == span[1] and spans[-1][2] == span[3]:
            last = spans.pop()
            span = (span[0], last[1], span[2], last[3])
        spans.append(span)
        x, y = start_x, start_y
    return spans[::-1]


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the longest rising chain of pieces that occur once on each side (patience diff)."""
    counts, others = Counter(old), Counter(new)
    where = {piece: index for index, piece in enumerate(new)}
    pairs = [(x, where[piece]) for x, piece in enumerate(old) if counts[piece] == 1 and others[piece] == 1]
    tails: list[int] = []  # the smallest end of a chain of each length
    ends: list[int] = []  # the pair that ends it
    previous: list[int] = []
    for index, (_, y) in enumerate(pairs):
        length = bisect_left(tails, y)
        previous.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [y]
        ends[length : length + 1] = [index]
    chain: list[tuple[int, int]] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(pairs[at])
        at = previous[at]
    return chain[::-1]
