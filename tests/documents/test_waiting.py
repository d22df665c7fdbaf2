"""Callbacks come together where they were late, in the thread asked for; and one can wait for something."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.events import CellEdit, Change, NotebookEvents, PersonEdit
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.people import People
from rtc_widgets.documents.text import Edit, apply_to_str, compose, diff
from rtc_widgets.errors import DocumentError
from rtc_widgets.origins import Origin
from rtc_widgets.testing.hub import Hub


def pair() -> tuple[Notebook, Notebook]:
    ada, bob, hub = Notebook.new(), Notebook(LiveDocument()), Hub()
    hub.join(ada.document, "ada")
    hub.join(bob.document, "bob")
    ada.append("one")
    ada.append("two")
    return ada, bob


def late(nb: Notebook) -> list[Callable[[], None]]:
    """Have callbacks run when the test says."""
    calls: list[Callable[[], None]] = []
    nb.document.dispatcher = calls.append
    return calls


def test_what_was_not_told_yet_comes_as_one() -> None:
    ada, bob = pair()
    calls, changes = late(ada), []
    ada.on_change("source", changes.append)
    ada.on_change("cells", changes.append)
    ada.on_change("metadata", changes.append)
    for letter in "abc":
        bob[0].source += letter
    bob[1].source = "other"
    bob[0].metadata = {"k": 1}
    bob[0].metadata = {"l": 2}
    bob.append("x")
    bob[2].delete()
    assert len(calls) == 3
    while calls:
        calls.pop(0)()
    assert [(change.kind, change.cell_id, change.delta) for change in changes] == [
        ("source", ada[0].id, (Edit(3, 3, "abc"),)),
        ("source", ada[1].id, (Edit(0, 3, "other"),)),
        ("metadata", ada[0].id, ("k", "l")),
        ("cells", None, tuple(edit for change in changes[3:] for edit in change.delta)),
    ]
    assert [edit.action for edit in changes[3].delta if isinstance(edit, CellEdit)] == ["insert", "delete"]


def test_changes_by_different_people_stay_apart_and_in_order() -> None:
    ada, bob = pair()
    calls, changes = late(ada), []
    ada.on_change("source", changes.append)
    bob[0].source = "1"
    ada[0].source = "12"
    bob[0].source = "123"
    text = "one"
    for call in calls:
        call()
    assert [change.remote for change in changes] == [True, False, True]
    for change in changes:
        text = apply_to_str(text, change.delta)
    assert text == "123"


@given(st.lists(st.text("ab😀\n", max_size=10), min_size=1, max_size=6))
def test_composed_edits_do_what_each_did(texts: list[str]) -> None:
    edits: tuple[Edit, ...] = ()
    for old, new in pairwise(texts):
        edits = compose(edits, diff(old, new))
    assert apply_to_str(texts[0], edits) == texts[-1]
    assert all(one.stop < other.start for one, other in pairwise(edits))


def test_any_thread() -> None:
    """The main loop is busy, as in a cell that runs; the callback comes all the same."""
    ada, bob = pair()
    late(ada)
    heard: list[tuple[Change, threading.Thread]] = []
    came = threading.Event()

    @ada.on_change("source", thread="any")
    def seen(change: Change) -> None:
        heard.append((change, threading.current_thread()))
        ada[1].source = "written by the callback"
        came.set()

    bob[0].source = "x"
    assert came.wait(10)
    assert heard[0][1] is not threading.current_thread()
    assert ada.wait_for(lambda: bob[1].source == "written by the callback").result(10) is True
    assert len(heard) == 1


def test_errors_are_shown_where_the_callback_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    ada, bob = pair()
    shown: list[tuple[str, BaseException]] = []
    here = "the first cell"
    ada.document.show = lambda: lambda error, place=here: shown.append((place, error))  # type: ignore[misc]

    @ada.on_change("source")
    def broken(_: Change) -> None:
        raise ValueError("my fault")

    here = "the second cell"
    bob[0].source = "x"
    assert [(place, str(error)) for place, error in shown] == [("the first cell", "my fault")]
    assert caplog.text == ""


async def test_await_a_change() -> None:
    ada, bob = pair()
    waiting = ada.wait_for("source", 10, cell=1)
    bob[0].source = "x"
    threading.Timer(0.05, setattr, (bob[1], "source", "y")).start()
    change = await waiting
    assert (change.cell, change.delta, change.person) == (ada[1], (Edit(0, 3, "y"),), ada.users["bob"])
    with pytest.raises(TimeoutError, match=r"no change of cells within 0\.01 s"):
        await ada.wait_for("cells", 0.01)
    assert ada.document.part(NotebookEvents)._subscriptions == ()


def test_wait_in_plain_code() -> None:
    ada, bob = pair()
    assert ada.wait_for(lambda: ada[0].source).result() == "one"
    threading.Timer(0.05, setattr, (bob[0], "source", "stop")).start()
    assert ada.wait_for(lambda: "stop" in ada[0].source).result(10)
    with pytest.raises(TimeoutError, match=r"within 0\.02 s"):
        ada.wait_for("outputs", 0.02).result()
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        ada.wait_for("outputs", 10).result(0.01)
    assert time.monotonic() - start < 5


def test_wait_for_people() -> None:
    ada, bob = pair()
    threading.Timer(0.05, bob.status, ("here",)).start()
    change = ada.wait_for("people").result(10)
    assert change.delta == (PersonEdit("update", "bob"),)
    assert change.person.status == "here"


async def test_many_waiters_and_one_given_up() -> None:
    ada, bob = pair()
    waiters = [asyncio.ensure_future(_wait(ada)) for _ in range(20)]
    given_up = ada.wait_for("source")
    given_up.cancel()
    await asyncio.sleep(0)
    bob[0].source = "x"
    assert [change.cell_id for change in await asyncio.gather(*waiters)] == [ada[0].id] * 20
    assert given_up.done()


async def _wait(nb: Notebook) -> Any:
    return await nb.wait_for("source", 10)


def test_a_condition_that_fails_is_told_to_who_waits() -> None:
    ada, bob = pair()
    with pytest.raises(ZeroDivisionError):
        ada.wait_for(lambda: 1 / 0).result(1)
    waiting = ada.wait_for(lambda: 1 / 0 if ada[0].source == "x" else False)
    bob[0].source = "x"
    with pytest.raises(ZeroDivisionError):
        waiting.result(10)


def test_bad_input() -> None:
    ada, _ = pair()
    with pytest.raises(DocumentError, match="not of 'sauce'"):
        ada.wait_for("sauce")  # type: ignore[arg-type]
    with pytest.raises(DocumentError, match="'main' or in 'any', not in 'some'"):
        ada.on_change("source", print, thread="some")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot be called"):
        ada.on_change("source", 3)  # type: ignore[call-overload]
    with pytest.raises(IndexError):
        ada.on_change("source", print, cell=9)


def test_people_who_say_much_are_told_once() -> None:
    ada, bob = pair()
    calls, changes = late(ada), []
    ada.on_change("people", changes.append)
    for n in range(10):
        bob.status(str(n))
    for call in calls:
        call()
    assert len(changes) == 1
    assert changes[0].person.status == "9"
    assert ada.document.part(People).author([bob.document.client_id]) == "bob"
    assert changes[0].origin == Origin("remote", "bob", "people")


def test_a_callback_that_would_wait_for_itself_is_told() -> None:
    ada, bob = pair()
    errors: list[BaseException] = []
    ada.document.show = lambda: errors.append
    ada.on_change("source", lambda _: ada.wait_for("cells").result(10), thread="any")
    bob[0].source = "x"
    ada.wait_for(lambda: errors or (bob.append("again") and False)).result(10)
    assert isinstance(errors[0], DocumentError)


def test_after_a_main_loop_that_has_ended_changes_are_told_again() -> None:
    ada, bob = pair()
    changes: list[Change] = []

    def ended(_: Callable[[], None]) -> None:
        raise RuntimeError("Event loop is closed")

    calls = late(ada)
    ada.on_change("source", changes.append)
    ada.document.dispatcher = ended
    bob[0].source = "x"
    ada.document.dispatcher = calls.append
    bob[0].source = "y"
    calls.pop()()
    assert len(changes) == 1
