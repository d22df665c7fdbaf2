"""Threads of comments inside a notebook's file: a copy in its metadata, as W3C Web Annotations (docs/schema.md).

So they travel with the file, to where no server is, into Git, to other tools. What comes back may be damaged, or
written by others: what can be understood is read, and nothing raises.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rtc_widgets.documents.anchor_form import MOST_BYTES, checked_anchor
from rtc_widgets.documents.seed import clean
from rtc_widgets.documents.threads import Author, CommentValue, Happening, ThreadValue
from rtc_widgets.errors import DocumentError

__all__ = ["MirrorWriter", "from_mirror", "put_in", "remove", "take_out", "to_mirror", "understood"]

KEY = "rtc_widgets"
CONTEXT = "http://www.w3.org/ns/anno.jsonld"
_THREAD, _COMMENT = "urn:rtc_widgets:thread:", "urn:rtc_widgets:comment:"
_LONGEST_ID = 64
# Of a thread: the numbers of the others go on behind it, and people have to be able to say them.
_LARGEST_NUMBER = 10**6
_HAPPENINGS = ("resolved", "reopened", "attached")
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# Of an anchor: positions mean nothing in another document, and would be another text in every file.
_NOWHERE: dict[str, Any] = {
    "start": {"type": None, "tname": None, "item": None, "assoc": 0},
    "end": {"type": None, "tname": None, "item": None, "assoc": -1},
}
_UNQUOTED: dict[str, Any] = {"near": [None, None], "quote": {"exact": "", "prefix": "", "suffix": ""}}

# Not None, which may stand in a file as `null`.
_NOTHING = object()

Json = dict[str, Any]


def to_mirror(threads: Iterable[ThreadValue]) -> Json | None:
    """Return the page of annotations that says what the threads say, without deleted ones; None for none."""
    return _page([_thread(thread) for thread in threads if _is_told(thread)])


class MirrorWriter:
    """Make the page of the same threads again and again; what has not changed is made once.

    The page is not to be changed: what is in it is in the next one, too.
    """

    def __init__(self) -> None:
        self._made: dict[str, tuple[ThreadValue, Json]] = {}

    def page(self, threads: Mapping[str, ThreadValue]) -> Json | None:
        """Return what `to_mirror` returns.

        Args:
            threads: by id; one that has not changed is known by being the same object.
        """
        made: dict[str, tuple[ThreadValue, Json]] = {}
        for id_, thread in threads.items():
            known = self._made.get(id_)
            if known is not None and known[0] is thread:
                made[id_] = known
            elif _is_told(thread):
                made[id_] = thread, _thread(thread)
        self._made = made
        return _page([item for _, item in made.values()])


def from_mirror(metadata: object) -> list[ThreadValue]:
    """Return the threads in a notebook's metadata, or in the page itself; what is no annotation is left out.

    A thread of which a merge of two branches has left two versions is there twice.

    >>> from_mirror({"rtc_widgets": {"comments": {"items": [{"type": "Annotation", "id": "a", "body": "Why?"}]}}})[0].id
    'a'
    """
    page = _mapping(_mapping(metadata).get(KEY)).get("comments", metadata)
    items = _mapping(page).get("items")
    found: dict[str, list[ThreadValue]] = {}
    for item in items if isinstance(items, list) else []:
        thread = _read(item) if isinstance(item, Mapping) else None
        if thread is not None and thread not in (versions := found.setdefault(thread.id, [])):
            versions.append(thread)
    return [thread for versions in found.values() for thread in versions]


def understood(anchor: Mapping[str, Any]) -> Json:
    """Return the anchor, or where it is damaged, too long or of a later release, one at what it says of its cell."""
    try:
        known = checked_anchor(anchor)
        if len(json.dumps(known)) <= MOST_BYTES:
            return known
    except DocumentError:
        pass  # its cell is what is understood
    cell = anchor.get("cell")
    if isinstance(cell, str) and cell:
        return {"kind": "cell", "cell": cell[:_LONGEST_ID], **_UNQUOTED}
    return {"kind": "document"}


def take_out(notebook: Json, known: Json | None = None) -> Json | None:
    """Remove the page from a notebook of format 4, and return it without what UTF-8 cannot hold.

    Args:
        known: a page; the one that is there is not looked through if it is the same, and this one returned.

    Returns:
        None where there is none; an empty one for what is damaged, so that it is known to be there.
    """
    page = remove(notebook)
    if page is _NOTHING:
        return None
    try:
        if known is not None and page == known:
            return known
        return clean(page) if isinstance(page, dict) else {}
    except RecursionError:
        return {}  # nested deeper than any annotation


def remove(notebook: Json) -> object:
    """Remove what stands in the place of the page from a notebook of format 4, and return it, whatever it is."""
    metadata = notebook.get("metadata")
    ours = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(ours, dict) or "comments" not in ours:
        return _NOTHING
    rest = {key: value for key, value in ours.items() if key != "comments"}
    notebook["metadata"] = {key: value for key, value in metadata.items() if key != KEY}
    if rest:
        notebook["metadata"][KEY] = rest
    return ours["comments"]


def put_in(notebook: Json, page: Json | None) -> Json:
    """Return a notebook that holds the page."""
    if page is None:
        return notebook
    metadata = dict(notebook.get("metadata") or {})
    ours = metadata.get(KEY)
    metadata[KEY] = {**(ours if isinstance(ours, dict) else {}), "comments": page}
    return {**notebook, "metadata": metadata}


# --------------------------------------------------------------------------------------------------------- to JSON


def _page(items: list[Json]) -> Json | None:
    return {"@context": CONTEXT, "items": items, "type": "AnnotationPage"} if items else None


def _is_told(thread: ThreadValue) -> bool:
    return thread.deleted is None and any(comment.deleted is None for comment in thread.comments)


def _left(thread: ThreadValue) -> list[CommentValue]:
    return [comment for comment in thread.comments if comment.deleted is None]


def _thread(thread: ThreadValue) -> Json:
    bodies = [_body(comment) for comment in _left(thread)]
    anchor = {key: value for key, value in sorted(thread.anchor.items()) if key != "position"}
    events = [
        {"at": _iso(one.at), "by": one.by.to_json(), "op": one.op, "what": one.what}
        for one in thread.happenings
    ]
    ours: Json = {"anchor": anchor, "number": thread.number, "state": thread.state}
    return {
        "body": bodies,
        "created": bodies[0]["created"],
        "creator": bodies[0]["creator"],
        "id": _THREAD + thread.id,
        "motivation": "commenting",
        KEY: {**ours, **({"events": events} if events else {})},
        "target": _target(anchor),
        "type": "Annotation",
    }


def _body(comment: CommentValue) -> Json:
    body: Json = {
        "created": _iso(comment.at),
        "creator": _creator(comment.by),
        "format": "text/markdown",
        "id": _COMMENT + comment.id,
        "purpose": "replying" if comment.n else "commenting",
        "type": "TextualBody",
        "value": comment.body,
    }
    if comment.edited is not None:
        body["modified"] = _iso(comment.edited)
    if comment.mentions:
        body[KEY] = {"mentions": sorted(comment.mentions)}
    return body


def _creator(by: Author) -> Json:
    return {"name": by.name, "nickname": by.user, "type": "Software" if by.kind == "kernel" else "Person"}


def _target(anchor: Mapping[str, Any]) -> Json:
    cell, quote = anchor.get("cell"), anchor.get("quote")
    target: Json = {"source": f"#{cell}" if isinstance(cell, str) else "#"}
    if anchor.get("kind") in ("range", "line") and isinstance(quote, Mapping):
        selector = {key: str(quote[key]) for key in ("exact", "prefix", "suffix") if quote.get(key)}
        target["selector"] = {"type": "TextQuoteSelector", **selector}
    return target


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ------------------------------------------------------------------------------------------------------- from JSON


def _read(item: Mapping[str, Any]) -> ThreadValue | None:
    """Return the thread of one annotation, also of one that others wrote; None where it says nothing."""
    ours = _mapping(item.get(KEY))
    bodies = item.get("body")
    bodies = bodies if isinstance(bodies, list) else [bodies]
    thread_id = _id(item.get("id"), _THREAD, item)
    comments: dict[str, CommentValue] = {}
    for body in bodies:
        comment = _read_body(body, item, thread_id, len(comments))
        if comment is not None:
            comments.setdefault(comment.id, comment)
    if not comments:
        return None
    events = ours.get("events")
    number = ours.get("number")
    return ThreadValue(
        thread_id,
        number if isinstance(number, int) and 0 < number <= _LARGEST_NUMBER else 0,
        _anchor(ours.get("anchor"), item.get("target")),
        "resolved" if ours.get("state") == "resolved" else "open",
        tuple(comments.values()),
        tuple(
            Happening(
                str(one["what"]),
                Author.from_json(one.get("by")),
                _seconds(one.get("at")),
                _id(one.get("op"), "", one),
            )
            for one in (events if isinstance(events, list) else [])
            if isinstance(one, Mapping) and one.get("what") in _HAPPENINGS
        ),
        None,
    )


def _read_body(body: object, item: Mapping[str, Any], thread_id: str, place: int) -> CommentValue | None:
    value = body if isinstance(body, str) else _mapping(body).get("value")
    if not isinstance(value, str) or not value.strip():
        return None
    told = _mapping(body)
    creator = told.get("creator") or item.get("creator")
    modified = told.get("modified")
    mentions = _mapping(told.get(KEY)).get("mentions")
    known = [one for one in mentions if isinstance(one, str)] if isinstance(mentions, list) else []
    return CommentValue(
        _id(told.get("id"), _COMMENT, {"thread": thread_id, "place": place}),
        place,
        _author(creator),
        _seconds(told.get("created") or item.get("created")),
        value,
        tuple(known),
        _seconds(modified) if modified is not None else None,
        None,
    )


def _author(creator: object) -> Author:
    if isinstance(creator, str):
        return Author("", "person", creator)
    told = _mapping(creator)
    user, name = str(told.get("nickname") or ""), told.get("name")
    kind = "kernel" if told.get("type") == "Software" else "person"
    return Author(user, kind, str(name or user or "somebody"))


def _anchor(anchor: object, target: object) -> Json:
    found: Json
    if isinstance(anchor, Mapping):
        found = dict(anchor)
    else:
        told = _mapping(target)
        source = told.get("source") if told else target
        cell = source.partition("#")[2] if isinstance(source, str) else ""
        selector = _mapping(told.get("selector"))
        exact = selector.get("exact")
        found = {"kind": "cell", "cell": cell, **_UNQUOTED} if cell else {"kind": "document"}
        if isinstance(exact, str) and exact:
            quote = {key: str(selector.get(key) or "") for key in ("exact", "prefix", "suffix")}
            found |= {"kind": "range", "line": 0, "near": [None, None], "quote": quote}
    if found.get("kind") in ("range", "line"):  # it may be anything, a list too
        found["position"] = _NOWHERE
    return found


def _id(value: object, prefix: str, else_of: object) -> str:
    """Return an id as the document takes it; of another one the same each time, so that nothing comes twice."""
    found = str(value or "").removeprefix(prefix)
    if _ID.fullmatch(found):
        return found
    return hashlib.sha256(repr(value or else_of).encode()).hexdigest()[:32]


def _seconds(value: object) -> float:
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
