"""A WebSocket client that costs next to nothing, so that it is the server that is measured."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import struct
import time
from collections.abc import Callable, Mapping

__all__ = ["Wire", "connect"]


class Wire(asyncio.Protocol):
    """Be one connection.

    Args:
        request: the bytes that ask for the upgrade.
    """

    def __init__(self, request: bytes) -> None:
        self.received = 0
        """Bytes, framing included, since the upgrade."""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: str | None = None
        self.patient = False
        """Whether to keep what arrives, with its time, until `catch_up`.

        With many connections in one process, what one of them does with a message delays the next one's arrival.
        """
        self._kept: list[tuple[float, bytes]] = []
        self._request = request
        self._hear: Callable[[float, bytes], None] | None = None
        self._buffer = bytearray()
        self._parts = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = self.closed or str(exc or "the server hung up")
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(self.closed))

    def send(self, payload: bytes, opcode: int = 2) -> None:
        """Send one message; a mask of zeros is a mask."""
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
        elif length < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
        self._transport.write(head + b"\0\0\0\0" + payload)

    def listen(self, hear: Callable[[float, bytes], None]) -> None:
        """Call *hear* with the time and the payload of each message, those included that are here already."""
        self._hear = hear
        self._deliver(time.perf_counter())

    def close(self) -> None:
        """Close, as a browser does that leaves the page."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if self.patient:
            self.received += len(data)
            self._kept.append((now, data))
            return
        buffer = self._buffer
        buffer += data
        if not self.opened.done():
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(buffer[:end])
            del buffer[: end + 4]
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.opened.set_exception(ConnectionError(head.decode(errors="replace")[:300]))
                self._transport.close()
                return
            self.opened.set_result(None)
            self.received += len(buffer)
        else:
            self.received += len(data)
        self._deliver(now)

    def catch_up(self) -> None:
        """Deliver what was kept."""
        kept, self._kept = self._kept, []
        for now, data in kept:
            self._buffer += data
            self._deliver(now)

    def _deliver(self, now: float) -> None:
        position, buffer = 0, self._buffer
        while self._hear is not None and (found := _frame(buffer, position)) is not None:
            opcode, last, payload, position = found
            self._take(now, opcode, last, payload)
        del buffer[:position]

    def _take(self, now: float, opcode: int, last: bool, payload: bytes) -> None:
        if opcode == 9:
            self.send(payload, 10)
        elif opcode == 8:
            self.closed = f"closed: {payload!r}"
        elif opcode in {0, 1, 2}:
            assert self._hear is not None
            if last and not self._parts:
                self._hear(now, payload)
                return
            self._parts += payload
            if last:
                whole, self._parts = bytes(self._parts), bytearray()
                self._hear(now, whole)


def _frame(buffer: bytearray, start: int) -> tuple[int, bool, bytes, int] | None:
    """Return opcode, whether it is the last part, payload and end of the frame at *start*, once it is there."""
    have = len(buffer) - start
    if have < 2:
        return None
    length, head = buffer[start + 1] & 127, 2
    if length >= 126:
        size = 2 if length == 126 else 8
        head += size
        if have < head:
            return None
        length = int.from_bytes(buffer[start + 2 : start + head])
    end = start + head + length
    if len(buffer) < end:
        return None
    return buffer[start] & 15, bool(buffer[start] & 128), bytes(buffer[start + head : end]), end


async def connect(port: int, path: str, headers: Mapping[str, str] | None = None) -> Wire:
    """Open a WebSocket to this machine."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(lambda: Wire(request), "127.0.0.1", port)
    await wire.opened
    return wire
