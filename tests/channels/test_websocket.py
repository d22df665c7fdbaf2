"""Documents on a WebSocket: the exam, and what a server may do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from rtc_widgets.channels.channel import Channel
from rtc_widgets.channels.inbox import Inbox
from rtc_widgets.channels.websocket import Connection
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.protocol import envelope
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.roles import Role
from rtc_widgets.testing import ChannelExam

WELCOME = Welcome(1, "0", Role.EDITOR, "lineage", "content", "a.ipynb", "room")
SPEAK: dict[str, Any] = {"versions": [1], "release": "0", "ticket": "t", "lineage": None}


class Relay:
    """The other end of a connection: welcomes what is opened, and numbers nothing."""

    def __init__(self) -> None:
        self.ends: dict[str, FarEnd] = {}
        self.opened: list[envelope.Message] = []
        self.seqs: list[int] = []
        self.sockets: list[ServerConnection] = []
        self.answer: Callable[[ServerConnection, envelope.Message], Awaitable[None]] = self.welcome

    async def handle(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        async for data in socket:
            assert isinstance(data, bytes)
            message = envelope.unpack(data)
            if message.msg_type == "comm_open":
                self.opened.append(message)
                await self.answer(socket, message)
            elif message.msg_type == "comm_close":
                end = self.ends.pop(message.comm_id, None)
                if end is not None:
                    end.inbox.end(ChannelClosed(message.data["code"], message.data["reason"]))
            else:
                self.seqs.append(message.data["seq"])
                for frame in message.buffers:
                    self.ends[message.comm_id].inbox.put(frame)

    async def welcome(self, socket: ServerConnection, message: envelope.Message) -> None:
        self.ends[message.comm_id] = FarEnd(self, socket, message.comm_id)
        data = {"welcome": WELCOME.to_json()}
        await socket.send(envelope.pack(envelope.comm(message.comm_id, [], data), "iopub"))


class FarEnd:
    """The relay's end of one document."""

    def __init__(self, relay: Relay, socket: ServerConnection, comm_id: str) -> None:
        self.inbox = Inbox()
        self._relay = relay
        self._socket = socket
        self._comm_id = comm_id

    async def send(self, frame: bytes) -> None:
        if self.inbox.closed is not None:
            raise ChannelClosed(self.inbox.closed.code, self.inbox.closed.reason)
        await self._socket.send(envelope.pack(envelope.comm(self._comm_id, [frame]), "iopub"))

    async def receive(self) -> bytes:
        return await self.inbox.get()

    async def aclose(self, code: CloseCode = CloseCode.NORMAL) -> None:
        if self._relay.ends.pop(self._comm_id, None) is not None:
            self.inbox.end(ChannelClosed(code, code.sentence))
            await self._socket.send(
                envelope.pack(envelope.close(self._comm_id, code, code.sentence), "iopub")
            )


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Relay, Connection]]:
    relay = Relay()
    subprotocols: Any = [envelope.SUBPROTOCOL]
    async with serve(relay.handle, "127.0.0.1", 0, subprotocols=subprotocols, max_size=None) as server:
        connection = Connection(url_of(server), timeout=30)
        try:
            yield relay, connection
        finally:
            await connection.aclose()


def url_of(server: Server) -> str:
    return f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"


class TestWebSocketChannel(ChannelExam):
    @asynccontextmanager
    async def open_pair(self) -> AsyncIterator[tuple[Channel, Channel]]:
        async with running() as (relay, connection):
            channel = await connection.open("d", SPEAK)
            yield channel, relay.ends["d"]


async def test_many_documents_share_a_socket_and_are_numbered_apart() -> None:
    async with running() as (relay, connection):
        channels = [await connection.open(f"d{number}", SPEAK) for number in range(20)]
        for _ in range(3):
            for channel in channels:
                await channel.send(b"x")
        for number in range(20):
            assert [await relay.ends[f"d{number}"].receive() for _ in range(3)] == [b"x"] * 3
        assert relay.seqs == [1] * 20 + [2] * 20 + [3] * 20
        assert len(relay.sockets) == 1
        await channels[0].aclose()
        await relay.ends["d1"].send(b"still here")
        assert await channels[1].receive() == b"still here"


async def test_the_open_says_what_it_was_told_to_say() -> None:
    async with running() as (relay, connection):
        channel = await connection.open("d", SPEAK, [b"\0\0\0"])
        assert relay.opened[0].data == SPEAK and relay.opened[0].buffers == [b"\0\0\0"]
        assert channel.welcome.result() == WELCOME


async def test_a_refusal_carries_code_and_sentence() -> None:
    async with running() as (relay, connection):

        async def refuse(socket: ServerConnection, message: envelope.Message) -> None:
            await socket.send(envelope.pack(envelope.close(message.comm_id, "unauthorized", "No."), "iopub"))

        relay.answer = refuse
        with pytest.raises(ChannelClosed) as refused:
            await connection.open("d", SPEAK)
        assert (refused.value.code, refused.value.reason) == ("unauthorized", "No.")
        relay.answer = relay.welcome
        await connection.open("d", SPEAK)


async def test_one_document_is_open_once_a_connection() -> None:
    async with running() as (_relay, connection):
        await connection.open("d", SPEAK)
        with pytest.raises(ChannelClosed) as refused:
            await connection.open("d", SPEAK)
        assert refused.value.code == "conflict"


async def test_a_broken_socket_ends_every_document_and_the_next_open_makes_a_new_one() -> None:
    async with running() as (relay, connection):
        channels = [await connection.open(f"d{number}", SPEAK) for number in range(3)]
        relay.sockets[0].transport.abort()
        for channel in channels:
            with pytest.raises(ChannelClosed) as closed:
                await channel.receive()
            assert closed.value.code == "gone"
        await connection.open("d0", SPEAK)
        assert len(relay.sockets) == 2


async def test_a_server_that_stops_says_going_away() -> None:
    async with running() as (relay, connection):
        channel = await connection.open("d", SPEAK)
        await relay.sockets[0].close(1001)
        with pytest.raises(ChannelClosed) as closed:
            await channel.receive()
        assert closed.value.code == "going-away"


async def test_what_is_no_envelope_closes_the_connection() -> None:
    async with running() as (relay, connection):
        channel = await connection.open("d", SPEAK)
        await relay.sockets[0].send(b"nonsense")
        with pytest.raises(ChannelClosed) as closed:
            await channel.receive()
        assert closed.value.code == "bad-frame"
        await relay.sockets[0].wait_closed()
        assert relay.sockets[0].close_code == 4400


async def test_a_server_that_welcomes_nobody_is_left() -> None:
    async with running() as (relay, connection):

        async def say_nothing(socket: ServerConnection, message: envelope.Message) -> None:
            pass

        relay.answer = say_nothing
        connection._timeout = 0.05
        with pytest.raises(NotConnected, match="did not welcome"):
            await connection.open("d", SPEAK)
        assert not connection._channels


async def test_where_nobody_listens() -> None:
    connection = Connection("ws://127.0.0.1:1/", timeout=5)
    with pytest.raises(NotConnected, match="does not answer"):
        await connection.open("d", SPEAK)
    await connection.aclose()
    with pytest.raises(NotConnected, match="was closed"):
        await connection.open("d", SPEAK)


async def test_one_that_is_closed_while_the_server_takes_its_time_leaves_no_socket() -> None:
    relay, asked, goes_on = Relay(), asyncio.Event(), asyncio.Event()

    async def take_time(*_: Any) -> None:
        asked.set()
        await goes_on.wait()

    subprotocols: Any = [envelope.SUBPROTOCOL]
    async with serve(
        relay.handle, "127.0.0.1", 0, subprotocols=subprotocols, process_request=take_time
    ) as server:
        connection = Connection(url_of(server), timeout=30)
        opening = asyncio.create_task(connection.open("d", SPEAK))
        await asked.wait()
        closing = asyncio.create_task(connection.aclose())
        await asyncio.sleep(0)
        goes_on.set()
        with pytest.raises(NotConnected, match="was closed"):
            await opening
        await closing
        assert connection._socket is None and connection._reader is None


async def test_twenty_openings_at_once_make_one_socket() -> None:
    async with running() as (relay, connection):
        await asyncio.gather(*(connection.open(f"d{number}", SPEAK) for number in range(20)))
        assert len(relay.sockets) == 1


def test_without_websockets_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from rtc_widgets.channels.websocket import require_websockets

    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
    with pytest.raises(NotConnected, match=r'pip install "rtc_widgets\[client\]"'):
        require_websockets()
