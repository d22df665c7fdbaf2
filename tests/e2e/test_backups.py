"""Most of a notebook goes: a copy from before is kept, and everybody told, whoever did it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from pycrdt import Array
from support.server import Server, until
from support.tab import Tab

SOURCES = [f"x = {n}" for n in range(10)]


def told(tab: Tab) -> list[str]:
    return [event.params["message"] for event in tab.events if event.params.get("code") == "backup"]


def kept(message: str) -> Any:
    """Return the notebook that a notice names, and check that it is one."""
    found = re.search(r"!cp (\S*) \.$", message)
    assert found, message
    notebook = nbformat.read(Path(found[1]), as_version=4)
    nbformat.validate(notebook)
    return [cell["source"] for cell in notebook["cells"]]


@pytest.mark.parametrize("how", ["a client", "outside"])
async def test_a_copy_is_kept_and_told(serve: Any, how: str) -> None:
    server: Server = serve()
    path = server.notebook("much.ipynb", *SOURCES)
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        if how == "outside":
            server.notebook("much.ipynb", *SOURCES[:2])
        else:
            with ada.doc.transaction():
                del ada.doc.get("cells", type=Array)[2:]
        for tab in (ada, ben):
            await tab.until(lambda tab=tab: told(tab), "everybody is told")
            (message,) = told(tab)
            assert message.startswith("8 of the 10 cells of much.ipynb were deleted.")
            assert kept(message) == SOURCES
        await asyncio.to_thread(until, lambda: server.sources(path) == SOURCES[:2], "they go all the same")


async def test_it_can_be_switched_off(serve: Any, tmp_path: Path) -> None:
    server: Server = serve(
        options=["--RelayApp.backups=0", f"--RelayApp.store_path={tmp_path / 'log.sqlite'}"]
    )
    path = server.notebook("much.ipynb", *SOURCES)
    async with Tab(server, path) as ada:
        with ada.doc.transaction():
            del ada.doc.get("cells", type=Array)[2:]
        await ada.save()
        assert told(ada) == []
    assert not (tmp_path / "log.backups").exists()
