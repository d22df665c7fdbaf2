"""An event loop with a clock of its own: waiting costs nothing, and what happened once happens again.

Time passes only where nothing is left to do, and then in one leap to the next timer. What real code has done by a
thread is done at once, and told some time later, as chance has it: the chance is seeded, a machine's scheduler is not.
"""

from __future__ import annotations

import asyncio
import queue
import random
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

from rtc_widgets.testing.simulator.life import Life

__all__ = ["VirtualLoop", "running"]

T = TypeVar("T")

_PATIENCE = 60.0  # real seconds that a thread has for its work
_SLOWEST = 0.03  # seconds after which, at the latest, a thread's work is told


class _Clock(selectors.DefaultSelector):
    """Let time pass instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("Everybody waits for what will never happen.")
            self.now += max(0.0, timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """Run coroutines in virtual time.

    Args:
        dice: decides how long threads take.
    """

    def __init__(self, dice: random.Random) -> None:
        self._clock = _Clock()
        self._dice = dice
        # Where threads of others put what they have to say, while everything stands still for them.
        self._still: queue.SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] | None = None
        super().__init__(self._clock)
        self.set_task_factory(_new_task)

    def time(self) -> float:
        """Return the seconds since the beginning."""
        return self._clock.now

    def at_once(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work*, which waits for nothing but threads, to its end while the world stands still."""
        still: queue.SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] = queue.SimpleQueue()
        self._still = still
        try:
            while True:
                try:
                    future = work.send(None)
                except StopIteration as end:
                    value: T = end.value
                    return value
                while future is not None and not future.done():
                    callback, args = still.get(timeout=_PATIENCE)
                    callback(*args)
        finally:
            self._still = None

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Set a timer, which ends with the life that sets it."""
        timer = super().call_at(when, callback, *args, context=context)
        life = Life.of(context)
        if life is not None:
            life.own_timer(timer)
        return timer

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Hear a thread; while the world stands still, right away."""
        if self._still is None:
            return super().call_soon_threadsafe(callback, *args, context=context)
        self._still.put((callback, args))
        return asyncio.Handle(callback, args, self, context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Do it now, and tell it later."""
        future = self.create_future()
        try:
            settle, value = future.set_result, func(*args)
        except Exception as error:  # noqa: BLE001 - it is the caller's
            settle, value = future.set_exception, error
        if self._still is not None:
            settle(value)
        else:
            self.call_later(self._dice.random() * _SLOWEST, _unless_done, future, settle, value)
        return future


def _new_task(
    loop: asyncio.AbstractEventLoop, work: Any, context: Context | None = None
) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, context=context)
    life = Life.of(context)
    if life is not None:
        life.own(task)
    return task


def _unless_done(future: asyncio.Future[Any], settle: Callable[[Any], None], value: Any) -> None:
    if not future.done():
        settle(value)


def running() -> VirtualLoop:
    """Return the loop that runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop
