"""The clients of docs/clients.md, executed as they stand there, in a room with a client of ours."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.server import Server
from support.tab import Tab

ROOT = Path(__file__).parents[2]
NODE_MODULES = ROOT / "labextension" / "node_modules"


def documented(name: str) -> str:
    """Return the program that docs/clients.md calls *name*."""
    text = (ROOT / "docs" / "clients.md").read_text()
    (program,) = re.findall(rf"^```\w+ {re.escape(name)}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return program


@asynccontextmanager
async def running(server: Server, path: str, *command: object) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        *(f"ws://127.0.0.1:{server.port}", path, server.token),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process, holds: str) -> None:
    """Read on until a line holds *holds*."""
    assert process.stdout is not None
    said = []
    async with asyncio.timeout(20):
        while not (said and holds in said[-1]):
            data = await process.stdout.readline()
            assert data, f"the client ended:\n{''.join(said)}"
            said.append(data.decode())


async def test_the_client_in_javascript(server, tmp_path):
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "y-websocket").exists():
        pytest.skip("y-websocket is not installed: run jlpm install in labextension/")
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "client.mjs").write_text(documented("client.mjs"))
    path = server.notebook("documented-js.ipynb", "x = 1")
    async with Tab(server, path) as tab, running(server, path, node, tmp_path / "client.mjs") as client:
        await line(client, '["x = 1"]')
        await tab.until(lambda: tab.sources == ["x = 1\n# the bot was here 🦉"], "our client sees the edit")
        (bot,) = (state["user"] for state in tab.states.values() if state)
        assert bot["name"].startswith("Anonymous "), (
            "it is called what the server calls who has just the token"
        )
        tab.cell(0)["source"].insert(0, "y = ")
        await line(client, '["y = x = 1')
        await tab.until(lambda: server.sources(path) == tab.sources, "the file follows")
        client.terminate()
        assert await asyncio.wait_for(client.wait(), 20) == 0


async def test_the_client_in_python(server, tmp_path):
    (tmp_path / "client.py").write_text(documented("client.py"))
    path = server.notebook("documented-python.ipynb", "x = 1")
    program = tmp_path / "client.py"
    async with Tab(server, path) as tab, running(server, path, sys.executable, program) as client:
        await line(client, "['x = 1', '# appended by client.py 🦉']")
        await tab.until(lambda: len(tab.sources) == 2, "our client sees the cell")
        await tab.until(lambda: server.sources(path) == tab.sources, "the file follows")
        tab.cell(0)["source"].insert(0, "# stop\n")
        assert await asyncio.wait_for(client.wait(), 20) == 0


@pytest.mark.parametrize(("name", "most"), [("client.mjs", 60), ("client.py", 50)])
def test_they_are_short(name, most):
    assert documented(name).count("\n") <= most
