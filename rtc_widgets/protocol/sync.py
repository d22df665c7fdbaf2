"""Frames that keep two replicas in step: y-protocols' sync steps and updates (section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.codec import Reader, varbytes

__all__ = [
    "EMPTY_UPDATE",
    "TYPE",
    "Step1",
    "Step2",
    "Update",
    "decode",
    "short_update",
    "state_clients",
    "step1",
    "step2",
    "update",
]

TYPE = 0
# No structs, no deletions.
EMPTY_UPDATE = b"\0\0"


@dataclass(frozen=True, slots=True)
class Step1:
    """Ask for what a state vector lacks."""

    state_vector: bytes


@dataclass(frozen=True, slots=True)
class Step2:
    """Answer a `Step1`."""

    update: bytes


@dataclass(frozen=True, slots=True)
class Update:
    """Tell a change."""

    update: bytes


def step1(state_vector: bytes) -> bytes:
    """Encode sync step 1."""
    return b"\0\0" + varbytes(state_vector)


def step2(update: bytes) -> bytes:
    """Encode sync step 2."""
    return b"\0\1" + varbytes(update)


def update(update: bytes) -> bytes:
    """Encode an update."""
    return b"\0\2" + varbytes(update)


def decode(reader: Reader) -> Step1 | Step2 | Update:
    """Decode what follows the type of a sync frame."""
    kind = reader.varuint()
    if kind > 2:
        raise FrameError(f"A sync frame of kind {kind} is none of step 1, step 2 and update.")
    payload = reader.varbytes()
    reader.end()
    return (Step1, Step2, Update)[kind](payload)


def short_update(frame: bytes) -> bytes | None:
    """Return the update of *frame* where that is a well-formed one of less than 128 bytes, as a key is; else None.

    It saves the way through the decoder, which is a good part of what a key costs the relay.
    """
    if len(frame) > 2 and frame[2] < 128 and frame[:2] == b"\0\2" and len(frame) == 3 + frame[2]:
        return frame[3:]
    return None


def state_clients(state_vector: bytes) -> dict[int, int]:
    """Decode a state vector to ``{client id: clock}``."""
    reader = Reader(state_vector)
    clocks = {}
    for _ in range(reader.varuint()):
        client = reader.varuint()
        clocks[client] = reader.varuint()
    reader.end()
    return clocks


def deletes(update: bytes) -> bool:
    """Tell whether *update* deletes something: it ends with the length of a deletion, or with their number, zero."""
    return update[-1:] != b"\0"


def is_nameless(update: bytes) -> bool:
    """Tell whether *update* only deletes: it begins with the number of clients whose insertions it holds."""
    return update[:1] == b"\0"
