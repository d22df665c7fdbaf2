"""Count the bytes that ZeroMQ holds for a peer: its high-water mark counts messages, whatever their size."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import zmq

__all__ = ["InFlight"]

# To learn when a message has left costs 40 µs, as much as to send it: one is asked about for so many bytes.
STEP = 2**16
# What a message is besides its buffers, about: headers, a signature, the document's name.
ENVELOPE = 1024


class InFlight:
    """Count what was given to one socket, or to several, and has not left."""

    def __init__(self) -> None:
        self._tracked: deque[tuple[zmq.MessageTracker, int]] = deque()
        self._total = 0
        self._loose = 0  # bytes behind the last message that is tracked

    @property
    def size(self) -> int:
        """Return the bytes, less those of the last few small messages."""
        # In order: a message leaves after those before it.
        while self._tracked and self._tracked[0][0].done:
            self._total -= self._tracked.popleft()[1]
        return self._total

    @contextmanager
    def counted(self, buffers: Sequence[bytes]) -> Iterator[list[Any]]:
        """Give *buffers* in the form in which to send them; they count unless sending raises an exception."""
        loose = self._loose + ENVELOPE + sum(map(len, buffers))
        if loose < STEP or not buffers:
            yield [*buffers]
            self._loose = loose
            return
        # The last one, which leaves last. Not copied, whatever its size, or it would be said to have left at once.
        last = zmq.Frame(buffers[-1], track=True, copy=False, copy_threshold=0)
        yield [*buffers[:-1], last]
        self._tracked.append((cast("zmq.MessageTracker", last.tracker), loose))
        self._total += loose
        self._loose = 0
