"""Waiting for what the server answers about comments: never where nothing can come, and with refusals by name."""

from __future__ import annotations

import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

from rtc_widgets.documents.link import LinkState
from rtc_widgets.errors import ChannelClosed, CommentRefused, NotConnected

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["READING", "is_away", "read", "refusal"]

# Seconds for what is asked only to be read: a server that is there gives it in milliseconds.
READING = 10.0
# Seconds between two looks at the connection.
_LOOK = 0.1

# Codes by which something is refused (docs/protocol.md, 3.4), and not the document closed.
_REFUSALS = frozenset(
    {
        "bad-request",
        "internal-error",
        "no-document",
        "no-target",
        "no-thread",
        "not-yours",
        "read-only",
        "too-large",
        "too-many",
        "unknown-method",
    }
)

_AWAY = (
    "The server is away, and the comments had not been read here before. They are asked for: run this again when it "
    "is back, which nb.state tells ('live'). Restart the server if it has stopped; nothing that was said is lost."
)
_ABSENT = (
    "The comments have not arrived within {timeout:g} s. Try again; nb.state, and %rtc in a kernel, say how the "
    "connection stands."
)
_DEAF = (
    "This kernel hears the server between cells only, and the comments have not arrived yet. They are asked for: run "
    "this again when this cell, and those queued behind it, have ended."
)

T = TypeVar("T")


def is_away(document: LiveDocument) -> bool:
    """Tell whether the server is known not to hear."""
    return document.link is not None and document.link.state == LinkState.OFFLINE


def read(document: LiveDocument, future: Future[T], timeout: float = READING) -> T:
    """Return what was asked for to be read, and wait no longer than it can come.

    Raises:
        NotConnected: it has not come in *timeout* seconds, or cannot while the caller waits.
        ChannelClosed: the server does not give it, or the document is closed.
    """
    end = time.monotonic() + timeout
    while not future.done():
        left = end - time.monotonic()
        if document.deaf():
            raise NotConnected(_DEAF)
        if is_away(document):
            raise NotConnected(_AWAY)
        if left <= 0:
            raise NotConnected(_ABSENT.format(timeout=timeout))
        wait([future], min(left, _LOOK))
    return future.result()


def refusal(error: BaseException | None) -> Exception | None:
    """Return the error as whoever asked is told it: a refusal where it is one."""
    if isinstance(error, ChannelClosed) and error.code in _REFUSALS:
        return CommentRefused(error.code, error.reason)
    return error if isinstance(error, Exception) else None
