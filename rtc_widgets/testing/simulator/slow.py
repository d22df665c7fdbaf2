"""What a simulated server writes to: the real thing, some time after it was asked, and nothing after its death."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rtc_widgets.errors import StoreError
from rtc_widgets.stores.entry import Entry, Store
from rtc_widgets.stores.snapshot import Snapshot, snapshots_of
from rtc_widgets.testing.simulator.clock import running
from rtc_widgets.testing.simulator.life import Life

__all__ = ["SlowContents", "SlowIndex", "SlowStore", "touch"]

T = TypeVar("T")

_EPOCH = 1_700_000_000
_TICK = 0.004  # seconds: files written within one tick of the kernel's clock have one time


class _Slow:
    """Do one thing after the other, each some time after it was asked for, and tell it some time later."""

    def __init__(self, life: Life, dice: random.Random, slowest: float) -> None:
        self._life = life
        self._dice = dice
        self._slowest = slowest
        self._turn = asyncio.Lock()

    async def _do(self, work: Callable[[], T]) -> T:
        self._check()
        async with self._turn:
            await self._pause()
            result = work()
            await self._pause()
            return result

    async def _wait_for(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return await self._do(lambda: running().at_once(work()))

    async def _pause(self) -> None:
        await asyncio.sleep(self._dice.random() ** 3 * self._slowest)
        self._check()

    def _check(self) -> None:
        if not self._life.alive:
            raise asyncio.CancelledError


class SlowStore(_Slow):
    """Be a `Store` that takes its time.

    Args:
        store: does the work.
        life: after its end nothing is written.
        dice: decides how long things take.
        slowest: seconds.
    """

    def __init__(self, store: Store, life: Life, dice: random.Random, slowest: float = 0.1) -> None:
        super().__init__(life, dice, slowest)
        self._store = store

    async def append(self, doc: str, entries: Sequence[Entry]) -> int:
        """Add *entries*."""
        return await self._wait_for(lambda: self._store.append(doc, entries))

    async def read(self, doc: str, *, after: int = 0) -> AsyncIterator[Entry]:
        """Yield entries."""

        async def gathered() -> list[Entry]:
            return [entry async for entry in self._store.read(doc, after=after)]

        for entry in await self._wait_for(gathered):
            yield entry

    async def compact(
        self, doc: str, *, upto: int, snapshot: bytes, label: str | None = None, after: int = 0
    ) -> None:
        """Replace a part of the log."""
        await self._wait_for(
            lambda: self._store.compact(doc, upto=upto, snapshot=snapshot, label=label, after=after)
        )

    async def put_snapshot(self, doc: str, snapshot: Snapshot) -> None:
        """Keep a snapshot, where the store keeps any."""
        beside = snapshots_of(self._store)
        if beside is None:
            raise StoreError("This store keeps no snapshots.")
        await self._wait_for(lambda: beside.put_snapshot(doc, snapshot))

    async def snapshot(self, doc: str) -> Snapshot | None:
        """Return what is kept."""
        beside = snapshots_of(self._store)
        return None if beside is None else await self._wait_for(lambda: beside.snapshot(doc))

    async def aclose(self) -> None:
        """Leave it open: the next life of the server goes on with it."""


class SlowIndex(_Slow):
    """Be a `RoomIndex` that takes its time; see `SlowStore`."""

    def __init__(self, index: Any, life: Life, dice: random.Random, slowest: float = 0.1) -> None:
        super().__init__(life, dice, slowest)
        self._index = index

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._index, name)

        async def call(*args: Any) -> Any:
            return await self._wait_for(lambda: method(*args))

        return call


class SlowContents(_Slow):
    """Be a contents manager that takes its time; see `SlowStore`.

    Args:
        contents: does the work: a synchronous manager of jupyter_server.
        life: after its end nothing is written.
        dice: decides how long things take.
        on_read: called when a file has been looked into.
        before_save: called right before a file is written.
        slowest: seconds.
    """

    def __init__(
        self,
        contents: Any,
        life: Life,
        dice: random.Random,
        on_read: Callable[[], None],
        before_save: Callable[[], None],
        slowest: float = 0.05,
    ) -> None:
        super().__init__(life, dice, slowest)
        self._contents = contents
        self._on_read = on_read
        self._before_save = before_save

    async def get(
        self,
        path: str,
        content: bool = True,
        type: str | None = None,  # noqa: A002 - jupyter_server's name
        format: str | None = None,  # noqa: A002
        require_hash: bool = False,
    ) -> Any:
        """Read a file, or ask for its version."""

        def read() -> Any:
            model = self._contents.get(path, content, type, format, require_hash)
            if content or require_hash:
                self._on_read()
            return model

        return await self._do(read)

    async def save(self, model: dict[str, Any], path: str) -> Any:
        """Write a file."""

        def write() -> Any:
            self._before_save()
            self._contents.save(model, path)
            touch(Path(self._contents.root_dir) / path)
            return self._contents.get(path, content=False)

        return await self._do(write)

    async def create_checkpoint(self, path: str) -> Any:
        """Keep a copy."""
        return await self._do(lambda: self._contents.create_checkpoint(path))


def touch(file: Path) -> None:
    """Give a file the time that it is in the simulation."""
    at = int(running().time() / _TICK) * _TICK + _EPOCH
    os.utime(file, (at, at))
