"""The fewest steps that still fail: delta debugging (Zeller and Hildebrandt, 2002), in runs that are all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rtc_widgets.testing.simulator.script import Step

__all__ = ["shrunk"]


def shrunk(steps: Sequence[Step], fails: Callable[[list[Step]], bool], most: int = 400) -> list[Step]:
    """Return a part of *steps* for which *fails* is true, as small as is found.

    Args:
        steps: for which it is true.
        fails: runs some of them.
        most: how often it is called.

    >>> shrunk([Step("line", n=n) for n in range(20)], lambda some: {3, 17} <= {step.n for step in some})
    [Step('line', n=3), Step('line', n=17)]
    """
    left = list(steps)
    tries = 0

    def still(some: list[Step]) -> bool:
        nonlocal tries
        tries += 1
        return tries <= most and fails(some)

    size = max(1, len(left) // 2)
    while True:
        before = len(left)
        start = 0
        while start < len(left):
            # What a step waits for goes on to the next one: faults depend upon moments.
            some = left[:start] + left[start + size :]
            if still(some):
                left = some
            else:
                start += size
        if size > 1:
            size //= 2
        elif len(left) == before or tries > most:
            break
    for index, step in enumerate(left):
        for plain in (replace(step, wait=0.0), replace(left[index], n=0), replace(left[index], m=0)):
            if plain != left[index] and still([*left[:index], plain, *left[index + 1 :]]):
                left[index] = plain
    return left
