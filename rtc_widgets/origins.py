"""Who or what made a change: the origin that signs every CRDT transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Origin"]

Kind = Literal["local", "remote", "relay", "file", "kernel", "outputs", "undo"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Sign a transaction.

    Hashable and compared by value, because pycrdt keeps only an origin's hash in some events.

    Args:
        kind: ``local`` for code in this process, ``remote`` for another peer's change, ``relay`` for the relay's own
            bookkeeping, ``file`` for a change read from disk, ``kernel``, ``outputs``, ``undo``.
        user: the authenticated user's name, where one is known.
        detail: which peer, cell or label.
    """

    kind: Kind
    user: str | None = None
    detail: str = ""
