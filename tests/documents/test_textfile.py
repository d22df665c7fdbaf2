"""A live text file reads and writes like a ``str``, in code points."""
# ruff: noqa: PT012 (what a transaction rolls back is more than one statement)

from __future__ import annotations

import pytest
from jupyter_ydoc import YUnicode

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.errors import DocumentError
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
