"""Other files, opened by the code of a kernel on a real server."""

from __future__ import annotations

import asyncio

from pycrdt import Text
from support.kernel import Kernel
from support.server import until
from support.tab import Tab

CONNECT = "%load_ext rtc_widgets\nimport rtc_widgets\n"
WAIT = (
    "import time\n"
    "def wait_for(condition):\n"
    "    start = time.monotonic()\n"
    "    while not condition():\n"
    "        assert time.monotonic() - start < 30, 'it did not become true'\n"
    "        time.sleep(.01)\n"
)
SAY_WHY = "\nexcept rtc_widgets.RtcError as error: print(type(error).__name__, error)"


def text_of(tab: Tab) -> Text:
    return tab.doc.get("source", type=Text)


async def test_text_notebooks_and_bytes(server):
    path = server.notebook("opens/first.ipynb", "x = 1")
    server.notebook("opens/inner/second ü.ipynb", "y = 2")
    (server.root / "opens/notes.md").write_text("# Zoë 🦉\n")
    (server.root / "top.txt").write_text("top")
    (server.root / "x.bin").write_bytes(b"\0\1")
    async with (
        Tab(server, path),
        Tab(server, "opens/notes.md", type_="file", format_="text") as tab,
        Kernel(server, path) as kernel,
    ):
        # In the cell that loads the extension, and beside the notebook.
        printed = await kernel.run(CONNECT + "notes = rtc_widgets.open('notes.md')\nprint(repr(str(notes)))")
        assert printed == "'# Zoë 🦉\\n'\n"
        await kernel.run("notes.append('from the kernel\\n'); notes.synced().result(); notes.save()")
        assert (server.root / "opens/notes.md").read_text() == "# Zoë 🦉\nfrom the kernel\n"
        await tab.until(lambda: "kernel" in str(text_of(tab)), "the tab sees it")
        text_of(tab).insert(0, "tab ")
        await kernel.run(WAIT + "wait_for(lambda: notes.text.startswith('tab '))")
        assert (
            await kernel.run("print(rtc_widgets.open('notes.md') is notes, notes.path)")
            == "True opens/notes.md\n"
        )
        assert (
            await kernel.run("print(rtc_widgets.open('/top.txt'), rtc_widgets.open('../top.txt'))")
            == "top top\n"
        )
        printed = await kernel.run("print(rtc_widgets.open('/x.bin', type='blob').content)")
        assert printed == "b'\\x00\\x01'\n"
        printed = await kernel.run(
            "other = rtc_widgets.notebook('inner/second ü.ipynb')\nother.append('z = 3'); other.save()\n"
            "print([c.source for c in other], rtc_widgets.open('inner/second ü.ipynb') is other)\n"
            "print(rtc_widgets.notebook().path, rtc_widgets.notebook('first.ipynb').path)"
        )
        assert printed == "['y = 2', 'z = 3'] True\nopens/first.ipynb opens/first.ipynb\n"
        assert server.sources("opens/inner/second ü.ipynb") == ["y = 2", "z = 3"]
        await kernel.run("notes.close()")
        printed = await kernel.run(f"try: notes.append('late'){SAY_WHY}")
        assert "handle was closed" in printed
        assert (await kernel.run("print(rtc_widgets.open('notes.md').text[:4])")) == "tab \n"


async def test_what_cannot_be_opened_is_said(server):
    path = server.notebook("refused.ipynb", "x = 1")
    (server.root / ".hidden.txt").write_text("secret")
    (server.root / "refused.txt").write_text("x")
    (server.root.parent / "outside.txt").write_text("secret")
    async with Tab(server, path), Kernel(server, path) as kernel:
        await kernel.run(CONNECT + "\nheld = rtc_widgets.open('refused.txt')")
        for code, expected in (
            ("open('no such.md')", "no file 'no such.md'"),
            ("notebook('no such.ipynb')", "no file 'no such.ipynb'"),
            ("open('../outside.txt')", "ChannelClosed"),
            ("open('/../outside.txt')", "ChannelClosed"),
            ("open('.hidden.txt')", "ChannelClosed"),
            ("open('/')", "ChannelClosed"),
            ("open('top.bin', type='nonsense')", "[unknown-type]"),
            ("open('refused.txt', type='unicode')", "[conflict]"),
        ):
            printed = await kernel.run(f"try: print('OPENED', rtc_widgets.{code}){SAY_WHY}")
            assert expected in printed and "OPENED" not in printed and "secret" not in printed, (
                code,
                printed,
            )
        assert await kernel.run("print(rtc_widgets.notebook()[0].source)") == "x = 1\n"


async def test_a_server_may_forbid_it(serve):
    server = serve(options=["--RelayApp.kernels_open_files=False"])
    path = server.notebook("a.ipynb", "x = 1")
    server.notebook("b.ipynb", "y = 2")
    (server.root / "notes.md").write_text("text")
    async with Tab(server, path), Kernel(server, path) as kernel:
        printed = await kernel.run(CONNECT + f"try: rtc_widgets.open('notes.md'){SAY_WHY}")
        assert "ChannelClosed" in printed and "kernels_open_files" in printed
        printed = await kernel.run(f"try: rtc_widgets.notebook('b.ipynb'){SAY_WHY}")
        assert "NotConnected" in printed and "connected are: a.ipynb" in printed
        assert await kernel.run("print(rtc_widgets.notebook('a.ipynb')[0].source)") == "x = 1\n"


async def test_a_console_opens_files_too(server):
    (server.root / "for a console.md").write_text("text")
    async with Kernel(server, "console-open", type_="console") as kernel:
        assert await kernel.run(CONNECT + "print(rtc_widgets.open('for a console.md'))") == "text\n"


async def test_what_was_opened_outlives_the_server(serve):
    """Not with its own kernel, which dies with it: the relay alone forgets, and is asked again."""
    server = serve(
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
"""
    )
    path = server.notebook("a.ipynb", "x = 1")
    (server.root / "notes.md").write_text("text")
    async with Tab(server, path), Kernel(server, path) as kernel:
        await kernel.run(
            CONNECT + "notes = rtc_widgets.open('notes.md'); nb = rtc_widgets.notebook(timeout=20)"
        )
        for number in range(2):
            await asyncio.to_thread(server.api, "/api/rtc_widgets", "PUT", {})
            await kernel.run(f"notes.append(' {number}'); nb[0].source += ' {number}'")
            await kernel.run("notes.synced().result(); nb.synced().result()")
        await asyncio.to_thread(
            until, lambda: (server.root / "notes.md").read_text() == "text 0 1", "the text follows"
        )
        await asyncio.to_thread(until, lambda: server.sources(path) == ["x = 1 0 1"], "the notebook follows")
        async with Tab(server, "notes.md", type_="file", format_="text") as tab:
            text_of(tab).insert(0, "tab ")
            await kernel.run(WAIT + "wait_for(lambda: notes.text == 'tab text 0 1')")


async def test_a_new_session_leaves_no_ghost(server):
    path = server.notebook("ghost.ipynb", "x = 1")
    (server.root / "ghost.md").write_text("text")
    async with (
        Tab(server, path),
        Tab(server, "ghost.md", type_="file", format_="text") as tab,
        Kernel(server, path) as kernel,
    ):
        await kernel.run(CONNECT + "rtc_widgets.open('ghost.md')")
        await tab.until(lambda: any(tab.states.values()), "the kernel is there")
        await kernel.run("%unload_ext rtc_widgets")
        await tab.until(lambda: not any(tab.states.values()), "the kernel has left")
        await kernel.run(CONNECT + "notes = rtc_widgets.open('ghost.md'); notes.append('!'); notes.save()")
        assert (server.root / "ghost.md").read_text() == "text!"
