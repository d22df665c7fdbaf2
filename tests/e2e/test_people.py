"""People and kernels see each other on a real server, wait for each other, and take back what they did."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from support.kernel import Kernel
from support.server import Server
from support.tab import Tab

from rtc_widgets.protocol import awareness

pytestmark = pytest.mark.oldest

CONNECT = "%load_ext rtc_widgets\nimport rtc_widgets, time\nnb = rtc_widgets.notebook(timeout=20)\n"
_clocks = itertools.count(1)


def introduce(tab: Tab, username: str, **said: Any) -> None:
    """Say who sits at a tab, as a browser does."""
    user = {
        "username": username,
        "name": username.title(),
        "display_name": username.title(),
        "color": "#123456",
    }
    state = json.dumps({"user": user, "cursors": [], **said})
    states = [awareness.State(tab.doc.client_id, next(_clocks), state)]
    tab.say(awareness.encode(awareness.encode_states(states)))


def kernel_in(tab: Tab) -> dict[str, Any] | None:
    """Return what the kernel says of itself."""
    kernels = [state for state in tab.states.values() if state is not None and state.get("kind") == "kernel"]
    assert len(kernels) <= 1
    return kernels[0] if kernels else None


def shown(kernel: Kernel, text: str) -> list[dict[str, Any]]:
    """Return the output messages that hold *text*."""
    streams = [m for m in kernel.messages if m.get("header", {}).get("msg_type") == "stream"]
    return [message for message in streams if text in message["content"]["text"]]


async def test_the_kernel_and_its_people_know_each_other(named: Server) -> None:
    path = named.notebook("people.ipynb", "x = 1", "y = 2")
    async with Tab(named, path) as ada, Tab(named, path, token="bob") as bob, Kernel(named, path) as kernel:
        introduce(ada, "ada", activeCell="cell-1")
        await kernel.run(CONNECT)
        assert await kernel.run(
            "nb.wait_for(lambda: 'ada' in nb.users, 10).result()\nprint(nb.users['ada'].cell.id)"
        ) == ("cell-1\n")
        assert await kernel.run("print(nb.active.id, nb.users['Ada'].color, nb.me)", cell_id="cell-0") == (
            "cell-1 #123456 <kernel 'kernel' (Kernel (Ada)), runs cell 0, me>\n"
        )
        await bob.until(lambda: kernel_in(bob), "bob sees the kernel")
        introduce(bob, "bob", activeCell="cell-0")
        await kernel.run("nb.wait_for(lambda: 'bob' in nb.users, 10).result()\nnb.status('training')")
        await ada.until(lambda: (kernel_in(ada) or {}).get("status") == "training", "ada sees the status")
        await kernel.run("nb.point(nb[1], 'look here')")
        pointer = (await ada.until(lambda: (kernel_in(ada) or {}).get("pointer"), "ada is pointed to")) or {}
        assert pointer["cell"] == "cell-1" and pointer["text"] == "look here"
        await bob.drop()
        await kernel.run("nb.wait_for(lambda: 'bob' not in nb.users, 10).result()")


async def test_code_in_a_kernel_cannot_pass_for_a_person(named: Server) -> None:
    path = named.notebook("kernel-forger.ipynb", "x = 1")
    async with Tab(named, path) as tab, Kernel(named, path) as kernel:
        await kernel.run(CONNECT)
        await tab.until(lambda: kernel_in(tab), "the kernel is here")
        forged = "{'username': 'bob', 'name': 'Bob', 'display_name': 'Bob', 'avatar_url': '/bob.png'}"
        await kernel.run(
            "from rtc_widgets.documents.people import People\n"
            f"nb.document.part(People).say(kind='person', user={forged}, status='training')"
        )
        await tab.until(lambda: (kernel_in(tab) or {}).get("status") == "training", "it has said so")
        user = (kernel_in(tab) or {})["user"]
        assert (user["username"], user["name"], user["avatar_url"]) == ("kernel", "Kernel (Ada)", None)


async def test_the_running_cell_shows_once_the_code_writes(server: Server) -> None:
    path = server.notebook("running.ipynb", "x = 1", "y = 2")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT, cell_id="cell-0")
        running = await kernel.start(
            "nb[0].source = 'go'\nnb.wait_for(lambda: nb[0].source == 'stop', 20).result()", "cell-1"
        )
        await tab.until(lambda: (kernel_in(tab) or {}).get("cell") == "cell-1", "the running cell is told")
        # What it writes may be told in another message; typed over unseen, both would stand there.
        await tab.until(lambda: tab.sources[0] == "go", "what it writes is here, too")
        with tab.doc.transaction():
            tab.cell(0)["source"].clear()
            tab.cell(0)["source"].insert(0, "stop")
        await asyncio.wait_for(running.done.wait(), 20)
        assert running.error is None
        await tab.until(
            lambda: kernel_in(tab) and "cell" not in (kernel_in(tab) or {}), "and that it has ended"
        )


async def test_of_several_people_the_active_cell_is_that_of_who_runs(named: Server) -> None:
    path = named.notebook("who-runs.ipynb", "x = 1", "y = 2")
    async with Tab(named, path) as ada, Tab(named, path, token="bob") as bob, Kernel(named, path) as kernel:
        await kernel.run(CONNECT)
        introduce(ada, "ada", activeCell="cell-0", session=kernel._session)
        introduce(bob, "bob", activeCell="cell-1", session="another")
        await kernel.run("nb.wait_for(lambda: len(nb.users) == 3, 10).result()")
        assert await kernel.run("print(nb.active.id)") == "cell-0\n"


@pytest.mark.parametrize("how", ["unload", "restart", "death", "shutdown"])
async def test_a_kernel_that_ends_is_gone(server: Server, how: str) -> None:
    path = server.notebook(f"end-{how}.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        await tab.until(lambda: kernel_in(tab), "the kernel is here")
        match how:
            case "unload":
                await kernel.run("%unload_ext rtc_widgets")
            case "restart":
                await kernel.restart()
            case "death":
                await kernel.start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
            case "shutdown":
                await asyncio.to_thread(server.api, f"/api/sessions/{kernel.session['id']}", "DELETE")
                kernel.culled = True
        await tab.until(lambda: kernel_in(tab) is None, "the kernel is gone")
        if how in {"restart", "death"}:
            await kernel.reconnect(dead=how == "death")
        if how != "shutdown":
            await kernel.run(CONNECT)
            await tab.until(lambda: kernel_in(tab), "and here again")


async def test_saved_and_synced(server: Server) -> None:
    path = server.notebook("saved.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT + "nb[0].source = 'saved'\nprint(nb.save()['last_modified'] is not None)")
        assert server.sources(path) == ["saved"]
        await kernel.run("nb[0].source = 'awaited'\nawait nb.saved()")
        assert server.sources(path) == ["awaited"]
        assert (
            await kernel.run(
                "for n in range(200): nb[0].source = str(n)\nnb.synced().result(10)\nawait nb.synced()\nprint(nb.state)"
            )
            == "live\n"
        )
        assert tab.sources == ["199"]
        assert "cells" in await kernel.run(
            "import threading\ndef work():\n    nb.append('thread')\n    nb.save()\n    print(len(nb), 'cells')\n"
            "thread = threading.Thread(target=work); thread.start(); thread.join()"
        )
        assert server.sources(path) == ["199", "thread"]


async def test_a_refused_save_says_why(server: Server) -> None:
    path = server.notebook("refused-save.ipynb", "x = 1")
    async with Tab(server, path), Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        (server.root / path).unlink()
        (server.root / path).mkdir()
        printed = await kernel.run(
            "nb[0].source = 'x'\ntry: nb.save(20)\nexcept rtc_widgets.ChannelClosed as error: print(error.code)"
        )
        assert printed.strip()
        (server.root / path).rmdir()


async def test_closed_by_its_handle_and_asked_for_again(server: Server) -> None:
    path = server.notebook("closed.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        printed = await kernel.run(
            CONNECT + "nb[0].source = 'closed'\nnb.close()\nprint(nb.state, nb[0].source)\n"
            "try: nb[0].source = 'late'\nexcept rtc_widgets.NotConnected as error: print(error)\n"
        )
        assert printed.startswith("closed closed\n") and "was closed" in printed
        await tab.until(lambda: tab.sources == ["closed"] and kernel_in(tab) is None, "the kernel has left")
        await kernel.run("nb = rtc_widgets.notebook(timeout=20)\nnb[0].source += ', open'")
        await tab.until(lambda: tab.sources == ["closed, open"] and kernel_in(tab), "it is back")


async def test_undo_leaves_what_others_typed(server: Server) -> None:
    path = server.notebook("undo.ipynb", "hello world")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(
            CONNECT
            + "with nb.transaction('tidy up'):\n    nb[0].source = 'goodbye world'\n    nb.append('new')"
        )
        await tab.until(lambda: tab.sources == ["goodbye world", "new"], "the tab sees the edit")
        tab.cell(0)["source"].insert(0, "tab: ")
        assert (
            await kernel.run(
                "nb.wait_for(lambda: nb[0].source.startswith('tab'), 10).result()\nprint(nb.undo_stack, nb.undo())"
            )
            == "['tidy up'] tidy up\n"
        )
        await tab.until(lambda: tab.sources == ["tab: hello world"], "only the kernel's step is undone")
        await kernel.run("nb.redo()")
        await tab.until(lambda: tab.sources == ["tab: goodbye world", "new"], "and done again")


async def test_callbacks_in_a_kernel(named: Server) -> None:
    """On the main loop by default, in another thread on demand; errors show in the cell that subscribed, once."""
    path = named.notebook("callbacks.ipynb", "x = 1", "y = 2")
    async with Tab(named, path) as tab, Kernel(named, path) as kernel:
        introduce(tab, "ada")
        await kernel.run(CONNECT + "import threading\nheard = []")
        subscribed = await kernel.start(
            "@nb.on_change('source', cell=0)\ndef broken(change):\n"
            "    heard.append((change.person and change.person.username, threading.current_thread().name))\n"
            "    raise ValueError('my fault')"
        )
        await asyncio.wait_for(subscribed.done.wait(), 20)
        tab.cell(0)["source"].insert(0, "z")
        await tab.until(lambda: shown(kernel, "my fault"), "the error is shown")
        for n in range(2, 4):
            tab.cell(0)["source"].insert(0, "z")
            await kernel.run(f"nb.wait_for(lambda: nb[0].source.startswith({'z' * n!r}), 10).result()")
            await tab.until(lambda: kernel.model()["execution_state"] == "idle", "the main loop is free")
        heard = await kernel.run("print(heard)")
        assert heard.count("'MainThread'") >= 2 and "'ada'" in heard
        errors = shown(kernel, "my fault")
        assert len(errors) == 1
        assert errors[0]["content"]["name"] == "stderr"
        assert kernel._results[errors[0]["parent_header"]["msg_id"]] is subscribed

        running = await kernel.start(
            "came = threading.Event()\nnb.on_change('source', lambda change: came.set(), cell=1, thread='any')\n"
            "nb.status('waiting')\nprint(came.wait(20))"
        )
        await tab.until(lambda: (kernel_in(tab) or {}).get("status") == "waiting", "the cell waits")
        tab.cell(1)["source"].insert(0, "z")
        await asyncio.wait_for(running.done.wait(), 20)
        assert running.error is None and running.stdout == "True\n"


async def test_waiting_neither_blocks_the_loop_nor_an_interrupt(server: Server) -> None:
    path = server.notebook("waiting.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        waiting = await kernel.start("nb.status('blocking')\nnb.wait_for('outputs').result()")
        await tab.until(lambda: (kernel_in(tab) or {}).get("status") == "blocking", "the cell waits")
        await kernel.interrupt()
        await asyncio.wait_for(waiting.done.wait(), 20)
        assert waiting.error is not None and "KeyboardInterrupt" in waiting.error
        running = await kernel.start(
            "import asyncio\nnb.status('awaiting')\n"
            "change, _ = await asyncio.gather(nb.wait_for('source', 20), asyncio.sleep(0))\nprint(change.delta)"
        )
        await tab.until(lambda: (kernel_in(tab) or {}).get("status") == "awaiting", "the cell awaits")
        tab.cell(0)["source"].insert(0, "z")
        await asyncio.wait_for(running.done.wait(), 20)
        assert running.error is None, running.error
        assert running.stdout == "(Edit(start=0, stop=0, text='z'),)\n"


async def test_an_idle_kernel_says_nothing_about_people(named: Server) -> None:
    path = named.notebook("idle.ipynb", "x = 1")
    async with Tab(named, path) as tab, Kernel(named, path) as kernel:
        await kernel.run(CONNECT)
        await tab.until(
            lambda: kernel_in(tab) and kernel.uplink[-2:] == ["head", "head"], "the kernel is settled"
        )
        seen, activity = len(kernel.messages), kernel.model()["last_activity"]
        for n in range(30):
            introduce(tab, "ada", activeCell="cell-0", cursors=[{"anchor": n}])
            await asyncio.sleep(0.01)
        tab.cell(0)["source"].insert(0, "z")
        await tab.committed()
        assert [message.get("content") for message in kernel.messages[seen:]] == []
        assert kernel.model()["last_activity"] == activity
        # Cells that write nothing cost nothing either.
        uplink = len(kernel.uplink)
        for _ in range(3):
            await kernel.run("1 + 1", cell_id="cell-0")
        assert len(kernel.uplink) == uplink
