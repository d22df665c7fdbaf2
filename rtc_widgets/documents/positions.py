"""Positions in a text that stay where they are while others type: Yjs' relative positions, exact on any Unicode.

They are JSON with all four keys, ``{type, tname, item, assoc}``, as in cursors (docs/protocol.md, 3.3), and mean
the same to Yjs. Offsets here are code points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycrdt import Assoc, Doc, StickyIndex, Text

from rtc_widgets.documents.blocks import Block, Blocks, Parent, read_state, scan
from rtc_widgets.documents.text import counts_bytes, utf8_offset

__all__ = ["Known", "Position", "Positions"]

Position = dict[str, Any]


class Known:
    """Know what is asked of a whole document, as it stands; each is read once, and only when somebody asks.

    ASCII text is asked of pycrdt. For other text the document's blocks are read.
    """

    def __init__(self, doc: Doc[Any]) -> None:
        self._doc = doc
        self._state: dict[int, int] | None = None
        self._blocks: Blocks | None = None

    def clock_of(self, client: int) -> int:
        """Return the clock behind the last one of a client."""
        if self._state is None:
            self._state = read_state(self._doc.get_state())
        return self._state.get(client, 0)

    @property
    def blocks(self) -> Blocks:
        """The runs of characters."""
        if self._blocks is None:
            try:
                self._blocks = scan(self._doc.get_update())
            except ValueError:
                # Written by a newer Yjs. Positions are not known then; who asks for them has the text to look for.
                self._blocks = Blocks({})
        return self._blocks


class Positions:
    """Make and find positions in one text. It must not change in the meantime."""

    def __init__(self, text: Text, known: Known) -> None:
        self.string = str(text)
        self._text = text
        self._known = known
        found = text.sticky_index(0, Assoc.BEFORE).to_json()
        self._type = {"type": found.get("type"), "tname": found.get("tname")}
        item = found.get("type")
        self._parent: Parent = (item["client"], item["clock"]) if item else found["tname"]

    def make(self, offset: int, assoc: int) -> Position:
        """Return the position at *offset*.

        Args:
            assoc: 0 stays with the character behind it, -1 with the one in front of it.
        """
        position: Position = {**self._type, "item": None, "assoc": assoc}
        at = offset - 1 if assoc < 0 else offset
        if 0 <= at < len(self.string):
            position["item"] = self._id_at(at, last_unit=assoc < 0)
        return position

    def find(self, position: Mapping[str, Any]) -> int | None:
        """Return the offset of a position, None where it is not in this text.

        Where its character was deleted, that is where it stood.
        """
        if {key: position.get(key) for key in ("type", "tname")} != self._type:
            return None
        after = position.get("assoc") != -1
        item = position.get("item")
        if item is None:
            return len(self.string) if after else 0
        client, clock = _id(item)
        if clock is None or clock >= self._known.clock_of(client):
            return None
        if self.string.isascii():
            return self._find_ascii(client, clock, after=after)
        return self._find_by_blocks(client, clock, after=after)

    def _find_ascii(self, client: int, clock: int, *, after: bool) -> int | None:
        at = self._native_offset(client, clock)
        if at is None or at > len(self.string):
            return None
        if at < len(self.string) and not after and self._native_id(at) == (client, clock):
            return at + 1
        return at

    def _find_by_blocks(self, client: int, clock: int, *, after: bool) -> int | None:
        block = self._known.blocks.find(client, clock)
        at = self._native_offset(client, block.clock) if block and block.parent == self._parent else None
        if block is None or at is None:
            return None
        start = _code_points(self.string, at)
        if not block.alive:
            return start
        units = clock - block.clock + (0 if after else 1)
        return start + _code_points_of_units(self.string[start : start + units], units)

    def _id_at(self, at: int, *, last_unit: bool) -> dict[str, int] | None:
        """Return the id of the first or the last UTF-16 unit of a character."""
        client, clock = self._native_id(at)
        if not self.string.isascii():
            found = self._block_of(at, client, clock)
            if found is None:
                return None
            block, start = found
            string = self.string
            clock = block.clock + _units(string[start:at]) + (_units(string[at]) - 1 if last_unit else 0)
        return {"client": client, "clock": clock}

    def _block_of(self, at: int, client: int, clock: int) -> tuple[Block, int] | None:
        """Return the block in which a character is, and the offset at which it begins.

        Args:
            clock: what pycrdt says: the clock of the block and, added to it, the bytes in front of the character.
        """
        native = _native(self.string, at)
        for block in self._known.blocks.down_from(client, clock):
            if block.parent != self._parent:
                continue
            start = self._native_offset(client, block.clock)
            if (
                start is not None
                and start + clock - block.clock == native
                and clock - block.clock < block.size
            ):
                return block, _code_points(self.string, start)
        return None

    def _native_id(self, at: int) -> tuple[int, int]:
        """Return the id that pycrdt gives a character: right where a block begins, and where all is ASCII."""
        item = self._text.sticky_index(_native(self.string, at), Assoc.AFTER).to_json()["item"]
        return item["client"], item["clock"]

    def _native_offset(self, client: int, clock: int) -> int | None:
        """Return where pycrdt says that a character is, in its unit: right where `_native_id` is."""
        item = {"client": client, "clock": clock}
        try:
            return StickyIndex.from_json({"item": item, "assoc": 0}, self._text).get_index()
        except BaseException as error:
            # A character of a text that is gone: Rust panics, which pycrdt hands on like this, and nothing is
            # harmed. It is seen only where somebody made a position up.
            if type(error).__name__ != "PanicException":
                raise
            return None


def _id(item: object) -> tuple[int, int | None]:
    """Return what an id of somebody else's JSON says; no clock where it is none."""
    client = item.get("client") if isinstance(item, Mapping) else None
    clock = item.get("clock") if isinstance(item, Mapping) else None
    valid = all(isinstance(part, int) and 0 <= part < 2**53 for part in (client, clock))
    return (client, clock) if valid else (0, None)  # type: ignore[return-value]


def _native(string: str, offset: int) -> int:
    return utf8_offset(string, offset) if counts_bytes() else offset


def _code_points(string: str, native: int) -> int:
    if not counts_bytes() or string.isascii():
        return native
    return len(string.encode()[:native].decode(errors="ignore"))


def _units(string: str) -> int:
    return len(string.encode("utf-16-le")) // 2


def _code_points_of_units(string: str, units: int) -> int:
    return len(string.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="ignore"))
