"""y-websocket's own client, from npm, in a room with our clients."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.server import Server
from support.tab import Tab

from rtc_widgets.protocol import awareness

HERE = Path(__file__).parent
NODE_TREE = HERE.parent.parent / "labextension"


class Client:
    """One y-websocket client, in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: list[dict[str, Any]] = []

    async def until(self, condition) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            while not (self.said and condition(self.said[-1])):
                line = await self._process.stdout.readline()
                assert line, "the client ended"
                self.said.append(json.loads(line))
        return self.said[-1]

    async def tell(self, **what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        await self._process.stdin.drain()


@asynccontextmanager
async def stock(server: Server, path: str, token: str | None = None) -> AsyncIterator[Client]:
    node = shutil.which("node")
    if node is None or not (NODE_TREE / "node_modules" / "y-websocket").exists():
        pytest.skip("y-websocket is not installed: run jlpm install in labextension/")
    url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/yjs"
    process = await asyncio.create_subprocess_exec(
        *(node, HERE / "y_websocket.mjs", NODE_TREE, url, path, token or server.token),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Client(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        # Reading to the end lets the transport of the pipe go.
        await process.communicate()


async def test_both_kinds_of_client_edit_one_notebook(server):
    path = server.notebook("y-websocket.ipynb", "x = 1")
    async with Tab(server, path) as tab, stock(server, path) as client:
        await client.until(lambda said: said["sources"] == ["x = 1"])
        await client.tell(insert=" + 1  # Zoë 🦉", at=5)
        await tab.until(lambda: tab.sources == ["x = 1 + 1  # Zoë 🦉"], "our client sees the edit")
        tab.cell(0)["source"].insert(0, "y = ")
        await client.until(lambda said: said["sources"] == ["y = x = 1 + 1  # Zoë 🦉"])
        await tab.until(lambda: server.sources(path) == tab.sources, "the file follows")


async def test_both_kinds_of_client_see_who_is_here_by_the_names_that_the_server_knows(named):
    path = named.notebook("y-awareness.ipynb", "x = 1")
    async with Tab(named, path) as tab:
        async with stock(named, path, "zoe") as client:
            await client.until(lambda said: said["what"] == "sync")
            await client.tell(user={"name": "Ada", "color": "#123456", "colorLight": "#12345633"})
            (zoe,) = await tab.until(lambda: users(tab.states.values()), "our client sees Zoë")
            assert (zoe["username"], zoe["name"], zoe["display_name"]) == ("zoe", "Zoë", "Zoë")
            assert (zoe["color"], zoe["colorLight"]) == ("#123456", "#12345633"), (
                "a colour is one's own choice"
            )
            state = awareness.State(
                7, 1, '{"user": {"name": "Zoë", "username": "zoe"}, "cursors": [{"a": 1}]}'
            )
            tab.say(awareness.encode(awareness.encode_states([state])))
            said = await client.until(lambda said: len(users(said.get("states", []))) == 2)
            (ada,) = (state for state in said["states"] if state.get("cursors"))
            assert (ada["user"]["username"], ada["user"]["name"]) == ("ada", "Ada")
            assert ada["cursors"] == [{"a": 1}]
        await tab.until(lambda: not users(tab.states.values()), "Zoë's leaving is seen")


def users(states: Iterable[dict[str, Any] | None]) -> list[dict[str, Any]]:
    return [state["user"] for state in states if state and "user" in state]
