"""The way of a document's updates into the log, and of the acknowledgements back to their writers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from rtc_widgets.errors import StoreError
from rtc_widgets.protocol import status
from rtc_widgets.rooms.peer import RoomPeer
from rtc_widgets.stores.entry import Entry, Store

__all__ = ["Committer"]

_SPACING = 0.1  # seconds between two commits while changes go on; the first is not kept waiting
_RETRY_AFTER = (0.5, 1.0, 2.0, 5.0)  # seconds; the last one repeats
_log = logging.getLogger(__name__)


class Committer:
    """Append what is added, in order, and acknowledge after the commit.

    A commit wakes a thread and is acknowledged to each writer, so while people type there are ten a second, and not
    one for each key.

    A store that refuses (a full disk) loses nothing: the entries wait and are tried again, and nobody is
    told that they are safe until they are.

    Args:
        doc: the document's name in the store.
        store: the log.
        acknowledge: sends a sync status frame to a writer.
        failed: told once each time the store begins to refuse.
    """

    def __init__(
        self,
        doc: str,
        store: Store,
        acknowledge: Callable[[RoomPeer, bytes], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        self._doc = doc
        self._store = store
        self._acknowledge = acknowledge
        self._failed = failed
        self._entries: list[Entry] = []
        self._owed: dict[RoomPeer, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._committed = float("-inf")
        self._closing = False

    def add(self, entries: Sequence[Entry]) -> None:
        """Queue *entries*."""
        self._entries += entries

    def owe(self, peer: RoomPeer, seq: int) -> None:
        """Acknowledge *seq* to *peer* with the next commit."""
        self._owed[peer] = max(seq, self._owed.get(peer, 0))

    def forget(self, peer: RoomPeer) -> None:
        """Owe *peer* nothing any more."""
        self._owed.pop(peer, None)

    def kick(self) -> None:
        """Start to work off what is queued, as soon as the last commit is some time ago."""
        if self._task is None and self._timer is None and (self._entries or self._owed):
            loop = asyncio.get_running_loop()
            wait = self._committed + _SPACING - loop.time()
            if wait > 0:
                self._timer = loop.call_later(wait, self._start)
            else:
                self._start()

    async def idle(self) -> None:
        """Wait until nothing is queued, which is worked off at once."""
        while self._task is not None or self._entries or self._owed:
            if self._task is None:
                self._start()
            assert self._task is not None
            await asyncio.shield(self._task)

    async def aclose(self) -> None:
        """Work off what is queued; a store that refuses now is reported and given up."""
        self._closing = True
        try:
            await self.idle()
        finally:
            self._cancel()
            self._acknowledge = self._failed = _ignore  # they lead back to who has this

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self._cancel()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        entries, self._entries = self._entries, []
        owed, self._owed = self._owed, {}
        try:
            if entries:
                await self._append(entries)
            for peer, seq in owed.items():
                self._acknowledge(peer, status.encode(seq))
        finally:
            self._committed = asyncio.get_running_loop().time()
            self._task = None
        self.kick()

    async def _append(self, entries: list[Entry]) -> None:
        attempt = 0
        while True:
            try:
                await self._store.append(self._doc, entries)
                return
            except StoreError as error:
                _log.error("The log of %s refused %d updates: %s", self._doc, len(entries), error)
                if attempt == 0:
                    self._failed(error)
                if self._closing:
                    raise
                await asyncio.sleep(_RETRY_AFTER[min(attempt, len(_RETRY_AFTER) - 1)])
                attempt += 1


def _ignore(*_: object) -> None:
    """Stand in for a callback that is let go of."""
