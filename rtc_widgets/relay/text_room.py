"""The room of a notebook's text: a view of the notebook's room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.rooms.room import Room

if TYPE_CHECKING:
    from rtc_widgets.protocol.request import Request
    from rtc_widgets.relay.projections import TextBacking
    from rtc_widgets.rooms.peer import RoomPeer

__all__ = ["TextRoom"]


class TextRoom(Room):
    """Hold the text of a notebook, which has a room of its own."""

    backing: TextBacking

    def greet(self, peer: RoomPeer) -> None:
        """Tell a peer that has just joined what those who were here know already."""
        super().greet(peer)
        self.backing.greet(peer)

    async def refresh(self) -> None:
        """Bring the text up to date before somebody is let in."""
        await self.backing.refresh()

    async def _on_request(self, peer: RoomPeer, asked: Request) -> Any:
        if asked.method != "discard":
            return await super()._on_request(peer, asked)
        if not self.content.may_write(peer):
            raise ChannelClosed(CloseCode.READ_ONLY, CloseCode.READ_ONLY.sentence)
        self.content.flush()
        await self.backing.step(discard_by=peer.user)
        return {}
