"""Awareness: what a peer says of itself and is forgotten when it leaves (sections 3 and 3.3).

An awareness update is lib0: ``varuint(n) n × (varuint(client id) varuint(clock) varstring(JSON state or "null"))``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.codec import Reader, varbytes, varstring, varuint
from rtc_widgets.protocol.json_text import load

__all__ = ["TYPE", "Awareness", "State", "decode", "decode_states", "encode", "encode_states"]

TYPE = 1


@dataclass(frozen=True, slots=True)
class Awareness:
    """Tell states of clients."""

    update: bytes


@dataclass(frozen=True, slots=True)
class State:
    """Hold one client's state: ``json`` is its text as it came, ``null`` for a client that left."""

    client: int
    clock: int
    json: str

    @property
    def gone(self) -> bool:
        """Tell whether the client left."""
        return self.json == "null"

    @property
    def value(self) -> dict[str, Any] | None:
        """Return the state, parsed."""
        parsed: dict[str, Any] | None = json.loads(self.json)
        return parsed


def encode(update: bytes) -> bytes:
    """Encode an awareness frame."""
    return varuint(TYPE) + varbytes(update)


def decode(reader: Reader) -> Awareness:
    """Decode what follows the type of an awareness frame."""
    payload = reader.varbytes()
    reader.end()
    return Awareness(payload)


def encode_states(states: Iterable[State]) -> bytes:
    """Encode an awareness update."""
    items = list(states)
    parts = [varuint(state.client) + varuint(state.clock) + varstring(state.json) for state in items]
    return varuint(len(items)) + b"".join(parts)


def decode_states(update: bytes) -> list[State]:
    """Decode an awareness update.

    Raises:
        FrameError: it does not parse, or a state is neither a JSON object nor null.
    """
    reader = Reader(update)
    states = [
        State(reader.varuint(), reader.varuint(), _checked(reader.varstring()))
        for _ in range(reader.varuint())
    ]
    reader.end()
    return states


def _checked(text: str) -> str:
    value = load(text, "An awareness state")
    if value is not None and not isinstance(value, dict):
        raise FrameError("An awareness state is not a JSON object.")
    return "null" if value is None else text
