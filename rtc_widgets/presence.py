"""Brings what the participants of a document say of themselves from the wire to `People`, and back."""

from __future__ import annotations

import json
from typing import Any

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.people import People, State
from rtc_widgets.errors import FrameError
from rtc_widgets.origins import Origin
from rtc_widgets.protocol import awareness
from rtc_widgets.protocol.codec import Reader

__all__ = ["DocumentPresence"]

REMOTE = Origin("remote", detail="relay")


class DocumentPresence:
    """Speak awareness updates (docs/protocol.md, 3.3) for the people of one document."""

    def __init__(self, document: LiveDocument) -> None:
        self.people = document.part(People)
        # Whose deletions are in the next update, as far as the relay said (docs/protocol.md, 3.5).
        self._told: list[int] | None = None

    def introduce(self) -> bytes | None:
        """Return the awareness update that says who this is, None where nothing was ever said."""
        if not self.people.mine:
            return None
        return awareness.encode_states(
            awareness.State(state.client, state.clock, _json(state.value))
            for state in self.people.introduce()
        )

    def receive(self, update: bytes) -> None:
        """Take the states of others.

        Raises:
            FrameError: it does not parse.
        """
        self.people.receive(
            State(state.client, state.clock, state.value) for state in awareness.decode_states(update)
        )

    def forget(self) -> None:
        """Forget the others: the connection is gone."""
        self.people.forget()

    def origin(self, update: bytes) -> Origin:
        """Return the origin of an update by somebody else, with the user where it is one who is here.

        An update begins with the number of clients whose insertions it holds, and the first of them. Deletions alone
        name nobody: the relay tells whose they are, in an event before the update. Merged with others' they
        are of one only where all are.
        """
        told, self._told = self._told, None
        named: list[int] | None = None
        try:
            reader = Reader(update)
            if clients := reader.varuint():
                reader.varuint()
                named = [reader.varuint()] if clients == 1 else []
        except FrameError:
            return REMOTE
        users = {self.people.author(clients) for clients in (told, named) if clients is not None}
        user = users.pop() if len(users) == 1 else None
        return REMOTE if user is None else Origin("remote", user, "relay")

    def author(self, params: dict[str, Any]) -> None:
        """Take the relay's event that tells whose deletions are in the next update."""
        clients = params.get("clients")
        known = isinstance(clients, list) and all(isinstance(client, int) for client in clients)
        self._told = clients if known else []


def _json(value: dict[str, Any] | None) -> str:
    return "null" if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
