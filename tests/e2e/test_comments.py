"""Comments on a real server: who signs, who may, and what is there after a crash."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.names import CONFIG
from support.server import Server
from support.tab import Refused, Tab

from rtc_widgets.documents.anchors import make_anchor, resolve
from rtc_widgets.documents.threads import Author, ThreadValue, read_people, read_threads


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    server = Server(tmp_path_factory.mktemp("guarded"), config=CONFIG)
    yield server
    server.close()


def comments(server: Server, path: str, who: str | None = None) -> Tab:
    """Return a tab that has the annotations open."""
    return Tab(server, path, document="annotations", token=who)


def threads(tab: Tab) -> list[ThreadValue]:
    return list(read_threads(tab.doc).values())


async def test_a_thread_reaches_everybody_signed_with_who_signed_in(guarded: Server) -> None:
    path = guarded.notebook("signed.ipynb", "rate = 0.5")
    async with (
        Tab(guarded, path) as content,
        comments(guarded, path) as ada,
        comments(guarded, path, "bob") as bob,
    ):
        anchor = make_anchor(content.doc, {"kind": "cell", "cell": content.cells[0]["id"]})
        answer = await content.request("comments.add", thread="t", comment="c", body="Why?", anchor=anchor)
        # Nobody has decided yet whether the file gets a copy.
        assert answer == {"thread": "t", "number": 1, "comment": "c", "mirror": "ask"}
        await bob.request("comments.add", thread="t", comment="d", body="From the paper.")
        for tab in (ada, bob):
            (thread,) = await tab.until(
                lambda tab=tab: [t for t in threads(tab) if len(t.comments) == 2], "both"
            )
            assert [(one.by, one.body) for one in thread.comments] == [
                (Author("ada", "person", "Ada"), "Why?"),
                (Author("bob", "person", "Bob"), "From the paper."),
            ]
            bob_told = read_people(tab.doc)["bob"]
            assert (bob_told["display_name"], bob_told["color"]) == ("Bob", "#102030")


async def test_a_commenter_comments_and_cannot_write_and_a_viewer_only_reads(guarded: Server) -> None:
    path = guarded.notebook("roles.ipynb", "x = 1")
    async with Tab(guarded, path, token="bob") as bob, Tab(guarded, path, token="eve") as eve:
        assert (bob.welcome.role, eve.welcome.role) == ("commenter", "viewer")
        anchor = make_anchor(bob.doc, {"kind": "cell", "cell": bob.cells[0]["id"]})
        await bob.request("comments.add", thread="t", comment="c", body="Hm.", anchor=anchor)
        with pytest.raises(Refused) as refused:
            await eve.request("comments.add", thread="t", comment="d", body="Me too.")
        assert refused.value.code == "read-only" and "right to comment" in refused.value.message
        bob.cell(0)["source"].insert(0, "# ")
        await bob.until(lambda: bob.closed, "the commenter who writes is closed")
        assert bob.closed["code"] == "read-only"


async def test_what_is_not_in_the_notebook_takes_no_comment(guarded: Server) -> None:
    path = guarded.notebook("target.ipynb", "x = 1")
    async with Tab(guarded, path) as ada:
        anchor = make_anchor(ada.doc, {"kind": "cell", "cell": ada.cells[0]["id"]}) | {"cell": "nowhere"}
        with pytest.raises(Refused) as refused:
            await ada.request("comments.add", thread="t", comment="c", body="Hm.", anchor=anchor)
        assert refused.value.code == "no-target"


async def test_what_was_answered_survives_a_kill_and_what_was_not_is_asked_again(serve: Any) -> None:
    server = serve()
    path = server.notebook("crash.ipynb", "x = 1")
    asked = {"thread": "t", "comment": "c", "body": "Kept?"}
    async with Tab(server, path) as ada:
        asked["anchor"] = make_anchor(ada.doc, {"kind": "cell", "cell": ada.cells[0]["id"]})
        await ada.request("comments.add", **asked)
        await asyncio.to_thread(server.stop, True)
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as ada, comments(server, path) as notes:
        (thread,) = threads(notes)
        # The answer may have been lost with the server, so the client asks once more.
        assert (await ada.request("comments.add", **asked))["number"] == 1
        await ada.request("comments.add", thread="t", comment="d", body="Yes.")
        await notes.until(lambda: len(threads(notes)[0].comments) == 2, "the reply is here")
        assert threads(notes)[0].comments[:1] == thread.comments


async def test_what_was_read_and_half_written_is_ones_own_and_survives_a_restart(serve: Any) -> None:
    server = serve(config=CONFIG)
    path = server.notebook("private.ipynb", "x = 1")
    async with Tab(server, path) as ada, Tab(server, path) as too, Tab(server, path, token="bob") as bob:
        await ada.request("private.read", threads={"t": 3, "u": 1})
        await ada.request("private.draft", key="t", text="I thi")
        await too.request("private.read", threads={"t": 2})
        mine = {"read": {"t": 3, "u": 1}, "drafts": {"t": "I thi"}}
        assert await too.request("private.get") == mine
        told = await ada.until(
            lambda: [one for one in ada.events if one.name == "private"], "the other tab is told"
        )
        assert told[-1].params == mine
        assert await bob.request("private.get") == {"read": {}, "drafts": {}}
        assert not [one for one in bob.events if one.name == "private"]
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as ada:
        assert await ada.request("private.draft", key="t", text=None) == {
            "read": {"t": 3, "u": 1},
            "drafts": {},
        }


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("private.read", {"threads": [1]}, "bad-request"),
        ("private.read", {"threads": {"t": "3"}}, "bad-request"),
        ("private.draft", {"key": "", "text": "x"}, "bad-request"),
        ("private.draft", {"key": "t", "text": 7}, "bad-request"),
        ("private.draft", {"key": "t", "text": "x" * 70_000}, "too-large"),
    ],
)
async def test_what_cannot_be_kept_is_refused(guarded: Server, method: str, params: Any, code: str) -> None:
    path = guarded.notebook("refused.ipynb", "x = 1")
    async with Tab(guarded, path) as ada:
        with pytest.raises(Refused) as refused:
            await ada.request(method, **params)
        assert refused.value.code == code
        kept = await ada.request("private.get")
        assert kept == {"read": {}, "drafts": {}}


async def test_where_a_comment_is_is_written_down_after_what_people_did_to_the_text(guarded: Server) -> None:
    path = guarded.notebook("healed.ipynb", "rate = 0.5", "print(rate)")
    async with Tab(guarded, path) as ada, comments(guarded, path) as notes:
        cell = ada.cells[0]["id"]
        first = make_anchor(ada.doc, {"kind": "range", "cell": cell, "start": 7, "end": 10})
        await ada.request("comments.add", thread="t", comment="c", body="Why?", anchor=first)
        source = ada.cell(0)["source"]
        # What JupyterLab does where a text is replaced: nothing of the old one is left for a position to hold on to.
        with ada.doc.transaction():
            source.clear()
            source.insert(0, "# per year\nrate = 0.5")
        healed = await notes.until(
            lambda: next((t.anchor for t in threads(notes) if t.anchor != first), None), "it is written down"
        )
        found = resolve(ada.doc, dict(healed))
        assert (found.state, found.start, found.quote) == ("exact", 18, "0.5")


async def test_many_who_comment_at_once_get_a_number_each(guarded: Server) -> None:
    path = guarded.notebook("many.ipynb", "x = 1")
    async with (
        Tab(guarded, path) as ada,
        Tab(guarded, path, token="bob") as bob,
        comments(guarded, path) as notes,
    ):
        anchor = make_anchor(ada.doc, {"kind": "cell", "cell": ada.cells[0]["id"]})
        answers = await asyncio.gather(
            *(
                tab.request(
                    "comments.add", thread=f"{name}{i}", comment=f"{name}{i}", body="x", anchor=anchor
                )
                for name, tab in (("ada", ada), ("bob", bob))
                for i in range(20)
            )
        )
        assert sorted(answer["number"] for answer in answers) == list(range(1, 41))
        await notes.until(lambda: len(threads(notes)) == 40, "all are here")
        assert {t.by.user for t in threads(notes) if t.id.startswith("bob")} == {"bob"}
