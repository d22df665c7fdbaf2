"""Whether two replicas are in the same state, by a hash of what was inserted, and what of it deleted (section 3.4)."""

from __future__ import annotations

import hashlib

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.codec import Reader, varuint
from rtc_widgets.protocol.sync import state_clients

__all__ = ["state_hash"]


def state_hash(state_vector: bytes, deletions: bytes) -> str:
    """Return the hash of a replica's state: the same for all that have had the same updates, in whatever order.

    Args:
        state_vector: the replica's.
        deletions: the update that the replica answers its own state vector with: it inserts nothing, and has every
            deletion.

    Raises:
        FrameError: one of the two does not parse.

    >>> from pycrdt import Doc, Text
    >>> ada, bob = Doc(), Doc()
    >>> ada["text"] = Text("hello")
    >>> bob.apply_update(ada.get_update())
    >>> hashes = [state_hash(doc.get_state(), doc.get_update(doc.get_state())) for doc in (ada, bob)]
    >>> hashes[0] == hashes[1]
    True
    """
    seen = hashlib.sha256()
    for client, clock in sorted(state_clients(state_vector).items()):
        if clock:
            seen.update(varuint(client) + varuint(clock))
    seen.update(b"\0")
    for client, ranges in sorted(_deleted(deletions).items()):
        for start, end in _joined(ranges):
            seen.update(varuint(client) + varuint(start) + varuint(end))
    return seen.hexdigest()


def _deleted(update: bytes) -> dict[int, list[tuple[int, int]]]:
    """Return the deleted ranges of each client."""
    reader = Reader(update)
    for _ in range(reader.varuint()):
        # A client whose insertions are all known: it has none here.
        count = reader.varuint()
        if count:
            raise FrameError("The update inserts something.")
        reader.varuint()
        reader.varuint()
    found: dict[int, list[tuple[int, int]]] = {}
    for _ in range(reader.varuint()):
        client = reader.varuint()
        ranges = found.setdefault(client, [])
        for _ in range(reader.varuint()):
            start = reader.varuint()
            ranges.append((start, start + reader.varuint()))
    reader.end()
    return found


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return *ranges* in order, with those that touch as one: replicas cut them differently."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
