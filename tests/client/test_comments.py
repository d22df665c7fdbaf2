"""Comments from any process, on a real server."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Any

import pytest
from support.proxy import Proxy
from support.server import Server, until

import rtc_widgets
from rtc_widgets.errors import CommentRefused, DocumentError, NotConnected


def connect(server: Server, path: str, **options: Any) -> Any:
    return rtc_widgets.connect(server.url, token=server.token, path=path, **options)


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
        cell.delete()
        until(lambda: len(nb.comments.orphaned) == 6, "they are about nothing now")
        assert next(thread.number for thread in nb.comments) == 7


def test_a_text_file_has_comments_too(server: Server) -> None:
    (server.root / "notes.md").write_text("# Zoë 🦉\n\nSome text.\n")
    with connect(server, "notes.md", type="file") as notes:
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
