"""Bringing in threads that were kept elsewhere: in a notebook's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pycrdt import Array, Doc
from pycrdt import Map as YMap

from rtc_widgets.documents.threads import (
    THREADS,
    CommentValue,
    Happening,
    ThreadValue,
    read_thread,
    read_threads,
)
from rtc_widgets.rooms.bounds import Bounds, Filled, admitted, size_of

__all__ = ["restore"]


def restore(
    doc: Doc[Any],
    filled: Filled,
    bounds: Bounds,
    now: float,
    threads: Iterable[ThreadValue],
    anchors: Mapping[str, Mapping[str, Any]],
    *,
    signed: bool,
) -> None:
    """Bring in threads; those that are here get what they lack, as far as it fits in.

    Of a comment that differs the one that was edited last counts, and of a thread's state what happened last. A thread
    or a comment that was deleted here stays so.

    Args:
        doc: of annotations; in a transaction of the caller's.
        filled: how much is in it; is kept up.
        bounds: how much fits in.
        now: seconds since the epoch.
        threads: may hold a thread more than once.
        anchors: what each is about, by the ids of the threads, as it is to be kept here.
        signed: whether to believe what they say of authors. Else these are marked as claimed, and what was signed here
            stays as it was signed: whoever can write the file could have anybody say anything.
    """
    shared = doc.get(THREADS, type=YMap)
    taken = {thread.number for thread in read_threads(doc).values()}
    for one in threads:
        thread = admitted(one, bounds, now, signed=signed)
        known = read_thread(doc, thread.id)
        size = sum(size_of(comment.body) for comment in thread.comments)
        if known is not None:
            if known.deleted is None:
                _complete(shared[known.id], filled, bounds, known, thread, signed=signed)
        elif filled.threads < bounds.threads and filled.words + size <= bounds.words:
            fits = thread.number > 0 and thread.number not in taken
            number = thread.number if fits else filled.number + 1
            taken.add(number)
            shared[thread.id] = _made(thread, anchors[thread.id], number)
            filled.number = max(filled.number, number)
            filled.threads += 1
            filled.words += size


def _made(thread: ThreadValue, anchor: Mapping[str, Any], number: int) -> YMap[Any]:
    return YMap(
        {
            "number": number,
            "anchor": dict(anchor),
            "state": thread.state,
            "comments": YMap({one.id: _stored(one, n) for n, one in enumerate(thread.comments)}),
            "events": Array([_event(one) for one in thread.happenings]),
        }
    )


def _complete(
    shared: Any, filled: Filled, bounds: Bounds, known: ThreadValue, thread: ThreadValue, *, signed: bool
) -> None:
    here = {comment.id: comment for comment in known.comments}
    for comment in thread.comments:
        mine = here.get(comment.id)
        grows = size_of(comment.body) - (0 if mine is None else size_of(mine.body))
        if filled.words + grows > bounds.words:
            continue
        if mine is None and len(here) < bounds.comments:
            shared["comments"][comment.id] = _stored(comment, len(here))
            here[comment.id] = comment
        elif mine is not None and _is_newer(comment, mine, signed=signed):
            shared["comments"][comment.id] = _stored(comment, mine.n)
        else:
            continue
        filled.words += grows
    ops = {one.op for one in known.happenings}
    left = max(0, bounds.events - len(known.happenings))
    new = [one for one in thread.happenings if one.op not in ops][:left]
    last = max((one.at for one in known.happenings), default=0.0)
    if any(one.at > last for one in new):
        shared["state"] = thread.state
    for one in new:
        shared["events"].append(_event(one))


def _is_newer(comment: CommentValue, mine: CommentValue, *, signed: bool) -> bool:
    if mine.deleted is not None or not (signed or mine.by.claimed):
        return False
    return (comment.edited or 0.0) > (mine.edited or 0.0)


def _stored(comment: CommentValue, n: int) -> dict[str, Any]:
    stored = {"n": n, "by": comment.by.to_json(), "at": comment.at, "body": comment.body}
    if comment.mentions:
        stored["mentions"] = list(comment.mentions)
    return stored | ({} if comment.edited is None else {"edited": comment.edited})


def _event(one: Happening) -> dict[str, Any]:
    return {"what": one.what, "by": one.by.to_json(), "at": one.at, "op": one.op}
