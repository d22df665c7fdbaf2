"""Which shared type each part of a document is in, and these in which: what an update alone does not tell."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rtc_widgets.protocol.yjs_update import Id, Struct

__all__ = ["Outline", "Span"]

_UNKNOWN = -1  # the place of what is where its neighbours are
_NAMES = -2  # and down from there: in one of the document's own types
_NO_TYPE, _GONE = -1, -2


class Span(NamedTuple):
    """Hold what is in one place: the elements of one client from ``start`` up to ``end``.

    ``inside`` is the id of the shared type that they are in, or the name of one of the document's own; None where that
    is to be asked of what they are ``beside``; gone where that is nothing.
    """

    client: int
    start: int
    end: int
    inside: Id | str | None
    beside: tuple[Id, ...] = ()
    type: int | None = None
    is_gone: bool = False

    @classmethod
    def of(cls, struct: Struct) -> Span:
        """Return where *struct* is, as far as it says so."""
        end = struct.clock + struct.length
        return cls(
            struct.client, struct.clock, end, struct.inside, struct.beside, struct.type, struct.is_gone
        )


class _Spans:
    """Keep those of one client: a notebook of 10,000 cells has 100,000, so in arrays."""

    __slots__ = ("beside", "ends", "kinds", "places", "starts")

    def __init__(self) -> None:
        self.starts = array("q")
        self.ends = array("q")
        self.places = array("q")
        self.kinds = array("b")
        self.beside: dict[int, tuple[Id, ...]] = {}  # by their start

    def at(self, clock: int) -> int:
        """Return the index of the last that does not begin after *clock*; -1 for none."""
        return bisect_right(self.starts, clock) - 1

    def insert(self, at: int, struct: Struct, place: int) -> None:
        kind = _GONE if struct.is_gone else _NO_TYPE if struct.type is None else struct.type
        self.starts.insert(at, struct.clock)
        self.ends.insert(at, struct.clock + struct.length)
        self.places.insert(at, place)
        self.kinds.insert(at, kind)
        if place == _UNKNOWN and struct.beside:
            self.beside[struct.clock] = struct.beside


class Outline:
    """Know the structs of a document.

    Args:
        structs: to begin with.
        below: is asked first.
    """

    def __init__(self, structs: Iterable[Struct], below: Outline | None = None) -> None:
        self._below = below
        self._clients: dict[int, _Spans] = {}
        # A place is a number: of the client and the clock of the type, or of the name.
        self._numbers: dict[int, int] = {}
        self._known: list[int] = []
        self._names: list[str] = []
        self.add(structs)

    def add(self, structs: Iterable[Struct]) -> None:
        """Learn of more; what is known already stays."""
        for struct in structs:
            spans = self._clients.get(struct.client)
            if spans is None:
                spans = self._clients[struct.client] = _Spans()
            end = spans.ends[-1] if spans.ends else -1
            if struct.clock > end:
                at = len(spans.starts)
            elif struct.clock == end:
                if (
                    struct.type is None
                    and spans.kinds[-1] < 0
                    and struct.beside[:1] == ((struct.client, end - 1),)
                ):
                    spans.ends[-1] += struct.length  # what is typed on is in the same place
                    continue
                at = len(spans.starts)
            else:
                at = spans.at(struct.clock) + 1
                if at and spans.ends[at - 1] > struct.clock:
                    continue
            spans.insert(at, struct, self._number(struct.inside))

    def find(self, id_: Id) -> Span | None:
        """Return what has this id."""
        found = None if self._below is None else self._below.find(id_)
        spans = self._clients.get(id_[0])
        if found is None and spans is not None:
            at = spans.at(id_[1])
            if at >= 0 and id_[1] < spans.ends[at]:
                start, kind = spans.starts[at], spans.kinds[at]
                found = Span(
                    id_[0],
                    start,
                    spans.ends[at],
                    self._place(spans.places[at]),
                    spans.beside.get(start, ()),
                    kind if kind >= 0 else None,
                    kind == _GONE,
                )
        return found

    def inside(self, span: Span) -> Id | str | None:
        """Return the shared type that *span* is in: its id or its name; None where that is not known."""
        way: dict[tuple[int, int], tuple[Id, ...]] = {}
        at: Span | None = span
        while at is not None and at.inside is None and (at.client, at.start) not in way:
            way[at.client, at.start] = at.beside
            at = self._neighbour(at)
        inside = None if at is None else at.inside
        if inside is not None:
            for (client, start), beside in way.items():
                self.note(client, start, beside, inside)  # so that it is found at once the next time
        return inside

    def note(self, client: int, start: int, beside: tuple[Id, ...], inside: Id | str) -> None:
        """Learn where that is which begins there and is beside these, if it is here and is not gone."""
        if self._below is not None:
            self._below.note(client, start, beside, inside)
        spans = self._clients.get(client)
        if spans is not None and beside and spans.beside.get(start) == beside:
            del spans.beside[start]
            spans.places[spans.at(start)] = self._number(inside)

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

    def _number(self, inside: Id | str | None) -> int:
        if inside is None:
            return _UNKNOWN
        if isinstance(inside, str):
            if inside not in self._names:
                self._names.append(inside)
            return _NAMES - self._names.index(inside)
        number = self._numbers.get(inside[0])
        if number is None:
            number = self._numbers[inside[0]] = len(self._known)
            self._known.append(inside[0])
        return number << 32 | inside[1]

    def _place(self, number: int) -> Id | str | None:
        if number == _UNKNOWN:
            return None
        if number < 0:
            return self._names[_NAMES - number]
        return self._known[number >> 32], number & 0xFFFFFFFF
