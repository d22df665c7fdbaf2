"""Bad frames on a real server: what once hung or ended it is refused, and others type on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.tab import Tab
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtc_widgets.protocol import sync
from rtc_widgets.testing.fuzz.targets import pieces

CORPUS = Path(__file__).parents[1] / "corpus"
# Each hung the server, panicked there or ended it.
FOUND = [
    "accents-in-an-array",
    "emoji-in-an-array",
    "text-in-an-array",
    "no-structs-of-a-known-client",
    "values-in-values",
    "types-in-types",
    "far-away",
]


def bad_updates() -> list[bytes]:
    return [pieces((CORPUS / "updates" / name).read_bytes())[0] for name in FOUND]


async def read_all(client: ClientConnection) -> None:
    while True:
        await asyncio.wait_for(client.recv(), 20)


@pytest.mark.timeout(120)
async def test_whoever_sends_them_is_closed_and_others_type_on(serve):
    server = serve()
    path = server.notebook("bad.ipynb", "x = 1")
    headers = {"Authorization": f"token {server.token}"}
    url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/yjs/{path}"
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        for count, update in enumerate(bad_updates(), 1):
            async with Tab(server, path) as eve:
                eve.say(sync.update(update))
                await eve.until(lambda: eve.closed, "she is closed")
                assert eve.closed is not None and eve.closed["code"] == "bad-frame"
            async with connect(url, additional_headers=headers) as stock:
                await stock.send(sync.update(update))
                with pytest.raises(ConnectionClosed) as closed:
                    await read_all(stock)
                assert closed.value.rcvd is not None and closed.value.rcvd.code == 4400
            ada.cell(0)["source"].insert(0, "a")
            ben.cell(0)["source"].insert(0, "b")
            for tab in (ada, ben):
                await tab.until(
                    lambda: len(tab.sources[0]) == len("x = 1") + 2 * count,  # noqa: B023
                    "both type on and see each other",
                )
        assert ada.sources == ben.sources
        assert ada.closed is None and ben.closed is None
        await ada.save()
    assert "Traceback" not in server.log
