"""What is told of threads that have changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rtc_widgets.documents.comment_edits import compare
from rtc_widgets.documents.threads import Author, CommentValue, Happening, ThreadValue, Told

ADA, BOB = Author("ada", "person", "Ada"), Author("bob", "person", "Bob")
FIRST = CommentValue("c1", 0, ADA, 1.0, "Why?", (), None, None)
REPLY = CommentValue("c2", 1, BOB, 2.0, "See @Cyd", ("cyd",), None, None)
THREAD = ThreadValue("t", 1, {"kind": "document"}, "open", (FIRST,), (), None)


def told(old: ThreadValue | None, new: ThreadValue) -> list[tuple[Any, ...]]:
    edits = compare({} if old is None else {"t": old}, {"t": new})
    return [(edit.action, edit.comment, edit.by.user, sorted(edit.mentions)) for edit in edits]


def test_each_thing_that_happens_is_told_once() -> None:
    longer = replace(THREAD, comments=(FIRST, REPLY))
    assert told(None, THREAD) == [("add", "c1", "ada", [])]
    assert told(None, longer) == [("add", "c1", "ada", []), ("add", "c2", "bob", ["cyd"])]
    assert told(THREAD, THREAD) == []
    assert told(THREAD, longer) == [("add", "c2", "bob", ["cyd"])]
    changed = replace(REPLY, body="See @cyd and @dan", edited=5.0)
    assert told(longer, replace(THREAD, comments=(FIRST, changed))) == [("edit", "c2", "bob", ["dan"])]
    gone = replace(REPLY, body="", mentions=(), deleted=Told(ADA, 6.0))
    assert told(longer, replace(THREAD, comments=(FIRST, gone))) == [("delete", "c2", "ada", [])]
    assert told(longer, replace(longer, deleted=Told(ADA, 7.0))) == [("delete", None, "ada", [])]


def test_what_happened_besides_comments_is_told_in_order() -> None:
    happened = tuple(
        Happening(what, BOB, at, f"o{at}") for at, what in enumerate(["resolved", "reopened", "attached"], 3)
    )
    assert told(THREAD, replace(THREAD, happenings=happened)) == [
        ("resolve", None, "bob", []),
        ("reopen", None, "bob", []),
        ("attach", None, "bob", []),
    ]
    healed = replace(THREAD, anchor={"kind": "document", "near": []})
    assert told(THREAD, healed) == [], "that a place was found again is nobody's doing"


def test_a_thread_that_was_deleted_before_it_was_seen_is_not_told() -> None:
    assert told(None, replace(THREAD, deleted=Told(ADA, 7.0))) == []
