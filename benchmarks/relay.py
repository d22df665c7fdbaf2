"""The relay between people who type: how soon a key is on the others' screens, and what it costs the server."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pycrdt import Array, Doc, Text

from benchmarks.client import Client
from benchmarks.contenders import COLLABORATION, FLOOR, HOCUSPOCUS, LIVE, YWEBSOCKET, Server, running, start
from benchmarks.runner import Rounds, Size, Topic, Unit, Ways
from benchmarks.sample import content
from rtc_widgets.documents.seed import seed

WAYS = (LIVE, COLLABORATION, YWEBSOCKET, HOCUSPOCUS, FLOOR)
_PATH = "room-{}.ipynb"
_RATES = (10, 50)
_METRICS: dict[str, Unit] = {
    f"{rate}/s{cursors}, {metric}": unit
    for rate in _RATES
    for cursors in ("", " with cursors")
    for metric, unit in (
        ("p50", "s"),
        ("p99", "s"),
        ("server CPU an edit", "s"),
        ("bytes a delivery", "bytes"),
    )
}


def _with_notebooks(name: str, work: Path) -> Server:
    (work / "root").mkdir(parents=True)
    for number in range(10):
        (work / "root" / _PATH.format(number)).write_text(json.dumps(content(1)))
    return start(name, work)


TOPIC = Topic("The relay: from one screen to the others", WAYS, lambda: running(WAYS, _with_notebooks))


class Room:
    """Hold one room of a server: a writer, whose replica is edited, and everybody else.

    Args:
        server: whose.
        path: the notebook's.
        clients: how many, the writer among them.
    """

    def __init__(self, server: Server, path: str, clients: int) -> None:
        self.server = server
        self._path = path
        self._clients = clients
        self._doc: Doc[Any] = Doc()
        self._made: list[bytes] = []
        self.readers: list[Client] = []
        self._keys = 0
        self._pointed = 0

    async def open(self) -> None:
        """Have everybody come."""
        if self.server.dialect not in {"comms", "collaboration"}:
            # These serve no files: the first who comes brings the content along.
            self._doc.apply_update(_seed())
        self.writer = Client(self.server, self._path, self._doc)
        await self.writer.open()
        for _ in range(self._clients - 1):
            reader = Client(self.server, self._path)
            reader.watched = self._doc.client_id
            await reader.open()
            self.readers.append(reader)
        self._text: Text = self._doc.get("cells", type=Array)[0]["source"]
        self._length = len(self._text)
        self._end = self._doc.observe(lambda event: self._made.append(event.update))
        await self.type(50, 0.4, cursors=True)

    def close(self) -> None:
        """Have everybody leave."""
        for client in (self.writer, *self.readers):
            client.close()

    def key(self) -> tuple[int, bytes]:
        """Type one character into the writer's replica; return the writer's clock after it, and the update."""
        self._text.insert(self._length, "x")
        self._length += 1
        self._keys += 1
        return self._keys, self._made.pop()

    async def type(self, rate: int, seconds: float, *, cursors: bool) -> dict[str, float]:
        """Type for *seconds*; return what the table tells of it."""
        edits = max(2, round(rate * seconds))
        for reader in self.readers:
            reader.arrived.clear()
        received, cpu = sum(reader.received for reader in self.readers), self.server.cpu()
        sent: dict[int, float] = {}
        began = time.perf_counter()
        clock = 0
        for number in range(edits):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            now = time.perf_counter()
            clock, update = self.key()
            sent[clock] = now
            self.writer.update(update)
            if cursors:
                # The writer's moves with each key; one of the others looks around as quickly.
                self._pointed += 1
                self.writer.point(self._pointed)
                self.readers[0].point(self._pointed)
        for reader in self.readers:
            await reader.until(clock)
        await asyncio.sleep(0.05)  # for what is still to be logged and acknowledged
        cpu = self.server.cpu() - cpu
        received = sum(reader.received for reader in self.readers) - received
        took = sorted(took for reader in self.readers for took in _latencies(sent, reader.arrived))
        return {
            "p50": statistics.median(took),
            "p99": took[min(len(took) - 1, int(len(took) * 0.99))],
            "server CPU an edit": cpu / edits,
            "bytes a delivery": received / len(took),
        }

    async def burst(self, edits: int) -> dict[str, float]:
        """Send *edits* at once, and wait until everybody has all."""
        for reader in self.readers:
            reader.arrived.clear()
        keys = [self.key() for _ in range(edits)]
        cpu, began = self.server.cpu(), time.perf_counter()
        for _, update in keys:
            self.writer.update(update)
        for reader in self.readers:
            await reader.until(keys[-1][0])
        last = max(reader.arrived[-1][0] for reader in self.readers)
        await asyncio.sleep(0.1)
        return {"until all have all": last - began, "server CPU": self.server.cpu() - cpu}


def _latencies(sent: dict[int, float], arrived: list[tuple[float, int]]) -> Iterator[float]:
    """Yield how long each edit took; several may arrive as one."""
    moments = iter(arrived)
    now, upto = next(moments)
    for clock, began in sent.items():
        while upto < clock:
            now, upto = next(moments)
        yield now - began


def _seed() -> bytes:
    return seed("notebook", content(1)).update


_numbers = itertools.count()


@contextmanager
def rooms(clients: int) -> Iterator[tuple[asyncio.Runner, dict[str, Room]]]:
    """Have a room of so many clients on every server."""
    path = _PATH.format(next(_numbers))
    with asyncio.Runner() as runner:
        opened = {name: Room(server, path, clients) for name, server in TOPIC.shared.items()}
        for room in opened.values():
            runner.run(room.open())
        yield runner, opened
        for room in opened.values():
            room.close()


def typing(clients: int) -> Rounds:
    """Make rounds of typing among so many."""

    def rounds(size: Size) -> Iterator[Ways]:
        with rooms(min(clients, size.clients)) as (runner, opened):
            while True:
                yield {
                    name: lambda room=room: runner.run(_all_rates(room, size))  # type: ignore[misc]
                    for name, room in opened.items()
                }

    return rounds


async def _all_rates(room: Room, size: Size) -> dict[str, float]:
    figures = {}
    for rate in _RATES:
        for cursors in ("", " with cursors"):
            got = await room.type(rate, size.seconds, cursors=bool(cursors))
            figures |= {f"{rate}/s{cursors}, {metric}": figure for metric, figure in got.items()}
    return figures


def bursting(clients: int) -> Rounds:
    """Make rounds of bursts into a room of so many."""

    def rounds(size: Size) -> Iterator[Ways]:
        with rooms(min(clients, size.clients)) as (runner, opened):
            while True:
                yield {
                    name: lambda room=room: runner.run(room.burst(size.burst))  # type: ignore[misc]
                    for name, room in opened.items()
                }

    return rounds


for _clients in (2, 8, 64):
    TOPIC.case(f"{_clients} clients", most=2 if _clients == 2 else 3, metrics=_METRICS)(typing(_clients))
for _clients in (8, 64):
    TOPIC.case(
        f"2,000 edits at once into {_clients} clients",
        most=2,
        metrics={"until all have all": "s", "server CPU": "s"},
    )(bursting(_clients))
