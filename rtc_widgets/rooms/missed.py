"""What people have to know of a room and could not be told: they were not here, or a server had ended under them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

__all__ = ["LINGER", "Missed"]

LINGER = 300.0
"""For so long (seconds) after somebody heard it, those who come are told, too: they come back one after the other."""

_MOST = 8


class Missed:
    """Keep notices for those who come: each until somebody has heard it, and some minutes longer."""

    def __init__(self) -> None:
        self._notices: deque[tuple[Mapping[str, Any], float | None]] = deque(maxlen=_MOST)

    def keep(self, notice: Mapping[str, Any], now: float, *, heard: bool) -> None:
        """Keep *notice*.

        Args:
            notice: the parameters of the event.
            now: seconds, on any clock.
            heard: whether anybody is here who hears it now.
        """
        self._notices.append((notice, now if heard else None))

    def of(self, now: float) -> list[Mapping[str, Any]]:
        """Return what somebody who comes now is to be told, oldest first."""
        kept = [
            (notice, now if heard is None else heard)
            for notice, heard in self._notices
            if heard is None or now - heard < LINGER
        ]
        self._notices = deque(kept, maxlen=_MOST)
        return [notice for notice, _ in kept]
