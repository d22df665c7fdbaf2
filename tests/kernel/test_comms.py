"""A kernel that offers Python nothing but comms: xeus-python, which is a program of its own and no ipykernel."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.kernels import Hub, Kernel, until

LOAD = "%load_ext rtc_widgets\nimport rtc_widgets"


@pytest.fixture
async def kernel(tmp_path):
    pytest.importorskip("xpython_launcher")
    kernel = Kernel(tmp_path, "xpython_launcher")
    await kernel.start()
    yield kernel
    await kernel.aclose()


@pytest.fixture
async def linked(kernel, hub, notebook):
    """The kernel, welcomed."""
    await kernel.run(LOAD)
    await meet(kernel, hub, notebook)
    return kernel


async def meet(kernel, hub, notebook):
    """Run cells until the kernel has its notebook: it says hello as they come and go, first perhaps to nobody."""
    while not hub.was_heard(notebook):
        await kernel.run("pass")


async def test_it_hears_between_cells_and_says_so(kernel, hub, notebook):
    assert "hears the server between cells" in await kernel.run(LOAD)
    await meet(kernel, hub, notebook)
    assert (
        await kernel.run("nb = rtc_widgets.notebook()\nnb[0].source += '!'\nprint(nb[0].source)")
        == "x = 1!\n"
    )
    await until(lambda: notebook.source() == "x = 1!")
    notebook.type("?")
    await until(lambda: hub.link._flows[notebook.comm_id].sender.due() is None)
    assert await kernel.run("print(nb[0].source)") == "x = 1!?\n"
    assert hub.hellos[-1].ways == ["comm"]


async def test_what_it_writes_leaves_while_the_cell_runs(linked, notebook, tmp_path):
    go = tmp_path / "go"
    cell = linked.begin(
        "import pathlib, time\nnb = rtc_widgets.notebook()\nnb[0].source = 'first'\nnb[0].source = 'second'\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)"
    )
    await until(lambda: notebook.source() == "second")
    go.write_text("")
    await linked.end(cell)


async def test_in_the_cell_that_loads_it_the_notebook_is_not_there_yet(kernel, hub, notebook):
    said = await kernel.run(
        f"{LOAD}\ntry: rtc_widgets.notebook()\nexcept rtc_widgets.NotConnected as error: print(error)\n"
        "print(rtc_widgets.notebook(required=False))"
    )
    assert "when this cell, and those queued behind it, have ended: run this one again" in said
    assert said.endswith("None\n")
    await meet(kernel, hub, notebook)
    assert await kernel.run("print(rtc_widgets.notebook()[0].source)") == "x = 1\n"


@pytest.mark.parametrize(
    "asked", ["nb.synced().result()", "nb.save()", "await nb.saved()", "nb.wait_for('source').result()"]
)
async def test_no_cell_waits_for_what_cannot_come(linked, asked):
    said = await linked.run(
        f"nb = rtc_widgets.notebook()\ntry: {asked}\nexcept rtc_widgets.NotConnected as error: print(error)"
    )
    assert "a cell cannot wait for its answer" in said


async def test_a_callback_runs_between_cells_and_its_error_is_shown_in_the_next(linked, hub, notebook):
    await linked.run(
        "nb, seen = rtc_widgets.notebook(), []\n"
        "@nb.on_change('source')\ndef note(event):\n    seen.append(event.cell.source)\n    raise ValueError('why')"
    )
    notebook.type("!")
    await until(lambda: hub.link._flows[notebook.comm_id].sender.due() is None)
    said = await linked.run("print(seen)")
    assert "A callback of rtc_widgets failed" in said and "ValueError: why" in said and "['x = 1!']" in said


async def test_what_a_thread_writes_leaves_when_the_cell_ends(linked, notebook):
    await linked.run(
        "import threading\nnb = rtc_widgets.notebook()\n"
        "def write(): nb[0].source = 'by a thread'\n"
        "thread = threading.Thread(target=write)\nthread.start()\nthread.join()"
    )
    await until(lambda: notebook.source() == "by a thread")


async def test_a_loop_of_writes_stays_below_what_a_tab_takes(linked, notebook):
    await linked.run("nb = rtc_widgets.notebook()\nfor i in range(3000): nb[0].source = f'x = {i}'")
    await until(lambda: notebook.source() == "x = 2999")
    sent = [message["header"]["date"] for message in linked.iopub if message["msg_type"] == "comm_msg"]
    second = timedelta(seconds=1)
    assert max(sum(start <= date < start + second for date in sent) for start in sent) < 1000


async def test_what_got_lost_is_made_good_when_the_cell_has_ended(linked, hub, notebook):
    lost = []
    hub.link.lose_up = lambda data: data["kind"] == "frame" and not lost.append(data)
    cell = linked.begin("nb = rtc_widgets.notebook()\nnb[0].source = 'once'\nnb[0].source = 'twice'")
    await until(lambda: lost)
    hub.link.lose_up = lambda data: data["kind"] == "frame" and data["seq"] <= 4 and not lost.append(data)
    await linked.end(cell)
    await until(lambda: notebook.source() == "twice")


async def test_a_frontend_that_does_not_know_the_comm_closes_it_in_vain(linked, hub, notebook):
    [comm_id] = {m["content"]["comm_id"] for m in linked.iopub if m["msg_type"] == "comm_open"}
    linked.client.shell_channel.send(
        linked.client.session.msg("comm_close", {"comm_id": comm_id, "data": {}})
    )
    await linked.run("nb = rtc_widgets.notebook()")
    await until(lambda: hub.hellos[-1].lineages)
    await meet(linked, hub, notebook)
    await linked.run("nb = rtc_widgets.notebook()\nnb[0].source += '!'")
    await until(lambda: notebook.source() == "x = 1!")
    notebook.type("?")
    await until(lambda: hub.link._flows[notebook.comm_id].sender.due() is None)
    assert await linked.run("print(nb[0].source)") == "x = 1!?\n"


async def test_it_meets_a_server_that_was_started_anew(linked, hub, notebook):
    await linked.run("nb = rtc_widgets.notebook()")
    await hub.link.aclose()
    await linked.run("nb[0].source += ' # away'")
    again = Hub(linked.manager, notebook)
    await linked.run("nb[0].source += ' # back'")
    while not again.hellos:  # it says hello as cells come and go
        await linked.run("pass")
    await until(lambda: notebook.source() == "x = 1 # away # back")
    await again.link.aclose()


async def test_another_widgets_messages_are_none_of_ours(linked, hub, notebook, caplog):
    await linked.run(
        "import comm\nother = comm.create_comm(target_name='other', data={'kind': 'hello', 'session': 'mine'})\n"
        "other.send({'kind': 'hello', 'session': 'mine'})\nother.send({'kind': 'frame', 'session': 3})"
    )
    await linked.run("rtc_widgets.notebook()[0].source += '!'")
    await until(lambda: notebook.source() == "x = 1!")
    assert len({hello.session for hello in hub.hellos}) == 1 and not caplog.records


async def test_unloaded_it_says_bye_and_loaded_again_it_says_hello(linked, hub, notebook):
    await linked.run("nb = rtc_widgets.notebook()\n%unload_ext rtc_widgets")
    await until(lambda: hub.byes == ["normal"])
    await linked.run("%load_ext rtc_widgets")
    # Either session may say it twice, where the cell takes longer.
    await until(lambda: len({hello.session for hello in hub.hellos}) == 2 and hub.was_heard(notebook))
    assert await linked.run("print(rtc_widgets.notebook()[0].source)") == "x = 1\n"


async def test_an_interrupt_leaves_the_document_whole(linked, notebook):
    cell = linked.begin("nb = rtc_widgets.notebook()\nwhile True: nb[0].source = nb[0].source[:1000] + 'y'")
    await until(lambda: notebook.source().endswith("yy"))
    await linked.manager.interrupt_kernel()
    with pytest.raises(AssertionError, match="KeyboardInterrupt"):
        await linked.end(cell)
    await linked.run("nb[0].source = 'whole'")
    await until(lambda: notebook.source() == "whole")
