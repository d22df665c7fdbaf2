"""Give back to the system what large documents took while they were opened, and when they are closed.

Opening parses, validates and encodes a file, and half of the memory for it is free again at the end. glibc keeps it: it
returns only what is at the heap's end, and the document that stays was made last.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
from collections.abc import Callable

__all__ = ["FreeMemory"]

_LARGE = 2**20  # bytes; of less there is too little to get back
_WAIT = (
    0.1  # seconds, for what the opening itself holds to be let go, and for documents that are opened together
)


class FreeMemory:
    """Have the C library return free memory after documents that were large; where it is not glibc, nothing happens."""

    def __init__(self) -> None:
        self._trim = _malloc_trim()
        self._timer: asyncio.TimerHandle | None = None

    def after(self, size: int) -> None:
        """Note that a document of *size* bytes was opened or closed."""
        if self._trim is not None and self._timer is None and size >= _LARGE:
            self._timer = asyncio.get_running_loop().call_later(_WAIT, self._begin, self._trim)

    def close(self) -> None:
        """Do nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        self._trim = None

    def _begin(self, trim: Callable[[int], int]) -> None:
        self._timer = None
        # In a thread: it takes some 20 ms, in which only who needs memory of the same arena waits.
        asyncio.get_running_loop().run_in_executor(None, trim, 0)


def _malloc_trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    return found
