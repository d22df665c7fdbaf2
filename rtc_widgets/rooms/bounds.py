"""What fits into an annotations document, and how much of it, whoever brings it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rtc_widgets.documents.anchor_form import MOST_BYTES
from rtc_widgets.documents.threads import Author, CommentValue, Happening, ThreadValue
from rtc_widgets.errors import ChannelClosed

__all__ = ["Bounds", "Filled", "admitted", "check_unicode", "size_of"]

_LONGEST_NAME = 256
# What another machine's clock may be ahead of ours, in seconds.
_AHEAD = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Say how much fits into an annotations document.

    Args:
        body: bytes of one comment, in UTF-8.
        anchor: bytes of one anchor, as JSON.
        threads: threads of a document, without the deleted ones.
        comments: comments of a thread.
        events: how often a thread is resolved, reopened or moved.
        mentions: people mentioned in one comment.
        words: bytes of all comments together: with a copy of them in it, a notebook has to stay one that opens.
    """

    body: int = 65_536
    anchor: int = MOST_BYTES
    threads: int = 10_000
    comments: int = 1_000
    events: int = 1_000
    mentions: int = 50
    words: int = 16 * 2**20


@dataclass(slots=True)
class Filled:
    """Say how much is in an annotations document.

    Args:
        number: the last number that a thread got.
        threads: without the deleted ones.
        words: bytes of all comments.
    """

    number: int
    threads: int
    words: int

    @classmethod
    def of(cls, threads: Iterable[ThreadValue]) -> Filled:
        """Count."""
        threads = list(threads)
        number = max((thread.number for thread in threads), default=0)
        words = sum(size_of(comment.body) for thread in threads for comment in thread.comments)
        return cls(number, sum(thread.deleted is None for thread in threads), words)


def admitted(thread: ThreadValue, bounds: Bounds, now: float, *, signed: bool) -> ThreadValue:
    """Return a thread that was kept elsewhere as it may stand here.

    Args:
        thread: what a file says.
        bounds: what is longer is cut.
        now: seconds since the epoch; what is said to be edited long after is taken for not edited, or nothing that is
            edited in fact would ever count.
        signed: whether what it says of authors is to be believed; else they are marked as claimed.
    """

    def author(one: Author) -> Author:
        return Author(one.user[:_LONGEST_NAME], one.kind, one.name[:_LONGEST_NAME], not signed)

    def comment(one: CommentValue, n: int) -> CommentValue:
        late = one.edited is not None and one.edited > now + _AHEAD
        return replace(
            one,
            n=n,
            by=author(one.by),
            body=_cut(one.body, bounds.body),
            mentions=tuple(name for name in one.mentions if len(name) <= _LONGEST_NAME)[: bounds.mentions],
            edited=None if late else one.edited,
        )

    def happening(one: Happening) -> Happening:
        return replace(one, by=author(one.by))

    return replace(
        thread,
        comments=tuple(comment(one, n) for n, one in enumerate(thread.comments[: bounds.comments])),
        happenings=tuple(map(happening, thread.happenings[: bounds.events])),
    )


def size_of(text: str) -> int:
    """Return how many bytes a text has in UTF-8."""
    return len(text.encode())


def check_unicode(params: Mapping[str, Any]) -> None:
    """Refuse what neither a document nor an answer can hold, before half of it is written.

    Raises:
        ChannelClosed: UTF-8 cannot hold it.
    """
    try:
        json.dumps(params, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ChannelClosed(
            "bad-request", "What was sent is not valid Unicode: it holds half of a character."
        ) from error


def _cut(text: str, size: int) -> str:
    data = text.encode()
    return text if len(data) <= size else data[:size].decode(errors="ignore")
