"""A live text file reads and writes like a ``str``, in code points."""
# ruff: noqa: PT012 (what a transaction rolls back is more than one statement)

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jupyter_ydoc import YUnicode

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.events import Change, Edit
from rtc_widgets.documents.text import apply_to_str
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.errors import DocumentError, StaleText
from rtc_widgets.origins import Origin
from rtc_widgets.testing.hub import Hub


def pair(*, instantly: bool = True) -> tuple[LiveText, LiveText, Hub]:
    theirs = YUnicode()
    theirs.set("naïve 😀 text\n")
    ada, bob, hub = LiveText(LiveDocument()), LiveText(LiveDocument()), Hub(instantly=instantly)
    ada.document.apply_remote(theirs.ydoc.get_update(), Origin("file"))
    hub.join(ada.document, "ada")
    hub.join(bob.document, "bob")
    return ada, bob, hub


def test_a_conversation() -> None:
    ada, bob, _ = pair()

    ada.insert(7, "!")
    assert bob.text == "naïve 😀! text\n"
    bob.delete(6, 8)
    assert ada.text == "naïve  text\n"
    ada.append("end 😀")
    assert bob[-5:] == "end 😀"
    ada.delete(-1, 100)
    bob.insert(-1, "<")
    assert ada.text == "naïve  text\nend< "
    assert "end" in ada
    assert len(ada) == 17
    ada.text = "naïf"
    assert str(bob) == "naïf"


def test_both_write_at_once() -> None:
    ada, bob, hub = pair(instantly=False)
    ada.text = "naïve 😀 texts\n"
    bob.text = "A naïve 😀 text\n"
    hub.deliver()

    assert ada.text == bob.text == "A naïve 😀 texts\n"


def test_replace_counts() -> None:
    ada, bob, _ = pair()
    ada.text = "😀 a 😀 a 😀"

    assert ada.replace("😀", "é😀") == 3
    assert bob.text == "é😀 a é😀 a é😀"
    assert ada.replace("a", "", 1) == 1
    assert ada.replace("none", "x") == 0
    assert bob.text == "é😀  é😀 a é😀"
    with pytest.raises(ValueError, match="empty"):
        ada.replace("", "x")


def test_transactions() -> None:
    ada, bob, _ = pair()
    with pytest.raises(LookupError), ada.transaction():
        ada.text = "lost"
        raise LookupError
    with ada.transaction():
        ada.text = "kept"
        assert bob.text == "naïve 😀 text\n"

    assert bob.text == "kept"


def test_bad_values_are_refused() -> None:
    ada, bob, _ = pair()
    with pytest.raises(TypeError):
        ada.text = b"bytes"  # type: ignore[assignment]
    with pytest.raises(DocumentError):
        ada.insert(0, "\ud800")
    assert bob.text == "naïve 😀 text\n"


def test_its_repr_is_short() -> None:
    ada, _, _ = pair()
    ada.append("x" * 1_000)

    assert len(repr(ada)) < 100
    assert "1013 characters" in repr(ada)
    assert LiveText(LiveDocument())


# ------------------------------------------------------------------------------------------------- as a str and a list


def test_it_reads_as_a_str() -> None:
    ada, _, _ = pair()
    assert ada == "naïve 😀 text\n"
    assert ada != "other" and ada < "z" and ada >= "naïve" and not ada <= "a"
    assert (ada.upper(), ada.split(), ada.find("😀")) == ("NAÏVE 😀 TEXT\n", ["naïve", "😀", "text"], 6)
    assert ada.startswith("naïve") and list(ada)[6] == "😀"
    assert "<" + ada + ">" == "<naïve 😀 text\n>"
    assert f"{ada}" == "".join(ada) == str(ada)
    assert "title" in dir(ada) and "append" in dir(ada)
    with pytest.raises(AttributeError):
        _ = ada.nothing
    with pytest.raises(TypeError):
        hash(ada)


def test_items_and_slices_are_assigned_and_deleted() -> None:
    ada, bob, _ = pair()
    ada[6] = "🦉"
    ada[:5] = "An"
    assert bob == "An 🦉 text\n"
    del ada[-1]
    ada += "!"
    assert isinstance(ada, LiveText)
    assert bob == "An 🦉 text!"
    bob.text += " é"
    assert ada.sub(r"(\w+)!", r"\1s", flags=re.ASCII) == 1
    assert ada == "An 🦉 texts é"
    with pytest.raises(IndexError):
        ada[99] = "x"


PIECES = st.text("ab é😀\n\u0301\r", max_size=6)


@settings(max_examples=50, deadline=None)
@given(PIECES, PIECES, st.integers(-8, 8), st.integers(-8, 8))
def test_every_edit_is_what_a_str_would_give(now: str, new: str, i: int, j: int) -> None:
    file = LiveText(LiveDocument())

    def edited(edit: Callable[[LiveText], Any]) -> str:
        file.text = now
        edit(file)
        return file.text

    place = slice(i, None).indices(len(now))[0]
    first, last, _ = slice(i, j).indices(len(now))
    last = max(first, last)
    assert edited(lambda text: text.insert(i, new)) == now[:place] + new + now[place:]
    assert edited(lambda text: text.delete(i, j)) == now[:first] + now[last:]
    assert edited(lambda text: text.__setitem__(slice(i, j), new)) == now[:first] + new + now[last:]
    assert edited(lambda text: text.__iadd__(new)) == now + new
    assert edited(lambda text: text.replace("a", new)) == now.replace("a", new)


def test_its_lines_are_a_list() -> None:
    ada, bob, hub = pair(instantly=False)
    ada.text = "a\nb\n"
    hub.deliver()
    ada.lines[0] = "A"
    bob.lines.append("c")
    hub.deliver()
    assert ada == bob == "A\nb\nc\n"
    assert ada.lines == ["A", "b", "c"]
    bob.lines = ["x", *bob.lines[1:]]
    bob.lines += ["d"]
    del bob.lines[1]
    assert bob == "x\nc\nd\n"
    assert ada.lines[-1:] == ["c"]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text("aé😀", max_size=3), max_size=5),
    st.lists(st.text("b🦉", max_size=3), max_size=3),
    st.integers(-6, 6),
    st.integers(-6, 6),
)
def test_lines_are_what_a_list_would_give(lines: list[str], new: list[str], i: int, j: int) -> None:
    file = LiveText(LiveDocument())
    file.text = "".join(line + "\n" for line in lines)
    assert file.lines == lines == file.splitlines()
    wanted = list(lines)
    wanted[i:j] = new
    file.lines[i:j] = new
    wanted.insert(j, "x")
    file.lines.insert(j, "x")
    assert file.lines == wanted
    assert file == "".join(line + "\n" for line in wanted)


def test_an_edit_for_another_text_is_refused() -> None:
    ada, bob, _ = pair()
    seen = ada.version
    bob.append("more")
    with pytest.raises(StaleText, match="the text was changed; nothing was written"):
        ada.edit("mine", if_unchanged=seen)
    assert bob == "naïve 😀 text\nmore"
    version = ada.edit("mine", if_unchanged=ada.version)
    assert bob == "mine" and bob.version == version


# --------------------------------------------------------------------------------------------------------- its changes


def test_changes_are_told_in_code_points_with_who_made_them() -> None:
    ada, bob, _ = pair()
    changes: list[Change] = []
    subscription = ada.on_change("source", changes.append)
    bob[6] = "🦉🦉"
    ada.append("!")
    assert [(c.kind, c.delta, c.remote, c.cell, c.cell_id) for c in changes] == [
        ("source", (Edit(6, 7, "🦉🦉"),), True, None, None),
        ("source", (Edit(14, 14, "!"),), False, None, None),
    ]
    assert changes[0].person == ada.users["bob"] and changes[0].origin == Origin("remote", "bob")
    assert changes[1].person is None
    subscription.close()
    bob.append("x")
    assert len(changes) == 2


def test_a_decorator_needs_no_kind() -> None:
    ada, bob, _ = pair()
    seen: list[Any] = []

    @ada.on_change
    def bare(change: Change) -> None:
        seen.append(change.delta)

    @ada.on_change("people")
    def people(change: Change) -> None:
        seen.append(change.person.username if change.person else None)

    with ada.on_change(seen.append):
        pass
    bob.append("x")
    bob.status("reading")
    assert seen == [(Edit(13, 13, "x"),), "bob"]
    assert "bare on source" in repr(bare) and "people on people" in repr(people)
    for wrong in ("cells", "sauce"):
        with pytest.raises(DocumentError, match=f"changes of source, people, comment, not of '{wrong}'"):
            ada.on_change(wrong, print)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        ada.on_change("source", 3)  # type: ignore[call-overload]


def test_late_changes_come_as_one_and_errors_are_shown() -> None:
    ada, bob, _ = pair()
    calls: list[Callable[[], None]] = []
    ada.document.dispatcher = calls.append
    shown: list[BaseException] = []
    ada.document.show = lambda: shown.append
    changes: list[Change] = []

    @ada.on_change
    def broken(change: Change) -> None:
        changes.append(change)
        raise ValueError("my fault")

    with bob.transaction("tidy"):
        bob.append("a")
        bob[:5] = "N"
    bob.append("b")
    assert len(calls) == 1 and changes == []
    calls.pop()()
    assert [change.delta for change in changes] == [(Edit(0, 5, "N"), Edit(13, 13, "ab"))]
    assert [str(error) for error in shown] == ["my fault"]


def test_a_callback_edits_and_is_not_told_of_it() -> None:
    ada, bob, _ = pair()

    @ada.on_change
    def shout(_: Change) -> None:
        ada.text = ada.upper()

    bob.append("x")
    assert bob == "NAÏVE 😀 TEXT\nX"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("aé😀\n", max_size=12), max_size=8), st.integers(0, 8))
def test_the_deltas_add_up_to_the_text(versions: list[str], rebuilt: int) -> None:
    ada, bob, _ = pair()
    changes: list[Change] = []
    ada.on_change(changes.append)
    text = str(ada)
    for number, version in enumerate(versions):
        bob.text = version
        if number == rebuilt:  # as after the relay started anew: changes lead on from what was told
            content = bob.document.diff_update(b"\0")
            ada.document.rebuild()
            ada.document.apply_remote(content, Origin("remote"))
    for change in changes:
        text = apply_to_str(text, [edit for edit in change.delta if isinstance(edit, Edit)])
    assert text == ada


async def test_one_can_wait() -> None:
    ada, bob, _ = pair()
    waiting = ada.wait_for()
    bob.append("x")
    assert (await waiting).delta == (Edit(13, 13, "x"),)
    task = asyncio.create_task(ada.wait_for(lambda: "stop" in ada, 30)._wait())
    await asyncio.sleep(0)
    bob.append("stop")
    assert await task is True
    with pytest.raises(TimeoutError, match="no change of source within 0"):
        ada.wait_for("source", 0).result()


def test_any_thread_is_told_at_once() -> None:
    ada, bob, _ = pair()
    told, threads = threading.Event(), []

    @ada.on_change(thread="any")
    def seen(_: Change) -> None:
        threads.append(threading.current_thread())
        told.set()

    ada.document.dispatcher = lambda _: None  # a main loop that is busy
    bob.append("x")
    assert told.wait(30)
    assert threads != [threading.current_thread()]


def test_nobody_asks_and_nothing_is_observed() -> None:
    ada, bob, _ = pair()
    before = len(ada.document.replica._observed)
    subscription = ada.on_change(print)
    assert len(ada.document.replica._observed) == before + 1
    subscription.close()
    assert len(ada.document.replica._observed) == before
    bob.append("x")
    assert ada.endswith("x")
