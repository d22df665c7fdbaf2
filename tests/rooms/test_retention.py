"""A log is made short: what is old is one snapshot, a minute's typing one entry, and the document stays what it is."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text

from rtc_widgets.documents.seed import seed
from rtc_widgets.rooms.log import load
from rtc_widgets.rooms.retention import Retention, shorten
from rtc_widgets.stores import Entry, MemoryStore, Snapshot, SqliteStore

# A day has many keys.
pytestmark = pytest.mark.timeout(180)

NAME = "r.content"
SEED = seed("file", "seed ")
DAY = 24 * 3600.0
NOW = 100 * DAY


def typed(
    count: int, *, began: float, every: float, people: int = 1, seed_: int = 1
) -> Iterator[tuple[Entry, str]]:
    """Yield the keys of people who type and delete a little, one after the other for some minutes each."""
    dice = random.Random(seed_)
    doc: Doc[Any] = Doc()
    doc.apply_update(SEED.update)
    text = doc.get("source", type=Text)
    made: list[bytes] = []
    subscription = doc.observe(lambda happened: made.append(happened.update))
    at, place = began, len(text)
    for number in range(count):
        if dice.random() < 0.02:
            place = dice.randrange(len(text) + 1)
        if place and dice.random() < 0.05:
            place -= 1
            del text[place]
        else:
            text.insert(place, dice.choice("abc def\n"))
            place += 1
        at += every
        yield Entry(made[-1], f"person{number // 500 % people}", at, "update", by="person"), str(text)
    doc.unobserve(subscription)


async def begun(store: Any, at: float) -> None:
    await store.append(NAME, [Entry(SEED.update, None, at, "seed", SEED.lineage)])


async def said(store: Any) -> str:
    doc: Doc[Any] = Doc()
    assert await load(store, NAME, doc, SEED.lineage) is not None
    return str(doc.get("source", type=Text))


async def log(store: Any) -> list[Entry]:
    return [entry async for entry in store.read(NAME)]


async def test_a_days_typing_takes_a_small_factor_of_what_it_came_to(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    entries = list(typed(30_000, began=NOW - 8 * 3600, every=0.7, people=2))
    text = entries[-1][1]
    async with aclosing(SqliteStore(path)) as store:
        await begun(store, NOW - 8 * 3600)
        for start in range(0, len(entries), 10_000):
            await store.append(NAME, [entry for entry, _ in entries[start : start + 10_000]])
            await shorten(store, NAME, Retention(), entries[min(start + 9999, len(entries) - 1)][0].time)
        await shorten(store, NAME, Retention(), NOW + 3600)
        assert await said(store) == text
        kept = await log(store)
    assert path.stat().st_size < 8 * len(text), "and it would be eighty times as much"
    # The history is there, to the minute, and whose it was.
    assert {entry.author for entry in kept[1:]} == {"person0", "person1"}
    assert {entry.by for entry in kept[1:]} == {"person"}
    gaps = [after.time - before.time for before, after in itertools.pairwise(kept[1:])]
    assert max(gaps) < 122, "each stands for a minute at most"
    states = {state for _, state in entries}
    doc: Doc[Any] = Doc()
    for entry in kept:
        doc.apply_update(entry.update)
        assert entry.kind == "seed" or str(doc.get("source", type=Text)) in states


async def test_what_came_last_is_left_alone() -> None:
    store = MemoryStore()
    await begun(store, NOW - 60)
    await store.append(NAME, [entry for entry, _ in typed(50, began=NOW - 60, every=1)])
    before = await log(store)
    await shorten(store, NAME, Retention(), NOW)
    assert await log(store) == before


async def test_what_is_older_than_the_window_is_one_snapshot() -> None:
    store = MemoryStore()
    entries = list(typed(400, began=NOW - 40 * DAY, every=0.1 * DAY))
    await begun(store, NOW - 40 * DAY)
    await store.append(NAME, [entry for entry, _ in entries])
    seqs = [entry.seq for entry in await log(store)]
    await shorten(store, NAME, Retention(days=30), NOW)
    first, *rest = await log(store)
    assert (first.kind, first.label) == ("snapshot", SEED.lineage)
    assert [entry.seq for entry in rest] == seqs[-len(rest) :]
    assert len(rest) == sum(entry.time >= NOW - 30 * DAY for entry, _ in entries) > 200
    assert await said(store) == entries[-1][1]


async def test_a_log_over_its_size_gives_up_its_older_half() -> None:
    store = MemoryStore()
    entries = list(typed(3000, began=NOW - DAY, every=20))
    await begun(store, NOW - DAY)
    await store.append(NAME, [entry for entry, _ in entries])
    await shorten(store, NAME, Retention(size=100_000), NOW)
    kept = await log(store)
    assert kept[0].kind == "snapshot" and len(kept) > 100
    assert sum(len(entry.update) + 60 for entry in kept[1:]) <= 50_000
    assert await said(store) == entries[-1][1]


async def test_what_has_a_name_stays_reachable() -> None:
    store = MemoryStore()
    entries = list(typed(300, began=NOW - 40 * DAY, every=1))
    await begun(store, NOW - 40 * DAY)
    await store.append(NAME, [entry for entry, _ in entries[:100]])
    await store.append(NAME, [Entry(b"\0\0", "ada", entries[99][0].time, "update", "before the review")])
    await store.append(NAME, [entry for entry, _ in entries[100:]])
    await shorten(store, NAME, Retention(days=30), NOW)
    kept = await log(store)
    assert len(kept) < 12
    doc: Doc[Any] = Doc()
    for entry in kept:
        doc.apply_update(entry.update)
        if entry.label == "before the review":
            break
    assert str(doc.get("source", type=Text)) == entries[99][1]
    assert await said(store) == entries[-1][1]


async def test_a_snapshot_beside_the_log_stays_of_use() -> None:
    store = MemoryStore()
    entries = list(typed(300, began=NOW - DAY, every=1))
    await begun(store, NOW - DAY)
    await store.append(NAME, [entry for entry, _ in entries])
    covered = (await log(store))[:150]
    doc: Doc[Any] = Doc()
    for entry in covered:
        doc.apply_update(entry.update)
    beside = Snapshot(covered[-1].seq, SEED.lineage, doc.get_update())
    await store.put_snapshot(NAME, beside)
    await shorten(store, NAME, Retention(), NOW)
    assert await store.snapshot(NAME) == beside
    assert len(await log(store)) < 12
    assert await said(store) == entries[-1][1]


_SHORTENER = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from rooms.test_retention import NAME, NOW, DAY, Retention, SqliteStore, begun, shorten, typed

async def main():
    store = SqliteStore(sys.argv[1])
    entries = list(typed(8_000, began=NOW - 40 * DAY, every=400.0))
    await begun(store, NOW - 40 * DAY)
    await store.append(NAME, [entry for entry, _ in entries])
    print(entries[-1][1].encode().hex(), flush=True)
    days = 40
    while True:
        days -= 1
        await shorten(store, NAME, Retention(days=max(days, 0)), NOW)
        print("shortened", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [0, 1, 3])
async def test_a_kill_in_the_midst_of_it_loses_nothing(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "log.sqlite"
    command = [sys.executable, "-c", _SHORTENER, str(path), str(Path(__file__).parents[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220
        assert process.stdout is not None
        text = bytes.fromhex(await asyncio.to_thread(process.stdout.readline)).decode()
        for _ in range(lines):
            await asyncio.to_thread(process.stdout.readline)
        process.send_signal(signal.SIGKILL)
    async with aclosing(SqliteStore(path)) as store:
        assert store.damage is None
        assert await said(store) == text
