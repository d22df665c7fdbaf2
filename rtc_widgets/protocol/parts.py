"""Parts: a frame that is longer than the limit travels in pieces (section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from rtc_widgets.errors import FrameError, ProtocolError
from rtc_widgets.protocol.codec import Reader, varuint

__all__ = ["MAX_PARTS", "TYPE", "Assembler", "FrameTooLarge", "Part", "decode", "split"]

TYPE = 68
MAX_PARTS = 4096


class FrameTooLarge(ProtocolError):
    """Tell that a frame is longer than the limit on a whole."""


@dataclass(frozen=True, slots=True)
class Part:
    """Carry one piece of a frame."""

    id: int
    index: int
    count: int
    piece: bytes


def split(frame: bytes, limit: int, id_: int) -> list[bytes]:
    """Return *frame* alone, or parts of at most *limit* payload bytes each.

    Args:
        frame: the encoded frame.
        limit: bytes; above it the frame is split. Doubled as often as `MAX_PARTS` demands.
        id_: a number that the sender uses for this frame only.
    """
    if len(frame) <= limit:
        return [frame]
    while len(frame) > limit * MAX_PARTS:
        limit *= 2
    whole = memoryview(frame)
    pieces = [whole[start : start + limit] for start in range(0, len(frame), limit)]
    count = varuint(len(pieces))
    return [
        varuint(TYPE) + varuint(id_) + varuint(index) + count + piece for index, piece in enumerate(pieces)
    ]


def decode(reader: Reader) -> Part:
    """Decode what follows the type of a part."""
    part = Part(reader.varuint(), reader.varuint(), reader.varuint(), reader.rest())
    if not part.index < part.count <= MAX_PARTS:
        raise FrameError(f"Part {part.index} of {part.count} cannot be (at most {MAX_PARTS}).")
    return part


class Assembler:
    """Put the parts of one sender together again.

    Args:
        limit: the largest whole in bytes; what is over it raises `FrameTooLarge`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._id = -1
        self._count = 0
        self._pieces: list[bytes] = []
        self._length = 0

    def receive(self, part: Part) -> bytes | None:
        """Take *part* and return the frame when it was the last one.

        Raises:
            FrameError: the part is not the one that must come next.
            FrameTooLarge: the whole is over the limit.
        """
        if part.index == 0 and not self._pieces and part.id > self._id:
            self._id, self._count = part.id, part.count
        elif (part.id, part.index, part.count) != (self._id, len(self._pieces), self._count):
            raise FrameError(f"Part {part.index} of frame {part.id} is out of order.")
        self._length += len(part.piece)
        if self._length > self._limit:
            raise FrameTooLarge(f"A frame of more than {self._limit} bytes.")
        self._pieces.append(part.piece)
        if len(self._pieces) < self._count:
            return None
        frame = b"".join(self._pieces)
        self._pieces, self._length = [], 0
        return frame

    def reset(self) -> None:
        """Forget an unfinished frame, after a gap on a channel that loses messages (section 8)."""
        self._pieces, self._length = [], 0
