"""A text that is live, and can be edited in place like a list: what a cell's text and a text file have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from pycrdt import Text

from rtc_widgets.documents.place import TextPlace
from rtc_widgets.documents.text import Edit, apply, checked, diff

__all__ = ["LiveString", "edit_now", "rewrite"]

# Beyond this many edits they are merged where they are near: one CRDT transaction goes quadratic in its
# operations (facts.md, Speed).
_MOST_EDITS = 300
# How often a rewrite begins again because others typed meanwhile.
_TRIES = 100


class LiveString:
    """Be a text as a `str` that can be edited in place.

    All offsets are code points. Whatever `str` can do without changing anything, this can too.
    """

    __slots__ = ()

    @property
    def _place(self) -> TextPlace:
        raise NotImplementedError

    # ----------------------------------------------------------------------------------------------- reading

    def __str__(self) -> str:
        return self._place.read()

    def __len__(self) -> int:
        return len(str(self))

    def __iter__(self) -> Iterator[str]:
        return iter(str(self))

    def __contains__(self, part: str) -> bool:
        return part in str(self)

    def __getitem__(self, key: int | slice) -> str:
        return str(self)[key]

    def __add__(self, other: str) -> str:
        return str(self) + other

    def __radd__(self, other: str) -> str:
        return other + str(self)

    def __eq__(self, other: object) -> bool:
        return str(self) == (str(other) if isinstance(other, LiveString) else other)

    def __lt__(self, other: str | LiveString) -> bool:
        return str(self) < str(other)

    def __le__(self, other: str | LiveString) -> bool:
        return str(self) <= str(other)

    def __gt__(self, other: str | LiveString) -> bool:
        return str(self) > str(other)

    def __ge__(self, other: str | LiveString) -> bool:
        return str(self) >= str(other)

    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        """Return what `str` has under *name*, of the text as it is now."""
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(str(self), name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in dir(str) if not name.startswith("_"))})

    # ----------------------------------------------------------------------------------------------- writing

    def insert(self, index: int, text: str) -> None:
        """Put *text* in front of the character at *index*; as in a list, any index will do."""
        text = checked(text, "A text")

        def edits(now: str) -> list[Edit]:
            place = slice(index, None).indices(len(now))[0]
            return [Edit(place, place, text)]

        edit_now(self._place, edits)

    def append(self, text: str) -> None:
        """Put *text* at the end."""
        text = checked(text, "A text")
        edit_now(self._place, lambda now: [Edit(len(now), len(now), text)])

    def delete(self, start: int, stop: int | None = None) -> None:
        """Delete the characters from *start* to before *stop*, or to the end, as ``del text[start:stop]``."""
        del self[start:stop]

    def replace(self, old: str, new: str, count: int = -1) -> int:
        """Replace *old* by *new* where it stands, at most *count* times, and return how often that was.

        Unlike that of a `str`, this changes the text itself.

        Raises:
            ValueError: *old* is empty.
        """
        new = checked(new, "A text")
        if not old:
            raise ValueError("There is nothing to look for: old is empty.")
        pieces = diff(old, new)
        times = 0

        def edits(now: str) -> Iterator[Edit]:
            nonlocal times
            times, start = 0, now.find(old)
            while start >= 0 and times != count:
                times += 1
                yield from _shifted(pieces, start)
                start = now.find(old, start + len(old))

        edit_now(self._place, edits)
        return times

    def sub(
        self,
        pattern: str | re.Pattern[str],
        replacement: str | Callable[[re.Match[str]], str],
        count: int = 0,
        flags: int = 0,
    ) -> int:
        """Replace what a regular expression matches, as `re.sub`, and return how often that was.

        A function given as *replacement* runs outside every lock, and again where others have typed meanwhile.
        """
        compiled = re.compile(pattern, flags)
        times = 0

        def edits(now: str) -> Iterator[Edit]:
            nonlocal times
            times = 0
            for match in compiled.finditer(now):
                if count and times >= count:
                    break
                times += 1
                text = match.expand(replacement) if isinstance(replacement, str) else replacement(match)
                yield from _shifted(diff(match[0], checked(text, "A replacement")), match.start())

        rewrite(self._place, edits)
        return times

    def __setitem__(self, key: int | slice, text: str) -> None:
        text = checked(text, "A text")

        def edits(now: str) -> list[Edit]:
            start, stop = _range(key, len(now))
            return _shifted(diff(now[start:stop], text), start)

        edit_now(self._place, edits)

    def __delitem__(self, key: int | slice) -> None:
        edit_now(self._place, lambda now: [Edit(*_range(key, len(now)), "")])

    def __iadd__(self, text: str | LiveString) -> Self:
        self.append(str(text) if isinstance(text, LiveString) else text)
        return self


def edit_now(place: TextPlace, edits: Callable[[str], Iterable[Edit]]) -> None:
    """Make the edits that a text needs as it is now; to find them takes no time."""
    with place.document.writing() as replica:
        text = place.shared(replica)
        now = str(text)
        _apply(text, list(edits(now)), now)


def rewrite(
    place: TextPlace,
    edits: Callable[[str], Iterable[Edit]],
    check: Callable[[str], None] | None = None,
) -> None:
    """Make the edits that *edits* finds in a text, found outside the lock: it may take its time.

    Args:
        place: which text.
        edits: is called again where the text has changed meanwhile.
        check: is called with the text just before it is changed, under the lock, and may raise.

    Raises:
        StaleText: others never stopped typing.
    """
    for _ in range(_TRIES):
        seen = place.read()
        found = list(edits(seen))
        with place.document.writing() as replica:
            text = place.shared(replica)
            now = str(text)
            if check is not None:
                check(now)
            if now == seen:
                _apply(text, found, now)
                return
    raise place.stale("Others type into {} faster than the change can be found.")


def _apply(text: Text, edits: list[Edit], now: str) -> None:
    edits = [edit for edit in edits if edit.text or edit.start < edit.stop]
    if len(edits) > _MOST_EDITS:
        pieces: list[str] = []
        position = 0
        for edit in edits:
            pieces += (now[position : edit.start], edit.text)
            position = edit.stop
        edits = diff(now, "".join((*pieces, now[position:])))
    apply(text, edits, old=now)


def _shifted(edits: Iterable[Edit], by: int) -> list[Edit]:
    return [Edit(edit.start + by, edit.stop + by, edit.text) for edit in edits]


def _range(key: int | slice, length: int) -> tuple[int, int]:
    if isinstance(key, slice):
        start, stop, step = key.indices(length)
        if step != 1:
            raise ValueError("A text is changed in one piece: give a slice without a step.")
        return start, max(start, stop)
    place = key + length if key < 0 else key
    if not 0 <= place < length:
        raise IndexError(f"There is no character {key}: the text has {length}.")
    return place, place + 1
