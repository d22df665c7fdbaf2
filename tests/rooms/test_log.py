"""A document comes out of its log as it was, with a snapshot beside it or without, and the log keeps every change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from pycrdt import Doc, Text
from support.conversation import Peer

from rtc_widgets.documents.seed import seed
from rtc_widgets.errors import StoreError
from rtc_widgets.protocol import sync
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.log import Tally, load
from rtc_widgets.stores import Entry, MemoryStore, Snapshot

SEED = seed("file", "seed ")
NAME = "r.content"


class Store(MemoryStore):
    """Tells what was read, and can be made to refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.read_after: list[int] = []
        self.refuses_snapshots = False

    def read(self, doc: str, *, after: int = 0) -> AsyncIterator[Entry]:
        self.read_after.append(after)
        return super().read(doc, after=after)

    async def put_snapshot(self, doc: str, snapshot: Snapshot) -> None:
        if self.refuses_snapshots:
            raise StoreError("The disk is full.")
        await super().put_snapshot(doc, snapshot)

    async def snapshot(self, doc: str) -> Snapshot | None:
        if self.refuses_snapshots:
            raise StoreError("The disk is full.")
        return await super().snapshot(doc)

    @property
    def log(self) -> list[Entry]:
        return self._logs[NAME]

    @property
    def kept(self) -> Snapshot | None:
        return self._snapshots.get(NAME)

    def keep(self, snapshot: Snapshot) -> None:
        self._snapshots[NAME] = snapshot


async def opened(store: Store, every: int = 10) -> RoomDocument:
    """Return the document from its log, which begins with its seed."""
    if NAME not in store._logs:
        await store.append(NAME, [Entry(SEED.update, None, 0.0, "seed", SEED.lineage)])
    doc: Doc[Any] = Doc()
    tally = await load(store, NAME, doc, SEED.lineage)
    assert tally is not None
    return RoomDocument(NAME, "content", doc, SEED.lineage, store, tally=tally, snapshot_every=every)


async def typed(document: RoomDocument, count: int) -> None:
    """Type so many keys, each of which is a change of its own in the log."""
    ada = Peer(document, "ada").join()
    for _ in range(count):
        ada.type("x")
        await document.committed()
    document.leave(ada)


def said(document: RoomDocument) -> str:
    return str(document.doc.get("source", type=Text))


def replayed(log: Sequence[Entry]) -> bytes:
    doc: Doc[Any] = Doc()
    for entry in log:
        doc.apply_update(entry.update)
    return doc.get_state()


async def test_a_snapshot_is_made_every_so_many_changes_and_the_log_keeps_them_all() -> None:
    store = Store()
    document = await opened(store)
    await typed(document, 25)
    assert store.kept is not None
    assert len([entry for entry in store.log if entry.seq > store.kept.seq]) <= 10
    assert [entry.author for entry in store.log] == [None, *["ada"] * 25]
    await document.aclose()


async def test_loading_takes_the_snapshot_and_only_what_came_after() -> None:
    store = Store()
    await typed(await opened(store), 25)
    assert store.kept is not None
    again = await opened(store)
    assert store.read_after[-1] == store.kept.seq
    assert said(again) == "x" * 25 + "seed "
    assert again.doc.get_state() == replayed(store.log)


async def test_a_snapshot_holds_nothing_that_the_log_has_not() -> None:
    store = Store()
    document = await opened(store, every=1)
    ada = Peer(document, "ada").join()
    seen = 0
    for number in range(40):
        ada.type("x")
        committed = asyncio.create_task(document.committed())
        for _ in range(number % 5):
            await asyncio.sleep(0)
        ada.type("y")  # at any step of the commit
        await committed
        if store.kept is not None:
            seen += 1
            whole: Doc[Any] = Doc()
            whole.apply_update(store.kept.state)
            covered = [entry for entry in store.log if entry.seq <= store.kept.seq]
            assert whole.get_state() == replayed(covered)
    assert seen > 30
    await document.aclose()


async def test_a_log_that_only_people_who_read_opened_gets_its_snapshot_too() -> None:
    store = Store()
    await typed(await opened(store, every=0), 25)
    assert store.kept is None
    document = await opened(store)
    await document.aclose()
    assert store.kept is not None and store.kept.seq == store.log[-1].seq


async def test_a_large_document_has_fewer() -> None:
    tally = Tally(size=1_000_000)
    tally.add([Entry(b"x" * 1000, "ada", 0.0, "update")] * 499)
    assert not tally.due(10)
    tally.add([Entry(b"x" * 1000, "ada", 0.0, "update")])
    assert tally.due(10)
    assert not tally.due(0), "none were asked for"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda kept: Snapshot(kept.seq, "another", kept.state), "another lineage"),
        (
            lambda kept: Snapshot(kept.seq, kept.lineage, kept.state, kept.version + 1),
            "another lineage or release",
        ),
        (lambda kept: Snapshot(kept.seq, kept.lineage, b"no update"), "is no document"),
    ],
    ids=["lineage", "release", "damaged"],
)
async def test_a_snapshot_that_does_not_fit_is_passed_over(
    spoil: Callable[[Snapshot], Snapshot], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store()
    await typed(await opened(store), 25)
    assert store.kept is not None
    store.keep(spoil(store.kept))
    again = await opened(store)
    assert said(again) == "x" * 25 + "seed "
    assert reason in caplog.text and "its log is replayed" in caplog.text


async def test_a_store_that_refuses_snapshots_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    store.refuses_snapshots = True
    document = await opened(store)
    ada = Peer(document, "ada").join()
    for _ in range(25):
        seq = ada.say(sync.update(_key(ada)))
        await document.committed()
    assert ada.acknowledged == seq
    assert "No snapshot of r.content was made; its log is whole." in caplog.text
    document.leave(ada)
    assert said(await opened(store)) == said(document)


def _key(peer: Peer) -> bytes:
    """Return a key typed elsewhere in the name of *peer*."""
    doc: Doc[Any] = Doc()
    doc.get("source", type=Text).insert(0, "x")
    return doc.get_update()


async def test_what_waits_for_an_earlier_change_is_not_lost_to_a_snapshot() -> None:
    store = Store()
    document = await opened(store, every=1)
    elsewhere: Doc[Any] = Doc()
    text = elsewhere.get("source", type=Text)
    updates: list[bytes] = []
    subscription = elsewhere.observe(lambda happened: updates.append(happened.update))
    for letter in "ab":
        text.insert(len(text), letter)
    elsewhere.unobserve(subscription)
    ada = Peer(document, "ada").join()
    ada.say(sync.update(updates[1]))
    await typed(document, 3)
    ada.say(sync.update(updates[0]))
    await typed(document, 3)
    await document.aclose()
    again = await opened(store)
    assert store.read_after[-1], "from a snapshot"
    assert "ab" in said(again)


async def test_a_log_of_another_lineage_is_none() -> None:
    store = Store()
    await typed(await opened(store), 3)
    assert await load(store, NAME, Doc(), "another") is None
    assert await load(store, "unknown", Doc(), SEED.lineage) is None


async def test_a_long_log_is_replayed_as_it_was_typed() -> None:
    store = Store()
    document = await opened(store, every=0)
    ada = Peer(document, "ada").join()
    for number in range(700):
        ada.type(str(number % 10), at=number // 2)
        if number % 7 == 0:
            del ada.text[0]
    await document.committed()
    again = await opened(store, every=0)
    assert len(store.log) > 600
    assert said(again) == said(document) == str(ada.text)
    assert again.doc.get_update() == document.doc.get_update()
