"""What a handle has of events: callbacks, and waiting for something to happen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, cast, overload

from rtc_widgets.documents import worker
from rtc_widgets.documents.annotations import Annotations
from rtc_widgets.documents.events import (
    KINDS,
    Change,
    ChangeCallback,
    ChangeSubscription,
    Events,
    Kind,
    NotebookEvents,
    Thread,
)
from rtc_widgets.documents.link import Reply
from rtc_widgets.errors import DocumentError

if TYPE_CHECKING:
    from rtc_widgets.documents.cells import Cell
    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.documents.users import Sociable

__all__ = ["FileObservable", "Observable", "Waiting"]


class Waiting(Reply[Any]):
    """Wait for something to happen in a document: ``await waiting``, or ``waiting.result()`` in plain code."""

    def __init__(
        self,
        future: Future[Any],
        what: str,
        timeout: float | None,
        stop: Callable[[], None],
        deaf: Callable[[], bool],
    ) -> None:
        super().__init__(future, deaf)
        self._what = what
        self._timeout = timeout
        self._stop = stop

    def __await__(self) -> Generator[Any, None, Any]:
        return self._wait().__await__()

    async def _wait(self) -> Any:
        self._refuse_to_wait()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._future), self._timeout)
        except TimeoutError:
            raise self._late(self._timeout) from None
        finally:
            self._stop()

    def result(self, timeout: float | None = None) -> Any:
        """Wait, and return what came of it.

        Args:
            timeout: seconds; what was given to `wait_for` unless said otherwise here.

        Raises:
            TimeoutError: it has not happened in time.
            NotConnected: in a kernel that hears nothing while a cell runs.
            DocumentError: in a callback that keeps the changes from being looked at.
        """
        if worker.is_current() and not self.done():
            raise DocumentError(
                "A callback that was asked for with thread='any' cannot wait for a change: the thread that waits is "
                "the one that looks. Wait in a thread of your own."
            )
        self._refuse_to_wait()
        patience = self._timeout if timeout is None else timeout
        try:
            return self._future.result(patience)
        except TimeoutError:
            if self._future.done():
                raise
            raise self._late(patience) from None
        finally:
            self._stop()

    def cancel(self) -> None:
        """Wait no longer."""
        self._stop()
        self._future.cancel()

    def _late(self, patience: float | None) -> TimeoutError:
        return TimeoutError(f"There was no {self._what} within {patience:g} s.")

    def __repr__(self) -> str:
        return f"<waiting for {self._what}{', done' if self.done() else ''}: await it, or call result()>"


class Observable:
    """Give a notebook's handle its events."""

    @overload
    def on_change(
        self, kind: Kind, *, cell: Cell | str | int | None = None, thread: Thread = "main"
    ) -> Callable[[ChangeCallback], ChangeSubscription]: ...
    @overload
    def on_change(
        self,
        kind: Kind,
        callback: ChangeCallback,
        *,
        cell: Cell | str | int | None = None,
        thread: Thread = "main",
    ) -> ChangeSubscription: ...
    def on_change(
        self,
        kind: Kind,
        callback: ChangeCallback | None = None,
        *,
        cell: Cell | str | int | None = None,
        thread: Thread = "main",
    ) -> ChangeSubscription | Callable[[ChangeCallback], ChangeSubscription]:
        """Call a function with a `Change` after each transaction that changes something of *kind*.

        Works as a decorator too. The subscription that is returned ends it. Several changes to one cell that
        have not been told yet come as one. A function is not called for what it changes itself.

        Args:
            kind: ``source``, ``cells``, ``outputs``, ``metadata``, ``attachments``, ``people`` or ``comment``.
            callback: is called outside every transaction; what it raises is shown and disturbs nobody.
            cell: the only one to hear of; for ``people``, those who are in it.
            thread: ``main`` calls it on the main loop, which in a kernel is busy while a cell runs; ``any`` at
                once, in a thread of ours.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> nb = Notebook.new()
        >>> @nb.on_change("cells")
        ... def seen(change):
        ...     print([edit.action for edit in change.delta])
        >>> _ = nb.append("x = 1")
        ['insert']
        >>> seen.close()
        """
        notebook = cast("Notebook", self)
        cell_id = None if cell is None else notebook.resolve(cell).id
        subscribe = _subscriber(notebook, NotebookEvents, KINDS, kind, thread, cell_id)
        return subscribe if callback is None else subscribe(callback)

    def wait_for(
        self,
        what: Kind | Callable[[], Any],
        timeout: float | None = None,
        *,
        cell: Cell | str | int | None = None,
    ) -> Waiting:
        """Wait for the next change of a kind, or until a condition holds.

        ``await nb.wait_for("source", cell="#params")``, or in plain code, also while a cell runs,
        ``nb.wait_for(lambda: "stop" in nb[0].source).result()``.

        Args:
            what: a kind of changes as for `on_change`, whose `Change` is the result; or a function without
                arguments, called now and after each change in a thread of ours, whose first true value is.
            timeout: seconds; for as long as it takes for None.
            cell: the only one whose changes count.

        Raises:
            TimeoutError: from ``await`` or ``result()``, where it has not happened in time.
        """
        notebook = cast("Notebook", self)
        cell_id = None if cell is None else notebook.resolve(cell).id
        return _waiting(notebook, NotebookEvents, KINDS, what, timeout, cell_id)


class FileObservable:
    """Give the handle of a file that is no notebook its events."""

    _events: type[Events]
    # The first is what is meant where none is named.
    _kinds: tuple[Kind, ...] = ("source", "people", "comment")

    @overload
    def on_change(
        self, kind: Kind | None = None, *, thread: Thread = "main"
    ) -> Callable[[ChangeCallback], ChangeSubscription]: ...
    @overload
    def on_change(self, kind: ChangeCallback, *, thread: Thread = "main") -> ChangeSubscription: ...
    @overload
    def on_change(
        self, kind: Kind, callback: ChangeCallback, *, thread: Thread = "main"
    ) -> ChangeSubscription: ...
    def on_change(
        self,
        kind: Kind | ChangeCallback | None = None,
        callback: ChangeCallback | None = None,
        *,
        thread: Thread = "main",
    ) -> ChangeSubscription | Callable[[ChangeCallback], ChangeSubscription]:
        """Call a function with a `Change` after each transaction that changes the file, or who is here.

        Works as a decorator too. The subscription that is returned ends it. Several changes that have not been
        told yet come as one. A function is not called for what it changes itself.

        Args:
            kind: ``source`` for a text file, ``content`` for one of another type, ``people``, or of a text file
                ``comment``; the first of these where it is left out.
            callback: is called outside every transaction; what it raises is shown and disturbs nobody.
            thread: ``main`` calls it on the main loop, which in a kernel is busy while a cell runs; ``any`` at
                once, in a thread of ours.

        >>> from rtc_widgets.documents.document import LiveDocument
        >>> from rtc_widgets.documents.textfile import LiveText
        >>> file = LiveText(LiveDocument())
        >>> @file.on_change
        ... def seen(change):
        ...     print(change.delta)
        >>> file.append("hello")
        (Edit(start=0, stop=0, text='hello'),)
        >>> seen.close()
        """
        if callable(kind):
            kind, callback = None, kind
        handle = cast("Sociable", self)
        subscribe = _subscriber(handle, self._events, self._kinds, kind or self._kinds[0], thread)
        return subscribe if callback is None else subscribe(callback)

    def wait_for(self, what: Kind | Callable[[], Any] | None = None, timeout: float | None = None) -> Waiting:
        """Wait for the next change, or until a condition holds.

        ``await file.wait_for("source")``, or in plain code, also while a cell runs,
        ``file.wait_for(lambda: "stop" in file).result()``.

        Args:
            what: a kind of changes as for `on_change`, whose `Change` is the result; or a function without
                arguments, called now and after each change in a thread of ours, whose first true value is.
            timeout: seconds; for as long as it takes for None.

        Raises:
            TimeoutError: from ``await`` or ``result()``, where it has not happened in time.
        """
        handle = cast("Sociable", self)
        return _waiting(handle, self._events, self._kinds, what or self._kinds[0], timeout)


def _subscriber(
    handle: Sociable,
    events: type[Events],
    kinds: tuple[Kind, ...],
    kind: Kind,
    thread: Thread,
    cell_id: str | None = None,
) -> Callable[[ChangeCallback], ChangeSubscription]:
    """Return what subscribes a function to the changes of *kind*, one of *kinds*."""
    if kind not in kinds:
        raise DocumentError(f"There are changes of {', '.join(kinds)}, not of {kind!r}.")
    if thread not in {"main", "any"}:
        raise DocumentError(f"A callback runs in the thread 'main' or in 'any', not in {thread!r}.")

    def subscribe(function: ChangeCallback) -> ChangeSubscription:
        if not callable(function):
            raise TypeError(f"A callback is called with a change; {function!r} cannot be called.")
        if kind == "comment":
            handle.document.part(Annotations).settle()  # before any lock is taken
        return handle.document.part(events).subscribe(handle, kind, cell_id, function, thread)

    return subscribe


def _waiting(
    handle: Sociable,
    events: type[Events],
    kinds: tuple[Kind, ...],
    what: Kind | Callable[[], Any],
    timeout: float | None,
    cell_id: str | None = None,
) -> Waiting:
    """Wait for a change of one of *kinds*, or for a condition."""
    watch = _Watch(what if callable(what) else None)

    def look_at(kind: Kind) -> None:
        subscribe = _subscriber(handle, events, kinds, kind, "any", cell_id)
        watch.subscriptions.append(subscribe(watch.happened))

    # A condition that does not look at comments does not ask for them.
    for kind in [kind for kind in kinds if kind != "comment"] if callable(what) else (what,):
        look_at(kind)
    if callable(what):
        watch.happened(None)
        if "comment" in kinds and not watch.future.done() and handle.document.part(Annotations).used:
            look_at("comment")
            watch.happened(None)
    name = getattr(what, "__qualname__", "condition") if callable(what) else f"change of {what}"
    return Waiting(watch.future, name, timeout, watch.stop, handle.document.deaf)


class _Watch:
    """Fulfil a future with the first change, or the first true value of a condition."""

    def __init__(self, condition: Callable[[], Any] | None) -> None:
        self.future: Future[Any] = Future()
        self.subscriptions: list[ChangeSubscription] = []
        self._condition = condition
        self._lock = threading.Lock()

    def happened(self, change: Change | None) -> None:
        """Look whether this is it."""
        result: Any = change
        error: Exception | None = None
        if self._condition is not None:
            try:
                result = self._condition()
            except Exception as raised:  # noqa: BLE001 (user code; who waits is told)
                error = raised
        if error is None and not result:
            return
        with self._lock:
            if self.future.done():
                return
            if error is None:
                self.future.set_result(result)
            else:
                self.future.set_exception(error)
        self.stop()

    def stop(self) -> None:
        """Look no longer."""
        while self.subscriptions:
            self.subscriptions.pop().close()
