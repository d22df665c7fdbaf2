"""``%rtc``, ``%undo`` and ``%redo`` on a real server, with people in two tabs, and in a console beside the notebook."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from support.kernel import Kernel, Result
from support.server import Server, until
from support.tab import Tab

from rtc_widgets._version import __version__
from rtc_widgets.protocol import awareness

pytestmark = pytest.mark.oldest

CONNECT = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\n"
_clocks = itertools.count(1)


def introduce(tab: Tab, username: str, **said: Any) -> None:
    """Say who sits at a tab, as a browser does."""
    user = {"username": username, "name": username.title(), "display_name": username.title()}
    states = [
        awareness.State(tab.doc.client_id, next(_clocks), json.dumps({"user": user, "cursors": [], **said}))
    ]
    tab.say(awareness.encode(awareness.encode_states(states)))


async def shown(kernel: Kernel, code: str, cell_id: str | None = None) -> str:
    """Run *code*, which may fail, and return all that it shows a person, in order, as text."""
    before = len(kernel.messages)
    result: Result = await kernel.start(code, cell_id)
    await asyncio.wait_for(result.done.wait(), 50)
    text = ""
    for message in kernel.messages[before:]:
        if kernel._results.get(message.get("parent_header", {}).get("msg_id", "")) is not result:
            continue
        content = message["content"]
        match message["header"]["msg_type"]:
            case "stream":
                text += content["text"]
            case "display_data":
                text += content["data"]["text/plain"] + "\n"
            case "error":
                text += "\n".join(content["traceback"]) + "\n"
    return text


async def card_with(kernel: Kernel, text: str) -> str:
    """Return what ``%rtc`` shows once that has *text* in it: what the server says of the file comes a moment later."""
    async with asyncio.timeout(20):
        while text not in (said := await shown(kernel, "%rtc")):
            await asyncio.sleep(0.05)
    return said


async def test_the_card_of_a_notebook_that_people_have_open(named: Server) -> None:
    path = named.notebook("work/card.ipynb", "x = 1", "y = 2")
    async with Tab(named, path) as ada, Tab(named, path, token="bob") as bob, Kernel(named, path) as kernel:
        introduce(ada, "ada", activeCell="cell-1")
        introduce(bob, "bob", activeCell="cell-0")
        await kernel.run(
            CONNECT + "nb.wait_for(lambda: len(nb.users) == 3, 10).result()\nnb.status('training')"
        )
        said = await shown(kernel, "nb[0].source = 'x = 2'\n%rtc", "cell-0")
        assert said.startswith(f"{path}\n")
        assert "2 (2 code)" in said
        assert "Ada, in cell 1" in said and "Bob, in cell 0" in said
        assert "runs cell 0, training" in said
        assert f"live; rtc_widgets {__version__} on the server; changes by others arrive also" in said
        assert "all of it is safe on the server" in said
        people = await shown(kernel, "%rtc who")
        assert "Ada     person 'ada', in cell 1\n" in people and "this kernel" in people
        await bob.drop()
        await kernel.run("nb.wait_for(lambda: 'bob' not in nb.users, 10).result()")
        assert "Bob" not in await shown(kernel, "%rtc who")


async def test_what_the_file_has_not_yet(serve: Any) -> None:
    server = serve(options=["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000"])
    path = server.notebook("lacks.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT + "nb[0].source = 'x = 2'")
        assert (await shown(kernel, "%rtc sync")).startswith(
            "All that was written here is safe on the server"
        )
        assert tab.sources == ["x = 2"]
        said = await card_with(kernel, "lacks the last changes")
        assert "all of it is safe on the server" in said
        assert server.sources(path) == ["x = 1"]
        await kernel.run("nb.save()")
        await card_with(kernel, "has everything; last written 2")


async def test_the_doctor_finds_nothing_where_all_is_well(server: Server) -> None:
    path = server.notebook("well.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT + "nb[0].source = 'x = 2'\nnb.append('y = 3')\ndel nb[1]")
        tab.cell(0)["source"].insert(0, "# ")
        said = await shown(kernel, "%rtc doctor")
        assert said.startswith(f"{path}: all is well\n"), said
        assert "✓ live" in said and f"✓ {__version__} here, {__version__} on the server" in said
        assert "✓ editor" in said and "✓ after " in said
        assert "✓ the same here and on the server" in said
        assert "all of it is safe on the server" in said and "✗" not in said


STRAY = """
from pycrdt import Doc, Text
from rtc_widgets.origins import Origin
stray = Doc()
stray["stray"] = Text("only here")
nb.document.apply_remote(stray.get_update(), Origin("remote"))
"""


async def test_the_doctor_finds_a_replica_that_has_something_else(server: Server) -> None:
    path = server.notebook("apart.ipynb", "x = 1")
    async with Tab(server, path), Kernel(server, path) as kernel:
        await kernel.run(CONNECT + STRAY)
        said = await shown(kernel, "%rtc doctor")
        assert said.startswith(f"{path}: one thing is not as it should be\n"), said
        assert "✗ another here than on the server" in said
        assert "run %reload_ext rtc_widgets" in said


async def test_sync_waits_until_everybody_could_have_it(server: Server) -> None:
    path = server.notebook("magics-sync.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        said = await shown(kernel, "for n in range(500): nb[0].source = f'x = {n}'\n%rtc sync -t 20")
        assert said.startswith("All that was written here is safe on the server (")
        assert tab.sources == ["x = 499"]


async def test_undo_and_redo_leave_what_others_typed(server: Server) -> None:
    path = server.notebook("magics-undo.ipynb", "hello world", "y = 2")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(
            CONNECT
            + "with nb.transaction('tidy up'):\n    nb[0].source = 'goodbye world'\n    nb.append('new')\n"
            "nb[1].source = 'y = 3'"
        )
        await tab.until(lambda: tab.sources == ["goodbye world", "y = 3", "new"], "the tab sees the edits")
        tab.cell(0)["source"].insert(0, "tab: ")
        await kernel.run("nb.wait_for(lambda: nb[0].source.startswith('tab'), 10).result()")
        assert await shown(kernel, "%undo 9") == (
            "Undone: edit cell, tidy up\n"
            "  cell 0, text: tab: hello world\n  cell 1, text: y = 2\n  gone: new\n"
            "There is no more.\n"
        )
        await tab.until(
            lambda: tab.sources == ["tab: hello world", "y = 2"], "only the kernel's steps are undone"
        )
        assert (await shown(kernel, "%redo")).startswith("Done again: tidy up\n")
        await tab.until(
            lambda: tab.sources == ["tab: goodbye world", "y = 2", "new"], "and one is done again"
        )
        assert await shown(kernel, "%redo 0\nprint('went on')") == (
            "UsageError: '0' is not understood; it is: %redo [NUMBER OF STEPS] [PATH.ipynb]\n"
        )


async def test_in_a_console_beside_the_notebook(server: Server) -> None:
    """A console's code has no cell; its kernel has the notebook all the same."""
    path = server.notebook("beside.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        body = {"path": "console-beside", "name": "", "type": "console", "kernel": {"id": kernel.id}}
        await asyncio.to_thread(server.api, "/api/sessions", "POST", body)
        assert (await shown(kernel, "%load_ext rtc_widgets\n%rtc")).startswith("beside.ipynb\n")
        await kernel.run("import rtc_widgets\nrtc_widgets.notebook()[0].source = 'x = 2'")
        assert "Undone: edit cell" in await shown(kernel, "%undo")
        await tab.until(lambda: tab.sources == ["x = 1"], "the console's step is undone")
        await asyncio.to_thread(until, lambda: server.sources(path) == ["x = 1"], "the file follows")


async def test_a_magic_opens_no_other_notebook(server: Server) -> None:
    path, other = server.notebook("open.ipynb", "x = 1"), server.notebook("not-open.ipynb", "y = 1")
    async with Tab(server, path), Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        assert "No notebook 'not-open.ipynb' is connected to this kernel" in await shown(
            kernel, f"%rtc {other}"
        )
        await kernel.run(f"rtc_widgets.notebook({other!r})[0].source = 'y = 2'")
        assert (await shown(kernel, f"%undo {other}")).startswith(
            "Undone: edit cell\n  cell 0, text: y = 1\n"
        )


async def test_a_kernel_without_a_notebook_gets_the_reason(server: Server) -> None:
    async with Kernel(server, "console-2", type_="console") as kernel:
        said = await shown(kernel, "%load_ext rtc_widgets\n%rtc")
        assert said.startswith("No live notebook here") and "[no-document]" in said
        said = await shown(kernel, "%undo\nprint('went on')")
        assert "[no-document]" in said and "Traceback" not in said and "went on" not in said
