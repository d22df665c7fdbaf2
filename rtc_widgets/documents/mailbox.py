"""Things decided under a lock and delivered after it: one at a time, in order, whoever put them in."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from rtc_widgets.documents import interrupts

__all__ = ["Mailbox"]

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Hand items to *deliver* in the order in which they were put in.

    Several threads may drain at once: one delivers, the others leave their items to it and go on. Items that
    a delivery puts in follow after it, so deliveries never nest.

    Args:
        deliver: is called without any lock of ours; what it raises reaches whoever drains, the item being
            spent.
    """

    def __init__(self, deliver: Callable[[T], None]) -> None:
        self._deliver = deliver
        self._items: deque[T] = deque()
        self._busy = threading.Lock()

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and nobody is delivering."""
        return not self._items and not self._busy.locked()

    def put(self, item: T) -> None:
        """Add an item, for the next drain."""
        self._items.append(item)

    def drain(self, *, interruptible: bool) -> None:
        """Deliver what is there, unless another thread, or a caller further up, is at it already.

        Args:
            interruptible: whether a user's code runs, which a keyboard interrupt may cut short.
        """
        while self._items:
            with interrupts.held():
                if not self._busy.acquire(blocking=False):
                    return
                try:
                    if interruptible:
                        interrupts.check()  # before an item is taken that would be lost
                    if self._items:
                        self._hand_over(self._items.popleft(), interruptible=interruptible)
                finally:
                    self._busy.release()

    def _hand_over(self, item: T, *, interruptible: bool) -> None:
        if interruptible:
            with interrupts.allowed():
                self._deliver(item)
        else:
            self._deliver(item)

    def renew(self) -> None:
        """Forget a delivery that another process is making: for a child after a fork."""
        self._busy = threading.Lock()
        self._items.clear()
