"""``nb.comments``: the threads about a document, in its order, and what can be asked of them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from rtc_widgets.documents import looks, review
from rtc_widgets.documents.annotations import PATIENCE, Annotations
from rtc_widgets.documents.cells import Cell
from rtc_widgets.documents.comment_edits import CommentEdit
from rtc_widgets.documents.events import Change, ChangeCallback, ChangeSubscription
from rtc_widgets.documents.events import Thread as In
from rtc_widgets.documents.link import Reply
from rtc_widgets.documents.marks import ReadMarks
from rtc_widgets.documents.thread import Thread, thread_line
from rtc_widgets.documents.threads import ThreadValue
from rtc_widgets.errors import DocumentError, RtcError

if TYPE_CHECKING:
    from rtc_widgets.documents.annotated import Annotated

__all__ = ["Comments"]

Wanted = Callable[["Annotated", ThreadValue], bool]
# Of threads about what is gone: behind all others.
_LAST = 2**60


class Comments(Collection[Thread]):
    """Be the threads of comments about a document, or some of them, live.

    In the order of the document; those about what is gone come last. Deleted threads are left out. A key is a thread's
    number, or the beginning of its id: ``nb.comments[12]``.
    """

    def __init__(self, handle: Annotated, wanted: tuple[Wanted, ...] = (), what: str = "") -> None:
        self._handle = handle
        self._wanted = wanted
        self._what = what

    # ------------------------------------------------------------------------------------------------- which

    @property
    def open(self) -> Self:
        """Those that are open."""
        return self._only(lambda _, thread: thread.state == "open", "open")

    @property
    def resolved(self) -> Self:
        """Those that are resolved."""
        return self._only(lambda _, thread: thread.state == "resolved", "resolved")

    @property
    def orphaned(self) -> Self:
        """Those about something that is not in the document any more."""

        def lost(handle: Annotated, thread: ThreadValue) -> bool:
            return handle.document.part(Annotations).place(thread).state == "orphan"

        return self._only(lost, "orphaned")

    @property
    def unread(self) -> Self:
        """Those in which somebody else said something that this participant has not marked as read.

        The marks are the server's for the user name with which it was signed in, those of JupyterLab too; a kernel has
        its own. Who has none yet has read nothing.
        """
        return self._only(
            lambda handle, thread: handle.document.part(ReadMarks).is_unread(handle, thread), "unread"
        )

    def by(self, user: str) -> Self:
        """Return those in which somebody has said something, by user name or by the name that is shown."""
        name = user.casefold()
        return self._only(
            lambda _, thread: any(
                name in (one.by.user.casefold(), one.by.name.casefold())
                for one in thread.comments
                if one.deleted is None
            ),
            f"by {user}",
        )

    def on(self, cell: Cell | str | int) -> Self:
        """Return those about a cell, or about something in it; given as a handle, or a key of the notebook."""
        cell_id = self._handle.resolve_cell(cell).id
        return self._only(
            lambda handle, thread: handle.document.part(Annotations).place(thread).cell_id == cell_id,
            f"on cell {cell_id[:8]}",
        )

    def mentioning(self, user: str) -> Self:
        """Return those in which somebody is mentioned, by user name."""
        name = user.casefold()
        return self._only(
            lambda _, thread: any(
                name in map(str.casefold, one.mentions) for one in thread.comments if one.deleted is None
            ),
            f"mentioning {user}",
        )

    def _only(self, wanted: Wanted, what: str) -> Self:
        return type(self)(self._handle, (*self._wanted, wanted), f"{self._what} {what}".strip())

    # ---------------------------------------------------------------------------------------- as a collection

    def __getitem__(self, key: int | str) -> Thread:
        """Return the thread of a number, or of an id that begins so.

        Raises:
            LookupError: there is none.
        """
        for thread in self._values():
            if (key == thread.number) if isinstance(key, int) else (key and thread.id.startswith(key)):
                return Thread(self._handle, thread.id)
        numbers = ", ".join(str(thread.number) for thread in self._values()[: looks.MOST]) or "none"
        raise LookupError(f"There is no thread {key!r} here; there are: {numbers}.")

    def __iter__(self) -> Iterator[Thread]:
        return iter([Thread(self._handle, thread.id) for thread in self._values()])

    def __len__(self) -> int:
        return len(self._values())

    def __bool__(self) -> bool:
        return len(self) > 0

    def __contains__(self, item: object) -> bool:
        return isinstance(item, Thread) and item in list(self)

    def _values(self) -> list[ThreadValue]:
        """Return the threads, in order."""
        handle = self._handle
        annotations = handle.document.part(Annotations)
        threads = [thread for thread in annotations.threads().values() if thread.deleted is None]
        wanted = [thread for thread in threads if all(want(handle, thread) for want in self._wanted)]
        cells = handle.cell_places()

        def order(thread: ThreadValue) -> tuple[int, int, int, int]:
            place = annotations.place(thread)
            if place.state == "orphan":
                return (_LAST, 0, 0, thread.number)
            where = -1 if place.cell_id is None else cells.get(place.cell_id, _LAST)
            if place.output is not None:
                return (where, _LAST + place.output, place.line or 0, thread.number)
            return (where, -1 if place.start is None else place.start, 0, thread.number)

        return sorted(wanted, key=order)

    def mark_read(self) -> None:
        """Note that these were read as they stand: they are not `unread` before somebody says more."""
        self._handle.document.part(ReadMarks).mark(self._values())

    # ----------------------------------------------------------------------------------- a copy in the file

    @property
    def mirror(self) -> Literal["always", "never"] | None:
        """Whether the notebook's file gets a copy of the comments, so that they travel with it.

        ``always``, ``never``, or None while nobody has decided: then the server's ``RelayApp.mirror`` holds. Setting it
        decides for everybody, as the question in JupyterLab does, and counts more than the server's setting. With
        ``never`` a copy that stands in the file is taken away with the next save; the comments stay on the server.

        Raises:
            CommentRefused: setting it takes the right to edit.
            DocumentError: the file is no notebook.
        """
        return self._handle.document.part(Annotations).mirror()

    @mirror.setter
    def mirror(self, decided: Literal["always", "never"]) -> None:
        self._check_whole("mirror")
        if decided not in ("always", "never"):
            raise DocumentError(f"mirror is 'always' or 'never', not {decided!r}.")
        annotations = self._handle.document.part(Annotations)
        annotations.ask(
            "mirror", {"mirror": decided}, mark="mirror", done=lambda: annotations.mirror() == decided
        )

    def strip(self, timeout: float | None = PATIENCE) -> Reply[Any]:
        """Take the copy of the comments out of the notebook's file, for publishing, and save the file without it.

        When this returns the file has none, also none that was damaged; checkpoints and Git's history keep what they
        have. Only in a kernel that hears between cells the file is written when the cell has ended: the reply that is
        returned tells, ``reply.done()``. It stays out until ``nb.comments.mirror = "always"``, whatever the server's
        ``RelayApp.mirror`` says. On a server the comments are kept as they are. In a notebook of `rtc_widgets.local`
        nothing but the file keeps them: when that handle is closed they are gone, so `export` them first, or strip a
        copy.

        Args:
            timeout: seconds to wait until the file is written.

        Raises:
            CommentRefused: it takes the right to edit.
            ChannelClosed: the file could not be written; code and sentence say why.
            NotConnected: it was not written in time; it is when the server answers again.
            DocumentError: the file is no notebook.
        """
        self._check_whole("strip()")
        self.mirror = "never"
        document = self._handle.document
        assert document.link is not None  # it was asked just now
        written: Reply[Any] = Reply(document.link.save(), document.deaf)
        if not document.deaf():
            written.result(timeout)
        return written

    def _check_whole(self, what: str) -> None:
        if self._wanted:
            raise DocumentError(f"{what} is about all comments of a notebook: nb.comments.{what}.")
        if not self._handle.has_mirror:
            raise DocumentError("Only a notebook's file can hold a copy of its comments; this is none.")

    # ------------------------------------------------------------------------------------------------ events

    @overload
    def on_change(self, callback: ChangeCallback, *, thread: In = "main") -> ChangeSubscription: ...
    @overload
    def on_change(self, *, thread: In = "main") -> Callable[[ChangeCallback], ChangeSubscription]: ...
    def on_change(
        self, callback: ChangeCallback | None = None, *, thread: In = "main"
    ) -> ChangeSubscription | Callable[[ChangeCallback], ChangeSubscription]:
        """Call a function with a `Change` of the kind ``comment`` after each thing that happens to these threads.

        ``change.thread`` is the thread, ``change.comment`` the comment, where it is about one, and ``change.delta[0]``
        says what happened and who did it. The same as ``nb.on_change("comment", …)``, for these threads only. What the
        function itself says is not told to it.

        Args:
            callback: is called outside every transaction; what it raises is shown and disturbs nobody.
            thread: ``main`` calls it on the main loop, which in a kernel is busy while a cell runs; ``any`` at
                once, in a thread of ours.
        """
        subscribe = self._subscriber(self._concerns, thread)
        return subscribe if callback is None else subscribe(callback)

    @overload
    def on_mention(
        self, callback: ChangeCallback, user: str | None = None, *, thread: In = "main"
    ) -> ChangeSubscription: ...
    @overload
    def on_mention(
        self, callback: None = None, user: str | None = None, *, thread: In = "main"
    ) -> Callable[[ChangeCallback], ChangeSubscription]: ...
    def on_mention(
        self, callback: ChangeCallback | None = None, user: str | None = None, *, thread: In = "main"
    ) -> ChangeSubscription | Callable[[ChangeCallback], ChangeSubscription]:
        """Call a function with a `Change` when somebody is mentioned in a comment: ``@ada``.

        Args:
            callback: as for `on_change`.
            user: the user name; this participant's own by default, which in a kernel is ``kernel``.
            thread: as for `on_change`.
        """
        name = (user or self._handle.mention_name()).casefold()

        def concerns(change: Change) -> bool:
            return name in _edit(change).mentions and self._concerns(change)

        subscribe = self._subscriber(concerns, thread)
        return subscribe if callback is None else subscribe(callback)

    def _concerns(self, change: Change) -> bool:
        if not self._wanted:
            return True
        threads = self._handle.document.part(Annotations).threads()
        thread = threads.get(_edit(change).thread)
        return thread is not None and all(want(self._handle, thread) for want in self._wanted)

    def _subscriber(
        self, concerns: Callable[[Change], bool], thread: In
    ) -> Callable[[ChangeCallback], ChangeSubscription]:
        def subscribe(function: ChangeCallback) -> ChangeSubscription:
            @functools.wraps(function)
            def told(change: Change) -> Any:
                return function(change) if concerns(change) else None

            return self._handle.on_change("comment", told, thread=thread)

        return subscribe

    # --------------------------------------------------------------------------------------------- elsewhere

    def to_frame(self) -> Any:
        """Return the comments as a ``pandas.DataFrame``, one row each.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        return review.to_frame(list(self))

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the comments as plain data, one dict each."""
        return review.rows(list(self))

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write the threads for people without the notebook: ``.md``, ``.html`` or ``.json``, by the path's end.

        Raises:
            ValueError: the path ends otherwise.
        """
        return review.export(list(self), self._handle.path or "Comments", Path(path))

    # ------------------------------------------------------------------------------------------------- looks

    def __repr__(self) -> str:
        try:
            threads = list(self)
        except RtcError as error:
            return f"<comments: {looks.shortened(str(error), 200)}>"
        if not threads:
            return f"<comments{' ' + self._what if self._what else ''}: none>"
        more = len(threads) - looks.MOST
        lines = [repr(thread) for thread in threads[: looks.MOST]] + (
            [f"… {more:,} more"] if more > 0 else []
        )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        try:
            values = self._values()
        except RtcError as error:
            return looks.text(str(error))
        rows = []
        for value in values[: looks.MOST]:
            number, state, about = thread_line(Thread(self._handle, value.id), value)
            left = [one for one in value.comments if one.deleted is None]
            first = left[0].body if left else ""
            answers = f" · {len(left) - 1} more" if len(left) > 1 else ""
            rows.append((number, state, about, f"{value.by}: {first}{answers}"))
        more = len(values) - len(rows)
        note = f"… {looks.counted(more, 'more thread')}" if more > 0 else "" if rows else "none"
        title = looks.titled("Comments", f"{self._what} {len(values):,}".strip())
        return looks.table(title, ("No.", "State", "About", "Comments"), rows, note=note)

    def _ipython_key_completions_(self) -> list[int]:
        """Return what completes ``nb.comments[`` in IPython."""
        return (
            [thread.number for thread in self._values()]
            if self._handle.document.part(Annotations).here
            else []
        )


def _edit(change: Change) -> CommentEdit:
    edit = change.delta[0]
    assert isinstance(edit, CommentEdit)
    return edit
