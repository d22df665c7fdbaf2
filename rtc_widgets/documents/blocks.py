"""Which blocks a document is made of: the ids at which they begin, read from an update in Yjs' format v1.

pycrdt tells where the first character of a block stands, and is wrong behind it where text is not ASCII: it adds
UTF-16 units to bytes (pycrdt #382). So who wants to be exact must know where blocks begin.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Block", "Blocks", "Parent", "read_state", "scan"]

# Varuints, to be skipped.
_SKIPS = [re.compile(rb"(?:[\x80-\xff]*[\x00-\x7f]){%d}" % count) for count in range(5)]

_GC, _DELETED, _JSON, _BINARY, _STRING, _EMBED, _FORMAT, _TYPE, _ANY, _DOC, _SKIP = range(11)

# Bytes of a value behind its tag, for those that have a fixed length.
_FIXED = {127: 0, 126: 0, 124: 4, 123: 8, 122: 8, 121: 0, 120: 0}


# A shared type: the id of the item that it is, or its name where it is a root.
Parent = tuple[int, int] | str


class Block(NamedTuple):
    """Hold one run of characters.

    Args:
        clock: of the first.
        size: in UTF-8 bytes; none where it was deleted and has lost its characters.
        alive: whether it is in the text still.
        parent: the text that it is or was in; None where that is not known.
    """

    clock: int
    size: int
    alive: bool
    parent: Parent | None


class _Beside(NamedTuple):
    """Say that a run is in the text in which a character is."""

    client: int
    clock: int


@dataclass(slots=True)
class _Client:
    clocks: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    links: list[Parent | _Beside | None] = field(default_factory=list)
    deleted: list[tuple[int, int]] = field(default_factory=list)


class Blocks:
    """Know the runs of characters of a document, of all its texts, deleted ones included."""

    def __init__(self, clients: dict[int, _Client]) -> None:
        self._clients = clients

    def find(self, client: int, clock: int) -> Block | None:
        """Return the run in which a character is or was, None where there is none such, or no more."""
        index = self._index(client, clock)
        return None if index is None else self._at(client, index)

    def down_from(self, client: int, clock: int) -> Iterator[Block]:
        """Yield the runs in the texts that begin at *clock* or before, the nearest first."""
        known = self._clients.get(client)
        last = bisect_right(known.clocks, clock) if known else 0
        blocks = (self._at(client, index) for index in reversed(range(last)))
        return (block for block in blocks if block.alive)

    def _at(self, client: int, index: int) -> Block:
        known = self._clients[client]
        clock = known.clocks[index]
        place = bisect_right(known.deleted, (clock, 2**53)) - 1
        alive = place < 0 or clock >= sum(known.deleted[place])
        return Block(clock, known.sizes[index], alive, self._parent(client, index))

    def _index(self, client: int, clock: int) -> int | None:
        known = self._clients.get(client)
        index = bisect_right(known.clocks, clock) - 1 if known else -1
        return index if known and index >= 0 and clock < known.ends[index] else None

    def _parent(self, client: int, index: int) -> Parent | None:
        """Follow a run's neighbours to one that says in which text it is, and note it at all of them."""
        way: list[tuple[list[Parent | _Beside | None], int]] = []
        links, at = self._clients[client].links, index
        link = links[at]
        while isinstance(link, _Beside):
            way.append((links, at))
            beside = self._index(link.client, link.clock)
            if beside is None:
                link = None
                break
            links, at = self._clients[link.client].links, beside
            link = links[at]
        for links, passed in way:
            links[passed] = link
        return link


def read_state(state: bytes) -> dict[int, int]:
    """Return the clock behind the last one of each client, from a state vector."""
    count, at = _varuint(state, 0)
    clocks = {}
    for _ in range(count):
        client, at = _varuint(state, at)
        clocks[client], at = _varuint(state, at)
    return clocks


def scan(update: bytes) -> Blocks:
    """Return the blocks of a document from its whole update.

    Raises:
        ValueError: it holds something that this version of the format does not know.
    """
    clients: dict[int, _Client] = {}
    try:
        count, at = _varuint(update, 0)
        for _ in range(count):
            at = _scan_client(update, at, clients)
        count, at = _varuint(update, at)
        for _ in range(count):
            client, at = _varuint(update, at)
            ranges, at = _varuint(update, at)
            deleted = clients.setdefault(client, _Client()).deleted
            for _ in range(ranges):
                clock, at = _varuint(update, at)
                length, at = _varuint(update, at)
                deleted.append((clock, length))
            deleted.sort()
    except IndexError:
        raise ValueError("The update ends too early.") from None
    return Blocks(clients)


def _scan_client(data: bytes, at: int, clients: dict[int, _Client]) -> int:
    count, at = _varuint(data, at)
    client, at = _varuint(data, at)
    clock, at = _varuint(data, at)
    known = clients.setdefault(client, _Client())
    for _ in range(count):
        info = data[at]
        kind = info & 31
        at += 1
        if kind in (_GC, _SKIP):
            length, at = _varuint(data, at)
            clock += length
            continue
        if kind in (_STRING, _DELETED):
            link, at = _read_place(data, at, info)
            known.links.append(link)
        else:
            at = _skip_place(data, at, info)
        if kind == _STRING:
            size, at = _varuint(data, at)
            length = _utf16_length(data[at : at + size])
            at += size
        elif kind == _DELETED:
            size = 0
            length, at = _varuint(data, at)
        else:
            length, at = _skip_content(data, at, kind)
            clock += length
            continue
        known.clocks.append(clock)
        clock += length
        known.ends.append(clock)
        known.sizes.append(size)
    return at


def _skip_place(data: bytes, at: int, info: int) -> int:
    """Skip where an item stands: its neighbours, or its parent and the key under which it is there."""
    if info & 192:
        return _skip(data, at, 4 if info & 192 == 192 else 2)
    in_root, at = _varuint(data, at)
    at = _skip_string(data, at) if in_root else _skip(data, at, 2)
    return _skip_string(data, at) if info & 32 else at


def _read_place(data: bytes, at: int, info: int) -> tuple[Parent | _Beside, int]:
    """Return what an item says of the text that it is in, and where that ends."""
    if info & 192:
        client, at = _varuint(data, at)
        clock, at = _varuint(data, at)
        return _Beside(client, clock), _skip(data, at, 2) if info & 192 == 192 else at
    in_root, at = _varuint(data, at)
    if in_root:
        length, at = _varuint(data, at)
        name = data[at : at + length].decode(errors="replace")
        at += length
        return name, _skip_string(data, at) if info & 32 else at
    client, at = _varuint(data, at)
    clock, at = _varuint(data, at)
    return (client, clock), _skip_string(data, at) if info & 32 else at


def _skip_content(data: bytes, at: int, kind: int) -> tuple[int, int]:
    """Return the length of a content that is no text, and where it ends."""
    length = 1
    if kind == _ANY:
        length, at = _varuint(data, at)
        at = _skip_values(data, at, length)
    elif kind == _TYPE:
        type_, at = _varuint(data, at)
        at = _skip_string(data, at) if type_ in (3, 5) else at
    elif kind == _JSON:
        length, at = _varuint(data, at)
        for _ in range(length):
            at = _skip_string(data, at)
    elif kind in (_BINARY, _EMBED):
        at = _skip_string(data, at)
    elif kind == _FORMAT:
        at = _skip_string(data, _skip_string(data, at))
    elif kind == _DOC:
        at = _skip_values(data, _skip_string(data, at), 1)
    else:
        raise ValueError(f"The update holds content of kind {kind}.")
    return length, at


def _skip_values(data: bytes, at: int, count: int) -> int:
    """Skip *count* values; what is in a list or a map is skipped in the same loop, however deep it is."""
    open_: list[tuple[int, bool]] = []
    left, keyed = count, False
    while left or open_:
        if not left:
            left, keyed = open_.pop()
            continue
        left -= 1
        at = _skip_string(data, at) if keyed else at
        tag = data[at]
        at += 1
        if tag in (119, 116):
            at = _skip_string(data, at)
        elif tag in (118, 117):
            open_.append((left, keyed))
            left, at = _varuint(data, at)
            keyed = tag == 118
        elif tag == 125:
            at = _skip(data, at, 1)
        elif tag in _FIXED:
            at += _FIXED[tag]
        else:
            raise ValueError(f"The update holds a value of kind {tag}.")
    return at


def _varuint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 128:
        return byte, at + 1
    number, shift = byte & 127, 7
    while True:
        at += 1
        byte = data[at]
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at + 1
        shift += 7


def _skip(data: bytes, at: int, count: int) -> int:
    found = _SKIPS[count].match(data, at)
    if found is None:
        raise IndexError
    return found.end()


def _skip_string(data: bytes, at: int) -> int:
    length, at = _varuint(data, at)
    return at + length


def _utf16_length(data: bytes) -> int:
    if data.isascii():
        return len(data)
    return len(data.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")) // 2
