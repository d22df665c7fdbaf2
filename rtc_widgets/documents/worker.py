"""One thread for callbacks that must not wait for the main loop, nor keep anybody's connection waiting."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable

__all__ = ["is_current", "run"]


class _Worker:
    """Run calls in order, in a thread that begins with the first one and dies with the process."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def run(self, call: Callable[[], None]) -> None:
        self._calls.put(call)
        if self.thread is None:
            with self._lock:
                if self.thread is None:
                    self.thread = threading.Thread(
                        target=self._work, name="rtc_widgets callbacks", daemon=True
                    )
                    self.thread.start()

    def _work(self) -> None:
        while True:
            self._calls.get()()


_worker = _Worker()


def run(call: Callable[[], None]) -> None:
    """Have *call*, which must not raise, made in the thread for callbacks."""
    _worker.run(call)


def is_current() -> bool:
    """Tell whether the caller runs in that thread."""
    return threading.current_thread() is _worker.thread


def _renew() -> None:
    global _worker  # noqa: PLW0603 (a forked child has the object, and not its thread)
    _worker = _Worker()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
