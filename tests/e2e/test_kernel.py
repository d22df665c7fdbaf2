"""A kernel and its notebook, on a real server: edits both ways, also while a cell runs, and what may go wrong."""

from __future__ import annotations

import asyncio
import json
import urllib.error

import pytest
from support.kernel import Kernel
from support.server import until
from support.tab import Tab

pytestmark = pytest.mark.oldest

CONNECT = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\n"


async def test_the_very_next_line_has_a_synced_handle(server):
    path = server.notebook("next-line.ipynb", "x = 1", "y = 2")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        # As people write it, with the two seconds that it waits by itself.
        asked = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()\n"
        assert await kernel.run(asked + "print([cell.source for cell in nb])") == "['x = 1', 'y = 2']\n"
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


async def test_where_the_notebook_is_open_without_collaboration_the_handle_says_so(server):
    path = server.notebook("alone.ipynb", "x = 1")
    async with Kernel(server, path) as kernel:
        printed = await kernel.run(
            "%load_ext rtc_widgets\nimport rtc_widgets\n"
            "try: rtc_widgets.notebook()\nexcept rtc_widgets.NotConnected as error: print(error)\n"
            "print(rtc_widgets.notebook(required=False))"
        )
        assert "does not collaborate" in printed and printed.endswith("None\n")
        assert server.sources(path) == ["x = 1"]


# The relay waits 1.5 s for a tab, in which a slow machine may not bring one.
PATIENT = "import rtc_widgets.relay.kernels as kernels\nkernels._TAB_PATIENCE = 30.0\n"


async def test_a_tab_that_joins_a_moment_later_is_waited_for(serve):
    """The room that the kernel's hello opened has closed again before the tab comes."""
    server = serve(options=["--RelayApp.close_delay=0.1"], config=PATIENT)
    path = server.notebook("late.ipynb", "x = 1")
    async with Kernel(server, path) as kernel:
        running = await kernel.start(CONNECT + "nb[0].source += ' # here'")
        await asyncio.to_thread(until, lambda: "was opened in" in server.log, "its hello opens the room")
        await asyncio.to_thread(until, lambda: _closed(server), "which closes again")
        async with Tab(server, path) as tab:
            await asyncio.wait_for(running.done.wait(), 20)
            assert running.error is None, running.error
            await tab.until(lambda: tab.sources == ["x = 1 # here"], "the kernel is in the tab's room")


def _closed(server):
    return not server.api("/api/rtc_widgets/status")["rooms"]


async def test_a_kernel_without_a_notebook_is_told(server):
    async with Kernel(server, "console-1", type_="console") as kernel:
        printed = await kernel.run(
            "%load_ext rtc_widgets\nimport rtc_widgets\n"
            "try: rtc_widgets.notebook(timeout=20)\nexcept rtc_widgets.NotConnected as error: print(error)"
        )
        assert "belongs to no notebook" in printed


async def test_a_restarted_kernel_says_hello_again(server):
    path = server.notebook("restart.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT + "nb[0].source = 'before'")
        await kernel.restart()
        await kernel.reconnect()
        await kernel.run(CONNECT + "nb[0].source += ', after'")
        await tab.until(lambda: tab.sources == ["before, after"], "the edits of both lives are there")


async def test_a_kernel_that_dies_in_a_transaction_leaves_no_trace(server):
    path = server.notebook("death.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        await kernel.start(
            "import os, signal\nwith nb.transaction('never'):\n"
            "    nb[0].source = 'half'\n    nb.append('done')\n    os.kill(os.getpid(), signal.SIGKILL)"
        )
        await kernel.reconnect(dead=True)
        await kernel.run(CONNECT + "nb[0].source += ' # alive'")
        await tab.until(lambda: tab.sources == ["x = 1 # alive"], "only the whole edit is there")


async def test_an_interrupt_in_the_middle_of_edits_wedges_nothing(server):
    path = server.notebook("interrupt.ipynb", "0")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        for _ in range(5):
            loop = await kernel.start("n = 0\nwhile True:\n    n += 1\n    nb[0].source = str(n)")
            before = tab.sources
            await tab.until(lambda: tab.sources != before, "the loop edits")  # noqa: B023
            await kernel.interrupt()
            await asyncio.wait_for(loop.done.wait(), 20)
            assert loop.error is not None and "KeyboardInterrupt" in loop.error
        await kernel.run("nb[0].source = 'fine'")
        await tab.until(lambda: tab.sources == ["fine"], "the document works")


async def test_two_notebooks_of_one_kernel(server):
    first = server.notebook("shared-1.ipynb", "first")
    second = server.notebook("shared-2.ipynb", "second")
    document = server.read(second)
    document["cells"][0]["id"] = "second-cell"
    (server.root / second).write_text(json.dumps(document))
    async with Tab(server, first) as one, Tab(server, second) as two, Kernel(server, first) as kernel:
        body = {"path": second, "name": second, "type": "notebook", "kernel": {"id": kernel.id}}
        await asyncio.to_thread(server.api, "/api/sessions", "POST", body)
        await kernel.run(CONNECT + "nb[0].source += '!'", cell_id="second-cell")
        await two.until(lambda: two.sources == ["second!"], "the notebook of the running cell is meant")
        await kernel.run("rtc_widgets.notebook()[0].source += '?'", cell_id="cell-0")
        await one.until(lambda: one.sources == ["first?"], "the other one, from its own cell")
        assert two.sources == ["second!"]


async def test_the_handle_follows_a_rename(server):
    path = server.notebook("old-name.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        await asyncio.to_thread(server.api, f"/api/contents/{path}", "PATCH", {"path": "new-name.ipynb"})
        await tab.until(
            lambda: tab.events and tab.events[-1].params == {"path": "new-name.ipynb"}, "the tab is told"
        )
        await kernel.run("nb[0].source = 'renamed'")
        await tab.until(lambda: tab.sources == ["renamed"], "the handle still works")
        await asyncio.to_thread(
            until, lambda: server.sources("new-name.ipynb") == ["renamed"], "the file follows"
        )
        assert not (server.root / path).exists()


async def test_closed_and_opened_again(server):
    path = server.notebook("again.ipynb", "x = 1")
    async with Kernel(server, path) as kernel:
        async with Tab(server, path):
            await kernel.run(CONNECT + "nb[0].source = 'while open'")
        await kernel.run("nb[0].source += ', while closed'")
        async with Tab(server, path) as tab:
            await tab.until(lambda: tab.sources == ["while open, while closed"], "nothing is lost")


async def test_a_burst_of_edits_arrives_whole(server):
    path = server.notebook("burst.ipynb", "")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT + "for n in range(10_000): nb[0].source += 'x'")
        await tab.until(lambda: tab.sources == ["x" * 10_000], "every edit arrived")
        assert "idle" in {
            status for m in kernel.messages for status in [m.get("content", {}).get("execution_state")]
        }


async def test_our_traffic_leaves_the_kernels_own_story_alone(server):
    """A running cell stays busy however much is typed, and typing is no activity of an idle kernel."""
    path = server.notebook("story.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        running = await kernel.start("import time\nwhile 'stop' not in nb[0].source: time.sleep(0.01)")
        await tab.until(lambda: running.status == ["busy"], "the cell runs")
        await tab.until(lambda: kernel.model()["execution_state"] == "busy", "the server knows it")
        for _ in range(50):
            tab.cell(0)["source"].insert(0, "y")
            await asyncio.sleep(0.01)
        assert kernel.model()["execution_state"] == "busy"
        assert running.status == ["busy"]
        tab.cell(0)["source"].insert(0, "stop")
        await asyncio.wait_for(running.done.wait(), 20)
        # After its last frame a kernel says twice which one it was; from then on it is silent.
        await tab.until(lambda: kernel.uplink[-2:] == ["head", "head"], "the kernel has said its last")
        seen, activity = len(kernel.messages), kernel.model()["last_activity"]
        for _ in range(50):
            tab.cell(0)["source"].insert(0, "z")
            await asyncio.sleep(0.01)
        await tab.committed()
        assert [message["content"] for message in kernel.messages[seen:]] == []
        assert kernel.model()["last_activity"] == activity


# On a slow machine a kernel starts for longer than it may be idle.
CULLER = """
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

class Culler(AsyncMappingKernelManager):
    async def cull_kernel_if_idle(self, kernel_id):
        if self._kernels[kernel_id].execution_state != "starting":
            await super().cull_kernel_if_idle(kernel_id)

c.ServerApp.kernel_manager_class = Culler
"""


async def test_a_long_silent_cell_survives_the_culler_while_somebody_types(serve):
    server = serve(
        config=CULLER,
        options=[
            "--MappingKernelManager.cull_idle_timeout=3",
            "--MappingKernelManager.cull_interval=1",
            "--MappingKernelManager.cull_connected=True",
        ],
    )
    path = server.notebook("culler.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        running = await kernel.start(
            CONNECT + "import time\ntime.sleep(8)\nprint('survived', len(nb[0].source))"
        )
        end = asyncio.get_running_loop().time() + 7
        while asyncio.get_running_loop().time() < end:
            tab.cell(0)["source"].insert(0, "y")
            await asyncio.sleep(0.1)
        await asyncio.wait_for(running.done.wait(), 20)
        assert running.error is None and running.stdout.startswith("survived")
        # And typing keeps no idle kernel alive.
        gone = f"/api/kernels/{kernel.id}"
        await asyncio.to_thread(until, lambda: _missing(server, gone), "the idle kernel is culled", 30)
        kernel.culled = True


def _missing(server, path):
    try:
        server.api(path)
    except urllib.error.HTTPError as error:
        with error:
            return error.code == 404
    return False


async def test_a_kernel_of_a_release_from_the_future_is_told_what_to_upgrade(server):
    path = server.notebook("future.ipynb", "x = 1")
    async with Tab(server, path), Kernel(server, path) as kernel:
        printed = await kernel.run(
            "import rtc_widgets.kernel.session as session\nsession.VERSIONS, session.__version__ = (7,), '9.0'\n"
            "%load_ext rtc_widgets\nimport rtc_widgets\n"
            "try: rtc_widgets.notebook(timeout=20)\nexcept rtc_widgets.NotConnected as error: print(error)"
        )
        assert "9.0" in printed and "Upgrade the server" in printed


async def test_unloaded_and_loaded_again(server):
    path = server.notebook("unload.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT + "old = nb")
        printed = await kernel.run(
            "%unload_ext rtc_widgets\n"
            "try: old[0].source = 'too late'\nexcept rtc_widgets.NotConnected as error: print(error)"
        )
        assert "session that has ended" in printed
        await kernel.run(CONNECT + "nb[0].source += ' # again'")
        await tab.until(lambda: tab.sources == ["x = 1 # again"], "the new session edits")


async def test_what_a_thread_prints_stays_in_its_cell(server):
    """Others type all the while; their messages must not become the parents of what people's threads print."""
    path = server.notebook("threads.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        running = await kernel.start(
            "import threading, time\ndef work():\n    for n in range(20):\n        print(n)\n        time.sleep(0.02)\n"
            "thread = threading.Thread(target=work)\nthread.start()\nthread.join()"
        )
        while not running.done.is_set():
            tab.cell(0)["source"].insert(0, "y")
            await asyncio.sleep(0.01)
        assert running.stdout == "".join(f"{n}\n" for n in range(20))
