"""WebSockets without what Tornado spends on each message: framed once however many receive it, read in one piece.

Tornado's `write_message` frames for each receiver, and makes a future and a task for each; with many receivers that is
most of what an edit costs. To read a message it asks its stream four times (docs/performance.md).
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING, Any

from tornado.iostream import IOStream, StreamClosedError

if TYPE_CHECKING:
    from tornado.websocket import WebSocketHandler

__all__ = ["SocketReader", "SocketWriter", "framed"]

# RFC 6455, 5.2: the only frame of a message, and of a binary one.
_BINARY = 0x82
# Bytes to ask for: a key and a cursor, and many of them.
_CHUNK = 65536


def framed(*messages: bytes) -> bytes:
    """Return each of *messages* as the bytes of one binary WebSocket frame of a server, one behind the other."""
    # In one go: a document of 10 MB is copied in 3 ms, each time.
    return b"".join(part for message in messages for part in (_head(len(message)), message))


def _head(length: int) -> bytes:
    if length < 126:
        return bytes((_BINARY, length))
    if length < 65536:
        return struct.pack("!BBH", _BINARY, 126, length)
    return struct.pack("!BBQ", _BINARY, 127, length)


class SocketWriter:
    """Send the bytes of frames over the WebSocket of *handler*, which is open.

    Harmless once it is closed, for then `on_close` follows.
    """

    __slots__ = ("_direct", "_handler", "_stream")

    def __init__(self, handler: WebSocketHandler) -> None:
        assert handler.ws_connection is not None
        assert handler.ws_connection.stream is not None
        self._handler = handler
        self._stream = handler.ws_connection.stream
        # An encrypted stream has bytes of its own to send.
        self._direct = self._stream.socket.send if type(self._stream) is IOStream else None

    def __call__(self, frames: bytes) -> None:
        """Send whole frames."""
        if self._handler.ws_connection is None:
            return
        # Past the stream's buffer while there is nothing in it; what the system does not take goes there.
        if self._direct is not None and not self._stream.writing():
            try:
                sent = self._direct(frames)
            except OSError:  # it takes nothing at present, or never again: the stream finds out
                sent = 0
            if sent == len(frames):
                return
            rest: bytes | memoryview = memoryview(frames)[sent:]
        else:
            rest = frames
        with contextlib.suppress(StreamClosedError):
            self._stream.write(rest)


class SocketReader:
    """Take the place of the `_read_bytes` of the connection of *handler*, which is open.

    A release of Tornado that has no such method reads as it always did.
    """

    __slots__ = ("_at", "_buffer", "_protocol", "_stream")

    def __init__(self, handler: WebSocketHandler) -> None:
        protocol: Any = handler.ws_connection
        self._protocol = protocol
        self._stream: IOStream = protocol.stream
        self._buffer = b""
        self._at = 0
        protocol._read_bytes = self.read  # noqa: SLF001

    async def read(self, count: int) -> bytes:
        """Return the next *count* bytes."""
        end = self._at + count
        if end > len(self._buffer):
            await self._fill(count)
            end = count
        data = self._buffer[self._at : end]
        self._at = end
        self._protocol._wire_bytes_in += count  # noqa: SLF001
        return data

    async def _fill(self, count: int) -> None:
        """Have at least *count* bytes at the beginning of the buffer."""
        have = self._buffer[self._at :]
        self._buffer, self._at = b"", 0
        while (missing := count - len(have)) > 0:
            more = await self._stream.read_bytes(max(missing, _CHUNK), partial=missing <= _CHUNK)
            have = have + more if have else more
        self._buffer = have
