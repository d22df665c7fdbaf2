"""Kernels that do not read: what waits for them is bounded, nobody else notices, and they get everything in the end."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest
from support.kernel import Kernel
from support.kernels import install_kernelspec
from support.server import Server, until
from support.tab import Tab

pytestmark = pytest.mark.timeout(180)

MEGABYTE = 10**6
BOUND = 8 * MEGABYTE
# In the channel and the burst with which it is over the bound, a frame under way of what had waited, and what waits.
MOST = (BOUND + 5 * MEGABYTE) + BOUND + BOUND
# A save of so much takes a while, and is not what is tested.
OPTIONS = [
    f"--RelayApp.max_unsent={BOUND}",
    "--RelayApp.save_delay=1000",
    "--RelayApp.save_max_wait=1000",
]
BEGIN = (
    "%load_ext rtc_widgets\nimport hashlib, os, rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\n"
    "print(os.getpid())"
)
HASH = "print(hashlib.sha256('\\0'.join(cell.source for cell in nb).encode()).hexdigest())"


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # where the test ended it
            os.kill(pid, signal.SIGCONT)


def rewrite(tab: Tab, text: str) -> None:
    """Put *text* in the place of the first cell's, so that the document stays as large as that."""
    source = tab.cell(0)["source"]
    with tab.doc.transaction():
        del source[:]
        source += text


async def write(ada: Tab, ben: Tab, count: int) -> None:
    """Have ada write megabytes, each of which ben gets to see."""
    for number in range(count):
        text = f"{number:04}" + "y" * MEGABYTE
        rewrite(ada, text)
        await ben.until(lambda text=text: str(ben.cell(0)["source"]) == text, "ben is not disturbed")
        if number % 10 == 9:
            await ada.committed()  # what waits for the disk is not what is tested


async def same(kernel: Kernel, tab: Tab) -> None:
    """Wait until the kernel's notebook is as the tab's."""
    expected = hashlib.sha256("\0".join(tab.sources).encode()).hexdigest()
    async with asyncio.timeout(60):
        while await kernel.run(HASH) != f"{expected}\n":
            await asyncio.sleep(0.1)


async def go_on(kernel: Kernel, tab: Tab) -> None:
    """Have the kernel write, and hear."""
    await kernel.run("nb[1].source = 'kernel = 1'")
    await tab.until(lambda: tab.sources[1] == "kernel = 1", "what the kernel writes arrives")
    tab.cell(1)["source"] += "0"
    await same(kernel, tab)


def unsent(server: Server) -> int:
    """Return how many bytes wait for the kernel."""
    [room] = server.api("/api/rtc_widgets/status")["rooms"]
    peers = room["documents"]["content"]["peers"]
    return next((int(peer["unsent"]) for peer in peers if peer["kind"] == "kernel"), 0)


async def test_what_waits_for_a_stopped_kernel_is_bounded(serve: Callable[..., Server]) -> None:
    server = serve(options=OPTIONS)
    path = server.notebook("stopped.ipynb", "x = 1", "y = 2")
    process = psutil.Process(server.pid)
    async with Tab(server, path) as ada, Tab(server, path) as ben, Kernel(server, path) as kernel:
        pid = int(await kernel.run(BEGIN))
        # What the server takes once, to handle messages of this size.
        await write(ada, ben, 40)
        await same(kernel, ada)
        before = process.memory_info().rss
        with stopped(pid):
            await write(ada, ben, 200)
            grown = process.memory_info().rss - before
            waiting = await asyncio.to_thread(unsent, server)
        assert grown < 6 * BOUND
        assert BOUND < waiting < MOST
        await same(kernel, ada)
        await go_on(kernel, ada)
        await asyncio.to_thread(until, lambda: unsent(server) == 0, "nothing waits any more")
    assert server.log.count("does not take messages") == 1


async def test_a_large_document_gets_through_to_a_kernel_that_is_stopped_again_and_again(
    serve: Callable[..., Server],
) -> None:
    """It is larger than the bound, and others go on writing while it is on its way."""
    server = serve(options=[f"--RelayApp.max_unsent={MEGABYTE}", *OPTIONS[1:]])
    path = server.notebook("large.ipynb", "x = 1", "y = 2")
    notebook = server.read(path)
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 20 * MEGABYTE}}
    notebook["cells"][1]["outputs"] = [picture]
    server.write(path, notebook)
    async with Tab(server, path) as ada, Tab(server, path) as ben, Kernel(server, path) as kernel:
        pid = int(await kernel.run("import os\nprint(os.getpid())"))
        beginning = await kernel.start(BEGIN)
        await asyncio.to_thread(until, lambda: unsent(server), "the document is on its way")
        writing = asyncio.create_task(write(ada, ben, 30))
        while not writing.done():
            with stopped(pid):
                await asyncio.sleep(0.2)
            await asyncio.sleep(0.02)
        await writing
        async with asyncio.timeout(60):
            await beginning.done.wait()
        assert beginning.error is None, beginning.error
        await same(kernel, ada)
        assert await kernel.run("print(len(nb[1].outputs[0]['data']['image/png']))") == f"{20 * MEGABYTE}\n"
        await go_on(kernel, ada)


@pytest.mark.parametrize("by", ["restart", "kill"])
async def test_a_stopped_kernel_that_is_replaced_leaves_nothing_behind(
    serve: Callable[..., Server], by: str
) -> None:
    server = serve(options=OPTIONS)
    path = server.notebook("replaced.ipynb", "x = 1", "y = 2")
    async with Tab(server, path) as ada, Tab(server, path) as ben, Kernel(server, path) as kernel:
        pid = int(await kernel.run(BEGIN))
        with stopped(pid):
            await write(ada, ben, 50)
            assert await asyncio.to_thread(unsent, server) > BOUND
            if by == "restart":
                await kernel.restart()
            else:
                os.kill(pid, signal.SIGKILL)
                await kernel.reconnect(dead=True)
        await asyncio.to_thread(until, lambda: unsent(server) == 0, "nothing waits any more")
        if by == "restart":
            await kernel.reconnect()
        assert int(await kernel.run(BEGIN)) != pid
        await same(kernel, ada)
        await go_on(kernel, ada)
    # So it calls what was meant for another kernel, which had loaded the extension.
    assert "UNKNOWN" not in server.log


async def test_what_waits_for_a_stopped_kernel_that_hears_between_cells_is_bounded(
    serve: Callable[..., Server],
) -> None:
    pytest.importorskip("xpython_launcher")
    server = serve(options=OPTIONS)
    install_kernelspec(server.work / "data" / "kernels", "xpython_launcher")
    path = server.notebook("xeus.ipynb", "x = 1", "y = 2")
    process = psutil.Process(server.pid)
    async with (
        Tab(server, path) as ada,
        Tab(server, path) as ben,
        Kernel(server, path, name="xpython_launcher") as kernel,
    ):
        await kernel.run("%load_ext rtc_widgets\nimport hashlib, os, rtc_widgets")
        while await kernel.run("print(rtc_widgets.notebook(required=False) is None)") == "True\n":
            pass
        await kernel.run("nb = rtc_widgets.notebook()")
        pid = int(await kernel.run("print(os.getpid())"))
        await write(ada, ben, 40)
        await same(kernel, ada)
        before = process.memory_info().rss
        with stopped(pid):
            await write(ada, ben, 200)
            grown = process.memory_info().rss - before
            waiting = await asyncio.to_thread(unsent, server)
        assert grown < 6 * BOUND
        assert BOUND < waiting < MOST
        await same(kernel, ada)
        await go_on(kernel, ada)
