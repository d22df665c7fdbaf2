"""A transaction works on a copy of the document, and becomes one update when it succeeds."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any, Protocol

from pycrdt import Doc

from rtc_widgets.documents import interrupts
from rtc_widgets.documents.replica import Replica

__all__ = ["Fork", "Host", "Stage", "Transaction"]

# Which transactions the running code is inside of: follows asyncio tasks and `asyncio.to_thread`, unlike a
# thread id.
_entered: ContextVar[tuple[Stage, ...]] = ContextVar("rtc_widgets_transactions", default=())


class Fork:
    """Be a copy of a document under the same client id, and note what is written to it.

    Its operations carry the numbers that they will have in the real document, which therefore must take no other
    local write meanwhile.
    """

    def __init__(self, content: bytes, client_id: int) -> None:
        self.made: list[bytes] = []
        self.deleted: dict[str, str] = {}  # cells, by id
        self.size = len(content)
        self.client_id = client_id
        doc: Doc[Any] = Doc(client_id=client_id)
        doc.apply_update(content)
        made = self.made
        self.replica = Replica(doc, lambda event: made.append(event.update), self.deleted)

    def follow(self, original: Doc[Any]) -> None:
        """Bring a copy that was used before up to the document as it is now."""
        self.replica.doc.apply_update(original.get_update(self.replica.doc.get_state()))
        self.made.clear()
        self.deleted.clear()


class Stage:
    """Hold the copy that one transaction reads and writes. Dropped, it leaves no trace."""

    def __init__(self, fork: Fork, writer: Any) -> None:
        self.thread = threading.get_ident()
        self.writer = writer
        self.watch: _Watch | None = None
        self.lost: str | None = None  # why it cannot be committed any more
        self.committed = False
        self._fork: Fork | None = fork
        self._vector = fork.replica.doc.get_state()
        # What to build it from again, where an inner transaction fails: as it was when the first of them began.
        self._content: bytes | None = None
        self._earlier: list[bytes] = []

    @property
    def entered(self) -> bool:
        """Whether the caller runs inside this transaction."""
        return self in _entered.get()

    @property
    def replica(self) -> Replica:
        """The copy."""
        return self._open.replica

    @property
    def deleted(self) -> dict[str, str]:
        """The cells that were deleted, by id."""
        return self._open.deleted

    @property
    def _open(self) -> Fork:
        if self._fork is None:
            raise RuntimeError("This transaction has ended.")
        return self._fork

    def mark(self) -> int:
        """Return where an inner transaction begins."""
        if self._content is None:
            self._content = self.replica.doc.get_update()
            self._earlier = list(self._open.made)
        return len(self._open.made)

    def rewind(self, mark: int) -> None:
        """Take back all since *mark*, by building the copy again without it."""
        fork = self._open
        if len(fork.made) > mark:
            assert self._content is not None
            fork.replica.close()
            again = self._fork = Fork(self._content, fork.client_id)
            for update in fork.made[len(self._earlier) : mark]:
                again.replica.doc.apply_update(update)
            again.made[:0] = self._earlier
            again.deleted.update(fork.deleted)

    def update(self) -> bytes | None:
        """Return all that was written as one update; None for nothing."""
        return self.replica.doc.get_update(self._vector) if self._open.made else None

    def spared(self) -> Fork | None:
        """Hand over the copy at the end, if it holds what the document holds and nothing else."""
        if self._fork is None or self.lost is not None or (self._fork.made and not self.committed):
            return None
        fork, self._fork = self._fork, None
        return fork

    def close(self) -> None:
        """Drop the copy, unless somebody has it."""
        fork, self._fork = self._fork, None
        if fork is not None:
            fork.replica.close()


class Host(Protocol):
    """What a transaction needs of its document."""

    def stage_of_caller(self) -> Stage | None:
        """Return the stage of the transaction the caller is inside of."""

    def begin(self, check: Callable[[], None]) -> Stage:
        """Wait until no one else writes and return a new stage; *check*, called meanwhile, may raise."""

    def commit(self, stage: Stage, label: str | None) -> None:
        """Apply the stage to the document as one update."""

    def abandon(self, stage: Stage) -> None:
        """Let the stage go."""

    def deliver(self) -> None:
        """Deliver what was announced."""


class Transaction:
    """Make everything in a ``with`` block one update, or nothing at all.

    What happens in the block is seen by the block alone until it ends; what others do meanwhile is seen
    after it. An exception, `KeyboardInterrupt` included, leaves no trace anywhere. A transaction inside
    another joins it: its edits are part of the outer update, or are taken back alone where it fails and the
    outer one goes on.

    Entering copies the document, about 10 ms for each megabyte of it, unless the copy of the last transaction is
    still there. Other threads that write wait until the block ends; what other people write arrives all the same.
    """

    def __init__(self, host: Host, label: str | None = None) -> None:
        self._host = host
        self._label = label
        self._stage: Stage | None = None
        self._mark: int | None = None

    def __enter__(self) -> None:
        joined = self._host.stage_of_caller()
        if joined is not None:
            self._stage, self._mark = joined, joined.mark()
            return
        self._mark = None
        watch = _Watch()
        watch.install()
        try:
            self._stage = self._host.begin(watch.check)
            self._stage.watch = watch
            _entered.set((*_entered.get(), self._stage))
            watch.check()
            watch.busy = False
        except BaseException:
            watch.busy = True
            self._leave(commit=False)
            watch.remove()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        # An interrupt that arrives on the very way in here is noted by the watch, which knows this code.
        stage = self._stage
        watch = None if stage is None else stage.watch
        if stage is None or watch is None:
            raise RuntimeError("This transaction is not open.")
        if self._mark is not None:
            if kind is not None:
                with interrupts.held():
                    stage.rewind(self._mark)
            watch.check()
            return
        watch.busy = True
        try:
            self._leave(commit=kind is None and not watch.noted)
        finally:
            watch.remove()
            self._host.deliver()

    def _leave(self, *, commit: bool) -> None:
        stage, self._stage = self._stage, None
        if stage is None:
            return
        _entered.set(tuple(other for other in _entered.get() if other is not stage))
        if commit:
            self._host.commit(stage, self._label)
        else:
            self._host.abandon(stage)


class _Watch:
    """Keep interrupts from the few lines of ours around a user's block, and let them strike the block.

    Python looks for signals at the start of every function, so also between the last line of a ``with``
    block and the first one of ``__exit__``: raised there, nothing would ever end the transaction.
    """

    def __init__(self) -> None:
        self.busy = True
        self.noted = False
        self._previous: interrupts.Handler | None = None

    def install(self) -> None:
        if threading.get_ident() == threading.main_thread().ident:
            previous = signal.getsignal(signal.SIGINT)
            if callable(previous):
                self._previous = previous
                signal.signal(signal.SIGINT, self.note)

    def note(self, number: int, frame: FrameType | None) -> None:
        if self.busy or (frame is not None and frame.f_code is _EXIT):
            self.noted = True
        elif self._previous is not None:
            self._previous(number, frame)

    def check(self) -> None:
        """Let a noted interrupt take its course."""
        if self.noted and self._previous is not None:
            self.noted = False
            self._previous(signal.SIGINT, sys._getframe())  # noqa: SLF001 (the frame that a handler is given)

    def remove(self) -> None:
        """Put the handler back, unless somebody changed it since, and let a noted interrupt through."""
        if self._previous is not None:
            if signal.getsignal(signal.SIGINT) == self.note:
                signal.signal(signal.SIGINT, self._previous)
            self.check()


_EXIT = Transaction.__exit__.__code__
