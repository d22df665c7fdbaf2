"""What happened to threads of comments between two looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from rtc_widgets.documents.mentions import words_behind_at
from rtc_widgets.documents.threads import Author, CommentValue, ThreadValue

__all__ = ["CommentEdit", "compare"]

_ACTIONS: Mapping[str, Literal["resolve", "reopen", "attach"]] = {
    "resolved": "resolve",
    "reopened": "reopen",
    "attached": "attach",
}


@dataclass(frozen=True, slots=True)
class CommentEdit:
    """Say what happened to one thread.

    Args:
        action: ``add``, ``edit`` or ``delete`` of a comment, ``resolve``, ``reopen`` or ``attach`` of a thread, which
            then is about something else; a deleted thread is ``delete`` without a comment.
        thread: the id of the thread.
        comment: the id of the comment, where it is about one.
        by: who did it.
        at: when, in seconds since the epoch, by the server's clock.
        mentions: user names that are mentioned and were not before, in small letters.
        mark: tells this from all else that happens.
    """

    action: Literal["add", "edit", "delete", "resolve", "reopen", "attach"]
    thread: str
    comment: str | None
    by: Author
    at: float
    mentions: frozenset[str] = frozenset()
    mark: str = ""


def compare(old: Mapping[str, ThreadValue], new: Mapping[str, ThreadValue]) -> list[CommentEdit]:
    """Return what happened, in order, as far as it left a trace."""
    edits = [
        edit
        for id_, thread in new.items()
        if thread is not old.get(id_)
        for edit in _of(old.get(id_), thread)
    ]
    return sorted(edits, key=lambda edit: edit.at)


def _of(old: ThreadValue | None, new: ThreadValue) -> Iterator[CommentEdit]:
    if new.deleted is not None:
        if old is not None and old.deleted is None:
            yield CommentEdit("delete", new.id, None, new.deleted.by, new.deleted.at, mark=f"delete {new.id}")
        return
    before = {comment.id: comment for comment in old.comments} if old is not None else {}
    for comment in new.comments:
        was = before.get(comment.id)
        if comment != was:
            yield from _comment(new.id, was, comment)
    for one in new.happenings[len(old.happenings) if old is not None else 0 :]:
        if one.what in _ACTIONS:
            yield CommentEdit(_ACTIONS[one.what], new.id, None, one.by, one.at, mark=one.op)


def _comment(thread: str, old: CommentValue | None, new: CommentValue) -> Iterator[CommentEdit]:
    if new.deleted is not None:
        if old is not None and old.deleted is None:
            yield CommentEdit(
                "delete", thread, new.id, new.deleted.by, new.deleted.at, mark=f"delete {new.id}"
            )
    elif old is None:
        yield CommentEdit("add", thread, new.id, new.by, new.at, _names(new), f"add {new.id}")
    elif old.body != new.body:
        at = new.edited if new.edited is not None else new.at
        yield CommentEdit("edit", thread, new.id, new.by, at, _names(new) - _names(old), f"edit {new.id}")


def _names(comment: CommentValue) -> frozenset[str]:
    return frozenset({*(name.casefold() for name in comment.mentions), *words_behind_at(comment.body)})
