"""The fields of a line in the server's log, for programs that read it (docs/operations.md, *Logs*)."""

from __future__ import annotations

from typing import TypedDict, Unpack

__all__ = ["Fields", "fields"]


class Fields(TypedDict, total=False):
    """Name what a line may say besides its event; operators rely on these names.

    Args:
        path: the document's file, from the server's root on.
        room: names a document over renames.
        document: one of a room's documents, or of a room that is not open its name in the log.
        user: somebody's user name.
        code: a code of docs/protocol.md.
        kernel: the id of one.
        file: of the server's own, on its disk.
        count: how many there were.
        seconds: that it took, or that there are to wait.
    """

    path: str
    room: str
    document: str
    user: str | None
    code: str
    kernel: str | None
    file: str
    count: int
    seconds: float


def fields(event: str, **named: Unpack[Fields]) -> dict[str, object]:
    """Return what ``extra`` a line is logged with: what happened, and whom and what it concerns.

    Never a document's text, a token or a ticket.

    >>> fields("log.shortened", document="4f2a.content", count=12)
    {'event': 'log.shortened', 'room': '4f2a', 'document': 'content', 'count': 12}

    Args:
        event: what happened, of a fixed set: the place, a dot, and the word.
        named: what it concerns; None is left out, and a document's name in the log tells its room, too.
    """
    found: dict[str, object] = {"event": event}
    room, dot, document = named.get("document", "").rpartition(".")
    if dot:
        found |= {"room": room, "document": document}
    return found | {name: value for name, value in named.items() if value is not None and name not in found}
