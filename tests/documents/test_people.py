"""Who is here, where they are, and what they say: told by each of itself, forgotten when it leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.people import People, PersonEdit, State
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.errors import CellGone, DocumentError
from rtc_widgets.origins import Origin
from rtc_widgets.presence import DocumentPresence
from rtc_widgets.protocol import awareness
from rtc_widgets.testing.hub import Hub

COLORS = json.loads((Path(__file__).parents[1] / "vectors" / "colors.json").read_text())["told_apart"]


def trio() -> tuple[Notebook, Notebook, Notebook, Hub]:
    ada, bob, kernel, hub = Notebook.new(), Notebook(LiveDocument()), Notebook(LiveDocument()), Hub()
    ada.append("one")
    ada.append("two")
    kernel.document.part(People).say(
        kind="kernel", user={"username": "kernel", "name": "Kernel (ada)", "color": "#f37726"}
    )
    hub.join(ada.document, "ada")
    hub.join(bob.document, "bob")
    hub.join(kernel.document, "kernel")
    return ada, bob, kernel, hub


def in_cell(nb: Notebook, cell_id: str | None, **said: Any) -> None:
    """Say where a person is, as a tab does."""
    nb.document.part(People).say(activeCell=cell_id, **said)


def test_everybody_knows_everybody() -> None:
    ada, bob, kernel, _ = trio()
    for nb in (ada, bob, kernel):
        assert sorted(nb.users) == ["ada", "bob", "kernel"]
        assert len(nb.users) == 3
    assert (ada.me.username, bob.me.username, kernel.me.name) == ("ada", "bob", "Kernel (ada)")
    assert kernel.me.kind == "kernel" and ada.users["kernel"].kind == "kernel"
    assert ada.users["kernel"].color == "#f37726"
    assert ada.users["kernel (ADA)"] == ada.users["kernel"]
    assert ada.me.is_me and not ada.users["bob"].is_me
    assert "bob" in ada.users and "eve" not in ada.users and 3 not in ada.users
    with pytest.raises(KeyError, match="'eve' is not here; here are: "):
        ada.users["eve"]


def test_where_people_are() -> None:
    ada, bob, kernel, _ = trio()
    assert kernel.users["ada"].cell is None
    assert kernel.active is None
    in_cell(ada, ada[1].id)
    assert kernel.users["ada"].cell == kernel[1]
    assert kernel.active == kernel[1]
    in_cell(bob, bob[0].id)
    assert kernel.active == kernel[0]  # who moved last
    kernel.document.part(People).runner = "session of ada's tab"
    in_cell(ada, ada[1].id, session="session of ada's tab")
    in_cell(bob, None)
    in_cell(bob, bob[0].id)
    assert kernel.active == kernel[1]
    kernel[1].delete()
    assert kernel.users["ada"].cell is None
    assert kernel.active == kernel[0]


def test_a_status_and_a_pointer(monkeypatch: pytest.MonkeyPatch) -> None:
    ada, _, kernel, _ = trio()
    kernel.status("training")
    assert ada.users["kernel"].status == "training"
    pointing = kernel.point(1, "look here")
    assert ada.users["kernel"].pointing == (ada[1], "look here")
    kernel.status(None)
    assert ada.users["kernel"].status is None
    pointing.close()
    assert ada.users["kernel"].pointing is None
    first, _second = kernel.point(ada[0].id, "first"), kernel.point(kernel[1], "second", seconds=60)
    first.close()
    assert ada.users["kernel"].pointing == (ada[1], "second")
    now = __import__("time").time()
    monkeypatch.setattr("rtc_widgets.documents.people.time.time", lambda: now + 61)
    assert ada.users["kernel"].pointing is None


def test_bad_input() -> None:
    ada, bob, _, _ = trio()
    with pytest.raises(TypeError, match="status is a str"):
        ada.status(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="What to say"):
        ada.point(0, 3)  # type: ignore[arg-type]
    with pytest.raises(DocumentError, match="some seconds"):
        ada.point(0, "x", seconds=float("inf"))
    with pytest.raises(DocumentError, match="another notebook"):
        ada.point(bob[0])
    with pytest.raises(DocumentError):
        ada.status("\ud800")
    gone = ada[0]
    gone.delete()
    with pytest.raises(CellGone):
        ada.point(gone)
    with pytest.raises(IndexError):
        ada.point(7)
    assert "pointer" not in ada.document.part(People).mine


def test_who_leaves_is_gone() -> None:
    ada, bob, kernel, hub = trio()
    person = ada.users["kernel"]
    hub.leave(kernel.document)
    assert sorted(ada.users) == ["ada", "bob"]
    assert not person.here and person.name == "Kernel (ada)" and person.cell is None
    assert "gone" in repr(person)
    assert list(kernel.users) == ["kernel"]
    assert bob.me.here


def test_two_tabs_are_one_person_and_two_kernels_are_two() -> None:
    nb = Notebook.new()
    cell = nb.append("x")
    people = nb.document.part(People)
    ada = {"username": "ada", "display_name": "Ada Lovelace"}
    people.receive([State(1, 1, {"user": ada, "activeCell": cell.id}), State(2, 1, {"user": ada})])
    assert nb.users["ada lovelace"].clients == (2, 1)
    assert nb.users["ada"].cell == cell
    kernel = {"user": {"username": "kernel"}, "kind": "kernel"}
    people.receive([State(3, 1, kernel), State(4, 1, kernel)])
    assert len(nb.users) == 3
    people.receive([State(1, 2, None), State(2, 2, None)])
    assert "ada" not in nb.users


def test_older_news_is_left_out() -> None:
    nb = Notebook.new()
    people = nb.document.part(People)
    people.receive([State(1, 5, {"user": {"username": "ada"}, "status": "new"})])
    people.receive([State(1, 4, {"user": {"username": "ada"}, "status": "old"})])
    people.receive([State(1, 5, {"user": {"username": "ada"}, "status": "again"})])
    assert nb.users["ada"].status == "new"
    people.receive([State(1, 5, None)])
    assert len(nb.users) == 0


def test_states_that_say_anything() -> None:
    """Other programs put into awareness what they like."""
    nb = Notebook.new()
    nb.append("x")
    people = nb.document.part(People)
    for client, value in enumerate(
        [
            {},
            {"user": 3},
            {"user": {"name": None, "color": 3}, "activeCell": 3, "status": [], "pointer": "x"},
            {"user": {"username": "ada"}, "activeCell": "nowhere", "pointer": {"cell": "nowhere"}},
            {"user": {"username": "bob"}, "pointer": {"cell": nb[0].id, "until": "x"}, "cell": {}},
        ],
        start=1,
    ):
        people.receive([State(client, 1, value)])
    assert len(nb.users) == 5
    for person in nb.users.values():
        assert person.cell is None and person.status is None
        assert repr(person) and person._repr_html_()
    assert nb.active is None
    assert nb.users["bob"].pointing == (nb[0], "")
    assert "Anonymous" in nb.users._repr_html_()


def test_names_are_escaped() -> None:
    nb = Notebook.new()
    people = nb.document.part(People)
    evil = '"><script>alert(1)</script>'
    people.receive([State(1, 1, {"user": {"username": evil, "color": evil}, "status": evil})])
    assert "<script>" not in nb.users._repr_html_()


def test_a_change_says_who_made_it() -> None:
    ada, bob, _, hub = trio()
    changes: list[Any] = []
    ada.on_change("source", changes.append)
    bob[0].source = "bob's"
    ada[0].source = "mine"
    assert [(change.person, change.remote) for change in changes] == [(ada.users["bob"], True), (None, False)]
    hub.leave(bob.document)
    assert changes[0].person.username == "bob"


def test_the_author_of_an_update_is_who_inserted() -> None:
    ada, bob, kernel, _ = trio()
    presence = DocumentPresence(kernel.document)
    heard: list[bytes] = []
    ada.document.on_update(lambda update, _: heard.append(update))
    ada[0].source += "!"
    ada[0].source = "one"
    assert presence.origin(heard[0]) == Origin("remote", "ada", "relay")
    assert presence.origin(heard[1]) == Origin("remote", None, "relay")  # deletions name nobody
    assert presence.origin(b"\xff") == Origin("remote", None, "relay")
    assert presence.origin(bob.document.diff_update(b"\0")).user == "ada"
    bob[0].source += "?"
    assert presence.origin(kernel.document.diff_update(b"\0")).user is None  # of both


def test_the_author_of_deletions_is_who_the_relay_tells() -> None:
    ada, bob, kernel, _ = trio()
    presence = DocumentPresence(kernel.document)
    hers, his = ada.document.client_id, bob.document.client_id
    heard: list[bytes] = []
    for nb in (ada, bob):
        nb.document.on_update(lambda update, _: heard.append(update))
    ada[0].text.delete(0, 1)
    bob[0].text.insert(0, "!")
    deletion, insertion = heard

    def user(update: bytes, *told: object) -> str | None:
        for clients in told:
            presence.author({"clients": clients})
        return presence.origin(update).user

    assert user(deletion, [hers]) == "ada"
    assert user(deletion) is None, "told of one update only"
    assert user(deletion, [hers, his]) is None
    assert user(deletion, []) is None
    assert user(deletion, "nonsense") is None
    assert user(insertion, [hers]) is None, "both, merged on the way"
    assert user(insertion, [his]) == "bob"
    assert user(insertion, []) is None


def test_people_are_an_event() -> None:
    ada, bob, kernel, hub = trio()
    changes: list[Any] = []
    ada.on_change("people", changes.append)
    hub.leave(kernel.document)
    in_cell(bob, bob[0].id)
    bob.document.part(People).say(cursors=[{"anchor": 1}])
    bob.status("thinking")
    ada.status("me too")
    assert [(change.delta[0], change.remote, change.person.username) for change in changes] == [
        (PersonEdit("leave", "kernel"), True, "kernel"),
        (PersonEdit("update", "bob"), True, "bob"),
        (PersonEdit("update", "bob"), True, "bob"),
        (PersonEdit("update", "ada"), False, "ada"),
    ]
    assert changes[1].cell == ada[0]
    assert changes[1].person.cell == ada[0]
    in_one: list[Any] = []
    ada.on_change("people", in_one.append, cell=1)
    in_cell(bob, bob[1].id)
    in_cell(bob, bob[0].id)
    assert len(in_one) == 1


def test_a_rebuilt_document_has_a_new_client_and_takes_the_old_one_back() -> None:
    ada, bob, _, _ = trio()
    old = bob.document.client_id
    content = ada.document.diff_update(b"\0")
    bob.document.rebuild()
    bob.document.apply_remote(content, Origin("remote"))
    bob.status("again")
    assert ada.users["bob"].clients == (bob.document.client_id,)
    assert bob.document.client_id != old


def test_alone_one_is_oneself() -> None:
    nb = Notebook.new()
    assert len(nb.users) == 0
    assert nb.me.is_me and nb.me.name
    assert nb.me in nb.users.values()
    text = LiveText(LiveDocument())
    text.status("writing")
    assert text.me.status == "writing" and text.me.cell is None


def test_on_the_wire() -> None:
    ada, bob = LiveText(LiveDocument()), LiveText(LiveDocument())
    here, there = DocumentPresence(ada.document), DocumentPresence(bob.document)
    assert here.introduce() is None
    ada.document.part(People).say(user={"username": "ada", "name": "Zoë 🦉"})
    said = here.introduce()
    assert said is not None
    there.receive(said)
    assert bob.users["ada"].name == "Zoë 🦉"
    (state,) = awareness.decode_states(said)
    assert state.client == ada.document.client_id
    there.forget()
    assert len(bob.users) == 0
    again = here.introduce()
    assert again is not None
    there.receive(again)
    assert "ada" in bob.users


@pytest.mark.parametrize("case", COLORS, ids=lambda case: case["name"])
def test_people_are_told_apart_by_colour(case: Any) -> None:
    nb = Notebook.new()
    people = nb.document.part(People)
    people.receive([State(client, 1, state) for client, state in case["states"]])
    colors = dict(case["colors"])
    found = {client: person.color for person in nb.users.values() for client in person.clients}
    assert found == colors
