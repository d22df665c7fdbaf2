"""The hash of a state: the same for the same state, however it came about."""

from __future__ import annotations

import random

import pytest
from pycrdt import Array, Doc, Map, Text

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.state_hash import state_hash


def hash_of(doc: Doc) -> str:
    return state_hash(doc.get_state(), doc.get_update(doc.get_state()))


@pytest.mark.parametrize("seed", range(5))
def test_replicas_agree_once_they_have_had_the_same(seed: int) -> None:
    dice = random.Random(seed)
    docs = [Doc(client_id=n + 1) for n in range(3)]
    for doc in docs:
        doc.get("cells", type=Array)
    for _ in range(60):
        doc = dice.choice(docs)
        cells = doc.get("cells", type=Array)
        if len(cells) and dice.random() < 0.4:
            del cells[dice.randrange(len(cells))]
        elif len(cells) and dice.random() < 0.5:
            text = cells[dice.randrange(len(cells))]["source"]
            if len(text) > 3 and dice.random() < 0.5:
                del text[1:3]
            else:
                text.insert(dice.randrange(len(text) + 1), "abc")
        else:
            cells.insert(dice.randrange(len(cells) + 1), Map({"source": Text("x = 1")}))
    assert len({hash_of(doc) for doc in docs}) == 3
    for one in dice.sample(docs, 3):
        for other in docs:
            other.apply_update(one.get_update(other.get_state()))
    for other in docs[:2]:
        other.apply_update(docs[2].get_update())
        docs[2].apply_update(other.get_update())
    docs[0].apply_update(docs[1].get_update())
    assert len({hash_of(doc) for doc in docs}) == 1
    # One that has it all at once, and one out of a log.
    late: Doc = Doc()
    late.apply_update(docs[0].get_update())
    assert hash_of(late) == hash_of(docs[0])


def test_a_deletion_alone_changes_it() -> None:
    doc: Doc = Doc()
    doc["t"] = Text("hello")
    before, vector = hash_of(doc), doc.get_state()
    del doc["t"][1:2]
    assert doc.get_state() == vector
    assert hash_of(doc) != before


def test_an_update_that_inserts_is_none_of_deletions() -> None:
    doc: Doc = Doc()
    doc["t"] = Text("hello")
    with pytest.raises(FrameError):
        state_hash(doc.get_state(), doc.get_update())
