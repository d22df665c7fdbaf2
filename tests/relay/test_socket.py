"""Writing and reading past Tornado: whole messages, in order, whatever the system takes or brings at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtc_widgets.relay.socket import Pinger, SocketReader, SocketWriter, framed

BOUND = 2**20


class Handler(WebSocketHandler):
    opened: list[SocketWriter]
    given_up: int
    interval: float | None = None
    pinger: Pinger | None = None

    def open(self, *args: str, **kwargs: str) -> None:
        SocketReader(self)
        writer = SocketWriter(self, BOUND, self.give_up)
        self.opened.append(writer)
        if self.interval is not None:
            self.pinger = Pinger(self, writer, self.interval)

    def give_up(self) -> None:
        Handler.given_up += 1
        self.close(4408, "too-slow")

    def on_pong(self, data: bytes) -> None:
        if self.pinger is not None:
            self.pinger.heard()

    def on_close(self) -> None:
        if self.pinger is not None:
            self.pinger.stop()

    def on_message(self, message: str | bytes) -> None:
        assert isinstance(message, bytes)
        self.opened[0](framed(message))


@asynccontextmanager
async def listening(interval: float | None = None) -> AsyncIterator[int]:
    """Serve the handler, and return the port."""
    Handler.opened, Handler.given_up, Handler.interval = [], 0, interval
    server = HTTPServer(Application([("/", Handler)]))
    listener, port = bind_unused_port()
    if interval is not None:  # the system keeps little, so that what is read tells what was sent
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)
    server.add_socket(listener)
    try:
        yield port
    finally:
        server.stop()
        await server.close_all_connections()


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[SocketWriter, ClientConnection]]:
    async with (
        listening() as port,
        connect(f"ws://127.0.0.1:{port}", max_size=None, ping_interval=None) as client,
    ):
        yield Handler.opened[0], client


@asynccontextmanager
async def bare(interval: float) -> AsyncIterator[tuple[SocketWriter, socket.socket]]:
    """Open a WebSocket whose other end is a socket that reads, and answers, only what the test does."""
    async with listening(interval) as port:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", port))
            ask = "GET / HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade"
            key = "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            await loop.sock_sendall(client, "\r\n".join([*ask, *key, "", ""]).encode())
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += await loop.sock_recv(client, 1)
            yield Handler.opened[0], client


def fill(write: SocketWriter) -> list[bytes]:
    """Write what the system takes, until something waits, and return it; nobody reads while this runs."""
    written = []
    while not write.unsent:
        written.append(bytes([len(written) % 256]) * 2**16)
        write(framed(written[-1]))
    return written


async def read_all(client: ClientConnection, into: list[str | bytes]) -> None:
    while True:
        into.append(await client.recv())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_messages_of_every_length_arrive_whole_and_in_order():
    async with connection() as (write, client):
        # More than the system takes while nobody reads, then small ones behind it.
        messages = [bytes([i]) * size for i, size in enumerate((0, 125, 126, 65535, 65536, 2**24, 1, 126, 3))]
        for message in messages:
            write(framed(message))
        assert [await client.recv() for _ in messages] == messages
        # Written as one, they are still several.
        write(framed(b"a") + framed(b"b"))
        assert [await client.recv(), await client.recv()] == [b"a", b"b"]


async def test_writing_to_a_socket_that_is_gone_is_harmless():
    async with connection() as (write, client):
        client.transport.abort()
        for _ in range(100):
            write(framed(bytes(10_000)))
        await client.wait_closed()
        write(framed(b"more"))


async def test_messages_of_every_length_are_read_whole_and_in_order():
    async with connection() as (_, client):
        messages = [
            bytes([i]) * size for i, size in enumerate((0, 125, 126, 65530, 65535, 65536, 200_000, 2**22, 1))
        ]
        # Small ones arrive together and what is large in many pieces.
        messages += [b"%d" % i for i in range(500)]
        for message in messages:
            await client.send(message)
        assert [await client.recv() for _ in messages] == messages


async def test_a_message_in_fragments_is_read_whole():
    async with connection() as (_, client):
        await client.send([b"one ", bytes(70_000), b" two"])
        assert await client.recv() == b"one " + bytes(70_000) + b" two"
        pong = await client.ping()
        await pong


async def test_who_does_not_read_is_given_up_when_more_waits_than_the_bound():
    async with connection() as (write, client):
        written = fill(write)
        piece = write.unsent  # is being sent, and does not count
        write(bytes(BOUND))
        assert not write.over, "the bound itself may wait"
        assert write.unsent == piece + BOUND
        write(b"\0")
        assert write.over and Handler.given_up == 1
        assert write.unsent == piece, "nothing is kept for it any more"
        for _ in range(10):
            write(bytes(BOUND))
        assert Handler.given_up == 1 and write.unsent == piece
        # It gets whole messages, and the code at once behind what was under way.
        received: list[str | bytes] = []
        with pytest.raises(ConnectionClosed) as closed:
            await read_all(client, received)
        assert received == written
        assert closed.value.rcvd.code == 4408


async def test_what_waits_is_sent_in_order_and_whole():
    async with connection() as (write, client):
        written = fill(write)
        for size in (0, 1, 125, 126, 65536, 200_000, 300_000, 5):
            written.append(bytes([size % 256]) * size)
            write(framed(written[-1]))
        assert [await client.recv() for _ in written] == written
        assert write.unsent == 0 and not write.over
        write(framed(b"and on"))
        assert await client.recv() == b"and on"


async def test_what_it_asked_for_is_not_counted_until_as_much_of_that_waits():
    async with connection() as (write, _):
        fill(write)
        write(bytes(5 * BOUND), asked=True)
        assert not write.over, "a document may be larger than the bound"
        assert write.crowded, "and it may ask for no other yet"
        write(bytes(BOUND))
        assert not write.over, "others may write meanwhile"
        write(b"\0", asked=True)
        assert write.over, "asking for more and more does not get round the bound"


async def test_what_it_asked_for_counts_no_more_once_it_is_sent():
    async with connection() as (write, client):
        written = fill(write)
        written.append(bytes(2 * BOUND))
        write(framed(written[-1]), asked=True)
        assert write.crowded
        assert [await client.recv() for _ in written] == written
        assert not write.crowded and write.unsent == 0


async def test_who_neither_answers_nor_takes_anything_is_gone():
    async with bare(0.05) as (write, _):
        fill(write)
        await until(lambda: write._handler.ws_connection is None)


async def test_who_takes_what_is_sent_is_there_however_slowly():
    async with bare(0.5) as (write, client):
        loop = asyncio.get_running_loop()
        document = framed(bytes(8 * 2**20))
        write(document)
        size = 0
        while size < len(document):
            # It answers no ping: those wait behind the document.
            data = await loop.sock_recv(client, 2**15)
            assert data, f"hung up after {size} bytes"
            size += len(data)
            await asyncio.sleep(0.01)
        assert write._handler.ws_connection is not None, "it was not hung up on"
