"""Where widgets work while a cell runs: a thread that runs calls one after the other, some of them later."""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["MainThread", "Runner", "Worker", "kernel_of_process", "runner"]

Call = Callable[[], None]
_log = logging.getLogger(__name__)


class Worker:
    """Run calls in a daemon thread of their own, started with the first."""

    ticks = True  # calls come when they are due
    _news: threading.Condition
    _calls: list[tuple[float, int, Call]]
    _numbers: Iterator[int]
    _thread: threading.Thread | None

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def put(self, call: Call, after: float = 0.0) -> None:
        """Have *call* run, *after* so many seconds at the earliest; from any thread."""
        with self._news:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="rtc_widgets.widgets", daemon=True)
                self._thread.start()
            heapq.heappush(self._calls, (time.monotonic() + after, next(self._numbers), call))
            self._news.notify()

    def here(self) -> bool:
        """Tell whether the caller runs in the thread."""
        return threading.current_thread() is self._thread

    def _renew(self) -> None:
        # A forked child has the calls, and not the thread: they are its parent's to run.
        self._news, self._thread = threading.Condition(), None
        self._calls, self._numbers = [], itertools.count()

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._calls or self._calls[0][0] > time.monotonic():
                    wait = self._calls[0][0] - time.monotonic() if self._calls else None
                    self._news.wait(wait)
                _, _, call = heapq.heappop(self._calls)
            try:
                call()
            except Exception:  # noqa: BLE001 (one widget's fault must not end all others)
                _log.exception("A widget could not follow its document.")
            del call  # it may be the last that holds a widget


class MainThread:
    """Run calls on the main loop: for kernels that may publish there only.

    Args:
        dispatch: has a call run on the main loop.
    """

    ticks = False

    def __init__(self, dispatch: Callable[[Call], None]) -> None:
        self._dispatch = dispatch

    def put(self, call: Call, after: float = 0.0) -> None:
        """Have *call* run; later only as the loop has it, for nobody comes back to look at the clock."""
        self._dispatch(call)

    def here(self) -> bool:
        """Tell whether the caller runs in a thread of ours, of which there is none."""
        return False


Runner = Worker | MainThread
_worker: Worker | None = None


def kernel_of_process() -> Any:
    """Return the kernel that this process is, None for a plain one."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None)


def runner(dispatch: Callable[[Call], None]) -> Runner:
    """Return where a widget of this process works.

    Args:
        dispatch: has a call run on the main loop.
    """
    global _worker  # noqa: PLW0603 (one thread serves all widgets)
    kernel = kernel_of_process()
    if kernel is not None and not hasattr(kernel, "iopub_socket"):
        return MainThread(dispatch)
    if _worker is None:
        _worker = Worker()
    return _worker
