"""Comments from any process, on a real server."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from support.proxy import Proxy
from support.server import Server, until

import rtc_widgets
from rtc_widgets.documents.annotations import Annotations
from rtc_widgets.documents.mirror import from_mirror
from rtc_widgets.errors import CommentRefused, DocumentError, NotConnected

# Tokens are names.
NAMES = """
from jupyter_server.auth import IdentityProvider, User

class Names(IdentityProvider):
    def get_user(self, handler):
        name = handler.request.headers.get("Authorization", "").removeprefix("token ")
        handler._token_authenticated = True
        return User(name.split("-")[0], display_name=name.split("-")[0].title()) if name else None

c.ServerApp.identity_provider_class = Names
"""


def connect(server: Server, path: str, token: str = "", **options: Any) -> Any:
    return rtc_widgets.connect(server.url, token=token or server.token, path=path, **options)


def in_file(server: Server, path: str) -> list[str]:
    """Return what the copy of the comments in the file says."""
    notebook = server.read(path)
    nbformat.validate(nbformat.from_dict(notebook))  # type: ignore[no-untyped-call]
    return [thread.comments[0].body for thread in from_mirror(notebook["metadata"])]


def said(nb: Any) -> int:
    return sum(len(thread.comments) for thread in nb.comments)


def test_a_thread_from_its_beginning_to_its_end(server: Server) -> None:
    path = server.notebook("thread.ipynb", "x = 1", "rate = 0.1\nprint(rate)")
    with connect(server, path) as ada, connect(server, path) as ben:
        thread = ada[1].comment("Why **0.1**?", on="rate = 0.1")
        assert (thread.number, thread.state, thread.quote, thread.body) == (
            1,
            "open",
            "rate = 0.1",
            "Why **0.1**?",
        )
        assert thread.cell == ada[1] and thread.span == (0, 10) and thread.anchored == "exact"
        assert thread.link == f"{server.url}/lab/tree/thread.ipynb#rtc-thread={thread.id}"
        until(lambda: len(ben.comments) == 1, "the other one has it")
        other = ben.comments[1]
        assert other.id == thread.id and other.author.kind == "person"
        reply = other.reply("From the paper.")
        assert reply.body == "From the paper." and reply.at >= other.at and reply.edited is None
        until(lambda: len(thread.comments) == 2, "the reply comes back")
        ada[1].source = "# a new line\n" + ada[1].source
        until(lambda: other.span == (13, 23), "it is where its words are")
        thread.resolve()
        assert thread.state == "resolved" and not ada.comments.open and thread in ada.comments.resolved
        thread.reply("One more thing.")
        assert thread.state == "open"
        thread.reply("Done.", resolve=True)
        assert thread.state == "resolved"
        thread.reopen()
        thread.edit("Why 0.1?")
        assert thread.body == "Why 0.1?" and thread.comments[0].edited is not None
        thread.comments[-1].delete()
        assert [comment.body for comment in thread.comments] == [
            "Why 0.1?",
            "From the paper.",
            "One more thing.",
        ]
        thread.delete()
        assert (
            thread.state == "deleted"
            and not ada.comments
            and repr(thread).startswith("<comment 1, deleted by")
        )
        with pytest.raises(CommentRefused, match="deleted this thread"):
            thread.reply("Too late?")


def test_what_a_comment_can_be_on(server: Server) -> None:
    path = server.notebook("on.ipynb", "a = 1\nb = 22\nc = 1", "")
    with connect(server, path) as nb:
        cell = nb[0]
        cell.outputs.append({"output_type": "stream", "name": "stdout", "text": "hello\n"})
        quotes = {
            "words": cell.comment("x", on="b = 22").quote,
            "pattern": cell.comment("x", on=re.compile(r"\d\d")).quote,
            "slice": cell.comment("x", on=slice(0, 5)).quote,
            "line": cell.comment("x", on=-1).quote,
            "output": cell.comment("x", on=cell.outputs[0]).quote,
            "cell": cell.comment("x").quote,
            "notebook": nb.comment("x").quote,
        }
        assert quotes == {
            "words": "b = 22",
            "pattern": "22",
            "slice": "a = 1",
            "line": "c = 1",
            "output": "hello\n",
            "cell": cell.source,
            "notebook": None,
        }
        assert [thread.quote for thread in nb.comments] == [
            None,
            cell.source,
            "a = 1",
            "b = 22",
            "22",
            "c = 1",
            "hello\n",
        ]
        assert len(nb.comments.on(cell)) == 6
        for on, words in (
            ("nowhere", "no 'nowhere'"),
            ("= 1", "several times"),
            (re.compile("z"), "matches nothing"),
        ):
            with pytest.raises(DocumentError, match=words):
                cell.comment("x", on=on)
        with pytest.raises(IndexError):
            cell.comment("x", on=3)
        with pytest.raises(CommentRefused, match="needs a text"):
            cell.comment("  ")
        with pytest.raises(DocumentError, match="nothing at 18:40"):
            cell.comment("x", on=slice(18, 40))
        cell.delete()
        until(lambda: len(nb.comments.orphaned) == 6, "they are about nothing now")
        assert next(thread.number for thread in nb.comments) == 7
        thread = nb.comments[1]
        with pytest.raises(DocumentError, match="about no cell now"):
            thread.reattach("words")
        nb[0].source = "b = 23"
        thread.reattach(nb[0], on="b = 23")
        assert (thread.anchored, thread.quote, thread.cell) == ("changed", "b = 23", nb[0])
        assert len(nb.comments.orphaned) == 5 and len(nb.comments.on(0)) == 1


def test_a_line_of_an_output_or_of_a_traceback(server: Server) -> None:
    path = server.notebook("lines.ipynb", "1 / 0")
    with connect(server, path) as nb:
        outputs = nb[0].outputs
        outputs.append({"output_type": "stream", "name": "stdout", "text": "one\ntwo\none and two\n"})
        traceback = ["Traceback", "\x1b[31mZeroDivisionError\x1b[39m: division\nby zero"]
        outputs.append(
            {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "x", "traceback": traceback}
        )
        quotes = {
            "words": nb[0].comment("x", on=(outputs[1], "ZeroDivision")).quote,
            "number": nb[0].comment("x", on=(outputs[0], 1)).quote,
            "the last that fits": nb[0].comment("x", on=(outputs[0], re.compile("^one"))).quote,
            "from the end": nb[0].comment("x", on=(outputs[1], -1)).quote,
        }
        assert quotes == {
            "words": "ZeroDivisionError: division",
            "number": "two",
            "the last that fits": "one and two",
            "from the end": "by zero",
        }
        for line, words in ((9, "no line 9"), ("nowhere", "has 'nowhere' in it")):
            with pytest.raises(DocumentError, match=words):
                nb[0].comment("x", on=(outputs[0], line))
        with pytest.raises(TypeError, match="a line of an output"):
            nb[0].comment("x", on=(outputs[0], None, 1))


def test_a_text_file_has_comments_too(server: Server) -> None:
    (server.root / "talk.md").write_text("# Zoë 🦉\n\nSome text.\n")
    with connect(server, "talk.md", type="file") as notes:
        thread = notes.comment("Who?", on="🦉")
        assert (thread.quote, thread.span, thread.cell) == ("🦉", (6, 7), None)
        notes.insert(0, "é")
        assert thread.span == (7, 8)
        assert notes.comment("All of it.").quote is None
        thread.reattach("Some")
        assert thread.quote == "Some" and len(notes.comments) == 2


def test_callbacks_mentions_and_waiting(server: Server) -> None:
    path = server.notebook("events.ipynb", "x = 1", "y = 2")
    with connect(server, path) as ada, connect(server, path) as ben:
        heard: list[Any] = []
        mentioned = threading.Event()
        ada.comments.on_change(
            lambda change: heard.append((change.delta[0].action, change.remote)), thread="any"
        )
        ada.comments.on_mention(lambda change: mentioned.set(), user="cyd", thread="any")

        @ben.comments.on_change(thread="any")
        def answer(change: Any) -> None:  # a bot does not hear itself
            if change.delta[0].action == "add":
                change.thread.reply(f"You said: {change.comment.body}")

        waiting = ben.wait_for("comment", 20, cell=1)
        thread = ada[1].comment("Hello @Cyd")
        assert waiting.result().thread.id == thread.id
        until(lambda: len(thread.comments) == 2, "the bot has answered")
        until(lambda: len(heard) == 2, "both were told")
        assert heard == [("add", False), ("add", True)]
        assert mentioned.wait(10)
        done = ben.wait_for(lambda: ben.comments.resolved, 20)
        thread.resolve()
        assert len(done.result()) == 1


async def test_on_an_event_loop(server: Server) -> None:
    path = server.notebook("async.ipynb", "x = 1")
    async with (
        rtc_widgets.connect_async(server.url, token=server.token, path=path) as ada,
        rtc_widgets.connect_async(server.url, token=server.token, path=path) as ben,
    ):
        waiting = asyncio.ensure_future(ben.wait_for("comment", 20)._wait())
        thread = await asyncio.to_thread(ada[0].comment, "Hm.")
        assert (await waiting).thread.id == thread.id


def test_the_server_is_away_meanwhile_and_nothing_is_said_twice(serve: Any) -> None:
    server = serve()
    path = server.notebook("away.ipynb", "x = 1")
    with connect(server, path) as nb:
        assert not nb.comments
        server.stop(True)
        until(lambda: nb.state == "offline", "it notices")
        with pytest.raises(NotConnected, match="asked again"):
            nb[0].comment("Said while it was away.", timeout=0.1)
        server.start()
        until(lambda: len(nb.comments) == 1, "it was asked again", 40)
        nb.comments[1].reply("And now.")
        assert [comment.body for comment in nb.comments[1].comments] == [
            "Said while it was away.",
            "And now.",
        ]


def test_who_may_not_write_may_comment(serve: Any) -> None:
    server = serve(
        config="""
from jupyter_server.auth import Authorizer

class OnlyComments(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return action == "read" or resource == "comments"

c.ServerApp.authorizer_class = OnlyComments
"""
    )
    path = server.notebook("commenter.ipynb", "x = 1")
    with connect(server, path) as nb:
        with pytest.raises(NotConnected, match="may read"):
            nb[0].source = "x = 2"
        thread = nb[0].comment("Should this be 2?", on="1")
        assert thread.number == 1 and nb.comments[1].quote == "1"
        thread.reply("It should.")
        assert len(thread.comments) == 2
        with pytest.raises(CommentRefused, match="read-only"):
            nb.comments.strip()
        assert nb.comments.mirror is None


def test_the_network_breaks_again_and_again_and_everything_is_said_once(server: Server) -> None:
    path = server.notebook("network.ipynb", "x = 1")
    proxy = Proxy(server)
    try:
        with (
            rtc_widgets.connect(proxy.url, token=server.token, path=path) as ada,
            connect(server, path) as ben,
        ):
            done = threading.Event()

            def talk() -> None:
                thread = ada[0].comment("0")
                for number in range(1, 12):
                    thread.reply(str(number))
                done.set()

            talking = threading.Thread(target=talk)
            talking.start()
            while not done.is_set():
                before = said(ben)
                proxy.cut()
                proxy.restore()
                # It gets on between two breaks, or it has ended.
                until(lambda n=before: done.is_set() or said(ben) > n, "it goes on", 30)
            talking.join(10)
            (thread,) = ada.comments
            until(lambda: len(thread.comments) == 12, "all is here, also after the last break")
            assert [comment.body for comment in thread.comments] == [str(number) for number in range(12)]
    finally:
        proxy.close()


def test_what_waits_while_the_document_is_renamed_is_said_once(server: Server) -> None:
    path = server.notebook("called-this.ipynb", "x = 1")
    proxy = Proxy(server)
    try:
        with rtc_widgets.connect(proxy.url, token=server.token, path=path) as nb:
            thread = nb[0].comment("Before.")
            proxy.cut()
            until(lambda: nb.state == "offline", "it notices")
            for words in ("Said while away.", "And this."):
                with pytest.raises(NotConnected, match="asked again"):
                    thread.reply(words, timeout=0.1)
            nb[0].source = "x = 2"
            server.api(f"/api/contents/{path}", "PATCH", {"path": "called-that.ipynb"})
            server.notebook(path, "another = 'notebook'")
            proxy.restore()
            until(lambda: nb.state == "live", "it is back", 40)
            until(lambda: len(thread.comments) == 3, "what waited is said")
            nb.save()
            assert nb.path == "called-that.ipynb" and server.sources("called-that.ipynb") == ["x = 2"]
            assert server.sources(path) == ["another = 'notebook'"], "what has the old name is another file"
            with connect(server, "called-that.ipynb") as ben:
                (found,) = ben.comments
                said = [comment.body for comment in found.comments]
                assert said == ["Before.", "Said while away.", "And this."]
                nb.comments.mark_read()
    finally:
        proxy.close()


def test_ones_own_comments_stay_ones_own_after_a_break(server: Server) -> None:
    """A server with a token takes who comes without a cookie for somebody else each time."""
    path = server.notebook("own.ipynb", "x = 1")
    proxy = Proxy(server)
    try:
        with rtc_widgets.connect(proxy.url, token=server.token, path=path) as nb:
            thread = nb[0].comment("Whit?")
            proxy.cut()
            until(lambda: nb.state == "offline", "it notices")
            proxy.restore()
            until(lambda: nb.state == "live", "it is back")
            thread.edit("What?")
            thread.reply("I said it.")
            assert {comment.author for comment in thread.comments} == {thread.author}
            assert nb.comments[1].body == "What?"
    finally:
        proxy.close()


def test_a_copy_in_the_file_is_decided_and_taken_out_for_publishing(serve: Any) -> None:
    server = serve(options=["--RelayApp.mirror=always"])
    path = server.notebook("published.ipynb", "x = 1")
    with connect(server, path) as ada, connect(server, path) as ben:
        assert ada.comments.mirror is None, "nobody has decided: the server's setting holds"
        ada[0].comment("Why?")
        ada.save()
        assert in_file(server, path) == ["Why?"]
        ada.comments.strip()
        assert "rtc_widgets" not in server.read(path)["metadata"]
        until(lambda: ben.comments.mirror == "never", "the other one knows")
        ben[0].source = "x = 2"
        ben[0].comment("And?")
        ben.save()
        assert server.sources(path) == ["x = 2"] and in_file(server, path) == []
    server.stop()
    server.start()
    with connect(server, path) as nb:
        assert [thread.body for thread in nb.comments] == ["Why?", "And?"], "they are kept on the server"
        nb[0].source = "x = 3"
        nb.save()
        assert in_file(server, path) == [], "it stays out"
        for wrong in ("ask", True):
            with pytest.raises(DocumentError, match="'always' or 'never'"):
                nb.comments.mirror = wrong
        with pytest.raises(DocumentError, match=r"nb\.comments\.strip\(\)"):
            nb.comments.open.strip()
        nb.comments.mirror = "always"
        until(lambda: in_file(server, path) == ["Why?", "And?"], "the file gets its copy, by itself")
    (server.root / "notes.md").write_text("x")
    with (
        connect(server, "notes.md", type="file") as notes,
        pytest.raises(DocumentError, match="Only a notebook"),
    ):
        notes.comments.strip()


def test_a_damaged_copy_is_gone_when_strip_returns(server: Server) -> None:
    for number, damage in enumerate(("text", None, 7, [], {"items": 7}, {})):
        path = server.notebook(f"damaged-and-stripped-{number}.ipynb", "x = 1")
        before = server.read(path)
        server.write(path, before | {"metadata": before["metadata"] | {"rtc_widgets": {"comments": damage}}})
        with connect(server, path) as nb:
            assert not nb.comments
            assert nb.comments.strip().done()
            assert server.read(path)["metadata"] == before["metadata"], damage
            assert server.sources(path) == ["x = 1"]


def test_what_others_said_is_unread_until_it_is_marked(serve: Any) -> None:
    server = serve(config=NAMES)
    path = server.notebook("unread.ipynb", "x = 1")
    with connect(server, path, "ada") as ada, connect(server, path, "ben") as ben:
        thread = ada[0].comment("One")
        ada.comment("Two")
        until(lambda: len(ben.comments) == 2, "both are here")
        assert not ada.comments.unread, "nobody has to read what they said themselves"
        assert len(ben.comments.unread) == 2 and ben.comments[1].unread
        ben.comments[1].mark_read()
        assert [one.body for one in ben.comments.unread] == ["Two"]
        ben.comments[1].reply("Seen.")
        until(lambda: thread.unread, "an answer is news for who asked")
        thread.reply("More.")
        until(lambda: len(ben.comments.unread) == 2, "and so is the next one")
        with connect(server, path, "ben") as too:
            assert [one.number for one in too.comments.unread.on(0)] == [1]
            too.comments.unread.mark_read()
            assert not too.comments.unread
            until(lambda: not ben.comments.unread, "it is told where the same person is, too")
        assert thread.unread, "the marks are one's own"
    server.stop()
    server.start()
    with connect(server, path, "ben") as ben:
        assert len(ben.comments) == 2 and not ben.comments.unread


def test_comments_that_were_never_read_are_told_to_be_away_and_come_by_themselves(serve: Any) -> None:
    server = serve()
    path = server.notebook("never-read.ipynb", "x = 1")
    with connect(server, path) as nb:
        server.stop(True)
        until(lambda: nb.state == "offline", "it notices")
        with pytest.raises(NotConnected, match="server is away.*Restart the server"):
            # An hour, in which it must not wait.
            nb.document.part(Annotations).threads(timeout=3600.0)
        with pytest.raises(NotConnected, match="server is away"):
            list(nb.comments.unread)
        assert "server is away" in repr(nb.comments) and "server is away" in nb.comments._repr_html_()
        heard: list[str] = []
        nb.comments.on_change(lambda change: heard.append(change.comment.body), thread="any")
        server.start()
        until(lambda: nb.document.part(Annotations).here, "they come when the server is back", 40)
        with connect(server, path) as ben:
            ben[0].comment("Hello again.")
        until(lambda: heard == ["Hello again."], "and who listens hears")
        server.stop(True)
        until(lambda: nb.state == "offline", "it notices")
        assert [thread.body for thread in nb.comments] == ["Hello again."], "what was read can be read"
        server.start()


def test_a_review_as_a_table_and_as_files(serve: Any, tmp_path: Path) -> None:
    server = serve(config=NAMES)
    path = server.notebook("table.ipynb", "rate = 0.1", "y = 2")
    with connect(server, path, "ada") as ada, connect(server, path, "ben") as ben:
        ada[0].comment("Why *0.1*?\n\n```python\nrate = 1\n```", on="rate = 0.1").reply("@ben?")
        ada[1].comment("<script>alert('x')</script>").resolve()
        until(lambda: len(ben.comments.resolved) == 1, "all is here")
        frame = ben.comments.to_frame()
        assert list(frame["number"]) == [1, 1, 2] and list(frame["user"].unique()) == ["ada"]
        assert list(frame.groupby("state").size()) == [2, 1]
        assert pd.api.types.is_datetime64_any_dtype(frame["at"])
        assert frame.loc[1, "mentions"] == ["ben"] and frame["edited"].isna().all()
        assert list(ben.comments.unread.open.to_frame()["body"]) == [
            "Why *0.1*?\n\n```python\nrate = 1\n```",
            "@ben?",
        ]
        assert [list(row) for row in ben.comments.to_dicts()] == [list(frame.columns)] * 3
        none = ben.comments.by("nobody").to_frame()
        assert len(none) == 0 and list(none.columns) == list(frame.columns)
        page = ben.comments.export(tmp_path / "review.html").read_text()
        assert "<script>" not in page and "&lt;script&gt;" in page
        text = ben.comments.export(tmp_path / "review.md").read_text()
        assert text.startswith(
            "# Comments on table.ipynb\n\n## #1, cell 0 (open)\n\n```\nrate = 0.1\n```\n\n**Ada**"
        )
        data = json.loads(ben.comments.export(tmp_path / "review.json").read_text())
        assert [one["user"] for one in data["comments"]] == ["ada"] * 3 and data["document"] == "table.ipynb"
