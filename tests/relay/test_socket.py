"""Writing past Tornado: whole messages, in order, whatever the system takes at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler
from websockets.asyncio.client import ClientConnection, connect

from rtc_widgets.relay.socket import SocketWriter, framed


class Handler(WebSocketHandler):
    opened: list[SocketWriter]

    def open(self, *args: str, **kwargs: str) -> None:
        self.opened.append(SocketWriter(self))


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
