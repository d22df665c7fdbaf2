"""What a room knows of a peer: who it is, what it may do, and how to send to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rtc_widgets.protocol import envelope
from rtc_widgets.protocol.peer import FrameWriter
from rtc_widgets.roles import Role
from rtc_widgets.stores.entry import Signature

__all__ = ["Outgoing", "RoomPeer", "signature"]


@dataclass(slots=True)
class Outgoing:
    """Hold frames on their way to peers, encoded once however many receive them.

    Args:
        comm_id: the document.
        frames: whole frames of docs/protocol.md, section 3.
        splitter: splits those that are over the limit, for carriers with envelopes.
        asked: whether the one peer that receives this asked for it.
    """

    comm_id: str
    frames: Sequence[bytes]
    splitter: FrameWriter
    asked: bool = False
    _carried: dict[Callable[[Outgoing], bytes], bytes] = field(default_factory=dict, init=False)

    def packed(self) -> list[bytes]:
        """Return the envelopes that carry the frames."""
        return [
            envelope.carry(self.comm_id, piece)
            for frame in self.frames
            for piece in self.splitter.split(frame)
        ]

    def carried(self, by: Callable[[Outgoing], bytes]) -> bytes:
        """Return what a carrier makes of this: *by* is called for the first of its receivers, for all of them."""
        data = self._carried.get(by)
        if data is None:
            data = self._carried[by] = by(self)
        return data


class RoomPeer(Protocol):
    """Be one participant of one document, on whatever carrier."""

    def __hash__(self) -> int:
        """Peers are told apart by identity."""
        ...

    @property
    def user(self) -> str:
        """Return the authenticated user's name; it signs the peer's changes in the log."""
        ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return who signs its comments and is shown: ``kind``, and the keys of jupyter_server's identity model.

        Of a kernel also ``runner``, the name of the person who runs it, where that is known.
        """
        ...

    @property
    def role(self) -> Role:
        """Return what the peer may do now."""
        ...

    def send(self, outgoing: Outgoing) -> None:
        """Send frames; never blocks and never raises for a peer that is gone."""
        ...

    def close(self, code: str, reason: str) -> None:
        """End the document for this peer; the room has already let it go."""
        ...


def signature(peer: RoomPeer) -> Signature:
    """Return what signs the changes of *peer* in the log."""
    if peer.identity.get("kind") != "kernel":
        return Signature(peer.user, "person")
    return Signature(str(peer.identity.get("username") or "") or None, "kernel")
