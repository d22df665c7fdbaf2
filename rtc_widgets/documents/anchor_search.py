"""Where an anchor is looked for: by position, by quote here, then elsewhere, then by likeness (docs/schema.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from rtc_widgets.documents.anchor_places import FILE, Places
from rtc_widgets.documents.quotes import (
    MOST_OCCURRENCES,
    Occurrence,
    best_occurrence,
    find_similar,
    quoted_length,
    similarity,
)

__all__ = ["Range", "find_cell", "find_range", "with_original"]

_Anchor = dict[str, Any]

# From here on the text at the position is taken for the quote, edited; below, the quote is looked for first.
_EDITED = 0.5


@dataclass(frozen=True, slots=True)
class Range:
    """Say where a range is: in the cell of an index, from code point to code point.

    Args:
        at_position: whether its position led there.
    """

    where: int
    start: int
    end: int
    state: Literal["exact", "moved", "changed"]
    confidence: float
    at_position: bool = False


def find_range(places: Places, anchor: _Anchor) -> Range | None:
    """Return where the text of an anchor is, None where it is nowhere."""
    quote, own = anchor["quote"], places.own(anchor)
    left = _at_position(places, anchor, own)
    if left is not None and (left.state == "exact" or left.confidence >= _EDITED):
        return left
    if quote["exact"]:
        found = _quoted(places, anchor, own, left)
        if found is None and anchor.get("original"):
            first = {**anchor["quote"], "exact": anchor["original"]}
            found = _quoted(places, {**anchor, "quote": first}, own, left)
        found = found or _similar(places, anchor, own, left)
        if found is not None:
            return _as_lines(places, anchor, found)
    return left if left is not None and (left.start < left.end or not quote["exact"]) else None


def find_cell(places: Places, anchor: _Anchor) -> tuple[int, float] | None:
    """Return where the cell of an anchor is, and how sure that is; None where it is nowhere."""
    own = places.own(anchor)
    if own:
        return own[0], 1.0
    found = _quoted_elsewhere(places, anchor, own)
    return (found.where, found.confidence) if found else None


def with_original(places: Places, anchor: _Anchor, found: Range) -> Range:
    """Return *found* as it looks beside what the anchor was about first, which may be back."""
    original = anchor.get("original")
    if original is None:
        return found
    string = places.string(found.where)
    now = string[found.start : found.end]
    if now != original and original:
        size = len(original)
        at = string.find(original, max(found.start - size, 0), found.end + size)
        if at >= 0:
            return Range(found.where, at, at + size, "moved", 1.0)
    if now == original:
        return replace(found, state="exact" if found.at_position else "moved", confidence=1.0)
    return replace(found, state="changed", confidence=similarity(original, now, places.work))


def _at_position(places: Places, anchor: _Anchor, own: Iterable[int]) -> Range | None:
    """Return what is where the anchor's position is: of twins the one that has the quote, else the first."""
    quote, first = anchor["quote"], None
    for where in own:
        found = places.text(where)
        if found is None:
            continue
        string = found.string
        start = found.find(anchor["position"]["start"])
        end = found.find(anchor["position"]["end"])
        if start is None or end is None:
            continue
        if start > end and not quote["exact"]:
            start, end = end, start  # written where nothing was
        if start > end:
            continue
        gone = start == end and quote["exact"]
        if anchor["kind"] == "line" and not gone:
            start, end = _whole_lines(string, start, end)
        if end - start == quoted_length(quote) and string.startswith(quote["exact"], start):
            return Range(where, start, end, "exact", 1.0, at_position=True)
        alike = similarity(quote["exact"], string[start:end], places.work) if start < end else 0.0
        first = first or Range(where, start, end, "changed", alike, at_position=True)
    return first


def _quoted(places: Places, anchor: _Anchor, own: list[int], left: Range | None) -> Range | None:
    return _quoted_here(places, anchor, own, left) or _quoted_elsewhere(places, anchor, own)


def _quoted_here(places: Places, anchor: _Anchor, own: Iterable[int], left: Range | None) -> Range | None:
    quote = anchor["quote"]
    for where in own:
        string = places.string(where)
        found = best_occurrence(string, quote, places.work, _near(string, anchor, where, left))
        if found is not None and (
            found.score >= 0.3 or found.one_side >= 0.5 or (found.alone and len(quote["exact"]) >= 6)
        ):
            return _moved(where, found)
    return None


def _quoted_elsewhere(places: Places, anchor: _Anchor, own: list[int]) -> Range | None:
    """Return where the quote is in another cell, if it looks like the same place and not just like the same words."""
    quote, hint = anchor["quote"], places.hint(anchor)
    exact = quote["exact"]
    if not exact or own == [FILE]:
        return None
    best: tuple[float, int, Occurrence] | None = None
    hits, end = 0, places.work.places + MOST_OCCURRENCES
    for where in places.holding(exact, hint):
        most = end - places.work.places
        # Further away it would have to have more of its context.
        if most <= 0 or (best is not None and best[0] == 1):
            break
        if where in own:
            continue
        here = best_occurrence(places.string(where), quote, places.work, most=most)
        if here is not None:
            hits += 1
            if best is None or here.score > best[0]:
                best = (here.score, where, here)
    if best is None:
        return None
    _, where, found = best
    alone = found.alone and hits == 1 and len(exact) >= (12 if own else 6)
    if found.score >= (0.6 if own else 0.5) or found.one_side == 1 or alone:
        return _moved(where, found)
    return None


def _similar(places: Places, anchor: _Anchor, own: list[int], left: Range | None) -> Range | None:
    """Return what is like the quote in its cell; where that is gone, in those that stood beside it."""
    beside = (places.find(cell_id) for cell_id in anchor.get("near") or ())
    best: Range | None = None
    for where in own or [index for index in beside if index is not None]:
        string = places.string(where)
        found = find_similar(string, anchor["quote"], places.work, _near(string, anchor, where, left))
        if found is not None and (best is None or found[0] > best.confidence):
            best = Range(where, found[1], found[2], "changed", found[0])
    return best


def _as_lines(places: Places, anchor: _Anchor, found: Range) -> Range:
    """Return *found*, where an anchor is at a line, as all of the line in which that is now."""
    string, exact = places.string(found.where), anchor["quote"]["exact"]
    start, end = _whole_lines(string, found.start, found.end)
    if anchor["kind"] != "line" or (start, end) == (found.start, found.end):
        return found
    return Range(found.where, start, end, "changed", similarity(exact, string[start:end], places.work))


def _moved(where: int, found: Occurrence) -> Range:
    return Range(where, found.start, found.stop, "moved", 0.5 + found.score / 2)


def _whole_lines(string: str, start: int, end: int) -> tuple[int, int]:
    stop = string.find("\n", end)
    return string.rfind("\n", 0, start) + 1, len(string) if stop < 0 else stop


def _near(string: str, anchor: _Anchor, where: int, left: Range | None) -> int:
    """Return about where in a text an anchor was: at what is left of it, or else at the same line."""
    return left.start if left is not None and left.where == where else _line_start(string, anchor["line"])


def _line_start(string: str, line: int) -> int:
    start = 0
    for _ in range(line):
        following = string.find("\n", start) + 1
        if not following:
            break
        start = following
    return start
