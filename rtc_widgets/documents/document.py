"""A live document: one replica behind one short lock, used by code here and fed by an I/O thread."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from pycrdt import Array, Doc, TransactionEvent

from rtc_widgets.documents import forks, interrupts
from rtc_widgets.documents.link import Link
from rtc_widgets.documents.mailbox import Mailbox
from rtc_widgets.documents.replica import Cells, Replica
from rtc_widgets.documents.section import Section
from rtc_widgets.documents.subscription import Subscription, weakly
from rtc_widgets.documents.transactions import Fork, Stage, Transaction
from rtc_widgets.errors import DocumentError, FrameError, NotConnected
from rtc_widgets.ids import new_client_id
from rtc_widgets.origins import Origin

__all__ = ["LiveDocument"]

P = TypeVar("P")
UpdateCallback = Callable[[bytes, Origin], None]

# Of documents larger than this, in bytes, no copy is kept for the next transaction.
_MOST_KEPT = 20_000_000

_log = logging.getLogger(__name__)
_LOCAL = Origin("local")
_CHILD = (
    "This is a forked child of the process that holds the live document: its copy no longer follows, and "
    "cannot be written. Return the result to the parent and write it there, or connect from the child."
)


class Recorder(Protocol):
    """What keeps the steps that can be undone. All methods are called under the document's lock."""

    def prepare(self) -> None:
        """Get ready for a transaction made here."""

    def settle(self, origin: Origin, *, remote: bool) -> None:
        """Take note of the transaction that has just ended."""


class LiveDocument:
    """Hold one document that others edit at the same time.

    Any thread may use it. Everything happens under one lock that is held for microseconds and never while a
    callback runs. Writing, one takes a second lock first, so that a `transaction` keeps other writers out,
    and not the I/O thread.

    Args:
        origin: signs what is written here, where nothing else is said.
        client_id: of the CRDT; a random one for None.
    """

    def __init__(self, *, origin: Origin = _LOCAL, client_id: int | None = None) -> None:
        self.origin = origin
        # Runs each callback of a subscriber; set it to have them run on a main loop. Must keep the order.
        self.dispatcher: Callable[[Callable[[], None]], None] = _at_once
        # How what is written here reaches a file; set by whoever connects the document.
        self.link: Link | None = None
        # Tells the caller whether nothing that others do can arrive before it returns.
        self.deaf: Callable[[], bool] = _hears
        # Asked at each subscription for what shows the errors of that callback; a log does where it is None.
        self.show: Callable[[], Callable[[BaseException], None]] | None = None
        self._lock = threading.RLock()
        self._writer = threading.RLock()
        self._depth = 0  # nested writes on the replica
        self._signature: Origin | None = None
        self._remote = False
        self._stage: Stage | None = None
        # The copy that the last transaction worked on, for the next one: one, or none.
        self._kept: list[Fork] = []
        weakref.finalize(self, _close_all, self._kept).atexit = False
        self._detached: str | None = None
        self.recorder: Recorder | None = None
        self._listeners: tuple[UpdateCallback, ...] = ()
        self._rebuilt: tuple[Callable[[], None], ...] = ()
        self._parts: dict[type, Any] = {}
        self._updates: Mailbox[tuple[bytes, Origin]] = Mailbox(self._send)
        self._announced: Mailbox[Callable[[], None]] = Mailbox(_call)
        with interrupts.held():
            self._replica = self._new_replica(client_id)
        forks.register(self)

    # --------------------------------------------------------------------------------------- with a provider

    def apply_remote(self, update: bytes, origin: Origin) -> None:
        """Apply an update that somebody else made.

        Does not wait for a transaction here, which works on its own copy, and works while detached too.

        Raises:
            FrameError: the bytes are no update; nothing has changed.
        """
        self._apply(update, origin, remote=True)

    def apply_copied(self, update: bytes) -> None:
        """Apply an update that was made here, on a copy, and tell it to those who asked with `on_update`.

        As `apply_remote` it does not wait for a transaction here. It is no step that can be undone.
        """
        self._apply(update, self.origin, remote=False)
        self._updates.drain(interruptible=False)

    def state_vector(self) -> bytes:
        """Return what this document holds, as Yjs encodes it."""
        with interrupts.held(), self._lock:
            return self._replica.doc.get_state()

    def diff_update(self, state_vector: bytes) -> bytes:
        """Return the update that brings somebody at *state_vector* up to here.

        Raises:
            FrameError: the bytes are no state vector.
        """
        with interrupts.held(), self._lock:
            try:
                return self._replica.doc.get_update(state_vector)
            except ValueError as error:
                raise FrameError(f"This is not a state vector: {error}.") from error

    def on_update(self, callback: UpdateCallback) -> Subscription:
        """Have *callback* called with each update made here and its origin, one a transaction, in order.

        It runs in a thread that writes, after the transaction and outside every lock, and should only put
        the update into a queue: the writer waits for it. What others made is not told.
        """
        with self._lock:
            self._listeners = (*self._listeners, callback)

        def close() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not callback)

        return Subscription(close)

    @property
    def told(self) -> bool:
        """Whether all that was written here has been told to those who asked with `on_update`."""
        return self._updates.idle

    def wait_until_told(self, seconds: float = 1.0) -> None:
        """Wait for the thread that wrote last, which is about to tell, and needs no lock for it."""
        end = time.monotonic() + seconds
        while not self.told and time.monotonic() < end:
            time.sleep(0.0005)

    @property
    def client_id(self) -> int:
        """The CRDT client id that writes from here carry."""
        return self._replica.doc.client_id

    @property
    def detached(self) -> str | None:
        """Why this document takes no more writes; None while it does."""
        return self._detached

    def detach(self, reason: str) -> None:
        """Refuse writes from now on, with *reason* and its cure as the message; reading goes on."""
        self._detached = reason

    def attach(self) -> None:
        """Take writes again."""
        self._detached = None

    def rebuild(self) -> None:
        """Start again from an empty document under a new client id.

        For when the relay refused an update: its successors would stay pending for ever (facts.md). Handles
        and subscriptions stay valid; a transaction that is open fails when it ends. What was not
        acknowledged is the caller's to keep.
        """
        with interrupts.held(), self._lock:
            _close_all(self._kept)
            self._finalizer()
            self._replica = self._new_replica(None)
            if self._stage is not None:
                self._stage.lost = _REBUILT
            for callback in self._rebuilt:
                callback()

    def close(self) -> None:
        """Detach for good and let go of all observers."""
        self.detach("This document was closed.")
        with interrupts.held(), self._lock:
            _close_all(self._kept)
            self._finalizer()

    # ------------------------------------------------------------------------------------------ with facades

    def reading(self) -> Section:
        """Return a block that yields the `Replica` to read, under the lock; inside a transaction, its own."""
        return Section(self, write=False)

    def writing(self, *, origin: Origin | None = None) -> Section:
        """Return a block that is one CRDT transaction and yields the `Replica` to write to.

        For short operations only: it cannot be interrupted or undone, so check everything before the first
        write. Blocks inside one another are one transaction, with the outermost origin.

        Args:
            origin: signs it; the document's own for None.

        Raises:
            NotConnected: the document is detached.
            DocumentError: another task of this thread has a transaction open.
        """
        return Section(self, write=True, origin=origin)

    def transaction(self, label: str | None = None) -> Transaction:
        """Return a block whose writes are one update, or, after an exception, none.

        Args:
            label: says what it is, for history and undo; becomes the origin's detail.
        """
        return Transaction(self, label)

    def part(self, kind: type[P]) -> P:
        """Return the one *kind* of this document, made when first asked for; it must hold it weakly."""
        with self._lock:
            found = self._parts.get(kind)
            if found is None:
                found = self._parts[kind] = kind(self)  # type: ignore[call-arg]
            return found

    def peek(self, kind: type[P]) -> P | None:
        """Return the one *kind* of the replica that the caller reads, if there is one; takes no lock."""
        stage = self.stage_of_caller()
        return (self._replica if stage is None else stage.replica).peek(kind)

    def announce(self, call: Callable[[], None]) -> None:
        """Have *call* made after the transaction that is going on, outside the lock."""
        self._announced.put(call)

    def deliver(self) -> None:
        """Deliver what was announced, unless a transaction of the caller's is open: then at its end."""
        if self.stage_of_caller() is None:
            self._announced.drain(interruptible=True)

    def on_rebuild(self, callback: Callable[[], None]) -> None:
        """Have *callback* called, under the lock, when `rebuild` has put another replica in place."""
        self._rebuilt = (*self._rebuilt, callback)

    @property
    def replica(self) -> Replica:
        """The replica that others write to, never a transaction's copy; to be used under the lock."""
        return self._replica

    @property
    def signature(self) -> tuple[Origin, bool]:
        """The origin of the CRDT transaction going on, and whether it is remote: for observers."""
        return self._signature or self.origin, self._remote

    # ----------------------------------------------------------------------------------- of the transactions

    def stage_of_caller(self) -> Stage | None:
        """Return the stage of the transaction that the caller is inside of."""
        stage = self._stage
        return stage if stage is not None and stage.entered else None

    def begin(self, check: Callable[[], None]) -> Stage:
        """Keep other writers out and return a copy to work on."""
        self._refuse_foreign_task()
        while not self._writer.acquire(timeout=0.1):
            check()
        try:
            with interrupts.held(), self._lock:
                if self._detached is not None:
                    raise NotConnected(self._detached)
                if self._depth:
                    raise RuntimeError("A transaction cannot begin inside a `writing` block.")
                if self.recorder is not None:
                    self.recorder.prepare()
                doc = self._replica.doc
                if self._kept:
                    fork = self._kept.pop()
                    fork.follow(doc)
                else:
                    fork = Fork(doc.get_update(), doc.client_id)
                stage = self._stage = Stage(fork, self._writer)
        except BaseException:
            self._writer.release()
            raise
        return stage

    def commit(self, stage: Stage, label: str | None) -> None:
        """Apply all of *stage* as one update and let other writers in."""
        try:
            with interrupts.held():
                if stage.lost is not None:
                    raise DocumentError(stage.lost)
                self._stage = None
                update = stage.update()
                if update is not None:
                    origin = self.origin if label is None else dataclasses.replace(self.origin, detail=label)
                    # Announcements wait until the other writers have been let in.
                    with Section(self, write=True, origin=origin, quiet=True) as replica:
                        self._keep_deleted(replica, stage)
                        replica.doc.apply_update(update)
                stage.committed = True
        finally:
            self.abandon(stage)

    def abandon(self, stage: Stage) -> None:
        """Let *stage* go without a trace, and other writers in."""
        with interrupts.held():
            if self._stage is stage:
                self._stage = None
            with self._lock:
                fork = stage.spared()
                if fork is not None and fork.client_id == self.client_id and fork.size <= _MOST_KEPT:
                    self._kept.append(fork)
            stage.close()
            stage.writer.release()

    # ------------------------------------------------------------------------------------------- of the
    # blocks

    def enter(self, section: Section) -> Replica:
        """Take the locks that *section* needs, and open its CRDT transaction."""
        if not section.write:
            self._lock.acquire()
            stage = self.stage_of_caller()
            return self._replica if stage is None else stage.replica
        stage = self.stage_of_caller()
        if stage is None:
            self._refuse_foreign_task()
            while not self._writer.acquire(timeout=0.1):
                interrupts.check()
        self._lock.acquire()
        replica = self._replica if stage is None else stage.replica
        section.writer = stage is None
        try:
            if self._detached is not None:
                raise NotConnected(self._detached)
            if self._depth == 0:
                if stage is None and self.recorder is not None:
                    self.recorder.prepare()
                self._signature = section.origin or self.origin
                section.transaction = replica.doc.transaction(origin=self._signature)
            else:
                section.transaction = replica.doc.transaction()
            section.transaction.__enter__()
            self._depth += 1
        except BaseException:
            self._unlock(section)
            raise
        replica.writing = True
        section.replica = replica
        return replica

    def leave(self, section: Section) -> None:
        """Commit what was written, let the locks go and send it."""
        if not section.write:
            self._lock.release()
            return
        try:
            section.transaction.__exit__(None, None, None)
        finally:
            self._depth -= 1
            outermost = self._depth == 0
            if outermost:
                section.replica.writing = False
            if outermost and section.writer and self.recorder is not None:
                self.recorder.settle(self._signature or self.origin, remote=False)
            if outermost:
                self._signature = None
            self._unlock(section)
        if outermost:
            self._updates.drain(interruptible=False)
            if not section.quiet:
                self._schedule()

    # -------------------------------------------------------------------------------------------------- forks

    def before_fork(self) -> Callable[[], None] | None:
        """Wait for the short operations of other threads, so that a child's copy is whole."""
        lock = self._lock
        return lock.release if lock.acquire(timeout=1.0) else None

    def after_fork_in_child(self) -> None:
        """Get new locks, the old ones being held by threads that do not exist here, and detach."""
        self._lock = threading.RLock()
        self._writer = threading.RLock()
        self._depth, self._signature, self._remote = 0, None, False
        if self._stage is not None and not self._stage.entered:
            self._stage = None  # of a thread that does not exist here
        self._updates.renew()
        self._announced.renew()
        self.detach(_CHILD)

    # ---------------------------------------------------------------------------------------------- privates

    def _apply(self, update: bytes, origin: Origin, *, remote: bool) -> None:
        with interrupts.held():
            with self._lock:
                doc = self._replica.doc
                self._signature, self._remote = origin, remote
                try:
                    with doc.transaction(origin=origin):
                        doc.apply_update(update)
                    if self.recorder is not None:
                        self.recorder.settle(origin, remote=True)
                except ValueError as error:
                    raise FrameError(f"This is not an update of a document: {error}.") from error
                finally:
                    self._signature, self._remote = None, False
            self._schedule()
        self.deliver()

    def _schedule(self) -> None:
        """Hand what was announced to a dispatcher that only schedules it: that takes no time, and no interrupt."""
        if self.dispatcher is not _at_once and self.stage_of_caller() is None:
            self._announced.drain(interruptible=False)

    def _unlock(self, section: Section) -> None:
        self._lock.release()
        if section.writer:
            self._writer.release()

    def _refuse_foreign_task(self) -> None:
        stage = self._stage
        if stage is not None and stage.thread == threading.get_ident() and not stage.entered:
            raise DocumentError(
                "Another task of this thread has a transaction open on this document. "
                "End it before it awaits, or write after it; nothing was written."
            )

    def _new_replica(self, client_id: int | None) -> Replica:
        doc: Doc[Any] = Doc(client_id=new_client_id() if client_id is None else client_id)
        replica = Replica(doc, weakly(self._on_commit))
        # Calling it closes the replica, once, at the latest when nobody holds the document any more.
        self._finalizer = weakref.finalize(self, replica.close)
        self._finalizer.atexit = False
        return replica

    def _on_commit(self, event: TransactionEvent) -> None:
        if not self._remote and self._listeners:
            self._updates.put((event.update, self._signature or self.origin))

    @staticmethod
    def _keep_deleted(replica: Replica, stage: Stage) -> None:
        """Keep the cells that *stage* deletes, as they are before it."""
        if replica.deleted is not None and stage.deleted:
            cells: Cells = replica.root("cells", Array)  # type: ignore[assignment]
            cells.keep_all(stage.deleted)

    def _send(self, item: tuple[bytes, Origin]) -> None:
        for callback in self._listeners:
            try:
                callback(*item)
            except Exception:  # noqa: BLE001 (one listener's fault must not keep the others from the update)
                _log.exception("A listener failed to take an update of a live document.")


_REBUILT = (
    "The document was rebuilt from the relay while the transaction was open, so nothing of it was written. "
    "Run it again."
)


def _close_all(forks: list[Fork]) -> None:
    while forks:
        forks.pop().replica.close()


def _at_once(call: Callable[[], None]) -> None:
    call()


def _hears() -> bool:
    return False


def _call(call: Callable[[], None]) -> None:
    call()
