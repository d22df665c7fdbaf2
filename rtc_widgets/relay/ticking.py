"""Something done again and again, by a clock that nobody sets.

Tornado's `PeriodicCallback` goes by the time of day: where that is set back by an hour, it rests for an hour.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from rtc_widgets.logged import fields

__all__ = ["Ticking"]

_log = logging.getLogger(__name__)


class Ticking:
    """Call *work* every *interval* seconds, from now on; a coroutine's next turn comes after it has ended.

    What it raises is logged, and it goes on.
    """

    def __init__(self, work: Callable[[], Any], interval: float) -> None:
        self._work = work
        self._interval = interval
        self._over = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wait()

    def stop(self) -> None:
        """Call it no more; what has begun ends by itself."""
        self._over = True
        self._work = _nothing
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        if not self._over:
            # With no interval at all others still have their turn.
            self._timer = asyncio.get_running_loop().call_later(max(self._interval, 0.001), self._ring)

    def _ring(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._turn())

    async def _turn(self) -> None:
        try:
            done = self._work()
            if isawaitable(done):
                await done
        except Exception:  # noqa: BLE001 - its next turn may go better
            _log.exception("What is done again and again failed", extra=fields("ticking.failed"))
        self._wait()


def _nothing() -> None:
    """Stand in for what is not called any more."""
