"""The file is changed by other programs while people type: theirs comes in, and nothing typed goes."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import AsyncExitStack

import pytest
from support.server import Server
from support.tab import Tab

pytestmark = pytest.mark.timeout(120)

UNSAVED = ["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000", "--RelayApp.poll_interval=0.1"]


def git(server: Server, *arguments: str) -> None:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=server.root, capture_output=True, check=True)


async def type_until(tab: Tab, index: int, stop: asyncio.Event) -> list[str]:
    """Type words into a cell without a pause, and return them."""
    words: list[str] = []
    while not stop.is_set():
        words.append(f"p{index}w{len(words)}")
        tab.cell(index)["source"].insert(0, words[-1] + " ")
        await asyncio.sleep(0.01)
    return words


async def test_a_branch_switch_under_five_people_typing(serve) -> None:
    server = serve(options=UNSAVED)
    people = range(5)
    path = server.notebook("branch.ipynb", *(f"# notes\n\nx{person} = 1" for person in people))
    git(server, "init", "-q", "-b", "main")
    git(server, "add", path)
    git(server, "commit", "-qm", "main")
    git(server, "switch", "-qc", "other")
    notebook = server.read(path)
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace("= 1", "= 2")
    notebook["cells"].append({**notebook["cells"][0], "id": "new", "source": "only = 'there'"})
    server.write(path, notebook)
    git(server, "commit", "-qam", "other")
    git(server, "switch", "-q", "main")
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(Tab(server, path)) for _ in people]
        stop = asyncio.Event()
        typing = [asyncio.create_task(type_until(tab, index, stop)) for index, tab in enumerate(tabs)]
        for index in people:
            await tabs[0].until(lambda i=index: f"p{i}w3 " in tabs[0].sources[i], "all of them type")
        await asyncio.to_thread(git, server, "switch", "-q", "other")
        for tab in tabs:
            await tab.until(lambda tab=tab: len(tab.cells) == 6, "the branch has come")
        stop.set()
        typed = [await task for task in typing]
        for tab in tabs:
            await tab.committed()
        for tab in tabs:
            await tab.until(lambda tab=tab: tab.sources == tabs[0].sources, "all have the same")
        for person in people:
            first, *rest = tabs[0].sources[person].split("\n")
            assert sorted(first.split()) == sorted([*typed[person], "#", "notes"]), "each word is there, once"
            assert rest == ["", f"x{person} = 2"], "and so is the branch"
        assert tabs[0].sources[5] == "only = 'there'"
        assert [event.params.get("code") for tab in tabs for event in tab.events] == []
        await tabs[0].save()
        assert server.sources(path) == tabs[0].sources


async def test_a_line_that_is_changed_here_and_outside_is_there_twice_and_everybody_is_told(serve) -> None:
    server = serve(options=UNSAVED)
    path = server.notebook("conflict.ipynb", "rate = 0.1", "other")
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        ada.cell(0)["source"].insert(10, "5")
        await ben.until(lambda: ben.sources[0] == "rate = 0.15", "it is live")
        notebook = server.read(path)
        notebook["cells"][0]["source"] = "rate = 0.2"
        server.write(path, notebook)
        for tab in (ada, ben):
            await tab.until(lambda tab=tab: tab.events, "the tab is told")
            assert [event.params["code"] for event in tab.events] == ["merged"]
            (cell,) = tab.events[0].params["conflicts"]
            assert cell == {
                "name": notebook["cells"][0]["id"],
                "here": "rate = 0.15",
                "there": "rate = 0.2",
            }
            # The notice may come before what it is about.
            both = ["rate = 0.15", "rate = 0.2"]
            await tab.until(
                lambda tab=tab, both=both: sorted(tab.sources[0].split("\n")) == both, "both stay"
            )
            assert tab.sources[1] == "other"


async def test_what_was_found_to_be_changed_on_both_sides_while_nobody_was_there_is_told_to_who_comes(
    serve,
) -> None:
    server = serve(options=[*UNSAVED, "--RelayApp.close_delay=1000"])
    path = server.notebook("away.ipynb", "rate = 0.1", "other")
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(10, "5")
        await ada.committed()
        await asyncio.to_thread(server.stop, True)
    notebook = server.read(path)
    notebook["cells"][0]["source"] = "rate = 0.2"
    server.write(path, notebook)
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as ben:
        # The file is read before anybody is let in: there is nobody yet who could be told.
        await ben.until(lambda: ben.events, "who comes first is told")
        (notice,) = ben.events
        assert notice.params["code"] == "merged"
        (conflict,) = notice.params["conflicts"]
        assert (conflict["here"], conflict["there"]) == ("rate = 0.15", "rate = 0.2")
        async with Tab(server, path) as eve:
            await eve.until(lambda: eve.events, "and who comes back right after")
            assert eve.events[0].params == notice.params


async def test_a_file_that_is_away_for_a_while_takes_nothing_with_it(serve) -> None:
    server = serve(options=["--RelayApp.save_delay=0.1", "--RelayApp.poll_interval=0.1"])
    path = server.notebook("away.ipynb", "a = 1", "b = 2")
    async with Tab(server, path) as ada:
        away = (server.root / path).rename(server.root.parent / "away.ipynb")
        await ada.until(lambda: ada.events, "the tab is told")
        assert ada.events[-1].params["code"] == "deleted"
        ada.cell(0)["source"].insert(0, "# ")
        await ada.committed()
        assert not (server.root / path).exists(), "only a person makes it anew"
        away.write_text(away.read_text().replace("b = 2", "b = 3"))
        away.rename(server.root / path)
        await ada.until(lambda: ada.sources == ["# a = 1", "b = 3"], "what came back is merged")
        await ada.save()
        assert server.sources(path) == ["# a = 1", "b = 3"]


async def test_a_file_that_is_renamed_outside_is_followed(serve) -> None:
    server = serve(options=["--RelayApp.save_delay=0.1", "--RelayApp.poll_interval=0.1"])
    path = server.notebook("folder/was.ipynb", "a = 1")
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
        (server.root / path).rename(server.root / "folder/is.ipynb")
        ada.cell(0)["source"].insert(0, "more ")
        for tab in (ada, ben):
            await tab.until(lambda tab=tab: tab.events, "the tab is told")
            assert [event.params for event in tab.events] == [{"path": "folder/is.ipynb"}]
        await ada.committed()
        await ada.save()
        assert server.sources("folder/is.ipynb") == ["more # a = 1"]
        assert not (server.root / path).exists()
