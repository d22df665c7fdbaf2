"""The text of a cell as a string that can be edited in place, by everybody at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from pycrdt import Text

from rtc_widgets.documents import looks
from rtc_widgets.documents.cell_index import CellIndex, gone
from rtc_widgets.documents.place import CellPlace
from rtc_widgets.documents.replica import Replica
from rtc_widgets.documents.text import Edit, apply, checked, diff
from rtc_widgets.errors import StaleCell

__all__ = ["CellText", "rewrite", "source_of"]

# Beyond this many edits they are merged where they are near: one CRDT transaction goes quadratic in its
# operations (facts.md, Speed).
_MOST_EDITS = 300
# How often a rewrite begins again because others typed meanwhile.
_TRIES = 100


class CellText:
    r"""Be the text of a cell: a `str` that is live, and can be edited in place.

    All offsets are code points. Whatever `str` can do without changing anything, this can too. Each edit is made
    where it belongs, so that others' cursors, comments and typing in the cell stay.

    >>> from rtc_widgets.documents.notebook import Notebook
    >>> text = Notebook.new().append("df = read('🦉.csv')").text
    >>> text.replace("df", "owls"), text.sub(r"'(.*)\.csv'", r"'\1.parquet'")
    (1, 1)
    >>> text.insert(0, "# load\n")
    >>> text += "\nowls"
    >>> text[:6], "🦉" in text, text.endswith("owls"), len(text)
    ('# load', True, True, 36)
    >>> del text[:7]
    >>> print(text)
    owls = read('🦉.parquet')
    owls
    """

    __slots__ = ("_place",)

    def __init__(self, place: CellPlace) -> None:
        self._place = place

    # ----------------------------------------------------------------------------------------------- reading

    def __str__(self) -> str:
        return source_of(self._place)

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
        return str(self) == (str(other) if isinstance(other, CellText) else other)

    def __lt__(self, other: str | CellText) -> bool:
        return str(self) < str(other)

    def __gt__(self, other: str | CellText) -> bool:
        return str(self) > str(other)

    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        """Return what `str` has under *name*, of the text as it is now."""
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(str(self), name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in dir(str) if not name.startswith("_"))})

    def __repr__(self) -> str:
        try:
            return looks.shortened(repr(str(self)))
        except LookupError as error:
            return looks.lost(error)

    def _repr_html_(self) -> str:
        try:
            return looks.preview(str(self))
        except LookupError as error:
            return looks.text(str(error.args[0]))

    # ----------------------------------------------------------------------------------------------- writing

    def insert(self, index: int, text: str) -> None:
        """Put *text* in front of the character at *index*; as in a list, any index will do."""
        text = checked(text, "A text")

        def edits(now: str) -> list[Edit]:
            place = slice(index, None).indices(len(now))[0]
            return [Edit(place, place, text)]

        self._edit(edits)

    def append(self, text: str) -> None:
        """Put *text* at the end."""
        text = checked(text, "A text")
        self._edit(lambda now: [Edit(len(now), len(now), text)])

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

        self._edit(edits)
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

        self._edit(edits)

    def __delitem__(self, key: int | slice) -> None:
        self._edit(lambda now: [Edit(*_range(key, len(now)), "")])

    def __iadd__(self, text: str | CellText) -> Self:
        self.append(str(text) if isinstance(text, CellText) else text)
        return self

    def _edit(self, edits: Callable[[str], Iterable[Edit]]) -> None:
        """Make the edits that the text needs as it is now; to find them takes no time."""
        with self._place.document.writing(tracked=True) as replica:
            text = _shared(replica, self._place)
            now = str(text)
            _apply(text, list(edits(now)), now)


def source_of(place: CellPlace) -> str:
    """Return the source of a cell.

    Raises:
        CellGone: it was deleted.
    """
    with place.document.reading() as replica:
        found = replica.part(CellIndex).source(place.cell_id)
    if found is None:
        raise gone(place.cell_id)
    return found


def rewrite(
    place: CellPlace,
    edits: Callable[[str], Iterable[Edit]],
    check: Callable[[str], None] | None = None,
) -> None:
    """Make the edits that *edits* finds in a cell's source, found outside the lock: it may take its time.

    Args:
        place: which cell.
        edits: is called again where the source has changed meanwhile.
        check: is called with the source just before it is changed, under the lock, and may raise.

    Raises:
        StaleCell: others never stopped typing.
    """
    for _ in range(_TRIES):
        seen = source_of(place)
        found = list(edits(seen))
        with place.document.writing(tracked=True) as replica:
            text = _shared(replica, place)
            now = str(text)
            if check is not None:
                check(now)
            if now == seen:
                _apply(text, found, now)
                return
    raise StaleCell(f"Others type into the cell {place.cell_id[:8]} faster than the change can be found.")


def _shared(replica: Replica, place: CellPlace) -> Text:
    text: Text = place.holder(replica)[0]["source"]
    return text


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
