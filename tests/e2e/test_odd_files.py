"""Files that are valid JSON, and that no CRDT, or no contents manager, can hold as they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from support.server import Server
from support.tab import Refused, Tab


def numbers(text: str) -> str:
    """Write whole numbers of more than 64 bits into the metadata of each cell."""
    return text.replace('"metadata": {}', f'"metadata": {{"seed": {2**70}}}')


def surrogate(text: str) -> str:
    """Write half a surrogate pair into a cell."""
    return text.replace("first", "\\ud83d")


def deep(text: str) -> str:
    """Write lists in lists into the metadata of each cell."""
    return text.replace('"metadata": {}', f'"metadata": {{"deep": {"[" * 900}{"]" * 900}}}')


def rewrite(server: Server, path: str, change: Callable[[str], str]) -> None:
    file = server.root / path
    before = json.dumps(json.loads(file.read_text()))
    after = change(before)
    assert after != before
    file.write_text(after)


async def test_large_numbers_are_read_as_browsers_read_them(serve: Callable[..., Server]) -> None:
    server = serve(options=["--RelayApp.poll_interval=0.1"])
    path, other = server.notebook("large.ipynb", "first"), server.notebook("open.ipynb", "first")
    rewrite(server, path, numbers)
    async with Tab(server, path) as tab:
        assert tab.cells[0]["metadata"] == {"seed": 2.0**70}
        tab.cell(0)["source"].insert(0, "typed ")
        await tab.save()
        assert server.sources(path) == ["typed first"]
    async with Tab(server, other) as tab:
        rewrite(server, other, numbers)
        await tab.until(lambda: tab.cells[0]["metadata"] == {"seed": 2.0**70}, "it is merged")
    assert "panicked" not in server.log


@pytest.mark.parametrize("change", [surrogate, deep])
async def test_what_cannot_be_read_is_left_alone_and_said(
    serve: Callable[..., Server], change: Callable[[str], str]
) -> None:
    server = serve(options=["--RelayApp.poll_interval=0.1"])
    path, other = server.notebook("odd.ipynb", "first"), server.notebook("open.ipynb", "first")
    rewrite(server, path, change)
    before = (server.root / path).read_bytes()
    with pytest.raises(Refused) as refused:
        await asyncio.to_thread(Tab(server, path).ask)
    assert (refused.value.status, refused.value.code) == (422, "unreadable")
    assert (server.root / path).read_bytes() == before
    async with Tab(server, other) as tab:
        rewrite(server, other, change)
        await tab.until(
            lambda: "unreadable" in [said.params.get("code") for said in tab.events], "everybody is told"
        )
        tab.cell(0)["source"].insert(0, "typed ")
        await tab.save()
        assert server.sources(other) == ["typed first"]
