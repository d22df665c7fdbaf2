"""Text is edited by minimal difference, in code points.

Clear-and-insert would throw away everybody's cursors, comments and concurrent typing (design.md, decision
7). Three units meet here: Python counts code points, pycrdt's ``insert`` and ``del`` count UTF-8 bytes (an
upstream change to code points is planned, so the unit is measured, not assumed), JavaScript counts UTF-16.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from pycrdt import Doc, Text

from rtc_widgets.documents.alignment import Budget, Span, align
from rtc_widgets.errors import DocumentError

__all__ = [
    "Edit",
    "apply",
    "apply_to_str",
    "checked",
    "common_ends",
    "compose",
    "counts_bytes",
    "diff",
    "edits_of_delta",
    "set_text",
    "utf8_offset",
]

# One CRDT transaction goes quadratic in its operations (facts.md, Speed): beyond this, near edits are merged.
_MOST_EDITS = 300

# Below this share of kept characters, two lines have nothing to do with each other and are replaced whole:
# letters that agree by chance would anchor cursors at random.
_LEAST_LIKENESS = 0.35

_Split = Callable[[str], list[str]]
_WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace ``old[start:stop]`` by a text; offsets count code points of the text before the change.

    Args:
        start: the first code point that goes; where *text* is put.
        stop: the one behind the last that goes; *start* where nothing goes.
        text: what comes.
    """

    start: int
    stop: int
    text: str


def diff(old: str, new: str) -> list[Edit]:
    r"""Return the edits that turn *old* into *new*, in order, without overlap.

    Lines are aligned, then words and characters within those that changed.
    The work is bounded: texts too different to align within the budget are replaced in larger pieces.

    >>> diff("x = 1\ny = 2", "x = 1\ny = 3")
    [Edit(start=10, stop=11, text='3')]
    """
    if old == new:
        return []
    budget = Budget(600_000)
    edits = _by_lines(old, new, budget)
    return _on_line_starts(_merge_near(edits, old), old)


def apply_to_str(old: str, edits: Iterable[Edit]) -> str:
    """Return *old* with *edits* made."""
    pieces: list[str] = []
    position = 0
    for edit in edits:
        pieces += (old[position : edit.start], edit.text)
        position = edit.stop
    pieces.append(old[position:])
    return "".join(pieces)


def compose(first: Sequence[Edit], second: Sequence[Edit]) -> tuple[Edit, ...]:
    """Return the edits that do what *first* and, to what comes of it, *second* do.

    >>> compose([Edit(1, 2, "XY")], [Edit(2, 4, "Z")])
    (Edit(start=1, stop=3, text='XZ'),)
    """
    # The text in between as pieces: a range of the old text, or new text. Its end is open.
    pieces: list[tuple[int, int] | str] = []
    position = 0
    for edit in first:
        pieces += [(position, edit.start), edit.text]
        position = edit.stop
    pieces.append((position, sys.maxsize))
    made: list[tuple[int, int] | str] = []
    at = 0
    for edit in second:
        made += _cut(pieces, at, edit.start)
        made.append(edit.text)
        at = edit.stop
    made += _cut(pieces, at, sys.maxsize)
    edits: list[Edit] = []
    position, text = 0, ""
    for piece in made:
        if isinstance(piece, str):
            text += piece
        elif piece[0] < piece[1]:
            if text or piece[0] > position:
                edits.append(Edit(position, piece[0], text))
            position, text = piece[1], ""
    return tuple(edits)


def _cut(pieces: list[tuple[int, int] | str], start: int, stop: int) -> Iterator[tuple[int, int] | str]:
    """Yield the part of *pieces* from *start* to before *stop*."""
    at = 0
    for piece in pieces:
        length = len(piece) if isinstance(piece, str) else piece[1] - piece[0]
        first, last = max(start - at, 0), min(stop - at, length)
        if first < last:
            yield piece[first:last] if isinstance(piece, str) else (piece[0] + first, piece[0] + last)
        at += length


def set_text(ytext: Text, new: str) -> list[Edit]:
    """Turn *ytext* into *new* in one transaction and return the edits made."""
    old = str(ytext)
    edits = diff(old, new)
    apply(ytext, edits, old=old)
    return edits


def apply(ytext: Text, edits: Sequence[Edit], *, old: str | None = None) -> None:
    """Make *edits* to *ytext* in one transaction, last to first, so that each offset still holds.

    What takes the place of several characters is put in behind the first of them, and then they are deleted. So
    what somebody else types at either end of them at the same time stays at that end, cursors there do not move, and
    a comment on them is on what took their place. Deleted first, new text would go behind them, where it and what
    others type at their end come in an order that only chance decides. A single character has no inside: it is
    deleted first, which keeps text and cursors in front of it in their place, and leaves those behind it to chance.

    Args:
        old: the text as it stands, where the caller has just read it.
    """
    if not edits:
        return
    old = str(ytext) if old is None else old
    with ytext.doc.transaction():
        units = _native_spans(old, edits)
        for edit, (start, stop) in zip(reversed(edits), reversed(units), strict=True):
            if edit.text and edit.stop - edit.start > 1:
                inside = start + _native_length(old[edit.start])
                grown = _native_length(edit.text)
                ytext.insert(inside, edit.text)
                del ytext[inside + grown : stop + grown]
                del ytext[start:inside]
                continue
            if stop > start:
                del ytext[start:stop]
            if edit.text:
                ytext.insert(start, edit.text)


def common_ends(one: str, other: str) -> tuple[int, int]:
    """Return how long the beginning is that both have, and then the end, without overlap.

    By bisection over comparisons that run in C.

    >>> common_ends("x = 1 + y", "x = 11 + y")
    (5, 4)
    """
    before = _most(min(len(one), len(other)), lambda low, high: one[low:high] == other[low:high])
    a, b = len(one), len(other)
    after = _most(
        min(a, b) - before,
        lambda low, high: one[a - high : a - low] == other[b - high : b - low],
    )
    return before, after


def _most(limit: int, same: Callable[[int, int], bool]) -> int:
    """Return how far from 0 up to *limit* all is the same; ``same(low, high)`` tells it of a part."""
    if same(0, limit):
        return limit
    low, high = 0, limit
    while low + 1 < high:
        middle = (low + high) // 2
        if same(low, middle):
            low = middle
        else:
            high = middle
    return low


def utf8_offset(text: str, index: int) -> int:
    """Return how many UTF-8 bytes the first *index* code points of *text* take."""
    return min(index, len(text)) if text.isascii() else len(text[:index].encode())


@cache
def counts_bytes() -> bool:
    """Tell whether pycrdt counts UTF-8 bytes (as of 0.14) or code points (pycrdt #379)."""
    doc: Doc[Text] = Doc()
    return len(doc.get("probe", type=Text)) == 0 and _length_of(doc, "é") == 2


def checked(text: object, what: str = "A source") -> str:
    """Return *text* if it can stand in a document, else raise before anything is written.

    Raises:
        TypeError: it is not a ``str``.
        DocumentError: it holds an unpaired surrogate, which UTF-8 cannot carry.
    """
    if not isinstance(text, str):
        cure = ' Join the lines first: "".join(lines).' if isinstance(text, list | tuple) else ""
        raise TypeError(f"{what} is a str, not {type(text).__name__}.{cure}")
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError as error:
        raise DocumentError(
            f"{what} cannot hold the unpaired surrogate {text[error.start]!r} at {error.start}. "
            'Mend it first: text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").'
        ) from None
    return str(text)


def edits_of_delta(old: str, delta: Iterable[dict[str, Any]]) -> tuple[Edit, ...]:
    """Return the edits that a ``TextEvent.delta`` describes, in code points of *old*.

    A delta counts pycrdt's unit, and says of a deletion only how long it was: without the old text it cannot
    be told in code points.
    """
    data = old.encode() if counts_bytes() else None
    edits: list[Edit] = []
    native = point = 0  # where we are in the old text, in both units

    def advance(units: int) -> int:
        nonlocal native
        native += units
        return units if data is None else len(data[native - units : native].decode())

    for part in delta:
        if "retain" in part:
            point += advance(int(part["retain"]))
        elif "delete" in part:
            stop = point + advance(int(part["delete"]))
            _push(edits, Edit(point, stop, ""))
            point = stop
        elif isinstance(part.get("insert"), str):
            _push(edits, Edit(point, point, part["insert"]))
    return tuple(edits)


def _push(edits: list[Edit], edit: Edit) -> None:
    if edits and edits[-1].stop == edit.start:
        last = edits.pop()
        edit = Edit(last.start, edit.stop, last.text + edit.text)
    edits.append(edit)


def _length_of(doc: Doc[Text], content: str) -> int:
    text = doc.get("probe", type=Text)
    text += content
    return len(text)


def _native_spans(old: str, edits: Sequence[Edit]) -> list[tuple[int, int]]:
    """Return each edit's span in the unit pycrdt counts, in one walk over *old*."""
    if old.isascii() or not counts_bytes():
        return [(edit.start, edit.stop) for edit in edits]
    spans: list[tuple[int, int]] = []
    point = native = 0
    for edit in edits:
        start = native + len(old[point : edit.start].encode())
        native = start + len(old[edit.start : edit.stop].encode())
        point = edit.stop
        spans.append((start, native))
    return spans


def _native_length(text: str) -> int:
    """Return the length of *text* in the unit pycrdt counts."""
    return len(text.encode()) if counts_bytes() else len(text)


def _by_lines(old: str, new: str, budget: Budget) -> list[Edit]:
    """Return the edits, after cutting off whole lines only, and as if the last line ended like the others.

    Else a last line that others follow now would not be known again, and its end be taken for theirs.
    """
    before, after = common_ends(old, new)
    base = old.rfind("\n", 0, before) + 1
    newline = old.find("\n", len(old) - after)
    ends = newline >= 0
    after = len(old) - newline - 1 if ends else 0
    x, y = old[base : len(old) - after], new[base : len(new) - after]
    if not ends:
        x, y = x + "\n", y + "\n"
    pieces, wanted = _lines(x), _lines(y)
    offsets = _offsets(pieces)
    edits: list[Edit] = []
    for start, stop, left, right in _pair_lines(align(pieces, wanted, budget)):
        one, other = "".join(pieces[start:stop]), "".join(wanted[left:right])
        edits += _refine(one, other, base + offsets[start], (_words, list), budget)
    if edits and edits[-1].stop > len(old):
        edits[-1] = _without_end(edits[-1])
    return edits


def _without_end(edit: Edit) -> Edit:
    """Return *edit*, of last lines, for a text whose last line does not end: that of the line before goes or comes."""
    if edit.start > edit.stop - 1:
        return Edit(edit.start - 1, edit.stop - 1, "\n" + edit.text[:-1])
    if edit.text:
        return Edit(edit.start, edit.stop - 1, edit.text.removesuffix("\n"))
    return Edit(edit.start - 1, edit.stop - 1, "")


def _refine(old: str, new: str, base: int, splits: tuple[_Split, ...], budget: Budget) -> Iterator[Edit]:
    """Yield the edits of one changed stretch, cut ever finer: words, then characters."""
    before, after = common_ends(old, new)
    old, new = old[before : len(old) - after], new[before : len(new) - after]
    base += before
    if not old and not new:
        return
    if not old or not new or not splits:
        yield Edit(base, base + len(old), new)
        return
    split, *finer = splits
    pieces, wanted = split(old), split(new)
    if len(pieces) == 1 and len(wanted) == 1:
        yield from _refine(old, new, base, tuple(finer), budget)
        return
    offsets = _offsets(pieces)
    edits: list[Edit] = []
    for start, stop, left, right in align(pieces, wanted, budget):
        x, y = "".join(pieces[start:stop]), "".join(wanted[left:right])
        edits += _refine(x, y, base + offsets[start], tuple(finer), budget)
    if _kept(old, new, edits) < _LEAST_LIKENESS:
        edits = [Edit(base, base + len(old), new)]
    yield from edits


def _pair_lines(spans: list[Span]) -> list[Span]:
    """Split a replacement of n lines by n lines into n replacements, and leave the others whole."""
    paired: list[Span] = []
    for start, stop, left, right in spans:
        if stop - start == right - left:
            paired += [(start + i, start + i + 1, left + i, left + i + 1) for i in range(stop - start)]
        else:
            paired.append((start, stop, left, right))
    return paired


def _kept(old: str, new: str, edits: list[Edit]) -> float:
    kept = len(old) - sum(edit.stop - edit.start for edit in edits)
    return 2 * kept / (len(old) + len(new))


def _merge_near(edits: list[Edit], old: str) -> list[Edit]:
    """Merge the edits with the smallest gaps until no more than ``_MOST_EDITS`` are left."""
    if len(edits) <= _MOST_EDITS:
        return edits
    gaps = sorted(after.start - before.stop for before, after in pairwise(edits))
    widest = gaps[len(edits) - _MOST_EDITS - 1]
    merged = [edits[0]]
    for edit in edits[1:]:
        last = merged[-1]
        if edit.start - last.stop <= widest:
            merged[-1] = Edit(last.start, edit.stop, last.text + old[last.stop : edit.start] + edit.text)
        else:
            merged.append(edit)
    return merged


def _on_line_starts(edits: list[Edit], old: str) -> list[Edit]:
    """Slide each insertion or deletion of whole lines to the start of a line, where either place will do.

    Put between ``f(1)`` and ``f(2)``, a line ``f(3)`` may come out of the cutting of common ends as ``3)``, a
    newline and ``f(`` in the middle of a line; a cursor there would be torn off its line.
    """
    slid: list[Edit] = []
    for edit, following in zip(edits, [*edits[1:], None], strict=True):
        low = slid[-1].stop if slid else 0
        high = len(old) if following is None else following.start
        slid.append(_on_line_start(edit, old, low, high))
    return slid


def _on_line_start(edit: Edit, old: str, low: int, high: int) -> Edit:
    moved = edit.text or old[edit.start : edit.stop]
    if (edit.text and edit.start < edit.stop) or "\n" not in moved:
        return edit
    if moved[0] == "\n":  # one step on, past the end of the line before
        if edit.stop < high and old[edit.stop] == "\n":
            return Edit(edit.start + 1, edit.stop + 1, edit.text and edit.text[1:] + "\n")
        return edit
    line = old.rfind("\n", 0, edit.start) + 1
    back = edit.start - line
    if low <= line and 0 < back <= len(moved) and moved.endswith(old[line : edit.start]):
        return Edit(line, edit.stop - back, edit.text and old[line : edit.start] + edit.text[:-back])
    return edit


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _offsets(pieces: list[str]) -> list[int]:
    offsets = [0]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece))
    return offsets
