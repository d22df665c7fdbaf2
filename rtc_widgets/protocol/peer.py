"""One sender's frames, decoded: the parts put together, each frame a value (section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from rtc_widgets.protocol import auth, awareness, event, parts, query_awareness, request, status, sync
from rtc_widgets.protocol.codec import Reader

__all__ = ["Decoded", "FrameReader", "FrameWriter", "Unknown", "decode"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stand for a frame of a type that a later version may define; it is ignored."""

    type: int


Decoded = (
    sync.Step1
    | sync.Step2
    | sync.Update
    | awareness.Awareness
    | auth.Denied
    | query_awareness.QueryAwareness
    | status.Status
    | request.Request
    | request.Response
    | event.Event
    | parts.Part
    | Unknown
)

_DECODERS = {
    sync.TYPE: sync.decode,
    awareness.TYPE: awareness.decode,
    auth.TYPE: auth.decode,
    query_awareness.TYPE: query_awareness.decode,
    status.TYPE: status.decode,
    request.REQUEST: request.decode_request,
    request.RESPONSE: request.decode_response,
    event.TYPE: event.decode,
    parts.TYPE: parts.decode,
}


def decode(frame: bytes) -> Decoded:
    """Decode one frame.

    Raises:
        FrameError: the frame is malformed.
    """
    reader = Reader(frame)
    type_ = reader.varuint()
    decoder = _DECODERS.get(type_)
    return Unknown(type_) if decoder is None else decoder(reader)


class FrameReader:
    """Decode the frames of one sender about one document.

    Args:
        limit: the largest frame put together from parts, in bytes.
    """

    def __init__(self, limit: int = 2**28) -> None:
        self._assembler = parts.Assembler(limit)

    def receive(self, frame: bytes) -> Decoded | None:
        """Return what *frame* says, or None when it is a part that is not the last.

        Raises:
            FrameError: the frame is malformed.
            FrameTooLarge: the whole is over the limit.
        """
        value = decode(frame)
        if not isinstance(value, parts.Part):
            return value
        whole = self._assembler.receive(value)
        return None if whole is None else decode(whole)

    def reset(self) -> None:
        """Forget an unfinished frame, after a gap."""
        self._assembler.reset()


class FrameWriter:
    """Split the frames of one sender about one document where they are over the limit.

    Args:
        limit: bytes a message, the welcome's ``limits.frame``.
    """

    def __init__(self, limit: int = 2**20) -> None:
        self.limit = limit
        self._id = 0

    def split(self, frame: bytes) -> list[bytes]:
        """Return the messages' payloads that carry *frame*."""
        if len(frame) <= self.limit:
            return [frame]
        self._id += 1
        return parts.split(frame, self.limit, self._id)
