"""``%rtc doctor`` where something is wrong on a real server: no right to write, another release, no answer."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support.kernel import Kernel
from support.server import Server, until
from support.tab import Tab

from rtc_widgets._version import __version__

# Each starts a server of its own.
pytestmark = pytest.mark.timeout(180)

CONNECT = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\n"
READ_ONLY = """
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

class ReadOnly(AsyncLargeFileManager):
    async def get(self, path, *arguments, **options):
        return {**await super().get(path, *arguments, **options), "writable": False}

c.ServerApp.contents_manager_class = ReadOnly
"""
# As the server's environment would have it with another release; the relay is imported after this is read.
OTHER_RELEASE = """
import rtc_widgets._version
rtc_widgets._version.__version__ = "0.0.9"
"""
WHEN_TOLD = """
import pathlib, time
from IPython.utils.capture import capture_output
folder = pathlib.Path({folder!r})
(folder / "runs").touch()
while not (folder / "go").exists():
    time.sleep(0.02)
with capture_output() as said:
    get_ipython().run_line_magic("rtc", "doctor")
(folder / "new").write_text(said.outputs[0].data["text/plain"])
(folder / "new").rename(folder / "said")
"""


async def doctor(kernel: Kernel) -> tuple[str, str]:
    """Return what the doctor says, as text and as HTML."""
    before = len(kernel.messages)
    await kernel.run("%rtc doctor")
    (data,) = (
        message["content"]["data"]
        for message in kernel.messages[before:]
        if message.get("header", {}).get("msg_type") == "display_data"
    )
    return data["text/plain"], data["text/html"]


async def test_who_may_only_read_is_told_whom_to_ask(serve: Callable[..., Server]) -> None:
    server = serve(config=READ_ONLY)
    path = server.notebook("readable.ipynb", "x = 1")
    async with Tab(server, path), Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        text, html = await doctor(kernel)
        assert "one thing is not as it should be" in text and "✗ commenter" in text, text
        assert "Ask the owner of the notebook for the right to edit" in text
        assert "<table" in html and "✗ commenter" in html and "Ask the owner" in html


async def test_a_server_of_another_release_is_named(serve: Callable[..., Server]) -> None:
    server = serve(config=OTHER_RELEASE)
    path = server.notebook("older.ipynb", "x = 1")
    async with Tab(server, path), Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        text, html = await doctor(kernel)
        assert f"✗ {__version__} here, 0.0.9 on the server" in text, text
        assert "Upgrade the older one" in text and "Upgrade the older one" in html


async def test_a_server_that_does_not_answer_is_told_while_it_does_not(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve()
    path = server.notebook("silent.ipynb", "x = 1")
    async with Tab(server, path), Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        running = await kernel.start(WHEN_TOLD.format(folder=str(tmp_path)))
        await asyncio.to_thread(until, (tmp_path / "runs").exists, "the cell runs")
        server.signal(signal.SIGSTOP)
        try:
            (tmp_path / "go").touch()
            said = tmp_path / "said"
            await asyncio.to_thread(until, said.exists, "the doctor has spoken", 60)
        finally:
            server.signal(signal.SIGCONT)
        text = said.read_text()
        assert "✗ none (" in text and "The server did not answer." in text, text
        await asyncio.wait_for(running.done.wait(), 30)
        assert "✗" not in (await doctor(kernel))[0], "it answers again"
