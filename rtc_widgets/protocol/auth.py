"""Auth: the relay denies a permission, in the way stock Yjs clients understand (section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.codec import Reader, varstring, varuint

__all__ = ["TYPE", "Denied", "decode", "encode"]

TYPE = 2


@dataclass(frozen=True, slots=True)
class Denied:
    """Tell that the peer may not do what it did."""

    reason: str


def encode(reason: str) -> bytes:
    """Encode "permission denied"."""
    return varuint(TYPE) + varuint(0) + varstring(reason)


def decode(reader: Reader) -> Denied:
    """Decode what follows the type of an auth frame."""
    kind = reader.varuint()
    if kind != 0:
        raise FrameError(f"An auth frame of kind {kind} is not 'permission denied'.")
    reason = reader.varstring()
    reader.end()
    return Denied(reason)
