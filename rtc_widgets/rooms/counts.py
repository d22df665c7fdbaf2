"""What all documents of a server have done since it began, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Counts"]


@dataclass(slots=True)
class Counts:
    """Count what happens, for whoever watches over a server.

    Args:
        updates: changes that were received.
        bytes: of these changes.
        commits: to the log.
        seconds: of all commits together, from the receipt of the oldest change in each.
        dropped: peers that were expelled, by the code.
        on_dropped: called with the code and the user of each.
    """

    updates: int = 0
    bytes: int = 0
    commits: int = 0
    seconds: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)
    on_dropped: Callable[[str, str], object] | None = None

    def drop(self, code: str, user: str) -> None:
        """Count a peer of *user* that is expelled."""
        self.dropped[code] += 1
        if self.on_dropped is not None:
            self.on_dropped(code, user)
