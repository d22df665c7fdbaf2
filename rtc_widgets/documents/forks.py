"""Documents in a process that forks: whole in the child, and detached there."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Protocol

from rtc_widgets.documents import interrupts

__all__ = ["Forkable", "register"]


class Forkable(Protocol):
    """What a fork needs of a document."""

    def before_fork(self) -> Callable[[], None] | None:
        """Hold still; return what ends that in the parent."""

    def after_fork_in_child(self) -> None:
        """Go on in a child, where no other thread exists."""


_known: weakref.WeakSet[Forkable] = weakref.WeakSet()
_held: list[Callable[[], None]] = []


def register(document: Forkable) -> None:
    """Have *document* told of forks, for as long as it lives."""
    _known.add(document)


def _before() -> None:
    _held.extend(release for document in list(_known) if (release := document.before_fork()) is not None)


def _in_parent() -> None:
    while _held:
        _held.pop()()


def _in_child() -> None:
    _held.clear()
    interrupts.renew()
    for document in list(_known):
        document.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
