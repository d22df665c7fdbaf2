"""Follows the comments on one document for all its widgets, and tells them what has changed."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, ClassVar

from rtc_widgets.documents.people import People
from rtc_widgets.documents.subscription import weakly
from rtc_widgets.errors import RtcError
from rtc_widgets.widgets.state import Json, difference, state_of

if TYPE_CHECKING:
    from rtc_widgets.documents.annotated import Annotated
    from rtc_widgets.documents.document import LiveDocument
    from rtc_widgets.widgets.worker import Runner

__all__ = ["Feed", "Follower"]

# Seconds between two looks at a document that keeps changing, and how many times as long as a look takes they are at
# least: the code that runs in the kernel goes on beside them.
_PAUSE = 0.1
_SHARE = 10
# Seconds between two looks at what nobody tells of: how the connection stands.
_TICK = 2.0
# Seconds after which comments that were refused are asked for again.
_AGAIN = 10.0
# Seconds that a new widget waits for its first threads.
_FIRST = 2.0


# Takes a change, and all of it, in the runner's thread.
Follower = Callable[[Json, Json], None]


class Feed:
    """Keep the state of one document's comments, for as long as a widget shows it.

    Args:
        handle: of the document.
        work: where it is looked at.
    """

    # By the document's identity, which stays taken for as long as there is the feed.
    _all: ClassVar[weakref.WeakValueDictionary[int, Feed]] = weakref.WeakValueDictionary()

    def __init__(self, handle: Annotated, work: Runner) -> None:
        self.handle = handle
        self.state: Json = {}
        self._work = work
        self._turning = threading.RLock()  # what is told may lead to a look
        self._followers: list[weakref.WeakMethod[Follower]] = []
        self._notes: Future[LiveDocument] | None = None
        self._asked = 0.0
        self._observed: set[int] = set()
        self._due = False
        self._seen = 0.0
        self._pause = _PAUSE
        document = handle.document
        self._watch = document.part(People).watch(weakly(self._touch))
        self._observe(document)
        self._ask()
        self._tick()

    @classmethod
    def of(cls, handle: Annotated, work: Runner) -> Feed:
        """Return the one of a document, with what is there."""
        feed = cls._all.get(id(handle.document))
        if feed is None:
            feed = cls(handle, work)
            cls._all[id(handle.document)] = feed
            if not handle.document.deaf() and feed._notes is not None:
                with contextlib.suppress(TimeoutError, RtcError):
                    feed._notes.result(_FIRST)
        feed.turn()
        return feed

    def add(self, follower: Follower) -> None:
        """Tell *follower*, a method, what changes from now on, for as long as its object lives."""
        self._followers.append(weakref.WeakMethod(follower))

    def turn(self) -> None:
        """Look, and tell what has changed."""
        with self._turning:
            self._due, begun = False, time.monotonic()
            self._ask()
            new = state_of(self.handle, self._here())
            patch = difference(self.state, new)
            self._seen = time.monotonic()
            self._pause = max(_PAUSE, _SHARE * (self._seen - begun))
            if patch is None:
                return
            # Numbered, so that a page knows when it has missed one.
            new["seq"] = patch["seq"] = self.state.get("seq", 0) + 1
            self.state = new
            followers = [(reference, reference()) for reference in self._followers]
            self._followers = [reference for reference, follower in followers if follower is not None]
            for _, follower in followers:
                if follower is not None:
                    follower(patch, new)

    def _here(self) -> LiveDocument | None:
        notes = self._notes
        there = notes is not None and notes.done() and notes.exception() is None
        return notes.result() if there and notes is not None else None

    def _ask(self) -> None:
        """Ask for the annotations, unless they are here or on their way."""
        notes, link, now = self._notes, self.handle.document.link, time.monotonic()
        failed = notes is not None and notes.done() and notes.exception() is not None
        if link is None or (notes is not None and not failed) or (failed and now - self._asked < _AGAIN):
            return
        self._asked = now
        with contextlib.suppress(RtcError):
            self._notes = link.annotations()
            self._notes.add_done_callback(weakly(self._on_notes))

    def _on_notes(self, notes: Future[LiveDocument]) -> None:
        if notes.exception() is None:
            self._observe(notes.result())
            self._touch()

    def _observe(self, document: LiveDocument) -> None:
        """Hear of each transaction, of a replica that is put in place later too."""
        if id(document) in self._observed:
            return
        self._observed.add(id(document))
        touch, reference = weakly(self._touch), weakref.ref(document)

        def begin() -> None:
            there = reference()
            if there is not None:
                there.replica.observe(there.replica.doc, touch)
                touch()

        document.on_rebuild(begin)
        with document.reading():
            begin()

    def _touch(self, *_: Any) -> None:
        """Have a look soon: called in any thread, in the midst of a transaction."""
        if not self._due:
            self._due = True
            self._work.put(weakly(self.turn), max(0.0, self._seen + self._pause - time.monotonic()))

    def _tick(self) -> None:
        """Look now and then at what nobody tells of."""
        if not self._work.ticks:
            return
        about = self.state.get("about", {})
        if about and about["state"] != str(self.handle.state):
            self._touch()
        self._work.put(weakly(self._tick), _TICK)
