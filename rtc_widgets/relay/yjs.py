"""A stock Yjs client in a room: bare frames on a WebSocket of their own (section 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rtc_widgets.protocol import auth, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.relay.access import Grant
from rtc_widgets.relay.connection import Rate, min_role
from rtc_widgets.relay.socket import framed
from rtc_widgets.roles import Role
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.peer import Outgoing
from rtc_widgets.rooms.room import Room

if TYPE_CHECKING:
    from rtc_widgets.relay.relay import Relay
    from rtc_widgets.relay.socket import SocketWriter

__all__ = ["YjsPeer"]

# What stock clients know; an event would make y-websocket log an error.
_KNOWN = frozenset({0, 1, 2, 3})


class YjsPeer:
    """Be a stock client's participation in one document.

    Args:
        relay: to let the room close when the last peer left.
        room: of the document.
        document: to take part in.
        grant: whose user and role.
        write: sends the bytes of WebSocket frames.
        hang_up: closes the WebSocket with a code and a reason.
    """

    def __init__(
        self,
        relay: Relay,
        room: Room,
        document: RoomDocument,
        grant: Grant,
        write: SocketWriter,
        hang_up: Callable[[int, str], None],
    ) -> None:
        self._relay = relay
        self._room = room
        self._document = document
        self._grant = grant
        self._write = write
        self._hang_up = hang_up
        self._rate = Rate(relay.limits.rate)

    @property
    def user(self) -> str:
        """Return the authenticated user's name."""
        return self._grant.user

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return who the server says it is."""
        return self._grant.identity

    @property
    def role(self) -> Role:
        """Return what the user may do."""
        return self._grant.role if self._room.writable else min_role(self._grant.role)

    def join(self) -> None:
        """Enter, and begin with step 1; "a peer that may not write is not sent one"."""
        for frame in self._document.join(self, []):
            self._write(framed(frame))
        self._relay.rooms.settle(self._room)

    def leave(self) -> None:
        """Leave."""
        self._document.leave(self)
        self._relay.rooms.settle(self._room)

    def receive(self, frame: bytes) -> None:
        """Take one frame."""
        if self._rate.take():
            self._document.receive(self, [frame])
        else:
            self._document.expel(self, CloseCode.TOO_MANY, CloseCode.TOO_MANY.sentence)

    async def recheck(self) -> None:
        """Ask for the role again, so that a right that was taken away ends, and one that was given holds."""
        role = await self._grant.ask_again(self._room.path)
        if role is None:
            self._document.expel(self, CloseCode.UNAUTHORIZED, CloseCode.UNAUTHORIZED.sentence)
            return
        could_write = self._document.may_write(self)
        self._grant.role = role
        if self._document.may_write(self) and not could_write:
            # What it was not asked for when it joined: it may have written something before it could be sent.
            self._write(framed(sync.step1(self._document.doc.get_state())))

    @property
    def unsent(self) -> int:
        """Return how many bytes wait for the connection."""
        return self._write.unsent

    def send(self, outgoing: Outgoing) -> None:
        """Send the frames that a stock client knows; they go whole, which needs no parts here."""
        if data := outgoing.carried(_on_websocket):
            self._write(data, outgoing.asked)

    def close(self, code: str, reason: str) -> None:
        """Deny, in the way a stock client understands, and hang up."""
        self._relay.rooms.settle(self._room)
        if code == CloseCode.READ_ONLY:
            self._write(framed(auth.encode(reason)))
        self._hang_up(CloseCode(code).websocket, code)


def _on_websocket(outgoing: Outgoing) -> bytes:
    return framed(*(frame for frame in outgoing.frames if frame[0] in _KNOWN))
