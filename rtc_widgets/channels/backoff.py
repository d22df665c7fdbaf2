"""Back-off: how long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Double the wait with each failure, with jitter so that the clients of a restarted server come one by one.

    Args:
        first: the first wait, in seconds.
        most: the longest.
        chance: gives a number from 0 up to 1.
    """

    def __init__(
        self, first: float = 0.5, most: float = 15.0, chance: Callable[[], float] = random.random
    ) -> None:
        self.failures = 0
        self._first = first
        self._most = most
        self._chance = chance

    def next(self) -> float:
        """Return the next wait in seconds, between half and all of the doubled one."""
        whole = min(self._most, self._first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return whole * (0.5 + self._chance() / 2)

    def reset(self) -> None:
        """Start again with the first wait."""
        self.failures = 0
