"""Writing to WebSockets: a message is framed once, however many receive it, and handed to the system at once.

Tornado's `write_message` frames for each receiver, and makes a future and a task for each; with many receivers that is
most of what an edit costs (docs/performance.md).
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

from tornado.iostream import IOStream, StreamClosedError

if TYPE_CHECKING:
    from tornado.websocket import WebSocketHandler

__all__ = ["SocketWriter", "framed"]

# RFC 6455, 5.2: the only frame of a message, and of a binary one.
_BINARY = 0x82


def framed(message: bytes) -> bytes:
    """Return *message* as the bytes of one binary WebSocket frame of a server."""
    length = len(message)
    if length < 126:
        return bytes((_BINARY, length)) + message
    if length < 65536:
        return struct.pack("!BBH", _BINARY, 126, length) + message
    return struct.pack("!BBQ", _BINARY, 127, length) + message


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
            frames = frames[sent:]
        with contextlib.suppress(StreamClosedError):
            self._stream.write(frames)
