"""A kernel and a hub with one notebook: real ipykernel, real ZMQ, real CRDT."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest
from support.kernels import Hub, Notebook, cell, until

from rtc_widgets.protocol import event, status, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.roles import Role

LOAD = (
    "%load_ext rtc_widgets\nimport rtc_widgets, time, threading, os\nnb = rtc_widgets.notebook(timeout=20)\n"
)
WAIT = """
def wait_for(condition, seconds=20):
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, 'it did not become true'
        time.sleep(.005)
"""


async def test_the_line_after_load_ext_has_the_notebook(kernel, hub, notebook):
    assert await kernel.run(LOAD + "print([c.source for c in nb])") == "['x = 1', '# Títle 🌍']\n"
    await kernel.run("nb[0].source = 'x = 2  # 🎉'")
    await until(lambda: notebook.source() == "x = 2  # 🎉")
    notebook.type(" and more", index=1)
    assert await kernel.run(
        WAIT + "wait_for(lambda: nb[1].source.endswith('more'))\nprint(nb[1].source)"
    ) == ("# Títle 🌍 and more\n")
    hello = hub.hellos[0]
    # It is said again where the answer takes more than a tenth of a second.
    assert {again.session for again in hub.hellos} == {hello.session}
    assert (hello.versions, hello.ways, hello.cell_id) == ([1], ["control"], "cell-0")
    assert "ipykernel" in hello.implementation


async def test_notebook_loads_the_extension_by_itself(kernel, hub):
    assert await kernel.run("import rtc_widgets\nprint(len(rtc_widgets.notebook()))") == "2\n"


async def test_edits_go_both_ways_in_the_middle_of_a_cell(kernel, hub, notebook):
    """The cell ends only after the hub has seen its edit and answered with one of its own."""
    await kernel.run(LOAD)
    for loop in ("time.sleep(.01)", "sum(range(1000))"):
        running = kernel.begin(
            "nb[0].source = 'ping'\nstart = time.monotonic()\n"
            f"while nb[0].source != 'ping pong':\n    assert time.monotonic() - start < 10\n    {loop}"
        )
        await until(lambda: notebook.source() == "ping")
        notebook.type(" pong")
        await kernel.end(running)


async def test_nobody_else_notices(kernel, hub, notebook):
    """No status, no stolen output, nothing on iopub but our topic: while others type and a thread prints."""
    await kernel.run(LOAD)
    printing = "def work():\n    for n in range(20): print('T', flush=True); time.sleep(.02)\n"
    starter = kernel.begin(printing + "thread = threading.Thread(target=work); thread.start()")
    for _ in range(20):
        notebook.type(".")
        await asyncio.sleep(0.02)
    await kernel.end(starter)
    await until(lambda: kernel.output(starter).count("T") == 20)
    await kernel.run(WAIT + "wait_for(lambda: nb[0].source == 'x = 1' + 20 * '.')")
    assert kernel.not_of_cells() == []
    assert kernel.uplink("hello") and not kernel.uplink("resync")
    assert all(message["parent_header"] == {} for message in kernel.iopub if kernel.is_uplink(message))


async def test_what_others_do_publishes_nothing(kernel, hub, notebook):
    """Each message of ours would count as activity of the kernel: it answers typing with silence."""
    await kernel.run(LOAD + WAIT)
    await until(lambda: [entry["kind"] for entry in kernel.uplink()][-2:] == ["head", "head"])
    before = len(kernel.iopub)
    for _ in range(10):
        notebook.type(".")
        await asyncio.sleep(0.03)
    await asyncio.sleep(0.3)
    assert len(kernel.iopub) == before


async def test_ten_thousand_edits_in_a_burst_arrive_in_few_messages(kernel, hub, notebook):
    await kernel.run(LOAD)
    frames = len(kernel.uplink("frame"))
    start = time.monotonic()
    took = await kernel.run(
        "start = time.perf_counter()\nfor n in range(10_000): nb[0].source += 'b'\n"
        "print(time.perf_counter() - start)",
        seconds=50,
    )
    await until(lambda: notebook.source() == "x = 1" + 10_000 * "b", 30)
    messages = len(kernel.uplink("frame")) - frames
    seconds = time.monotonic() - start
    print(f"10,000 edits took {float(took):.2f} s and {messages} messages; there after {seconds:.2f} s")  # noqa: T201
    assert messages <= 60 * seconds
    assert not kernel.uplink("resync")


async def test_an_edit_of_three_megabytes_goes_in_parts_both_ways(kernel, hub, notebook):
    await kernel.run(LOAD + WAIT)
    await kernel.run("nb[0].source = 'k' * 3_000_000")
    await until(lambda: notebook.source() == "k" * 3_000_000)
    frames = [message for message in kernel.iopub if kernel.is_uplink(message)]
    assert max(len(bytes(b)) for message in frames for b in message["buffers"]) <= 2**20 + 100
    notebook.type("h" * 3_000_000, index=1)
    await kernel.run("wait_for(lambda: nb[1].source.endswith('h' * 3_000_000))")


@pytest.mark.parametrize("number", range(2))
async def test_lost_messages_are_made_good(kernel, hub, notebook, number):
    """Both ends lose a third of everything for a while, the tail included."""
    await kernel.run(LOAD + WAIT)
    # Its hellos, one or more, come before all else.
    await until(lambda: hub.was_heard(notebook))
    hellos = len(hub.hellos)
    count, last = 0, 10**6

    def lose(data):
        nonlocal count
        count += 1
        return count % 3 == number and count < last

    hub.link.lose_up = lambda data: data["kind"] in {"frame", "resync"} and lose(data)
    hub.link.lose_down = lambda data: data["kind"] in {"frame", "resync"} and lose(data)
    for n in range(20):
        notebook.type("h", index=1)
        await kernel.run(f"nb[0].source += 'k{n},'")
    # For ever, three messages that answer each other could lose the same one each time.
    last = count + 10
    everything = "x = 1" + "".join(f"k{n}," for n in range(20))
    # What stays lost is asked for ever more rarely, every 8 s in the end.
    await until(lambda: notebook.source() == everything, 40)
    await kernel.run("wait_for(lambda: nb[1].source.endswith('h' * 20), 40)", seconds=50)
    assert hub.link.session == hub.hellos[0].session and len(hub.hellos) == hellos


async def test_a_lost_tail_is_made_good_without_another_edit(kernel, hub, notebook):
    await kernel.run(LOAD + WAIT)
    hub.link.lose_up = hub.link.lose_down = lambda data: data["kind"] == "frame"
    notebook.type(" tail", index=1)
    await kernel.run("nb[0].source = 'tail'")
    await until(lambda: hub.link._flows[notebook.comm_id].sender.seq > 1)
    hub.link.lose_up = hub.link.lose_down = lambda data: False
    await until(lambda: notebook.source() == "tail")
    await kernel.run("wait_for(lambda: nb[1].source.endswith(' tail'))")


@pytest.mark.parametrize("to", ["gone", "moved"])
async def test_what_was_written_in_a_cell_that_others_took_out_is_written_again(kernel, hub, notebook, to):
    await kernel.run(LOAD + WAIT)
    await until(lambda: hub.was_heard(notebook))
    hub.link.lose_down = lambda data: True
    with notebook.doc.transaction():
        cells = notebook.ynotebook.ycells
        there = notebook.ynotebook.get()["cells"][1]
        del cells[1]
        if to == "moved":
            cells.insert(0, notebook.ynotebook.create_ycell(there | {"source": "above\n" + there["source"]}))
    await kernel.run("nb['cell-1'].source += '\\nmine'")
    hub.link.lose_down = lambda data: False
    notebook.type(" later", index=1 if to == "moved" else 0)
    await kernel.run("wait_for(lambda: any(c.source.endswith('later') for c in nb))")
    expected = {
        "gone": ["x = 1 later", "# Títle 🌍\nmine"],
        "moved": ["above\n# Títle 🌍\nmine", "x = 1 later"],
    }[to]
    await until(lambda: notebook.sources() == expected, why=lambda: f"the notebook has {notebook.sources()}")
    assert await kernel.run("print([c.source for c in nb])") == f"{expected}\n"


@pytest.mark.parametrize(
    "told", [status.encode(1000), event.encode("known", {"seq": 1000})], ids=["safe", "known"]
)
async def test_what_others_knew_of_goes_with_the_cell_that_they_delete(kernel, hub, notebook, told):
    await kernel.run(LOAD + WAIT)
    await kernel.run("nb['cell-1'].source += '\\nmine'")
    await until(lambda: notebook.source(1).endswith("mine"))
    hub.link.send(notebook.comm_id, [told])
    with notebook.doc.transaction():
        del notebook.ynotebook.ycells[1]
    notebook.type(" later")
    await kernel.run("wait_for(lambda: nb[0].source.endswith('later'))\nnb[0].source += ' mine'")
    await until(lambda: notebook.source().endswith("mine"))
    assert notebook.sources() == ["x = 1 later mine"]


async def test_interrupts_in_the_middle_of_edits_leave_it_usable(kernel, hub, notebook):
    await kernel.run(LOAD + WAIT)
    for round_ in range(5):
        running = kernel.begin(
            "try:\n    print('go', flush=True)\n    while True: nb[0].source += '.'\n"
            "except KeyboardInterrupt: print('interrupted')"
        )
        await until(lambda: "go" in kernel.output(running))  # noqa: B023
        await asyncio.sleep(0.05 + 0.03 * round_)
        await kernel.manager.interrupt_kernel()
        assert "interrupted" in await kernel.end(running)
        notebook.type("h", index=1)
        await kernel.run(f"wait_for(lambda: nb[1].source.endswith('h' * {round_ + 1}))")
        length = int(await kernel.run("print(len(nb[0].source))"))
        await until(lambda: len(notebook.source()) == length)  # noqa: B023
    assert not kernel.uplink("resync"), "no edit was half sent"


async def test_a_forked_child_is_silent_and_says_so(kernel, hub, notebook):
    await kernel.run(LOAD + WAIT)
    printed = await kernel.run("""
import multiprocessing
context = multiprocessing.get_context("fork")
def child(queue):
    said = []
    for what in (lambda: rtc_widgets.notebook(), lambda: setattr(nb[0], "source", "from the child")):
        try: what()
        except Exception as error: said.append(type(error).__name__ + " " + str("forked" in str(error)))
    said.append(nb[0].source)
    queue.put(said)
queue = context.Queue()
process = context.Process(target=child, args=(queue,))
process.start()
print(queue.get(timeout=60))
process.join()
""")
    assert printed == "['NotConnected True', 'NotConnected True', 'x = 1']\n"
    await kernel.run("nb[0].source = 'from the kernel'")
    await until(lambda: notebook.source() == "from the kernel")
    assert kernel.not_of_cells() == []


async def test_a_child_that_exits_says_no_bye(kernel, hub, notebook):
    await kernel.run(LOAD)
    await kernel.run(
        "from rtc_widgets.kernel import extension\npid = os.fork()\n"
        "if pid == 0:\n    extension._at_exit()\n    os._exit(0)\nos.waitpid(pid, 0)"
    )
    await kernel.run("nb[0].source = 'still here'")
    await until(lambda: notebook.source() == "still here")
    assert hub.byes == []


async def test_unload_and_load_again(kernel, hub, notebook):
    await kernel.run(LOAD + "before = get_ipython().kernel.control_stream._recv_callback")
    await kernel.run("nb[0].source = 'last words'\n%unload_ext rtc_widgets")
    await until(lambda: hub.byes == ["normal"])
    assert notebook.source() == "last words"
    assert hub.link.session is None
    printed = await kernel.run(
        "stream = get_ipython().kernel.control_stream\n"
        "print(stream._recv_callback == get_ipython().kernel.dispatch_control)\n"
        "print([t.name for t in threading.enumerate() if t.name == 'rtc_widgets'])\n"
        "try: nb[0].source = 'too late'\nexcept rtc_widgets.NotConnected as error: print(error)\n"
    )
    assert printed.startswith("True\n[]\n") and "rtc_widgets.notebook()" in printed
    await kernel.run(LOAD + "nb[0].source = 'again'")
    await until(lambda: notebook.source() == "again")
    assert hub.hellos[0].session != hub.hellos[-1].session


async def test_reload_and_a_second_load(kernel, hub, notebook):
    await kernel.run(LOAD)
    await kernel.run("%reload_ext rtc_widgets\nnb = rtc_widgets.notebook()\nnb[0].source = 'reloaded'")
    await until(lambda: notebook.source() == "reloaded")
    session = hub.link.session
    await kernel.run("rtc_widgets.load_ipython_extension(get_ipython())\nnb[0].source = 'twice'")
    await until(lambda: notebook.source() == "twice")
    assert hub.link.session == session


async def test_restart(kernel, hub, notebook):
    await kernel.run(LOAD + "nb[0].source = 'before'")
    await until(lambda: notebook.source() == "before")
    await kernel.restart()
    hub.link.restarted()
    assert await kernel.run(LOAD + "print(nb[0].source)\nnb[0].source = 'after'") == "before\n"
    await until(lambda: notebook.source() == "after")


async def test_the_kernel_says_bye_when_it_ends_and_its_last_edit_arrives(kernel, hub, notebook):
    await kernel.run(LOAD)
    kernel.begin("for n in range(5): nb[0].source += '!'\nos.kill(os.getpid(), 0)\nget_ipython().ask_exit()")
    await until(lambda: notebook.source() == "x = 1!!!!!")
    await kernel.manager.request_shutdown()
    await until(lambda: hub.byes == ["gone"])


async def test_a_kernel_that_dies_in_a_transaction_leaves_nothing_of_it(kernel, hub, notebook):
    await kernel.run(LOAD)
    updates = notebook.updates
    kernel.begin(
        "with nb.transaction():\n    nb[0].source = 'half'\n    nb.append('done')\n    os.kill(os.getpid(), 9)"
    )
    deadline = time.monotonic() + 60
    while await kernel.manager.is_alive():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert (notebook.updates, notebook.sources()) == (updates, ["x = 1", "# Títle 🌍"])


async def test_without_a_relay_it_says_so_within_two_seconds_and_a_half(kernel):
    # The best of three: on a machine with much to do a kernel gets its turns late, which says nothing about the wait.
    printed = await kernel.run(
        "import rtc_widgets, time\n"
        "def wait():\n"
        "    start = time.monotonic()\n"
        "    try: rtc_widgets.notebook()\n"
        "    except rtc_widgets.NotConnected as error: print(error)\n"
        "    return time.monotonic() - start\n"
        "took = []\n"
        "while len(took) < 3 and not (took and min(took) < 2.5): took.append(wait())\n"
        "assert 1.5 < min(took) < 2.5, took\n"
    )
    assert "No relay answered within 2 s" in printed
    assert "jupyter server extension list" in printed and "nbclient" in printed
    assert (
        await kernel.run(
            "start = time.monotonic()\nprint(rtc_widgets.notebook(required=False, timeout=.2))\n"
            "assert time.monotonic() - start < 2"
        )
        == "None\n"
    )


async def test_hellos_cease_so_that_an_idle_kernel_is_culled(kernel):
    await kernel.run(
        "from rtc_widgets.kernel.hellos import Hellos\nHellos.first, Hellos.slowest = .01, .02\n"
        "%load_ext rtc_widgets"
    )
    await until(lambda: len(kernel.uplink("hello")) == 8)
    await asyncio.sleep(0.3)
    assert len(kernel.uplink("hello")) == 8


async def test_a_relay_that_comes_later_is_found_by_the_next_call(kernel, notebook):
    await kernel.run(
        "%load_ext rtc_widgets\nimport rtc_widgets\nrtc_widgets.notebook(required=False, timeout=.1)"
    )
    hub = Hub(kernel.manager, notebook)
    assert await kernel.run("print(rtc_widgets.notebook()[0].source)") == "x = 1\n"
    await hub.aclose()


async def test_a_refusal_is_told_at_once_and_asked_again_by_the_next_call(kernel, hub):
    hub.refusal = CloseCode.NOT_COLLABORATIVE
    printed = await kernel.run(
        "import rtc_widgets, time\nstart = time.monotonic()\n"
        "try: rtc_widgets.notebook()\nexcept rtc_widgets.NotConnected as error: print(error)\n"
        "assert time.monotonic() - start < 2"
    )
    assert CloseCode.NOT_COLLABORATIVE.sentence in printed and "[not-collaborative]" in printed
    hub.refusal = None
    assert await kernel.run("print(rtc_widgets.notebook()[0].source)") == "x = 1\n"


async def test_a_document_that_the_relay_closes_takes_no_more_edits(kernel, hub, notebook):
    await kernel.run(LOAD + WAIT)
    hub.link.close(notebook.comm_id, CloseCode.NOT_FOUND)
    printed = await kernel.run(
        "wait_for(lambda: nb.document.detached)\ntry: nb[0].source = 'x'\n"
        "except rtc_widgets.NotConnected as error: print(error)\nprint(nb[0].source)"
    )
    assert CloseCode.NOT_FOUND.sentence in printed and printed.endswith("x = 1\n"), "it can still be read"
    assert await kernel.run("nb = rtc_widgets.notebook()\nprint(nb[0].source)") == "x = 1\n"


async def test_a_viewer_reads_and_is_refused_here_not_there(kernel, notebook):
    hub = Hub(kernel.manager, notebook, role=Role.VIEWER)
    printed = await kernel.run(
        LOAD + "print(nb[0].source)\ntry: nb[0].source = 'x'\n"
        "except rtc_widgets.NotConnected as error: print(error)"
    )
    assert printed.startswith("x = 1\n") and CloseCode.READ_ONLY.sentence in printed
    notebook.type("2")
    await kernel.run(WAIT + "wait_for(lambda: nb[0].source == 'x = 12')")
    assert not any(isinstance(frame, sync.Step2 | sync.Update) for frame in hub.frames)
    await hub.aclose()


async def test_two_notebooks_share_a_kernel(kernel, hub, notebook):
    other = Notebook("work/b.ipynb", [cell("b", "other-0"), cell("c", "other-1")])
    hub.add(other)
    await kernel.run(LOAD + "nb[0].source = 'in a'", cell_id="cell-0")
    printed = await kernel.run(
        "nb = rtc_widgets.notebook()\nprint(nb[0].source, nb.running_cell_id)\n"
        "print(rtc_widgets.notebook('a.ipynb')[0].source, rtc_widgets.notebook('work/b.ipynb')[0].source)\n"
        "try: rtc_widgets.notebook('c.ipynb', timeout=.2)\n"
        "except rtc_widgets.NotConnected as error: print(error)",
        cell_id="other-1",
    )
    assert printed.startswith("b other-1\nin a b\n")
    assert "work/a.ipynb, work/b.ipynb" in printed
    await kernel.run("rtc_widgets.notebook()[0].source = 'in b'", cell_id="other-1")
    await until(lambda: other.source() == "in b")
    assert notebook.source() == "in a"


async def test_the_running_cell_is_known_while_it_runs_and_no_longer(kernel, hub):
    tell = "print(nb.running_cell_id)\n"
    printed = await kernel.run(LOAD + tell + "get_ipython().run_cell('1')\n" + tell)
    assert printed.count("cell-0") == 2
    over, looked = kernel.tmp_path / "over", kernel.tmp_path / "looked"
    after = (
        f"import pathlib\nover, looked = pathlib.Path({str(over)!r}), pathlib.Path({str(looked)!r})\n"
        "def look():\n    while not over.exists(): time.sleep(.005)\n"
        "    seen.append(nb.running_cell_id)\n    looked.touch()\n"
        "threading.Thread(target=look).start()"
    )
    await kernel.run(f"seen = []\n{after}", cell_id="cell-1")
    over.touch()
    await until(looked.exists)
    assert await kernel.run("print(seen, nb.running_cell_id)", cell_id="cell-1") == "[None] cell-1\n"


async def test_the_second_notebook_may_be_opened_later(kernel, hub, notebook):
    await kernel.run(LOAD, cell_id="cell-0")
    other = Notebook("work/b.ipynb", [cell("b", "other-0")])
    hub.add(other)
    printed = await kernel.run("print(rtc_widgets.notebook('b.ipynb')[0].source)", cell_id="other-0")
    assert printed == "b\n"


async def test_a_call_from_a_notebook_that_is_not_open_yet_gets_it(kernel, hub, notebook):
    # On a slow machine the answer takes longer than half a second, after which another notebook would do.
    await kernel.run(LOAD + "from rtc_widgets.kernel import session\nsession.GRACE = 20", cell_id="cell-0")
    hub.add(Notebook("work/b.ipynb", [cell("b", "other-0")]))
    assert await kernel.run("print(rtc_widgets.notebook()[0].source)", cell_id="other-0") == "b\n"


async def test_a_server_that_restarts_is_found_again(kernel, notebook):
    """The kernel survived; both sides kept what they had and edit on meanwhile."""
    hub = Hub(kernel.manager, notebook)
    await kernel.run(LOAD + WAIT)
    await hub.aclose()
    await kernel.run("nb[0].source = 'meanwhile'")
    notebook.type(" here too", index=1)
    later = Hub(kernel.manager, notebook)
    await until(lambda: later.hellos or kernel.begin("nb[0].source += '.'"), 10)
    await kernel.run("wait_for(lambda: nb[1].source.endswith('here too'))")
    await until(lambda: notebook.source().startswith("meanwhile"))
    await later.aclose()


async def test_a_server_that_is_away_for_long_is_found_again_by_itself(kernel, notebook):
    hub = Hub(kernel.manager, notebook)
    await kernel.run(
        "from rtc_widgets.kernel.hellos import Hellos\nHellos.first, Hellos.slowest, Hellos.rarest = .01, .02, .2\n"
        + LOAD
    )
    await hub.aclose()
    await kernel.run("nb[0].source = 'meanwhile'")
    before = len(kernel.uplink("hello"))
    await until(lambda: len(kernel.uplink("hello")) > before + 8, why="it has given up after eight")
    later = Hub(kernel.manager, notebook)
    await until(lambda: notebook.source() == "meanwhile", why="nobody called it, and it has not come back")
    notebook.type(" and then", index=0)
    printed = await kernel.run(
        WAIT + "wait_for(lambda: nb[0].source.endswith(' and then'))\n"
        "from rtc_widgets.kernel.extension import current\nprint(current().hellos.at)"
    )
    assert printed == "None\n", "answered, it says it no more"
    await later.aclose()


async def test_callbacks_run_on_the_main_thread(kernel, hub, notebook):
    await kernel.run(
        LOAD + WAIT + "heard = []\n@nb.on_change('source')\n"
        "def changed(change): heard.append(threading.current_thread() is threading.main_thread())"
    )
    notebook.type("!")
    deadline = time.monotonic() + 60
    while await kernel.run("print(heard)") != "[True]\n":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_small_limit_of_the_relay_is_kept(kernel, notebook):
    hub = Hub(kernel.manager, notebook, limits=Limits(frame=1000))
    await kernel.run(LOAD + "nb[0].source = 'y' * 50_000")
    await until(lambda: notebook.source() == "y" * 50_000)
    await hub.aclose()


async def test_a_broken_frame_of_the_relay_closes_the_document_until_the_next_call(kernel, hub, notebook):
    await kernel.run(LOAD + WAIT)
    flow = hub.link._flows[notebook.comm_id]
    flow.sender._frames.append(b"\0\2\5broken")
    hub.link._flush()
    await until(lambda: hub.closes == [(notebook.comm_id, "bad-frame")])
    assert await kernel.run("print(rtc_widgets.notebook()[0].source)") == "x = 1\n"
    assert kernel.not_of_cells() == []


async def test_latency(kernel, hub, notebook):
    """Not a benchmark: that nothing waits for a timer on the way of a single edit."""
    await kernel.run(LOAD + WAIT)
    running = kernel.begin(
        "for n in range(20):\n    wait_for(lambda: nb[1].source.endswith(f'<{n}>'))\n    nb[0].source = str(n)"
    )
    times = []
    for n in range(20):
        start = time.monotonic()
        notebook.type(f"<{n}>", index=1)
        await until(lambda: notebook.source() == f"{n}")  # noqa: B023
        times.append(time.monotonic() - start)
        await asyncio.sleep(0.1)
    await kernel.end(running)
    times.sort()
    print(f"there and back: median {times[10] * 1000:.1f} ms, worst {times[-1] * 1000:.1f} ms")  # noqa: T201
    # Not the median: on a machine with much to do either side gets its turns late.
    assert times[2] < 0.1


async def test_kill_is_not_needed(kernel, hub):
    """Leaving takes no time: no thread of ours keeps the process."""
    await kernel.run(LOAD)
    pid = int(await kernel.run("print(os.getpid())"))
    start = time.monotonic()
    await kernel.manager.request_shutdown()
    while await kernel.manager.is_alive():
        assert time.monotonic() - start < 30
        await asyncio.sleep(0.02)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
