"""The seam between a document and its carrier: an ordered stream of frames with one end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rtc_widgets.protocol.welcome import Welcome

__all__ = ["Channel", "Opened", "Opener"]


class Channel(Protocol):
    """Carry one document's frames between two peers, in order and without loss while it lasts.

    Every ``send`` is one message: on carriers that number them (docs/protocol.md, section 2) the n-th has the
    number n. A new implementation sits the exam in `rtc_widgets.testing.ChannelExam`.
    """

    async def send(self, frame: bytes) -> None:
        """Send one frame, at most as long as the carrier's limit.

        Raises:
            ChannelClosed: the channel has ended; the frame may or may not have arrived.
        """
        ...

    async def receive(self) -> bytes:
        """Return the next frame; cancelled, it takes none.

        Raises:
            ChannelClosed: the channel has ended, and all that came before its end was returned.
        """
        ...

    async def aclose(self) -> None:
        """End the channel for both sides. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """Hold a document's channel to the relay, and what the relay said of it."""

    channel: Channel
    welcome: Welcome


Opener = Callable[[str, str | None, Sequence[bytes], bool], Awaitable[Opened]]
"""Opens a channel for the document at a path, with a lineage (None for an empty replica), the first frames, and whether
the peer looks after what others wrote where it deleted something (``compares``, docs/protocol.md, section 2).

Raises `NotConnected` where nobody answers, and `ChannelClosed` where the relay refuses.
"""
