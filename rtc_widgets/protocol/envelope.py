"""Jupyter comm messages in the layout ``v1.kernel.websocket.jupyter.org`` (section 2).

The layout is jupyter_server's (``jupyter_server/services/kernels/connection/base.py``); written here again because a
client must not depend on jupyter_server.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.json_text import dump, load

__all__ = ["SUBPROTOCOL", "TARGET", "Message", "carry", "close", "comm", "open_", "pack", "unpack"]

SUBPROTOCOL = "v1.kernel.websocket.jupyter.org"
TARGET = "rtc_widgets.document"

_TYPES = frozenset({"comm_open", "comm_msg", "comm_close"})
# channel, header, parent_header, metadata, content
_PARTS = 5
_SHORT = 256  # bytes of a header that is worth remembering


@dataclass(frozen=True, slots=True)
class Message:
    """Hold one comm message: its type, its content and its binary buffers."""

    msg_type: str
    content: dict[str, Any]
    buffers: list[bytes] = field(default_factory=list)

    @property
    def comm_id(self) -> str:
        """Return the comm id, which names the document."""
        return str(self.content["comm_id"])

    @property
    def data(self) -> dict[str, Any]:
        """Return ``content.data``."""
        data: dict[str, Any] = self.content.get("data") or {}
        return data


def open_(comm_id: str, data: Mapping[str, Any], frames: Sequence[bytes] = ()) -> Message:
    """Return the message that opens a document."""
    return Message("comm_open", {"comm_id": comm_id, "target_name": TARGET, "data": dict(data)}, list(frames))


def comm(comm_id: str, frames: Sequence[bytes], data: Mapping[str, Any] | None = None) -> Message:
    """Return a message that carries frames of a document."""
    return Message("comm_msg", {"comm_id": comm_id, "data": dict(data or {})}, list(frames))


def close(comm_id: str, code: str, reason: str) -> Message:
    """Return the message that closes a document."""
    return Message("comm_close", {"comm_id": comm_id, "data": {"code": code, "reason": reason}})


def pack(message: Message, channel: str = "shell", header: Mapping[str, Any] | None = None) -> bytes:
    """Encode *message*; the header holds nothing but the type unless *header* adds to it."""
    parts = [
        channel.encode(),
        dump({"msg_type": message.msg_type, **(header or {})}),
        b"{}",
        b"{}",
        dump(message.content),
        *message.buffers,
    ]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return b"".join([struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets), *parts])


def carry(comm_id: str, frame: bytes) -> bytes:
    """Encode a message from the relay that carries one frame: ``pack(comm(comm_id, [frame]), "iopub")``.

    Only the last offset and the frame differ from one such message of a document to the next.
    """
    offsets, end, parts = _around_a_frame(comm_id)
    return b"".join((offsets, struct.pack("<Q", end + len(frame)), parts, frame))


@lru_cache(maxsize=1024)
def _around_a_frame(comm_id: str) -> tuple[bytes, int, bytes]:
    message = pack(comm(comm_id, [b""]), "iopub")
    start = 8 * (_PARTS + 3)
    return message[: start - 8], len(message), message[start:]


def unpack(data: bytes) -> Message:
    """Decode a WebSocket message.

    Raises:
        FrameError: it is not an envelope of a comm message.
    """
    parts = _split(data)
    header = parts[1]
    msg_type = (_known_type if len(header) <= _SHORT else _type)(header)
    content = _load(parts[4])
    if not isinstance(content.get("comm_id"), str):
        raise FrameError("The message has no comm_id.")
    if not isinstance(content.get("data", {}), dict):
        raise FrameError("The message's data is not an object.")
    return Message(msg_type, content, parts[_PARTS:])


def _type(header: bytes) -> str:
    msg_type = _load(header).get("msg_type")
    if not isinstance(msg_type, str) or msg_type not in _TYPES:
        raise FrameError(f"A message of type {msg_type!r} is none of {', '.join(sorted(_TYPES))}.")
    return msg_type


# Most headers hold nothing but the type, and are the same each time.
_known_type = lru_cache(maxsize=64)(_type)


def _split(data: bytes) -> list[bytes]:
    if len(data) < 8:
        raise FrameError("The message is shorter than its own header.")
    (count,) = struct.unpack_from("<Q", data)
    if not _PARTS + 1 <= count <= len(data) // 8:
        raise FrameError(f"A message with {count} offsets is no envelope.")
    if len(data) < 8 * (count + 1):
        raise FrameError("The message ends inside its offsets.")
    offsets = struct.unpack_from(f"<{count}Q", data, 8)
    if offsets[0] != 8 * (count + 1) or offsets[-1] != len(data):
        raise FrameError("The offsets do not span the message.")
    if sorted(offsets) != list(offsets):
        raise FrameError("The offsets of the message do not ascend.")
    return [data[start:stop] for start, stop in itertools.pairwise(offsets)]


def _load(part: bytes) -> dict[str, Any]:
    value = load(part, "A part of the message")
    if not isinstance(value, dict):
        raise FrameError("A part of the message is not a JSON object.")
    return value
