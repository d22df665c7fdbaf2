"""Keeps one live document, and what is said beside it, in step with one channel to the relay, across reconnects."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from pycrdt import merge_updates

from rtc_widgets.channels.backoff import Backoff
from rtc_widgets.channels.channel import Channel, Opened, Opener
from rtc_widgets.documents import crossings
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.link import LinkState
from rtc_widgets.documents.recovery import Recovery, content, reapply
from rtc_widgets.documents.subscription import Subscription
from rtc_widgets.documents.unacknowledged import Unacknowledged
from rtc_widgets.errors import ChannelClosed, FrameError, NotConnected
from rtc_widgets.origins import Origin
from rtc_widgets.protocol import awareness, event, peer, query_awareness, request, status, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.parts import FrameTooLarge
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.roles import Role

__all__ = ["Presence", "Provider"]

# Seconds between two batches of updates: the first leaves at once, the rest of a burst together.
PAUSE = 0.005
# Merging costs more than linearly: 74 µs for 100 updates, over a second for 20,000.
MERGE = 100
# A ticket may expire while a laptop sleeps; more refusals in a row than this are meant.
MOST_REFUSED = 3
REQUEST_TIMEOUT = 30.0
# Codes after which to connect again.
TRANSIENT = frozenset({CloseCode.GOING_AWAY, CloseCode.GONE, CloseCode.TOO_SLOW})
NOTHING = b"\0"  # the state vector of an empty document

LOST = "The connection to the server was lost before it answered. What you wrote is kept here and sent when it is back."
READ_ONLY = (
    "You may read {path} but not change it; nothing was written. Ask its owner for the right to edit, or work on a "
    "copy of your own."
)
CLOSED = "{path} is closed here: {reason} [{code}] Connect again for a handle that can be written."

_BUG = "This side of the connection failed ({error!r}); report it. What the server acknowledged is safe."
_REMOTE = Origin("remote", detail="relay")
_log = logging.getLogger(__name__)


class Presence(Protocol):
    """What is said beside the document (docs/protocol.md, 3.3), in awareness updates; called on the loop."""

    def introduce(self) -> bytes | None:
        """Return the states of this peer, None for nothing."""

    def receive(self, update: bytes) -> None:
        """Take the states of others."""

    def forget(self) -> None:
        """Forget the others: the connection is gone."""

    def origin(self, update: bytes) -> Origin:
        """Return the origin of an update of the document that somebody else made."""

    def author(self, params: dict[str, Any]) -> None:
        """Take the event that tells whose deletions are in the next update."""


class Provider:
    """Keep one document in step with the relay's. Lives on one event loop; the document may be used anywhere.

    `start` raises what the first attempt raises; after that the provider reconnects by itself, and what is written
    meanwhile is kept.

    Args:
        document: the replica, empty.
        path: of the file, as the opener takes it.
        type_: of the document: how what was not acknowledged is applied to a document of another lineage.
        opener: opens channels.
        presence: what is said beside the document.
        backoff: how long to wait before trying again.
        writable: whether the document is written from here at all, where the role allows it.
    """

    def __init__(
        self,
        document: LiveDocument,
        path: str,
        type_: str,
        opener: Opener,
        *,
        presence: Presence | None = None,
        backoff: Backoff | None = None,
        writable: bool = True,
    ) -> None:
        self.document = document
        self.path = path
        self.type = type_
        self.state = LinkState.CONNECTING
        self.role: Role | None = None
        self.welcome: Welcome | None = None
        self.closed: ChannelClosed | None = None
        self.recoveries: list[Recovery] = []
        """What happened each time that the relay had started the document anew."""
        self._opener = opener
        self._presence = presence
        self._backoff = backoff or Backoff()
        self._writable = writable
        self._loop = asyncio.get_running_loop()
        self._unacknowledged = Unacknowledged()
        self._inbox: deque[bytes] = deque()  # filled by the threads that write
        self._told = False
        self._lineage: str | None = None
        self._anew = False
        self._known = 0  # see `crossings.receive`; for the next update
        self._compared: tuple[Any, list[bytes]] | None = None  # see `crossings.keep`; until the relay has it
        self._channel: Channel | None = None
        self._answered = False
        self._sent = 0
        # What is to be sent next: frames, each with how many updates it holds; then updates; then requests.
        self._frames: deque[tuple[bytes, int]] = deque()
        self._outgoing: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._requests: dict[int, asyncio.Future[Any]] = {}
        self._asked: deque[tuple[int, bytes]] = deque()
        self._ids = itertools.count(1)
        self._barriers: list[tuple[int, asyncio.Future[None]]] = []
        self._refused = 0
        self._synced = asyncio.Event()
        self._state_listeners: tuple[Callable[[LinkState], None], ...] = ()
        self._event_listeners: tuple[Callable[[event.Event], None], ...] = ()
        self._task: asyncio.Task[None] | None = None
        self._subscription = document.on_update(self._on_update)

    # ------------------------------------------------------------------------------------------ for its owner

    async def start(self) -> None:
        """Open the document; returns when its content is here.

        Raises:
            NotConnected: the server does not answer.
            ChannelClosed: it refuses; code and sentence say why.
        """
        try:
            opened = await self._open()
        except (NotConnected, ChannelClosed):
            self._subscription.close()
            raise
        self._task = asyncio.create_task(self._run(opened))
        waiting = asyncio.create_task(self._synced.wait())
        try:
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self.closed is not None:
            raise ChannelClosed(self.closed.code, self.closed.reason)

    async def request(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        timeout: float = REQUEST_TIMEOUT,  # noqa: ASYNC109 (the caller is told what it means)
    ) -> Any:
        """Ask the relay for something (docs/protocol.md, 3.4), after all that was written here so far.

        Raises:
            ChannelClosed: it refuses, or the document is closed.
            NotConnected: there was no answer in *timeout* seconds, or the connection broke before it came.
        """
        self._check()
        id_ = next(self._ids)
        future = self._requests[id_] = self._loop.create_future()
        self._asked.append((id_, request.encode_request(id_, method, params)))
        self._news.set()
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise NotConnected(
                f"The server did not answer within {timeout:g} s. What you wrote is kept here and sent when it is back."
            ) from None
        finally:
            self._requests.pop(id_, None)

    async def ask(self, method: str, params: dict[str, Any]) -> Any:
        """Ask for something until there is an answer, however often the connection breaks.

        Only for what the relay knows when it comes a second time, by the ids in it.

        Raises:
            ChannelClosed: it refuses, or the document is closed.
        """
        while True:
            try:
                return await self.request(method, params)
            except NotConnected:
                _log.debug("%s: %s is asked again", self.path, method)

    async def save(self, timeout: float = REQUEST_TIMEOUT) -> Any:  # noqa: ASYNC109 (as above)
        """Have the file written; asks again where the connection breaks meanwhile.

        Raises:
            ChannelClosed: the file was not written.
            NotConnected: there was no answer in *timeout* seconds.
        """
        end = self._loop.time() + timeout
        while True:
            left = end - self._loop.time()
            try:
                return await self.request("save", timeout=max(left, 0.0))
            except NotConnected:
                if self._loop.time() >= end:
                    raise

    async def synced(self) -> None:
        """Wait until all that was written here so far is in the relay's log; across reconnects.

        Raises:
            ChannelClosed: the document was closed before.
        """
        while not self.document.told:  # noqa: ASYNC110 (another thread, in the middle of telling)
            await asyncio.sleep(0.001)
        self._take_inbox()
        if self._unacknowledged.empty:
            return
        self._check()
        future: asyncio.Future[None] = self._loop.create_future()
        self._barriers.append((self._unacknowledged.written, future))
        await future

    def tell(self, update: bytes) -> None:
        """Send an awareness update, if there is a connection; a new one begins with `Presence.introduce`."""
        if self._channel is not None and self.welcome is not None:
            self._frames.append((awareness.encode(update), 0))
            self._news.set()

    @property
    def lineage(self) -> str | None:
        """Tell documents apart that share no history; None before the relay has answered."""
        return self._lineage

    @property
    def unsaved(self) -> int:
        """How many of the updates written here are not in the relay's log."""
        self._take_inbox()
        return self._unacknowledged.written - self._unacknowledged.safe

    def on_state(self, callback: Callable[[LinkState], None]) -> Subscription:
        """Have *callback* called, on the loop, with each new state."""
        self._state_listeners = (*self._state_listeners, callback)

        def end() -> None:
            self._state_listeners = tuple(other for other in self._state_listeners if other is not callback)

        return Subscription(end)

    def on_event(self, callback: Callable[[event.Event], None]) -> Subscription:
        """Have *callback* called, on the loop, with each event of the relay's (docs/protocol.md, 3.5)."""
        self._event_listeners = (*self._event_listeners, callback)

        def end() -> None:
            self._event_listeners = tuple(other for other in self._event_listeners if other is not callback)

        return Subscription(end)

    async def aclose(self) -> None:
        """Let go of the document at once; `synced` waits for what is on its way. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.closed is None:
            self._end(ChannelClosed(CloseCode.NORMAL, CloseCode.NORMAL.sentence))

    # --------------------------------------------------------------------------------------------- connecting

    async def _run(self, opened: Opened | None) -> None:
        try:
            while True:
                try:
                    opened = opened or await self._open()
                    await self._converse(opened)
                except NotConnected as error:
                    self._pause(error)
                except ChannelClosed as closed:
                    if not self._comes_back(closed):
                        self._end(closed)
                        return
                    self._pause(closed)
                    opened = None
                    if closed.code == CloseCode.LINEAGE_MISMATCH:
                        continue  # once; what follows has no lineage
                opened = None
                await asyncio.sleep(self._backoff.next())
        except Exception as error:  # noqa: BLE001 - a bug of ours must not leave a handle that looks live
            _log.exception("The connection of %s failed", self.path)
            self._end(
                ChannelClosed(CloseCode.INTERNAL_ERROR, f"This side of the connection failed: {error!r}.")
            )

    async def _open(self) -> Opened:
        vector = NOTHING if self._anew or self._lineage is None else self.document.state_vector()
        frames = [sync.step1(vector)]
        said = None if self._presence is None else self._presence.introduce()
        if said is not None:
            frames.append(awareness.encode(said))
        self._compared = None if self._anew else self._deleted_meanwhile()
        return await self._opener(
            self.path, None if self._anew else self._lineage, frames, self._compared is not None
        )

    def _deleted_meanwhile(self) -> tuple[Any, list[bytes]] | None:
        """Return the notebook as others know it, and what is to be sent, where that deletes something."""
        self._take_inbox()
        updates = self._unacknowledged.updates
        if self.type != "notebook" or self._lineage is None or not any(map(sync.deletes, updates)):
            return None
        return self._unacknowledged.base(self.type), updates

    def _comes_back(self, closed: ChannelClosed) -> bool:
        """Tell whether to open the document again after this end."""
        if closed.code == CloseCode.LINEAGE_MISMATCH and not self._anew:
            self._anew = True
            return True
        if closed.code == CloseCode.UNAUTHORIZED and self.state is not LinkState.LIVE:
            self._refused += 1
            return self._refused < MOST_REFUSED
        return closed.code in TRANSIENT

    async def _converse(self, opened: Opened) -> None:
        """Talk on one channel until it ends."""
        self._channel = opened.channel
        self._sent = 0
        try:
            self._meet(opened.welcome)
        except ChannelClosed:
            await opened.channel.aclose()
            raise
        self._failure: ChannelClosed | None = None
        self._news.set()
        speaking = asyncio.create_task(self._speak(opened.channel, opened.welcome.limits.frame))
        try:
            reader = peer.FrameReader(opened.welcome.limits.message)
            while True:
                value = reader.receive(await opened.channel.receive())
                if value is not None:
                    self._take(value)
        except ChannelClosed:
            if self._failure is not None:
                raise self._failure from None
            raise
        except FrameTooLarge as error:
            raise ChannelClosed(CloseCode.TOO_LARGE, CloseCode.TOO_LARGE.sentence) from error
        except FrameError as error:
            raise ChannelClosed(CloseCode.BAD_FRAME, f"{CloseCode.BAD_FRAME.sentence} ({error})") from error
        finally:
            self._channel = None
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            with contextlib.suppress(ChannelClosed):
                await opened.channel.aclose()

    def _meet(self, welcome: Welcome) -> None:
        self.welcome = welcome
        self.path = welcome.path
        if self._lineage not in {None, welcome.lineage} and not self._anew:
            raise ChannelClosed(CloseCode.LINEAGE_MISMATCH, CloseCode.LINEAGE_MISMATCH.sentence)
        self._lineage = welcome.lineage
        self._obey(welcome.role)

    def _obey(self, role: Role) -> None:
        """Take writes from now on, or refuse them here: the relay would close the document."""
        self.role = role
        if role.may_write and self._writable:
            self.document.attach()
            return
        self.document.detach(READ_ONLY.format(path=self.path))
        self._take_inbox()
        if self._unacknowledged.waiting:
            raise ChannelClosed(
                CloseCode.READ_ONLY,
                "The right to change this document was taken away before what you wrote could be sent. "
                f"It is kept here only: save a copy. {CloseCode.READ_ONLY.sentence}",
            )

    def _pause(self, error: Exception) -> None:
        """Forget the channel; what was not acknowledged travels again with the next step 2."""
        _log.info("%s is offline: %s", self.path, error)
        self.welcome = None
        self._answered = False
        self._known = 0
        self._outgoing.clear()
        self._frames.clear()
        self._unacknowledged.unsent()
        if self._presence is not None:
            self._presence.forget()
        waiting = {id_ for id_, _ in self._asked}
        for id_ in [id_ for id_ in self._requests if id_ not in waiting]:
            self._answer(id_, NotConnected(LOST))
        self._set_state(LinkState.OFFLINE if self._synced.is_set() else LinkState.CONNECTING)

    def _end(self, closed: ChannelClosed) -> None:
        """End for good: the document can be read, and not written."""
        if self.closed is not None:
            return
        self.closed = closed
        self.welcome = None
        self._subscription.close()
        self._take_inbox()
        self.document.detach(CLOSED.format(path=self.path, reason=closed.reason, code=closed.code))
        if self._presence is not None:
            self._presence.forget()
        for id_ in list(self._requests):
            self._answer(id_, ChannelClosed(closed.code, closed.reason))
        barriers, self._barriers = self._barriers, []
        for _, future in barriers:
            if not future.done():
                future.set_exception(ChannelClosed(closed.code, closed.reason))
        self._set_state(LinkState.CLOSED)

    def _check(self) -> None:
        if self.closed is not None:
            raise ChannelClosed(self.closed.code, self.closed.reason)

    def _set_state(self, state: LinkState) -> None:
        if state is not self.state:
            self.state = state
            for callback in self._state_listeners:
                self._guarded(callback, state)

    def _guarded(self, callback: Callable[[Any], None], value: Any) -> None:
        try:
            callback(value)
        except Exception:  # noqa: BLE001 - one listener's fault must not end the connection
            _log.exception("A listener of the connection of %s failed", self.path)

    # ---------------------------------------------------------------------------------------------- receiving

    def _take(self, value: peer.Decoded) -> None:
        match value:
            case sync.Step1(vector):
                self._bring(vector)
            case sync.Step2(update):
                self._arrive(update)
            case sync.Update(update):
                self._hear_of(update, _REMOTE if self._presence is None else self._presence.origin(update))
            case awareness.Awareness() | query_awareness.QueryAwareness() if self._presence is not None:
                self._hear(self._presence, value)
            case status.Status(seq):
                self._unacknowledged.acknowledge(seq)
                self._pass_barriers()
            case request.Response():
                self._answer(value.id, value.result if value.ok else _refusal(value.result))
            case event.Event():
                self._on_event(value)
            case _:
                pass  # a denial is followed by a close that says more; the rest is of a later version

    def _hear(self, presence: Presence, value: awareness.Awareness | query_awareness.QueryAwareness) -> None:
        if isinstance(value, awareness.Awareness):
            presence.receive(value.update)
        elif (said := presence.introduce()) is not None:
            self.tell(said)

    def _arrive(self, update: bytes) -> None:
        """Take the relay's step 2: from here on the document is the relay's, and what we wrote since."""
        if self._anew:
            self._start_anew(update)
        else:
            self._hear_of(update, _REMOTE)
        self._backoff.reset()
        self._refused = 0
        self._synced.set()
        self._set_state(LinkState.LIVE)
        self._news.set()

    def _hear_of(self, update: bytes, origin: Origin) -> None:
        """Take what others made, and write again what it deletes of what they did not have yet."""
        known, self._known = self._known, 0
        again = crossings.receive(
            self.document, self.type, update, origin, self._unacknowledged, self._take_inbox, known
        )
        if again:
            _log.info(
                "%s: what was written in cells that others deleted or moved is written again", self.path
            )

    def _keep_theirs(self) -> None:
        """Write again what others wrote, until now, in cells that were deleted here without a connection."""
        compared, self._compared = self._compared, None
        if compared is not None and crossings.keep(
            self.document, compared[0], self._unacknowledged, compared[1]
        ):
            _log.info("%s: what others wrote in cells that were deleted or moved is written again", self.path)

    def _start_anew(self, update: bytes) -> None:
        """Put a document of another lineage in place, and what was not acknowledged into it (section 7)."""
        base: Any = None
        mine: Any = None
        # Under the document's lock: nobody sees it empty, and nobody writes between the reading and the end.
        with self.document.reading():
            self.document.wait_until_told()
            self._take_inbox()
            if not self._unacknowledged.empty:
                base = self._unacknowledged.base(self.type)
                mine = content(self.document, self.type, base)
            self.document.rebuild()
            self.document.apply_remote(update, _REMOTE)
        self._unacknowledged.restart(update)
        self._anew = False
        self._compared = None
        if mine is not None:
            self._reapply(base, mine)
        self._pass_barriers()

    def _reapply(self, base: Any, mine: Any) -> None:
        recovery = reapply(self.document, self.type, base, mine)
        self.recoveries.append(recovery)
        self._take_inbox()
        # Who waits for what was written before waits for it in its new form.
        barriers, self._barriers = self._barriers, []
        if recovery.refused:
            _log.error("%s: what was not acknowledged was left out: %s", self.path, recovery.refused)
            for _, future in barriers:
                if not future.done():
                    future.set_exception(NotConnected(recovery.refused))
        else:
            self._barriers = [(self._unacknowledged.written, future) for _, future in barriers]

    def _bring(self, vector: bytes) -> None:
        """Answer the relay's step 1 with all that it lacks."""
        if self.role is None or not (self.role.may_write and self._writable):
            return
        # First: what is noted later is perhaps in the diff too, which is harmless.
        self._take_inbox()
        self._outgoing.clear()
        self._answered = True
        frame = sync.step2(self.document.diff_update(vector))
        self._frames.append((frame, self._unacknowledged.waiting))
        self._news.set()

    def _on_event(self, told: event.Event) -> None:
        role = told.params.get("role")
        if told.name == "author" and self._presence is not None:
            self._presence.author(told.params)
        elif told.name == "renamed":
            self.path = str(told.params.get("path", self.path))
        elif told.name == "known" and isinstance(told.params.get("seq"), int):
            self._known = told.params["seq"]
        elif told.name == "received":
            self._keep_theirs()
        elif told.name == "role" and role in set(Role):
            could = self.role is not None and self.role.may_write
            self._obey(Role(role))
            if Role(role).may_write and self._writable and not could:
                # The relay asks for what it lacks only in a handshake.
                raise ChannelClosed(CloseCode.GONE, "Connecting again with the right to write.")
        for callback in self._event_listeners:
            self._guarded(callback, told)

    def _answer(self, id_: int, result: Any) -> None:
        future = self._requests.pop(id_, None)
        if future is None or future.done():
            return
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    def _pass_barriers(self) -> None:
        passed = [future for count, future in self._barriers if count <= self._unacknowledged.safe]
        self._barriers = [entry for entry in self._barriers if entry[0] > self._unacknowledged.safe]
        for future in passed:
            if not future.done():
                future.set_result(None)

    # ------------------------------------------------------------------------------------------------ sending

    def _on_update(self, update: bytes, _origin: Origin) -> None:
        """Hand a change made here to the loop; the thread that made it waits for us."""
        self._inbox.append(update)
        if not self._told:
            self._told = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                self._loop.call_soon_threadsafe(self._take_inbox)

    def _take_inbox(self) -> None:
        self._told = False
        while self._inbox:
            update = self._inbox.popleft()
            self._unacknowledged.wrote(update)
            # Before the answer to the relay's step 1 nothing needs to be sent: the answer will hold it.
            if self._answered:
                self._outgoing.append(update)
                self._news.set()

    async def _speak(self, channel: Channel, limit: int) -> None:
        """Send what there is to send, until the channel ends; how it ended is told to who receives."""
        writer = peer.FrameWriter(limit)
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                self._take_inbox()
                while (due := self._next()) is not None:
                    frame, count = due
                    pieces = writer.split(frame)
                    # Before it is sent: the acknowledgement may come before the next line.
                    self._unacknowledged.sent(self._sent + len(pieces), count)
                    for piece in pieces:
                        self._sent += 1
                        await channel.send(piece)
                await asyncio.sleep(PAUSE)
        except ChannelClosed:
            return
        except Exception as error:  # noqa: BLE001 - a bug of ours must not leave a handle that looks live
            _log.exception("Sending what was written to %s failed", self.path)
            self._failure = ChannelClosed(CloseCode.INTERNAL_ERROR, _BUG.format(error=error))
            await channel.aclose()

    def _next(self) -> tuple[bytes, int] | None:
        """Return the next frame, and how many of the updates written here it holds."""
        if self._frames:
            return self._frames.popleft()
        if self._outgoing:
            count = min(MERGE, len(self._outgoing))
            updates = [self._outgoing.popleft() for _ in range(count)]
            return sync.update(updates[0] if count == 1 else merge_updates(*updates)), count
        # After the edits: a save must hold them.
        may_ask = self._answered or (self.welcome is not None and not self.welcome.role.may_write)
        while self._asked and may_ask:
            id_, frame = self._asked.popleft()
            if id_ in self._requests:
                return frame, 0
        return None


def _refusal(result: Any) -> ChannelClosed:
    told = result if isinstance(result, dict) else {}
    code = CloseCode.INTERNAL_ERROR
    return ChannelClosed(str(told.get("code", code)), str(told.get("reason") or code.sentence))
