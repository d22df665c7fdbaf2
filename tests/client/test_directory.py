"""Whom one may mention who was never in this document: people of the server, for who may comment."""

from __future__ import annotations

from typing import Any

import pytest
from support.names import CONFIG as NAMES
from support.server import Server, until

import rtc_widgets
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.errors import CommentRefused


def connect(server: Server, path: str, token: str) -> Notebook:
    return rtc_widgets.connect(server.url, token=token, path=path)


def visit(server: Server, path: str, token: str) -> None:
    """Be somebody who has a document open for a moment."""
    connect(server, path, token).close()


def found(nb: Notebook, query: str = "") -> list[str]:
    return [one.username for one in nb.users.directory(query)]


def test_who_was_in_another_notebook_is_found_and_mentioned_and_it_reaches_them(serve: Any) -> None:
    server = serve(config=NAMES)
    path, other = server.notebook("here.ipynb", "x = 1"), server.notebook("there.ipynb", "y = 1")
    visit(server, other, "bob")
    server.stop()
    server.start()
    with connect(server, path, "ada") as ada:
        assert found(ada, "BO") == ["bob"] and found(ada) == ["ada", "bob"] and found(ada, "x") == []
        (bob,) = ada.users.directory("bob")
        assert (bob.name, bob.color) == ("Bob", "#102030")
        assert list(ada.users) == ["ada"], "he is not here"
        thread = ada[0].comment("What do you say, @Bob? And @nobody?")
        assert thread.comments[0].mentions == ("bob",)
        with connect(server, path, "bob") as nb:
            assert [one.body for one in nb.comments.mentioning("bob")] == [thread.body]
            assert nb.comments.unread, "it waits for him"
            thread.reply("@ada @bob")
            until(
                lambda: [one.mentions for one in nb.comments[1].comments[1:]] == [("ada", "bob")],
                "both are known here",
            )
            assert found(nb, "ad") == ["ada"], "he may comment, so he may ask"


def test_who_may_not_comment_learns_of_nobody(serve: Any) -> None:
    server = serve(config=NAMES)
    path = server.notebook("read.ipynb", "x = 1")
    visit(server, path, "bob")
    with connect(server, path, "eve") as eve, pytest.raises(CommentRefused, match="Only who may comment"):
        eve.users.directory("bob")


HOOK = """
def people(query):
    return [{"username": "lda", "name": "Lda", "display_name": f"{query} of LDAP"}]

c.RelayApp.directory = people
"""


def test_a_server_may_keep_its_people_apart_and_ask_a_directory_of_its_own(serve: Any) -> None:
    server = serve(config=NAMES + HOOK, options=["--RelayApp.remember_people=False"])
    path, other = server.notebook("here.ipynb", "x = 1"), server.notebook("there.ipynb", "y = 1")
    visit(server, other, "bob")
    with connect(server, path, "ada") as ada:
        assert found(ada, "bo") == ["lda"]
        thread = ada[0].comment("What do you say, @bob, @lda?")
        assert thread.comments[0].mentions == ("lda",)
