"""The way of a document's updates into the log, with a snapshot now and then, and of the acknowledgements back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from rtc_widgets.errors import StoreError
from rtc_widgets.logged import fields
from rtc_widgets.protocol import status
from rtc_widgets.rooms.counts import Counts
from rtc_widgets.rooms.log import Tally
from rtc_widgets.rooms.peer import RoomPeer
from rtc_widgets.rooms.retention import Retention, shorten
from rtc_widgets.stores.entry import Entry, Store
from rtc_widgets.stores.snapshot import Snapshot, snapshots_of

__all__ = ["Committer"]

_SPACING = 0.2  # seconds between two commits while changes go on; the first is not kept waiting
_SHORTEN_EVERY = 5000  # entries; it reads the whole log
_RETRY_AFTER = (0.5, 1.0, 2.0, 5.0)  # seconds; the last one repeats
_log = logging.getLogger(__name__)


class Committer:
    """Append what is added, in order, and acknowledge after the commit.

    A commit wakes a thread and is acknowledged to each writer, so while people type there are five a second, and not
    one for each key.

    A store that refuses (a full disk) loses nothing: the entries wait and are tried again, and nobody is
    told that they are safe until they are.

    Args:
        doc: the document's name in the store.
        store: the log.
        acknowledge: sends a sync status frame to a writer.
        failed: told once each time the store begins to refuse.
        state: adds what is pending, and returns the document with all that was added.
        lineage: of the document.
        tally: of its log as it is.
        snapshot_every: how many small changes there are at least between two snapshots; 0 for none.
        counts: of the server.
        retention: how much of the log is kept; None for all of it.
    """

    def __init__(
        self,
        doc: str,
        store: Store,
        acknowledge: Callable[[RoomPeer, bytes], None],
        failed: Callable[[StoreError], None],
        *,
        state: Callable[[], bytes],
        lineage: str,
        tally: Tally | None = None,
        snapshot_every: int = 0,
        counts: Counts | None = None,
        retention: Retention | None = None,
    ) -> None:
        self._doc = doc
        self._store = store
        self._acknowledge = acknowledge
        self._failed = failed
        self._state = state
        self._lineage = lineage
        self._tally = tally or Tally()
        self._snapshots = snapshots_of(store)
        self._snapshot_every = snapshot_every
        self._counts = counts or Counts()
        self._retention = retention
        self._grown = 0  # entries since the log was last made short
        self._shortening: asyncio.Task[None] | None = None
        self._entries: list[Entry] = []
        self._appending = 0  # entries
        self._since: float | None = (
            None  # the oldest of the entries that are queued, and of those being written
        )
        self._since_appending: float | None = None
        self._lag = 0.0
        self._owed: dict[RoomPeer, int] = {}
        self._then: list[Callable[[], None]] = []
        self._due_then: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._committed = float("-inf")
        self._closing = False

    @property
    def size(self) -> int:
        """Return the bytes of what the log began with, or of its last snapshot."""
        return self._tally.size

    @property
    def waiting(self) -> int:
        """Return how many entries are not in the log yet."""
        return len(self._entries) + self._appending

    @property
    def lag(self) -> float:
        """Return the seconds from the receipt of a change to its commit: of the last, or of what waits longer."""
        since = self._since_appending or self._since
        return self._lag if since is None else max(self._lag, time.monotonic() - since)

    def add(self, entries: Sequence[Entry]) -> None:
        """Queue *entries*."""
        if self._since is None:
            self._since = time.monotonic()
        self._entries += entries

    def owe(self, peer: RoomPeer, seq: int) -> None:
        """Acknowledge *seq* to *peer* with the next commit."""
        self._owed[peer] = max(seq, self._owed.get(peer, 0))

    def forget(self, peer: RoomPeer) -> None:
        """Owe *peer* nothing any more."""
        self._owed.pop(peer, None)

    def then(self, callback: Callable[[], None]) -> None:
        """Call *callback* once what was added so far is in the log, which is done at once.

        Where the store refuses it is called, too: a full disk keeps nobody waiting.
        """
        self._then.append(callback)

    def kick(self) -> None:
        """Start to work off what is queued, as soon as the last commit is some time ago."""
        if self._then and self._timer is not None:
            self._cancel()
        if self._task is None and self._timer is None and (self._entries or self._owed or self._then):
            loop = asyncio.get_running_loop()
            wait = 0.0 if self._then else self._committed + _SPACING - loop.time()
            if wait > 0:
                self._timer = loop.call_later(wait, self._start)
            else:
                self._start()

    async def idle(self) -> None:
        """Wait until nothing is queued, which is worked off at once."""
        while self._task is not None or self._entries or self._owed or self._then:
            if self._task is None:
                self._start()
            assert self._task is not None
            await asyncio.shield(self._task)

    async def aclose(self) -> None:
        """Work off what is queued; a store that refuses now is reported and given up."""
        self._closing = True
        try:
            await self.idle()
            if self._due:
                await self._keep(self._state())
            if self._shortening is not None:
                await self._shortening
            self._shorten()
            if self._shortening is not None:
                await self._shortening
        finally:
            self._cancel()
            # They lead back to who has this.
            self._acknowledge = self._failed = _ignore
            self._state = bytes

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self._cancel()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        # Taken in one turn with the entries, so that it holds them and nothing else that the log has not.
        state = self._state() if self._due else None
        entries, self._entries = self._entries, []
        self._since_appending, self._since, self._appending = self._since, None, len(entries)
        owed, self._owed = self._owed, {}
        self._due_then, self._then = self._then, []
        try:
            if entries:
                await self._append(entries)
                self._note_lag()
            self._go_on()
            for peer, seq in owed.items():
                self._acknowledge(peer, status.encode(seq))
            if state is not None:
                await self._keep(state)
            if self._grown >= _SHORTEN_EVERY:
                self._shorten()
        finally:
            self._committed = asyncio.get_running_loop().time()
            self._appending, self._since_appending = 0, None
            self._task = None
        self.kick()

    def _note_lag(self) -> None:
        if self._since_appending is not None:
            self._lag = time.monotonic() - self._since_appending
            self._counts.commits += 1
            self._counts.seconds += self._lag
            self._appending, self._since_appending = 0, None

    async def _append(self, entries: list[Entry]) -> None:
        attempt = 0
        while True:
            try:
                self._tally.seq = await self._store.append(self._doc, entries)
                self._tally.add(entries)
                self._grown += len(entries)
                return
            except StoreError as error:
                _log.error(
                    "The log of %s refused %d updates: %s",
                    self._doc,
                    len(entries),
                    error,
                    extra=fields("log.refused", document=self._doc, count=len(entries)),
                )
                if attempt == 0:
                    self._failed(error)
                    self._go_on()
                if self._closing:
                    raise
                await asyncio.sleep(_RETRY_AFTER[min(attempt, len(_RETRY_AFTER) - 1)])
                attempt += 1

    def _shorten(self) -> None:
        """Begin to make the log short, unless that is going on; nobody waits for it."""
        if self._retention is None or (self._shortening is not None and not self._shortening.done()):
            return
        self._grown = 0
        work = shorten(self._store, self._doc, self._retention, time.time())
        self._shortening = asyncio.get_running_loop().create_task(work)

    def _go_on(self) -> None:
        due, self._due_then = self._due_then, []
        for callback in due:
            callback()

    @property
    def _due(self) -> bool:
        return self._snapshots is not None and self._tally.due(self._snapshot_every)

    async def _keep(self, state: bytes) -> None:
        """Put a snapshot beside the log, which needs none."""
        assert self._snapshots is not None
        self._tally.took(len(state))
        try:
            await self._snapshots.put_snapshot(self._doc, Snapshot(self._tally.seq, self._lineage, state))
        except StoreError as error:
            _log.warning(
                "No snapshot of %s was made; its log is whole. %s",
                self._doc,
                error,
                extra=fields("snapshot.not-made", document=self._doc),
            )


def _ignore(*_: object) -> None:
    """Stand in for a callback that is let go of."""
