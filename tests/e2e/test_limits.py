"""Limits on a real server, each at its edge: what is within goes through, and one more is refused by name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pycrdt import Doc, Text
from support.proxy import Proxy
from support.server import Server, until
from support.tab import Refused, Tab
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket
from websockets.exceptions import ConnectionClosed

import rtc_widgets
from rtc_widgets.ids import new_client_id
from rtc_widgets.protocol import awareness, envelope, parts, sync
from rtc_widgets.protocol.codes import CloseCode

# So much is typed that a busy machine takes a while.
pytestmark = pytest.mark.timeout(180)

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


# The others, at their edges. Each server has them all, small enough to be reached.

FRAME, MESSAGE, AWARENESS, FILE, COMMENT, ROOMS = 3 * 2**20, 5 * 2**20, 1000, 20_000, 100, 3
SOCKET = 2 * FRAME  # one message of the WebSocket


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = {
        "max_frame": FRAME,
        "max_message": MESSAGE,
        "max_awareness": AWARENESS,
        "max_file_size": FILE,
        "max_comment": COMMENT,
        "max_rooms": ROOMS,
        "save_delay": 1000,
        "save_max_wait": 1000,
    }
    server = Server(
        tmp_path_factory.mktemp("small"), options=[f"--RelayApp.{k}={v}" for k, v in options.items()]
    )
    yield server
    server.close()


def update_of(size: int) -> bytes:
    """Return a frame of an update that has *size* bytes."""
    length, client = size, new_client_id()
    while True:
        doc: Doc[Any] = Doc(client_id=client)
        doc["t"] = Text("y" * length)
        frame = sync.update(doc.get_update())
        if len(frame) <= size:
            break
        length -= len(frame) - size
    assert len(frame) == size
    return frame


async def test_a_frame_put_together_of_as_many_bytes_as_may_be(small: Server) -> None:
    path = small.notebook("message.ipynb", "x = 1")
    async with Tab(small, path) as ada:
        ada.say(update_of(MESSAGE))
        await ada.committed()
        assert ada.closed is None
        ada.say(update_of(MESSAGE + 1))
        await ada.until(lambda: ada.closed, "one byte more is refused")
        assert ada.closed is not None and ada.closed["code"] == CloseCode.TOO_LARGE


async def test_a_frame_at_the_limit_travels_whole_and_a_longer_one_in_parts(small: Server) -> None:
    path = small.notebook("parts.ipynb", "x = 1")
    async with Tab(small, path) as ada, Tab(small, path) as ben:
        for size, count in ((FRAME, 1), (FRAME + 1, 2)):
            frame = update_of(size)
            assert len(parts.split(frame, ada.welcome.limits.frame, 1)) == count
            before = ada.sent
            ada.say(frame)
            assert ada.sent - before == count
            await ada.committed()
        ada.cell(0)["source"].insert(0, "# ")
        await ben.until(lambda: ben.sources == ["# x = 1"], "both go on")


async def test_a_websocket_message_of_as_many_bytes_as_may_be(small: Server) -> None:
    path = small.notebook("socket.ipynb", "x = 1")
    async with Tab(small, path) as ada:
        bare = len(envelope.pack(envelope.comm("nobody", [b""], {"seq": 1})))
        ada.say_raw(envelope.pack(envelope.comm("nobody", [bytes(SOCKET - bare)], {"seq": 1})))
        ada.cell(0)["source"].insert(0, "# ")
        await ada.committed()
        ada.say_raw(envelope.pack(envelope.comm("nobody", [bytes(SOCKET - bare + 1)], {"seq": 1})))
        await ada.until(lambda: ada.hung_up, "one byte more ends the connection")
        assert ada.hung_up == 1009


async def test_an_awareness_update_of_as_many_bytes_as_may_be(small: Server) -> None:
    path = small.notebook("awareness.ipynb", "x = 1")

    def saying(size: int) -> bytes:
        client = new_client_id()
        bare = awareness.encode_states([awareness.State(client, 1, json.dumps({"status": "y" * 500}))])
        text = json.dumps({"status": "y" * (500 + size - len(bare))})
        update = awareness.encode_states([awareness.State(client, 1, text)])
        assert len(update) == size
        return awareness.encode(update)

    async with Tab(small, path) as ada, Tab(small, path) as ben:
        ada.say(saying(AWARENESS))
        await ben.until(lambda: ben.states, "what fits is told")
        ada.say(saying(AWARENESS + 1))
        await ada.until(lambda: ada.closed, "one byte more is refused")
        assert ada.closed is not None and ada.closed["code"] == CloseCode.TOO_LARGE


async def test_a_file_of_as_many_bytes_as_may_be(small: Server) -> None:
    for size, opens in ((FILE, True), (FILE + 1, False)):
        (small.root / f"{size}.txt").write_text("y" * size)
        tab = Tab(small, f"{size}.txt", type_="file", format_="text")
        if opens:
            assert (await asyncio.to_thread(tab.ask))["path"] == f"{size}.txt"
        else:
            with pytest.raises(Refused, match="max_file_size") as refused:
                await asyncio.to_thread(tab.ask)
            assert (refused.value.status, refused.value.code) == (413, CloseCode.TOO_LARGE)


async def test_a_comment_of_as_many_bytes_as_may_be(small: Server) -> None:
    path = small.notebook("comment.ipynb", "x = 1")
    async with Tab(small, path) as ada:
        where = {"anchor": {"kind": "document"}}
        said = await ada.request(
            "comments.add", thread="t1", comment="c1", body="é" * (COMMENT // 2), **where
        )
        assert said["thread"] == "t1"
        with pytest.raises(Refused) as refused:
            await ada.request("comments.add", thread="t1", comment="c2", body="y" * (COMMENT + 1))
        assert refused.value.code == CloseCode.TOO_LARGE
        assert ada.closed is None


async def test_as_many_documents_as_the_server_may_have_open(small: Server) -> None:
    paths = [small.notebook(f"room-{n}.ipynb", "x = 1") for n in range(ROOMS + 1)]
    # The documents of the tests before, which nobody has open any more, make way.
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(Tab(small, path)) for path in paths[:ROOMS]]
        with pytest.raises(Refused, match="as many as it may") as refused:
            await asyncio.to_thread(Tab(small, paths[-1]).ask)
        assert (refused.value.status, refused.value.code) == (429, CloseCode.TOO_MANY)
        assert "max_rooms" in refused.value.message
        tabs[0].cell(0)["source"].insert(0, "# ")
        await tabs[0].committed()
        async with Tab(small, paths[0]) as again:
            assert again.sources == ["# x = 1"], "one that is open already has room for more people"
