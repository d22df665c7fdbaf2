"""Writing and reading past Tornado: whole messages, in order, whatever the system takes or brings at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler
from websockets.asyncio.client import ClientConnection, connect

from rtc_widgets.relay.socket import SocketReader, SocketWriter, framed


class Handler(WebSocketHandler):
    opened: list[SocketWriter]

    def open(self, *args: str, **kwargs: str) -> None:
        SocketReader(self)
        self.opened.append(SocketWriter(self))

    def on_message(self, message: str | bytes) -> None:
        assert isinstance(message, bytes)
        self.opened[0](framed(message))


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[SocketWriter, ClientConnection]]:
    Handler.opened = []
    server = HTTPServer(Application([("/", Handler)]))
    socket, port = bind_unused_port()
    server.add_socket(socket)
    try:
        async with connect(f"ws://127.0.0.1:{port}", max_size=None, ping_interval=None) as client:
            yield Handler.opened[0], client
    finally:
        server.stop()
        await server.close_all_connections()


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
