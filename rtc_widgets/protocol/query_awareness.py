"""Query awareness: ask for all states that the other side knows (section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from rtc_widgets.protocol.codec import Reader, varuint

__all__ = ["TYPE", "QueryAwareness", "decode", "encode"]

TYPE = 3


@dataclass(frozen=True, slots=True)
class QueryAwareness:
    """Ask for all states."""


def encode() -> bytes:
    """Encode the question."""
    return varuint(TYPE)


def decode(reader: Reader) -> QueryAwareness:
    """Decode what follows the type: nothing."""
    reader.end()
    return QueryAwareness()
