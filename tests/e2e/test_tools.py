"""Programs that people have change the file while they type: what either did is there, once, and they do not fight."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import aclosing
from typing import Any

import pytest
from support.server import Server
from support.tab import Tab

from rtc_widgets.rooms.room import comm_id
from rtc_widgets.stores.sqlite import SqliteStore

pytestmark = pytest.mark.timeout(120)

UNSAVED = ["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000", "--RelayApp.poll_interval=0.1"]
SAVING = ["--RelayApp.save_delay=0.2", "--RelayApp.save_max_wait=1", "--RelayApp.poll_interval=0.1"]
SED = "s/rate = 1/rate = 2/"
GIT = "git -c user.name=Ada -c user.email=ada@example.org"
COMMITTED = f"git init -q -b main; {GIT} add -A; {GIT} commit -qm main"
BRANCHES = (
    f"{COMMITTED}; git switch -qc other; sed -i '{SED}' a.ipynb; {GIT} commit -qam other; git switch -q main"
)

# What is done before anybody opens the notebook, and what while they type. Each makes two of the rate of one.
CHANGE = {
    "sed": (":", f"sed -i '{SED}' a.ipynb"),
    "a file put in its place": (":", f"sed '{SED}' a.ipynb >.a.ipynb.swp; mv .a.ipynb.swp a.ipynb"),
    "git checkout": (BRANCHES, "git checkout -q other"),
    "git checkout of the file": (BRANCHES, "git checkout -q other -- a.ipynb"),
    "git stash": (
        f"sed -i '{SED}' a.ipynb; {COMMITTED}; sed -i 's/rate = 2/rate = 1/' a.ipynb",
        f"{GIT} stash -q",
    ),
    "jupytext --sync": (
        "jupytext -q --set-formats ipynb,py:percent a.ipynb",
        f"sed -i '{SED}' a.py; jupytext -q --sync a.py",
    ),
    "jupytext --to": (
        "jupytext -q --to py:percent a.ipynb",
        f"sed -i '{SED}' a.py; jupytext -q --update --to ipynb a.py",
    ),
}
FILTER = (
    f"git init -q -b main; git config filter.nbstripout.clean '{sys.executable} -m nbstripout'; "
    "echo '*.ipynb filter=nbstripout' >.gitattributes"
)
STRIP = {
    "nbstripout": (":", "nbstripout a.ipynb"),
    "nbstripout as git's filter": (
        f"{FILTER}; {COMMITTED}",
        "rm a.ipynb; git checkout -q -- a.ipynb",
    ),
}


def run(server: Server, commands: str) -> None:
    done = subprocess.run(
        ["sh", "-ec", commands], check=False, cwd=server.root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def notebook(server: Server) -> str:
    """Write a notebook with an output, and return its path."""
    path = server.notebook("a.ipynb", "rate = 1\nprint(rate)", "# notes", "# last")
    content = server.read(path)
    content["cells"][1]["cell_type"] = "markdown"
    for key in ("outputs", "execution_count"):
        del content["cells"][1][key]
    content["cells"][0]["execution_count"] = 1
    content["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "1\n"}]
    server.write(path, content)
    return path


class Typing:
    """Type words into a cell without a pause."""

    def __init__(self, tab: Tab, index: int) -> None:
        self.words: list[str] = []
        self._tab = tab
        self._cell = tab.cells[index]["id"]
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._type())

    async def _type(self) -> None:
        while not self._stop.is_set():
            self.words.append(f"w{len(self.words)}")
            self.source.insert(0, self.words[-1] + " ")
            await asyncio.sleep(0.01)

    @property
    def source(self) -> Any:
        (index,) = (n for n, cell in enumerate(self._tab.cells) if cell["id"] == self._cell)
        return self._tab.cell(index)["source"]

    async def stop(self) -> str:
        """Stop, and return what the cell should say."""
        self._stop.set()
        await self._task
        return " ".join([*reversed(self.words), "# notes"])


async def at_rest(server: Server, path: str) -> None:
    """Wait until the file stays as it is for ten looks of the server: nobody answers a write with a write for ever."""
    file, writes, looks = server.root / path, 0, 0
    before = file.stat().st_mtime_ns
    while looks < 10:
        await asyncio.sleep(0.1)
        now = file.stat().st_mtime_ns
        looks, writes, before = (looks + 1, writes, now) if now == before else (0, writes + 1, now)
        assert writes < 4, "it is written again and again"


async def signatures(server: Server, tab: Tab) -> set[str | None]:
    """Return who changed the document; for a server that is stopped."""
    assert tab.welcome is not None
    logs = (server.work / "data/rtc_widgets").glob("*.sqlite")
    (path,) = (file for file in logs if "." not in file.stem)
    async with aclosing(SqliteStore(path)) as store:
        return {entry.author async for entry in store.read(comm_id(tab.welcome.room, "content"))}


async def settled(server: Server, path: str, typing: Typing, tabs: list[Tab], rate: int) -> None:
    """Stop typing, and check that everything is there, once, in tabs and file, and stays so."""
    said = await typing.stop()
    want = [f"rate = {rate}\nprint(rate)", said, "# last"]
    for tab in tabs:
        await tab.until(
            lambda tab=tab: tab.sources == want, lambda tab=tab: f"all is there, once: {tab.sources}"
        )
    await tabs[0].save()
    await at_rest(server, path)
    assert server.sources(path) == want
    assert [cell["id"] for cell in tabs[0].cells] == ["cell-0", "cell-1", "cell-2"], (
        "each is the cell that it was"
    )
    for tab in tabs:
        assert tab.sources == want
        assert [told.params for told in tab.events if told.name == "notice"] == []


@pytest.mark.parametrize("tool", CHANGE)
async def test_a_change_comes_in_under_what_is_typed(serve: Any, tool: str) -> None:
    server: Server = serve(options=UNSAVED)
    before, change = CHANGE[tool]
    path = notebook(server)
    run(server, before)
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        typing = Typing(ada, 1)
        await ben.until(lambda: "w3" in ben.sources[1], "somebody types")
        await asyncio.to_thread(run, server, change)
        await ben.until(lambda: "rate = 2" in ben.sources[0], "the change comes in")
        await settled(server, path, typing, [ada, ben], 2)
        assert len(ada.cells[0]["outputs"]) == 1
    await asyncio.to_thread(server.stop)
    assert "file" in await signatures(server, ada)


@pytest.mark.parametrize("tool", STRIP)
async def test_outputs_are_stripped_from_a_file_in_which_somebody_types(serve: Any, tool: str) -> None:
    server: Server = serve(options=UNSAVED)
    before, strip = STRIP[tool]
    path = notebook(server)
    run(server, before)
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        assert len(ben.cells[0]["outputs"]) == 1
        typing = Typing(ada, 1)
        await ben.until(lambda: "w3" in ben.sources[1], "somebody types")
        await asyncio.to_thread(run, server, strip)
        await ben.until(lambda: ben.cells[0]["outputs"] == [], "the outputs go")
        await settled(server, path, typing, [ada, ben], 1)


@pytest.mark.parametrize("options", [UNSAVED, SAVING], ids=["unsaved", "saving"])
async def test_a_notebook_is_executed_in_which_somebody_types(serve: Any, options: Any) -> None:
    server: Server = serve(options=options)
    path = notebook(server)
    content = server.read(path)
    content["cells"][0]["outputs"][0]["text"] = "of yesterday\n"
    server.write(path, content)
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        typing = Typing(ada, 1)
        await ben.until(lambda: "w3" in ben.sources[1], "somebody types")
        await asyncio.to_thread(run, server, "jupyter nbconvert --to notebook --inplace --execute a.ipynb")
        await ben.until(lambda: ben.cells[0]["outputs"][0]["text"] == "1\n", "the new output comes in")
        await settled(server, path, typing, [ada, ben], 1)


async def test_a_hook_that_strips_leaves_what_is_live(serve: Any) -> None:
    """The very nbstripout, before each save: it strips the file, and numbers its cells anew."""
    hook = """
import nbformat
from nbstripout import strip_output

def strip(model, **kwargs):
    if model["type"] == "notebook":
        notebook = strip_output(nbformat.from_dict(model["content"]), False, False, False)
        model["content"] = notebook

c.ContentsManager.pre_save_hook = strip
"""
    server: Server = serve(options=SAVING, config=hook)
    path = notebook(server)
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        typing = Typing(ada, 1)
        await ben.until(lambda: len(typing.words) > 100, "somebody types, and it is saved meanwhile")
        await settled(server, path, typing, [ada, ben], 1)
        assert len(ada.cells[0]["outputs"]) == len(ben.cells[0]["outputs"]) == 1
        assert server.read(path)["cells"][0]["outputs"] == []
        # And what somebody else changes in the stripped file comes in.
        await asyncio.to_thread(run, server, f"sed -i '{SED}' a.ipynb")
        await ben.until(lambda: "rate = 2" in ben.sources[0], "the change comes in")
        assert len(ben.cells[0]["outputs"]) == 1
        await at_rest(server, path)
