"""The comments on a document as plain JSON for a page without a replica, and what changes from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.annotations import Annotations
from rtc_widgets.documents.people import People
from rtc_widgets.documents.threads import CommentValue, ThreadValue, Told, read_people

if TYPE_CHECKING:
    from rtc_widgets.documents.anchors import Resolution
    from rtc_widgets.documents.annotated import Annotated
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["Json", "difference", "state_of"]

Json = dict[str, Any]


def state_of(handle: Annotated, notes: LiveDocument | None) -> Json:
    """Return all that is known about the comments on a document.

    Args:
        handle: of the document.
        notes: the replica of its annotations; None while it is not here.

    Returns:
        ``threads`` by id, as docs/schema.md has them, without deleted ones; ``places``, where each is; ``order``, their
        ids in the order of the document; ``cells``, the numbers of the cells that they are about, from 1; ``people``
        who have written, and who is ``here``; and ``about`` the document.
    """
    annotations = handle.document.part(Annotations)
    state: Json = {"threads": {}, "places": {}, "order": [], "cells": {}, "people": {}, "here": {}}
    link = handle.document.link
    me = handle.me
    state["about"] = {
        "path": handle.path,
        "state": str(handle.state),
        "ready": notes is not None,
        "via": "local" if getattr(link, "is_file", False) else "kernel" if me.kind == "kernel" else "server",
        "lineage": getattr(link, "lineage", None),
        "role": str(getattr(link, "role", None) or "editor"),
        "me": {"user": me.username, "kind": me.kind, "name": me.name},
    }
    for username, who in handle.document.part(People).everybody().items():
        if who.kind == "person" and not who.is_me:
            state["here"][username] = {"display_name": who.name, "color": who.color}
    if notes is None:
        return state
    with notes.reading() as replica:
        state["people"] = read_people(replica.doc)
    places = handle.cell_places()
    threads = annotations.threads()
    for thread in (threads[one.id] for one in handle.comments if one.id in threads):
        place = annotations.place(thread)
        state["order"].append(thread.id)
        state["threads"][thread.id] = _thread(thread)
        state["places"][thread.id] = _place(place)
        if place.cell_id in places:
            state["cells"][place.cell_id] = places[place.cell_id] + 1
    return state


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Json | None:
    """Return what is to be put over *old* to get *new*, None for nothing.

    What maps keys is told by keys, None for one that is gone; all else as a whole.

    >>> difference({"a": {"x": 1, "y": 2}, "b": [1]}, {"a": {"x": 1, "z": 3}, "b": [1]})
    {'a': {'y': None, 'z': 3}}
    """
    patch: Json = {}
    for key, value in new.items():
        before = old.get(key)
        if value == before:
            continue
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            gone = {name: None for name in before if name not in value}
            patch[key] = gone | {name: one for name, one in value.items() if before.get(name) != one}
        else:
            patch[key] = value
    return patch or None


def _thread(thread: ThreadValue) -> Json:
    return {
        "number": thread.number,
        "anchor": dict(thread.anchor),
        "state": thread.state,
        "comments": {comment.id: _comment(comment) for comment in thread.comments},
        "events": [
            {"what": one.what, "by": one.by.to_json(), "at": one.at, "op": one.op}
            for one in thread.happenings
        ],
    }


def _comment(comment: CommentValue) -> Json:
    return {
        "n": comment.n,
        "by": comment.by.to_json(),
        "at": comment.at,
        "body": comment.body,
        "mentions": list(comment.mentions),
        "edited": comment.edited,
        "deleted": _told(comment.deleted),
    }


def _told(told: Told | None) -> Json | None:
    return None if told is None else {"by": told.by.to_json(), "at": told.at}


def _place(place: Resolution) -> Json:
    return {
        "state": place.state,
        "cell": place.cell_id,
        "start": place.start,
        "end": place.end,
        "quote": place.quote,
        "confidence": place.confidence,
        "output": place.output,
        "line": place.line,
        "run": place.run,
        "healed": None,
    }
