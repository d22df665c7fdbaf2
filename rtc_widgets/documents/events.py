"""What changed in a document, told to those who asked, after the transaction and outside every lock."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from rtc_widgets.documents import looks, worker
from rtc_widgets.documents.annotations import Annotations
from rtc_widgets.documents.cell_index import CellEdit
from rtc_widgets.documents.comment_edits import CommentEdit
from rtc_widgets.documents.observation import Observation, Seen, TextObservation
from rtc_widgets.documents.people import People, PersonEdit
from rtc_widgets.documents.subscription import Subscription, weakly
from rtc_widgets.documents.text import Edit, compose
from rtc_widgets.documents.users import Person
from rtc_widgets.errors import RtcError
from rtc_widgets.origins import Origin

if TYPE_CHECKING:
    from rtc_widgets.documents.cells import Cell
    from rtc_widgets.documents.document import LiveDocument
    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.documents.replica import Replica
    from rtc_widgets.documents.thread import Comment
    from rtc_widgets.documents.thread import Thread as CommentThread
    from rtc_widgets.documents.users import Sociable

__all__ = [
    "KINDS",
    "CellEdit",
    "Change",
    "ChangeCallback",
    "ChangeSubscription",
    "Edit",
    "Events",
    "Kind",
    "NotebookEvents",
    "PersonEdit",
    "TextEvents",
    "Thread",
]

Kind = Literal["source", "cells", "outputs", "metadata", "attachments", "people", "comment", "content"]
KINDS: tuple[Kind, ...] = ("source", "cells", "outputs", "metadata", "attachments", "people", "comment")
Thread = Literal["main", "any"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """Say what one transaction changed, or several that had not been told yet.

    Args:
        kind: ``source`` of a cell or of a text file, ``cells`` added, deleted, moved or retyped, ``outputs``
            and execution count of a code cell, ``metadata`` of a cell or of the notebook, ``attachments`` of a
            cell, ``content`` of a file of another type, ``people`` who came, went, moved to another cell or say
            something else, ``comment`` for what happened to a thread of comments.
        cell: a handle on the cell; None for the notebook's own metadata, for ``cells`` unless one cell was
            asked for, and in other files.
        cell_id: the same as an id.
        delta: for ``source``, each `Edit` in code points of the old text; for ``cells``, each `CellEdit`; for
            ``metadata``, the keys that changed; for ``people``, each `PersonEdit`; for ``comment`` one
            `CommentEdit`; empty for ``outputs``, ``attachments`` and ``content``, which are to be read.
        origin: who or what made it.
        remote: whether it came from another participant.
        person: who made it, or, for ``people``, whom it is about; None where that is not known:
            for edits by several that came together, and by those who say nothing of themselves.
        thread: for ``comment``, which thread.
        comment: for ``comment``, which comment; None where all of the thread is meant.
    """

    kind: Kind
    cell: Cell | None
    cell_id: str | None
    delta: (
        tuple[Edit, ...]
        | tuple[CellEdit, ...]
        | tuple[str, ...]
        | tuple[PersonEdit, ...]
        | tuple[CommentEdit, ...]
    )
    origin: Origin
    remote: bool
    person: Person | None = None
    thread: CommentThread | None = None
    comment: Comment | None = None

    def __repr__(self) -> str:
        edits = f", {looks.counted(len(self.delta), 'edit')}" if self.delta else ""
        return f"<change of {self._what()} by {self._who()}{edits}>"

    def _repr_html_(self) -> str:
        title = looks.titled("Change", f"{self._what()} by {self._who()}")
        rows = [_edit_row(edit) for edit in self.delta[: looks.MOST]]
        more = len(self.delta) - len(rows)
        note = (
            f"… {looks.counted(more, 'more edit')}"
            if more
            else ""
            if rows
            else "what it is now is to be read"
        )
        return looks.table(title, (), rows, note=note)

    def _what(self) -> str:
        if self.cell is None or self.kind == "people":
            return self.kind
        try:
            return f"{self.kind} of cell {self.cell.index} {self.cell.id[:8]}"
        except LookupError:
            return f"{self.kind} of cell {self.cell.id[:8]}, deleted"

    def _who(self) -> str:
        who = self.person.name if self.person is not None else self.origin.user
        label = f" ({self.origin.detail})" if self.origin.detail else ""
        nobody = _NOBODY.get(self.origin.kind, "others" if self.remote else "this process")
        return looks.shortened((who or nobody) + label, 200)


# Who makes changes that no person does.
_NOBODY = {"file": "the file", "relay": "the server"}


def _edit_row(edit: Edit | CellEdit | PersonEdit | CommentEdit | str) -> tuple[str, str]:
    """Return what is shown of one part of a change."""
    if isinstance(edit, Edit):
        return f"from {edit.start} to {edit.stop}", looks.shortened(repr(edit.text), 200)
    if isinstance(edit, CellEdit):
        return edit.action, f"cell {edit.index} {edit.cell_id[:8]}"
    if isinstance(edit, CommentEdit):
        return edit.action, f"a comment, by {edit.by}" if edit.comment else f"a thread, by {edit.by}"
    return (edit.action, edit.username) if isinstance(edit, PersonEdit) else ("key", edit)


ChangeCallback = Callable[[Change], Any]


class ChangeSubscription(Subscription):
    """Call a function on each change of one kind, until closed.

    Can be called like the function itself, so that a decorated function stays usable.
    """

    def __init__(
        self,
        handle: Sociable,
        kind: Kind,
        cell_id: str | None,
        callback: ChangeCallback,
        end: Callable[[], None],
        thread: Thread = "main",
    ) -> None:
        super().__init__(end)
        self.thread = thread
        # Where errors of the callback are shown; its own for each, so that a kernel knows which cell asked.
        self.show: Callable[[BaseException], None] | None = None
        self._waiting: list[Change] = []
        self._lock = threading.Lock()
        self.kind = kind
        self.cell_id = cell_id
        self.handle = handle
        self._callback = callback
        self.__doc__ = callback.__doc__

    def __call__(self, change: Change) -> Any:
        """Call the function."""
        return self._callback(change)

    def __repr__(self) -> str:
        name = getattr(self._callback, "__qualname__", repr(self._callback))
        which = "" if self.cell_id is None else f" of cell {self.cell_id[:8]}"
        return f"<{'closed ' if self.closed else ''}subscription: {name} on {self.kind}{which}>"

    def add(self, change: Change) -> bool:
        """Note *change* to be delivered; return whether nothing else is waiting, so that somebody must."""
        with self._lock:
            self._waiting, first = _joined(self._waiting, change), not self._waiting
        return first

    def drop(self) -> None:
        """Forget what waits: there is nobody to deliver it."""
        with self._lock:
            self._waiting = []

    def deliver(self) -> None:
        """Call the function with each change that waits.

        What it raises is shown: a broken callback must not disturb anybody else.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for change in waiting:
            self._deliver(change)

    def _deliver(self, change: Change) -> None:
        if self.closed:
            return
        outer = _running.subscriptions
        _running.subscriptions = (*outer, self)
        try:
            self._callback(change)
        except Exception as error:  # noqa: BLE001 (user code, whose fault is shown and goes no further)
            if self.show is None:
                _log.exception("A callback for changes of %s failed: %r", self.kind, self)
            else:
                self.show(error)
        finally:
            _running.subscriptions = outer


class _Running(threading.local):
    """Which subscriptions' callbacks the current thread is inside of."""

    subscriptions: tuple[ChangeSubscription, ...] = ()


_running = _Running()


def running_callbacks() -> tuple[ChangeSubscription, ...]:
    """Return the subscriptions in the midst of whose callbacks the caller is."""
    return _running.subscriptions


class Watcher(Protocol):
    """Observe one replica, until closed."""

    def close(self) -> None:
        """Observe nothing any more."""


class Events:
    """Keep the subscriptions of one document, and observe the document only while there are any.

    A deep observer costs a hundred times an edit (facts.md, Speed).
    """

    _people: Subscription | None = None
    _comments: Subscription | None = None

    def __init__(self, document: LiveDocument) -> None:
        self._document = weakref.ref(document)
        self._subscriptions: tuple[ChangeSubscription, ...] = ()
        self._watcher: Any = None
        document.on_rebuild(weakly(self._restart))

    def subscribe(
        self,
        handle: Sociable,
        kind: Kind,
        cell_id: str | None,
        callback: ChangeCallback,
        thread: Thread = "main",
    ) -> ChangeSubscription:
        """Have *callback* called on each change of *kind*, of one cell or of all."""
        subscription = ChangeSubscription(
            handle, kind, cell_id, callback, lambda: self._end(subscription), thread
        )
        if handle.document.show is not None:
            subscription.show = handle.document.show()
        with handle.document.reading():
            before, self._subscriptions = self._subscriptions, (*self._subscriptions, subscription)
            try:
                self._observe(handle.document)
            except RtcError:  # there is nothing that could be observed
                self._subscriptions = before
                raise
        return subscription

    def _end(self, subscription: ChangeSubscription) -> None:
        document = self._document()
        if document is not None:
            with document.reading():
                self._subscriptions = tuple(one for one in self._subscriptions if one is not subscription)
                self._observe(document)

    def _observe(self, document: LiveDocument) -> None:
        """Observe as much as the subscriptions need; under the lock."""
        kinds = {subscription.kind for subscription in self._subscriptions}
        if "people" not in kinds and self._people is not None:
            self._people.close()
            self._people = None
        elif "people" in kinds and self._people is None:
            self._people = document.part(People).watch(weakly(self._on_people))
        if "comment" not in kinds and self._comments is not None:
            self._comments.close()
            self._comments = None
        elif "comment" in kinds and self._comments is None:
            self._comments = document.part(Annotations).watch(weakly(self._on_comments))
        kinds -= {"people", "comment"}
        if not kinds:
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None
            return
        self._watcher = self._watch(document.replica, kinds, self._watcher)

    def _watch(self, replica: Replica, kinds: set[Kind], watcher: Any) -> Watcher:
        """Return what observes *replica* for changes of *kinds*: the *watcher* that there is, or another."""
        raise NotImplementedError

    def _restart(self) -> None:
        """Observe another replica, in which nothing is yet."""
        document, self._watcher = self._document(), None
        if document is not None:
            self._observe(document)

    def _on_seen(self, seen: list[Seen]) -> None:
        """Take what an observer saw, inside a transaction and under the lock: only note it."""
        document = self._document()
        if document is not None:
            origin, remote = document.signature
            cause = _running.subscriptions
            document.announce(lambda: self._tell(seen, origin, remote, cause))

    def _on_people(self, edit: PersonEdit) -> None:
        for subscription in self._subscriptions:
            if subscription.kind != "people":
                continue
            person = Person(subscription.handle, edit.username)
            cell = person.cell
            if subscription.cell_id in {None, None if cell is None else cell.id}:
                origin = Origin("remote", edit.username, "people")
                cell_id = None if cell is None else cell.id
                change = Change("people", cell, cell_id, (edit,), origin, not person.is_me, person)
                _dispatch(subscription.handle.document, subscription, change)

    def _on_comments(
        self, edits: Sequence[CommentEdit], cause_of: Callable[[CommentEdit], tuple[object, ...] | None]
    ) -> None:
        document = self._document()
        if document is None:
            return
        for edit in edits:
            cause = cause_of(edit)
            for subscription in self._subscriptions:
                if subscription.kind != "comment" or subscription in (cause or ()):
                    continue
                change = _comment_change(subscription, edit, remote=cause is None)
                if subscription.cell_id in {None, change.cell_id}:
                    _dispatch(document, subscription, change)

    def _tell(
        self, seen: list[Seen], origin: Origin, remote: bool, cause: tuple[ChangeSubscription, ...]
    ) -> None:
        document = self._document()
        if document is None:
            return
        for what in seen:
            for subscription in self._subscriptions:
                # A callback is not told of what it did itself: it would call itself for ever.
                if what.kind == subscription.kind and subscription not in cause:
                    change = _change(document, what, subscription, origin, remote)
                    if change is not None:
                        _dispatch(document, subscription, change)


class NotebookEvents(Events):
    """Tell what changes in a notebook."""

    def _watch(self, replica: Replica, kinds: set[Kind], watcher: Observation | None) -> Observation:
        if watcher is None:
            watcher = Observation(replica, weakly(self._on_seen))
        watcher.set_deep(deep=kinds != {"cells"})
        return watcher


class TextEvents(Events):
    """Tell what changes in a text file."""

    _old: str | None = None

    def _watch(self, replica: Replica, kinds: set[Kind], watcher: TextObservation | None) -> TextObservation:
        return watcher or TextObservation(replica, weakly(self._on_seen), self._old)

    def _restart(self) -> None:
        self._old = None if self._watcher is None else self._watcher.text
        try:
            super()._restart()
        finally:
            self._old = None


def _dispatch(document: LiveDocument, subscription: ChangeSubscription, change: Change) -> None:
    if not subscription.add(change):
        return
    try:
        if subscription.thread == "any":
            worker.run(subscription.deliver)
        else:
            document.dispatcher(subscription.deliver)
    except Exception:  # noqa: BLE001 (for example a main loop that has ended)
        subscription.drop()
        _log.exception("A change could not be handed to %r.", subscription)


def _change(
    document: LiveDocument, what: Seen, subscription: ChangeSubscription, origin: Origin, remote: bool
) -> Change | None:
    wanted = subscription.cell_id
    cell_id, delta = what.cell_id, what.delta
    if wanted is not None:
        if what.kind == "cells":
            delta = tuple(edit for edit in what.edits if edit.cell_id == wanted)
            cell_id = wanted if delta else None
        if cell_id != wanted:
            return None
    cell = None if cell_id is None else cast("Notebook", subscription.handle).cell(cell_id)
    person = None
    if origin.user is not None and origin.user in document.part(People).everybody():
        person = Person(subscription.handle, origin.user)
    return Change(what.kind, cell, cell_id, delta, origin, remote, person)


def _comment_change(subscription: ChangeSubscription, edit: CommentEdit, *, remote: bool) -> Change:
    handle: Any = subscription.handle
    thread = handle.thread(edit.thread)
    comment = next((one for one in thread.comments if one.id == edit.comment), None)
    cell = thread.cell
    person = None
    by = edit.by
    if by.kind == "person" and not by.claimed and by.user in handle.document.part(People).everybody():
        person = Person(handle, by.user)
    origin = Origin("remote" if remote else "local", str(by), "comment")
    cell_id = None if cell is None else cell.id
    return Change("comment", cell, cell_id, (edit,), origin, remote, person, thread, comment)


def _joined(waiting: list[Change], change: Change) -> list[Change]:
    """Return *waiting* with *change*, joined to an earlier one that is about the same and by the same."""
    if change.kind == "comment":
        return [*waiting, change]
    for place in range(len(waiting) - 1, -1, -1):
        last = waiting[place]
        if (last.kind, last.cell_id) != (change.kind, change.cell_id):
            continue
        if (last.origin, last.remote, last.person) != (change.origin, change.remote, change.person):
            break
        delta: Any = (*last.delta, *change.delta)
        if change.kind == "source":
            delta = compose(last.delta, change.delta)  # type: ignore[arg-type]
        elif change.kind == "metadata":
            delta = tuple(sorted(set(delta)))
        return [*waiting[:place], replace(last, delta=delta), *waiting[place + 1 :]]
    return [*waiting, change]
