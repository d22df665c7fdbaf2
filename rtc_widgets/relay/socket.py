"""WebSockets without what Tornado spends on each message: framed once however many receive it, read in one piece.

And without what it keeps for one who does not read: what waits is bounded.

Tornado's `write_message` frames for each receiver, and makes a future and a task for each; with many receivers that is
most of what an edit costs. To read a message it asks its stream four times (docs/performance.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado.iostream import IOStream, StreamClosedError

from rtc_widgets.relay.ticking import Ticking

if TYPE_CHECKING:
    from tornado.websocket import WebSocketHandler

__all__ = ["Pinger", "SocketReader", "SocketWriter", "framed"]

# RFC 6455, 5.2: the only frame of a message, and of a binary one.
_BINARY = 0x82
# Bytes to ask for: a key and a cursor, and many of them.
_CHUNK = 65536
# Bytes of what waits that are handed on at once.
_BATCH = 2**18


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

    What the other end does not take waits here, in whole frames, and one piece at a time is handed to the stream: so a
    ping, or the close, does not wait behind all of it. Whoever does not read what others write is given up when that
    is more than the bound. What it asked for, its documents, is not counted, for a line may be slow and a document
    large: only when more of that than the bound waits already it counts, too. So what is kept for one connection is at
    most twice the bound and one document.

    Args:
        bound: bytes that may wait.
        given_up: called once when more waits; from then on nothing is sent.
    """

    __slots__ = (
        "_asked",
        "_bound",
        "_busy",
        "_direct",
        "_given_up",
        "_handler",
        "_over",
        "_queue",
        "_stream",
        "_told",
    )

    def __init__(self, handler: WebSocketHandler, bound: int, given_up: Callable[[], None]) -> None:
        assert handler.ws_connection is not None
        assert handler.ws_connection.stream is not None
        self._handler = handler
        self._stream = handler.ws_connection.stream
        # An encrypted stream has bytes of its own to send.
        self._direct = self._stream.socket.send if type(self._stream) is IOStream else None
        self._bound = bound
        self._given_up = given_up
        self._queue: deque[tuple[bytes, bool]] = deque()
        self._told = self._asked = (
            0  # bytes in the queue: of what others wrote, and of what this peer asked for
        )
        self._busy = 0  # bytes of the piece that the stream has, and has not sent
        self._over = False

    @property
    def unsent(self) -> int:
        """Return how many bytes wait, with all of the piece that is being sent."""
        return self._told + self._asked + self._busy

    @property
    def crowded(self) -> bool:
        """Tell whether so much of what the peer asked for waits that it is to ask for nothing more."""
        return self._asked > self._bound

    @property
    def over(self) -> bool:
        """Tell whether the peer was given up."""
        return self._over

    @property
    def taken(self) -> int | None:
        """Return a number that grows while the other end takes what waits for it; None where nothing waits."""
        return self._stream._total_write_done_index if self._busy else None  # noqa: SLF001

    def __call__(self, frames: bytes, asked: bool = False) -> None:
        """Send whole frames; *asked* where the peer asked for them."""
        if self._handler.ws_connection is None or self._over:
            return
        if self._busy:
            self._wait(frames, asked)
        # Past the stream's buffer while there is nothing in it; what the system does not take goes there.
        elif self._direct is not None and not self._stream.writing():
            try:
                sent = self._direct(frames)
            except OSError:  # it takes nothing at present, or never again: the stream finds out
                sent = 0
            if sent < len(frames):
                self._hand_on(memoryview(frames)[sent:])
        else:
            self._hand_on(frames)

    def _hand_on(self, piece: bytes | memoryview) -> None:
        with contextlib.suppress(StreamClosedError):
            future: Any = self._stream.write(piece)
            if not future.done():
                self._busy = len(piece)
                future.add_done_callback(self._went)

    def _wait(self, frames: bytes, asked: bool) -> None:
        asked = asked and not self.crowded
        if asked:
            self._asked += len(frames)
        else:
            self._told += len(frames)
        self._queue.append((frames, asked))
        if self._told > self._bound:
            self._over = True
            self._forget()
            self._given_up()

    def _went(self, piece: asyncio.Future[None]) -> None:
        """Go on: the stream has sent what it had, or it is closed."""
        self._busy = 0
        if piece.cancelled() or piece.exception() is not None:
            self._forget()
        while self._queue and not self._busy:
            batch, size = [], 0
            while self._queue and size < _BATCH:
                frames, asked = self._queue.popleft()
                if asked:
                    self._asked -= len(frames)
                else:
                    self._told -= len(frames)
                batch.append(frames)
                size += len(frames)
            self._hand_on(batch[0] if len(batch) == 1 else b"".join(batch))

    def _forget(self) -> None:
        self._queue.clear()
        self._told = self._asked = 0


class Pinger:
    """Ping, and hang up on a peer that is gone: one that neither answers nor takes what is sent to it.

    On a slow line the answer to a ping may take longer than any time-out, behind a large document: who takes bytes is
    there.

    Args:
        handler: whose WebSocket is open, and whose ``on_pong`` calls `heard`.
        writer: what sends on it.
        interval: seconds; a peer that vanished is noticed within two of them.
    """

    def __init__(self, handler: WebSocketHandler, writer: SocketWriter, interval: float) -> None:
        self._handler = handler
        self._writer = writer
        self._heard = True
        self._taken: int | None = None
        self._timer = Ticking(self._beat, interval)

    def heard(self) -> None:
        """Note an answer."""
        self._heard = True

    def stop(self) -> None:
        """Ping no more."""
        self._timer.stop()

    def _beat(self) -> None:
        if self._handler.ws_connection is None:
            return
        taken = self._writer.taken
        # Also where nothing waits any more, for much of it may still be with the system.
        took = taken != self._taken
        self._taken = taken
        if self._heard:
            self._heard = False
            self._handler.ping(b"")
        elif not took:
            self._handler.close(reason="ping timed out")


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
