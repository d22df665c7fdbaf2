"""A keyboard interrupt waits until a short operation of ours has ended.

Raised inside a pycrdt call, ``KeyboardInterrupt`` leaves the document's transaction open and its lock held
for good (facts.md, pycrdt). So around each of our own operations on the main thread the handler of SIGINT is
swapped for one that only takes a note, and the interrupt follows when the operation has ended, a millisecond
later. Never around a user's code: that has to stay interruptible.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["allowed", "check", "held", "hold", "release", "renew"]

Handler = Callable[[int, FrameType | None], Any]


class _State:
    """What only the main thread touches: Python runs signal handlers there and nowhere else."""

    def __init__(self) -> None:
        self.holding = False
        self.noted = False
        self.previous: Handler = signal.default_int_handler

    def note(self, _signum: int, _frame: FrameType | None) -> None:
        self.noted = True


_state = _State()


def hold() -> bool:
    """Hold interrupts back until `release`; return whether there is anything to release.

    Does nothing off the main thread, inside another hold, and where SIGINT has no Python handler.
    """
    if _state.holding or threading.get_ident() != threading.main_thread().ident:
        return False
    previous = signal.getsignal(signal.SIGINT)
    if not callable(previous):  # SIG_DFL, SIG_IGN, or a handler that is not Python's
        return False
    _state.noted = False
    _state.previous = previous
    signal.signal(signal.SIGINT, _state.note)  # from here on nothing raises
    _state.holding = True
    return True


def release() -> None:
    """End a hold, and let an interrupt that came meanwhile take its course: usually it raises right here."""
    _state.holding = False  # first: once the handler is back, anything may be cut short
    signal.signal(signal.SIGINT, _state.previous)
    if _state.noted:
        _state.noted = False
        _state.previous(signal.SIGINT, sys._getframe())  # noqa: SLF001 (the frame that a handler is given)


def check() -> None:
    """Let an interrupt through that was noted: for waits within a hold, at points where raising is safe."""
    if _state.holding and _state.noted and threading.get_ident() == threading.main_thread().ident:
        _state.noted = False
        _state.previous(signal.SIGINT, sys._getframe())  # noqa: SLF001


def renew() -> None:
    """End a hold of another thread, which does not exist in a forked child."""
    if _state.holding:
        _state.holding = _state.noted = False
        signal.signal(signal.SIGINT, _state.previous)


class held:  # noqa: N801 (used like contextlib.suppress)
    """Hold interrupts back within the block."""

    __slots__ = ("_mine",)

    def __enter__(self) -> None:
        self._mine = hold()

    def __exit__(self, *_: object) -> None:
        if self._mine:
            release()


class allowed:  # noqa: N801
    """Let interrupts through within the block, although an outer one holds them: for calls to user code."""

    __slots__ = ("_mine",)

    def __enter__(self) -> None:
        self._mine = _state.holding and threading.get_ident() == threading.main_thread().ident
        if self._mine:
            release()

    def __exit__(self, *_: object) -> None:
        if self._mine:
            hold()
