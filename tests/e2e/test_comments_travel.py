"""What becomes of comments when a notebook's file is copied, renamed, deleted, brought back, and merged by Git."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.server import Server
from support.tab import Tab

from rtc_widgets.documents.mirror import from_mirror
from rtc_widgets.documents.threads import ThreadValue, read_threads

ALWAYS = ["--RelayApp.mirror=always", "--RelayApp.poll_interval=0.1", "--RelayApp.save_delay=0.05"]
WHOLE = {"kind": "document"}


def comments(server: Server, path: str) -> Tab:
    return Tab(server, path, document="annotations")


def threads(tab: Tab) -> dict[str, ThreadValue]:
    return read_threads(tab.doc)


def words(tab: Tab) -> dict[str, list[str]]:
    return {
        id_: [one.body for one in thread.comments if one.deleted is None]
        for id_, thread in threads(tab).items()
        if thread.deleted is None
    }


def in_file(server: Server, path: str) -> list[str]:
    found = from_mirror(server.read(path)["metadata"])
    return [one.body for thread in found for one in thread.comments]


async def say(tab: Tab, thread: str, comment: str, body: str) -> dict[str, Any]:
    return await tab.request("comments.add", thread=thread, comment=comment, body=body, anchor=WHOLE)


async def test_a_copy_has_its_own_threads_under_the_same_ids(serve: Any) -> None:
    server = serve(options=ALWAYS)
    path = server.notebook("a.ipynb", "x = 1")
    async with Tab(server, path) as ada, comments(server, path) as notes:
        await say(ada, "t", "c", "Why?")
        await ada.until(lambda: in_file(server, path) == ["Why?"], "it is in the file")
        await ada.save()
        shutil.copy(server.root / path, server.root / "b.ipynb")
        async with Tab(server, "b.ipynb") as ben, comments(server, "b.ipynb") as others:
            await others.until(lambda: words(others) == {"t": ["Why?"]}, "the copy shows it")
            assert threads(others)["t"].by.claimed, "who wrote it this file only says"
            assert not threads(notes)["t"].by.claimed
            await say(ben, "t", "d", "In b only.")
            await ada.request("comments.resolve", thread="t", op="o")
            await ben.request("private.read", threads={"t": 2})
            assert await ada.request("private.get") == {"read": {}, "drafts": {}}
            await others.until(lambda: words(others) == {"t": ["Why?", "In b only."]}, "the reply is in b")
            await notes.until(lambda: threads(notes)["t"].state == "resolved", "it is resolved in a")
            assert threads(others)["t"].state == "open" and words(notes) == {"t": ["Why?"]}
            await ada.save()
            await ben.save()
        assert in_file(server, path) == ["Why?"]
        assert in_file(server, "b.ipynb") == ["Why?", "In b only."]


async def test_a_renamed_notebook_keeps_its_comments_and_a_deleted_one_brings_them_back(serve: Any) -> None:
    server = serve(options=[*ALWAYS, "--RelayApp.close_delay=0.3"])
    path = server.notebook("old.ipynb", "x = 1")
    async with Tab(server, path) as ada, comments(server, path) as notes:
        await say(ada, "t", "c", "Why?")
        await asyncio.to_thread(server.api, f"/api/contents/{path}", "PATCH", {"path": "new.ipynb"})
        await ada.until(lambda: any(one.name == "renamed" for one in ada.events), "it is told")
        await say(ada, "t", "d", "Still here.")
        await notes.until(lambda: words(notes) == {"t": ["Why?", "Still here."]}, "the threads go on")
        await ada.until(lambda: in_file(server, "new.ipynb") == ["Why?", "Still here."], "so does the copy")
        await ada.save()
    kept = (server.root / "new.ipynb").read_bytes()
    async with Tab(server, "new.ipynb"), comments(server, "new.ipynb") as notes:
        assert not threads(notes)["t"].by.claimed, "the same room: they are as they were signed"
    await asyncio.to_thread(server.api, "/api/contents/new.ipynb", "DELETE")
    server.notebook("new.ipynb", "y = 2")
    async with Tab(server, "new.ipynb"), comments(server, "new.ipynb") as notes:
        assert words(notes) == {}, "another file of that name is another notebook"
    await asyncio.to_thread(server.api, "/api/contents/new.ipynb", "DELETE")
    (server.root / "new.ipynb").write_bytes(kept)
    async with Tab(server, "new.ipynb"), comments(server, "new.ipynb") as notes:
        await notes.until(lambda: words(notes) == {"t": ["Why?", "Still here."]}, "it brings them back")
        assert not any(one.by.claimed for one in threads(notes)["t"].comments), "as they were signed"


async def test_a_file_that_is_deleted_here_and_restored_outside_has_its_comments(serve: Any) -> None:
    server = serve(options=["--RelayApp.mirror=never", "--RelayApp.close_delay=0.3"])
    path = server.notebook("restored.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await say(ada, "t", "c", "Why?")
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
    kept = (server.root / path).read_bytes()
    await asyncio.to_thread(server.api, f"/api/contents/{path}", "DELETE")
    (server.root / path).write_bytes(kept)  # from the trash, or out of Git
    async with Tab(server, path) as ada, comments(server, path) as notes:
        assert words(notes) == {"t": ["Why?"]} and not threads(notes)["t"].by.claimed
        assert ada.sources == ["# x = 1"]
    # What only has its name is another file, and so is what only has its cells.
    await asyncio.to_thread(server.api, f"/api/contents/{path}", "DELETE")
    server.notebook(path, "x = 1")
    async with Tab(server, path), comments(server, path) as notes:
        assert words(notes) == {}
    # Nor does one know an empty file by its content.
    path = server.notebook("empty.ipynb", "")
    async with Tab(server, path) as ada:
        await say(ada, "t", "c", "Why?")
        await ada.save()
    kept = (server.root / path).read_bytes()
    await asyncio.to_thread(server.api, f"/api/contents/{path}", "DELETE")
    (server.root / path).write_bytes(kept)
    async with Tab(server, path), comments(server, path) as notes:
        assert words(notes) == {}


async def test_a_file_that_goes_and_comes_back_by_a_checkout_finds_its_comments(serve: Any) -> None:
    server = serve(options=["--RelayApp.mirror=never", "--RelayApp.close_delay=0.3"])
    path = server.notebook("branch.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await say(ada, "t", "c", "Why?")
        await ada.save()
    kept = (server.root / path).read_bytes()
    (server.root / path).unlink()  # git switch
    (server.root / path).write_bytes(kept)
    async with Tab(server, path), comments(server, path) as notes:
        assert words(notes) == {"t": ["Why?"]}
        assert not threads(notes)["t"].by.claimed


async def test_a_checkpoint_takes_no_words_away(serve: Any) -> None:
    server = serve(options=ALWAYS)
    path = server.notebook("checkpoint.ipynb", "x = 1")
    async with Tab(server, path) as ada, comments(server, path) as notes:
        await say(ada, "t", "c", "Before.")
        await ada.until(lambda: in_file(server, path) == ["Before."], "it is in the file")
        await ada.save()
        made = await asyncio.to_thread(server.api, f"/api/contents/{path}/checkpoints", "POST")
        await say(ada, "t", "d", "Behind.")
        await say(ada, "u", "e", "Gone again.")
        await ada.request("comments.edit", thread="t", comment="c", body="Before all.", op="o")
        await ada.request("comments.delete", thread="u")
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
        await asyncio.to_thread(
            server.api, f"/api/contents/{path}/checkpoints/{made['id']}", "POST"
        )  # restores it
        await ada.until(lambda: ada.sources == ["x = 1"], "the text is what it was")
        assert words(notes) == {"t": ["Before all.", "Behind."]}
        ada.cell(0)["source"].insert(0, "## ")
        await ada.save()
        await ada.until(
            lambda: in_file(server, path) == ["Before all.", "Behind."], "and all words are there"
        )
        assert words(notes) == {"t": ["Before all.", "Behind."]}


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """Have the server write nothing between one command of Git's and the next."""
    server.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


async def test_branches_that_git_cannot_merge_lose_no_words(serve: Any) -> None:
    server = serve(options=ALWAYS)
    path = server.notebook("merged.ipynb", "x = 1")
    file = server.root / path

    def git(*arguments: str) -> int:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        done = subprocess.run(["git", *who, *arguments], cwd=server.root, capture_output=True, check=False)
        return done.returncode

    def commit(message: str) -> None:
        assert git("add", path) == 0 and git("commit", "-qm", message) == 0

    async with Tab(server, path) as ada, comments(server, path) as notes:
        await say(ada, "t", "c", "Why?")
        await ada.until(lambda: in_file(server, path) == ["Why?"], "it is in the file")
        await ada.save()
        assert git("init", "-q", "-b", "main") == 0
        commit("one thread")
        theirs = server.read(path)
        body = theirs["metadata"]["rtc_widgets"]["comments"]["items"][0]["body"]
        reply = {**body[0], "id": "urn:rtc_widgets:comment:theirs", "value": "Theirs.", "purpose": "replying"}
        await say(ada, "t", "mine", "Mine.")
        await ada.until(lambda: in_file(server, path) == ["Why?", "Mine."], "it is in the file")
        await ada.save()
        ours = file.read_bytes()
        commit("mine")
        body.append(reply)
        with stopped(server):
            assert git("switch", "-q", "-c", "branch", "HEAD~1") == 0
            file.write_text(json.dumps(theirs, indent=1))
            commit("theirs")
        await notes.until(lambda: "Theirs." in words(notes)["t"], "what the branch brings is here")
        everything = ["Mine.", "Theirs.", "Why?"]
        await ada.until(lambda: sorted(in_file(server, path)) == everything, "and in the file")
        await ada.save()  # nothing is being written any more
        with stopped(server):
            # What the relay has saved meanwhile is not what is merged.
            git("checkout", "-q", "-f", "main")
            assert git("merge", "-q", "branch") != 0, "they conflict"
            assert b"<<<<<<<" in file.read_bytes()
        await ada.until(
            lambda: [one for one in ada.events if one.name == "notice"], "that it is damaged is told"
        )
        assert sorted(words(notes)["t"]) == ["Mine.", "Theirs.", "Why?"], "and nobody's words are gone"
        assert ada.sources == ["x = 1"]
        file.write_bytes(ours)  # resolved: ours
        ada.cell(0)["source"].insert(0, "# ")
        await ada.until(lambda: server.sources(path) == ["# x = 1"], "it is saved again")
        await ada.until(lambda: sorted(in_file(server, path)) == everything, "with all words")
        assert sorted(words(notes)["t"]) == everything


async def test_two_servers_on_one_folder_bring_each_other_what_is_said(serve: Any) -> None:
    one, other = serve(options=ALWAYS), serve(options=ALWAYS)
    path = one.notebook("shared.ipynb", "x = 1")
    shutil.rmtree(other.root)
    other.root.symlink_to(one.root)
    async with Tab(one, path) as ada, comments(one, path) as hers:
        await say(ada, "t", "c", "Why?")
        await ada.until(lambda: in_file(one, path) == ["Why?"], "it is in the file")
        async with Tab(other, path) as ben, comments(other, path) as his:
            await his.until(lambda: words(his) == {"t": ["Why?"]}, "the other server reads it there")
            await say(ben, "t", "d", "From the paper.")
            both = {"t": ["Why?", "From the paper."]}
            await hers.until(lambda: words(hers) == both, "and the first one the answer")
            assert [(c.by.claimed) for c in threads(hers)["t"].comments] == [False, True]
            assert [(c.by.claimed) for c in threads(his)["t"].comments] == [True, False]
            await ada.until(lambda: in_file(one, path) == both["t"], "the file has both")
            assert words(his) == both
