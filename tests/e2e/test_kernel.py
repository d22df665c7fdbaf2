"""A kernel and its notebook, on a real server: edits both ways, also while a cell runs, and what may go wrong."""

from __future__ import annotations

import asyncio

from support.kernel import Kernel
from support.server import until
from support.tab import Tab

CONNECT = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()\n"


async def test_the_very_next_line_has_a_synced_handle(server):
    path = server.notebook("next-line.ipynb", "x = 1", "y = 2")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        assert await kernel.run(CONNECT + "print([cell.source for cell in nb])") == "['x = 1', 'y = 2']\n"
        await kernel.run("nb[0].source = 'x = 100'")
        await tab.until(lambda: tab.sources[0] == "x = 100", "the tab sees the edit")
        await asyncio.to_thread(until, lambda: server.sources(path)[0] == "x = 100", "the file follows")


async def test_the_kernel_hears_and_speaks_while_a_cell_runs(server):
    path = server.notebook("busy.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        running = await kernel.start(
            CONNECT + "import time\nnb[0].source = 'ready'\n"
            "while nb[0].source != 'ready, steady': time.sleep(0.01)\n"
            "nb[0].source += ', go'\nwhile 'stop' not in nb[0].source: pass\nprint('done')"
        )
        await tab.until(lambda: tab.sources == ["ready"], "the edit leaves the running cell")
        tab.cell(0)["source"].insert(5, ", steady")
        await tab.until(lambda: tab.sources == ["ready, steady, go"], "the running cell heard")
        tab.cell(0)["source"].insert(0, "stop ")
        await asyncio.wait_for(running.done.wait(), 20)
        assert running.error is None and running.stdout == "done\n"
