"""One update in the place of many: what a document got by them, without what each of them says again.

``merge_updates`` leaves twenty bytes for each key. A document's own answer to "what is new since" does not, but names
all that was ever deleted; here it names what those updates deleted.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from pycrdt import Doc

from rtc_widgets.protocol.codec import Reader, varuint

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Replay"]

Ranges = dict[int, list[tuple[int, int]]]


class Replay:
    """Replay a log, group by group, and say each group in one update.

    Two replicas are filled, by the updates and by what stands for them; where they do not `agree` the updates have to
    stay.
    """

    def __init__(self) -> None:
        self._doc: Doc[Any] = Doc()
        self._check: Doc[Any] = Doc()

    @property
    def state(self) -> bytes:
        """Return the document as it is."""
        return self._doc.get_update()

    def take(self, updates: Sequence[bytes]) -> None:
        """Apply updates that stay as they are."""
        for doc in (self._doc, self._check):
            with doc.transaction():
                for update in updates:
                    doc.apply_update(update)

    def squash(self, updates: Sequence[bytes]) -> bytes:
        """Apply updates, and return one that does the same to a replica that has all before."""
        before, deleted = self._doc.get_state(), _decoded(_deleted(self._doc))
        with self._doc.transaction():
            for update in updates:
                self._doc.apply_update(update)
        now = _deleted(self._doc)
        whole = self._doc.get_update(before)
        squashed = whole[: len(whole) - len(now)] + _encoded(_without(_decoded(now), deleted))
        with contextlib.suppress(ValueError):  # `agree` will tell
            self._check.apply_update(squashed)
        return squashed

    def agree(self) -> bool:
        """Tell whether both replicas are the same: whether what was returned may stand for what was taken."""
        mine, other = self._doc, self._check
        return (
            len(mine.get_update()) == len(other.get_update())
            and mine.get_update(other.get_state())[:1] == b"\0"
            and other.get_update(mine.get_state())[:1] == b"\0"
            and _decoded(_deleted(mine)) == _decoded(_deleted(other))
        )


def _deleted(doc: Doc[Any]) -> bytes:
    """Return the end of an update that says all that was deleted: an update of nothing new has no other part."""
    return doc.get_update(doc.get_state())[1:]


def _decoded(data: bytes) -> Ranges:
    reader = Reader(data)
    ranges: Ranges = {}
    for _ in range(reader.varuint()):
        client = reader.varuint()
        ranges[client] = [(reader.varuint(), reader.varuint()) for _ in range(reader.varuint())]
    return ranges


def _encoded(ranges: Ranges) -> bytes:
    parts = [varuint(len(ranges))]
    for client, pairs in ranges.items():
        parts += [varuint(client), varuint(len(pairs))]
        parts += [varuint(number) for pair in pairs for number in pair]
    return b"".join(parts)


def _without(ranges: Ranges, known: Ranges) -> Ranges:
    """Return what is in *ranges*, which holds all of *known*, and not in *known*."""
    new: Ranges = {}
    for client, pairs in ranges.items():
        there = sorted(known.get(client, ()))
        left: list[tuple[int, int]] = []
        place = 0
        for start, length in sorted(pairs):
            at, end = start, start + length
            while place < len(there) and there[place][0] < end:
                clock, size = there[place]
                if clock > at:
                    left.append((at, clock - at))
                at = max(at, clock + size)
                place += 1
            if at < end:
                left.append((at, end - at))
        if left:
            new[client] = left
    return new
