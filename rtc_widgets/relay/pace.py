"""When to work at what changes all the time: soon after a change, and not more often than it costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Pace"]

_PAUSE = 0.05  # seconds from a change to the work
_SHARE = 4  # pauses are at least so many times as long as the work took last
_LONGEST = 5.0  # seconds of a pause at most


class Pace:
    """Call *work* a pause after the first of some changes."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._pause = _PAUSE
        self._timer: asyncio.TimerHandle | None = None

    def touch(self) -> None:
        """Note a change."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._ring)

    def stop(self) -> None:
        """Need no work for what was noted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Call nothing any more, and let go of *work*, which leads back here."""
        self.stop()
        self._work = _nothing

    def took(self, seconds: float) -> None:
        """Rest longer before the next work, as this one took so long."""
        self._pause = min(max(_PAUSE, _SHARE * seconds), _LONGEST)

    def _ring(self) -> None:
        self._timer = None
        self._work()


def _nothing() -> None:
    """Stand in for what is not called any more."""
