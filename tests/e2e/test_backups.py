"""Most of a notebook goes: a copy from before is kept, and everybody told, whoever did it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from pycrdt import Array
from support.kernel import Kernel
from support.others import signing_in
from support.server import Server, until
from support.tab import Tab

# Eve may read.
READERS = (
    signing_in(ada={"name": "Ada"}, eve={"name": "Eve"})
    + """
from jupyter_server.auth import Authorizer

class Readers(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return user.username != "eve" or action == "read"

c.ServerApp.authorizer_class = Readers
"""
)
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


@pytest.mark.parametrize(
    "code",
    ["del nb[2:]", "while len(nb) > 2: del nb[-1]", "while len(nb) > 2:\n    del nb[-1]\n    nb.save()"],
    ids=["at once", "in a loop", "saving each time"],
)
async def test_a_kernel_deletes_most_of_its_notebook(serve: Any, code: str) -> None:
    server: Server = serve()
    path = server.notebook("kernel.ipynb", *SOURCES)
    async with Tab(server, path) as ada, Kernel(server, path) as kernel:
        connect = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\n"
        await kernel.run(connect + code)
        await ada.until(lambda: told(ada), "everybody is told")
        assert kept(told(ada)[0])[-6:] == SOURCES[-6:]
        assert len(told(ada)) == 1


async def test_cells_that_go_one_by_one_over_many_saves(serve: Any) -> None:
    server: Server = serve()
    path = server.notebook("slow.ipynb", *SOURCES)
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(0, "# ")
        for left in range(9, 4, -1):
            del ada.doc.get("cells", type=Array)[left]
            await ada.save()
        assert told(ada) == [], "a half may go"
        del ada.doc.get("cells", type=Array)[4]
        await ada.save()
        await ada.until(lambda: told(ada), "they are told")
        (message,) = told(ada)
        assert message.startswith("6 of the 10 cells of slow.ipynb were deleted.")
        assert kept(message) == SOURCES


async def test_where_the_copy_is_learns_who_may_write(serve: Any) -> None:
    server: Server = serve(config=READERS)
    path = server.notebook("read.ipynb", *SOURCES)
    async with Tab(server, path) as ada, Tab(server, path, token="eve") as eve:
        assert eve.grant["role"] == "viewer"
        with ada.doc.transaction():
            del ada.doc.get("cells", type=Array)[2:]
        await ada.until(lambda: told(ada), "who writes is told")
        ada.cell(0)["source"].insert(0, "then ")
        await eve.until(lambda: eve.sources == ["then x = 0", "x = 1"], "who reads sees what came later")
        assert told(eve) == []


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
