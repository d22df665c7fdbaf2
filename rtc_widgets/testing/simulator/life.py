"""The life of a simulated server: all that it began ends at one moment, as with ``kill -9``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any

__all__ = ["Life"]

_current: ContextVar[Life | None] = ContextVar("life", default=None)


class Life:
    """Know what a server began, however deep inside: tasks and timers, by the context that they inherit.

    What is left of it runs no further than to its own ``finally``, and whatever it touches there asks `alive` first.
    """

    def __init__(self) -> None:
        self.alive = True
        self._context = copy_context()
        self._context.run(_current.set, self)
        # In the order in which they began: a set would end them in another one each time.
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._timers: dict[asyncio.TimerHandle, None] = {}

    @staticmethod
    def of(context: Context | None) -> Life | None:
        """Return the life that code in *context* is part of; None stands for the running code."""
        return _current.get() if context is None else context.get(_current)

    def own(self, task: asyncio.Task[Any]) -> None:
        """Take *task* for a part of it."""
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    def own_timer(self, timer: asyncio.TimerHandle) -> None:
        """Take *timer* for a part of it."""
        if len(self._timers) > 1000:
            now = asyncio.get_running_loop().time()
            self._timers = {t: None for t in self._timers if not t.cancelled() and t.when() >= now}
        self._timers[timer] = None

    def run(self, call: Callable[..., Any], *args: Any) -> Any:
        """Do something as the server."""
        return self._context.copy().run(call, *args)

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin a task of the server's."""
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())

    async def end(self) -> None:
        """End it at once."""
        self.alive = False
        for timer in self._timers:
            timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
