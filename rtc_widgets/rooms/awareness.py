"""The states that the peers of a document say of themselves, each owned by the peer that introduced it."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from rtc_widgets.protocol.awareness import State, decode_states, encode_states

__all__ = ["RoomAwareness"]


class RoomAwareness:
    """Keep the newest state of each client and who owns it (docs/protocol.md, section 3.3)."""

    def __init__(self) -> None:
        self._states: dict[int, State] = {}
        self._owners: dict[int, Hashable] = {}

    def receive(
        self, owner: Hashable, update: bytes, may_inherit: Callable[[Hashable], bool] = lambda _: False
    ) -> list[int]:
        """Take what *owner* says and return the clients whose state changed.

        A state of another owner's client is dropped: nobody speaks for others. Only a tab that comes back before its
        old connection was noticed to be gone inherits from that.

        Args:
            owner: who says it.
            update: an awareness update.
            may_inherit: tells whether the one who introduced a client may be the same tab, on an older connection.

        Raises:
            FrameError: the update does not parse.
        """
        changed = []
        for state in decode_states(update):
            known = self._states.get(state.client)
            if known is not None:
                before = self._owners.get(state.client, owner)
                if before != owner and not may_inherit(before):
                    continue
                self._owners[state.client] = owner
                if state.clock < known.clock or (state.clock == known.clock and not state.gone):
                    continue
            elif state.gone:
                continue
            self._owners[state.client] = owner
            self._states[state.client] = state
            changed.append(state.client)
        return changed

    def encode(self, clients: list[int] | None = None) -> bytes | None:
        """Return an awareness update of *clients*, by default of all that are here, or None for nobody."""
        if clients is None:
            states = [state for state in self._states.values() if not state.gone]
        else:
            states = [self._states[client] for client in clients if client in self._states]
        return encode_states(states) if states else None

    def clients(self, owner: Hashable | None) -> list[int]:
        """Return the clients of *owner* that are here."""
        return [c for c, of in self._owners.items() if of == owner and not self._states[c].gone]

    def states(self, owner: Hashable) -> list[State]:
        """Return what *owner* says as its clients that are here."""
        return [self._states[client] for client in self.clients(owner)]

    def leave(self, owner: Hashable) -> list[int]:
        """Mark the clients of *owner* as gone and return those that were here."""
        gone = []
        for client, of in list(self._owners.items()):
            if of != owner:
                continue
            del self._owners[client]
            state = self._states[client]
            if not state.gone:
                # One clock up, as y-protocols' removeAwarenessStates does, so that it wins over the last state.
                self._states[client] = State(client, state.clock + 1, "null")
                gone.append(client)
        return gone

    def forget_gone(self) -> None:
        """Drop the states of clients that left, once everybody was told."""
        for client in [client for client, state in self._states.items() if state.gone]:
            del self._states[client]
            self._owners.pop(client, None)
