"""Sync status: every message up to a number is committed to the log (section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from rtc_widgets.protocol.codec import Reader, varuint

__all__ = ["TYPE", "Status", "decode", "encode"]

TYPE = 64


@dataclass(frozen=True, slots=True)
class Status:
    """Acknowledge every message up to ``seq``."""

    seq: int


def encode(seq: int) -> bytes:
    """Encode an acknowledgement."""
    return varuint(TYPE) + varuint(seq)


def decode(reader: Reader) -> Status:
    """Decode what follows the type of a status frame."""
    seq = reader.varuint()
    reader.end()
    return Status(seq)
