"""A room's document: joining, fan-out, the log, and peers that misbehave."""

from __future__ import annotations

import asyncio

import pytest
from pycrdt import Doc, Text
from support.conversation import Peer, log_of, make_document, turn

from rtc_widgets.documents.seed import seed
from rtc_widgets.errors import ChannelClosed, StoreError
from rtc_widgets.origins import Origin
from rtc_widgets.protocol import awareness, query_awareness, request, sync
from rtc_widgets.protocol.awareness import State, encode_states
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.roles import Role
from rtc_widgets.stores.memory import MemoryStore


async def test_who_joins_is_synced_at_once():
    document, _, _ = make_document("x = 1")
    ada = Peer(document).join()
    assert str(ada.text) == "x = 1"


async def test_what_one_types_everybody_else_gets_once():
    document, _, _ = make_document()
    ada, ben, eve = (Peer(document, name).join() for name in ("ada", "ben", "eve"))
    ada.type("hello")
    await turn()
    assert [str(peer.text) for peer in (ada, ben, eve)] == ["hello"] * 3
    assert len(ben.updates) == 1
    assert ada.updates == [], "nobody is sent what it wrote itself"


async def test_changes_of_one_turn_leave_in_one_frame():
    document, store, _ = make_document()
    ada, ben = Peer(document, "ada").join(), Peer(document, "ben").join()
    for letter in "hello":
        ada.type(letter, at=len(ada.text))
    await turn()
    assert str(ben.text) == "hello"
    assert len(ben.updates) == 1
    await document.committed()
    assert [entry.author for entry in await log_of(store)] == ["ada"] * 5


async def test_a_burst_is_merged_in_groups():
    document, _, _ = make_document()
    ada, ben = Peer(document, "ada").join(), Peer(document, "ben").join()
    for _ in range(1000):
        ada.type("x")
    await turn()
    assert str(ben.text) == "x" * 1000
    assert len(ben.updates) == 10


async def test_who_brings_deletions_after_an_absence_and_who_typed_there_are_told_what_was_first():
    document, _, seeded = make_document("abc")
    ada, ben, eve = (Peer(document, name).join() for name in ("ada", "ben", "eve"))
    document.leave(ada)
    del ada.text[0:3]
    ben.type("first ")
    await turn()
    for peer in (ada, ben, eve):
        peer.heard.clear()
    # In one turn: Ben types, Ada is back and brings the deletion, Ben types on.
    ben.type("second ")
    ada.join(seeded.lineage, compares=True)
    ben.type("third ")
    await turn()
    assert ada.heard == [
        ("text", "second first "),
        ("received", {"seq": 3}),
        ("text", "third second first "),
    ]
    assert [said for said in ben.heard if said[0] != "author"] == [
        ("known", {"seq": 3}),
        ("text", "second first "),
    ]
    assert "known" not in [name for name, _ in eve.heard], "she typed nothing"
    assert str(document.doc.get("source", type=Text)) == str(ben.text) == "third second first "


async def test_what_is_brought_a_second_time_is_told_to_nobody_else():
    document, _, seeded = make_document("abc")
    ada, ben = Peer(document, "ada").join(), Peer(document, "ben").join()
    ben.type("first ")
    del ada.text[0:3]
    await turn()
    ben.heard.clear()
    # She never heard that the server had it.
    document.leave(ada)
    ada.join(seeded.lineage, compares=True)
    await turn()
    assert ben.heard == []
    assert ada.heard[-1][0] == "received"


async def test_who_compares_nothing_is_told_nothing():
    document, _, seeded = make_document("abc")
    ada, ben = Peer(document, "ada").join(), Peer(document, "ben").join()
    document.leave(ada)
    del ada.text[0:3]
    ben.type("first ")
    await turn()
    ada.join(seeded.lineage)
    await turn()
    assert {name for peer in (ada, ben) for name, _ in peer.heard} <= {"text", "author"}


async def test_of_deletions_alone_it_is_told_whose_they_are():
    document, _, _ = make_document("hello")
    ada, ben, eve = (Peer(document, name).join() for name in ("ada", "ben", "eve"))
    for peer in (ada, ben):
        state = State(peer.doc.client_id, 1, '{"user":{}}')
        peer.say(awareness.encode(encode_states([state])))
    await turn()

    def told() -> list[list[int]]:
        return [told.params["clients"] for told in eve.events if told.name == "author"]

    del ada.text[0:1]
    await turn()
    ada.type("H")
    await turn()
    assert told() == [[ada.doc.client_id]], "who inserts is named by the update"
    del ada.text[4:5]
    del ben.text[0:1]
    await turn()
    assert told()[1:] == [[ada.doc.client_id], [ben.doc.client_id]], "in one turn, but in frames of their own"
    silent = Peer(document, "silent").join()
    del silent.text[0:1]
    await turn()
    with document.doc.transaction(origin=Origin("file")):
        del document.doc.get("source", type=Text)[0:1]
    await turn()
    assert told()[3:] == [[], []], "those who say nothing of themselves, and the relay"
    assert str(eve.text) == str(ada.text) and ada.events != eve.events


async def test_two_who_type_in_one_turn_get_each_other_only():
    document, _, _ = make_document("-")
    ada, ben, eve = (Peer(document, name).join() for name in ("ada", "ben", "eve"))
    ada.type("A", at=0)
    ben.type("B", at=1)
    await turn()
    assert [str(peer.text) for peer in (ada, ben, eve)] == ["A-B"] * 3
    assert len(ada.updates) == 1 and len(ben.updates) == 1 and len(eve.updates) == 1


async def test_what_one_deletes_is_not_merged_with_what_others_do():
    document, _, _ = make_document("-")
    ada, ben, eve = (Peer(document, name).join() for name in ("ada", "ben", "eve"))
    ada.type("A", at=0)
    ben.type("B", at=1)
    del ben.text[0:1]
    await turn()
    assert len(eve.updates) == 2
    assert str(eve.text) == str(ada.text) == "AB"


async def test_the_writer_is_told_after_the_commit():
    class SlowStore(MemoryStore):
        committed = False

        async def append(self, doc, entries):
            await turn()
            result = await super().append(doc, entries)
            assert ada.acknowledged == 0, "told before the commit"
            return result

    document, _, _ = make_document(store=SlowStore())
    ada = Peer(document)
    ada.join()
    ada.acknowledged = 0
    ada.type("hello")
    await document.committed()
    assert ada.acknowledged == 2  # the answer to step 1, and the edit


class GatedStore(MemoryStore):
    """Keep appends waiting until the gate is open."""

    def __init__(self):
        super().__init__()
        self.gate = asyncio.Event()

    async def append(self, doc, entries):
        await self.gate.wait()
        return await super().append(doc, entries)


async def test_what_the_file_brings_is_told_after_its_commit_and_what_follows_it_in_order():
    """A server that ends before the commit merges the file again: who had heard of the first would double it."""
    store = GatedStore()
    document, _, _ = make_document("x", store=store)
    ada, ben = Peer(document, "ada").join(), Peer(document, "ben").join()
    with document.doc.transaction(origin=Origin("file")):
        document.doc.get("source", type=Text).insert(1, "y")
    await turn()
    ada.type("a")
    await turn()
    cleo = Peer(document, "cleo").join()
    assert [str(peer.text) for peer in (ada, ben, cleo)] == ["ax", "x", ""]
    store.gate.set()
    await document.released()
    assert [str(peer.text) for peer in (ada, ben, cleo)] == ["axy", "axy", "axy"]
    ada.type("b")
    await turn()
    assert str(cleo.text) == "baxy", "nothing is held any more"


async def test_who_compares_is_shown_what_was_there_before_its_deletions_also_while_a_commit_is_awaited():
    store = GatedStore()
    document, _, seeded = make_document("abc", store=store)
    ada, ben = Peer(document, "ada").join(), Peer(document, "ben").join()
    document.leave(ada)
    del ada.text[0:3]
    ben.type("typed ")
    with document.doc.transaction(origin=Origin("file")):
        document.doc.get("source", type=Text).insert(9, "d")
    await turn()
    ada.join(seeded.lineage, compares=True)
    await turn()
    store.gate.set()
    await document.released()
    shown: Doc = Doc()
    shown.apply_update(ada.answers[-1])
    assert str(shown.get("source", type=Text)) == "typed abcd"
    assert [name for name, _ in ada.heard][-2:] == ["text", "received"]
    await turn()
    assert str(ada.text) == str(ben.text) == "typed d"


async def test_what_the_file_brings_does_not_wait_for_a_disk_that_refuses(monkeypatch):
    monkeypatch.setattr("rtc_widgets.rooms.committer._RETRY_AFTER", (0.01,))

    class FullStore(MemoryStore):
        full = True

        async def append(self, doc, entries):
            if self.full:
                raise StoreError("The disk is full.")
            return await super().append(doc, entries)

    store = FullStore()
    document, _, _ = make_document("x", store=store)
    ben = Peer(document, "ben").join()
    with document.doc.transaction(origin=Origin("file")):
        document.doc.get("source", type=Text).insert(1, "y")
    await document.released()
    assert str(ben.text) == "xy"
    store.full = False
    await document.committed()


async def test_a_store_that_refuses_loses_nothing(monkeypatch):
    monkeypatch.setattr("rtc_widgets.rooms.committer._RETRY_AFTER", (0.0,))

    class FullDisk(MemoryStore):
        refusals = 3

        async def append(self, doc, entries):
            if self.refusals:
                self.refusals -= 1
                raise StoreError("The disk is full. Make room on it.")
            return await super().append(doc, entries)

    document, store, _ = make_document(store=FullDisk())
    ada = Peer(document).join()
    ada.type("hello")
    await document.committed()
    assert ada.acknowledged == 2
    assert [told.params["code"] for told in ada.events] == ["store"]
    assert "disk is full" in ada.events[0].params["message"]
    assert [entry.author for entry in await log_of(store)] == ["ada"]


async def test_the_relays_own_changes_are_signed():
    document, store, _ = make_document()
    ada = Peer(document).join()
    with document.doc.transaction(origin=Origin("file")):
        document.doc.get("source", type=Text).insert(0, "from disk")
    await document.committed()
    assert str(ada.text) == "from disk"
    assert [entry.author for entry in await log_of(store)] == ["file"]


async def test_the_log_tells_a_person_called_file_from_the_file_and_a_kernel_from_who_runs_it():
    document, store, _ = make_document()
    person, kernel = Peer(document, "file").join(), Peer(document, "relay").join()
    kernel.kind = "kernel"
    for writer in (person, kernel):
        writer.type("x")
        await document.committed()
    for kind in ("file", "relay"):
        with document.doc.transaction(origin=Origin(kind)):
            document.doc.get("source", type=Text).insert(0, "x")
        await document.committed()
    document.note("a label")
    await document.committed()
    log = [(entry.author, entry.by) for entry in await log_of(store)]
    assert log == [
        ("file", "person"),
        ("relay", "kernel"),
        ("file", "file"),
        ("relay", "relay"),
        (None, "relay"),
    ]


async def test_who_may_only_read_cannot_write_by_any_frame():
    for frame in (sync.update, sync.step2):
        document, store, _ = make_document("x = 1")
        ada, eve = Peer(document, "ada").join(), Peer(document, "eve", Role.VIEWER).join()
        stolen = Doc()
        stolen.get("source", type=Text).insert(0, "stolen ")
        eve.say(frame(stolen.get_update()))
        await turn()
        assert eve.closed is not None and eve.closed[0] == CloseCode.READ_ONLY
        assert str(document.doc.get("source", type=Text)) == "x = 1"
        ada.type("y")
        await document.committed()
        assert ada.closed is None and ada.acknowledged == 2
        assert [entry.author for entry in await log_of(store)] == ["ada"]


async def test_a_viewer_is_not_asked_for_its_content_and_may_say_nothing_new():
    document, _, _ = make_document("x = 1")
    eve = Peer(document, "eve", Role.VIEWER).join()
    assert eve.acknowledged == 0
    eve.say(sync.update(sync.EMPTY_UPDATE))
    await document.committed()
    assert eve.closed is None


async def test_a_viewer_sees_the_others_type():
    document, _, _ = make_document()
    ada, eve = Peer(document, "ada").join(), Peer(document, "eve", Role.VIEWER).join()
    ada.type("hello")
    await turn()
    assert str(eve.text) == "hello"


async def test_nobody_writes_a_document_that_is_the_relays():
    document, _, _ = make_document(writable=False)
    ada = Peer(document, role=Role.RUNNER).join()
    ada.type("x")
    await turn()
    assert ada.closed is not None and ada.closed[0] == CloseCode.READ_ONLY


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", CloseCode.BAD_FRAME),
        (b"\0\3\0", CloseCode.BAD_FRAME),
        (sync.update(b"garbage"), CloseCode.BAD_FRAME),
        (sync.step1(b"\xff\xff"), CloseCode.BAD_FRAME),
        (awareness.encode(b"\5"), CloseCode.BAD_FRAME),
        (awareness.encode(b"\0" * 70_000), CloseCode.TOO_LARGE),
    ],
)
async def test_a_frame_that_does_not_decode_closes_its_sender_only(frame, code):
    document, _, _ = make_document("x = 1")
    ada, eve = Peer(document, "ada").join(), Peer(document, "eve").join()
    eve.say(frame)
    assert eve.closed is not None and eve.closed[0] == code
    ada.type("y")
    await document.committed()
    assert str(document.doc.get("source", type=Text)) == "yx = 1"
    assert ada.closed is None


async def test_a_foreign_lineage_is_refused():
    document, _, _ = make_document("x = 1")
    with pytest.raises(ChannelClosed) as caught:
        Peer(document).join(lineage="another")
    assert caught.value.code == CloseCode.LINEAGE_MISMATCH
    assert document.peers == []


async def test_the_same_lineage_is_welcome():
    document, _, seeded = make_document("x = 1")
    ada = Peer(document)
    ada._remote = True
    ada.doc.apply_update(seeded.update)
    ada._remote = False
    ada.join(lineage=seeded.lineage)
    assert str(ada.text) == "x = 1"


async def test_a_stock_client_with_another_seed_is_refused_before_anything_doubles():
    document, _, _ = make_document("x = 1")
    foreign = Doc()
    foreign.apply_update(seed("file", "x = 2").update)
    with pytest.raises(ChannelClosed) as caught:
        document.join(Peer(document), [sync.step1(foreign.get_state())])
    assert caught.value.code == CloseCode.LINEAGE_MISMATCH
    late = Peer(document).join()
    late.say(sync.step2(foreign.get_update()))
    assert late.closed is not None and late.closed[0] == CloseCode.LINEAGE_MISMATCH
    assert str(document.doc.get("source", type=Text)) == "x = 1"


async def test_parts_of_a_large_edit_arrive_whole():
    document, _, _ = make_document(limits=Limits(frame=1000))
    ada, ben = Peer(document, "ada").join(), Peer(document, "ben").join()
    ada.type("x" * 10_000)
    await document.committed()
    assert str(ben.text) == "x" * 10_000
    assert ada.acknowledged == 12  # the answer to step 1, then eleven parts


async def test_awareness_reaches_the_others_and_ends_with_the_peer():
    document, _, _ = make_document()
    ada, ben = Peer(document, "ada").join(), Peer(document, "ben").join()
    ada.say(awareness.encode(encode_states([State(1, 1, '{"status":"ada"}')])))
    await turn()
    assert ben.states == {1: {"status": "ada"}}
    eve = Peer(document, "eve").join()
    assert eve.states == {1: {"status": "ada"}}
    document.leave(ada)
    await turn()
    assert ben.states == {1: None} and eve.states == {1: None}
    ben.states.clear()
    ben.say(query_awareness.encode())
    assert ben.states == {}


async def test_nobody_speaks_for_others():
    document, _, _ = make_document()
    ada, eve = Peer(document, "ada").join(), Peer(document, "eve").join()
    ada.say(awareness.encode(encode_states([State(1, 1, '{"status":"ada"}')])))
    await turn()
    eve.say(awareness.encode(encode_states([State(1, 9, '{"status":"mallory"}'), State(1, 10, "null")])))
    await turn()
    late = Peer(document, "late").join()
    assert late.states == {1: {"status": "ada"}}


async def test_a_tab_that_comes_back_early_keeps_its_client():
    document, _, _ = make_document()
    old, ben = Peer(document, "ada").join(), Peer(document, "ben").join()
    old.say(awareness.encode(encode_states([State(1, 1, '{"cursor":1}')])))
    new = Peer(document, "ada").join()
    new.say(awareness.encode(encode_states([State(1, 2, '{"cursor":2}')])))
    await turn()
    assert ben.states == {1: {"cursor": 2}}
    document.leave(old)
    await turn()
    assert ben.states == {1: {"cursor": 2}}, "the old connection's end takes nobody away"
    document.leave(new)
    await turn()
    assert ben.states == {1: None}


async def test_requests_are_answered_by_the_handler_or_refused():
    document, _, _ = make_document()

    async def answer(peer, asked):
        if asked.method == "greet":
            return {"hello": peer.user}
        if asked.method == "fail":
            raise RuntimeError("a bug")
        raise ChannelClosed("unknown-method", "No.")

    document.on_request = answer
    ada = Peer(document, "ada").join()
    for number, method in enumerate(("greet", "fail", "other"), start=1):
        ada.say(request.encode_request(number, method))
    await turn()
    assert ada.responses[1].result == {"hello": "ada"}
    assert ada.responses[2].result["code"] == CloseCode.INTERNAL_ERROR
    assert ada.responses[3].result["code"] == "unknown-method"
    assert ada.closed is None


async def test_a_closed_document_lets_nobody_in_and_keeps_what_was_typed():
    document, store, _ = make_document()
    ada = Peer(document, "ada").join()
    ada.type("hello")
    await document.aclose()
    assert ada.closed is not None and ada.closed[0] == CloseCode.GOING_AWAY
    assert len(await log_of(store)) == 1
    with pytest.raises(ChannelClosed):
        Peer(document).join()


class _Gated(MemoryStore):
    """A store whose every append waits until it is let through."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[asyncio.Future[None]] = []

    async def append(self, doc, entries):
        gate = asyncio.get_running_loop().create_future()
        self.waiting.append(gate)
        await gate
        return await super().append(doc, entries)


async def test_nothing_is_acknowledged_that_came_while_the_log_was_being_written(monkeypatch):
    monkeypatch.setattr("rtc_widgets.rooms.committer._SPACING", 0.0)
    store = _Gated()
    document, _, _ = make_document(store=store)
    ada = Peer(document).join()
    ada.type("a")
    await turn()
    # In one turn the log answers, and more comes in before the answer is heard.
    first = store.waiting[0]
    first.set_result(None)
    ada.type("b")
    await turn()
    assert len(store.waiting) == 2, "the second change is on its way to the log"
    assert ada.acknowledged == 2, "the step 2 and the first change are acknowledged, the second is not"
    store.waiting[1].set_result(None)
    await document.committed()
    await turn()
    assert ada.acknowledged == 3


async def test_while_somebody_types_keys_are_logged_together(monkeypatch):
    monkeypatch.setattr("rtc_widgets.rooms.committer._SPACING", 3600.0)
    store = _Gated()
    document, _, _ = make_document(store=store)
    ada = Peer(document).join()
    ada.type("a")
    await turn()
    assert len(store.waiting) == 1, "the first is not kept waiting"
    store.waiting[0].set_result(None)
    await turn()
    for key in "bc":
        ada.type(key)
        await turn()
    assert len(store.waiting) == 1 and ada.acknowledged == 2, "the others are"
    # Whoever needs the log to have everything, as a save does, is not.
    done = asyncio.create_task(document.committed())
    await turn()
    assert len(store.waiting) == 2
    store.waiting[1].set_result(None)
    await done
    assert ada.acknowledged == 4
    assert len(await log_of(store)) == 3
    await document.aclose()


async def test_what_a_turn_brings_is_sent_in_one_piece():
    class Counting(Peer):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.pieces: list[int] = []

        def send(self, outgoing):
            self.pieces.append(len(outgoing.frames))
            super().send(outgoing)

    document, _, _ = make_document()
    ada = Peer(document, "ada").join()
    ben = Counting(document, "ben").join()
    await document.committed()
    ben.pieces.clear()
    ada.type("a")
    ada.say(awareness.encode(encode_states([State(7, 1, '{"cursor": 1}')])))
    await turn()
    assert ben.pieces == [2], "the key and the cursor"
    assert str(ben.text) == "a"
    ada.say(awareness.encode(encode_states([State(7, 2, '{"cursor": 2}')])))
    await turn()
    assert ben.pieces == [2, 1]
