"""Find a quoted text again: by its words and by what stood around them (docs/schema.md, "Anchors").

Pure, in code points, and the same as ``labextension/src/documents/quotes.ts`` to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rtc_widgets.documents.text import common_ends

__all__ = [
    "LEAST_SIMILAR",
    "MOST_COMPARED",
    "MOST_OCCURRENCES",
    "Occurrence",
    "Quote",
    "Work",
    "best_occurrence",
    "find_similar",
    "make_quote",
    "similarity",
]

# A quote as in the anchor's JSON: exact, prefix, suffix, and length where exact is only its beginning.
Quote = dict[str, Any]

CONTEXT = 32
MOST_QUOTED = 1000

# What it counts that a quote stands at the beginning or the end of its text, in code points of context.
_EDGE = 8

# Occurrences that are looked at; a text of one letter would have as many as it has letters.
MOST_OCCURRENCES = 200

# How alike a text must be to be taken for the quote, and how long a quote of which that can be said.
LEAST_SIMILAR = 0.7
_SHORTEST_SIMILAR = 5

# Code points of a text in which likeness is looked for, or of which it is told.
MOST_COMPARED = 6_000


@dataclass(slots=True)
class Work:
    """Count what was done, for whoever holds it to its bounds.

    Args:
        places: occurrences of quotes that were looked at.
        compared: code points of texts that were compared to quotes for likeness.
        searched: quotes that were looked for in all cells.
    """

    places: int = 0
    compared: int = 0
    searched: int = 0


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Say where a quote stands, and how much of its context does too.

    Args:
        score: of all its context, how much is there: 0 to 1.
        one_side: the same of the better side, where that has at least 16 code points; else 0.
        alone: whether it stands nowhere else in this text.
    """

    start: int
    stop: int
    score: float
    one_side: float
    alone: bool


def make_quote(text: str, start: int, stop: int) -> Quote:
    """Return the quote of ``text[start:stop]``."""
    quote: Quote = {
        "exact": text[start : min(stop, start + MOST_QUOTED)],
        "prefix": text[max(start - CONTEXT, 0) : start],
        "suffix": text[stop : stop + CONTEXT],
    }
    if stop - start > MOST_QUOTED:
        quote["length"] = stop - start
    return quote


def quoted_length(quote: Quote) -> int:
    """Return how long the quoted text was."""
    length = quote.get("length")
    return max(length, len(quote["exact"])) if isinstance(length, int) else len(quote["exact"])


def best_occurrence(
    text: str, quote: Quote, work: Work, near: int = 0, most: int = MOST_OCCURRENCES
) -> Occurrence | None:
    """Return where a quote stands to the letter: with most of its context, then nearest to *near*.

    Args:
        most: how many places are looked at.
    """
    exact, length = quote["exact"], quoted_length(quote)
    best: tuple[float, int, int] | None = None
    found: Occurrence | None = None
    start, alone = text.find(exact) if exact else -1, True
    for _ in range(most):
        if start < 0:
            break
        work.places += 1
        stop = min(start + length, len(text))
        score, one_side = _context(text, start, stop, quote)
        following = text.find(exact, start + 1)
        alone = alone and following < 0
        rank = (-score, abs(start - near), start)
        if best is None or rank < best:
            best, found = rank, Occurrence(start, stop, score, one_side, alone)
        start = following
    return found


def _context(text: str, start: int, stop: int, quote: Quote) -> tuple[float, float]:
    """Return how much of the context is around a place: of all of it, and of its better side."""
    before, after = text[max(start - CONTEXT, 0) : start], text[stop : stop + CONTEXT]
    sides = (_side(quote["prefix"][::-1], before[::-1]), _side(quote["suffix"], after))
    total = sum(most for _, most in sides)
    better = max((there / most for there, most in sides if most >= 16), default=0.0)
    return sum(there for there, _ in sides) / total if total else 0.0, better


def _side(expected: str, found: str) -> tuple[int, int]:
    """Return how much of one side of the context is there, and how much there is; both from the quote on."""
    most = min(len(expected), len(found))
    common = next((i for i in range(most) if expected[i] != found[i]), most)
    if len(expected) == CONTEXT:
        return common, CONTEXT
    at_edge = common == len(expected) == len(found)
    return common + (_EDGE if at_edge else 0), len(expected) + _EDGE


def similarity(one: str, other: str, work: Work) -> float:
    """Return how alike two texts are, 0 to 1: the share of the longer that need not be edited."""
    longer = max(len(one), len(other))
    if one == other:
        return 1.0
    head, tail = common_ends(one, other)
    one, other = one[head : len(one) - tail], other[head : len(other) - tail]
    most = max(len(one), len(other))
    if not one or not other or most > MOST_COMPARED:
        return 1 - most / longer
    work.compared += len(other)
    return 1 - _distances(one, other, anywhere=False)[-1] / longer


def find_similar(text: str, quote: Quote, work: Work, near: int = 0) -> tuple[float, int, int] | None:
    """Return how alike, and where, a stretch of *text* is that is like the quote; None for none.

    The most alike, then the one that ends first; whole words. Of a long text only what is around *near*.
    """
    exact = quote["exact"]
    size = len(exact)
    if size < _SHORTEST_SIMILAR or "length" in quote:
        return None
    first = max(0, min(near - MOST_COMPARED // 2, len(text) - MOST_COMPARED))
    part = text[first : first + MOST_COMPARED]
    work.compared += len(part)
    ends = _distances(exact, part, anywhere=True)
    least = min(ends)
    if 1 - least / size < LEAST_SIMILAR:
        return None
    stop = ends.index(least)
    behind = part[max(stop - 2 * size, 0) : stop]
    work.compared += len(behind)
    back = _distances(exact[::-1], behind[::-1], anywhere=False)
    reach = min(
        (one for one, distance in enumerate(back) if distance == least),
        key=lambda one: (abs(one - size), -one),
    )
    start, stop = _whole_words(text, first + stop - reach, first + stop)
    return 1 - least / size, start, stop


def _whole_words(text: str, start: int, stop: int) -> tuple[int, int]:
    while 0 < start < len(text) and _in_word(text[start - 1]) and _in_word(text[start]):
        start -= 1
    while 0 < stop < len(text) and _in_word(text[stop - 1]) and _in_word(text[stop]):
        stop += 1
    return start, stop


def _in_word(char: str) -> bool:
    # Python and JavaScript do not agree on what else is a letter.
    return char >= "\x80" or char == "_" or char.isalnum()


def _distances(pattern: str, text: str, *, anywhere: bool) -> list[int]:
    """Return, for each prefix of *text*, the edits that make *pattern* of the best of its ends, or of all of it.

    Myers' bit-parallel algorithm (1999) on Python's integers, which have as many bits as it takes.

    Args:
        anywhere: whether what is compared may begin anywhere in the prefix.
    """
    places: dict[str, int] = {}
    for index, char in enumerate(pattern):
        places[char] = places.get(char, 0) | 1 << index
    last, all_ = 1 << len(pattern) - 1, (1 << len(pattern)) - 1
    up, down, score = all_, 0, len(pattern)
    scores = [score]
    for char in text:
        equal = places.get(char, 0)
        diagonal = (((equal & up) + up) ^ up) | equal | down
        right_up = down | (all_ & ~(diagonal | up))
        right_down = up & diagonal
        if right_up & last:
            score += 1
        elif right_down & last:
            score -= 1
        right_up = right_up << 1 | (0 if anywhere else 1)
        right_down <<= 1
        up = (right_down | ~(diagonal | right_up)) & all_
        down = right_up & diagonal & all_
        scores.append(score)
    return scores
