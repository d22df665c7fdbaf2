"""Which shared type each part of a document is in, and these in which: what an update alone does not tell."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rtc_widgets.protocol.yjs_update import Id, Struct

__all__ = ["Outline", "Span"]


class Span:
    """Hold what is in one place: the elements of one client from ``start`` up to ``end``.

    ``inside`` is the id of the shared type that they are in, or the name of one of the document's own; None where that
    is to be asked of what they are ``beside``; gone where that is nothing.
    """

    __slots__ = ("beside", "end", "inside", "is_gone", "start", "type")

    def __init__(self, struct: Struct) -> None:
        self.start = struct.clock
        self.end = struct.clock + struct.length
        self.inside = struct.inside
        self.beside = struct.beside
        self.type = struct.type
        self.is_gone = struct.is_gone


class Outline:
    """Know the structs of a document.

    Args:
        structs: to begin with.
        below: is asked first.
    """

    def __init__(self, structs: Iterable[Struct], below: Outline | None = None) -> None:
        self._below = below
        self._starts: dict[int, list[int]] = {}
        self._spans: dict[int, list[Span]] = {}
        self.add(structs)

    def add(self, structs: Iterable[Struct]) -> None:
        """Learn of more; what is known already stays."""
        for struct in structs:
            spans = self._spans.setdefault(struct.client, [])
            starts = self._starts.setdefault(struct.client, [])
            last = spans[-1] if spans else None
            if last is None or struct.clock > last.end:
                at = len(spans)
            elif struct.clock == last.end:
                if (
                    struct.type is None
                    and last.type is None
                    and struct.beside[:1] == ((struct.client, last.end - 1),)
                ):
                    last.end += struct.length  # what is typed on is in the same place
                    continue
                at = len(spans)
            else:
                at = bisect_right(starts, struct.clock)
                if at and spans[at - 1].end > struct.clock:
                    continue
            spans.insert(at, Span(struct))
            starts.insert(at, struct.clock)

    def find(self, id_: Id) -> Span | None:
        """Return what has this id."""
        found = None if self._below is None else self._below.find(id_)
        spans = self._spans.get(id_[0])
        if found is None and spans:
            at = bisect_right(self._starts[id_[0]], id_[1]) - 1
            if at >= 0 and id_[1] < spans[at].end:
                found = spans[at]
        return found

    def inside(self, span: Span) -> Id | str | None:
        """Return the shared type that *span* is in: its id or its name; None where that is not known."""
        way: dict[Span, None] = {}
        at: Span | None = span
        while at is not None and at.inside is None and at not in way:
            way[at] = None
            at = self._neighbour(at)
        inside = None if at is None else at.inside
        for passed in way:
            passed.inside = inside  # so that it is found at once the next time
        return inside

    def _neighbour(self, span: Span) -> Span | None:
        """Return what *span* is in one type with; where that is gone on one side, on the other."""
        for id_ in span.beside:
            found = self.find(id_)
            if found is not None and (found.inside is not None or found.beside):
                return found
        return None

    def covered(self, struct: Struct) -> tuple[Id, ...]:
        """Return the id of the last element of *struct* that is here, beside which the rest goes; empty for none."""
        at = struct.clock
        while at < struct.clock + struct.length and (span := self.find((struct.client, at))) is not None:
            at = span.end
        return ((struct.client, at - 1),) if at > struct.clock else ()

    def depth(self, span: Span, most: int) -> int:
        """Return in how many shared types *span* is, counted up to one more than *most*."""
        depth = 0
        at: Span | None = span
        while at is not None and depth <= most:
            inside = self.inside(at)
            at = None if inside is None or isinstance(inside, str) else self.find(inside)
            depth += 1
        return depth
