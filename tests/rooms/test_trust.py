"""A page's marks of trust stay in that page, and the signature of the file covers one's own runs only."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Array, Doc, Map
from support.conversation import Peer, log_of, turn

from rtc_widgets.documents.seed import seed
from rtc_widgets.protocol import sync
from rtc_widgets.roles import Role
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.trust import TrustMarks
from rtc_widgets.stores.memory import MemoryStore


def code(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": name,
        "source": "",
        "metadata": metadata,
        "outputs": [],
        "execution_count": None,
    }


class Office:
    """A notebook's document, in which marks of trust are looked after, and people in it."""

    def __init__(self, *names: str) -> None:
        notebook = {
            "cells": [code(name, tags=["x"]) for name in names],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        seeded = seed("notebook", notebook)
        self.doc: Doc[Any] = Doc()
        self.doc.apply_update(seeded.update)
        self.store = MemoryStore()
        self.document = RoomDocument("r.content", "content", self.doc, seeded.lineage, self.store)
        self.trust = TrustMarks(self.document)

    def join(self, user: str) -> Peer:
        return Peer(self.document, user).join()


def cells(peer: Peer) -> Any:
    return peer.doc.get("cells", type=Array)


def marked(peer: Peer) -> list[str]:
    return [cell["id"] for cell in cells(peer).to_py() if "trusted" in cell["metadata"]]


async def test_a_mark_does_not_get_out_of_its_page_and_all_else_does():
    office = Office("a", "b")
    ada, ben = office.join("ada"), office.join("ben")
    with ada.doc.transaction():
        cells(ada)[1]["metadata"]["trusted"] = True
        cells(ada)[1]["metadata"]["collapsed"] = False
    await turn()
    assert cells(ben)[1]["metadata"].to_py() == {"tags": ["x"], "collapsed": False}
    assert marked(ada) == [], "its own replica says the same as all others"
    assert len(ben.updates) == 1, "there is no moment in which the mark is there"
    for update in (entry.update for entry in await log_of(office.store)):
        replica = Doc()
        replica.apply_update(update)
        assert "trusted" not in str(replica.get("cells", type=Array))
    late = office.join("late")
    assert marked(late) == [] and late.doc.get_state() == ben.doc.get_state()


async def test_a_mark_is_taken_out_each_time_also_where_its_key_is_not_on_the_wire():
    office = Office("a")
    ada, ben = office.join("ada"), office.join("ben")
    for _ in range(3):
        cells(ada)[0]["metadata"]["trusted"] = True
        await turn()
        assert marked(ada) == marked(ben) == []
    cells(ada)[0]["metadata"]["trusted"] = "yes"
    await turn()
    assert marked(ada) == marked(ben) == []


@pytest.mark.parametrize("metadata", [Map({"trusted": True, "a": 1}), {"trusted": True, "a": 1}])
async def test_a_cell_that_comes_marked_comes_without(metadata):
    office = Office("a", "b", "c")
    ada, ben = office.join("ada"), office.join("ben")
    new = Map({"id": "new", "cell_type": "code", "metadata": metadata, "outputs": Array(["<script>"])})
    with ada.doc.transaction():
        del cells(ada)[0]
        cells(ada).insert(1, new)
        cells(ada).append(Map({"id": "end", "metadata": Map({"trusted": False})}))
    await turn()
    assert [cell["id"] for cell in cells(ben).to_py()] == ["b", "new", "c", "end"]
    assert marked(ben) == marked(ada) == []
    assert cells(ben).to_py()[1]["metadata"] == {"a": 1}


async def test_metadata_that_are_put_in_the_place_of_others_lose_their_mark():
    office = Office("a", "b")
    ada, ben = office.join("ada"), office.join("ben")
    cells(ada)[1]["metadata"] = Map({"trusted": True, "a": 1})
    await turn()
    assert marked(ben) == marked(ada) == []
    assert cells(ben).to_py()[1]["metadata"] == {"a": 1}


async def test_what_was_marked_while_away_is_taken_out_too():
    office = Office("a", "b")
    ada, ben = office.join("ada"), office.join("ben")
    away: Doc[Any] = Doc()
    away.apply_update(ada.doc.get_update())
    away.get("cells", type=Array)[0]["metadata"]["trusted"] = True
    away.get("cells", type=Array)[0]["source"].insert(0, "typed away")
    ada.say(sync.step2(away.get_update(ada.doc.get_state())))
    await turn()
    assert marked(ben) == [] and cells(ben).to_py()[0]["source"] == "typed away"


async def test_marks_of_an_earlier_release_are_taken_out_when_the_notebook_is_opened():
    doc: Doc[Any] = Doc()
    doc.get("cells", type=Array).append(Map({"id": "a", "metadata": Map({"trusted": True, "b": 1})}))
    document = RoomDocument("r.content", "content", doc, "lineage", MemoryStore())
    TrustMarks(document)
    assert doc.get("cells", type=Array).to_py() == [{"id": "a", "metadata": {"b": 1}}]
    await document.aclose()


async def test_what_one_person_ran_may_be_signed_and_what_several_could_change_may_not():
    office = Office("a", "b")
    ada = office.join("ada")
    cells(ada)[0]["metadata"]["trusted"] = True
    cells(ada)[1]["metadata"]["trusted"] = False
    await turn()
    assert office.trust.ran() == {"a"}
    office.join("ada")
    Peer(office.document, "vic", Role.VIEWER).join()
    assert office.trust.ran() == office.trust.own("ada") == {"a"}, "in another tab she is the same"
    assert office.trust.own("vic") == set(), "and who reads along takes it from nobody but the file"
    ben = office.join("ben")
    assert office.trust.ran() == office.trust.own("ada") == set()
    office.document.leave(ben)
    assert office.trust.ran() == set(), "what he changed is there still"
