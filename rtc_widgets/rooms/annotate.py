"""What may be done to the annotations document, and by whom; carried out by who owns the document: the relay.

Everybody else asks (docs/protocol.md, 3.4). So nobody forges an author or deletes another's words. Every request may
come twice, from a client whose connection broke before the answer: ids that the client makes tell the second.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pycrdt import Array, Doc
from pycrdt import Map as YMap

from rtc_widgets.documents.anchor_form import checked_anchor
from rtc_widgets.documents.threads import (
    PEOPLE,
    SETTINGS,
    THREADS,
    Author,
    CommentValue,
    ThreadValue,
    read_mirror,
    read_thread,
)
from rtc_widgets.errors import ChannelClosed, DocumentError
from rtc_widgets.origins import Origin
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.roles import Role
from rtc_widgets.rooms.bounds import Bounds, Filled, check_unicode, size_of
from rtc_widgets.rooms.known import KnownThreads
from rtc_widgets.rooms.restoring import restore

__all__ = ["METHODS", "Actor", "Annotator"]

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ORIGIN = Origin("relay")
_DECISIONS = ("always", "never")
# How many of the last edits of a comment, and of the requests that a thread had nothing to do for, are remembered, to
# know one that comes a second time.
_REMEMBERED = 8

_NO_COMMENT = "You may read this document but not comment on it. Ask its owner for the right to comment."
_NO_THREAD = "There is no such thread here any more. Your text is kept: begin a new thread with it."
_THREAD_DELETED = "{name} deleted this thread. Your text is kept: begin a new thread with it."
_NO_WORDS = "There is no such comment here any more."
_NOT_YOURS = "This comment is {name}'s: only its author can {do} it."
_CLAIMED = (
    "This comment came with the notebook's file. Whether {name} wrote it the server does not know, so nobody can {do} "
    "it: reply to it instead."
)
_NOT_YOUR_THREAD = "Only who began this thread, or somebody who may edit the document, can {do} it."
_NO_TARGET = (
    "What this is about is not in the document any more. Your text is kept: choose another place for it."
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Say who asks.

    Args:
        author: as comments are signed.
        role: what the asker may do.
        identity: for the directory of people; empty for who is in none, as a kernel.
    """

    author: Author
    role: Role
    identity: Mapping[str, Any] = field(default_factory=dict)

    def owns(self, author: Author) -> bool:
        """Tell whether these are the asker's own words; a kernel's are the kernel's, whoever ran the cell."""
        if author.claimed or author.kind != self.author.kind:
            return False
        return author.kind == "kernel" or author.user == self.author.user


class Annotator:
    """Carry out what is asked of an annotations document.

    Args:
        doc: the document.
        exists: tells of an anchor whether what it is about is in the content.
        bounds: how much fits in.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        doc: Doc[Any],
        exists: Callable[[Mapping[str, Any]], bool],
        *,
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.bounds = bounds or Bounds()
        self.identity_of: Callable[[str], Mapping[str, Any] | None] = _unknown
        """Returns who somebody is who is mentioned and never was here, None where it is not known."""
        self._doc = doc
        self._exists = exists
        self._clock = clock
        self._threads = doc.get(THREADS, type=YMap)
        self._people = doc.get(PEOPLE, type=YMap)
        self._settings = doc.get(SETTINGS, type=YMap)
        self.threads = KnownThreads(doc)
        """All that there are, for whoever reads them often."""
        self._filled = Filled.of(self.threads.all.values())

    @property
    def count(self) -> int:
        """Return how many threads there are, without the deleted ones."""
        return self._filled.threads

    @property
    def mirror(self) -> str | None:
        """Return what was decided about a copy in the file: ``always``, ``never``, or None for nothing."""
        return read_mirror(self._doc)

    def carry_out(self, actor: Actor, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Do what *method* of docs/protocol.md, 3.4, asks, or nothing.

        Returns:
            ``{thread, number, comment}``: the ids, and the thread's number.

        Raises:
            ChannelClosed: it is refused; code and sentence say why.
        """
        if not actor.role.may_annotate:
            raise ChannelClosed(CloseCode.READ_ONLY, _NO_COMMENT)
        check_unicode(params)
        return METHODS[method](self, actor, params)

    # Words

    def add(self, actor: Actor, params: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a thread, or add to one; with ``resolve`` it is resolved by the way."""
        thread_id, comment_id = _id(params, "thread"), _id(params, "comment")
        thread = read_thread(self._doc, thread_id)
        known = _find(thread, comment_id)
        if known is not None and thread is not None:
            # Asked a second time, perhaps by another name: without a cookie a token is a new anonymous user each time.
            if known.deleted is None and known.body != params.get("body") and not actor.owns(known.by):
                raise _bad(f"The id {comment_id!r} is another comment's.")
            return _answer(thread, comment_id)
        comment = self._words(actor, params)
        if thread is None:
            if "anchor" not in params:
                raise ChannelClosed("no-thread", _NO_THREAD)
            return self._begin(actor, thread_id, comment_id, comment, self._anchor(params))
        _check_open(thread)
        if len(thread.comments) >= self.bounds.comments:
            raise _full(f"A thread holds {self.bounds.comments:,} comments. Begin a new one.")
        resolve = params.get("resolve") is True
        if resolve:
            self._check_rights(actor, thread, "resolve")
        # A reply reopens: somebody may have resolved the thread while it was written, and nobody's words go unseen.
        state = "resolved" if resolve else "open"
        if thread.state != state:
            self._check_events(thread)
        with self._doc.transaction(origin=_ORIGIN):
            shared = self._threads[thread_id]
            shared["comments"][comment_id] = comment | {"n": len(thread.comments)}
            if thread.state != state:
                self._set_state(shared, state, actor, comment_id)
            self._introduce(actor, comment)
        self._filled.words += size_of(comment["body"])
        return _answer(thread, comment_id)

    def edit(self, actor: Actor, params: Mapping[str, Any]) -> dict[str, Any]:
        """Change one's own words."""
        thread, comment = self._comment(params)
        if not actor.owns(comment.by):
            raise _not_yours(comment.by, "edit")
        _check_open(thread)
        if comment.deleted is not None:
            raise ChannelClosed("no-thread", _NO_WORDS)
        op = _id(params, "op")
        shared = self._threads[thread.id]["comments"]
        stored = dict(shared[comment.id])
        ops = [str(one) for one in stored.get("ops") or ()]
        if op in ops:
            return _answer(thread, comment.id)
        words = self._words(actor, params, instead=comment.body)
        for key in ("body", "mentions"):
            stored.pop(key, None)
            if key in words:
                stored[key] = words[key]
        with self._doc.transaction(origin=_ORIGIN):
            shared[comment.id] = stored | {"edited": self._clock(), "ops": [*ops, op][-_REMEMBERED:]}
            self._introduce(actor, words)
        self._filled.words += size_of(words["body"]) - size_of(comment.body)
        return _answer(thread, comment.id)

    def delete(self, actor: Actor, params: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a comment, or with no ``comment`` the whole thread: the words go, who and when stay."""
        if params.get("comment") is None:
            return self._delete_thread(actor, self._thread(params))
        thread, comment = self._comment(params)
        if comment.deleted is None:
            if not (actor.owns(comment.by) or actor.role.may_write):
                raise _not_yours(comment.by, "delete")
            with self._doc.transaction(origin=_ORIGIN):
                shared = self._threads[thread.id]
                self._delete_words(shared, comment, actor)
                if all(other.deleted for other in thread.comments if other.id != comment.id):
                    self._end(shared, actor)
        return _answer(thread, comment.id)

    # Threads

    def resolve(self, actor: Actor, params: Mapping[str, Any]) -> dict[str, Any]:
        """Say that a thread is done with."""
        return self._move(actor, params, "resolved")

    def reopen(self, actor: Actor, params: Mapping[str, Any]) -> dict[str, Any]:
        """Say that it is not."""
        return self._move(actor, params, "open")

    def attach(self, actor: Actor, params: Mapping[str, Any]) -> dict[str, Any]:
        """Say what a thread is about now."""
        thread, op, anchor = self._thread(params), _id(params, "op"), self._anchor(params)
        self._check_rights(actor, thread, "move")
        shared = self._threads[thread.id]
        if not _happened(shared, op):
            self._check_events(thread)
            with self._doc.transaction(origin=_ORIGIN):
                shared["anchor"] = anchor
                shared["events"].append({"what": "attached", "op": op, **self._told(actor)})
        return _answer(thread)

    def heal(self, anchors: Mapping[str, Mapping[str, Any]]) -> None:
        """Write down where what threads are about is now, by the ids of the threads; nobody's doing."""
        with self._doc.transaction(origin=_ORIGIN):
            for thread_id, anchor in anchors.items():
                if thread_id in self._threads:
                    self._threads[thread_id]["anchor"] = dict(anchor)

    def restore(
        self,
        threads: Iterable[ThreadValue],
        anchors: Mapping[str, Mapping[str, Any]],
        *,
        signed: bool = False,
    ) -> None:
        """Bring in threads that were kept elsewhere: see `rtc_widgets.rooms.restoring.restore`."""
        with self._doc.transaction(origin=_ORIGIN):
            restore(self._doc, self._filled, self.bounds, self._clock(), threads, anchors, signed=signed)

    def decide(self, actor: Actor, params: Mapping[str, Any]) -> dict[str, Any]:
        """Decide whether the file gets a copy of the comments."""
        decided = params.get("mirror")
        if decided not in _DECISIONS:
            raise _bad(f"'mirror' is one of {', '.join(_DECISIONS)}.")
        if not actor.role.may_write:
            raise ChannelClosed(CloseCode.READ_ONLY, CloseCode.READ_ONLY.sentence)
        if self.mirror != decided:
            with self._doc.transaction(origin=_ORIGIN):
                self._settings["mirror"] = decided
        return {"mirror": decided}

    # What these share

    def _begin(
        self, actor: Actor, id_: str, comment_id: str, comment: dict[str, Any], anchor: dict[str, Any]
    ) -> dict[str, Any]:
        if self._filled.threads >= self.bounds.threads:
            raise _full(
                f"This document has {self.bounds.threads:,} threads, as many as fit in. Delete some that are resolved."
            )
        self._filled.number += 1
        self._filled.threads += 1
        self._filled.words += size_of(comment["body"])
        with self._doc.transaction(origin=_ORIGIN):
            self._threads[id_] = YMap(
                {
                    "number": self._filled.number,
                    "anchor": anchor,
                    "state": "open",
                    "comments": YMap({comment_id: comment | {"n": 0}}),
                    "events": Array([]),
                }
            )
            self._introduce(actor, comment)
        return {"thread": id_, "number": self._filled.number, "comment": comment_id}

    def _move(self, actor: Actor, params: Mapping[str, Any], state: str) -> dict[str, Any]:
        thread, op = self._thread(params), _id(params, "op")
        self._check_rights(actor, thread, "resolve" if state == "resolved" else "reopen")
        shared = self._threads[thread.id]
        if not _happened(shared, op):
            if thread.state != state:
                self._check_events(thread)
            with self._doc.transaction(origin=_ORIGIN):
                if thread.state != state:
                    self._set_state(shared, state, actor, op)
                else:
                    # Nothing to do, and nothing when it comes again: somebody may have done the opposite by then.
                    shared["ops"] = [*(shared.get("ops") or ()), op][-_REMEMBERED:]
        return _answer(thread)

    def _set_state(self, shared: Any, state: str, actor: Actor, op: str) -> None:
        shared["state"] = state
        what = "resolved" if state == "resolved" else "reopened"
        shared["events"].append({"what": what, "op": op, **self._told(actor)})

    def _delete_thread(self, actor: Actor, thread: ThreadValue) -> dict[str, Any]:
        left = [comment for comment in thread.comments if comment.deleted is None]
        if thread.deleted is None:
            if not (actor.role.may_write or all(actor.owns(comment.by) for comment in left)):
                raise ChannelClosed("not-yours", _NOT_YOUR_THREAD.format(do="delete"))
            with self._doc.transaction(origin=_ORIGIN):
                shared = self._threads[thread.id]
                for comment in left:
                    self._delete_words(shared, comment, actor)
                self._end(shared, actor)
        return _answer(thread)

    def _delete_words(self, shared: Any, comment: CommentValue, actor: Actor) -> None:
        stored = dict(shared["comments"][comment.id])
        for key in ("body", "mentions", "ops"):
            stored.pop(key, None)
        shared["comments"][comment.id] = stored | {"deleted": self._told(actor)}
        self._filled.words -= size_of(comment.body)

    def _end(self, shared: Any, actor: Actor) -> None:
        shared["deleted"] = self._told(actor)
        self._filled.threads -= 1

    def _words(self, actor: Actor, params: Mapping[str, Any], instead: str = "") -> dict[str, Any]:
        body, mentions = params.get("body"), params.get("mentions") or []
        if not isinstance(body, str) or not body.strip():
            raise _bad("A comment needs a text.")
        size = size_of(body)
        if size > self.bounds.body:
            raise ChannelClosed(
                CloseCode.TOO_LARGE,
                f"A comment holds {self.bounds.body // 1024} KiB, and this one has {size / 1024:,.0f}. Shorten it, or "
                "put the long part into a file and link to it. Your text is kept.",
            )
        if self._filled.words + size - size_of(instead) > self.bounds.words:
            raise _full(
                f"The comments on this document hold {self.bounds.words // 2**20} MiB, as much as fits in. Delete "
                "some that are resolved."
            )
        if not isinstance(mentions, list) or not all(isinstance(one, str) for one in mentions):
            raise _bad("The mentions are no list of user names.")
        if len(mentions) > self.bounds.mentions or any(len(one) > 256 for one in mentions):
            raise _bad(f"A comment mentions at most {self.bounds.mentions} people.")
        words = {"by": actor.author.to_json(), "at": self._clock(), "body": body}
        return words | ({"mentions": sorted(set(mentions))} if mentions else {})

    def _anchor(self, params: Mapping[str, Any]) -> dict[str, Any]:
        try:
            anchor = checked_anchor(params.get("anchor"))
        except DocumentError as error:
            raise _bad(str(error)) from error
        if len(json.dumps(anchor)) > self.bounds.anchor:
            raise ChannelClosed(
                CloseCode.TOO_LARGE, "What the comment is about is too long: choose less of it."
            )
        if not self._exists(anchor):
            raise ChannelClosed("no-target", _NO_TARGET)
        return anchor

    def _thread(self, params: Mapping[str, Any]) -> ThreadValue:
        thread = read_thread(self._doc, _id(params, "thread"))
        if thread is None:
            raise ChannelClosed("no-thread", _NO_THREAD)
        return thread

    def _comment(self, params: Mapping[str, Any]) -> tuple[ThreadValue, CommentValue]:
        thread = self._thread(params)
        comment = _find(thread, _id(params, "comment"))
        if comment is None:
            raise ChannelClosed("no-thread", _NO_WORDS)
        return thread, comment

    def _check_rights(self, actor: Actor, thread: ThreadValue, do: str) -> None:
        _check_open(thread)
        if not (actor.role.may_write or actor.owns(thread.by)):
            raise ChannelClosed("not-yours", _NOT_YOUR_THREAD.format(do=do))

    def _check_events(self, thread: ThreadValue) -> None:
        if len(thread.happenings) >= self.bounds.events:
            raise _full(
                f"A thread is resolved, reopened and moved {self.bounds.events:,} times at most. Begin a new one."
            )

    def _told(self, actor: Actor) -> dict[str, Any]:
        return {"by": actor.author.to_json(), "at": self._clock()}

    def _introduce(self, actor: Actor, comment: Mapping[str, Any]) -> None:
        """Write down who wrote a comment, and who is mentioned in it, so that everybody can tell who that is."""
        user, identity = actor.author.user, dict(actor.identity)
        if user and identity and self._people.get(user) != identity:
            self._people[user] = identity
        for mentioned in comment.get("mentions", ()):
            known = self.identity_of(mentioned)
            if known and mentioned not in self._people:
                self._people[mentioned] = dict(known)


METHODS: Mapping[str, Callable[[Annotator, Actor, Mapping[str, Any]], dict[str, Any]]] = {
    "comments.add": Annotator.add,
    "comments.edit": Annotator.edit,
    "comments.delete": Annotator.delete,
    "comments.resolve": Annotator.resolve,
    "comments.reopen": Annotator.reopen,
    "comments.attach": Annotator.attach,
    "comments.mirror": Annotator.decide,
}


def _unknown(_username: str) -> None:
    """Know nobody."""


def _answer(thread: ThreadValue, comment_id: str | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"thread": thread.id, "number": thread.number}
    return answer if comment_id is None else answer | {"comment": comment_id}


def _find(thread: ThreadValue | None, comment_id: str) -> CommentValue | None:
    comments = thread.comments if thread is not None else ()
    return next((comment for comment in comments if comment.id == comment_id), None)


def _check_open(thread: ThreadValue) -> None:
    if thread.deleted is not None:
        raise ChannelClosed("no-thread", _THREAD_DELETED.format(name=thread.deleted.by.name))


def _happened(shared: Any, op: str) -> bool:
    return op in (shared.get("ops") or ()) or any(one.get("op") == op for one in shared["events"])


def _not_yours(author: Author, do: str) -> ChannelClosed:
    words = _CLAIMED if author.claimed else _NOT_YOURS
    return ChannelClosed("not-yours", words.format(name=author.name, do=do))


def _id(params: Mapping[str, Any], key: str) -> str:
    value = params.get(key)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise _bad(f"{key!r} is not 1 to 64 of a-z, A-Z, 0-9, - and _.")
    return value


def _bad(why: str) -> ChannelClosed:
    return ChannelClosed(
        "bad-request", f"{why} The page and the server may be of different releases: reload the page."
    )


def _full(why: str) -> ChannelClosed:
    return ChannelClosed(CloseCode.TOO_MANY, why)
