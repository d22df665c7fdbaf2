"""Two servers of one folder, and a server beside an editor, write one file: nothing is lost."""

from __future__ import annotations

import contextlib

import pytest
from support.gates import GATES, Gate
from support.server import Server
from support.tab import Tab

pytestmark = pytest.mark.timeout(120)

CONFIG = (
    GATES
    + """
c.RelayApp.poll_interval = 0.05
c.RelayApp.save_delay = 0.2
"""
)


@pytest.fixture
def pair(serve):
    first = serve(config=CONFIG)
    second = serve(beside=first)
    return first, second


def lines(tab: Tab) -> list[str]:
    return sorted(line for source in tab.sources for line in source.split("\n"))


async def agree(server: Server, path: str, *tabs: Tab) -> None:
    for tab in tabs:
        await tab.until(lambda tab=tab: tab.sources == tabs[0].sources, "the tabs agree")
    await tabs[0].until(lambda: server.sources(path) == tabs[0].sources, "the file has it")


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
