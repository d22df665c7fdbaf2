"""When to save by itself: after a pause, after a maximum wait, and later where the disk refuses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Schedule"]

_LONGEST_RETRY = 60.0  # seconds between attempts on a disk that refuses


class Schedule:
    """Call *fire* when it is time.

    A timer that only waits for a pause never fires while somebody types, hence the maximum.

    Args:
        delay: seconds without a change before *fire* is called.
        max_wait: seconds after the first change after which it is called in any case.
    """

    def __init__(self, delay: float, max_wait: float, fire: Callable[[], None]) -> None:
        self._delay = delay
        self._max_wait = max_wait
        self._call = fire
        self._timer: asyncio.TimerHandle | None = None
        self._first = self._last = self._not_before = self._retry = 0.0

    @property
    def armed(self) -> bool:
        """Tell whether *fire* will be called."""
        return self._timer is not None

    def touch(self) -> None:
        """Note a change; cheap, the timer is set anew only when it has run out."""
        self._last = asyncio.get_running_loop().time()
        if self._timer is None:
            self._first = self._last
            self._arm()

    def failed(self) -> None:
        """Try again, after twice as long as the last time."""
        self._retry = min(_LONGEST_RETRY, 2 * self._retry or max(self._delay, 0.05))
        self._not_before = asyncio.get_running_loop().time() + self._retry
        self.stop()
        self._arm()

    def succeeded(self) -> None:
        """Forget earlier failures."""
        self._retry = self._not_before = 0.0

    def stop(self) -> None:
        """Call nothing until the next change."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Call nothing any more, and let go of *fire*."""
        self.stop()
        self._call = _nothing

    def _due(self) -> float:
        return max(min(self._last + self._delay, self._first + self._max_wait), self._not_before)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_at(self._due(), self._ring)

    def _ring(self) -> None:
        if self._due() > asyncio.get_running_loop().time() + 0.001:
            self._arm()
        else:
            self._timer = None
            self._call()


def _nothing() -> None:
    """Stand in for what is not called any more."""
