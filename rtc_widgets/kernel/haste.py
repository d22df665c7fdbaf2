"""A shorter switch interval of the interpreter's while messages go from thread to thread.

A thread that computes in Python lets another one in only after `sys.getswitchinterval()`, 5 ms, and a message of the
kernel's passes two threads, ours and ipykernel's. All the rest of the time the interval is what it was. Where no other
thread wants to run, it costs nothing.
"""

from __future__ import annotations

import sys

__all__ = ["Haste"]

_SHORT = 0.001  # seconds


class Haste:
    """Shorten the switch interval, from any thread, and give it back.

    Where two threads meet in here, a message is as slow as without: nothing is done twice, and nothing kept.
    """

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before: float | None = None

    @property
    def begun(self) -> bool:
        """Tell whether there is something to give back."""
        return self._before is not None

    def begin(self) -> None:
        """Shorten it, unless it is short."""
        now = sys.getswitchinterval()
        if now > 1.5 * _SHORT:
            self._before = now
            sys.setswitchinterval(_SHORT)

    def end(self) -> None:
        """Give it back, unless somebody else has set it meanwhile."""
        before, self._before = self._before, None
        if before is not None and abs(sys.getswitchinterval() - _SHORT) < _SHORT / 100:
            sys.setswitchinterval(before)
