"""A live file of any registered type is read and set as a whole, undone, and tells of its changes."""
# ruff: noqa: PT012 (what a transaction rolls back is more than one statement)

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Map, Text

from rtc_widgets import registry
from rtc_widgets.documents.datafile import LiveData, handle_of
from rtc_widgets.documents.dataundo import taken_back
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.events import Change
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.errors import DocumentError, UnknownDocumentType
from rtc_widgets.origins import Origin
from rtc_widgets.testing.hub import Hub

DRAWING = """
from functools import partial
from pycrdt import Map, Text
from jupyter_ydoc.ybasedoc import YBaseDoc

class YDrawing(YBaseDoc):
    version = "1.0.0"

    def __init__(self, ydoc=None, awareness=None):
        super().__init__(ydoc, awareness)
        self._shapes = self._ydoc.get("shapes", type=Map)
        self._title = self._ydoc.get("title", type=Text)
        self.undo_manager.expand_scope(self._shapes)

    def get(self):
        if "broken" in str(self._title):
            raise ValueError("This is no drawing.")
        return {"title": str(self._title), "shapes": self._shapes.to_py() or {}}

    def set(self, value):
        old = self.get()
        with self._ydoc.transaction():
            for key in old["shapes"].keys() - value["shapes"].keys():
                del self._shapes[key]
            for key, shape in value["shapes"].items():
                if repr(old["shapes"].get(key)) != repr(shape):
                    self._shapes[key] = shape
            if old["title"] != value["title"]:
                self._title.clear()
                self._title += value["title"]

    def observe(self, callback):
        self.unobserve()
        for name, shared in (("state", self._ystate), ("shapes", self._shapes), ("title", self._title)):
            self._subscriptions[shared] = shared.observe(partial(callback, name))
"""


@pytest.fixture
def drawing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Install a package that registers another document type."""
    (tmp_path / "ydrawing.py").write_text(DRAWING)
    metadata = tmp_path / "ydrawing-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ydrawing\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[jupyter_ydoc]\ndrawing = ydrawing:YDrawing\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry._entry_points.cache_clear()
    yield "drawing"
    registry._entry_points.cache_clear()


def pair(type_: str, content: Any = None) -> tuple[LiveData, LiveData]:
    ada, bob, hub = LiveData(LiveDocument(), type_), LiveData(LiveDocument(), type_), Hub()
    if content is not None:
        theirs = LiveData(LiveDocument(), type_)
        theirs.content = content
        ada.document.apply_remote(theirs.document.diff_update(b"\0"), Origin("file"))
    hub.join(ada.document, "ada")
    hub.join(bob.document, "bob")
    return ada, bob


def drawn(title: str = "", **shapes: Any) -> dict[str, Any]:
    return {"title": title, "shapes": shapes}


def rebuilt(data: LiveData, other: LiveData) -> None:
    """Start *data* again from what *other* has, as where the relay has a new document."""
    content = other.document.diff_update(b"\0")
    data.document.rebuild()
    data.document.apply_remote(content, Origin("remote"))


def test_a_conversation(drawing: str) -> None:
    ada, bob = pair("blob")
    assert ada.content == b""
    ada.content = b"\0\1"
    assert bob.content == b"\0\1" and type(bob.content) is bytes
    ada, bob = pair(drawing, drawn("owls", a="1"))
    bob.content = drawn("owls 🦉", a="2")
    assert ada.content == drawn("owls 🦉", a="2")
    with pytest.raises(LookupError), ada.transaction():
        ada.content = drawn("lost")
        raise LookupError
    assert bob.content == drawn("owls 🦉", a="2")
    with pytest.raises(UnknownDocumentType, match="No document type 'sauce'"):
        LiveData(LiveDocument(), "sauce")
    assert isinstance(handle_of(LiveDocument(), "blob"), LiveData)
    assert isinstance(handle_of(LiveDocument(), "file"), LiveText)


# ---------------------------------------------------------------------------------------------------------------- undo


def test_steps_of_bytes() -> None:
    ada, bob = pair("blob", b"one")
    ada.content = b"two"
    with ada.transaction("both"):
        ada.content = b"2"
        ada.content = b"three"
    ada.content = b"three"
    assert ada.undo_stack == ["edit content", "both"] and ada.redo_stack == []
    assert ada.undo() == "both"
    assert bob.content == b"two" and ada.redo_stack == ["both"]
    assert ada.redo() == "both" and bob.content == b"three"
    assert ada.undo() == "both" and ada.undo() == "edit content" and ada.undo() is None
    assert bob.content == b"one"
    assert bob.undo() is None, "what others wrote is no step"
    ada.content = b"new"
    assert ada.redo() is None, "a new step ends what can be redone"
    bob.content = b"bob's"
    assert ada.undo() == "edit content"
    assert ada.content == b"bob's", "somebody else has changed it since"
    ada.content = b"ada's"
    with pytest.raises(DocumentError, match="before the transaction"), ada.transaction():
        ada.undo()


def test_steps_of_a_dict_leave_what_others_did(drawing: str) -> None:
    ada, bob = pair(drawing, drawn("one", a="1", b="1"))
    ada.content = drawn("one two", a="2", c="3")
    bob.content = drawn("One two!", a="2", c="4", d="5")
    assert ada.undo() == "edit content"
    assert bob.content == ada.content == drawn("One two!", a="1", b="1", c="4", d="5")
    ada.redo()
    assert bob.content == drawn("One two!", a="2", c="4", d="5")
    ada.content = drawn(a=1)
    ada.content = drawn(a=True)
    assert len(ada.undo_stack) == 3, "unlike in Python, true is not 1 here"


def test_undo_sends_no_more_than_it_has_to_and_is_forgotten_with_a_rebuilt_document(drawing: str) -> None:
    ada, bob = pair(drawing, drawn(a="1"))
    ada.content = drawn(a="2")
    bob.content = drawn(a="1")
    sent: list[bytes] = []
    ada.document.on_update(lambda update, _: sent.append(update))
    assert ada.undo() == "edit content" and sent == []
    assert ada.redo_stack == ["edit content"]
    rebuilt(ada, bob)
    assert ada.undo_stack == ada.redo_stack == [] and ada.content == drawn(a="1")


def test_a_class_that_fails_costs_undo_only(drawing: str, caplog: pytest.LogCaptureFixture) -> None:
    ada, bob = pair(drawing, drawn("t"))
    with ada.document.writing() as replica:
        replica.root("title", Text).insert(0, "broken ")
    with bob.document.reading() as replica:
        assert str(replica.root("title", Text)) == "broken t"
    assert ada.undo_stack == [] and "cannot be undone" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "now", "back"),
    [
        (1, 2, 2, 1),
        (1, 2, 3, 3),
        (0, 1, True, True),
        ({}, {"a": 1}, {"a": 1, "b": 2}, {"b": 2}),
        ({"a": 1}, {}, {"b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": 2}, {}, {}),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 2}}, {"a": {"b": 2, "c": 3}}, {"a": {"b": 1, "c": 3}}),
        ("a", "b", "c", "c"),
        ({"k": "red"}, {"k": "blue"}, {"k": "green"}, {"k": "green"}),
        ("a\n\nnaïve 😀", "a\n\nnaïf 😀", "ä\n\nnaïf 😀", "ä\n\nnaïve 😀"),
        ("a\nnaïve 😀", "a\nnaïf 😀", "ä\nnaïf 😀", "ä\nnaïf 😀"),
        ("", "a\nb", "a\nb", ""),
        ([1], [1, 2], [1, 2, 3], [1, 2, 3]),
        (b"1", b"2", b"2", b"1"),
    ],
)
def test_taking_back(old: Any, new: Any, now: Any, back: Any) -> None:
    assert repr(taken_back(old, new, now)) == repr(back)


# --------------------------------------------------------------------------------------------------- changes and people


def test_changes_of_the_content_are_told_and_of_nothing_else(drawing: str) -> None:
    ada, bob = pair(drawing, drawn("t", a="1"))
    changes: list[Change] = []
    subscription = ada.on_change("content", changes.append)
    bob.content = drawn("title", a="2", b="3")
    ada.content = drawn("mine")
    with bob.document.writing() as replica:
        replica.root("state", Map)["dirty"] = True
    assert [(c.kind, c.delta, c.remote, c.cell) for c in changes] == [
        ("content", (), True, None),
        ("content", (), False, None),
    ]
    assert changes[0].person == ada.users["bob"]
    subscription.close()
    bob.content = drawn("more")
    assert len(changes) == 2
    with pytest.raises(DocumentError, match="changes of content, people, not of 'source'"):
        ada.on_change("source", print)


def test_late_changes_come_as_one_and_a_rebuilt_document_is_followed(drawing: str) -> None:
    ada, bob = pair(drawing, drawn("t"))
    calls: list[Callable[[], None]] = []
    ada.document.dispatcher = calls.append
    changes: list[Change] = []

    @ada.on_change
    def seen(change: Change) -> None:
        changes.append(change)

    bob.content = drawn("t", a="1")
    bob.content = drawn("t", a="2")
    assert len(calls) == 1
    calls.pop()()
    assert len(changes) == 1
    rebuilt(ada, bob)
    bob.content = drawn("after")
    for call in calls:
        call()
    assert [change.origin.user for change in changes] == ["bob", None, "bob"]
    assert not seen.closed


async def test_one_can_wait(drawing: str) -> None:
    ada, bob = pair(drawing, drawn("t"))
    waiting = ada.wait_for()
    bob.content = drawn("new")
    assert (await waiting).kind == "content"
    waiting = ada.wait_for(lambda: ada.content["shapes"].get("go"), 30)
    bob.content = drawn(go="yes")
    assert await waiting == "yes"


def test_who_is_here() -> None:
    ada, bob = pair("blob")
    assert ada.users.keys() == {"ada", "bob"} and ada.me.username == "ada"
    told: list[Change] = []
    ada.on_change("people", told.append)
    bob.status("drawing")
    assert ada.users["bob"].status == "drawing"
    assert [change.person for change in told] == [ada.users["bob"]]


def test_observing_records_nothing_and_holds_nothing(drawing: str) -> None:
    """The class's own undo manager would keep everybody's changes for ever."""
    ada, bob = pair(drawing, drawn("t"))
    ada.on_change("content", print)
    ada.content = drawn("mine", a="1")
    bob.content = drawn("theirs", a="2")
    watcher = ada.document.part(ada._events)._watcher
    assert len(watcher._wrapper.undo_manager.undo_stack) == 0

    alone = LiveData(LiveDocument(), drawing)
    alone.on_change("content", print)
    alone.content = drawn("x")
    gone = weakref.ref(alone.document)
    del alone
    gc.collect()
    assert gone() is None
