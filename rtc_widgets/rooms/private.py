"""What the relay keeps for one person and tells nobody else: which comments were read, and what is half written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.rooms.bounds import check_unicode

__all__ = ["PRIVATE", "Private", "PrivateNotes", "carry_out", "do_private"]

PRIVATE = frozenset({"private.get", "private.read", "private.draft"})

_MOST_BYTES = 65_536  # of a draft, as of a comment
_MOST_DRAFTS = 100
_MOST_READ = 20_000
_MOST_KEY = 128


@dataclass(slots=True)
class Private:
    """Hold what is one person's about one room.

    Args:
        read: how many comments of a thread were read, by the thread's id.
        drafts: what is half written, by what it is for: a thread's id, or whatever the client chooses.
    """

    read: dict[str, int] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is told."""
        return {"read": self.read, "drafts": self.drafts}


class PrivateNotes(Protocol):
    """Keep it over restarts."""

    async def get(self, room: str, user: str) -> Private:
        """Return what is kept of a person; nothing is kept of one who is not known."""
        ...

    async def put(self, room: str, user: str, private: Private) -> None:
        """Keep it, in the place of what was kept."""
        ...


async def carry_out(
    notes: PrivateNotes, room: str, user: str, method: str, params: Mapping[str, Any]
) -> Private:
    """Do what *method* asks (docs/protocol.md, 3.4) and return what is kept now.

    Raises:
        ChannelClosed: it is refused.
    """
    private = do_private(await notes.get(room, user), method, params)
    if method != "private.get":
        await notes.put(room, user, private)
    return private


def do_private(private: Private, method: str, params: Mapping[str, Any]) -> Private:
    """Do what *method* asks to what is kept of one person, and return it.

    Raises:
        ChannelClosed: it is refused.
    """
    check_unicode(params)
    if method == "private.read":
        _read(private, params.get("threads"))
    elif method == "private.draft":
        _draft(private, params.get("key"), params.get("text"))
    return private


def _read(private: Private, threads: Any) -> None:
    if not isinstance(threads, Mapping):
        raise ChannelClosed("bad-request", "'threads' is no JSON object.")
    for thread, count in threads.items():
        is_count = isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**31
        if not is_count or len(thread) > _MOST_KEY:
            raise ChannelClosed(
                "bad-request", "'threads' holds the numbers of comments, by the ids of threads."
            )
        # What one tab has seen stays seen, whatever another knows.
        private.read[thread] = max(count, private.read.get(thread, 0))
    _forget(private.read, _MOST_READ)


def _draft(private: Private, key: Any, text: Any) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= _MOST_KEY or not isinstance(text, str | None):
        raise ChannelClosed("bad-request", "A draft has a 'key' and a 'text', which may be null.")
    if not text:
        private.drafts.pop(key, None)
        return
    if len(text.encode(errors="replace")) > _MOST_BYTES:
        raise ChannelClosed(CloseCode.TOO_LARGE, f"A draft holds {_MOST_BYTES // 1024} KiB.")
    private.drafts[key] = text
    _forget(private.drafts, _MOST_DRAFTS)


def _forget(kept: dict[str, Any], most: int) -> None:
    """Forget what was put there first."""
    for key in list(kept)[: max(0, len(kept) - most)]:
        del kept[key]
