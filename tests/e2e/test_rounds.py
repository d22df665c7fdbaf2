"""What a server keeps of notebooks that were open: nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
import pytest
from pycrdt import Array, Doc
from support.server import Server, until
from support.tab import Tab
from websockets.asyncio.client import connect

from rtc_widgets.protocol import sync
from rtc_widgets.protocol.codec import Reader

MEGABYTE = 10**6


async def by_a_tab(server: Server, path: str) -> None:
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(0, "#")
        await ada.committed()


async def by_a_stock_client(server: Server, path: str) -> None:
    doc: Doc[Any] = Doc()
    url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/yjs/{path}?token={server.token}"
    async with connect(url, max_size=None) as ben:
        await ben.send(sync.step1(doc.get_state()))
        cells = doc.get("cells", type=Array)
        while not len(cells):
            frame = await ben.recv()
            assert isinstance(frame, bytes)
            if frame[0] == sync.TYPE and isinstance(step := sync.decode(Reader(frame[1:])), sync.Step2):
                doc.apply_update(step.update)
        before = doc.get_state()
        cells[0]["source"].insert(0, "#")
        await ben.send(sync.update(doc.get_update(before)))


def closed(server: Server) -> bool:
    return not server.api("/api/rtc_widgets/status")["rooms"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("visit", [by_a_tab, by_a_stock_client])
async def test_a_server_grows_by_none_of_the_notebooks_that_were_open(
    serve: Callable[..., Server], visit: Callable[[Server, str], Awaitable[None]]
) -> None:
    server = serve(options=["--RelayApp.close_delay=1"])
    names = "abcd"
    for name in names:
        large(server, f"{name}.ipynb", MEGABYTE)
    process = psutil.Process(server.pid)
    kept = []

    for _ in range(10):
        for name in names:
            await visit(server, f"{name}.ipynb")
        await asyncio.to_thread(until, lambda: closed(server), "all have closed")
        kept.append((process.memory_info().rss, process.num_fds()))

    assert [server.sources(f"{name}.ipynb") for name in names] == [["#" * 10 + "x = 1"]] * 4
    (warm, opened), (memory, descriptors) = kept[2], kept[-1]
    # Each takes some megabytes while it is open. There were 4 to 10 MB more each time when a ticket that nobody used up
    # kept its room, or a handler that Python's collector had not found yet.
    assert memory - warm < 40 * MEGABYTE
    assert descriptors - opened <= 2


async def test_who_leaves_before_the_document_is_there_is_not_waited_for(
    serve: Callable[..., Server],
) -> None:
    server = serve(options=["--RelayApp.close_delay=1"])
    path = large(server, "slow.ipynb", 5 * MEGABYTE)
    request = (
        f"GET /api/rtc_widgets/yjs/{path}?token={server.token} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as eve:
        eve.sendall(request.encode())
        assert b"101 Switching Protocols" in eve.recv(1000)
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(0, "#")
        await ada.committed()
    await asyncio.to_thread(until, lambda: closed(server), "nobody is in the room any more")


def large(server: Server, path: str, size: int) -> str:
    """Write a notebook with *size* bytes of output and return its path."""
    notebook = server.read(server.notebook(path, "x = 1"))
    text = "A line of output\n" * (size // 17)
    notebook["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
    server.write(path, notebook)
    return path
