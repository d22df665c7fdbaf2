"""What is said about a document, beside it: a replica that is asked for when it is first used, and requests.

Only the relay writes annotations (docs/schema.md). What is asked of it is asked again with the same ids where the
connection broke, by whoever carries it (`Link.ask`), so that it happens once.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pycrdt import Map

from rtc_widgets.documents import answers
from rtc_widgets.documents.anchors import Places, Resolution, resolve
from rtc_widgets.documents.answers import READING, refusal
from rtc_widgets.documents.comment_edits import CommentEdit, compare
from rtc_widgets.documents.mentions import words_behind_at
from rtc_widgets.documents.people import People
from rtc_widgets.documents.subscription import Subscription, weakly
from rtc_widgets.documents.threads import (
    THREADS,
    ThreadValue,
    read_mirror,
    read_people,
    read_thread,
    read_threads,
    updated,
)
from rtc_widgets.errors import ChannelClosed, NotConnected, RtcError

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument
    from rtc_widgets.documents.link import Link
    from rtc_widgets.documents.replica import Replica

__all__ = ["PATIENCE", "Annotations", "Asked"]

# Seconds to wait for what is to be done, and for what was answered to be in the replica, too.
PATIENCE = 30.0
_ARRIVAL = 5.0

# Of one comment, the names behind an @ that nobody here has: so many are looked for, each for so many seconds.
_MOST_LOOKED_FOR = 5
_PEOPLE_PATIENCE = 2.0
# Code points of a name that is looked for (docs/protocol.md, 3.4).
MOST_QUERIED = 100

# What was asked here and is to be known when it comes back; where nobody watches it never does.
_MOST_CAUSED = 1_000

# Of all threads, which part is read one by one; of more, all are read at once, which takes less.
_FEW = 0.2

_log = logging.getLogger(__name__)

_NO_LINK = (
    "Nobody keeps comments on this document: it is connected to nothing. Documents of rtc_widgets.notebook(), "
    "connect(), open() and local() are."
)
_LATE = (
    "The server did not answer within {timeout:g} s. What you said is kept here, and it is asked again when it "
    "answers: look at .comments before you say it a second time."
)

Causes = tuple[object, ...]
Told = Callable[[Sequence[CommentEdit], Callable[[CommentEdit], "Causes | None"]], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold something that the server was asked for and has not answered, as far as it is known here."""

    method: str
    params: Mapping[str, Any]
    future: Future[Any]

    @property
    def refusal(self) -> Exception | None:
        """Return why it was refused, if it was."""
        return refusal(self.future.exception()) if self.future.done() else None


class Annotations:
    """Know the threads about one document: a part of it, made when somebody asks."""

    def __init__(self, document: LiveDocument) -> None:
        self._document = weakref.ref(document)
        self._news = threading.Condition()
        self._live: LiveDocument | None = None
        self._opening: Future[LiveDocument] | None = None
        self._watchers: tuple[Told, ...] = ()
        self._seen: dict[str, ThreadValue] | None = None  # as told last; None while nobody watches
        # As read last, of which replica, and which were changed since: reading all 10,000 takes half a second.
        self._read: tuple[Replica, dict[str, ThreadValue]] | None = None
        self._touched: set[str] = set()
        self._placed: tuple[object, Places, dict[str, tuple[Mapping[str, Any], Resolution]]] | None = None
        # What was asked here: in which callbacks' midst. Their own doing is not told to them.
        self._caused: dict[str, Causes] = {}
        self._asked: dict[str, Asked] = {}  # by thread, of those that are not there yet

    # ---------------------------------------------------------------------------------------------- reading

    @property
    def here(self) -> bool:
        """Tell whether the threads can be read without waiting."""
        return self._live is not None

    @property
    def used(self) -> bool:
        """Tell whether somebody has asked for the threads."""
        return self._opening is not None

    def threads(self, timeout: float = READING) -> dict[str, ThreadValue]:
        """Return the threads by id in the order of their numbers, deleted ones too; waits for them the first time.

        Later what is here is read, also while the server is away.

        Raises:
            NotConnected: they have not come in *timeout* seconds, or cannot while the caller waits, at once.
            ChannelClosed: the server does not give them.
        """
        live = self._live if self._live is not None else self._wait_for_replica(timeout)
        with live.reading() as replica:
            known = self._read[1] if self._read is not None and self._read[0] is replica else None
            if known is None or len(self._touched) > _FEW * len(known) + 1:
                known = read_threads(replica.doc)
            elif self._touched:
                known = updated(known, {id_: read_thread(replica.doc, id_) for id_ in self._touched})
            self._read, self._touched = (replica, known), set()
            return known

    def thread(self, thread_id: str) -> ThreadValue | None:
        """Return one thread, None where there is none of that id; raises what `threads` raises."""
        live = self._live if self._live is not None else self._wait_for_replica(READING)
        with live.reading() as replica:
            if self._read is not None and self._read[0] is replica and thread_id not in self._touched:
                return self._read[1].get(thread_id)
            return read_thread(replica.doc, thread_id)

    def mirror(self) -> Literal["always", "never"] | None:
        """Return what was decided about a copy in the file, None for nothing; raises what `threads` raises."""
        live = self._live if self._live is not None else self._wait_for_replica(READING)
        with live.reading() as replica:
            return read_mirror(replica.doc)

    def settle(self, timeout: float = READING) -> None:
        """Wait until the threads are here, so that what comes is new; not where nothing is heard meanwhile."""
        opening, document = self._open(), self._content()
        if opening.done() or not (document.deaf() or answers.is_away(document)):
            self._wait_for_replica(timeout)

    def people(self) -> dict[str, set[str]]:
        """Return who may be mentioned, as far as it is known here: by user name the names that are shown."""
        document = self._content()
        names: dict[str, set[str]] = {}
        if self._live is not None:
            with self._live.reading() as replica:
                for user, who in read_people(replica.doc).items():
                    names[user] = {str(who.get("display_name") or "")}
        for participant in document.part(People).everybody().values():
            names.setdefault(participant.username, set()).add(participant.name)
        return names

    def find_people(self, query: str, timeout: float = READING) -> list[dict[str, Any]]:
        """Return whom the server knows of whom a name begins so, as identities; nobody where there is no server.

        Raises:
            NotConnected: there was no answer in time, or cannot be while the caller waits.
            CommentRefused: it takes the right to comment.
        """
        try:
            future = self._link().ask("people.find", {"query": query[:MOST_QUERIED]})
            found = answers.read(self._content(), future, timeout)["people"]
        except ChannelClosed as closed:
            if closed.code == "unknown-method":  # without a server, or an older one
                return []
            raise refusal(closed) or closed from None
        return [one for one in found if isinstance(one, dict) and isinstance(one.get("username"), str)]

    def mentionable(self, body: str) -> dict[str, set[str]]:
        """Return who may be meant in a comment: all of `people`, and whom the server knows of those behind an ``@``."""
        names = self.people()
        document = self._content()
        if document.deaf() or answers.is_away(document):
            return names
        known = {
            word.casefold()
            for user, called in names.items()
            for one in (user, *called)
            for word in one.split()
        }
        for word in sorted(words_behind_at(body) - known)[:_MOST_LOOKED_FOR]:
            # A comment is not kept from being said by whom it mentions.
            with contextlib.suppress(RtcError):
                for one in self.find_people(word, _PEOPLE_PATIENCE):
                    names.setdefault(one["username"], set()).add(
                        str(one.get("display_name") or one.get("name") or "")
                    )
        return names

    def asked(self, thread_id: str) -> Asked | None:
        """Return what would begin this thread and is not answered, or was refused."""
        return self._asked.get(thread_id)

    def place(self, thread: ThreadValue) -> Resolution:
        """Return where that is now which a thread is about."""
        document = self._content()
        with document.reading() as replica:
            key = (replica, replica.version)
            if self._placed is None or self._placed[0] != key:
                self._placed = key, Places(replica.doc), {}
            _, places, known = self._placed
            found = known.get(thread.id)
            if found is None or found[0] != thread.anchor:
                found = known[thread.id] = thread.anchor, _resolved(places, thread.anchor)
            return found[1]

    # ----------------------------------------------------------------------------------------------- asking

    def ask(
        self,
        method: str,
        params: dict[str, Any],
        *,
        mark: str,
        done: Callable[[], bool],
        causes: Causes = (),
        timeout: float | None = PATIENCE,
    ) -> dict[str, Any] | None:
        """Ask the server for something, and wait until it has answered and its doing is in the replica.

        Args:
            method: of docs/protocol.md, 3.4.
            params: with ids that make it the same when it is asked again.
            mark: by which `CommentEdit.mark` of what comes of it begins.
            done: tells whether that is in the replica.
            causes: callbacks in whose midst it is asked.
            timeout: seconds; None for as long as it takes.

        Returns:
            The answer; None in a kernel that hears nothing before the caller returns.

        Raises:
            CommentRefused: the server says no, and why.
            ChannelClosed: the document is closed.
            NotConnected: there was no answer in time.
        """
        document, link = self._content(), self._link()
        self._caused[mark] = causes
        while len(self._caused) > _MOST_CAUSED:
            del self._caused[next(iter(self._caused))]
        future = link.ask(f"comments.{method}", params)
        if method == "add" and "anchor" in params:
            self._asked[params["thread"]] = Asked(method, params, future)
        self._open()
        if document.deaf() and not future.done():
            return None
        try:
            answer: dict[str, Any] = future.result(timeout)
        except TimeoutError as error:
            if future.done():
                raise
            raise NotConnected(_LATE.format(timeout=timeout)) from error
        except ChannelClosed as closed:
            self._asked.pop(str(params.get("thread")), None)
            raise refusal(closed) or closed from None
        if not document.deaf():
            self._wait(done, _ARRIVAL)
        return answer

    # -------------------------------------------------------------------------------------------- following

    def watch(self, told: Told) -> Subscription:
        """Have *told* called, outside every lock, with what happens to the threads from now on."""
        with self._news:
            self._watchers = (*self._watchers, told)
        self._open()
        self._begin_watching()

        def close() -> None:
            with self._news:
                self._watchers = tuple(other for other in self._watchers if other is not told)
                if not self._watchers:
                    self._seen = None

        return Subscription(close)

    def _open(self) -> Future[LiveDocument]:
        """Ask for the replica, unless it is here or on its way."""
        with self._news:
            opening = self._opening
            failed = opening is not None and opening.done() and opening.exception() is not None
            if opening is None or failed:
                opening = self._opening = self._link().annotations()
                opening.add_done_callback(weakly(self._on_arrived))
            elif not opening.done():
                self._link().annotations()  # says again what may have been lost
            return opening

    def _wait_for_replica(self, timeout: float) -> LiveDocument:
        opening = self._open()
        live = answers.read(self._content(), opening, timeout)
        self._on_arrived(opening)
        return live

    def _on_arrived(self, opening: Future[LiveDocument]) -> None:
        if opening.cancelled() or opening.exception() is not None:
            return
        live = opening.result()
        with self._news:
            if self._live is live:
                return
            self._live = live
        live.on_rebuild(weakly(self._observe))
        with live.reading():
            self._observe()
        self._begin_watching()
        self._changed()

    def _observe(self) -> None:
        """Follow the replica that is there now; under its lock."""
        if self._live is not None:
            replica = self._live.replica
            replica.observe_inside(replica.root(THREADS, Map), weakly(self._on_threads))
            replica.observe(replica.doc, weakly(self._on_commit))

    def _begin_watching(self) -> None:
        """Remember what is there, so that what is new can be told."""
        with self._news:
            if self._watchers and self._seen is None and self._live is not None:
                self._seen = self.threads()

    def _on_threads(self, events: list[Any]) -> None:
        """Note which threads a transaction changes; within it."""
        for event in events:
            self._touched.update([str(event.path[0])] if event.path else map(str, event.keys))

    def _on_commit(self, _event: Any) -> None:
        if self._live is not None:
            self._live.announce(self._changed)

    def _changed(self) -> None:
        """Tell those who watch or wait, after a transaction and outside the lock."""
        edits: list[CommentEdit] = []
        with self._news:
            for thread_id in [id_ for id_ in list(self._asked) if self.thread(id_) is not None]:
                self._asked.pop(thread_id, None)
            if self._seen is not None:
                threads = self.threads()
                edits = compare(self._seen, threads)
                self._seen = threads
            self._news.notify_all()
            watchers = self._watchers
        if edits:
            for told in watchers:
                try:
                    told(edits, self._cause_of)
                except Exception:  # noqa: BLE001 (whoever looks on must not end the connection that brings it)
                    _log.exception("What happened to comments could not be told.")
            for edit in edits:
                self._caused.pop(edit.mark, None)

    def _cause_of(self, edit: CommentEdit) -> Causes | None:
        """Return in which callbacks' midst it was asked for here; None where others did it."""
        return self._caused.get(edit.mark)

    def _wait(self, done: Callable[[], bool], timeout: float) -> None:
        end = time.monotonic() + timeout
        with self._news:
            while not (self._live is not None and done()):
                left = end - time.monotonic()
                if left <= 0 or self._link_ended():
                    return
                self._news.wait(min(left, 0.5))

    def holds(self, thread_id: str, op: str) -> bool:
        """Tell whether the request with this id has been carried out in a thread, as far as it left a trace."""
        live = self._live
        if live is None:
            return False
        with live.reading() as replica:
            found = replica.root(THREADS, Map).get(thread_id)
            return found is not None and f'"{op}"' in str(found)

    def _link_ended(self) -> bool:
        link = self._content().link
        return link is None or link.state == "closed"

    def _content(self) -> LiveDocument:
        document = self._document()
        assert document is not None  # it asks for us
        return document

    def _link(self) -> Link:
        link = self._content().link
        if link is None:
            raise NotConnected(_NO_LINK)
        return link


def _resolved(places: Places, anchor: Mapping[str, Any]) -> Resolution:
    try:
        return resolve(places, dict(anchor))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        # Of a later release, or of a client of another make: its cell is what is understood.
        cell_id = anchor.get("cell")
        there = isinstance(cell_id, str) and places.find(cell_id) is not None
        quote = anchor.get("quote")
        exact = quote.get("exact") if isinstance(quote, Mapping) else None
        words = exact if isinstance(exact, str) else None
        if there:
            return Resolution("cell", cell_id=str(cell_id), quote=words, confidence=0.0)
        state = "orphan" if cell_id is not None else "exact"
        return Resolution(state, quote=words, confidence=0.0 if state == "orphan" else 1.0)  # type: ignore[arg-type]
