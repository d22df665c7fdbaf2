"""What was typed in a notebook's text since the last step: by one person after the other, for each signs their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtc_widgets.relay.typing_peer import TypingPeer

__all__ = ["Typing", "Typings"]

Typing = tuple["TypingPeer | None", list[bytes]]
"""Who typed, and the updates; None where it was the relay, which says how the file stands."""


class Typings:
    """Collect updates."""

    def __init__(self) -> None:
        self._all: list[Typing] = []

    def add(self, by: TypingPeer | None, update: bytes) -> None:
        """Add what somebody typed; what the relay did goes along with whatever stands beside it."""
        last = self._all[-1] if self._all else None
        if last is not None and by in (None, last[0]):
            last[1].append(update)
        elif last is not None and last[0] is None:
            self._all[-1] = by, [*last[1], update]
        else:
            self._all.append((by, [update]))

    def take(self) -> list[Typing]:
        """Return all, at least one that is empty, and begin anew."""
        taken, self._all = self._all, []
        return taken or [(None, [])]

    @property
    def is_typed(self) -> bool:
        """Tell whether anybody has typed."""
        return any(by is not None for by, _ in self._all)
