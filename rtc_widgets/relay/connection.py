"""One tab's connection: every document that the tab has open, multiplexed on one WebSocket (section 2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rtc_widgets._version import __version__
from rtc_widgets.errors import ChannelClosed, FrameError
from rtc_widgets.logged import fields
from rtc_widgets.protocol import envelope, event, version
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.heartbeat import HEARTBEAT
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.relay.access import Grant
from rtc_widgets.relay.socket import framed
from rtc_widgets.roles import Role
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.peer import Outgoing
from rtc_widgets.rooms.room import Room

if TYPE_CHECKING:
    from rtc_widgets.relay.relay import Relay
    from rtc_widgets.relay.socket import SocketWriter

__all__ = ["Rate", "TabConnection", "TabPeer", "min_role"]

_log = logging.getLogger(__name__)


class TabPeer:
    """Be one tab's participation in one document."""

    def __init__(self, connection: TabConnection, room: Room, document: RoomDocument, grant: Grant) -> None:
        self.connection = connection
        self.room = room
        self.document = document
        self.grant = grant
        self._received = 0

    @property
    def user(self) -> str:
        """Return the authenticated user's name."""
        return self.grant.user

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return who the server says it is."""
        return self.grant.identity

    @property
    def role(self) -> Role:
        """Return what the user may do: never more than read where the file is read-only."""
        return self.grant.role if self.room.writable else min_role(self.grant.role)

    @property
    def unsent(self) -> int:
        """Return how many bytes wait for the connection, for this document and others."""
        return self.connection.write.unsent

    def send(self, outgoing: Outgoing) -> None:
        """Send frames to the tab."""
        self.connection.write(outgoing.carried(_on_websocket), outgoing.asked)

    def close(self, code: str, reason: str) -> None:
        """Tell the tab that the document is closed for it."""
        self.connection.closed(self, code, reason)

    def number(self, seq: object) -> int:
        """Check and return the number of a message; on a WebSocket nothing gets lost (section 2)."""
        self._received += 1
        if seq != self._received:
            raise ChannelClosed(
                CloseCode.BAD_FRAME, f"{CloseCode.BAD_FRAME.sentence} (message {seq!r} is out of order)"
            )
        return self._received


def _on_websocket(outgoing: Outgoing) -> bytes:
    return framed(*outgoing.packed())


def min_role(role: Role) -> Role:
    """Return *role* without the right to write content."""
    return Role.COMMENTER if role.may_annotate else Role.VIEWER


class Rate:
    """Hold one connection to a number of messages a second, over ten seconds (section 11)."""

    def __init__(self, rate: int, clock: Callable[[], float] | None = None) -> None:
        self._rate = rate
        self._budget = rate * 10.0
        self._clock = clock or asyncio.get_running_loop().time
        self._counted = self._clock()

    def take(self, count: int = 1) -> bool:
        """Take some of the messages that the last ten seconds have left; tell whether there were as many."""
        now = self._clock()
        self._budget = min(self._rate * 10.0, self._budget + (now - self._counted) * self._rate)
        self._counted = now
        self._budget -= count
        return self._budget >= 0


class TabConnection:
    """Handle the messages of one WebSocket.

    Args:
        relay: the rooms and the grants.
        user: the authenticated user's name, or None for a peer with the server's token (`Grants.redeem`).
        write: sends the bytes of WebSocket frames.
        hang_up: closes the WebSocket with a code and a reason.
    """

    def __init__(
        self,
        relay: Relay,
        user: str | None,
        write: SocketWriter,
        hang_up: Callable[[int, str], None],
    ) -> None:
        self._relay = relay
        self._user = user
        self.write = write
        self._hang_up = hang_up
        self._peers: dict[str, TabPeer] = {}
        self._rate = Rate(relay.limits.rate)

    def send(self, data: bytes, *, asked: bool = False) -> None:
        """Send one WebSocket message; *asked* where it is a document that the tab asked for."""
        self.write(framed(data), asked)

    def receive(self, data: bytes | str) -> None:
        """Take one WebSocket message; what does not parse closes the connection, and only this one."""
        if not self._rate.take():
            self._drop(CloseCode.TOO_MANY)
            return
        try:
            message = envelope.unpack(data if isinstance(data, bytes) else data.encode())
        except FrameError as error:
            _log.warning(
                "A message of %s does not parse: %s",
                self._user,
                error,
                extra=fields("peer.dropped", user=self._user, code=CloseCode.BAD_FRAME),
            )
            self._drop(CloseCode.BAD_FRAME)
            return
        if not self._rate.take(max(0, len(message.buffers) - 1)):
            self._drop(CloseCode.TOO_MANY)
            return
        if message.comm_id == HEARTBEAT:
            self.send(data if isinstance(data, bytes) else data.encode())
            return
        peer = self._peers.get(message.comm_id)
        try:
            if message.msg_type == "comm_open":
                self._open(message)
            elif peer is not None and message.msg_type == "comm_close":
                self._leave(peer)
            elif peer is not None:
                peer.document.receive(peer, message.buffers, peer.number(message.data.get("seq")))
        except ChannelClosed as closed:
            if peer is not None:
                peer.document.expel(peer, closed.code, closed.reason)
            else:
                self.send(envelope.pack(envelope.close(message.comm_id, closed.code, closed.reason), "iopub"))

    def closed(self, peer: TabPeer, code: str, reason: str) -> None:
        """Tell the tab that a document is closed for it."""
        comm_id = peer.document.comm_id
        if self._peers.get(comm_id) is peer:
            del self._peers[comm_id]
            self.send(envelope.pack(envelope.close(comm_id, code, reason), "iopub"))
            self._relay.rooms.settle(peer.room)

    def drop(self) -> None:
        """Leave every document: the WebSocket is gone."""
        for peer in list(self._peers.values()):
            self._leave(peer)

    async def recheck(self) -> None:
        """Ask the authorizer again, so that a right that was taken away ends."""
        for peer in list(self._peers.values()):
            role = await peer.grant.ask_again(peer.room.path)
            if role is None:
                peer.document.expel(peer, CloseCode.UNAUTHORIZED, CloseCode.UNAUTHORIZED.sentence)
            elif role is not peer.grant.role:
                peer.grant.role = role
                peer.send(peer.document.outgoing(event.encode("role", {"role": peer.role})))

    def _drop(self, code: CloseCode) -> None:
        self._relay.counts.drop(code, self._user or "")
        self._hang_up(code.websocket, code)

    def _open(self, message: envelope.Message) -> None:
        comm_id, data = message.comm_id, message.data
        if comm_id in self._peers:
            raise ChannelClosed(CloseCode.CONFLICT, "This document is already open on this connection.")
        if len(self._peers) >= self._relay.max_documents:
            raise ChannelClosed(CloseCode.TOO_MANY, CloseCode.TOO_MANY.sentence)
        if self.write.crowded:
            raise ChannelClosed(CloseCode.TOO_SLOW, CloseCode.TOO_SLOW.sentence)
        versions = data.get("versions")
        chosen = version.choose(
            [v for v in versions if isinstance(v, int)] if isinstance(versions, list) else [],
            peer="the page",
            peer_release=str(data.get("release", "of an unknown release")),
            our_release=__version__,
        )
        grant = self._relay.grants.redeem(data.get("ticket"), comm_id, self._user)
        found = self._relay.rooms.document(comm_id)
        if found is None:
            raise ChannelClosed(CloseCode.GOING_AWAY, CloseCode.GOING_AWAY.sentence)
        room, document = found
        peer = TabPeer(self, room, document, grant)
        frames = document.join(
            peer, message.buffers, data.get("lineage"), compares=data.get("compares") is True
        )
        self._peers[comm_id] = peer
        self._relay.rooms.settle(room)
        welcome = Welcome(
            chosen,
            __version__,
            peer.role,
            document.lineage,
            document.name,
            room.path,
            room.id,
            document.limits,
        )
        # A large document follows the welcome in parts, to stay below the WebSocket's limit.
        small = sum(map(len, frames)) <= document.limits.frame
        self.send(
            envelope.pack(
                envelope.comm(comm_id, frames if small else [], {"welcome": welcome.to_json()}), "iopub"
            ),
            asked=True,
        )
        if not small:
            peer.send(document.outgoing(*frames, asked=True))
        if document is room.content:
            room.greet(peer)

    def _leave(self, peer: TabPeer) -> None:
        del self._peers[peer.document.comm_id]
        peer.document.leave(peer)
        self._relay.rooms.settle(peer.room)
