# ruff: noqa: D102 - the tests say in their names what they hold to be true
"""The exam that every ``Store`` must pass.

A new store's whole test file:

    class TestMyStore(StoreExam):
        def open_store(self, folder: Path) -> Store:
            return MyStore(folder)
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from rtc_widgets.errors import StoreError
from rtc_widgets.stores.entry import PARTICIPANTS, Entry
from rtc_widgets.stores.snapshot import Snapshot, snapshots_of

if TYPE_CHECKING:
    from pathlib import Path

    from rtc_widgets.stores.entry import Participant, Store
    from rtc_widgets.stores.snapshot import Snapshots

__all__ = ["StoreExam"]


def _update(text: str, author: str | None = "ada") -> Entry:
    return Entry(text.encode(), author, 1.5, "update")


async def _texts(store: Store, doc: str, *, after: int = 0) -> list[str]:
    return [entry.update.decode() async for entry in store.read(doc, after=after)]


def _beside(store: Store) -> Snapshots:
    snapshots = snapshots_of(store)
    assert snapshots is not None, "a store without `put_snapshot` and `snapshot` says `snapshots = False`"
    return snapshots


@pytest.mark.asyncio
class StoreExam(ABC):
    """Hold the exam; a subclass whose name begins with ``Test`` sits it."""

    persistent = True
    """Whether a store that is opened again in the same folder still has everything."""

    snapshots = True
    """Whether the store keeps ``Snapshots`` beside the logs; one that does not loads long logs later."""

    @abstractmethod
    def open_store(self, folder: Path) -> Store:
        """Return a store that keeps its files, if any, in *folder*."""

    def _needs_snapshots(self) -> None:
        if not self.snapshots:
            pytest.skip("a store need not keep snapshots")

    async def test_an_unknown_document_has_an_empty_log(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            assert await _texts(store, "doc") == []
            await store.compact("doc", upto=5, snapshot=b"whole")
            assert await _texts(store, "doc") == []

    async def test_entries_come_back_as_they_went_in(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            entries = [
                Entry(b"\0seed\xff", None, 1.25, "seed", "lineage"),
                Entry(b"", "Grace Hopper ✓", 2.5, "update"),
                Entry(b"x" * 3_000_000, "", 3.0, "snapshot", "other"),
            ]
            last = await store.append("doc", entries)
            read = [entry async for entry in store.read("doc")]
            assert [(e.update, e.author, e.time, e.kind, e.label) for e in read] == [
                (e.update, e.author, e.time, e.kind, e.label) for e in entries
            ]
            assert read[-1].seq == last
            assert [e.seq for e in read] == sorted({e.seq for e in read})
            assert read[0].seq > 0

    async def test_a_person_called_file_is_told_from_the_file(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            said: list[tuple[str | None, Participant | None]] = [
                ("relay", "person"),
                (None, "kernel"),
                ("a", None),
            ]
            said += [("file", by) for by in PARTICIPANTS]
            await store.append("doc", [Entry(b"1", author, 1.0, "update", by=by) for author, by in said])
            assert [(entry.author, entry.by) async for entry in store.read("doc")] == said

    async def test_documents_are_apart(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            await store.append("a", [_update("1")])
            await store.append("b", [_update("2")])
            await store.append("a", [_update("3")])
            await store.compact("b", upto=10**9, snapshot=b"whole")
            assert await _texts(store, "a") == ["1", "3"]
            assert await _texts(store, "b") == ["whole"]

    async def test_nothing_appended_is_nothing_changed(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            assert await store.append("doc", []) == 0
            last = await store.append("doc", [_update("1")])
            assert await store.append("doc", []) == last
            assert await _texts(store, "doc") == ["1"]

    async def test_reading_after_an_entry(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            for number in range(5):
                await store.append("doc", [_update(str(number))])
            seqs = [entry.seq async for entry in store.read("doc")]
            assert await _texts(store, "doc", after=seqs[2]) == ["3", "4"]
            assert await _texts(store, "doc", after=seqs[4]) == []

    async def test_a_long_log_is_read_in_order(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            await store.append("doc", [_update(str(number)) for number in range(2500)])
            assert await _texts(store, "doc") == [str(number) for number in range(2500)]

    async def test_a_hundred_appenders_at_once(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:

            async def append(writer: int) -> list[int]:
                return [
                    await store.append(f"doc{writer % 2}", [_update(f"{writer} {number}")])
                    for number in range(20)
                ]

            answers = await asyncio.gather(*(append(writer) for writer in range(100)))
            assert len({seq for seqs in answers for seq in seqs}) == 2000
            assert all(seqs == sorted(seqs) for seqs in answers)
            for half in range(2):
                texts = await _texts(store, f"doc{half}")
                assert len(texts) == 1000
                for writer in range(half, 100, 2):
                    own = [text for text in texts if text.split()[0] == str(writer)]
                    assert own == [f"{writer} {number}" for number in range(20)]

    async def test_two_event_loops_share_a_store(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:

            async def append(name: str) -> None:
                for number in range(50):
                    await store.append("doc", [_update(f"{name}{number}")])

            threads = [threading.Thread(target=lambda name=name: asyncio.run(append(name))) for name in "ab"]
            for thread in threads:
                thread.start()
            await append("c")
            for thread in threads:
                await asyncio.to_thread(thread.join)
            texts = await _texts(store, "doc")
            for name in "abc":
                assert [text for text in texts if text[0] == name] == [f"{name}{n}" for n in range(50)]

    async def test_reading_while_others_append(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            await store.append("doc", [_update(str(number)) for number in range(1500)])
            read = []
            async for entry in store.read("doc"):
                read.append(entry.update.decode())
                if len(read) % 500 == 1:
                    await store.append("doc", [_update(str(1500 + len(read)))])
            assert read[:1500] == [str(number) for number in range(1500)]
            assert len(await _texts(store, "doc")) >= 1503

    async def test_compacting_keeps_the_label_of_the_first_and_what_came_after(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            await store.append("doc", [Entry(b"seed", None, 1.0, "seed", "lineage")])
            upto = await store.append("doc", [_update("1"), _update("2")])
            await store.append("doc", [_update("3")])
            await store.compact("doc", upto=upto, snapshot=b"whole")
            first, second = [entry async for entry in store.read("doc")]
            assert first == Entry(b"whole", None, 1.5, "snapshot", "lineage", upto)
            assert second.update == b"3"
            await store.compact("doc", upto=second.seq, snapshot=b"again")
            (only,) = [entry async for entry in store.read("doc")]
            assert (only.kind, only.label, only.update) == ("snapshot", "lineage", b"again")
            assert await store.append("doc", [_update("4")]) > only.seq

    async def test_a_document_begins_anew_with_a_label_of_its_own(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            await store.append("doc", [Entry(b"seed", None, 1.0, "seed", "lineage")])
            upto = await store.append("doc", [_update("1")])
            await store.compact("doc", upto=upto, snapshot=b"whole", label="another")
            assert [entry async for entry in store.read("doc")] == [
                Entry(b"whole", None, 1.5, "snapshot", "another", upto)
            ]
            # Also with nothing in it, for then it is meant.
            await store.compact("doc", upto=upto, snapshot=b"\0\0", label="empty")
            assert [(e.update, e.label) async for e in store.read("doc")] == [(b"\0\0", "empty")]

    async def test_entries_in_the_midst_become_one_that_is_the_last_ones(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            said = [
                Entry(b"seed", None, 1.0, "seed", "lineage"),
                *(_update(str(number)) for number in range(5)),
            ]
            said[4] = Entry(b"3", "ben", 7.0, "update", "a label", by="kernel")
            await store.append("doc", said)
            seqs = [entry.seq async for entry in store.read("doc")]
            await store.compact("doc", after=seqs[1], upto=seqs[4], snapshot=b"123")
            assert await _texts(store, "doc") == ["seed", "0", "123", "4"]
            whole = [entry async for entry in store.read("doc")][2]
            assert whole == Entry(b"123", "ben", 7.0, "update", "a label", seqs[4], "kernel")
            await store.compact("doc", after=seqs[4], upto=seqs[4], snapshot=b"nothing")
            await store.compact("doc", after=seqs[5], upto=seqs[5] + 9, snapshot=b"nothing")
            assert await _texts(store, "doc") == ["seed", "0", "123", "4"]
            with pytest.raises(StoreError):
                await store.compact("doc", after=seqs[1], upto=seqs[4], snapshot=b"\0\0")
            await store.compact("doc", upto=seqs[4], snapshot=b"whole")
            assert [(e.update, e.kind) async for e in store.read("doc")] == [
                (b"whole", "snapshot"),
                (b"4", "update"),
            ]

    async def test_a_snapshot_beside_entries_that_became_one_stays_if_it_covers_them_all(
        self, tmp_path: Path
    ) -> None:
        self._needs_snapshots()
        async with aclosing(self.open_store(tmp_path)) as store:
            await store.append("doc", [_update(str(number)) for number in range(5)])
            seqs = [entry.seq async for entry in store.read("doc")]
            kept = Snapshot(seqs[3], "lineage", b"state")
            await _beside(store).put_snapshot("doc", kept)
            await store.compact("doc", after=seqs[0], upto=seqs[3], snapshot=b"123")
            assert await _beside(store).snapshot("doc") == kept
            await _beside(store).put_snapshot("doc", kept)
            await store.compact("doc", after=seqs[0], upto=seqs[4], snapshot=b"1234")
            assert await _beside(store).snapshot("doc") is None

    async def test_a_reader_misses_nothing_when_the_log_is_compacted(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            last = await store.append("doc", [_update(str(number)) for number in range(3000)])
            seen: list[str] = []
            async for entry in store.read("doc"):
                if not seen:
                    await store.compact("doc", upto=last, snapshot=b"whole")
                seen.append(entry.update.decode())
            assert seen[-1] == "whole" or seen == [str(number) for number in range(3000)]

    @pytest.mark.parametrize("empty", [b"", b"\0\0"])
    async def test_an_empty_snapshot_replaces_no_history(self, tmp_path: Path, empty: bytes) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            last = await store.append("doc", [_update("1"), _update("2")])
            with pytest.raises(StoreError):
                await store.compact("doc", upto=last, snapshot=empty)
            assert await _texts(store, "doc") == ["1", "2"]

    async def test_what_cannot_be_kept_is_refused_alone(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            bad = Entry("text", "ada", 0.0, "update")  # type: ignore[arg-type]
            answers = await asyncio.gather(
                store.append("doc", [_update("1")]),
                store.append("doc", [_update("2"), bad]),
                store.append("doc", [_update("3")]),
                return_exceptions=True,
            )
            assert isinstance(answers[1], StoreError)
            assert await _texts(store, "doc") == ["1", "3"]

    async def test_a_cancelled_append_harms_nobody(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            tasks = [asyncio.create_task(store.append("doc", [_update(str(n))])) for n in range(10)]
            await asyncio.sleep(0)
            tasks[3].cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert sum(isinstance(answer, int) for answer in answers) >= 9
            assert set(map(str, {*range(10)} - {3})) <= set(await _texts(store, "doc"))

    async def test_closing_writes_what_waits_and_refuses_the_rest(self, tmp_path: Path) -> None:
        store = self.open_store(tmp_path)
        tasks = [asyncio.create_task(store.append("doc", [_update(str(n))])) for n in range(100)]
        await asyncio.sleep(0)
        await store.aclose()
        await store.aclose()
        assert len(set(await asyncio.gather(*tasks))) == 100
        with pytest.raises(StoreError):
            await store.append("doc", [_update("late")])
        with pytest.raises(StoreError):
            await _texts(store, "doc")
        if self.persistent:
            async with aclosing(self.open_store(tmp_path)) as again:
                assert await _texts(again, "doc") == [str(n) for n in range(100)]
                assert await again.append("doc", [_update("more")]) > 100

    async def test_a_store_keeps_snapshots_or_says_that_it_does_not(self, tmp_path: Path) -> None:
        async with aclosing(self.open_store(tmp_path)) as store:
            assert (snapshots_of(store) is not None) == self.snapshots

    async def test_a_snapshot_stands_beside_the_log_and_takes_nothing_away(self, tmp_path: Path) -> None:
        self._needs_snapshots()
        state = b"\0state\xff" + b"x" * 3_000_000
        async with aclosing(self.open_store(tmp_path)) as store:
            seq = await store.append("doc", [_update("1"), _update("2")])
            await _beside(store).put_snapshot("doc", Snapshot(seq, "lineage", state))
            await store.append("doc", [_update("3")])
            assert await _beside(store).snapshot("doc") == Snapshot(seq, "lineage", state)
            assert await _texts(store, "doc") == ["1", "2", "3"]
            assert await _texts(store, "doc", after=seq) == ["3"]
        if self.persistent:
            async with aclosing(self.open_store(tmp_path)) as again:
                assert await _beside(again).snapshot("doc") == Snapshot(seq, "lineage", state)

    async def test_a_snapshot_is_replaced_by_a_later_one_only(self, tmp_path: Path) -> None:
        self._needs_snapshots()
        async with aclosing(self.open_store(tmp_path)) as store:
            await store.append("doc", [_update("1"), _update("2")])
            first, last = [entry.seq async for entry in store.read("doc")]
            early, late = Snapshot(first, "a", b"early", 7), Snapshot(last, "b", b"late")
            for put, kept in ((early, early), (late, late), (early, late)):
                await _beside(store).put_snapshot("doc", put)
                assert await _beside(store).snapshot("doc") == kept

    async def test_a_snapshot_of_what_is_not_in_the_log_is_not_kept(self, tmp_path: Path) -> None:
        self._needs_snapshots()
        async with aclosing(self.open_store(tmp_path)) as store:
            other = await store.append("other", [_update("1")])
            seq = await store.append("doc", [_update("1")])
            for beyond in (0, other, seq + 1):
                await _beside(store).put_snapshot("doc", Snapshot(beyond, "lineage", b"state"))
            await _beside(store).put_snapshot("unknown", Snapshot(seq, "lineage", b"state"))
            for doc in ("doc", "other", "unknown"):
                assert await _beside(store).snapshot(doc) is None

    async def test_a_compacted_log_has_no_snapshot_of_what_is_gone(self, tmp_path: Path) -> None:
        self._needs_snapshots()
        async with aclosing(self.open_store(tmp_path)) as store:
            await store.append("doc", [_update("1"), _update("2"), _update("3")])
            seqs = [entry.seq async for entry in store.read("doc")]
            for covered, upto in ((0, 1), (1, 1)):
                await _beside(store).put_snapshot("doc", Snapshot(seqs[covered], "lineage", b"state"))
                await store.compact("doc", upto=seqs[upto], snapshot=b"whole")
                assert await _beside(store).snapshot("doc") is None
                assert await _texts(store, "doc") == ["whole", "3"]
            after = Snapshot(seqs[2], "lineage", b"after")
            await _beside(store).put_snapshot("doc", after)
            await store.compact("doc", upto=seqs[1], snapshot=b"again")
            assert await _beside(store).snapshot("doc") == after

    @pytest.mark.parametrize("empty", [b"", b"\0\0"])
    async def test_an_empty_snapshot_is_not_kept(self, tmp_path: Path, empty: bytes) -> None:
        self._needs_snapshots()
        async with aclosing(self.open_store(tmp_path)) as store:
            seq = await store.append("doc", [_update("1")])
            with pytest.raises(StoreError):
                await _beside(store).put_snapshot("doc", Snapshot(seq, "lineage", empty))
            assert await _beside(store).snapshot("doc") is None
