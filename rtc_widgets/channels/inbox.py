"""What came on a channel and was not received yet, and how the channel ended."""

from __future__ import annotations

import asyncio
from collections import deque

from rtc_widgets.errors import ChannelClosed

__all__ = ["Inbox"]


class Inbox:
    """Hold what came on a channel until it is received, and how the channel ended. For one event loop."""

    def __init__(self) -> None:
        self.closed: ChannelClosed | None = None
        self._frames: deque[bytes] = deque()
        self._news = asyncio.Event()

    def put(self, frame: bytes) -> None:
        """Add a frame."""
        self._frames.append(frame)
        self._news.set()

    def end(self, closed: ChannelClosed) -> None:
        """Note the end; only the first one counts."""
        self.closed = self.closed or closed
        self._news.set()

    async def get(self) -> bytes:
        """Return the next frame, or raise how the channel ended."""
        while not self._frames:
            if self.closed is not None:
                # A new one each time: an exception that is raised again grows by the traceback.
                raise ChannelClosed(self.closed.code, self.closed.reason)
            self._news.clear()
            await self._news.wait()
        return self._frames.popleft()
