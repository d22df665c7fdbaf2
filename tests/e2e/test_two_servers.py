"""Two servers of one folder, and a server beside an editor, write one file: nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

import pytest
from support.server import Server, until
from support.tab import Tab

pytestmark = pytest.mark.timeout(120)

# A server stops at a gate that the test has shut for it, and says that it stands there.
GATES = """
import asyncio
from pathlib import Path

from anyio.to_thread import run_sync
from functools import partial
import nbformat
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class Gated(AsyncLargeFileManager):
    async def gate(self, name):
        gate = Path(self.root_dir).parent / "gates" / f"{self.parent.port}-{name}"
        while gate.exists():
            gate.with_suffix(".reached").touch()
            await asyncio.sleep(0.005)

    async def save(self, model, path=""):
        await self.gate("save")
        return await super().save(model, path)

    async def _save_notebook(self, os_path, nb, capture_validation_error=None):
        # As jupyter_server does it: the file is empty by the time that the notebook is put into JSON.
        with self.atomic_writing(os_path, encoding="utf-8") as file:
            await self.gate("half")
            await run_sync(partial(nbformat.write, version=nbformat.NO_CONVERT), nb, file)

c.ServerApp.contents_manager_class = Gated
c.RelayApp.poll_interval = 0.05
c.RelayApp.save_delay = 0.2
"""


class Gate:
    """Hold *server* where it is about to save (``save``), or in the midst of writing (``half``)."""

    def __init__(self, server: Server, name: str) -> None:
        folder = server.work / "gates"
        folder.mkdir(exist_ok=True)
        self._shut = folder / f"{server.port}-{name}"
        self._reached = self._shut.with_suffix(".reached")

    async def __aenter__(self) -> Self:
        self._reached.unlink(missing_ok=True)
        self._shut.touch()
        return self

    async def __aexit__(self, *args: object) -> None:
        self._shut.unlink(missing_ok=True)

    async def reached(self) -> None:
        await asyncio.to_thread(until, self._reached.exists, "the server stands at the gate")


@pytest.fixture
def pair(serve):
    first = serve(config=GATES)
    second = serve(beside=first)
    return first, second


def lines(tab: Tab) -> list[str]:
    return sorted(line for source in tab.sources for line in source.split("\n"))


async def agree(server: Server, path: str, *tabs: Tab) -> None:
    for tab in tabs:
        await tab.until(lambda tab=tab: tab.sources == tabs[0].sources, "the tabs agree")
    await asyncio.to_thread(until, lambda: server.sources(path) == tabs[0].sources, "the file has it")


async def nothing_is_lost(server: Server, path: str, *tabs: Tab) -> None:
    """Wait until what both wrote is in both tabs, and in the file."""
    want = ["# ada", "# ben", "a = 1", "b = 2"]
    for tab in tabs:
        await tab.until(lambda: lines(tab) == want, lambda: f"nothing is lost: {lines(tab)}")  # noqa: B023 - awaited here
    await agree(server, path, *tabs)


async def test_what_a_server_writes_between_the_look_and_the_write_of_another_stays(pair):
    first, second = pair
    path = first.notebook("between.ipynb", "a = 1", "b = 2")
    async with Tab(first, path) as ada, Tab(second, path) as ben:
        async with Gate(first, "save") as gate:
            ada.cell(0)["source"].insert(0, "# ada\n")
            saving = ada.ask_to_save()
            await gate.reached()
            ben.cell(1)["source"].insert(0, "# ben\n")
            await ben.committed()
            ben_saves = ben.ask_to_save()
            # Either it has written by now, or it waits for the first, of which there is no sign.
            with contextlib.suppress(AssertionError):
                await ben.until(lambda: ben_saves in ben.responses, "it has saved", timeout=2)
        await ada.answer(saving)
        await ben.answer(ben_saves)
        await nothing_is_lost(first, path, ada, ben)


async def test_who_reads_while_another_writes_takes_nothing_away(pair):
    first, second = pair
    path = first.notebook("half.ipynb", "a = 1", "b = 2")
    async with Tab(first, path) as ada, Tab(second, path) as ben:
        async with Gate(second, "half") as gate:
            ben.cell(1)["source"].insert(0, "# ben\n")
            saving = ben.ask_to_save()
            await gate.reached()
            # The first server looks at the file, finds it empty, and asks for it.
            ada.cell(0)["source"].insert(0, "# ada\n")
            ada_saves = ada.ask_to_save()
            with contextlib.suppress(AssertionError):
                await ada.until(lambda: ada_saves in ada.responses, "it has saved", timeout=2)
        await ben.answer(saving)
        await ada.answer(ada_saves)
        await nothing_is_lost(first, path, ada, ben)
        assert [file.name for file in first.root.iterdir() if file.suffix == ".invalid"] == []
