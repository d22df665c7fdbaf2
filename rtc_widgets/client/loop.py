"""One event loop in one daemon thread of this process, for all connections: made when needed, gone after a fork."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["dispatcher", "in_thread", "inside", "stop", "submit"]

T = TypeVar("T")


class _Loop:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, name="rtc_widgets", daemon=True)
        # A debugger that halts all threads must not halt the connections.
        self.thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
        self.thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


class _Callbacks:
    """Run a person's callbacks, in order, in a thread where they may block."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="rtc_widgets callbacks", daemon=True).start()

    def put(self, callback: Callable[[], None]) -> None:
        self._queue.put(callback)

    def _run(self) -> None:
        while True:
            self._queue.get()()


class _State:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loop: _Loop | None = None
        self.callbacks: _Callbacks | None = None
        # What a forked child inherited. Never to be collected: closing it would disturb the parent's.
        self.inherited: list[object] = []


_state = _State()


def submit(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the loop."""
    with _state.lock:
        if _state.loop is None:
            _state.loop = _Loop()
        loop = _state.loop.loop
    return asyncio.run_coroutine_threadsafe(coroutine, loop)


def inside() -> bool:
    """Tell whether the caller runs in the loop's own thread, which must not wait for itself."""
    loop = _state.loop
    return loop is not None and threading.current_thread() is loop.thread


async def in_thread(function: Callable[[], T]) -> T:
    """Run what blocks in a thread of its own; unlike those of an executor it does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def finish(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run() -> None:
        result: Any = None
        failed: BaseException | None = None
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits for it
            failed = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, result, failed)

    threading.Thread(target=run, name="rtc_widgets request", daemon=True).start()
    return await future


def dispatcher() -> Callable[[Callable[[], None]], None]:
    """Return what runs a person's callbacks: the event loop that the caller runs in, else a thread of ours."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _in_callbacks_thread

    def call(callback: Callable[[], None]) -> None:
        try:
            loop.call_soon_threadsafe(callback)
        except RuntimeError:  # that loop is closed
            _in_callbacks_thread(callback)

    return call


def stop() -> None:
    """Stop the loop; a later `submit` makes another."""
    with _state.lock:
        stopped, _state.loop = _state.loop, None
    if stopped is not None:
        stopped.loop.call_soon_threadsafe(stopped.loop.stop)
        stopped.thread.join(1.0)


def _in_callbacks_thread(callback: Callable[[], None]) -> None:
    with _state.lock:
        if _state.callbacks is None:
            _state.callbacks = _Callbacks()
        callbacks = _state.callbacks
    callbacks.put(callback)


def _in_child() -> None:
    _state.inherited += [_state.loop, _state.callbacks]
    _state.lock = threading.Lock()
    _state.loop = _state.callbacks = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
