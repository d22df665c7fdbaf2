"""A callback that was registered, until it is closed."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Self

__all__ = ["Subscription", "weakly"]


class Subscription:
    """Stand for a registered callback; close it, or use it as a context manager, to end it."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end: Callable[[], None] | None = end

    @property
    def closed(self) -> bool:
        """Whether the callback is called no more."""
        return self._end is None

    def close(self) -> None:
        """End it; a second time does nothing."""
        end, self._end = self._end, None
        if end is not None:
            end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def weakly(method: Callable[..., Any]) -> Callable[..., None]:
    """Return a function that calls *method* for as long as its object lives, without keeping it alive."""
    reference = weakref.WeakMethod(method)

    def call(*args: Any) -> None:
        target = reference()
        if target is not None:
            target(*args)

    return call
