"""Looks through what peers write, before the replica gets it: what would take the server down is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pycrdt import Array, Map

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.sync import state_clients
from rtc_widgets.protocol.yjs_update import (
    ARRAY,
    DEEPEST,
    MAP,
    Id,
    Struct,
    UnreadableStruct,
    deleted,
    iter_update,
    named,
    read_update,
)
from rtc_widgets.rooms.outline import Outline, Span

if TYPE_CHECKING:
    from typing import Any

    from pycrdt import Doc

__all__ = ["Incoming"]

_NOTHING = -1, -1  # the id of nothing
_LARGE = 50_000  # bytes of a document that takes more than a few milliseconds to look through


class Incoming:
    """Admit updates to one document.

    The replica would take them, and then: read without end where text of more than one byte a character is in an array;
    end the process where a type is in a type in a type, ten thousand times; tell nobody of what came out of order.

    Args:
        doc: the replica.
    """

    def __init__(self, doc: Doc[Any]) -> None:
        self._doc = doc
        self._clocks: dict[int, int] | None = None
        self._outline: Outline | None = None  # both made when they are needed
        self._since: list[list[Struct]] | None = (
            None  # what came since a thread began to look through the document
        )
        # What the document cannot be looked through for: to find that out again costs as much, at each key.
        self._unread: Id | None = None
        self._roots: dict[str, bool] = {}  # whether they take no text: to ask the replica costs ten keys
        self._checked: tuple[bytes, list[Struct]] = b"", []

    def prepare(self) -> None:
        """Begin to look through a large document: with the first key it would take half a second for 10,000 cells."""
        if self._outline is not None or self._since is not None or self._unread is not None:
            return
        update = self._doc.get_update()
        if len(update) < _LARGE:
            return
        if self._clocks is None:
            self._clocks = state_clients(self._doc.get_state())
        self._since = []
        future = asyncio.get_running_loop().run_in_executor(None, _outline_of, update)
        future.add_done_callback(self._prepared)

    def _prepared(self, future: asyncio.Future[Outline | Id]) -> None:
        since, self._since = self._since, None
        if future.cancelled() or self._outline is not None or since is None:
            return
        outline = future.result()
        if isinstance(outline, Outline):
            for structs in since:
                outline.add(structs)
            self._outline = outline
        elif not since:  # else it may be deleted meanwhile
            self._unread = outline

    def check(self, update: bytes) -> Id | None:
        """Let *update* pass, and return what is missing that it builds on; None where nothing is.

        Raises:
            FrameError: it is not as a Yjs client writes it, or not what this document may hold.
        """
        structs = read_update(update)
        self._checked = update, structs
        ends: dict[int, int] = {}
        for struct in structs:
            end = ends.get(struct.client) or self._end(struct.client)
            if struct.clock > end:
                return struct.client, struct.clock - 1
            ends[struct.client] = max(end, struct.clock + struct.length)
        for struct in structs:
            for id_ in named(struct):
                if id_[1] >= (ends.get(id_[0]) or self._end(id_[0])):
                    return id_
        # What comes again, as after a reconnect, is not put anywhere.
        new = [struct for struct in structs if struct.clock + struct.length > self._end(struct.client)]
        if new:
            self._check_places(new)
        return None

    def is_here(self, id_: Id) -> bool:
        """Tell whether the replica has this."""
        return id_[1] < self._end(id_[0])

    def applied(self, update: bytes) -> None:
        """Learn of what is in the replica now, whoever wrote it."""
        if self._clocks is None:
            return
        before, structs = self._checked
        if update != before:
            try:
                structs = read_update(update, ours=True)
            except FrameError:  # from a file, which may hold what no peer may bring
                self._clocks = self._outline = self._since = self._unread = None
                return
        if self._unread is not None and deleted(update, self._unread):
            self._unread = None
        for struct in structs:
            end = struct.clock + struct.length
            if end > self._clocks.get(struct.client, 0):
                self._clocks[struct.client] = end
        if self._outline is not None:
            self._outline.add(structs)
        elif self._since is not None:
            self._since.append(structs)

    def _end(self, client: int) -> int:
        if self._clocks is None:
            self._clocks = state_clients(self._doc.get_state())
        return self._clocks.get(client, 0)

    def _check_places(self, structs: list[Struct]) -> None:
        if self._outline is None:
            if self._unread is not None:
                return
            found = _outline_of(self._doc.get_update())
            if not isinstance(found, Outline):
                self._unread = found
                return
            self._outline = found
        # A key: what is alone is beside what is here.
        outline = Outline(structs, self._outline) if len(structs) > 1 else self._outline
        for struct in structs:
            self._check_place(outline, struct)

    def _check_place(self, outline: Outline, struct: Struct) -> None:
        assert self._outline is not None
        inside = outline.inside(Span.of(struct))
        if inside is None:
            return  # it is gone, or what it was put into, and is not put anywhere
        for beside in (*struct.beside, *self._outline.covered(struct)):
            span = outline.find(beside)
            if span is not None and outline.inside(span) not in {inside, None}:
                raise FrameError("The update puts something between what is in different places.")
        outer = outline.find(inside) if isinstance(inside, tuple) else None
        if outer is not None and outer.type is None and not outer.is_gone:
            raise FrameError("The update puts something into what is no shared type.")
        if struct.is_text and self._takes_no_text(inside, outer):
            raise FrameError("The update puts text into what is none.")
        if struct.type is not None and outline.depth(Span.of(struct), DEEPEST) > DEEPEST:
            raise FrameError(f"Shared types in the update are nested deeper than {DEEPEST}.")

    def _takes_no_text(self, inside: Id | str, outer: Span | None) -> bool:
        if not isinstance(inside, str):
            return outer is not None and outer.type in {ARRAY, MAP}
        known = self._roots.get(inside)
        if known is None:
            if inside not in self._doc.keys():  # noqa: SIM118
                return False
            known = self._roots[inside] = isinstance(self._doc[inside], Array | Map)
        return known


def _outline_of(update: bytes) -> Outline | Id:
    """Return the outline of all that is here; where a file brought what no peer may bring, the first such thing."""
    try:
        return Outline(iter_update(update, ours=True))
    except UnreadableStruct as error:
        return error.id
    except FrameError:
        return _NOTHING
