"""Comments that travel with the notebook's file: written where people want that, read wherever they stand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import nbformat
import pytest
from pycrdt import Map
from support.names import CONFIG as NAMES
from support.server import Server
from support.tab import Refused, Tab

from rtc_widgets.documents.anchors import make_anchor, resolve
from rtc_widgets.documents.mirror import from_mirror
from rtc_widgets.documents.threads import ThreadValue, read_threads


def threads(tab: Tab) -> list[ThreadValue]:
    return list(read_threads(tab.doc).values())


def comments(server: Server, path: str) -> Tab:
    return Tab(server, path, document="annotations")


async def comment(tab: Tab, thread: str, body: str) -> dict[str, Any]:
    anchor = make_anchor(tab.doc, {"kind": "range", "cell": tab.cells[0]["id"], "start": 0, "end": 4})
    return await tab.request("comments.add", thread=thread, comment=f"{thread}0", body=body, anchor=anchor)


def in_file(server: Server, path: str) -> list[tuple[str, str, list[str]]]:
    """Return the threads in the file: id, state and words."""
    found = from_mirror(server.read(path)["metadata"])
    return [(thread.id, thread.state, [one.body for one in thread.comments]) for thread in found]


async def test_nothing_is_written_into_the_file_until_somebody_says_so(serve: Any) -> None:
    server = serve()
    path = server.notebook("asked.ipynb", "rate = 0.5")
    async with Tab(server, path) as ada:
        assert (await comment(ada, "t", "Why?"))["mirror"] == "ask"
        await ada.save()
        assert in_file(server, path) == []
        await ada.request("comments.mirror", mirror="always")
        await ada.until(
            lambda: in_file(server, path) == [("t", "open", ["Why?"])], "it is in the file, by itself"
        )
        assert "mirror" not in await comment(ada, "u", "And?"), "nobody is asked twice"
        await ada.request("comments.resolve", thread="t", op="o")
        done = [("t", "resolved", ["Why?"]), ("u", "open", ["And?"])]
        await ada.until(lambda: in_file(server, path) == done, "the file follows")
        nbformat.validate(nbformat.from_dict(server.read(path)))
        assert ada.sources == ["rate = 0.5"]
        assert "rtc_widgets" not in ada.doc.get("meta", type=Map).to_py()["metadata"], "it is no content"
        await ada.request("comments.mirror", mirror="never")
        await ada.until(lambda: in_file(server, path) == [], "the copy is taken away")


async def test_a_notebook_that_arrives_with_threads_shows_them_once_and_keeps_them_up(serve: Any) -> None:
    server = serve(options=["--RelayApp.mirror=always"])
    path = server.notebook("here.ipynb", "rate = 0.5")
    async with Tab(server, path) as ada:
        await comment(ada, "t", "Why?")
        await ada.until(lambda: in_file(server, path) == [("t", "open", ["Why?"])], "it is in the file")
    other = serve()
    arrived = other.root / "there.ipynb"
    arrived.write_bytes((server.root / path).read_bytes())
    for reply in ("t1", "t2"):
        async with Tab(other, "there.ipynb") as bob, comments(other, "there.ipynb") as notes:
            await notes.until(lambda notes=notes: threads(notes), "they are shown")
            (thread,) = threads(notes)
            assert [one.body for one in thread.comments if one.deleted is None] == ["Why?"]
            assert thread.by.name
            # It goes on where it was begun, and nobody is asked.
            await bob.request("comments.add", thread="t", comment=reply, body="From the paper.")
            await ada.until(
                lambda: in_file(other, "there.ipynb") == [("t", "open", ["Why?", "From the paper."])],
                "the file follows",
            )
            await bob.request("comments.delete", thread="t", comment=reply)
            await ada.until(
                lambda: in_file(other, "there.ipynb") == [("t", "open", ["Why?"])], "the file follows"
            )
        await asyncio.to_thread(other.stop)
        await asyncio.to_thread(other.start)


async def test_what_a_checkout_brings_is_added_and_what_it_lacks_stays(serve: Any) -> None:
    server = serve(options=["--RelayApp.mirror=always", "--RelayApp.poll_interval=0.1"])
    path = server.notebook("git.ipynb", "rate = 0.5")
    old = (server.root / path).read_bytes()
    async with Tab(server, path) as ada, comments(server, path) as notes:
        await comment(ada, "t", "Why?")
        await ada.until(lambda: in_file(server, path) != [], "it is in the file")
        await ada.save()  # nothing is being written any more that the outside would be lost under
        theirs = json.loads(
            (server.root / path)
            .read_text()
            .replace("urn:rtc_widgets:thread:t", "urn:rtc_widgets:thread:v")
            .replace("t0", "v0")
            .replace("Why?", "Theirs.")
        )
        (server.root / path).write_text(json.dumps(theirs))
        await notes.until(
            lambda: {thread.id for thread in threads(notes)} == {"t", "v"}, "theirs is here, too"
        )
        await ada.until(
            lambda: {one[0] for one in in_file(server, path)} == {"t", "v"}, "both are in the file"
        )
        (server.root / path).write_bytes(old)
        ada.cell(0)["source"].insert(0, "# ")
        await ada.until(lambda: server.sources(path) == ["# rate = 0.5"], "the file is saved")
        await ada.until(
            lambda: {one[0] for one in in_file(server, path)} == {"t", "v"}, "nobody's words are gone"
        )
        assert all(thread.deleted is None for thread in threads(notes))


@pytest.mark.parametrize(
    "damage", ["text", {"items": 7}, {"items": [7, {"body": 8}, {"type": "Annotation"}]}, []]
)
async def test_a_damaged_copy_hurts_nobody_and_stays(serve: Any, damage: Any) -> None:
    server = serve()
    path = server.notebook("damaged.ipynb", "x = 1")
    notebook = server.read(path)
    notebook["metadata"]["rtc_widgets"] = {"comments": damage}
    (server.root / path).write_text(json.dumps(notebook))
    async with Tab(server, path) as ada, comments(server, path) as notes:
        assert threads(notes) == []
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
        assert server.sources(path) == ["# x = 1"]


async def test_a_thread_that_is_about_something_unknown_is_at_its_cell_and_hurts_nobody(serve: Any) -> None:
    server = serve(options=["--RelayApp.mirror=always"])
    path = server.notebook("later.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await comment(ada, "t", "Why?")
        await ada.until(lambda: in_file(server, path), "it is in the file")
        await ada.save()
    notebook = server.read(path)
    cell = notebook["cells"][0]["id"]
    items = notebook["metadata"]["rtc_widgets"]["comments"]["items"]
    items[0] |= {
        "id": "urn:rtc_widgets:thread:u",
        "rtc_widgets": {"anchor": {"kind": "planet", "cell": cell}},
    }
    items[0]["body"][0]["id"] = "urn:rtc_widgets:comment:u0"
    (server.root / path).write_text(json.dumps(notebook))
    async with Tab(server, path) as ada, comments(server, path) as notes:
        await notes.until(lambda: len(threads(notes)) == 2, "both are here")
        unknown = next(thread for thread in threads(notes) if thread.id == "u")
        found = resolve(ada.doc, dict(unknown.anchor))
        assert (found.state, found.cell_id) == ("exact", cell)


async def test_a_hook_that_strips_it_is_not_fought_with(serve: Any) -> None:
    config = """
def strip(model, **kwargs):
    if model["type"] == "notebook":
        model["content"]["metadata"].pop("rtc_widgets", None)

c.FileContentsManager.pre_save_hook = strip
"""
    server = serve(config=config, options=["--RelayApp.mirror=always", "--RelayApp.save_delay=0.05"])
    path = server.notebook("stripped.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await comment(ada, "t", "Why?")
        saved = (await ada.save())["last_modified"]
        await asyncio.sleep(0.5)  # ten times the delay in which it would be written again
        assert (await ada.save())["last_modified"] == saved
        assert in_file(server, path) == []


async def test_who_may_only_comment_decides_nothing(serve: Any) -> None:
    server = serve(config=NAMES)
    path = server.notebook("decided.ipynb", "x = 1")
    async with Tab(server, path) as ada, Tab(server, path, token="bob") as bob:
        for tab, decision, code in ((ada, "maybe", "bad-request"), (bob, "always", "read-only")):
            with pytest.raises(Refused) as refused:
                await tab.request("comments.mirror", mirror=decision)
            assert refused.value.code == code
        # Nor is he asked.
        assert "mirror" not in await comment(bob, "t", "Why?")
        await ada.save()
        assert in_file(server, path) == []
