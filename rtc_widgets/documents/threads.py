"""What the annotations document holds: threads of comments, as values (docs/schema.md). Reading only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pycrdt import Doc
from pycrdt import Map as YMap

__all__ = [
    "Author",
    "CommentValue",
    "Happening",
    "ThreadValue",
    "Told",
    "local_time",
    "read_mirror",
    "read_people",
    "read_thread",
    "read_threads",
    "updated",
]

PEOPLE = "people"
THREADS = "threads"
SETTINGS = "settings"

ThreadState = Literal["open", "resolved"]


@dataclass(frozen=True, slots=True)
class Author:
    """Say who did something, as the relay knows it.

    Args:
        user: the authenticated user's name; of a kernel, that of the person who runs it, or ``""``.
        kind: ``person`` or ``kernel``.
        name: what to call the author.
        claimed: whether a notebook's file says so, and no server knows it.
    """

    user: str
    kind: str
    name: str
    claimed: bool = False

    @classmethod
    def from_json(cls, value: Any) -> Author:
        """Read an author; what is missing is unknown."""
        value = value if isinstance(value, Mapping) else {}
        user, kind = str(value.get("user") or ""), str(value.get("kind") or "person")
        name = str(value.get("name") or user or "somebody")
        return cls(user, kind, name, value.get("claimed") is True)

    def __str__(self) -> str:
        return f"{self.name}, says the file" if self.claimed else self.name

    def to_json(self) -> dict[str, Any]:
        """Return the author as the document holds it."""
        known = {"user": self.user, "kind": self.kind, "name": self.name}
        return known | ({"claimed": True} if self.claimed else {})


@dataclass(frozen=True, slots=True)
class Told:
    """Say who did something, and when (seconds since the epoch)."""

    by: Author
    at: float

    @classmethod
    def from_json(cls, value: Any) -> Told | None:
        """Read it; None for what never happened."""
        if not isinstance(value, Mapping):
            return None
        return cls(Author.from_json(value.get("by")), _number(value.get("at")))


@dataclass(frozen=True, slots=True)
class CommentValue:
    """Hold one comment.

    Args:
        id: the author's own choice; unique in the document.
        n: its place in the thread, from 0; the comments of a thread are ordered by it.
        by: who wrote it.
        at: when, in seconds since the epoch, by the server's clock.
        body: Markdown; empty once deleted.
        mentions: the user names that are mentioned.
        edited: when it was edited last, None if never.
        deleted: who deleted it and when, if somebody did.
    """

    id: str
    n: int
    by: Author
    at: float
    body: str
    mentions: tuple[str, ...]
    edited: float | None
    deleted: Told | None


@dataclass(frozen=True, slots=True)
class Happening:
    """Hold what happened to a thread besides comments: ``resolved``, ``reopened`` or ``attached``.

    ``op`` is the id of the request.
    """

    what: str
    by: Author
    at: float
    op: str = ""


@dataclass(frozen=True, slots=True)
class ThreadValue:
    """Hold one thread.

    Args:
        id: its author's own choice; unique in the document.
        number: a short one for people, from 1, never used twice in a document.
        anchor: what it is about (docs/schema.md, Anchors).
        state: ``open`` or ``resolved``.
        comments: all, also deleted ones, in order.
        happenings: in order.
        deleted: who deleted it and when, if somebody did.
    """

    id: str
    number: int
    anchor: Mapping[str, Any]
    state: ThreadState
    comments: tuple[CommentValue, ...]
    happenings: tuple[Happening, ...]
    deleted: Told | None

    @property
    def by(self) -> Author:
        """Return who began it."""
        return self.comments[0].by if self.comments else Author("", "person", "somebody")


def read_threads(doc: Doc[Any]) -> dict[str, ThreadValue]:
    """Return the threads of an annotations document by id, in the order of their numbers, deleted ones too."""
    # One call for all: each access to a nested type costs a transaction of its own.
    raw = json.loads(str(doc.get(THREADS, type=YMap)))
    threads = [_thread(id_, value) for id_, value in raw.items() if isinstance(value, Mapping)]
    return {thread.id: thread for thread in sorted(threads, key=lambda thread: thread.number)}


def updated(
    known: Mapping[str, ThreadValue], changed: Mapping[str, ThreadValue | None]
) -> dict[str, ThreadValue]:
    """Return the threads with some of them as they are now, None for one that is not there; in the same order."""
    threads = {**known, **changed}
    left = {id_: thread for id_, thread in threads.items() if thread is not None}
    if all(id_ in known for id_ in changed):
        return left
    return {thread.id: thread for thread in sorted(left.values(), key=lambda thread: thread.number)}


def read_thread(doc: Doc[Any], id_: str) -> ThreadValue | None:
    """Return one thread, None where there is none of that id."""
    value = doc.get(THREADS, type=YMap).get(id_)
    return None if value is None else _thread(id_, json.loads(str(value)))


def read_people(doc: Doc[Any]) -> dict[str, dict[str, Any]]:
    """Return the identities of all who have annotated the document, by user name."""
    people: dict[str, dict[str, Any]] = json.loads(str(doc.get(PEOPLE, type=YMap)))
    return people


def read_mirror(doc: Doc[Any]) -> Literal["always", "never"] | None:
    """Return what was decided about a copy of the comments in the file, None for nothing."""
    decided = doc.get(SETTINGS, type=YMap).get("mirror")
    return decided if decided in ("always", "never") else None


def _thread(id_: str, value: Mapping[str, Any]) -> ThreadValue:
    comments = [_comment(key, one) for key, one in _mapping(value.get("comments")).items()]
    happenings = [one for one in value.get("events") or () if isinstance(one, Mapping)]
    anchor = value.get("anchor")
    return ThreadValue(
        id_,
        int(_number(value.get("number"))),
        anchor if isinstance(anchor, Mapping) else {},
        "resolved" if value.get("state") == "resolved" else "open",
        tuple(sorted(comments, key=lambda comment: comment.n)),
        tuple(
            Happening(
                str(one.get("what")),
                Author.from_json(one.get("by")),
                _number(one.get("at")),
                str(one.get("op") or ""),
            )
            for one in happenings
        ),
        Told.from_json(value.get("deleted")),
    )


def _comment(id_: str, value: Any) -> CommentValue:
    value = _mapping(value)
    edited = value.get("edited")
    return CommentValue(
        id_,
        int(_number(value.get("n"))),
        Author.from_json(value.get("by")),
        _number(value.get("at")),
        str(value.get("body") or ""),
        tuple(str(one) for one in value.get("mentions") or ()),
        _number(edited) if edited is not None else None,
        Told.from_json(value.get("deleted")),
    )


def local_time(seconds: float) -> datetime:
    """Return a time of the server's clock, seconds since the epoch, in this machine's time zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
