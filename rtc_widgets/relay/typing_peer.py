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

__all__ = ["Said", "TypingPeer"]


class Said:
    """Say in one room what somebody says of itself in another.

    Args:
        view: in which form that one has the notebook open.
        keys: what is said here, too. A cursor is not: its text is not here.
    """

    def __init__(self, view: str, keys: tuple[str, ...]) -> None:
        self.client = new_client_id()
        self._view = view
        self._keys = keys
        self._clock = 0
        self._last: dict[str, Any] | None = None

    def news(self, states: list[dict[str, Any]]) -> bytes | None:
        """Return what to tell, as an awareness update, now that *states* are said there; None for nothing new."""
        said = {key: value for state in states for key, value in state.items() if key in self._keys}
        if said == self._last:
            return None
        self._last = said
        self._clock += 1
        told = awareness.State(self.client, self._clock, json.dumps({**said, "view": self._view}))
        return awareness.encode_states([told])


class TypingPeer:
    """Be, in the notebook's room, a person who has the notebook's text open.

    Args:
        peer: the same person in the text's room.
    """

    def __init__(self, peer: RoomPeer) -> None:
        self._peer = peer
        self.said = Said("text", ("user", "kind", "activeCell"))

    @property
    def client(self) -> int:
        """Return the client as which the person's typing goes into the notebook."""
        return self.said.client

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

    def send(self, outgoing: Outgoing) -> None:
        """Need nothing: the projection takes the notebook's changes from the document."""

    def close(self, code: str, reason: str) -> None:
        """Need nothing: the room of the text closes with the notebook's."""
