"""Changes are told after the transaction, once for each cell and kind, and to those who asked only."""
# ruff: noqa: PT012 (what a transaction rolls back is more than one statement)

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Map, Text

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.events import CellEdit, Change, Edit, Kind
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.text import apply_to_str
from rtc_widgets.errors import DocumentError
from rtc_widgets.origins import Origin
from rtc_widgets.presence import DocumentPresence
from rtc_widgets.testing.hub import Hub


def pair() -> tuple[Notebook, Notebook]:
    ada, bob, hub = Notebook.new(), Notebook(LiveDocument()), Hub()
    hub.join(ada.document, "ada")
    hub.join(bob.document, "bob")
    ada.append("é😀 one")
    ada.append("two")
    ada.append("# three", type="markdown")
    return ada, bob


def heard(nb: Notebook, kind: Kind, **options: Any) -> list[Change]:
    changes: list[Change] = []
    nb.on_change(kind, changes.append, **options)
    return changes


def with_output(nb: Notebook, index: int, text: str) -> None:
    """Write an output as a frontend does."""
    with nb.document.writing(origin=Origin("outputs")) as replica:
        ycell = replica.root("cells", Array)[index]
        ycell["execution_count"] = 7
        ycell["outputs"].append(Map({"output_type": "stream", "name": "stdout", "text": Text(text)}))


def test_anothers_typing_is_told_in_code_points() -> None:
    ada, bob = pair()
    changes = heard(ada, "source")
    bob[0].source = "é😀! one, 2"

    (change,) = changes
    assert change.kind == "source"
    assert change.cell == ada[0]
    assert change.cell_id == ada[0].id
    assert change.delta == (Edit(2, 2, "!"), Edit(6, 6, ", 2"))
    assert change.remote
    assert change.origin == Origin("remote", user="bob")


def test_ones_own_changes_are_told_as_such() -> None:
    ada, _ = pair()
    changes = heard(ada, "source")
    ada[1].source = ""

    assert [(c.delta, c.remote, c.origin) for c in changes] == [((Edit(0, 3, ""),), False, Origin("local"))]


def test_one_cell_only() -> None:
    ada, bob = pair()
    changes = heard(ada, "source", cell=ada[1])
    bob[0].source = "x"
    bob[1].move(before=0)
    bob[0].source = "y"

    assert [(c.cell, c.delta) for c in changes] == [(ada[0], (Edit(0, 3, "y"),))]


def test_cells() -> None:
    ada, bob = pair()
    changes = heard(ada, "cells")
    one, two, three = (cell.id for cell in ada)

    new = bob.insert(1, "new").id
    bob[one].move(after=three)
    bob[two].cell_type = "raw"
    bob[three].delete()
    bob[one].source = "no change of cells"
    with bob.transaction():
        bob[0].delete()
        bob[two].move(after=one)
        last = bob.append("last").id

    assert [c.delta for c in changes] == [
        (CellEdit("insert", new, 1),),
        (CellEdit("move", one, 3),),
        (CellEdit("replace", two, 1),),
        (CellEdit("delete", three, 2),),
        (CellEdit("delete", new, 0), CellEdit("move", two, 1), CellEdit("insert", last, 2)),
    ]
    assert all(c.cell is None for c in changes)


def test_cells_of_one_cell() -> None:
    ada, bob = pair()
    changes = heard(ada, "cells", cell=0)
    bob[1].delete()
    bob[0].delete()

    (change,) = changes
    assert change.cell is not None
    assert not change.cell.exists
    assert change.delta == (CellEdit("delete", change.cell.id, 0),)


@pytest.mark.parametrize(("down", "up"), [(0, 1), (0, 2), (1, 2)])
def test_a_move_is_a_move_however_short(down: int, up: int) -> None:
    ada, bob = pair()
    changes = heard(ada, "cells")
    bob[down].move(after=up)
    bob[up].move(before=down)

    assert [(e.action, e.index) for c in changes for e in c.delta if isinstance(e, CellEdit)] == [
        ("move", up),
        ("move", down),
    ]


def test_outputs() -> None:
    ada, bob = pair()
    changes = heard(ada, "outputs")
    with_output(bob, 0, "a")
    bob[0].source = "no output"
    with bob.document.writing() as replica:
        text = replica.root("cells", Array)[0]["outputs"][0]["text"]
        text.insert(1, "b")

    assert [(c.cell, c.remote) for c in changes] == [(ada[0], True)] * 2
    assert ada[0].outputs == [{"output_type": "stream", "name": "stdout", "text": "ab"}]
    assert ada[0].execution_count == 7


def test_metadata_of_cells_and_of_the_notebook() -> None:
    ada, bob = pair()
    changes = heard(ada, "metadata")
    bob[0].metadata = {"a": 1, "b": {"c": 2}}
    bob[0].metadata = {"a": 1, "b": {"c": 3}}
    bob.metadata = {"title": "x"}

    assert [(c.cell_id, c.delta) for c in changes] == [
        (ada[0].id, ("a", "b")),
        (ada[0].id, ("b",)),
        (None, ("title",)),
    ]


def test_a_transaction_is_told_once_when_it_has_ended() -> None:
    ada, _ = pair()
    during: list[int] = []
    changes = heard(ada, "source")
    ada.on_change("source", lambda _: during.append(len(ada)))
    with ada.transaction("both"):
        for number in range(5):
            ada[0].source = f"{number}"
            ada[1].source = f"{number}"
        ada.append("x")
        assert changes == []

    assert [c.cell for c in changes] == [ada[0], ada[1]]
    assert {c.origin.detail for c in changes} == {"both"}
    assert during == [4, 4]


def test_a_rolled_back_transaction_is_not_told() -> None:
    ada, _ = pair()
    kinds: tuple[Kind, ...] = ("source", "cells", "outputs", "metadata")
    changes = [heard(ada, kind) for kind in kinds]
    with pytest.raises(LookupError), ada.transaction():
        ada[0].source = "x"
        ada.append("y")
        raise LookupError

    assert changes == [[], [], [], []]


def test_a_decorator_gives_a_subscription_that_can_still_be_called() -> None:
    ada, bob = pair()
    seen: list[Any] = []

    @ada.on_change("source", cell=0)
    def typed(change: Any) -> None:
        """Note it."""
        seen.append(change)

    typed("by hand")  # type: ignore[arg-type]
    bob[0].source = "x"
    assert len(seen) == 2
    assert "typed" in repr(typed)
    assert typed.__doc__ == "Note it."
    typed.close()
    typed.close()
    bob[0].source = "y"
    assert len(seen) == 2
    assert typed.closed
    with ada.on_change("source", seen.append):
        bob[0].source = "z"
    bob[0].source = ""
    assert len(seen) == 3


def test_a_callback_may_edit_and_is_not_told_of_its_own_edits() -> None:
    ada, bob = pair()
    others = heard(ada, "source")

    @ada.on_change("source")
    def shout(change: Change) -> None:
        assert change.cell is not None
        change.cell.source += "!"

    bob[1].source = "TWO"
    assert bob[1].source == "TWO!"
    assert len(others) == 2
    bob[1].source = "3"
    assert ada[1].source == "3!"


def test_two_callbacks_that_settle() -> None:
    ada, bob = pair()

    def upper(change: Change) -> None:
        assert change.cell is not None
        change.cell.source = change.cell.source.upper()

    ada.on_change("source", upper)
    bob.on_change("source", upper)
    ada[0].source = "abc"

    assert ada[0].source == bob[0].source == "ABC"


def test_a_failing_callback_is_logged_and_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    ada, bob = pair()

    @ada.on_change("source")
    def broken(_: Change) -> None:
        raise ValueError("my fault")

    changes = heard(ada, "source")
    bob[0].source = "x"
    ada[0].source = "y"

    assert len(changes) == 2
    assert "my fault" in caplog.text
    assert "broken" in caplog.text


def test_callbacks_run_where_the_dispatcher_puts_them() -> None:
    ada, bob = pair()
    waiting: list[Callable[[], None]] = []
    ada.document.dispatcher = waiting.append
    changes = heard(ada, "source")
    thread = threading.Thread(target=setattr, args=(bob[0], "source", "x"))
    thread.start()
    thread.join()

    assert changes == []
    waiting.pop()()
    assert len(changes) == 1


def test_a_dispatcher_is_handed_the_changes_of_a_transaction_when_it_has_ended() -> None:
    ada, bob = pair()
    waiting: list[Callable[[], None]] = []
    ada.document.dispatcher = waiting.append
    changes = heard(ada, "source")
    with ada.transaction():
        ada[0].source = "x"
        bob[1].source = "y"
        assert waiting == []

    for call in waiting:
        call()
    assert [(c.cell_id, c.remote) for c in changes] == [(ada[1].id, True), (ada[0].id, False)]


def test_a_dispatcher_that_has_ended_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    ada, bob = pair()

    def ended(_: Callable[[], None]) -> None:
        raise RuntimeError("Event loop is closed")

    ada.document.dispatcher = ended
    heard(ada, "source")
    bob[0].source = "x"

    assert ada[0].source == "x"
    assert "could not be handed" in caplog.text


def test_only_what_is_asked_for_is_observed() -> None:
    ada, _ = pair()
    observed = ada.document.replica._observed

    def deep() -> int:
        return sum(type(subscription).__name__ != "" for _, subscription in observed)

    ada[0].source = "x"
    before = deep()
    cells = ada.on_change("cells", print)
    assert deep() == before
    source = ada.on_change("source", print)
    assert deep() == before + 2
    source.close()
    assert deep() == before
    cells.close()


def test_subscriptions_follow_a_rebuilt_document() -> None:
    ada, bob = pair()
    changes, cells = heard(ada, "source"), heard(ada, "cells")
    content = bob.document.diff_update(b"\0")
    ada.document.rebuild()
    ada.document.apply_remote(content, Origin("remote"))
    bob[0].source = "after"

    assert [c.cell for c in changes] == [ada[0]]
    assert len(cells[-1].delta) == 3


def test_malformed_content_does_not_break_observing(caplog: pytest.LogCaptureFixture) -> None:
    ada, bob = pair()
    changes = heard(ada, "source")
    heard(ada, "metadata")
    with bob.document.writing() as replica:
        cells = replica.root("cells", Array)
        cells.append("not a cell")
        cells.append(Map({"no": "id"}))
        cells[0]["metadata"] = 3
        replica.root("meta", Map)["metadata"] = "not a map"
    bob[0].source = "still heard"

    assert changes[-1].delta == (Edit(0, 6, "still heard"),)
    assert len(ada) == 5
    assert ada[0].metadata == ada.metadata == {}
    assert "could not be understood" in caplog.text


def test_a_deletion_is_of_whoever_its_origin_names_and_else_of_nobody() -> None:
    """With one other participant here too: the server deletes as well, where the file was changed outside."""
    ada, bob = pair()
    changes = heard(ada, "source")
    bob[0].text.delete(0, 3)
    assert changes[-1].person == ada.users["bob"]
    assert ada.users.keys() == {"ada", "bob"}

    made: list[bytes] = []
    file = Notebook(LiveDocument())
    file.document.apply_remote(ada.document.diff_update(b"\0"), Origin("remote"))
    file.document.on_update(lambda update, _: made.append(update))
    file[0].source = "on"
    ada.document.apply_remote(made[0], DocumentPresence(ada.document).origin(made[0]))
    assert changes[-1].delta == (Edit(2, 3, ""),)
    assert changes[-1].person is None and changes[-1].remote


def test_unknown_kinds_are_refused() -> None:
    ada, _ = pair()
    with pytest.raises(
        DocumentError, match="source, cells, outputs, metadata, attachments, people, comment, not of 'sauce'"
    ):
        ada.on_change("sauce", print)  # type: ignore[call-overload]


@settings(deadline=None)
@given(st.lists(st.text("aé😀\n", max_size=12), max_size=8))
def test_the_deltas_add_up_to_the_source(versions: list[str]) -> None:
    ada, bob = pair()
    changes = heard(ada, "source")
    text = ada[0].source
    for version in versions:
        bob[0].source = version
    for change in changes:
        text = apply_to_str(text, [edit for edit in change.delta if isinstance(edit, Edit)])

    assert text == ada[0].source
