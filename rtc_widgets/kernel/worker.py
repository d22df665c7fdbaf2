"""Where a session's calls run, one after the other: in a thread of its own, or on the main thread between lines.

The queue's `put` is one C call, which no interrupt can halve.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from rtc_widgets.documents import interrupts
from rtc_widgets.kernel.haste import Haste

__all__ = ["MainThreadWorker", "ThreadWorker", "Worker"]

Call = Callable[[], None]
# Seconds after the last call for which threads go on switching quickly: who types presses the next key within them.
_LINGER = 1.0


class Worker(Protocol):
    """Run calls in order, and what is due after them."""

    def put(self, call: Call) -> None:
        """Have *call* run; from any thread."""

    def start(self) -> None:
        """Begin."""

    def end(self, last: Call, timeout: float) -> None:
        """Run *last* after all that was put, and nothing afterwards; wait for that at most *timeout* seconds."""

    def abandon(self) -> None:
        """Run nothing more, in a forked child."""


class _Queue:
    """Hold what is to be run, and survive what fails.

    Args:
        tick: does what is due, and returns when something is due next (``time.monotonic()`` seconds), None for never.
        log: where a call that failed is told.
    """

    def __init__(self, tick: Callable[[], float | None], log: Any) -> None:
        self._tick = tick
        self._log = log
        self._queue: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._running = True

    def abandon(self) -> None:
        """Run nothing more, in a forked child."""
        self._queue = queue.SimpleQueue()
        self._running = False

    def guarded(self, call: Call) -> None:
        """Run *call*: one message that cannot be handled must not end the session.

        The log is the server's terminal, not a cell.
        """
        try:
            call()
        except BaseException:  # noqa: BLE001 - pycrdt's panics are no Exceptions
            self._log.exception("rtc_widgets could not handle a message.")

    def _stop_after(self, last: Call) -> None:
        self._running = False
        last()


class ThreadWorker(_Queue):
    """Run everything in a thread of its own."""

    def __init__(self, tick: Callable[[], float | None], log: Any) -> None:
        super().__init__(tick, log)
        self._thread = threading.Thread(target=self._run, name="rtc_widgets", daemon=True)
        # A debugger that halts all threads must not halt the document.
        self._thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
        self._haste = Haste()

    def put(self, call: Call) -> None:
        """Have *call* run soon; from any thread."""
        try:
            if self._running:
                self._haste.begin()
        finally:  # nothing keeps the call from the queue, not even an interrupt
            self._queue.put(call)

    def abandon(self) -> None:
        """Run nothing more, in a forked child."""
        self._haste.end()
        super().abandon()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self, last: Call, timeout: float) -> None:
        """Run *last* after all that was put, and end the thread; wait for that at most *timeout* seconds."""
        self._queue.put(lambda: self._stop_after(last))
        self._thread.join(timeout)
        self._running = False

    def _run(self) -> None:
        while self._running:
            due = self._tick()
            wait = None if due is None else max(0.0, due - time.monotonic())
            lingers = self._haste.begun and (wait is None or wait > _LINGER)
            try:
                call = self._queue.get(timeout=_LINGER if lingers else wait)
                lingers = False
                while True:
                    self.guarded(call)
                    call = self._queue.get_nowait()
            except queue.Empty:
                if lingers:
                    self._haste.end()
        self._haste.end()


class MainThreadWorker(_Queue):
    """Run everything on the main thread, at once where that is the caller, else when the main thread comes next.

    For kernels whose channels only the main thread may use. Nothing happens there by itself: what is due later is
    done with the next call, or with the next `turn`.
    """

    def __init__(self, tick: Callable[[], float | None], log: Any) -> None:
        super().__init__(tick, log)
        self._turning = False

    def put(self, call: Call) -> None:
        """Have *call* run: before this returns, on the main thread."""
        self._queue.put(call)
        self.turn()

    def start(self) -> None:
        """Do what was put until now."""
        self.turn()

    def end(self, last: Call, timeout: float) -> None:
        """Run *last* after all that was put, and nothing afterwards. On the main thread that needs no waiting."""
        self.put(lambda: self._stop_after(last))

    def turn(self) -> None:
        """Run what was put, and what is due."""
        if self._turning or not self._running or threading.current_thread() is not threading.main_thread():
            return
        with interrupts.held():
            self._turning = True
            try:
                while True:
                    try:
                        while self._running:
                            self.guarded(self._queue.get_nowait())
                    except queue.Empty:
                        pass
                    if self._running:
                        self._tick()
                    if self._queue.empty() or not self._running:
                        return
            finally:
                self._turning = False
