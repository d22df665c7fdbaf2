"""Two ends of a channel in one process, for tests and for peers that share it."""

from __future__ import annotations

from rtc_widgets.channels.inbox import Inbox
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.protocol.codes import CloseCode

__all__ = ["MemoryChannel", "pair"]


class MemoryChannel:
    """Be one end of a pair."""

    def __init__(self, mine: Inbox, theirs: Inbox) -> None:
        self._mine = mine
        self._theirs = theirs

    async def send(self, frame: bytes) -> None:
        """Put a frame into the other end's inbox."""
        if self._mine.closed is not None:
            raise ChannelClosed(self._mine.closed.code, self._mine.closed.reason)
        self._theirs.put(frame)

    async def receive(self) -> bytes:
        """Return the next frame."""
        return await self._mine.get()

    async def aclose(self) -> None:
        """End both ends."""
        self.end(CloseCode.NORMAL, CloseCode.NORMAL.sentence)

    def end(self, code: str, reason: str) -> None:
        """End both ends with a code of docs/protocol.md, section 5."""
        closed = ChannelClosed(code, reason)
        self._mine.end(closed)
        self._theirs.end(closed)


def pair() -> tuple[MemoryChannel, MemoryChannel]:
    """Return the two ends of a new channel; each receives what is sent on the other."""
    one, other = Inbox(), Inbox()
    return MemoryChannel(one, other), MemoryChannel(other, one)
