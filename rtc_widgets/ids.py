"""Identifiers: of rooms and sessions, of cells, and of CRDT clients."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["SEED_MARK", "drawn", "is_seed", "new_cell_id", "new_client_id", "new_id", "seed_client_id"]

# docs/protocol.md, section 7. Client ids must stay below 2**53, JavaScript's largest exact integer.
_SEED_MARK = 0x0A5EED
# How the mark looks inside every varuint of such an id: bits 35 and up fall into bytes of their own.
SEED_MARK = bytes([_SEED_MARK >> 3 & 127 | 128, _SEED_MARK >> 10 & 127 | 128, _SEED_MARK >> 17])

_bits: Callable[[int], int] = secrets.randbits


@contextmanager
def drawn(bits: Callable[[int], int]) -> Iterator[None]:
    """Have random ids made of what *bits* gives for a number of bits: for a run that is to happen twice.

    For the whole process, so for tests only.
    """
    global _bits  # noqa: PLW0603 - one source for everybody, as secrets is
    before, _bits = _bits, bits
    try:
        yield
    finally:
        _bits = before


def new_id() -> str:
    """Return 32 random hexadecimal digits."""
    return uuid.UUID(int=_bits(128), version=4).hex


def new_cell_id() -> str:
    """Return a random cell id, valid under nbformat 4.5 (1 to 64 of ``[a-zA-Z0-9-_]``)."""
    return str(uuid.UUID(int=_bits(128), version=4))


def new_client_id() -> int:
    """Return a random CRDT client id below 2**32, the range Yjs itself uses, so never a seed's."""
    return _bits(32)


def seed_client_id(lineage: str) -> int:
    """Return the client id that writes the seed of *lineage* (docs/protocol.md, section 7)."""
    digest = hashlib.sha256(lineage.encode()).digest()
    return _SEED_MARK << 32 | int.from_bytes(digest[:4], "big")


def is_seed(client_id: int) -> bool:
    """Tell whether *client_id* is one that a relay seeds documents with."""
    return client_id >> 32 == _SEED_MARK
