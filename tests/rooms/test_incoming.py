"""Updates that the CRDT would take, and that would take the server down: refused, and only who sent them notices."""

from __future__ import annotations

import asyncio

import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText
from support.conversation import Peer, log_of, make_document, turn

from rtc_widgets.documents.seed import seed
from rtc_widgets.errors import FrameError
from rtc_widgets.protocol import sync
from rtc_widgets.protocol.codec import varstring, varuint
from rtc_widgets.protocol.yjs_update import DEEPEST, Struct, read_update
from rtc_widgets.rooms.incoming import Incoming
from rtc_widgets.rooms.outline import Outline, Span

CELLS, SOURCE = b"\1" + varstring("cells"), b"\1" + varstring("source")


def update_of(*structs: bytes, client: int = 13, clock: int = 0) -> bytes:
    return b"\1" + varuint(len(structs)) + varuint(client) + varuint(clock) + b"".join(structs) + b"\0"


def array_in_array(depth: int) -> bytes:
    inner = [b"\7\0\x0d" + varuint(at) + b"\0" for at in range(depth - 1)]
    return update_of(b"\7" + CELLS + b"\0", *inner)


@pytest.fixture
def notebook():
    """A replica as a room has it: what is an array is known to be one."""
    doc = Doc(client_id=1)
    cells = doc.get("cells", type=Array)
    doc.get("source", type=Text).insert(0, "hello é😀")
    cells.append(Map({"id": "a", "source": Text("x = 1"), "metadata": Map({"k": [1, {"a": None}]})}))
    return doc


@pytest.mark.parametrize(
    ("update", "why"),
    [
        (b"\1\0\1\0\0", "is nothing"),  # the CRDT panics
        (update_of(b"\0\0"), "no length"),  # and divides by zero
        (update_of(b"\4" + CELLS + varstring("😀")), "text into what is none"),  # reads it without end
        (update_of(b"\4" + CELLS + varstring("xyz")), "text into what is none"),  # panics when it is read
        (update_of(b"\x08\0\1\0\1\x7e"), "no shared type"),
        (
            update_of(b"\x08" + CELLS + b"\1" + b"\x75\1" * 20_000 + b"\x7e"),
            "nested deeper",
        ),  # ends the process
        (array_in_array(20_000), "nested deeper"),  # likewise, when it is read
        (update_of(b"\x88\1\1\1\x7e", clock=2**42 - 20), "too far away"),
        (update_of(b"\x88\x0d\5\1\x7e"), "cannot have been there"),
        (update_of(b"\4" + SOURCE + varstring("a")) + b"abc", "follow the end"),
        (b"\0\1\1\1\5" + varuint(2**32 - 3), "ends too far away"),
        (update_of(b"\4" + SOURCE + b"\2\xc3\x28"), "not UTF-8"),
        (update_of(b"\x09" + CELLS + varstring("guid") + b"\x76\0"), "which no client writes"),
        (update_of(b"\2" + CELLS + b"\1" + varstring("1")), "which no client writes"),
    ],
)
def test_what_no_client_writes_is_refused(notebook, update, why):
    with pytest.raises(FrameError, match=why):
        Incoming(notebook).check(update)


def test_what_is_put_between_two_things_is_where_both_are(notebook):
    incoming = Incoming(notebook)
    with pytest.raises(FrameError, match="different places"):
        # The first letter of the text, and the cell.
        incoming.check(update_of(b"\xc8\1\0\1\x0a\1\x7e"))


def test_types_in_types_one_by_one_and_from_within(notebook):
    incoming = Incoming(notebook)
    for at in range(DEEPEST):
        update = update_of(b"\7" + (CELLS if not at else b"\0\x0d" + varuint(at - 1)) + b"\0", clock=at)
        assert incoming.check(update) is None
        notebook.apply_update(update)
        incoming.applied(update)
    with pytest.raises(FrameError, match="nested deeper"):
        incoming.check(update_of(b"\7\0\x0d" + varuint(DEEPEST - 1) + b"\0", clock=DEEPEST))
    # The other way round what the outermost is in is not here: it waits, and not in the replica.
    assert incoming.check(update_of(b"\7\0\x2b\0\0", client=42)) == (43, 0)
    # Others are not kept from adding cells.
    notebook.get("cells", type=Array).append(Map({"source": Text("é")}))
    other = Doc(client_id=99)
    other.apply_update(notebook.get_update())
    before = other.get_state()
    other.get("cells", type=Array).append(Map({"source": Text("é")}))
    fresh = Incoming(notebook)
    assert fresh.check(other.get_update(before)) is None


def test_what_was_typed_into_what_is_deleted_passes(notebook):
    ada = Doc(client_id=7)
    ada.apply_update(notebook.get_update())
    cell = ada.get("cells", type=Array)[0]
    cell["source"] = Text("")
    notebook.apply_update(ada.get_update())
    told: list[bytes] = []
    subscription = ada.observe(lambda happened: told.append(happened.update))
    cell["source"] += "first é"
    cell["source"] += "then"
    cell["metadata"]["more"] = Map({"a": 1})
    cell["more"] = Text("x")
    del notebook.get("cells", type=Array)[0]
    incoming = Incoming(notebook)
    for update in told:
        assert incoming.check(update) is None
        notebook.apply_update(update)
        incoming.applied(update)
    ada.unobserve(subscription)


def test_everything_that_pycrdt_writes_passes():
    told: list[bytes] = []
    doc = Doc(client_id=7)
    subscription = doc.observe(lambda happened: told.append(happened.update))
    text, cells, tree = (
        doc.get("source", type=Text),
        doc.get("cells", type=Array),
        doc.get("xml", type=XmlFragment),
    )
    text += "hé😀"
    text.format(0, 1, {"bold": True})
    text.insert_embed(1, {"a": [1]})
    del text[0:1]
    cells.extend([1, 2.5, "é", None, True, b"xy", {"a": [1, {"b": None}]}, -5, 2**40, [[]], {}])
    cells.append(Map({"source": Text("é"), "outputs": Array([Map({"data": {"x": "y"}})]), "n": 1}))
    cells[11]["source"] += "😀"
    cells[11]["source"].insert(0, "a")
    cells[11]["n"] = 2
    del cells[0:3]
    tree.children.append(XmlElement("p", {"a": "b"}, ["text", XmlText("more")]))
    incoming = Incoming(Doc())
    replica = incoming._doc
    for name, kind in (("source", Text), ("cells", Array), ("xml", XmlFragment)):
        replica.get(name, type=kind)
    for update in told:
        assert incoming.check(update) is None
        replica.apply_update(update)
        incoming.applied(update)
    # Whole, known in part, and twice.
    for update in (doc.get_update(), *told):
        assert incoming.check(update) is None
    # All is in it, or before it, as if this replica had nothing.
    assert Incoming(Doc()).check(doc.get_update()) is None
    assert len(read_update(doc.get_update())) > 20
    doc.unobserve(subscription)


def test_a_whole_notebook_passes():
    cell = {
        "id": "a",
        "cell_type": "code",
        "source": "é" * 9,
        "metadata": {},
        "outputs": [],
        "execution_count": 1,
    }
    made = seed("notebook", {"cells": [cell] * 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    assert Incoming(Doc()).check(made.update) is None


async def test_who_sends_it_is_expelled_and_others_go_on():
    document, store, _ = make_document("x")
    ada, ben, eve = (Peer(document, name).join() for name in ("ada", "ben", "eve"))
    ada.type("a")
    eve.say(sync.update(b"\1\0" + varuint(ada.doc.client_id) + b"\0\0"))
    ben.type("b")
    await turn()
    assert eve.closed is not None and eve.closed[0] == "bad-frame"
    assert str(ada.text) == str(ben.text) == str(document.doc.get("source", type=Text))
    assert ada.closed is None and ben.closed is None
    await document.committed()
    assert {entry.author for entry in await log_of(store)} == {"ada", "ben"}


def test_what_comes_again_tells_nothing_of_what_is_gone_in_its_place():
    outline = Outline([Struct(1, 0, 5, "source"), Struct(2, 0, 9, is_gone=True)])
    again = Struct(2, 0, 1, beside=((1, 4),))
    assert outline.inside(Span.of(again)) == "source"
    gone = outline.find((2, 5))
    assert gone is not None and gone.inside is None, (
        "it was in another type, and is one with its neighbours now"
    )


async def test_a_large_document_is_looked_through_before_somebody_types(notebook):
    cells = notebook.get("cells", type=Array)
    cells.extend(Map({"id": str(number), "source": Text("x = 1\n" * 10)}) for number in range(1000))
    incoming = Incoming(notebook)
    subscription = notebook.observe(lambda happened: incoming.applied(happened.update))
    incoming.prepare()
    ada = Doc(client_id=77)
    ada.apply_update(notebook.get_update())
    cells[500]["source"].insert(0, "typed meanwhile")
    async with asyncio.timeout(10):
        while incoming._outline is None:
            await asyncio.sleep(0.001)
    ada.apply_update(notebook.get_update())
    before = ada.get_state()
    ada.get("cells", type=Array)[500]["source"].insert(5, "beside it")
    incoming.check(ada.get_update(before))
    with pytest.raises(FrameError, match="text into what is none"):
        incoming.check(update_of(b"\4" + CELLS + varstring("xyz")))
    notebook.unobserve(subscription)


class CountedDoc(Doc):
    """A replica that counts how often all of it is asked for."""

    asked = 0

    def get_update(self, state=None):
        self.asked += state is None
        return super().get_update(state)


def test_what_a_file_brought_that_cannot_be_looked_through_is_not_tried_at_each_key():
    deep = []
    for _ in range(DEEPEST + 1):
        deep = [deep]
    doc = CountedDoc(client_id=1)
    text, cells = doc.get("source", type=Text), doc.get("cells", type=Array)
    text.insert(0, "hello")
    cells.append(Map({"metadata": Map({"deep": deep})}))
    incoming = Incoming(doc)
    subscription = doc.observe(lambda happened: incoming.applied(happened.update))
    ada = Doc(client_id=7)
    ada.apply_update(doc.get_update(b"\0"))

    def key(change):
        before = ada.get_state()
        change(ada.get("source", type=Text))
        update = ada.get_update(before)
        assert incoming.check(update) is None
        doc.apply_update(update)

    for _ in range(5):
        key(lambda typed: typed.insert(0, "a"))
        key(lambda typed: typed.__delitem__(0))
    incoming.prepare()
    assert doc.asked == 1
    # A file brings another; now there is something that was not tried.
    cells.append(Map({"deep": deep}))
    for _ in range(5):
        key(lambda typed: typed.insert(0, "a"))
    assert doc.asked == 2
    # Once what could not be read is deleted the rest is looked through, up to the next.
    for count in (3, 4):
        del cells[0]
        ada.apply_update(doc.get_update(ada.get_state()))
        for _ in range(5):
            key(lambda typed: typed.insert(0, "a"))
        assert doc.asked == count
    with pytest.raises(FrameError, match="text into what is none"):
        incoming.check(update_of(b"\4" + CELLS + varstring("xyz"), client=99))
    assert doc.asked == 4
    doc.unobserve(subscription)


async def test_what_comes_out_of_order_is_told_and_logged_once_what_it_follows_is_here():
    document, store, _ = make_document("x")
    ada, ben = Peer(document, "ada").join(), Peer(document, "ben").join()
    first, second = Doc(client_id=77), []
    first.apply_update(ada.doc.get_update())
    subscription = first.observe(lambda happened: second.append(happened.update))
    for letter in "cba":
        first.get("source", type=Text).insert(0, letter)
    ada.say(sync.update(second[2]))
    ada.say(sync.update(second[1]))
    await turn()
    assert str(ben.text) == str(document.doc.get("source", type=Text)) == "x", (
        "nobody has what the log has not"
    )
    ada.say(sync.update(second[0]))
    await turn()
    assert str(ben.text) == str(document.doc.get("source", type=Text)) == "abcx"
    await document.committed()
    assert len(await log_of(store)) == 3
    first.unobserve(subscription)


async def test_what_waits_goes_with_who_sent_it():
    document, _, _ = make_document("x")
    ada, eve = Peer(document, "ada").join(), Peer(document, "eve").join()
    for clock in range(1, 500):
        eve.say(sync.update(update_of(b"\4" + SOURCE + varstring("e"), clock=clock)))
    assert len(document._early) == 100
    document.leave(eve)
    assert not document._early
    ada.say(sync.update(update_of(b"\4" + SOURCE + varstring("a"))))
    await turn()
    assert str(document.doc.get("source", type=Text)) in {"ax", "xa"}
