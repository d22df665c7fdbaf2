"""A stock client: pycrdt's own provider over a bare WebSocket."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from pycrdt import Doc, Provider
from support.server import Server
from websockets.asyncio.client import ClientConnection, connect

__all__ = ["Socket", "closed", "stock"]


class Socket:
    """What `pycrdt.Provider` takes for a channel."""

    def __init__(self, socket: ClientConnection, path: str) -> None:
        self.path = path
        self._socket = socket

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        return await self.recv()

    async def send(self, message: bytes) -> None:
        await self._socket.send(message)

    async def recv(self) -> bytes:
        data = await self._socket.recv()
        assert isinstance(data, bytes)
        return data


def stock(server: Server, path: str, query: str = "") -> connect:
    """Connect a stock client."""
    url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/yjs/{path}{query}"
    return connect(url, additional_headers={"Authorization": f"token {server.token}"})


async def closed(doc: Doc[Any], socket: ClientConnection, path: str) -> int | None:
    """Bring *doc* into a room that does not want it, and return the code with which the room closes."""
    task = asyncio.create_task(_provide(doc, socket, path))
    await asyncio.wait_for(socket.wait_closed(), 30)
    task.cancel()
    return socket.close_code


async def _provide(doc: Doc[Any], socket: ClientConnection, path: str) -> None:
    async with Provider(doc, Socket(socket, path)):
        await asyncio.Event().wait()
