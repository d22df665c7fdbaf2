"""Limits on a real server, each at its edge: what is within goes through, and one more is refused by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pycrdt import Doc, Text
from support.proxy import Proxy
from support.server import Server, until
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket
from websockets.exceptions import ConnectionClosed

import rtc_widgets
from rtc_widgets.protocol import sync

# A save of so much takes a while, and is not what is tested.
NO_SAVING = ["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000"]


@pytest.fixture
def through() -> Iterator[Callable[[Server], Proxy]]:
    """Put a network in front of a server."""
    proxies: list[Proxy] = []

    def _through(server: Server) -> Proxy:
        proxies.append(Proxy(server))
        return proxies[-1]

    yield _through
    for proxy in proxies:
        proxy.close()


def connect(server: Any, path: str) -> Any:
    return rtc_widgets.connect(server.url, token=server.token, path=path)


def sources(notebook: Any) -> list[str]:
    return [cell.source for cell in notebook]


def dropped(server: Server) -> int:
    return server.log.count("was dropped, too slow")


def test_who_does_not_read_is_dropped_and_comes_back_with_everything_once(serve, through):
    server = serve(options=["--RelayApp.max_unsent=1000000", *NO_SAVING])
    path = server.notebook("slow.ipynb", "x = 1")
    proxy = through(server)
    with connect(server, path) as ada, connect(server, path) as ben, connect(proxy, path) as eve:
        proxy.hold()
        eve.append("eve = 2")
        until(lambda: "eve = 2" in sources(ada), "what eve writes arrives, and she is not told")
        while not dropped(server):
            assert len(ada) < 1000, "eve is never dropped"
            ada.append("y" * 200_000)
            until(lambda: len(ben) == len(ada), "others get what is written")
        ben.append("ben = 3")
        until(lambda: "ben = 3" in sources(ada), "others go on")
        proxy.restore()
        until(lambda: sources(eve) == sources(ada), "eve has what was written without her")
        eve[0].source = "x = 100"
        until(lambda: ada[0].source == ben[0].source == "x = 100", "and goes on")
        assert sorted(source for source in sources(ada) if len(source) < 100) == [
            "ben = 3",
            "eve = 2",
            "x = 100",
        ]
    assert dropped(server) == 1


async def read_all(client: ClientConnection) -> None:
    while True:
        await client.recv()


async def test_a_stock_client_that_does_not_read_is_dropped_by_a_code(serve):
    server = serve(options=["--RelayApp.max_unsent=1000000", *NO_SAVING])
    (server.root / "slow.txt").write_text("x")
    headers = {"Authorization": f"token {server.token}"}
    url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/yjs/slow.txt"
    async with (
        websocket(url, additional_headers=headers) as ada,
        websocket(url, additional_headers=headers, max_size=None) as eve,
    ):
        assert await eve.recv(), "she is in the room"
        eve.transport.pause_reading()
        doc: Doc[Any] = Doc()
        text = doc.get("source", type=Text)
        count = 0
        while not dropped(server):
            before = doc.get_state()
            text += "y" * 200_000
            await ada.send(sync.update(doc.get_update(before)))
            count += 1
            assert count < 1000, "eve is never dropped"
            await asyncio.sleep(0.005)
        eve.transport.resume_reading()
        with pytest.raises(ConnectionClosed) as closed:
            await read_all(eve)
        # Read too late the code is lost: after 5 s the server ends the connection.
        assert closed.value.rcvd is None or closed.value.rcvd.code == 4408
