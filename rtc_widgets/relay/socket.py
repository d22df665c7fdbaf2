"""Writing to WebSockets: a message is framed once, however many receive it, and handed to the system at once.

Tornado's `write_message` frames for each receiver, and makes a future and a task for each; with many receivers that is
most of what an edit costs (docs/performance.md).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tornado.iostream import IOStream, StreamClosedError

if TYPE_CHECKING:
    from tornado.websocket import WebSocketHandler

__all__ = ["framed", "write"]

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


def write(handler: WebSocketHandler, frame: bytes) -> None:
    """Send the bytes of a frame; harmless where the socket is closed, for then `on_close` follows."""
    connection = handler.ws_connection
    if connection is None or connection.is_closing():
        return
    stream = connection.stream
    if stream is None:
        return
    try:
        # Past the stream's buffer while there is nothing in it. What the system does not take goes there, and so does
        # all of an encrypted stream.
        if type(stream) is IOStream and not stream.writing() and not stream.closed():
            sent = _send(stream, frame)
            if sent == len(frame):
                return
            frame = frame[sent:]
        stream.write(frame)
    except StreamClosedError:
        pass


def _send(stream: IOStream, frame: bytes) -> int:
    try:
        return stream.socket.send(frame)
    except OSError:  # it takes nothing at present, or never again: the stream finds out
        return 0
