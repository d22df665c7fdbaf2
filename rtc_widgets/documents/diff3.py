"""Three versions of a text become one, line by line: nothing that either side wrote is lost.

Lines, because merging within a line makes code that nobody wrote (0.20 and 0.15 become 0.25). Where both
sides changed the same lines both stay, the live ones first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtc_widgets.documents.alignment import Budget, Span, align

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Merged", "merge"]

_STEPS = 600_000  # of alignment; see alignment.Budget


@dataclass(frozen=True, slots=True)
class Merged:
    """Hold the text that came out, and how many times both sides had changed the same lines."""

    text: str
    conflicts: int


def merge(base: str, live: str, theirs: str) -> Merged:
    r"""Return *live* with what *theirs* changed of *base*.

    >>> merge("a\nb\nc", "a\nB\nc", "a\nb\nc\nd")
    Merged(text='a\nB\nc\nd', conflicts=0)
    >>> merge("a = 0.10", "a = 0.15", "a = 0.20")
    Merged(text='a = 0.15\na = 0.20', conflicts=1)
    """
    if theirs in (base, live):
        return Merged(live, 0)
    if live == base:
        return Merged(theirs, 0)
    old, mine, other = base.split("\n"), live.split("\n"), theirs.split("\n")
    lines: list[str] = []
    conflicts = position = 0
    for start, stop, ours, yours in _clusters(_spans(old, mine), _spans(old, other)):
        lines += old[position:start]
        position = stop
        left = _piece(old, mine, start, stop, ours)
        right = _piece(old, other, start, stop, yours)
        if not yours or left == right:
            lines += left
        elif not ours:
            lines += right
        else:
            lines += _both(left, right)
            conflicts += start < stop  # two insertions at one place need no judgement
    lines += old[position:]
    return Merged("\n".join(lines), conflicts)


_Cluster = tuple[int, int, list[Span], list[Span]]


def _spans(old: Sequence[str], new: Sequence[str]) -> list[Span]:
    return align(old, new, Budget(_STEPS))


def _clusters(mine: list[Span], other: list[Span]) -> Iterator[_Cluster]:
    """Yield the stretches ``old[start:stop]`` that changed, each with both sides' spans within it."""
    ours, yours = list(mine), list(other)
    while ours or yours:
        mine_first = not yours or (bool(ours) and _order(ours[0]) <= _order(yours[0]))
        span = (ours if mine_first else yours).pop(0)
        start, stop = span[0], span[1]
        cluster: _Cluster = (start, stop, [span] if mine_first else [], [] if mine_first else [span])
        grown = True
        while grown:
            grown = False
            for queue, taken in ((ours, cluster[2]), (yours, cluster[3])):
                while queue and _touches(start, stop, queue[0]):
                    taken.append(queue.pop(0))
                    stop = max(stop, taken[-1][1])
                    grown = True
        yield start, stop, cluster[2], cluster[3]


def _order(span: Span) -> tuple[int, int]:
    return span[0], span[1]


def _touches(start: int, stop: int, span: Span) -> bool:
    """Tell whether *span*, which does not begin before *start*, changes what ``old[start:stop]`` holds."""
    if span[0] == span[1]:  # an insertion: strictly within, or at the place of another insertion
        return start < span[0] < stop or start == stop == span[0]
    return span[0] < stop


def _piece(old: Sequence[str], new: Sequence[str], start: int, stop: int, spans: list[Span]) -> list[str]:
    """Return what one side has in the place of ``old[start:stop]``."""
    lines: list[str] = []
    position = start
    for first, last, left, right in spans:
        lines += old[position:first]
        lines += new[left:right]
        position = last
    lines += old[position:stop]
    return lines


def _both(left: list[str], right: list[str]) -> list[str]:
    """Return both sides' lines one after the other, but what they begin and end with alike only once."""
    before = 0
    while before < min(len(left), len(right)) and left[before] == right[before]:
        before += 1
    after = 0
    while after < min(len(left), len(right)) - before and left[-1 - after] == right[-1 - after]:
        after += 1
    middle = right[before : len(right) - after]
    return [*left[: len(left) - after], *middle, *left[len(left) - after :]]
