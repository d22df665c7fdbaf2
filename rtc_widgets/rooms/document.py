"""One document of a room: its replica, its peers, and the way of an update to the log and to everybody else."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, groupby
from typing import Any, NamedTuple

from pycrdt import Doc, get_state, merge_updates

from rtc_widgets import ids
from rtc_widgets.errors import ChannelClosed, FrameError, StoreError
from rtc_widgets.logged import fields
from rtc_widgets.origins import Origin
from rtc_widgets.protocol import awareness, event, query_awareness, request, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.parts import FrameTooLarge
from rtc_widgets.protocol.peer import FrameReader, FrameWriter
from rtc_widgets.protocol.state_hash import state_hash
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.protocol.yjs_update import Id
from rtc_widgets.rooms.awareness import RoomAwareness, signed
from rtc_widgets.rooms.committer import Committer
from rtc_widgets.rooms.counts import Counts
from rtc_widgets.rooms.incoming import Incoming
from rtc_widgets.rooms.log import Tally
from rtc_widgets.rooms.peer import Outgoing, RoomPeer, signature
from rtc_widgets.rooms.retention import Retention
from rtc_widgets.stores.entry import Entry, Signature, Store

__all__ = ["RequestHandler", "RoomDocument"]

# merge_updates is quadratic: 100 updates take 74 µs, 20,000 over a second (docs/performance.md).
_MERGE_AT_MOST = 100
# Requests of one peer that are being carried out (docs/protocol.md, section 11).
_MOST_REQUESTS = 1_000
# Events carry an origin's hash only.
_RELAY = Signature("relay", "relay")
_SIGNED = {hash(Origin("file")): Signature("file", "file"), hash(Origin("relay")): _RELAY}

RequestHandler = Callable[[RoomPeer, request.Request], Awaitable[Any]]
OnUpdate = Callable[[bytes, Signature, RoomPeer | None], None]
# Updates that are kept because they came out of order, of all peers, and bytes of one.
_MOST_EARLY, _LARGEST_EARLY = 100, 2**16
_log = logging.getLogger(__name__)


@lru_cache(maxsize=1024)
def _remote(user: str) -> Origin:
    return Origin("remote", user)


class _Change(NamedTuple):
    update: bytes
    signature: Signature
    writer: RoomPeer | None
    # What the relay took back of it, which is in the update already: for who wrote it.
    correction: bytes | None = None


class RoomDocument:
    """Keep one replica and fan its changes out.

    Everything here runs on one event loop. Changes that arrive in one turn of the loop leave together: one frame to
    each peer that did not make them, one append to the log, one acknowledgement a writer after the commit.

    What a peer wrote leaves at once, for the peer would bring it again after a crash. What the file brought, or a
    request about annotations, would be done a second time by the next server: it leaves after its commit, and so does
    all that comes meanwhile. Else whoever got it before the crash would bring it back beside the second, and it would
    stand twice.

    Args:
        comm_id: names the document on the wire and in the store.
        name: ``content`` or ``annotations``.
        doc: the replica, already seeded or loaded.
        lineage: of docs/protocol.md, section 7.
        store: the log.
        writable: whether peers may write it at all; only the relay writes annotations.
        limits: of docs/protocol.md, section 11.
        tally: of the log, from loading it.
        snapshot_every: how many small changes there are at least between two snapshots of the log; 0 for none.
        counts: of the server.
        retention: how much of the log is kept; None for all of it.
    """

    def __init__(
        self,
        comm_id: str,
        name: str,
        doc: Doc[Any],
        lineage: str,
        store: Store,
        *,
        writable: bool = True,
        limits: Limits | None = None,
        tally: Tally | None = None,
        snapshot_every: int = 0,
        counts: Counts | None = None,
        retention: Retention | None = None,
    ) -> None:
        self.comm_id = comm_id
        self.name = name
        self.doc = doc
        self.lineage = lineage
        self.limits = limits or Limits()
        self.on_request: RequestHandler | None = None
        self.cleaner: Callable[[], None] | None = None
        """Called after what a peer wrote, takes out what must not travel."""
        self._writable = writable
        self._awareness = RoomAwareness()
        self._incoming = Incoming(doc)
        self._early: deque[tuple[Id, RoomPeer, bytes, int]] = deque(maxlen=_MOST_EARLY)
        self._peers: dict[RoomPeer, FrameReader] = {}
        self._writer: RoomPeer | None = None
        self._pending: list[_Change] = []
        # What waits for a commit before anybody is told: changes, and answers that hold them.
        self._holding = 0  # commits
        self._held: list[_Change | tuple[RoomPeer, Outgoing]] = []
        self._askers: list[tuple[RoomPeer, bytes]] = []
        # What to acknowledge once the pending changes are in the log: never before they are on their way there.
        self._owed: dict[RoomPeer, int] = {}
        # The last message of each peer that changed something.
        self._last: dict[RoomPeer, int] = {}
        self._comparing: set[RoomPeer] = set()
        self._moved: dict[int, RoomPeer | None] = {}
        self._flushing = False
        self._splitter = FrameWriter(self.limits.frame)
        self._counts = counts or Counts()
        self._committer = Committer(
            comm_id,
            store,
            self._acknowledge,
            self._log_failed,
            state=self._logged_state,
            lineage=lineage,
            tally=tally,
            snapshot_every=snapshot_every,
            counts=self._counts,
            retention=retention,
        )
        self._changed: list[Callable[[], None]] = []
        self._updated: list[OnUpdate] = []
        self._met: list[Callable[[RoomPeer], None]] = []
        self._author: Signature | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: Counter[RoomPeer] = Counter()
        self._subscription = doc.observe(self._on_transaction)
        self._closed = False

    @property
    def peers(self) -> list[RoomPeer]:
        """Return the peers that are here now."""
        return list(self._peers)

    @property
    def size(self) -> int:
        """Return about how large its state is, in bytes: as large as what its log began with, or its last snapshot."""
        return self._committer.size

    @property
    def uncommitted(self) -> int:
        """Return how many changes are not in the log yet."""
        return len(self._pending) + self._committer.waiting

    @property
    def lag(self) -> float:
        """Return the seconds that it takes a change to be in the log."""
        return self._committer.lag

    def state_hash(self) -> str:
        """Return the hash of the replica's state (docs/protocol.md, section 3.4)."""
        vector = self.doc.get_state()
        return state_hash(vector, self.doc.get_update(vector))

    def on_changed(self, callback: Callable[[], None]) -> None:
        """Call *callback* after each turn of the event loop in which the replica changed."""
        self._changed.append(callback)

    def on_update(self, callback: OnUpdate) -> None:
        """Call *callback* with each update as it is applied, who made it, and the peer that wrote it, if one did.

        It must not touch the replica.
        """
        self._updated.append(callback)

    def on_met(self, callback: Callable[[RoomPeer], None]) -> None:
        """Call *callback* with each peer that has joined or left, or has said something of itself."""
        self._met.append(callback)

    def said(self, peer: RoomPeer) -> list[dict[str, Any]]:
        """Return what *peer* says of itself, as each of its clients."""
        return [state.value or {} for state in self._awareness.states(peer)]

    def tell_of(self, absent: Hashable, update: bytes) -> None:
        """Tell the peers what *absent*, who is no peer, says of itself: an awareness update."""
        for client in self._awareness.receive(absent, update):
            self._moved[client] = None
        self._schedule()

    def forget(self, absent: Hashable) -> None:
        """Tell the peers that *absent* is not there any more."""
        for client in self._awareness.leave(absent):
            self._moved[client] = None
        self._schedule()

    def write(self, update: bytes, author: Signature) -> None:
        """Apply a change that the relay makes, signed *author*: whose doing it was."""
        with self.signed(author), self.doc.transaction(origin=Origin("relay")):
            self.doc.apply_update(update)

    @contextmanager
    def signed(self, author: Signature) -> Iterator[None]:
        """Have what is done to the replica meanwhile signed *author*; without a pause of the event loop."""
        self._author = author
        try:
            yield
        finally:
            self._author = None

    def note(self, label: str) -> None:
        """Write *label* into the log, behind everything that was received so far."""
        self.flush()
        self._committer.add([Entry(sync.EMPTY_UPDATE, None, time.time(), "update", label, by="relay")])
        self._committer.kick()

    def may_write(self, peer: RoomPeer) -> bool:
        """Tell whether *peer* may change this document."""
        return self._writable and peer.role.may_write

    def join(
        self, peer: RoomPeer, frames: Sequence[bytes], lineage: str | None = None, *, compares: bool = False
    ) -> list[bytes]:
        """Let *peer* in and return the first frames for it (docs/protocol.md, section 3.1).

        Args:
            frames: those of the open, a sync step 1 among them for a welcome that brings the content along.
            lineage: what the peer's replica descends from; None for an empty replica.
            compares: the peer looks after what others typed in texts that it deleted while it was away.

        Raises:
            ChannelClosed: the lineage is another one, or a frame is not acceptable.
        """
        if self._closed:
            raise ChannelClosed(CloseCode.GOING_AWAY, CloseCode.GOING_AWAY.sentence)
        if lineage is not None and lineage != self.lineage:
            raise ChannelClosed(CloseCode.LINEAGE_MISMATCH, CloseCode.LINEAGE_MISMATCH.sentence)
        self.flush()
        self._peers[peer] = FrameReader(self.limits.message)
        if compares:
            self._comparing.add(peer)
        answers: list[bytes] = []
        try:
            for frame in frames:
                answers += self._take(peer, frame, seq=0)
        except ChannelClosed:
            self.leave(peer)
            raise
        if self.may_write(peer):
            answers.append(sync.step1(self.doc.get_state()))
            self._incoming.prepare()
        states = self._awareness.encode()
        if states is not None:
            answers.append(awareness.encode(states))
        self._tell_met(peer)
        return answers

    def leave(self, peer: RoomPeer) -> None:
        """Let *peer* go and tell the others that its clients left. Harmless for one that is not here."""
        if self._peers.pop(peer, None) is None:
            return
        self._owed.pop(peer, None)
        self._last.pop(peer, None)
        self._comparing.discard(peer)
        self._early = deque((one for one in self._early if one[1] is not peer), _MOST_EARLY)
        self._committer.forget(peer)
        for client in self._awareness.leave(peer):
            self._moved[client] = None
        self._schedule()
        self._tell_met(peer)

    def expel(self, peer: RoomPeer, code: str, reason: str) -> None:
        """Close the document for *peer*."""
        self.leave(peer)
        if code != CloseCode.GOING_AWAY:
            self._counts.drop(code, peer.user)
        peer.close(code, reason)

    def receive(self, peer: RoomPeer, frames: Sequence[bytes], seq: int = 0) -> None:
        """Take one message of *peer*; a peer whose message is not acceptable is expelled, and nobody else notices."""
        if peer not in self._peers:
            return
        try:
            answers = [answer for frame in frames for answer in self._take(peer, frame, seq)]
        except ChannelClosed as closed:
            _log.warning(
                "%s of %s: %s expelled: %s",
                self.name,
                self.comm_id,
                peer.user,
                closed,
                extra=fields("peer.dropped", document=self.comm_id, user=peer.user, code=closed.code),
            )
            self.expel(peer, closed.code, closed.reason)
            return
        if answers:
            peer.send(self.outgoing(*answers, asked=True))

    def reset_reader(self, peer: RoomPeer) -> None:
        """Forget an unfinished frame of *peer*, after a gap on a channel that loses messages."""
        if peer in self._peers:
            self._peers[peer] = FrameReader(self.limits.message)

    def tell(self, name: str, params: dict[str, Any], *, writers: bool = False) -> None:
        """Send an event to every peer, or only to those who may write."""
        outgoing = self.outgoing(event.encode(name, params))
        for peer in self.peers:
            if not writers or self.may_write(peer):
                peer.send(outgoing)

    def outgoing(self, *frames: bytes, asked: bool = False) -> Outgoing:
        """Return *frames* as a peer's `send` takes them; *asked* where it asked for them."""
        return Outgoing(self.comm_id, frames, self._splitter, asked)

    def flush(self) -> None:
        """Send what is pending now, without waiting for the turn of the loop to end."""
        pending, self._pending = self._pending, []
        moved, self._moved = self._moved, {}
        hold = any(self._is_redone(change) for change in pending)
        self._holding += hold
        if self._holding:
            self._held += pending
            if moved:
                self._fan_out([], moved)
        elif pending or moved:
            self._fan_out(pending, moved)
        if pending:
            self._counts.updates += len(pending)
            self._counts.bytes += sum(len(change.update) for change in pending)
            now = time.time()
            self._committer.add(
                [
                    Entry(change.update, change.signature.author, now, "update", by=change.signature.by)
                    for change in pending
                ]
            )
            if hold:
                self._committer.then(self._release)
            for callback in self._changed:
                callback()
        owed, self._owed = self._owed, {}
        for peer, seq in owed.items():
            self._committer.owe(peer, seq)
        self._committer.kick()

    async def committed(self) -> None:
        """Wait until everything received so far is in the log."""
        self.flush()
        await self._committer.idle()

    async def released(self) -> None:
        """Wait until everybody has been told of everything: see above of what waits for its commit."""
        self.flush()
        if self._holding:
            done = asyncio.Event()
            self._committer.then(done.set)
            self._committer.kick()
            await done.wait()

    def seal(self) -> None:
        """Let nobody in any more; the document is about to close."""
        self._closed = True

    async def aclose(
        self, code: str = CloseCode.GOING_AWAY, reason: str = CloseCode.GOING_AWAY.sentence
    ) -> None:
        """Close the document for every peer and wait for the log."""
        self.seal()
        for peer in self.peers:
            self.expel(peer, code, reason)
        self.flush()
        try:
            await self._committer.aclose()
        finally:
            for task in list(self._tasks):
                task.cancel()
            self.doc.unobserve(self._subscription)
            # These lead back here: without them all goes at once, and not when the collector finds it.
            self.on_request = self.cleaner = None
            self._changed, self._updated, self._met = [], [], []

    # What comes in

    def _take(self, peer: RoomPeer, frame: bytes, seq: int) -> list[bytes]:
        key = sync.short_update(frame)
        if key is not None:
            self._apply(peer, key, seq)
            return []
        try:
            value = self._peers[peer].receive(frame)
        except FrameError as error:
            raise ChannelClosed(CloseCode.BAD_FRAME, f"{CloseCode.BAD_FRAME.sentence} ({error})") from error
        except FrameTooLarge as error:
            raise ChannelClosed(CloseCode.TOO_LARGE, CloseCode.TOO_LARGE.sentence) from error
        match value:
            case sync.Step1(state_vector):
                return self._answer(peer, state_vector)
            case sync.Step2(update):
                self._bring(peer, update, seq)
            case sync.Update(update):
                self._apply(peer, update, seq)
            case awareness.Awareness(update):
                self._hear(peer, update)
            case query_awareness.QueryAwareness():
                states = self._awareness.encode()
                return [] if states is None else [awareness.encode(states)]
            case request.Request():
                self._start(peer, value)
            case _:
                pass  # a part that is not the last, or a type that a client has no reason to send (section 3)
        return []

    def _answer(self, peer: RoomPeer, state_vector: bytes) -> list[bytes]:
        answer = sync.step2(self._missing(state_vector))
        if self._holding:
            # As it is now: who compares it with deletions of its own brings these meanwhile.
            self._askers.append((peer, answer))
            return []
        return [answer]

    def _missing(self, state_vector: bytes) -> bytes:
        try:
            clients = sync.state_clients(state_vector)
        except FrameError as error:
            raise ChannelClosed(CloseCode.BAD_FRAME, CloseCode.BAD_FRAME.sentence) from error
        self._check_seed(clients)
        try:
            return self.doc.get_update(state_vector)
        except ValueError as error:
            raise ChannelClosed(CloseCode.BAD_FRAME, CloseCode.BAD_FRAME.sentence) from error

    def _bring(self, peer: RoomPeer, update: bytes, seq: int) -> None:
        """Take what *peer* did while it was away.

        What others typed in texts that it deleted is brought back by that peer where it was here before, else by them;
        both are told (section 3.5).
        """
        if peer not in self._comparing or update == sync.EMPTY_UPDATE:
            self._apply(peer, update, seq)
            return
        self._comparing.remove(peer)
        self.flush()
        known = dict(self._last)
        self._apply(peer, update, seq)
        # It is about the next update: where there is none, because all was here already, it would be about another's.
        for writer, last in known.items() if self._pending else ():
            if writer is not peer:
                self._send_next(writer, event.encode("known", {"seq": last}))
        self._send_next(peer, event.encode("received", {"seq": seq}))
        self.flush()

    def _apply(self, peer: RoomPeer, update: bytes, seq: int) -> None:
        if update != sync.EMPTY_UPDATE:
            if not self.may_write(peer):
                raise ChannelClosed(CloseCode.READ_ONLY, CloseCode.READ_ONLY.sentence)
            try:
                missing = self._incoming.check(update)
                if missing is not None:
                    self._wait_for(missing, peer, update, seq)
                    return
                self._write(peer, update)
            except (ValueError, FrameError) as error:
                raise ChannelClosed(
                    CloseCode.BAD_FRAME, f"{CloseCode.BAD_FRAME.sentence} ({error})"
                ) from error
            self._last[peer] = seq
        if seq:
            self._owed[peer] = seq
            self._schedule()
        if self._early and update != sync.EMPTY_UPDATE:
            self._go_on_with_early()

    def _write(self, peer: RoomPeer, update: bytes) -> None:
        self._writer = peer
        before = len(self._pending)
        try:
            if ids.SEED_MARK in update:
                self._check_seed(sync.state_clients(get_state(update)))
            with self.doc.transaction(origin=_remote(peer.user)):
                self.doc.apply_update(update)
        except RuntimeError as error:
            # What waited for this update is put into what is no shared type; it is gone, and the update is there.
            _log.warning(
                "%s: what %s wrote before is left out: %s",
                self.comm_id,
                peer.user,
                error,
                extra=fields("update.left-out", document=self.comm_id, user=peer.user),
            )
        finally:
            self._writer = None
        if self.cleaner is not None:
            self._clean(self.cleaner, brought=len(self._pending) - before)

    def _wait_for(self, missing: Id, peer: RoomPeer, update: bytes, seq: int) -> None:
        """Keep what came out of order, a little of it: all comes again with the peer's answer to a step 1."""
        if len(update) <= _LARGEST_EARLY:
            self._early.append((missing, peer, update, seq))

    def _go_on_with_early(self) -> None:
        ready = [one for one in self._early if self._incoming.is_here(one[0])]
        for one in ready:
            self._early.remove(one)
        for _, peer, update, seq in ready:
            if peer in self._peers:
                try:
                    self._apply(peer, update, seq)
                except ChannelClosed as closed:
                    self.expel(peer, closed.code, closed.reason)

    def _clean(self, cleaner: Callable[[], None], brought: int) -> None:
        """Have taken out what must not travel: the others get that in one piece with the change that *brought* it."""
        before = len(self._pending)
        cleaner()
        if brought and len(self._pending) > before:
            *_, change, taken = self._pending
            update = merge_updates(change.update, taken.update)
            self._pending[-2:] = [change._replace(update=update, correction=taken.update)]

    def _check_seed(self, clients: dict[int, int]) -> None:
        own = ids.seed_client_id(self.lineage)
        if any(ids.is_seed(client) and client != own for client in clients):
            raise ChannelClosed(CloseCode.LINEAGE_MISMATCH, CloseCode.LINEAGE_MISMATCH.sentence)

    def _hear(self, peer: RoomPeer, update: bytes) -> None:
        if len(update) > self.limits.awareness:
            raise ChannelClosed(CloseCode.TOO_LARGE, "The awareness state is larger than the server allows.")
        try:
            changed = self._awareness.receive(
                peer,
                update,
                lambda before: isinstance(before, type(peer)) and before.user == peer.user,
                lambda state: signed(state, peer.identity),
            )
        except FrameError as error:
            raise ChannelClosed(CloseCode.BAD_FRAME, f"{CloseCode.BAD_FRAME.sentence} ({error})") from error
        for client in changed:
            self._moved[client] = peer
        if changed:
            self._schedule()
            self._tell_met(peer)

    def _tell_met(self, peer: RoomPeer) -> None:
        for callback in self._met:
            callback(peer)

    def _start(self, peer: RoomPeer, asked: request.Request) -> None:
        if self._asked[peer] >= _MOST_REQUESTS:
            raise ChannelClosed(CloseCode.TOO_MANY, CloseCode.TOO_MANY.sentence)
        self._asked[peer] += 1
        task = asyncio.get_running_loop().create_task(self._respond(peer, asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _respond(self, peer: RoomPeer, asked: request.Request) -> None:
        """Carry *asked* out; a handler's bug answers the asker and must not take the room down."""
        ok, result = False, None
        try:
            if self.on_request is None:
                raise ChannelClosed("unknown-method", f"The document answers no {asked.method!r}.")
            ok, result = True, await self.on_request(peer, asked)
        except ChannelClosed as refused:
            result = {"code": refused.code, "reason": refused.reason}
        except Exception as error:  # noqa: BLE001
            _log.exception(
                "The request %r of %s failed",
                asked.method,
                peer.user,
                extra=fields(
                    "request.failed", document=self.comm_id, user=peer.user, code=CloseCode.INTERNAL_ERROR
                ),
            )
            result = {
                "code": CloseCode.INTERNAL_ERROR,
                "reason": f"{CloseCode.INTERNAL_ERROR.sentence} ({error})",
            }
        finally:
            self._asked -= Counter([peer])  # forgets one that has none left
        if peer in self._peers:
            peer.send(self.outgoing(request.encode_response(asked.id, ok, result)))

    # What goes out

    def _on_transaction(self, happened: Any) -> None:
        update = happened.update
        if update == sync.EMPTY_UPDATE:
            return
        self._incoming.applied(update)
        if self._writer is not None:
            author = signature(self._writer)
        else:
            author = self._author or _SIGNED.get(happened.transaction.origin(), _RELAY)
        self._pending.append(_Change(update, author, self._writer))
        for callback in self._updated:
            callback(update, author, self._writer)
        self._schedule()

    def _schedule(self) -> None:
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._end_of_turn)

    def _end_of_turn(self) -> None:
        self._flushing = False
        self.flush()

    def _is_redone(self, change: _Change) -> bool:
        """Tell whether the next server does it again, from the file or by request, unless the log has it."""
        return change.writer is None and (change.signature.by == "file" or not self._writable)

    def _release(self) -> None:
        """Tell of what waited; first who asked for everything, for the rest builds upon it."""
        self._holding -= 1
        if self._holding:
            return
        held, self._held = self._held, []
        askers, self._askers = self._askers, []
        for peer, answer in askers:
            if peer in self._peers:
                peer.send(self.outgoing(answer, asked=True))
        for are_changes, group in groupby(held, key=lambda one: isinstance(one, _Change)):
            if are_changes:
                self._fan_out([change for change in group if isinstance(change, _Change)], {})
            else:
                for peer, outgoing in group:  # type: ignore[misc]
                    peer.send(outgoing)

    def _send_next(self, peer: RoomPeer, frame: bytes) -> None:
        """Send *peer* a frame, between what was done before and what is done now."""
        outgoing = self.outgoing(frame)
        if self._holding:
            self._held.append((peer, outgoing))
        else:
            peer.send(outgoing)

    def _fan_out(self, pending: list[_Change], moved: dict[int, RoomPeer | None]) -> None:
        """Send each peer what the others did, all at once, since each piece that is sent costs; nobody its own."""
        states = self._awareness.encode(list(moved)) if moved else None
        self._awareness.forget_gone()
        said = [] if states is None else [awareness.encode(states)]
        movers = set(moved.values())
        mover = movers.pop() if len(movers) == 1 else None
        authors = {change.writer for change in pending} | {mover}
        for_all: Outgoing | None = None
        for peer in self.peers:
            if peer not in authors:
                if for_all is None:
                    for_all = self.outgoing(*self._updates(pending), *said)
                due = for_all
            else:
                others = [one for change in pending if (one := _for(peer, change)) is not None]
                due = self.outgoing(*self._updates(others), *([] if peer is mover else said))
            if due.frames:
                peer.send(due)

    def _updates(self, changes: list[_Change]) -> list[bytes]:
        """Return the frames that tell *changes*."""
        frames = []
        for group in _groups(changes):
            updates = [change.update for change in group]
            update = updates[0] if len(group) == 1 else merge_updates(*updates)
            # "an update that only deletes names nobody" (section 3.5)
            nameless = {change.writer for change in group if sync.is_nameless(change.update)}
            if nameless:
                writers = [self._awareness.clients(writer) for writer in nameless]
                known = sorted({*chain(*writers)}) if all(writers) else []
                frames.append(event.encode("author", {"clients": known}))
            frames.append(sync.update(update))
        return frames

    # The log

    def _logged_state(self) -> bytes:
        """Return the replica as it is, once everything in it is on its way to the log."""
        self.flush()
        return self.doc.get_update()

    def _acknowledge(self, peer: RoomPeer, frame: bytes) -> None:
        if peer in self._peers:
            peer.send(self.outgoing(frame))

    def _log_failed(self, error: StoreError) -> None:
        message = f"The server cannot write its log, so changes are not safe from a crash yet; it tries again. {error}"
        self.tell("notice", {"level": "error", "code": "store", "message": message})


def _for(peer: RoomPeer, change: _Change) -> _Change | None:
    """Return what of a change *peer* has not got, None for nothing."""
    if change.writer is not peer:
        return change
    return None if change.correction is None else _Change(change.correction, _RELAY, None)


def _groups(changes: list[_Change]) -> Iterator[list[_Change]]:
    """Yield what is merged: not what somebody deleted with what others did, for it could not be told apart again."""
    for start in range(0, len(changes), _MERGE_AT_MOST):
        group = changes[start : start + _MERGE_AT_MOST]
        if any(sync.deletes(change.update) for change in group):
            for _, own in groupby(group, key=lambda change: change.writer):
                yield list(own)
        else:
            yield group
