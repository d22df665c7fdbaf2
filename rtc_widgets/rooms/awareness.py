"""The states that the peers of a document say of themselves, each owned by the peer that introduced it."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

from rtc_widgets.protocol.awareness import State, decode_states, encode_states

__all__ = ["RoomAwareness", "signed"]

# What the server knows better than whoever says it; the rest of a `user` is the peer's own affair.
_NAMES = ("username", "name", "display_name", "avatar_url")
# As much of what the server does not know as somebody may say of oneself, in characters.
_LONGEST = {"initials": 3, "color": 100}


class RoomAwareness:
    """Keep the newest state of each client and who owns it (docs/protocol.md, section 3.3)."""

    def __init__(self) -> None:
        self._states: dict[int, State] = {}
        self._owners: dict[int, Hashable] = {}

    def receive(
        self,
        owner: Hashable,
        update: bytes,
        may_inherit: Callable[[Hashable], bool] = lambda _: False,
        sign: Callable[[State], State] = lambda state: state,
    ) -> list[int]:
        """Take what *owner* says and return the clients whose state changed.

        A state of another owner's client is dropped: nobody speaks for others. Only a tab that comes back before its
        old connection was noticed to be gone inherits from that.

        Args:
            owner: who says it.
            update: an awareness update.
            may_inherit: tells whether the one who introduced a client may be the same tab, on an older connection.
            sign: puts what is known of *owner* in the place of what it says of that.

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
            self._states[state.client] = sign(state)
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


def signed(state: State, identity: Mapping[str, Any]) -> State:
    """Return *state* with the names that the server knows, whatever its client says (docs/protocol.md, section 3.3).

    A colour may be one's own choice, and so may initials where the server knows none. A person is no kernel, and a
    kernel no person. What else is said stays as it is, and so does the text of a state in which all is right.

    Args:
        state: what a client says.
        identity: who that is, as `RoomPeer.identity` has it.
    """
    value = state.value
    if value is None:
        return state
    is_kernel = identity.get("kind") == "kernel"
    right = {key: said for key, said in value.items() if key != "kind" or (said == "kernel") == is_kernel}
    if is_kernel:
        right["kind"] = "kernel"
    if value.get("user") is not None:
        said = value["user"] if isinstance(value["user"], dict) else {}
        right["user"] = _kernel(said, identity) if is_kernel else _person(said, identity)
    # Text that a browser reads as this does: half a surrogate pair has no UTF-8.
    return state if right == value else replace(state, json=json.dumps(right, separators=(",", ":")))


def _person(said: Mapping[str, Any], identity: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: identity.get(key) for key in _NAMES}
    own = {key: _short(said.get(key), longest) for key, longest in _LONGEST.items()}
    return {
        **said,
        **known,
        "initials": identity.get("initials") or own["initials"],
        "color": own["color"] or identity.get("color"),
    }


def _kernel(said: Mapping[str, Any], identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kernel's: it guesses from who is here whose it is, and the relay may know."""
    runner = identity.get("runner")
    name = f"Kernel ({runner})" if runner else _short(said.get("name"), 100)
    if not (name or "").startswith("Kernel"):
        name = "Kernel"
    own = {key: _short(said.get(key), longest) for key, longest in _LONGEST.items()}
    return {**said, **own, "username": "kernel", "name": name, "display_name": name, "avatar_url": None}


def _short(said: object, longest: int) -> str | None:
    return said if isinstance(said, str) and 0 < len(said) <= longest else None
