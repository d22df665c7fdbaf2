"""Who has a notebook open as text, as a participant of the notebook's own room."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rtc_widgets.ids import new_client_id
from rtc_widgets.protocol import awareness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtc_widgets.roles import Role
    from rtc_widgets.rooms.peer import Outgoing, RoomPeer

__all__ = ["TypingPeer"]


class TypingPeer:
    """Be, in the notebook's room, a person who has the notebook's text open.

    Args:
        peer: the same person in the text's room.
    """

    def __init__(self, peer: RoomPeer) -> None:
        self.client = new_client_id()
        self._peer = peer
        self._clock = 0

    @property
    def user(self) -> str:
        """Return the authenticated user's name."""
        return self._peer.user

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return who the server says it is."""
        return self._peer.identity

    @property
    def role(self) -> Role:
        """Return what the person may do now."""
        return self._peer.role

    def introduce(self, said: list[dict[str, Any]]) -> bytes:
        """Return the frame that tells the notebook's room who this is, by what the person *said* in the text's."""
        self._clock += 1
        state = {key: value for state in said for key, value in state.items() if key in {"user", "kind"}}
        told = awareness.State(self.client, self._clock, json.dumps({**state, "view": "text"}))
        return awareness.encode(awareness.encode_states([told]))

    def send(self, outgoing: Outgoing) -> None:
        """Need nothing: the projection takes the notebook's changes from the document."""

    def close(self, code: str, reason: str) -> None:
        """Need nothing: the room of the text closes with the notebook's."""
