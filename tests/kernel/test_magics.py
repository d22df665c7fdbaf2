"""``%rtc``, ``%undo`` and ``%redo`` in IPythons of all kinds: what they say, and that they tidy up after themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest
from IPython.core.error import UsageError
from support.kernels import ROOT, Hub, Notebook, cell, until
from support.shell import ipython

from rtc_widgets.kernel.magics import Magics
from rtc_widgets.protocol import status
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.roles import Role

CONNECT = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\n"


def in_ipython(tmp_path, code):
    """Run *code*, which has a plain IPython as `ip`, in a process of its own; return what it printed."""
    start = (
        f"import os; os.environ['IPYTHONDIR'] = {str(tmp_path)!r}\n"
        "from IPython.core.interactiveshell import InteractiveShell\nip = InteractiveShell.instance()\n"
        "ip.run_line_magic('load_ext', 'rtc_widgets')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(kernel, msg_id):
    """Return all that a cell showed people: streams, displays as text, and errors, as they are shown."""
    shown = ""
    for message in kernel.of(msg_id):
        content = message["content"]
        match message["msg_type"]:
            case "stream":
                shown += content["text"]
            case "display_data":
                shown += content["data"]["text/plain"] + "\n"
            case "error":
                shown += "\n".join(content["traceback"]) + "\n"
    return shown


async def say(kernel, code):
    """Run a cell that may fail, and return what it showed."""
    msg_id = kernel.begin(code)
    await until(lambda: kernel._idle(msg_id), 30)
    return told(kernel, msg_id)


class Acknowledging(Hub):
    """A hub that says what it has, as a relay does, unless it is told not to, or to be away."""

    acknowledges = True
    away = False

    def on_hello(self, link, hello):
        if not self.away:
            super().on_hello(link, hello)

    def on_frames(self, link, comm_id, seq, frames):
        super().on_frames(link, comm_id, seq, frames)
        if self.acknowledges:
            link.send(comm_id, [status.encode(seq)])


@pytest.fixture
async def relay(kernel, notebook):
    hub = Acknowledging(kernel.manager, notebook)
    yield hub
    await hub.aclose()


# ------------------------------------------------------------------------------------- coming and going


def test_where_there_is_no_kernel_the_card_says_why(tmp_path):
    printed = in_ipython(tmp_path, "ip.run_line_magic('rtc', '')\nip.run_line_magic('rtc', 'who')")
    assert printed.count("No live notebook here") == 2
    assert printed.count("This IPython is not a Jupyter kernel") == 3  # once when it was loaded
    assert "Traceback" not in printed


def test_it_takes_its_names_and_gives_them_back(tmp_path):
    printed = in_ipython(
        tmp_path,
        "ip.run_line_magic('unload_ext', 'rtc_widgets')\n"
        "known = ip.magics_manager.magics['line']\nprint([name in known for name in ('rtc', 'undo', 'redo')])\n"
        "def mine(line): print('my own', line)\nip.register_magic_function(mine, 'line', 'undo')\n"
        "import rtc_widgets\nfor _ in range(2): rtc_widgets.load_ipython_extension(ip)\n"
        "print(known['undo'] is mine)\n"
        "def later(line): print('later')\nip.register_magic_function(later, 'line', 'redo')\n"
        "rtc_widgets.unload_ipython_extension(ip)\n"
        "ip.run_line_magic('undo', 'again')\nip.run_line_magic('redo', '')\nprint('rtc' in known)\n",
    )
    assert [line for line in printed.splitlines() if "This IPython" not in line] == [
        "[False, False, False]",
        "False",
        "my own again",
        "later",
        "False",
    ]


@pytest.mark.parametrize(
    "typed",
    [
        "rtc sink",
        "rtc who are you",
        "rtc who -t 3",
        "rtc -t",
        "rtc sync -t soon",
        "rtc sync -t nan",
        "rtc sync -t -1",
        "rtc 'who",
        "rtc a.ipynb b.ipynb",
        "undo twice",
        "undo 0",
        "undo -1",
        "undo 1.5",
        "undo 1 2",
        "redo -t 3",
    ],
)
def test_what_is_not_understood_gives_a_line_of_usage(tmp_path, typed):
    shell = ipython(tmp_path)
    Magics(shell)
    with pytest.raises(UsageError, match=r"is not understood; it is: %(rtc|undo|redo) \["):
        shell.run_line_magic(*typed.partition(" ")[::2])


# ---------------------------------------------------------------------------------------------- the card


async def test_the_card_says_how_it_stands(kernel, relay, notebook):
    await kernel.run(CONNECT)
    said = await say(kernel, "nb[0].source += '!'\n%rtc")
    lines = [line.split(None, 1) for line in said.splitlines()]
    assert lines[0] == ["work/a.ipynb"]
    assert ["cells", "2 (1 code, 1 markdown)"] in lines
    assert "Kernel, runs cell 0" in said
    assert "live; rtc_widgets 0 on the server; changes by others arrive also while a cell runs" in said
    assert "all of it is safe on the server" in said


async def test_the_card_is_html_too_and_escapes_what_people_say(kernel, relay):
    await kernel.run(CONNECT + "nb.status('<b>bold</b>')")
    msg_id = kernel.begin("%rtc")
    await kernel.end(msg_id)
    [shown] = [message for message in kernel.of(msg_id) if message["msg_type"] == "display_data"]
    assert "&lt;b&gt;bold&lt;/b&gt;" in shown["content"]["data"]["text/html"]
    assert "<b>bold</b>" in shown["content"]["data"]["text/plain"]


async def test_what_is_not_acknowledged_is_told_and_can_be_waited_for(kernel, relay):
    await kernel.run(CONNECT)
    relay.acknowledges = False
    said = await say(kernel, "nb[0].source += '!'\n%rtc")
    assert "not all of it is safe on the server yet" in said
    said = await say(kernel, "%rtc sync -t 0.2\nprint('went on')")
    assert "has not said within 0.2 s" in said and "still on its way" in said
    assert "went on" not in said and "Traceback" not in said
    relay.acknowledges = True
    said = await say(kernel, "nb[0].source += '!'\n%rtc sync\nprint('went on')")
    assert said.startswith("All that was written here is safe on the server (") and said.endswith("went on\n")


async def test_while_the_server_is_away_it_is_offline_with_what_to_do(kernel, relay):
    await kernel.run(CONNECT + "nb.synced().result(20)")  # of what it answered first, too
    relay.away = True
    relay.link.bye(CloseCode.GOING_AWAY)
    await say(kernel, "import time\nwhile nb.state != 'offline': time.sleep(.01)")
    said = await say(kernel, "%rtc")
    assert "offline; " in said and "all of it is safe" in said and "do not restart the kernel" in said
    relay.acknowledges = False  # the link is only said to be gone
    said = await say(kernel, "nb[0].source += '!'\n%rtc")
    assert "not all of it is safe on the server yet" in said
    said = await say(kernel, "%rtc sync -t 0.1")
    assert "The server is away" in said and "Traceback" not in said


async def test_who_may_only_read_is_told(kernel, notebook):
    hub = Hub(kernel.manager, notebook, role=Role.VIEWER)
    await kernel.run(CONNECT)
    said = await say(kernel, "%rtc")
    assert "for reading only" in said and CloseCode.READ_ONLY.sentence in said
    await hub.aclose()


async def test_where_no_relay_answers_the_causes_and_cures_are_all_there(kernel):
    await kernel.run("%load_ext rtc_widgets")
    msg_id = kernel.begin("%rtc")
    await kernel.end(msg_id)
    [shown] = [message for message in kernel.of(msg_id) if message["msg_type"] == "display_data"]
    for text in shown["content"]["data"].values():
        assert "No live notebook here" in text
        assert (
            "pip install" in text and "the documents of this server" in text
        )  # the first cause, and the last
        assert "required=False" not in text, "who typed a magic has nothing to give that to"
    assert shown["content"]["data"]["text/html"].count("<li>") == 5


async def test_a_refusal_is_shown_with_its_reason(kernel, relay):
    relay.refusal = CloseCode.NOT_COLLABORATIVE
    await kernel.run("%load_ext rtc_widgets")
    for typed in ("rtc", "rtc who"):
        said = await say(kernel, f"%{typed}")
        assert said.startswith("No live notebook here") and "[not-collaborative]" in said
    for typed in ("rtc sync", "undo", "redo"):
        said = await say(kernel, f"%{typed}\nprint('went on')")
        assert "[not-collaborative]" in said and "Traceback" not in said and "went on" not in said


async def test_a_kernel_that_is_deaf_while_a_cell_runs_says_so(kernel, relay, notebook):
    await kernel.run("get_ipython().kernel.control_stream = None\n%load_ext rtc_widgets\nimport rtc_widgets")
    await until(lambda: relay.was_heard(notebook))  # in the next cell it would hear nothing
    await kernel.run("nb = rtc_widgets.notebook()")
    said = await say(kernel, "%rtc")
    assert "between cells only" in said and "is heard when the cell has ended" in said
    assert "cannot wait" in await say(kernel, "%rtc sync")


async def test_help(kernel, relay):
    await kernel.run(CONNECT)
    assert "%rtc who" in await say(kernel, "%rtc help")
    reply = kernel.client.inspect("%rtc", reply=False)
    assert reply
    message = await kernel.client.get_shell_msg(timeout=60)
    while message["msg_type"] != "inspect_reply":
        message = await kernel.client.get_shell_msg(timeout=60)
    assert "%undo [n]" in message["content"]["data"]["text/plain"]


# ------------------------------------------------------------------------------------------- undo and redo


async def test_undo_says_what_it_took_back(kernel, relay, notebook):
    await kernel.run(CONNECT)
    assert await say(kernel, "%undo") == "There is nothing to undo.\n"
    await kernel.run(
        "with nb.transaction('tidy up'):\n"
        "    nb[0].source = 'x = 5'\n    nb.append('plot(x)')\n    nb.metadata['a'] = 1"
    )
    await kernel.run("nb[1].tags.add('setup')")
    assert await say(kernel, "%undo") == "Undone: edit metadata\n  cell 1, metadata: # Títle 🌍\n"
    assert await say(kernel, "%undo 5") == (
        "Undone: tidy up\n  cell 0, text: x = 1\n  gone: plot(x)\n  the notebook's metadata\nThere is no more.\n"
    )
    await until(lambda: notebook.sources() == ["x = 1", "# Títle 🌍"])
    said = await say(kernel, "%redo 2")
    assert said.splitlines()[0] == "Done again: tidy up, edit metadata"
    assert "  cell 2, is there: plot(x)" in said
    assert await say(kernel, "%redo") == "There is nothing to redo.\n"


async def test_undo_leaves_the_rest_of_a_long_list_out(kernel, relay):
    await kernel.run(CONNECT + "nb += [f'n = {n}' for n in range(30)]")
    said = await say(kernel, "%undo")
    assert said.count("\n  gone: ") == 10 and said.endswith("  … and 20 more\n")


async def test_what_cannot_be_undone_says_why(kernel, relay):
    await kernel.run(CONNECT)
    await kernel.run("nb[0].move(after=nb[1])\nnb[0].source += '?'", cell_id="cell-1")
    said = await say(kernel, "%undo 2\nprint('went on')")  # of the cell that the first step moved
    assert said.startswith("Undone: edit cell\n") and "running cell" in said and said.endswith("went on\n")
    said = await say(kernel, "%undo\nprint('went on')")
    assert said.startswith("This step moved or retyped the running cell") and "went on" not in said


async def test_of_two_notebooks_the_path_says_which(kernel, relay):
    other = Notebook("work/other.ipynb", [cell("y = 1", "other-0")])
    relay.add(other)
    await kernel.run(CONNECT + "rtc_widgets.notebook('other.ipynb')[0].source = 'y = 2'")
    assert (await say(kernel, "%rtc other.ipynb")).startswith("work/other.ipynb\n")
    assert (await say(kernel, "%rtc")).startswith("work/a.ipynb\n")
    assert await say(kernel, "%undo") == "There is nothing to undo.\n"
    assert (await say(kernel, "%undo other.ipynb")).startswith("Undone: edit cell\n  cell 0, text: y = 1\n")
    said = await say(kernel, "%rtc third.ipynb")
    assert "No notebook 'third.ipynb' is connected to this kernel" in said and "work/other.ipynb" in said
