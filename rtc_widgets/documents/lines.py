"""The lines of a cell, or of a text file, as a list that can be edited in place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, MutableSequence
from itertools import pairwise
from typing import Any, Self, overload

from rtc_widgets.documents import looks
from rtc_widgets.documents.place import TextPlace
from rtc_widgets.documents.strings import edit_now
from rtc_widgets.documents.text import Edit, apply_to_str, checked, diff
from rtc_widgets.errors import DocumentError

__all__ = ["Lines", "line_starts"]

_END = re.compile(r"\r\n|\n|\r")
_LONE = re.compile(r"\r(?!\n)")


class Lines(MutableSequence[str]):
    r"""Be the lines of a text, without their ends: a list, live, and edited line by line.

    A line that stays is not touched, so that others' cursors and comments in it stay. The lines keep the ends they
    have; new ones get that of their neighbour. An empty text has no lines. A cell that ends with a line end has an
    empty last line; in a file that end belongs to the last line, and a line put behind it, or into an empty file,
    gets one too.

    >>> from rtc_widgets.documents.notebook import Notebook
    >>> cell = Notebook.new().append("x = 1\ny = 2\nx + y")
    >>> cell.lines[1] = "y = 3"
    >>> cell.lines.insert(0, "# add")
    >>> del cell.lines[-1]
    >>> cell.lines, len(cell.lines)
    (['# add', 'x = 1', 'y = 3'], 3)
    """

    __slots__ = ("_place",)

    def __init__(self, place: TextPlace) -> None:
        self._place = place

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> list[str]: ...
    def __getitem__(self, key: int | slice) -> str | list[str]:
        return self._layout(self._place.read()).lines[key]

    def __len__(self) -> int:
        return len(self._layout(self._place.read()).lines)

    @overload
    def __setitem__(self, key: int, value: str) -> None: ...
    @overload
    def __setitem__(self, key: slice, value: Iterable[str]) -> None: ...
    def __setitem__(self, key: int | slice, value: str | Iterable[str]) -> None:
        if isinstance(key, slice):
            new = _checked(value)
            self._edit(lambda layout: layout.splice(key, new))
        else:
            line = _checked((value,))
            self._edit(lambda layout: layout.splice(layout.one(key), line))

    def __delitem__(self, key: int | slice) -> None:
        self._edit(
            lambda layout: (
                layout.delete(range(len(layout.lines))[key])
                if isinstance(key, slice)
                else layout.splice(layout.one(key), [])
            )
        )

    def reach(self, index: int) -> dict[str, int]:
        """Return from where to where a line reaches, ``{start, end}`` in code points, without its end.

        Raises:
            IndexError: there is no such line.
        """
        layout = self._layout(self._place.read())
        place = layout.one(index).start
        start = layout.starts[place]
        return {"start": start, "end": start + len(layout.lines[place])}

    def insert(self, index: int, value: str) -> None:
        """Put a line in front of the one at *index*; as in a list, any index will do."""
        new = _checked([value])
        self._edit(
            lambda layout: layout.splice(slice(*[slice(index, None).indices(len(layout.lines))[0]] * 2), new)
        )

    def extend(self, values: Iterable[str]) -> None:
        """Put several lines at the end, in one transaction."""
        new = _checked(values)
        self._edit(lambda layout: layout.splice(slice(len(layout.lines), None), new))

    def clear(self) -> None:
        """Delete all lines."""
        del self[:]

    def reverse(self) -> None:
        """Put the lines in reverse order."""
        self._edit(lambda layout: layout.splice(slice(None), layout.lines[::-1]))

    def __iadd__(self, values: Iterable[str]) -> Self:
        self.extend(values)
        return self

    def __add__(self, other: Iterable[str]) -> list[str]:
        return [*self, *other]

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, Lines) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        try:
            return looks.listed(self[:])
        except LookupError as error:
            return looks.lost(error)

    def _repr_html_(self) -> str:
        try:
            lines = self[:]
        except LookupError as error:
            return looks.text(str(error.args[0]))
        return looks.lines(lines)

    def _edit(self, edits: Callable[[_Layout], list[Edit]]) -> None:
        edit_now(self._place, lambda now: self._safely(now, edits))

    def _safely(self, now: str, edits: Callable[[_Layout], list[Edit]]) -> list[Edit]:
        r"""Return the edits, unless they would make one line end of two.

        A ``\r`` that comes to stand in front of a ``\n``, because the line between them is empty now: then all such
        ends become ``\n``.
        """
        found = edits(self._layout(now))
        if _LONE.search(now):
            even = _LONE.sub("\n", now)
            wanted = apply_to_str(even, edits(self._layout(even)))
            if self._layout(apply_to_str(now, found)).lines != self._layout(wanted).lines:
                return diff(now, wanted)
        return found

    def _layout(self, text: str) -> _Layout:
        return _Layout(text, ended=self._place.ends_lines)


class _Layout:
    """Know where in a text its lines are.

    Args:
        text: the text.
        ended: whether an end at the end of the text belongs to the last line.
    """

    def __init__(self, text: str, *, ended: bool = False) -> None:
        self.text = text
        ends = list(_END.finditer(text)) if text else []
        self.ends = [end[0] for end in ends]
        self.starts = [0, *(end.end() for end in ends)] if text else []
        stops = [*(end.start() for end in ends), len(text)]
        self.lines = [text[start:stop] for start, stop in zip(self.starts, stops, strict=False)]
        self._ended = ended and (not text or self.starts[-1] == len(text))
        if self._ended:  # the last start is no line's, but where another one would begin
            self.lines = self.lines[:-1]
            self.starts = self.starts or [0]

    def one(self, index: int) -> slice:
        """Return the slice of one line, which must be there."""
        count = len(self.lines)
        place = index + count if index < 0 else index
        if not 0 <= place < count:
            raise IndexError(f"There is no line {index}: the text has {count}.")
        return slice(place, place + 1)

    def splice(self, key: slice, new: list[str]) -> list[Edit]:
        """Return the edits that put the lines *new* in the place of those at *key*."""
        start, stop, step = key.indices(len(self.lines))
        if step != 1:
            places = range(start, stop, step)
            if len(places) != len(new):
                raise ValueError(f"{len(new)} lines do not fit into a slice of {len(places)}.")
            pairs = sorted(zip(places, new, strict=True))
            return [edit for place, line in pairs for edit in self._line(place, line)]
        stop = max(start, stop)
        if stop - start == len(new):
            return [edit for i, line in enumerate(new) for edit in self._line(start + i, line)]
        return self._splice(start, stop, new)

    def delete(self, places: range) -> list[Edit]:
        """Return the edits that delete the lines at *places*, run by run."""
        rising = sorted(places)
        breaks = [i + 1 for i, (one, other) in enumerate(pairwise(rising)) if other != one + 1]
        edits: list[Edit] = []
        for first, last in pairwise([0, *breaks, len(rising)]):
            run = rising[first:last]
            if run:
                edits += self._splice(run[0], run[-1] + 1, [])
        return edits

    def _line(self, place: int, line: str) -> list[Edit]:
        start = self.starts[place]
        edits = diff(self.lines[place], line)
        return [Edit(start + edit.start, start + edit.stop, edit.text) for edit in edits]

    def _splice(self, start: int, stop: int, new: list[str]) -> list[Edit]:
        count = len(self.lines)
        end = self.ends[max(0, min(start, len(self.ends)) - 1)] if self.ends else "\n"
        if stop < count or self._ended:
            first, last = self.starts[start], self.starts[stop]
            text = "".join(line + end for line in new)
        elif start == count or (not new and start > 0):  # with the end of the line before
            first, last = self._stop_before(start), len(self.text)
            text = "".join(end + line for line in new) if count else end.join(new)
        else:
            first, last = self.starts[start], len(self.text)
            text = end.join(new)
        edits = diff(self.text[first:last], text)
        return [Edit(first + edit.start, first + edit.stop, edit.text) for edit in edits]

    def _stop_before(self, start: int) -> int:
        """Return where the line before *start* ends, without its end."""
        return self.starts[start - 1] + len(self.lines[start - 1]) if start else 0


def line_starts(text: str) -> list[int]:
    """Return where each line of *text* begins, in code points."""
    return _Layout(text).starts


def _checked(lines: Iterable[Any]) -> list[str]:
    if isinstance(lines, str):
        raise TypeError("Give a list of lines: text.split('\\n').")
    new = [checked(line, "A line") for line in lines]
    for line in new:
        if _END.search(line):
            raise DocumentError(f"A line has no line end in it, unlike {line!r}: split it first.")
    return new
