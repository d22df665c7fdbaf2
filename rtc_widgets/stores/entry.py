"""The log of a document: its entries, and the four verbs that every store has.

The log is the document's history: every update in the order in which the relay took it in, with the
authenticated author and the time. It begins with a ``seed`` (or, compacted, a ``snapshot``), whose label is
the document's lineage. Applying all of it gives the document; applying an update twice is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from rtc_widgets.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

__all__ = [
    "DAMAGED",
    "EMPTY_UPDATES",
    "KINDS",
    "PARTICIPANTS",
    "Entry",
    "Kind",
    "Participant",
    "Signature",
    "Store",
    "check_entries",
    "check_snapshot",
]

Kind = Literal["seed", "update", "snapshot"]
KINDS: tuple[Kind, ...] = ("seed", "update", "snapshot")

Participant = Literal["person", "kernel", "relay", "file"]
PARTICIPANTS: tuple[Participant, ...] = ("person", "kernel", "relay", "file")

EMPTY_UPDATES = (b"", b"\0\0")

DAMAGED = "damaged"
"""Labels an entry that says: what stood here could not be read any more, and all after it is gone."""


class Signature(NamedTuple):
    """Tell who made a change: the name of a person, who may be called "file", and what kind of participant it was.

    Args:
        author: the authenticated user's name; of a kernel the name of who alone can have run it, None where several
            can; ``file`` and ``relay`` for those.
        by: the kind; None where it is not known.
    """

    author: str | None
    by: Participant | None


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one change of a document.

    Args:
        update: the change, a Yjs update (version 1).
        author: the authenticated user's name, whoever that is: see ``by``. Of a kernel the name of who alone can have
            run it; None where that is not known, and for what begins a document or stands for many entries.
        time: seconds since the epoch.
        kind: ``seed`` begins a document, ``snapshot`` stands for all entries before it.
        label: the lineage, for a seed or a snapshot; of an update what it is known by, if anything.
        seq: the place in the log; given by the store, ascending, never used twice.
        by: what kind of participant made the change: ``person``, ``kernel``, ``relay`` or ``file``; None where that is
            not known, as of entries of older releases.
    """

    update: bytes
    author: str | None
    time: float
    kind: Kind
    label: str = ""
    seq: int = 0
    by: Participant | None = None


class Store(Protocol):
    """Keep the logs of documents. ``rtc_widgets.testing.StoreExam`` is the exam for implementations.

    One that also keeps ``Snapshots`` beside them loads long logs sooner.

    Every method may be called from any event loop, also from several at once.
    """

    async def append(self, doc: str, entries: Sequence[Entry]) -> int:
        """Add *entries* to the end of the log of *doc* and return the last one's ``seq``, after the commit.

        All of them are added or none. A cancelled append may still be carried out.

        Raises:
            StoreError: nothing was written; a later append may work again.
        """
        ...

    def read(self, doc: str, *, after: int = 0) -> AsyncIterator[Entry]:
        """Yield the entries of *doc* whose ``seq`` is greater than *after*, in order, in batches from disk.

        Everything appended before the first step is read; what is appended meanwhile may be.
        """
        ...

    async def compact(
        self, doc: str, *, upto: int, snapshot: bytes, label: str | None = None, after: int = 0
    ) -> None:
        """Replace the entries of *doc* with a ``seq`` over *after* and of at most *upto* by one that holds *snapshot*.

        It takes the place, the time and the ``seq`` of the last entry that it replaces. From the beginning on it is a
        ``snapshot`` of nobody's; after another entry it is an ``update``, and that last one's in all. Nothing happens
        where there is nothing to replace.

        Args:
            doc: the document.
            upto: a ``seq``.
            snapshot: what those entries come to, a Yjs update (version 1).
            label: of the snapshot, where the document begins anew; that of the first entry that it replaces for None.
            after: a ``seq``; 0 to replace the log from its beginning on.

        Raises:
            StoreError: nothing was changed; also where *snapshot* is an empty update, and the document does not begin
                anew.
        """
        ...

    async def aclose(self) -> None:
        """Write what was asked for before and let go of the files; closing twice is harmless."""
        ...


def check_entries(entries: Sequence[Entry]) -> None:
    """Refuse what no store can keep, before it can fail the entries of others."""
    for entry in entries:
        if entry.kind not in KINDS or not isinstance(entry.update, bytes):
            raise StoreError(f"An entry holds bytes and is a {', '.join(KINDS)}; this is a {entry.kind!r}.")
        if entry.by is not None and entry.by not in PARTICIPANTS:
            raise StoreError(f"An entry is by a {', '.join(PARTICIPANTS)}; this is by a {entry.by!r}.")


def check_snapshot(snapshot: bytes) -> None:
    """Refuse to put an empty document in the place of a history."""
    if snapshot in EMPTY_UPDATES:
        raise StoreError("The snapshot is empty: the history it would replace was kept.")
