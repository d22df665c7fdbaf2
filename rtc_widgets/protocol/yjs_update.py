"""Yjs' updates, version 1, read before they are applied: the CRDT trusts what it is given (section 3).

What is not as a Yjs client writes it makes the library below panic, loop, or end the process: a number that runs over,
text that is not UTF-8, values that are nested without end. So an update from outside is looked through here first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.codec import Reader
from rtc_widgets.protocol.json_text import load

__all__ = [
    "ARRAY",
    "DEEPEST",
    "MAP",
    "Id",
    "Struct",
    "UnreadableStruct",
    "deleted",
    "iter_update",
    "named",
    "read_update",
]

DEEPEST = 200
"""How deep values and shared types may be nested."""
# Clocks are signed 32 bit numbers in there.
_MAX_CLOCK = 2**31 - 1
_GC, _SKIP = 0, 10
_ORIGIN, _RIGHT_ORIGIN, _PARENT_SUB, _CONTENT = 0x80, 0x40, 0x20, 0x1F
_DELETED, _STRING, _TYPE = 1, 4, 7
# An embedded value and a format.
_IN_TEXTS = frozenset({5, 6})
_NOWHERE = 0, -1
ARRAY, MAP = 0, 1
# Array, map, text, XML element, fragment and text; the element has a name.
_TYPES, _ELEMENT = frozenset({ARRAY, MAP, 2, 3, 4, 6}), 3


# Client and clock.
Id = tuple[int, int]


class UnreadableStruct(FrameError):
    """Say that a struct is not as a Yjs client writes it, or nested too deep, and which.

    Args:
        reason: the sentence.
        id_: of its beginning.
    """

    def __init__(self, reason: str, id_: Id) -> None:
        super().__init__(reason)
        self.id = id_


class Struct(NamedTuple):
    """Say where a struct is, and in what.

    Args:
        client: who wrote it.
        clock: of its beginning.
        length: of its content.
        inside: the id of the shared type that it is in, or the name of one of the document's own.
        beside: the ids of what it was put between, one or two, with which it is in one type; then *inside* is not said.
        type: which shared type it is, if it is one.
        is_text: whether only a text may hold it.
        is_gone: whether it was deleted, and what it was is not known.
    """

    client: int
    clock: int
    length: int
    inside: Id | str | None = None
    beside: tuple[Id, ...] = ()
    type: int | None = None
    is_text: bool = False
    is_gone: bool = False


def read_update(update: bytes, *, ours: bool = False) -> list[Struct]:
    """Look through *update* and return its structs, without those that are left out or empty.

    Args:
        update: to look through.
        ours: whether it is a replica's own, in which what a peer may not say may stand.

    Raises:
        FrameError: it is not as a Yjs client writes it, or holds a value that is nested deeper than `DEEPEST`.
    """
    return [*iter_update(update, ours=ours)]


def iter_update(update: bytes, *, ours: bool = False) -> Iterator[Struct]:
    """Yield what `read_update` returns, one by one: all of a large document would take 50 MB."""
    reader = Reader(update)
    yield from _structs(reader, ours)
    for _ in _deletions(reader):
        pass
    reader.end()


def deleted(update: bytes, id_: Id) -> bool:
    """Tell whether *update*, which `read_update` takes as a replica's own, deletes what has this id."""
    reader = Reader(update)
    for _ in _structs(reader, ours=True):
        pass
    return any(client == id_[0] and at <= id_[1] < at + count for client, at, count in _deletions(reader))


def _structs(reader: Reader, ours: bool) -> Iterator[Struct]:
    clients = set()
    for _ in range(reader.varuint()):
        count, client, clock = reader.varuint(), reader.varuint(), reader.varuint()
        begun = clock
        for _ in range(count):
            try:
                struct = _struct(reader, client, clock)
            except FrameError as error:
                raise UnreadableStruct(str(error), (client, clock)) from error
            clock += struct.length
            if not ours and _foresees(struct):
                raise FrameError("A struct of the update refers to what cannot have been there before it.")
            if struct.length and struct.inside != _NOWHERE:
                yield struct
        if clock == begun or clock > _MAX_CLOCK or client in clients:
            raise FrameError(
                "What the update has of a client is nothing, ends too far away, or stands there twice."
            )
        clients.add(client)


def _struct(reader: Reader, client: int, clock: int) -> Struct:
    info = reader.byte()
    if info in {_GC, _SKIP}:
        length = reader.varuint()
        if not length:
            raise FrameError("Something that is gone has no length.")
        return Struct(client, clock, length, _NOWHERE if info == _SKIP else None, is_gone=True)
    inside: Id | str | None = None
    beside: tuple[Id, ...] = ()
    if info & _ORIGIN:
        beside = (_id(reader),)
    if info & _RIGHT_ORIGIN:
        beside += (_id(reader),)
    if not beside:
        inside = reader.varstring() if reader.varuint() == 1 else _id(reader)
        if info & _PARENT_SUB:
            reader.varstring()
    return _with_content(Struct(client, clock, 1, inside, beside), info & _CONTENT, reader)


def _with_content(struct: Struct, content: int, reader: Reader) -> Struct:
    if content == _STRING:
        text = reader.varstring()
        length = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
        return struct._replace(length=length, is_text=True)
    if content == _TYPE:
        return struct._replace(type=_type(reader))
    reading = _CONTENTS.get(content)
    if reading is None:
        raise FrameError(f"The update has content of kind {content}, which no client writes.")
    length = reading(reader)
    if not length:
        raise FrameError("Something in the update has no length.")
    return struct._replace(length=length, is_text=content in _IN_TEXTS, is_gone=content == _DELETED)


def _id(reader: Reader) -> Id:
    of, at = reader.varuint(), reader.varuint()
    if at > _MAX_CLOCK:
        raise FrameError("A struct of the update refers to what is too far away.")
    return of, at


def named(struct: Struct) -> tuple[Id, ...]:
    """Return the ids that *struct* names."""
    return (*struct.beside, struct.inside) if isinstance(struct.inside, tuple) else struct.beside


def _foresees(struct: Struct) -> bool:
    """Tell whether *struct* refers to what its own client wrote later."""
    return any(client == struct.client and at >= struct.clock for client, at in named(struct))


def _deletions(reader: Reader) -> Iterator[tuple[int, int, int]]:
    clients = set()
    for _ in range(reader.varuint()):
        client = reader.varuint()
        if client in clients:
            raise FrameError("A client stands twice among the deletions of the update.")
        clients.add(client)
        for _ in range(reader.varuint()):
            at, count = reader.varuint(), reader.varuint()
            if at + count > _MAX_CLOCK:
                raise FrameError("A deletion of the update ends too far away.")
            yield client, at, count


# What a struct holds; each returns its length, but for a shared type: which it is.


def _deleted(reader: Reader) -> int:
    return reader.varuint()


def _binary(reader: Reader) -> int:
    reader.varbytes()
    return 1


def _embed(reader: Reader) -> int:
    if _depth(load(reader.varstring(), "Text in the update")) > DEEPEST:
        raise FrameError(f"A value in the update is nested deeper than {DEEPEST}.")
    return 1


def _format(reader: Reader) -> int:
    reader.varstring()
    return _embed(reader)


def _type(reader: Reader) -> int:
    kind = reader.varuint()
    if kind not in _TYPES:
        raise FrameError(f"The update has a shared type of kind {kind}, which is not known here.")
    if kind == _ELEMENT:
        reader.varstring()
    return kind


def _values(reader: Reader) -> int:
    count = reader.varuint()
    for _ in range(count):
        _value(reader, 0)
    return count


def _value(reader: Reader, depth: int) -> None:
    """Read what lib0 calls *any*."""
    kind = reader.byte()
    if kind == 119:
        reader.varstring()
    elif kind == 125:
        reader.varint()
    elif kind in _FIXED:
        reader.skip(_FIXED[kind])
    elif kind == 116:
        reader.varbytes()
    elif kind in {117, 118}:
        if depth >= DEEPEST:
            raise FrameError(f"A value in the update is nested deeper than {DEEPEST}.")
        for _ in range(reader.varuint()):
            if kind == 118:
                reader.varstring()
            _value(reader, depth + 1)
    else:
        raise FrameError(f"The update has a value of kind {kind}, which there is not.")


# undefined, null, float32, float64, bigint, false, true: how many bytes follow
_FIXED = {127: 0, 126: 0, 124: 4, 123: 8, 122: 8, 121: 0, 120: 0}
# 2, JSON as text, is what no client of Yjs 13 writes, and read otherwise by yrs than by Yjs; 9 is a document in the
# document, which none of ours is.
_CONTENTS = {
    _DELETED: _deleted,
    3: _binary,
    5: _embed,
    6: _format,
    8: _values,
}


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)
