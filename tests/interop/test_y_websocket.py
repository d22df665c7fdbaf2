"""y-websocket's own client, from npm, in a room with our clients."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.server import Server, until
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
async def stock(server: Server, path: str) -> AsyncIterator[Client]:
    node = shutil.which("node")
    if node is None or not (NODE_TREE / "node_modules" / "y-websocket").exists():
        pytest.skip("y-websocket is not installed: run jlpm install in labextension/")
    url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/yjs"
    process = await asyncio.create_subprocess_exec(
        *(node, HERE / "y_websocket.mjs", NODE_TREE, url, path, server.token),
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
        await asyncio.to_thread(until, lambda: server.sources(path) == tab.sources, "the file follows")


async def test_both_kinds_of_client_see_who_is_here(server):
    path = server.notebook("y-awareness.ipynb", "x = 1")
    async with Tab(server, path) as tab:
        async with stock(server, path) as client:
            await client.until(lambda said: said["what"] == "sync")
            await client.tell(user={"name": "Zoë"})
            await tab.until(lambda: {"user": {"name": "Zoë"}} in tab.states.values(), "our client sees Zoë")
            state = awareness.State(7, 1, '{"user": {"name": "Ada"}}')
            tab.say(awareness.encode(awareness.encode_states([state])))
            await client.until(lambda said: {"user": {"name": "Ada"}} in said.get("states", []))
        await tab.until(lambda: {"user": {"name": "Zoë"}} not in tab.states.values(), "Zoë's leaving is seen")
