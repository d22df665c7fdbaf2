"""Undo takes one's own steps back and nothing of others', whatever happened meanwhile."""
# ruff: noqa: PT012 (what a transaction rolls back is more than one statement)

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycrdt import Array, Map, Text

from rtc_widgets.documents import undo
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.documents.tracks import OTHERS, TextTrack
from rtc_widgets.errors import DocumentError
from rtc_widgets.origins import Origin
from rtc_widgets.testing.hub import Hub


def pair(*sources: str) -> tuple[Notebook, Notebook]:
    ada, bob, hub = Notebook.new(), Notebook(LiveDocument()), Hub()
    hub.join(ada.document, "ada")
    hub.join(bob.document, "bob")
    for source in sources:
        bob.append(source)
    return ada, bob


def sources(nb: Notebook) -> list[str]:
    return [cell.source for cell in nb]


def with_output(nb: Notebook, index: int, text: str) -> None:
    with nb.document.writing(origin=Origin("outputs")) as replica:
        output = {"output_type": "stream", "name": "stdout", "text": Text(text)}
        replica.root("cells", Array)[index]["outputs"].append(Map(output))


def test_each_statement_is_a_step() -> None:
    ada, bob = pair("a", "b")
    ada[0].source = "a1"
    ada[0].source = "a12"
    cell = ada.append("new")
    ada[1].delete()
    assert ada.undo_stack == ["edit cell", "edit cell", "insert cell", "delete cell"]
    assert [ada.undo() for _ in range(5)] == ["delete cell", "insert cell", "edit cell", "edit cell", None]
    assert sources(ada) == sources(bob) == ["a", "b"]
    assert ada.redo_stack == ["delete cell", "insert cell", "edit cell", "edit cell"]
    assert [ada.redo() for _ in range(5)] == ["edit cell", "edit cell", "insert cell", "delete cell", None]
    assert sources(bob) == ["a12", "new"]
    assert bob[1].id == cell.id


def test_a_transaction_is_one_step_with_its_label() -> None:
    ada, bob = pair("a", "b", "c")
    with ada.transaction("tidy up"):
        ada[0].source = "A"
        ada[2].delete()
        ada.insert(0, "# Title", type="markdown")
        with ada.transaction("inner"):
            ada[1].metadata = {"k": 1}
    assert ada.undo_stack == ["tidy up"]
    assert ada.undo() == "tidy up"
    assert sources(bob) == ["a", "b", "c"]
    assert bob[0].metadata == {}
    ada.redo()
    assert sources(bob) == ["# Title", "A", "b"]
    assert bob[1].metadata == {"k": 1}


def test_others_text_stays_where_it_is() -> None:
    ada, bob = pair("hello world")
    ada[0].source = "goodbye world"
    bob[0].source = "B: goodbye 😀 world, bob"
    ada.undo()
    assert sources(bob) == ["B: hello 😀 world, bob"]
    bob[0].source = "hello 😀 world"
    ada.redo()
    assert sources(bob) == ["goodbye 😀 world"]


def test_nobody_elses_steps_are_undone() -> None:
    ada, bob = pair("a")
    bob[0].source = "bob"
    bob.append("more")
    assert ada.undo_stack == []
    assert ada.undo() is None
    assert sources(ada) == ["bob", "more"]


def test_a_deleted_cell_comes_back_whole_and_in_its_place() -> None:
    ada, bob = pair("a", "b", "c")
    with_output(bob, 1, "result")
    bob[1].metadata = {"tags": ["x"]}
    whole = bob.to_dict()["cells"][1]
    ada[1].delete()
    bob.insert(0, "before")
    ada.undo()
    assert sources(bob) == ["before", "a", "b", "c"]
    assert bob.to_dict()["cells"][2] == whole
    ada.redo()
    assert sources(bob) == ["before", "a", "c"]
    ada.undo()
    assert bob.to_dict()["cells"][2] == whole


def test_all_cells_come_back_in_order() -> None:
    ada, bob = pair(*"abcdefg")
    del ada[:]
    bob.append("bob")
    ada.undo()
    assert sources(bob) == [*"abcdefg", "bob"] or sources(bob) == ["bob", *"abcdefg"]
    with ada.transaction():
        del ada[1:3]
        del ada[-3:-1]
        ada[0].source = "edited first"
        ada[0].delete()
    ada.undo()
    assert sorted(sources(bob)) == sorted([*"abcdefg", "bob"])
    assert [s for s in sources(bob) if s != "bob"] == [*"abcdefg"]


def test_edits_before_a_deletion_can_be_undone_after_it() -> None:
    """With pycrdt's undo manager this deletes what bob typed."""
    ada, bob = pair("hello world")
    ada[0].source = "bye world"
    bob[0].source = "bye world BOB"
    ada[0].delete()
    ada.undo()
    bob[0].source = "B2 bye world BOB"
    ada.undo()
    assert sources(bob) == ["B2 hello world BOB"]
    assert [ada.redo(), ada.redo()] == ["edit cell", "delete cell"]
    assert sources(bob) == ["B2 bye world BOB"]  # bob has typed into it since it came back


def test_a_deletion_is_done_again_unless_another_typed_since() -> None:
    ada, bob = pair("a", "b")
    ada[0].source = "a!"
    bob[0].source = "a! bob"
    ada[0].delete()
    for _ in range(3):
        ada.undo()
        ada.redo()
        assert sources(bob) == ["b"]
    ada.undo()
    assert sources(bob) == ["a! bob", "b"]


def test_a_moved_cell_goes_back_with_what_others_typed_meanwhile() -> None:
    ada, bob = pair("a", "b", "c")
    ada[2].source = "c!"
    ada[2].move(before=ada[0])
    bob[0].source = "c! and bob"
    with_output(bob, 0, "new")
    ada.undo()
    assert sources(bob) == ["a", "b", "c! and bob"]
    assert bob[2].outputs[0]["text"] == "new"
    ada.undo()
    assert sources(bob) == ["a", "b", "c and bob"]
    ada.redo()
    ada.redo()
    assert sources(bob) == ["c! and bob", "a", "b"]


def test_a_retyped_cell_gets_its_type_and_outputs_back() -> None:
    ada, bob = pair("a", "b")
    with_output(bob, 0, "result")
    ada[0].cell_type = "markdown"
    bob[0].source = "a, bob"
    assert ada.undo() == "retype cell"
    assert bob[0].cell_type == "code"
    assert bob[0].source == "a, bob"
    assert bob[0].outputs[0]["text"] == "result"
    ada.redo()
    assert bob[0].cell_type == "markdown"
    assert "outputs" not in bob.to_dict()["cells"][0]


def test_an_inserted_cell_that_another_has_typed_into_stays() -> None:
    ada, bob = pair("a")
    ada.append("mine")
    bob[1].source = "mine, and bob's"
    ada.undo()
    assert sources(bob) == ["a", "mine, and bob's"]
    ada.redo()
    assert sources(bob) == ["a", "mine, and bob's"]


def test_an_inserted_cell_goes_whatever_it_put_out() -> None:
    ada, bob = pair("a")
    ada.append("mine")
    with_output(bob, 1, "result")
    ada.undo()
    assert sources(bob) == ["a"]
    ada.redo()
    assert bob[1].outputs[0]["text"] == "result"


def test_outputs_are_no_steps() -> None:
    ada, bob = pair("a")
    with_output(ada, 0, "result")
    assert ada.undo_stack == []
    ada[0].source = "b"
    with_output(ada, 0, "second")
    ada.undo()
    assert [output["text"] for output in bob[0].outputs] == ["result", "second"]


def test_metadata() -> None:
    ada, bob = pair("a")
    bob[0].metadata = {"kept": 1, "tags": ["x"]}
    ada[0].metadata = {"kept": 1, "tags": ["x", "mine"], "new": {"deep": [1, None]}}
    ada.metadata = {"title": "T"}
    bob[0].metadata = {**bob[0].metadata, "tags": ["mine", "bob"], "bob": True}
    assert ada.undo() == ada.undo() == "edit metadata"
    assert bob[0].metadata == {"kept": 1, "tags": ["bob", "x"], "bob": True} or bob[0].metadata == {
        "kept": 1,
        "tags": ["bob"],
        "bob": True,
    }
    assert bob.metadata == {}
    ada.redo()
    assert "mine" in bob[0].metadata["tags"]
    assert bob[0].metadata["new"] == {"deep": [1, None]}
    ada.redo()
    assert bob.metadata == {"title": "T"}


def test_metadata_that_another_has_set_since_stays() -> None:
    ada, bob = pair("a")
    ada[0].metadata = {"k": 1}
    bob[0].metadata = {"k": 2}
    ada.undo()
    assert bob[0].metadata == {"k": 2}


def test_cells_that_others_deleted_stay_deleted() -> None:
    ada, bob = pair("a", "b")
    ada[0].source = "edited"
    ada[0].metadata = {"k": 1}
    ada[0].move(after=1)
    added = ada.append("mine")
    bob[added.id].delete()
    bob["".join(bob[1].id)].delete()
    assert [ada.undo() for _ in range(4)] == ["insert cell", "move cell", "edit metadata", "edit cell"]
    assert sources(ada) == ["b"]
    while ada.redo():
        pass
    assert sources(ada) == ["b"]


def test_a_new_step_ends_redoing() -> None:
    ada, bob = pair("one two")
    ada[0].source = "one 2 two"
    ada[0].source = "one 23 two"
    ada.undo()
    ada[0].source = "one 24 two"
    assert ada.redo() is None
    assert ada.redo_stack == []
    ada.undo()
    ada.undo()
    assert sources(bob) == ["one two"]


def test_undo_is_told_to_listeners_as_such() -> None:
    ada, _ = pair("a")
    with ada.transaction("mine"):
        ada[0].source = "b"
    seen: list[Any] = []
    ada.on_change("source", seen.append)
    heard: list[Origin] = []
    ada.document.on_update(lambda _, origin: heard.append(origin))
    ada.undo()
    assert [(change.origin, change.remote) for change in seen] == [(Origin("undo", detail="mine"), False)]
    assert heard == [Origin("undo", detail="mine")]


def test_inside_a_transaction_undo_is_refused() -> None:
    ada, _ = pair("a")
    ada[0].source = "b"
    with ada.transaction():
        ada[0].source = "c"
        with pytest.raises(DocumentError, match="before the transaction or after"):
            ada.undo()
    assert sources(ada) == ["c"]
    assert len(ada.undo_stack) == 2


def test_a_transaction_that_failed_or_did_nothing_is_no_step() -> None:
    ada, _ = pair("a")
    with pytest.raises(LookupError), ada.transaction("failed"):
        ada[0].delete()
        raise LookupError
    with ada.transaction("nothing"):
        pass
    ada[0].source = "a"
    assert ada.undo_stack == []


def test_an_inner_transaction_that_failed_leaves_nothing_to_undo() -> None:
    ada, bob = pair("a", "b")
    with ada.transaction("outer"):
        with pytest.raises(LookupError), ada.transaction():
            ada[0].delete()
            raise LookupError
        ada[1].delete()
    ada.undo()
    assert sources(bob) == ["a", "b"]


def test_the_running_cell_stays_where_it_is() -> None:
    ada, _ = pair("a", "b")
    ada[0].move(after=1)
    ada.running_cell_id = ada[1].id
    with pytest.raises(DocumentError, match="running cell"):
        ada.undo()
    ada.running_cell_id = None
    ada.undo()
    assert sources(ada) == ["a", "b"]


def test_the_number_of_steps_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "MOST_STEPS", 3)
    ada, bob = pair("0")
    for n in range(1, 10):
        ada[0].source += str(n)
    assert len(ada.undo_stack) == 3
    for _ in range(5):
        ada.undo()
    assert sources(bob) == ["0123456"]
    monkeypatch.setattr(undo, "MOST_CHARACTERS", 100)
    for n in range(3):
        ada.append(str(n) * 60)
    for _ in range(3):
        ada[-1].delete()
    assert ada.undo_stack == ["delete cell"]
    ada.undo()
    assert sources(bob)[1:] == ["0" * 60]


def test_tracks_of_forgotten_steps_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "MOST_STEPS", 5)
    ada, _ = pair(*map(str, range(20)))
    for cell in ada:
        cell.source += "!"
    part = ada.document.part(undo.Undo)
    assert len(part._tracks) == 5
    assert sum(part._uses.values()) == 5


def test_a_rebuilt_document_has_nothing_to_undo() -> None:
    ada, bob = pair("a")
    ada[0].source = "b"
    content = bob.document.diff_update(b"\0")
    ada.document.rebuild()
    ada.document.apply_remote(content, Origin("remote"))
    assert ada.undo_stack == []
    ada[0].source = "c"
    ada.undo()
    assert sources(bob) == ["b"]


def test_a_reader_pays_nothing() -> None:
    ada, bob = pair("a")
    bob[0].source = "b"
    assert ada[0].source == "b"
    assert bob.document.part(undo.Undo)._journal is not None
    reader = Notebook(LiveDocument())
    reader.document.apply_remote(ada.document.diff_update(b"\0"), Origin("remote"))
    assert reader.document.part(undo.Undo)._journal is None


def test_content_that_is_no_notebook() -> None:
    ada, bob = pair("a")
    ada[0].source = "b"
    with bob.document.writing() as replica:
        cells = replica.root("cells", Array)
        cells.append("not a cell")
        cells.append(Map({"no": "id"}))
        cells[0]["metadata"] = 3
        replica.root("meta", Map)["metadata"] = "not a map"
    ada[0].source = "c"
    ada.undo()
    ada.undo()
    assert ada[0].source == "a"


def test_a_text_file() -> None:
    ada, bob, hub = LiveText(LiveDocument()), LiveText(LiveDocument()), Hub()
    hub.join(ada.document, "ada")
    hub.join(bob.document, "bob")
    bob.text = "one 😀 three"
    ada.replace("😀", "two")
    bob.append(" four")
    with ada.transaction("start"):
        ada.insert(0, "zero ")
    assert ada.undo_stack == ["edit text", "start"]
    assert ada.undo() == "start"
    assert ada.undo() == "edit text"
    assert bob.text == "one 😀 three four"
    ada.redo()
    assert bob.text == "one two three four"


def test_threads() -> None:
    ada, bob = pair("", "")

    def work(index: int) -> None:
        for n in range(60):
            # In one step: who reads a text and sets another takes what came in between for his own.
            ada[index].text.append(str(n % 10))
            if n % 3 == 0:
                ada.undo()
            bob[1 - index].text.insert(0, "b")

    threads = [threading.Thread(target=work, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while ada.undo():
        pass
    assert sources(ada) == sources(bob) == ["b" * 60] * 2


_TEXTS = st.text("ab é😀\n", max_size=8)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.booleans(), _TEXTS, st.integers(0, 30), st.integers(0, 8)), max_size=14))
def test_undoing_everything_leaves_what_the_others_wrote(edits: list[tuple[bool, str, int, int]]) -> None:
    """Ada writes capitals and deletes anything, bob writes anything else and deletes nothing."""
    ada, bob = pair("0123456789")
    mine, theirs = 0, Counter("0123456789")
    for is_ada, drawn, start, length in edits:
        who = ada if is_ada else bob
        old = who[0].source
        text = "".join("ABCD"[ord(c) % 4] for c in drawn) if is_ada else drawn
        if not is_ada:
            theirs.update(text)
        who[0].source = old[:start] + text + old[start + (length if is_ada else 0) :]
        mine = len(ada.undo_stack)
    everything = ada[0].source
    labels = [ada.undo() for _ in range(mine)]
    assert None not in labels
    left = ada[0].source
    assert left == bob[0].source
    assert Counter(left) == theirs
    while ada.redo():
        pass
    assert ada[0].source == bob[0].source == everything
    while ada.undo():
        pass
    assert ada[0].source == left
    if not any(is_ada for is_ada, *_ in edits):
        assert left == everything


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_alone_undo_goes_back_through_every_state(seed: int) -> None:
    """Without others, each undo restores exactly the state before, and each redo the one after."""
    chance = random.Random(seed)
    nb, _ = pair("a", "b\nc", "# d")
    states = [nb.to_dict()]
    for _ in range(12):
        with nb.transaction("step"):
            for _ in range(chance.randrange(1, 4)):
                _random_edit(nb, chance)
        if len(nb.undo_stack) == len(states):
            states.append(nb.to_dict())
        else:
            assert nb.to_dict() == states[-1]
    for state in reversed(states[:-1]):
        nb.undo()
        assert nb.to_dict() == state
    for state in states[1:]:
        nb.redo()
        assert nb.to_dict() == state


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_with_others_nothing_of_theirs_goes_and_all_converge(seed: int) -> None:
    chance = random.Random(seed)
    ada, bob = pair("a", "b\nc", "# d")
    for turn in range(30):
        who = chance.choice([ada, bob])
        if who is ada and chance.random() < 0.4:
            chance.choice([ada.undo, ada.redo])()
        elif who is bob and len(bob) and chance.random() < 0.5:
            cell = chance.choice(bob)
            cell.source += f"<{turn}>"
            theirs = (cell.id, f"<{turn}>")
            while ada.undo():
                pass
            assert theirs[0] not in ada or theirs[1] in ada[theirs[0]].source
        else:
            _random_edit(who, chance)
        assert ada.to_dict() == bob.to_dict()
        ids = [cell["id"] for cell in ada.to_dict()["cells"]]
        assert len(ids) == len(set(ids))


def _random_edit(nb: Notebook, chance: random.Random) -> None:
    kind = chance.randrange(7)
    if kind == 0 or not len(nb):
        nb.insert(chance.randrange(len(nb) + 1), chance.choice(["x", "é😀"]), chance.choice(["code", "raw"]))
        return
    cell = chance.choice(nb)
    if kind in (1, 2):
        at = chance.randrange(len(cell.source) + 1)
        cell.source = cell.source[:at] + chance.choice("XYZ😀") + cell.source[at + chance.randrange(2) :]
    elif kind == 3:
        cell.delete()
    elif kind == 4:
        cell.move(before=chance.choice(nb))
    elif kind == 5:
        cell.cell_type = chance.choice(["code", "markdown", "raw"])
    else:
        cell.metadata = {chance.choice("kl"): chance.choice([1, None, [1], "x"])}


def test_a_track_gives_back_the_text() -> None:
    track = TextTrack(5)
    assert track.switch(1, "hello", done=False) == []
    assert track.length == 5
    assert not track.has_others
    track.edited([], "hello", OTHERS)
    assert track.hidden == 0


def test_what_else_a_handle_can_do_is_undone_too() -> None:
    ada, bob = pair("a\nb", "c", "d")
    before = bob.to_dict()
    steps: list[Callable[[], Any]] = [
        lambda: ada[0].tags.add("x"),
        lambda: ada[0].split(2),
        lambda: ada[0].merge(ada[1]),
        lambda: ada[1].duplicate(),  # noqa: PLW0108 (which cell it is shows when it is called)
        ada.reverse,
        lambda: ada.metadata.update(title="T"),
        lambda: ada.__setitem__(slice(1, 3), ["new", "newer"]),
        lambda: ada[0].text.replace("d", "D"),
    ]
    states = []
    for step in steps:
        states.append(bob.to_dict())
        step()
        assert len(ada.undo_stack) == len(states)
    for state in reversed(states):
        ada.undo()
        assert bob.to_dict() == state
    assert bob.to_dict() == before


def test_clearing_outputs_is_no_step() -> None:
    ada, bob = pair("a")
    with_output(bob, 0, "result")
    ada[0].outputs.clear()
    assert ada.undo_stack == []
    with ada.transaction("with outputs"):
        ada[0].source = "b"
        ada[0].outputs.clear()
    with_output(bob, 0, "second")
    ada.undo()
    assert ada[0].source == "a"
    assert [output["text"] for output in bob[0].outputs] == ["second"]
