"""What may be done to the annotations, by whom, and what comes twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pycrdt import Doc

from rtc_widgets.documents.threads import (
    Author,
    CommentValue,
    Happening,
    ThreadValue,
    read_people,
    read_threads,
)
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.roles import Role
from rtc_widgets.rooms.annotate import METHODS, Actor, Annotator
from rtc_widgets.rooms.bounds import Bounds

ADA = Actor(Author("ada", "person", "Ada"), Role.EDITOR, {"display_name": "Ada", "color": "#123456"})
BOB = Actor(Author("bob", "person", "Bob"), Role.COMMENTER, {"display_name": "Bob"})
CYD = Actor(Author("cyd", "person", "Cyd"), Role.VIEWER)
KERNEL = Actor(Author("ada", "kernel", "Kernel, run by Ada"), Role.EDITOR)
HERE = {
    "kind": "cell",
    "cell": "here",
    "near": [None, None],
    "quote": {"exact": "x", "prefix": "", "suffix": ""},
}


class Desk:
    """An annotations document, and what people ask of it."""

    def __init__(self, **bounds: int) -> None:
        self.doc: Doc[Any] = Doc()
        self.now = 1000.0
        self.annotator = Annotator(
            self.doc, lambda anchor: anchor == HERE, bounds=Bounds(**bounds), clock=self.clock
        )

    def clock(self) -> float:
        self.now += 1
        return self.now

    def ask(self, who: Actor, method: str, **params: Any) -> dict[str, Any]:
        return self.annotator.carry_out(who, f"comments.{method}", params)

    def begin(self, who: Actor = ADA, thread: str = "t1", comment: str = "c1", body: str = "Why?") -> Any:
        return self.ask(who, "add", thread=thread, comment=comment, body=body, anchor=HERE)

    def reply(self, who: Actor, comment: str, body: str = "Because.", **more: Any) -> Any:
        return self.ask(who, "add", thread="t1", comment=comment, body=body, **more)

    @property
    def threads(self) -> dict[str, ThreadValue]:
        return read_threads(self.doc)

    @property
    def thread(self) -> ThreadValue:
        return self.threads["t1"]


def refused(desk: Desk, who: Actor, method: str, **params: Any) -> ChannelClosed:
    """Have *who* ask for what is not done; nothing is written."""
    before = desk.doc.get_update()
    with pytest.raises(ChannelClosed) as caught:
        desk.ask(who, method, **params)
    assert desk.doc.get_update() == before
    return caught.value


def test_a_thread_with_a_reply() -> None:
    desk = Desk()
    assert desk.begin() == {"thread": "t1", "number": 1, "comment": "c1"}
    desk.ask(BOB, "add", thread="t1", comment="c2", body="See @ada", mentions=["ada"])
    first, second = desk.thread.comments
    assert (first.body, first.by, first.n) == ("Why?", ADA.author, 0)
    assert (second.body, second.by, second.mentions, second.n) == ("See @ada", BOB.author, ("ada",), 1)
    assert first.at < second.at
    assert (desk.thread.state, dict(desk.thread.anchor)) == ("open", HERE)


def test_who_has_annotated_is_in_the_directory_and_a_kernel_is_not() -> None:
    desk = Desk()
    desk.begin()
    desk.reply(BOB, "c2")
    desk.reply(KERNEL, "c3")
    assert read_people(desk.doc) == {
        "ada": {"display_name": "Ada", "color": "#123456"},
        "bob": {"display_name": "Bob"},
    }


def test_the_same_request_a_second_time_changes_nothing() -> None:
    desk = Desk()
    first = desk.begin()
    desk.reply(BOB, "c2")
    desk.ask(ADA, "resolve", thread="t1", op="o1")
    desk.ask(ADA, "reopen", thread="t1", op="o2")
    desk.ask(BOB, "edit", thread="t1", comment="c2", body="First", op="o3")
    desk.ask(BOB, "edit", thread="t1", comment="c2", body="Second", op="o4")
    before = desk.thread
    assert desk.begin() == first
    desk.reply(BOB, "c2")
    desk.ask(ADA, "resolve", thread="t1", op="o1")
    desk.ask(BOB, "edit", thread="t1", comment="c2", body="First", op="o3")
    assert desk.thread == before


def test_what_there_was_nothing_to_do_for_is_not_done_when_it_comes_again() -> None:
    desk = Desk()
    desk.begin()
    desk.ask(ADA, "resolve", thread="t1", op="o1")
    desk.ask(ADA, "resolve", thread="t1", op="o2")  # its answer is lost
    desk.ask(ADA, "reopen", thread="t1", op="o3")
    desk.ask(ADA, "resolve", thread="t1", op="o2")
    assert desk.thread.state == "open"
    assert [one.op for one in desk.thread.happenings] == ["o1", "o3"]


def test_numbers_are_never_used_twice_also_after_a_restart() -> None:
    desk = Desk()
    desk.begin(thread="t1", comment="c1")
    desk.begin(thread="t2", comment="c2")
    desk.ask(ADA, "delete", thread="t2")
    desk.annotator = Annotator(desk.doc, lambda _: True)
    assert desk.begin(thread="t3", comment="c3")["number"] == 3


def test_a_viewer_says_nothing() -> None:
    desk = Desk()
    desk.begin()
    for method in METHODS:
        asked = {"thread": "t1", "comment": "c1", "body": "x", "op": "o", "anchor": HERE}
        assert refused(desk, CYD, method.removeprefix("comments."), **asked).code == "read-only"


def test_nobody_edits_anothers_words_not_even_an_editor() -> None:
    desk = Desk()
    desk.begin(BOB)
    assert refused(desk, ADA, "edit", thread="t1", comment="c1", body="x", op="o").code == "not-yours"
    desk.ask(BOB, "edit", thread="t1", comment="c1", body="Better", op="o")
    (comment,) = desk.thread.comments
    assert comment.body == "Better"
    assert comment.edited is not None
    assert comment.edited > comment.at


def test_what_a_person_asks_in_anothers_name_is_signed_with_the_persons_own() -> None:
    desk = Desk()
    desk.ask(BOB, "add", thread="t1", comment="c1", body="x", anchor=HERE, by=ADA.author.to_json(), at=1)
    (comment,) = desk.thread.comments
    assert (comment.by, comment.at > 1) == (BOB.author, True)


def test_an_id_that_is_taken_is_not_anothers() -> None:
    desk = Desk()
    desk.begin()
    desk.reply(ADA, "c2")
    assert refused(desk, BOB, "add", thread="t1", comment="c2", body="mine").code == "bad-request"


def test_editors_moderate_and_others_delete_their_own() -> None:
    desk = Desk()
    desk.begin()
    desk.reply(BOB, "c2")
    assert refused(desk, BOB, "delete", thread="t1", comment="c1").code == "not-yours"
    desk.ask(ADA, "delete", thread="t1", comment="c2")
    deleted = desk.thread.comments[1]
    assert deleted.body == ""
    assert deleted.deleted is not None
    assert deleted.deleted.by == ADA.author
    assert refused(desk, BOB, "edit", thread="t1", comment="c2", body="x", op="o").code == "no-thread"
    assert desk.thread.deleted is None


def test_a_thread_whose_words_are_all_gone_is_deleted_and_takes_no_reply() -> None:
    desk = Desk()
    desk.begin()
    desk.ask(ADA, "delete", thread="t1", comment="c1")
    assert desk.thread.deleted is not None
    refusal = refused(desk, BOB, "add", thread="t1", comment="c2", body="But")
    assert refusal.code == "no-thread"
    assert "Ada deleted this thread" in refusal.reason
    assert "Your text is kept" in refusal.reason


def test_a_commenter_deletes_a_thread_that_holds_nobody_elses_words() -> None:
    desk = Desk()
    desk.begin(BOB)
    desk.reply(ADA, "c2")
    assert refused(desk, BOB, "delete", thread="t1").code == "not-yours"
    desk.ask(ADA, "delete", thread="t1", comment="c2")
    desk.ask(BOB, "delete", thread="t1")
    assert [comment.body for comment in desk.thread.comments] == ["", ""]


def test_who_resolves() -> None:
    desk = Desk()
    desk.begin()
    desk.begin(BOB, "t2", "c2")
    assert refused(desk, BOB, "resolve", thread="t1", op="o").code == "not-yours"
    desk.ask(BOB, "resolve", thread="t2", op="o")
    desk.ask(ADA, "resolve", thread="t1", op="o")
    assert [thread.state for thread in desk.threads.values()] == ["resolved", "resolved"]
    (happened,) = desk.thread.happenings
    assert (happened.what, happened.by) == ("resolved", ADA.author)


def test_a_reply_to_a_resolved_thread_reopens_it_and_a_last_word_resolves_it() -> None:
    desk = Desk()
    desk.begin()
    desk.ask(ADA, "resolve", thread="t1", op="o")
    desk.reply(BOB, "c2")
    assert desk.thread.state == "open"
    desk.reply(ADA, "c3", resolve=True)
    assert desk.thread.state == "resolved"
    assert [one.what for one in desk.thread.happenings] == ["resolved", "reopened", "resolved"]


def test_a_commenter_does_not_resolve_anothers_thread_by_a_last_word() -> None:
    desk = Desk()
    desk.begin()
    assert refused(desk, BOB, "add", thread="t1", comment="c2", body="Done", resolve=True).code == "not-yours"


def test_a_thread_is_attached_again_by_hand() -> None:
    desk = Desk()
    desk.begin()
    assert (
        refused(desk, ADA, "attach", thread="t1", op="o", anchor=HERE | {"cell": "gone"}).code == "no-target"
    )
    desk.ask(ADA, "attach", thread="t1", op="o", anchor=HERE)
    assert [one.what for one in desk.thread.happenings] == ["attached"]


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"body": ""}, "bad-request", "needs a text"),
        ({"body": " \n"}, "bad-request", "needs a text"),
        ({"body": None}, "bad-request", "needs a text"),
        ({"body": "\ud800"}, "bad-request", "half of a character"),
        ({"body": "é" * 500_000}, "too-large", "holds 64 KiB, and this one has 977"),
        ({"comment": "a b"}, "bad-request", "'comment' is not"),
        ({"thread": 7}, "bad-request", "'thread' is not"),
        ({"mentions": "ada"}, "bad-request", "no list"),
        ({"mentions": ["\udfff"]}, "bad-request", "half of a character"),
        (
            {"anchor": HERE | {"quote": {"exact": "\ud83d", "prefix": "", "suffix": ""}}},
            "bad-request",
            "half of a character",
        ),
        ({"comment": "../c"}, "bad-request", "'comment' is not"),
        ({"thread": "t/../../u"}, "bad-request", "'thread' is not"),
        ({"thread": "t" * 65}, "bad-request", "'thread' is not"),
        ({"thread": "t\n"}, "bad-request", "'thread' is not"),
        ({"mentions": ["x"] * 51}, "bad-request", "at most 50"),
        ({"anchor": "here"}, "bad-request", "An anchor's kind"),
        ({"anchor": {"kind": "cell", "cell": "here"}}, "bad-request", "no near like that"),
        ({"anchor": HERE | {"cell": "gone"}}, "no-target", "choose another place"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(params: dict[str, Any], code: str, words: str) -> None:
    asked = {"thread": "t1", "comment": "c1", "body": "Why?", "anchor": HERE} | params
    refusal = refused(Desk(), ADA, "add", **asked)
    assert refusal.code == code
    assert words in refusal.reason


def test_a_reply_to_a_thread_that_never_was() -> None:
    assert refused(Desk(), ADA, "add", thread="t1", comment="c1", body="x").code == "no-thread"


def test_what_fits_in_at_its_edges() -> None:
    desk = Desk(body=10, threads=2, comments=2, anchor=len(json.dumps(HERE)) + 1)
    longer = HERE | {"near": ["abcdef", None]}
    assert refused(desk, ADA, "add", thread="t", comment="c", body="x", anchor=longer).code == "too-large"
    desk.begin(body="é" * 5)
    assert refused(desk, ADA, "add", thread="t1", comment="x", body="é" * 6).code == "too-large"
    desk.reply(BOB, "c2", "ok")
    assert refused(desk, ADA, "add", thread="t1", comment="c3", body="x").code == "too-many"
    desk.begin(thread="t2", comment="c4")
    full = {"thread": "t3", "comment": "c5", "body": "x", "anchor": HERE}
    assert refused(desk, ADA, "add", **full).code == "too-many"
    desk.ask(ADA, "delete", thread="t2")
    desk.ask(ADA, "add", **full)


def test_what_fits_into_a_whole_document() -> None:
    desk = Desk(words=8)
    desk.begin(body="éé")
    desk.reply(BOB, "c2", "1234")
    assert refused(desk, ADA, "add", thread="t1", comment="c3", body="x").code == "too-many"
    assert refused(desk, BOB, "edit", thread="t1", comment="c2", body="12345", op="o").code == "too-many"
    desk.ask(BOB, "edit", thread="t1", comment="c2", body="12", op="o")
    desk.ask(BOB, "edit", thread="t1", comment="c2", body="12", op="o")
    desk.reply(ADA, "c3", "12")
    desk.annotator = Annotator(desk.doc, lambda _: True, bounds=desk.annotator.bounds)
    assert refused(desk, ADA, "add", thread="t1", comment="c4", body="x").code == "too-many"
    desk.ask(ADA, "delete", thread="t1", comment="c3")
    desk.reply(ADA, "c4", "12")
    desk.ask(ADA, "delete", thread="t1")
    desk.begin(thread="t2", comment="c5", body="12345678")


def test_a_thread_is_not_resolved_and_reopened_for_ever() -> None:
    desk = Desk(events=3)
    desk.begin(BOB)
    for number, method in enumerate(("resolve", "reopen", "resolve")):
        desk.ask(BOB, method, thread="t1", op=f"o{number}")
    assert refused(desk, BOB, "reopen", thread="t1", op="o3").code == "too-many"
    assert refused(desk, BOB, "attach", thread="t1", op="o4", anchor=HERE).code == "too-many"
    assert refused(desk, ADA, "add", thread="t1", comment="c2", body="Still?").code == "too-many"
    desk.reply(BOB, "c2", resolve=True)
    desk.ask(ADA, "delete", thread="t1")


# What a file brings


def brought(thread: str = "t1", *comments: CommentValue, **more: Any) -> ThreadValue:
    happened = tuple(more.get("happenings", ()))
    state = more.get("state", "open")
    return ThreadValue(thread, more.get("number", 1), {"kind": "document"}, state, comments, happened, None)


def words(comment: str, body: str, by: Actor = ADA, edited: float | None = None, n: int = 0) -> CommentValue:
    return CommentValue(comment, n, by.author, 1.0, body, (), edited, None)


def restore(desk: Desk, *threads: ThreadValue) -> None:
    desk.annotator.restore(threads, {thread.id: thread.anchor for thread in threads})


def test_nobody_is_taken_for_an_author_because_a_file_says_so() -> None:
    desk = Desk()
    restore(desk, brought("t1", words("c1", "I approve.")))
    (comment,) = desk.thread.comments
    assert comment.by == Author("ada", "person", "Ada", claimed=True)
    assert str(comment.by) == "Ada, says the file"
    assert read_people(desk.doc) == {}
    refusal = refused(desk, ADA, "edit", thread="t1", comment="c1", body="I do not.", op="o")
    assert refusal.code == "not-yours" and "does not know" in refusal.reason
    assert refused(desk, BOB, "resolve", thread="t1", op="o").code == "not-yours"
    kernels = brought("t2", words("c2", "Done.", KERNEL), number=2)
    restore(desk, kernels)
    assert refused(desk, KERNEL, "edit", thread="t2", comment="c2", body="x", op="o").code == "not-yours"
    desk.ask(ADA, "delete", thread="t1", comment="c1")


def test_a_file_changes_no_words_that_were_signed_here() -> None:
    desk = Desk()
    desk.begin(ADA, body="No.")
    restore(desk, brought("t1", words("c1", "Yes!", edited=5000.0), words("c2", "Me too.", BOB, n=1)))
    first, second = desk.thread.comments
    assert (first.body, first.by, first.edited) == ("No.", ADA.author, None)
    assert (second.body, second.by.claimed) == ("Me too.", True)
    restore(desk, brought("t1", words("c2", "Nor me.", BOB, edited=5000.0)))
    assert desk.thread.comments[1].body == "Nor me."
    done = Happening("resolved", ADA.author, 5000.0, "o")
    restore(desk, brought("t1", words("c1", "No."), state="resolved", happenings=[done]))
    assert (desk.thread.state, desk.thread.happenings[0].by.claimed) == ("resolved", True)


def test_a_time_that_has_not_come_makes_nothing_the_last_word() -> None:
    desk = Desk()
    restore(desk, brought("t1", words("c1", "One.", edited=1e10)))
    assert desk.thread.comments[0].edited is None
    restore(desk, brought("t1", words("c1", "Two.", edited=desk.now)))
    restore(desk, brought("t1", words("c1", "Never.", edited=1e10)))
    assert desk.thread.comments[0].body == "Two."


def test_what_a_file_brings_has_to_fit_in() -> None:
    desk = Desk(body=5, threads=2, comments=2, events=1, words=12)
    desk.begin(body="1234")
    twice = [Happening("resolved", ADA.author, at, f"o{at}") for at in (1.0, 2.0)]
    replies = [words(f"c{n}", "1", n=n) for n in range(2, 5)]
    restore(
        desk,
        brought("t1", *replies, happenings=twice),
        brought("t2", words("d1", "ééé"), number=7),
        brought("t3", words("e1", "1")),
    )
    assert [one.body for one in desk.thread.comments] == ["1234", "1"]
    assert len(desk.thread.happenings) == 1
    assert [one.body for one in desk.threads["t2"].comments] == ["éé"], "cut, and no half of a character"
    assert set(desk.threads) == {"t1", "t2"}
    full = Desk(words=3)
    restore(full, brought("t1", words("c1", "12")), brought("t2", words("c2", "12")))
    restore(full, brought("t1", words("c1", "12"), words("c3", "12")))
    assert [one.id for one in full.thread.comments] == ["c1"]
    assert set(full.threads) == {"t1"}


def test_two_versions_of_a_thread_that_a_merge_of_branches_left_become_one() -> None:
    desk = Desk()
    mine = brought("t1", words("c1", "Why?"), words("c2", "Mine.", n=1))
    theirs = brought("t1", words("c1", "Why?"), words("c3", "Theirs.", n=1))
    other = brought("t2", words("d1", "Another first."))
    restore(desk, mine, theirs, other)
    assert [one.body for one in desk.thread.comments] == ["Why?", "Mine.", "Theirs."]
    assert [thread.number for thread in desk.threads.values()] == [1, 2]


class Requests(RuleBasedStateMachine):
    """Several people, whose requests come once, twice or late: everybody's words are there once, and unchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.sent: list[tuple[Actor, str, dict[str, Any]]] = []
        self.words: dict[str, tuple[Actor, str]] = {}  # as last asked for, of those not deleted
        self.deleted: set[str] = set()

    def send(self, who: Actor, method: str, **params: Any) -> bool:
        self.sent.append((who, method, params))
        try:
            self.desk.ask(who, method, **params)
        except ChannelClosed:
            return False
        return True

    @rule(who=st.sampled_from([ADA, BOB, KERNEL]), thread=st.sampled_from("xyz"))
    def add(self, who: Actor, thread: str) -> None:
        id_ = f"c{len(self.sent)}"
        if self.send(who, "add", thread=thread, comment=id_, body=f"words {id_}", anchor=HERE):
            self.words[id_] = (who, f"words {id_}")

    @rule(who=st.sampled_from([ADA, BOB, KERNEL, CYD]), pick=st.randoms(use_true_random=False))
    def edit(self, who: Actor, pick: Any) -> None:
        if self.words:
            id_, thread = pick.choice(sorted(self.words)), pick.choice("xyz")
            if self.send(
                who, "edit", thread=thread, comment=id_, body=f"better {id_}", op=f"o{len(self.sent)}"
            ):
                assert who.owns(self.words[id_][0].author)
                self.words[id_] = (self.words[id_][0], f"better {id_}")

    @rule(who=st.sampled_from([ADA, BOB, CYD]), pick=st.randoms(use_true_random=False))
    def delete(self, who: Actor, pick: Any) -> None:
        if self.words:
            id_ = pick.choice(sorted(self.words))
            if self.send(who, "delete", thread=pick.choice("xyz"), comment=id_):
                assert who.role.may_write or who.owns(self.words[id_][0].author)
                del self.words[id_]
                self.deleted.add(id_)

    @rule(
        who=st.sampled_from([ADA, BOB]),
        thread=st.sampled_from("xyz"),
        what=st.sampled_from(["resolve", "reopen"]),
    )
    def move(self, who: Actor, thread: str, what: str) -> None:
        self.send(who, what, thread=thread, op=f"o{len(self.sent)}")

    @rule(pick=st.randoms(use_true_random=False))
    def again(self, pick: Any) -> None:
        """A client that heard no answer asks once more, at any time."""
        if self.sent:
            who, method, params = pick.choice(self.sent[-6:])
            before = self.texts()
            try:
                self.desk.ask(who, method, **params)
            except ChannelClosed:
                pass
            else:
                assert self.texts() == before

    def texts(self) -> dict[str, str]:
        return {c.id: c.body for t in self.desk.threads.values() for c in t.comments if c.deleted is None}

    @invariant()
    def everybodys_words_are_there_once(self) -> None:
        comments = [c for t in self.desk.threads.values() for c in t.comments]
        assert len({c.id for c in comments}) == len(comments)
        assert self.texts() == {id_: body for id_, (_, body) in self.words.items()}
        for comment in comments:
            if comment.id in self.words:
                assert comment.by == self.words[comment.id][0].author
        for thread in self.desk.threads.values():
            assert [c.n for c in thread.comments] == list(range(len(thread.comments)))


TestRequests = Requests.TestCase
TestRequests.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
