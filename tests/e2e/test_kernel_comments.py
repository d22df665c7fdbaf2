"""Comments by the code of a kernel, on a real server, while a cell runs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from support.kernel import Kernel
from support.kernels import install_kernelspec
from support.names import CONFIG as NAMES
from support.tab import Tab

from rtc_widgets.documents.threads import Author, ThreadValue, read_threads

CONNECT = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\n"
SAY_WHY = "\nexcept rtc_widgets.RtcError as error: print(type(error).__name__, error)"


def threads(tab: Tab) -> list[ThreadValue]:
    return list(read_threads(tab.doc).values())


async def test_a_cell_asks_and_waits_for_the_answer_while_it_runs(server: Any) -> None:
    path = server.notebook("asks.ipynb", "rate = 0.1", "y = 2")
    async with (
        Tab(server, path) as tab,
        Tab(server, path, document="annotations") as notes,
        Kernel(server, path) as kernel,
    ):
        cell_id = tab.cells[0]["id"]
        running = await kernel.start(
            CONNECT
            + "waiting = nb.wait_for('comment', 40)\n"
            + "thread = nb[0].comment('Is this the right rate?', on='0.1')\n"
            + "print(thread.number, thread.state, thread.quote, thread.author.kind)\n"
            + "waiting.result()  # its own\n"
            + "waiting = nb.wait_for('comment', 40)\n"
            + "print('listening')\n"
            + "change = waiting.result()\n"
            + "print(change.comment.body, change.comment.author.kind, change.remote, change.thread == thread)\n"
            + "thread.resolve()\n"
            + "print(nb.comments[1].state, len(nb.comments.open))",
            cell_id=cell_id,
        )
        (thread,) = await notes.until(lambda: threads(notes), "the question is here")
        assert thread.by.kind == "kernel" and thread.anchor["cell"] == cell_id
        await notes.until(lambda: "listening" in running.stdout, "the cell waits for an answer")
        await tab.request("comments.add", thread=thread.id, comment="r", body="Yes, it is.")
        await notes.until(lambda: threads(notes)[0].state == "resolved", "the cell resolves it")
        async with asyncio.timeout(20):
            await running.done.wait()
        assert running.error is None, running.error
        assert running.stdout == "1 open 0.1 kernel\nlistening\nYes, it is. person True True\nresolved 0\n"


EVERYBODY_RUNS = (
    NAMES
    + """
ByName.is_authorized = lambda self, handler, user, action, resource: True
"""
)


async def test_a_kernels_words_name_who_ran_it_where_that_was_one_person_and_is_no_guess(serve: Any) -> None:
    server = serve(config=EVERYBODY_RUNS)
    path = server.notebook("runner.ipynb", "x = 1")

    async def said(notes: Tab, count: int) -> Author:
        await notes.until(lambda: len(threads(notes)) == count, "it is here")
        return threads(notes)[-1].by

    async with (
        Tab(server, path) as ada,
        Tab(server, path, document="annotations") as notes,
        Kernel(server, path, token="bob") as bobs,
    ):
        # Ada looks on, alone in the notebook, while what Bob has run goes on.
        later = "import threading\nthreading.Timer(0.1, lambda: nb[0].comment('Later.')).start()"
        await bobs.run(CONNECT + later)
        assert await said(notes, 1) == Author("bob", "kernel", "Kernel, run by Bob")
        async with Tab(server, path, token="eve"), Kernel(server, path) as hers:
            hers.culled = True  # with Bob's
            await bobs.run("nb[0].comment('And more.')")
            assert (await said(notes, 2)).user == "bob", (
                "who is there, and asks what kernel it is, has run nothing"
            )
            await hers.run("pass")
            await hers.run("nb[0].comment('Whose?')")
            assert await said(notes, 3) == Author("", "kernel", "Kernel")
            await bobs.run("nb[0].comment('And whose is this?')")
            assert (await said(notes, 4)).user == ""
        await bobs.restart()
        await bobs.reconnect()
        await bobs.run(CONNECT + "nb[0].comment('Before or behind?')")
        assert (await said(notes, 5)).user == ""
        assert ada.closed is None


async def test_what_the_server_says_no_to(server: Any) -> None:
    path = server.notebook("refusals.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        anchor = {"kind": "document"}
        await tab.request("comments.add", thread="t", comment="c", body="Mine.", anchor=anchor)
        await kernel.run(CONNECT)
        for code, expected in (
            ("nb.comments[1].edit('Yours?')", "CommentRefused This comment is"),
            ("nb[0].comment('x' * 70_000)", "[too-large]"),
            ("nb[0].comment('')", "CommentRefused A comment needs a text."),
        ):
            printed = await kernel.run(f"try: print({code}){SAY_WHY}")
            assert expected in printed, (code, printed)
        printed = await kernel.run("try: nb.comments[7]\nexcept LookupError as error: print(error)")
        assert "no thread 7" in printed and "there are: 1" in printed


async def test_comments_need_no_right_to_open_files_and_outlive_the_relay(serve: Any) -> None:
    server = serve(
        options=["--RelayApp.kernels_open_files=False"],
        config="""
from rtc_widgets.relay.kernels import Kernels
from rtc_widgets.relay.handlers import InfoHandler

async def put(self):
    kernels = self.relay.kernels
    for kernel_id in list(kernels._links):
        await kernels._detach(kernel_id)
        kernels._attach(kernel_id)
    self.finish({})

InfoHandler.put = put
""",
    )
    path = server.notebook("a.ipynb", "x = 1")
    async with (
        Tab(server, path) as tab,
        Tab(server, path, document="annotations") as notes,
        Kernel(server, path) as kernel,
    ):
        assert await kernel.run(CONNECT + "thread = nb[0].comment('One'); print(thread.number)") == "1\n"
        for number in range(2):
            await asyncio.to_thread(server.api, "/api/rtc_widgets", "PUT", {})
            await kernel.run(f"thread.reply('again {number}')")
            await notes.until(lambda n=number: len(threads(notes)[0].comments) == n + 2, "exactly one more")
        await asyncio.to_thread(server.api, "/api/rtc_widgets", "PUT", {})
        await tab.request("comments.add", thread="t", comment="c", body="Two", anchor={"kind": "document"})
        printed = await kernel.run(
            "print(nb.wait_for(lambda: len(nb.comments) == 2 and nb.comments[2].body, 30).result())"
        )
        assert printed == "Two\n"


async def test_a_notebook_that_was_let_go_leaves_nobody_in_its_comments(serve: Any) -> None:
    server = serve(
        config="""
from rtc_widgets.relay.handlers import InfoHandler

async def put(self):
    self.finish({room.path: len(room.annotations.peers) for room in self.relay.rooms.rooms})

InfoHandler.put = put
"""
    )
    path = server.notebook("a.ipynb", "x = 1")

    async def listeners() -> int:
        return (await asyncio.to_thread(server.api, "/api/rtc_widgets", "PUT", {}))[path]

    async def left() -> None:
        """Wait until nobody listens: the relay hears the kernel on another socket than its tabs."""
        async with asyncio.timeout(20):
            while await listeners():
                await asyncio.sleep(0.02)

    async with Tab(server, path), Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        assert await listeners() == 0, "nobody has asked for comments yet"
        await kernel.run("nb.comments.open")
        assert await kernel.run("print(len(nb.comments))") == "0\n"
        assert await listeners() == 1
        await kernel.run("nb.close()")
        await left()
        assert await kernel.run("nb = rtc_widgets.notebook(timeout=20); print(len(nb.comments))") == "0\n"
        await kernel.run("%unload_ext rtc_widgets")
        await left()


async def test_magics(server: Any) -> None:
    path = server.notebook("magics-of-comments.ipynb", "x = 1", "y = 2")
    async with (
        Tab(server, path) as tab,
        Tab(server, path, document="annotations") as notes,
        Kernel(server, path) as kernel,
    ):
        await kernel.run(CONNECT)
        first, second = (cell["id"] for cell in tab.cells)
        assert await kernel.run("%comment Why **1**?", first) == "Said: #1 Why **1**?\n"
        assert await kernel.run("%%comment\nIn two\nlines.", second) == "Said: #2 In two\n"
        await notes.until(lambda: len(threads(notes)) == 2, "both are here")
        assert [thread.anchor["cell"] for thread in threads(notes)] == [first, second]
        assert threads(notes)[1].comments[0].body == "In two\nlines."
        assert await kernel.run("%resolve #2") == "Resolved: #2 In two\n"
        await kernel.run("from IPython.utils.capture import capture_output")
        showing = (
            "with capture_output() as seen: get_ipython().run_line_magic('comments', {!r})\n"
            "print([one.data['text/plain'] for one in seen.outputs])"
        )
        for which, expected in (("", [1]), ("resolved", [2]), ("all", [1, 2])):
            printed = await kernel.run(showing.format(which))
            assert [number for number in (1, 2) if f"<comment {number} " in printed] == expected, printed
        offered = "print([c.text for c in get_ipython().Completer.completions({0!r}, len({0!r}))])"
        assert "'resolved'" in await kernel.run(
            "import warnings; warnings.simplefilter('ignore')\n" + offered.format("%comments re")
        )
        assert "'1'" in await kernel.run(offered.format("%resolve "))
        for wrong, expected in (
            ("%resolve 7", "no thread 7"),
            ("%resolve x", "%resolve NUMBER"),
            ("%comments some", "open | resolved"),
        ):
            before = len(kernel.messages)
            result = await kernel.start(wrong)
            await asyncio.wait_for(result.done.wait(), 20)
            shown = [json.dumps(message["content"]) for message in kernel.messages[before:]]
            assert any(expected in one for one in shown), (wrong, shown)


# Lets go of all kernels, or takes them up again: what a kernel sees of a server that is restarted.
AWAY = """
from rtc_widgets.relay.kernels import Kernels
from rtc_widgets.relay.handlers import InfoHandler

async def put(self):
    kernels = self.relay.kernels
    if self.get_argument("away") == "1":
        for kernel_id in list(kernels._links):
            await kernels._detach(kernel_id)
    else:
        for kernel_id in kernels._serverapp.kernel_manager.list_kernel_ids():
            kernels._attach(kernel_id)
    self.finish({})

InfoHandler.put = put
"""


async def test_the_first_look_while_the_server_is_away_says_so_at_once(serve: Any) -> None:
    server = serve(config=AWAY)
    path = server.notebook("away.ipynb", "x = 1")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        await asyncio.to_thread(server.api, "/api/rtc_widgets?away=1", "PUT", {})
        # An hour, in which it must not wait.
        printed = await kernel.run(
            "import asyncio\n"
            "from rtc_widgets.documents.annotations import Annotations\n"
            "notes = nb.document.part(Annotations)\n"
            "while nb.state != 'offline': await asyncio.sleep(0.05)\n"
            f"try: notes.threads(3600.0){SAY_WHY}\n"
            f"try: nb.comments.unread[1]{SAY_WHY}"
        )
        assert printed.count("NotConnected The server is away") == 2, printed
        await asyncio.to_thread(server.api, "/api/rtc_widgets?away=0", "PUT", {})
        await tab.request("comments.add", thread="t", comment="c", body="Here.", anchor={"kind": "document"})
        printed = await kernel.run(
            "while not notes.here: await asyncio.sleep(0.05)\nprint(nb.comments[1].body)"
        )
        assert printed == "Here.\n"


async def test_what_a_kernel_reads_moves_exports_and_strips(serve: Any) -> None:
    server = serve(options=["--RelayApp.mirror=always"])
    path = server.notebook("review.ipynb", "rate = 0.1", "1 / 0")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT)
        anchor = {"kind": "document"}
        await tab.request("comments.add", thread="t", comment="c", body="@kernel, hello", anchor=anchor)
        printed = await kernel.run(
            "nb.wait_for(lambda: len(nb.comments) == 1, 30).result()\n"
            "print(len(nb.comments.unread), nb.comments[1].unread)\n"
            "nb.comments[1].mark_read()\n"
            "print(len(nb.comments.unread), len(nb.comments.mentioning('kernel')))\n"
            "mine = nb[0].comment('Mine', on='0.1')\n"
            "print(len(nb.comments.unread))"
        )
        assert printed == "1 True\n0 0\n0\n", "nobody is called kernel to who asks by hand"
        await tab.request("comments.add", thread="t", comment="d", body="More.")
        printed = await kernel.run(
            "nb.wait_for(lambda: nb.comments.unread, 30).result()\n"
            "nb.comments.mark_read()\n"
            "nb.append('again')\n"
            "del nb[0]\n"
            "print([one.number for one in nb.comments.orphaned], mine.anchored)\n"
            "mine.reattach(nb[-1], on='again')\n"
            "print(len(nb.comments.orphaned), mine.quote, mine.cell.index)"
        )
        assert printed == "[2] orphan\n0 again 1\n"
        await kernel.restart()
        await kernel.reconnect()
        printed = await kernel.run(
            CONNECT + "print(len(nb.comments.unread), len(nb.comments))\n"
            "print(list(nb.comments.to_frame()['body']))\n"
            "print(nb.comments.export('review.md').read_text().count('## #'))\n"
            "print(nb.comments.mirror)"
        )
        assert printed == "0 2\n['@kernel, hello', 'More.', 'Mine']\n2\nNone\n", (
            "the marks outlive the kernel"
        )
        await tab.save()
        assert "rtc_widgets" in server.read(path)["metadata"]
        assert await kernel.run("nb.comments.strip(); print(nb.comments.mirror)") == "never\n"
        assert "rtc_widgets" not in server.read(path)["metadata"]
        assert (await tab.request("private.get"))["read"] == {}, "the tab's person has read nothing"


async def test_a_kernel_that_hears_between_cells_says_it_and_goes_on(serve: Any) -> None:
    pytest.importorskip("xpython_launcher")
    server = serve()
    install_kernelspec(server.work / "data" / "kernels", "xpython_launcher")
    path = server.notebook("xeus.ipynb", "x = 1")
    async with (
        Tab(server, path) as tab,
        Tab(server, path, document="annotations") as notes,
        Kernel(server, path, name="xpython_launcher") as kernel,
    ):
        await kernel.run("%load_ext rtc_widgets\nimport rtc_widgets")
        while await kernel.run("print(rtc_widgets.notebook(required=False) is None)") == "True\n":
            pass
        printed = await kernel.run(
            "nb = rtc_widgets.notebook()\nthread = nb[0].comment('Between cells.')\n"
            "print(thread.state, thread.number, thread.body, repr(thread))"
        )
        assert printed == "pending None Between cells. <comment, pending: 'Between cells.'>\n"
        await notes.until(lambda: threads(notes), "it is said all the same")
        while await kernel.run("print(thread.state)") == "pending\n":
            pass
        assert await kernel.run("print(thread.state, thread.number, len(nb.comments))") == "open 1 1\n"
        await tab.request("comments.add", thread=threads(notes)[0].id, comment="r", body="Heard.")
        while await kernel.run("print(len(thread.comments))") == "1\n":
            pass
        assert await kernel.run("print(thread.comments[1].body)") == "Heard.\n"
        await tab.request("comments.mirror", mirror="always")
        await tab.until(lambda: "rtc_widgets" in server.read(path)["metadata"], "there is a copy")
        assert await kernel.run("written = nb.comments.strip()\nprint(written.done())") == "False\n"
        while await kernel.run("print(written.done())") == "False\n":
            pass
        assert "rtc_widgets" not in server.read(path)["metadata"]
