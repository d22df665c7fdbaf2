"""The log of a document: how quickly changes are safe, how large it grows, how long a document takes to come back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any

from pycrdt import Doc, Text

from benchmarks.contenders import COLLABORATION, LIVE, Peers, available
from benchmarks.runner import Size, Topic, Unit, Ways
from rtc_widgets.relay.relay import RelaySettings
from rtc_widgets.rooms import log
from rtc_widgets.rooms.retention import Retention, shorten
from rtc_widgets.stores.entry import Entry
from rtc_widgets.stores.snapshot import Snapshot
from rtc_widgets.stores.sqlite import SqliteStore

# jupyter-collaboration's store is pycrdt-store's, which is measured in its environment: `python store.py`.
BARE = "SQLite"
TOPIC = Topic("The log: changes that are safe", (LIVE, COLLABORATION, BARE))


@cache
def keys(count: int) -> list[bytes]:
    """Return the updates of so many keys, typed at the end of a text."""
    doc: Doc[Any] = Doc()
    text = doc.get("source", type=Text)
    made: list[bytes] = []
    subscription = doc.observe(lambda event: made.append(event.update))
    for number in range(count):
        text.insert(number, "x")
    doc.unobserve(subscription)
    return made


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


async def _ours(folder: Path, updates: list[bytes], group: int, *, load: bool) -> dict[str, float]:
    """Append as rooms do: each call is answered after its commit."""
    store = SqliteStore(folder / "log.sqlite")
    began = time.perf_counter()
    for start in range(0, len(updates), group):
        entries = [Entry(update, "ada", 1.7e9, "update") for update in updates[start : start + group]]
        await store.append("a-room.content", entries)
    took = time.perf_counter() - began
    if load:
        await store.put_snapshot("a-room.content", await _snapshot(store, len(updates)))
    await store.aclose()
    size = _size(folder)
    if not load:
        return {"a change": took / len(updates)}
    began = time.perf_counter()
    store = SqliteStore(folder / "log.sqlite")
    await store.snapshot("another")  # is answered once it has looked whether the file is whole
    looked = time.perf_counter() - began
    began = time.perf_counter()
    doc: Doc[Any] = Doc()
    await log.load(store, "a-room.content", doc, "", seeded=False)
    loaded = time.perf_counter() - began
    assert len(doc.get("source", type=Text)) == len(updates)
    await store.aclose()
    return {
        "a change": took / len(updates),
        "on disk, a change": size / len(updates),
        "look at start": looked,
        "load": loaded,
    }


async def _snapshot(store: SqliteStore, count: int) -> Snapshot:
    """Return what a room would have made last: on average half the way between two ago."""
    entries = [entry async for entry in store.read("a-room.content")]
    covered = entries[: max(1, count - RelaySettings().snapshot_every // 2)]
    doc: Doc[Any] = Doc()
    for entry in covered:
        doc.apply_update(entry.update)
    return Snapshot(covered[-1].seq, "", doc.get_update())


def _bare(folder: Path, updates: list[bytes], group: int, *, load: bool) -> dict[str, float]:
    """Insert the bare bytes, in the same mode, on the caller's own thread."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE updates (data BLOB)")
    began = time.perf_counter()
    for start in range(0, len(updates), group):
        connection.execute("BEGIN")
        rows = [(update,) for update in updates[start : start + group]]
        connection.executemany("INSERT INTO updates VALUES (?)", rows)
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    size = _size(folder)
    if not load:
        return {"a change": took / len(updates)}
    connection = sqlite3.connect(folder / "bare.sqlite")
    began = time.perf_counter()
    connection.execute("PRAGMA quick_check(1)").fetchall()
    looked = time.perf_counter() - began
    began = time.perf_counter()
    doc: Doc[Any] = Doc()
    for (update,) in connection.execute("SELECT data FROM updates ORDER BY rowid"):
        doc.apply_update(update)
    loaded = time.perf_counter() - began
    connection.close()
    return {
        "a change": took / len(updates),
        "on disk, a change": size / len(updates),
        "look at start": looked,
        "load": loaded,
    }


def _theirs(folder: Path, updates: list[bytes]) -> dict[str, float]:
    file = folder / "updates.json"
    file.write_text(json.dumps([update.hex() for update in updates]))
    command = [str(Peers.python()), str(Path(__file__).parent / "peers/ystore.py"), str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"pycrdt-store's measurement failed: {ended.stderr[-1000:]}")
    figures: dict[str, float] = json.loads(ended.stdout)
    return figures


async def _longest_gap(work: Coroutine[Any, Any, None], type_key: Callable[[], object]) -> dict[str, float]:
    """Return how long the event loop was held up at most while *work* went on, and a key was typed every 20 ms."""
    task = asyncio.ensure_future(work)
    longest, typed, last = 0.0, 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last - 0.001), now
        if now > typed + 0.02:
            typed = now
            type_key()
    await task
    return {"longest gap": longest}


async def _shortened(folder: Path, updates: list[bytes]) -> dict[str, float]:
    """Type while a log is made short that two people wrote in turn, a key a second."""
    store = SqliteStore(folder / "log.sqlite")
    now = time.time()
    entries = [
        Entry(update, f"person {place // 500 % 2}", now - 600 - len(updates) + place, "update")
        for place, update in enumerate(updates)
    ]
    for start in range(0, len(entries), 5000):
        await store.append("a-room.content", entries[start : start + 5000])
    typing: set[asyncio.Future[int]] = set()
    figures = await _longest_gap(
        shorten(store, "a-room.content", Retention(), now),
        lambda: typing.add(
            asyncio.ensure_future(store.append("a-room.content", [Entry(updates[0], "ada", now, "update")]))
        ),
    )
    await asyncio.gather(*typing)
    await store.aclose()
    return figures


async def _deleted(folder: Path, updates: list[bytes]) -> dict[str, float]:
    """Delete as many bare rows, in a thread."""
    _bare(folder, updates, 5000, load=False)

    def delete() -> None:
        connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        connection.execute("DELETE FROM updates WHERE rowid % 60")
        connection.close()

    return await _longest_gap(asyncio.to_thread(delete), lambda: None)


def _in_folder(measure: Callable[[Path], dict[str, float]]) -> Callable[[], dict[str, float]]:
    def call() -> dict[str, float]:
        with tempfile.TemporaryDirectory(prefix="rtc_widgets-") as folder:
            return measure(Path(folder))

    return call


def _case(name: str, part: float, group: int, metrics: Mapping[str, Unit], most: int = 3) -> None:
    """Register a case with a part of the changes of the largest log."""
    load = "load" in metrics

    def rounds(size: Size) -> Iterator[Ways]:
        updates = keys(max(10, int(size.updates * part)))
        ways: dict[str, Callable[[], dict[str, float]]] = {
            LIVE: _in_folder(lambda folder: asyncio.run(_ours(folder, updates, group, load=load))),
            BARE: _in_folder(lambda folder: _bare(folder, updates, group, load=load)),
        }
        # pycrdt-store has no way to write several at once: the largest log would take it minutes.
        if part < 1 and available(COLLABORATION):
            ways[COLLABORATION] = _in_folder(lambda folder: _theirs(folder, updates))
        yield from repeat(ways)

    TOPIC.case(name, most=most, metrics=metrics)(rounds)


_case("2,000 changes, each awaited", 0.02, 1, {"a change": "s"})
_case(
    "100,000 changes, awaited in groups of 100",
    1,
    100,
    {"a change": "s", "on disk, a change": "bytes", "look at start": "s", "load": "s"},
)
_case(
    "a log of 5,000 changes",
    0.05,
    20,
    {"on disk, a change": "bytes", "look at start": "s", "load": "s"},
    most=1,
)


@TOPIC.case("50,000 changes made short beside typing", most=3, metrics={"longest gap": "s"})
def _beside_typing(size: Size) -> Iterator[Ways]:
    updates = keys(max(10, size.updates // 2))
    yield from repeat(
        {
            LIVE: _in_folder(lambda folder: asyncio.run(_shortened(folder, updates))),
            BARE: _in_folder(lambda folder: asyncio.run(_deleted(folder, updates))),
        }
    )
