"""A thread of comments, and one comment of it: live handles, by their ids."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote as quoted

from rtc_widgets.documents import looks
from rtc_widgets.documents.anchors import Resolution, State, make_anchor, reattach
from rtc_widgets.documents.annotations import PATIENCE, Annotations, Asked
from rtc_widgets.documents.events import running_callbacks
from rtc_widgets.documents.marks import ReadMarks
from rtc_widgets.documents.mentions import mentioned
from rtc_widgets.documents.threads import Author, CommentValue, ThreadValue, local_time
from rtc_widgets.errors import CommentRefused, DocumentError, RtcError
from rtc_widgets.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtc_widgets.documents.annotated import Annotated
    from rtc_widgets.documents.cells import Cell
    from rtc_widgets.documents.targets import On

__all__ = ["Comment", "Thread", "begin"]

_NO_THREAD = "There is no such thread here. list(nb.comments) shows those that there are."
_IN_TRANSACTION = (
    "What is written in a transaction is not there for others before its end, and perhaps never: comment on it after "
    "the block."
)


def begin(
    handle: Annotated, body: str, target: Mapping[str, Any], timeout: float | None = PATIENCE
) -> Thread:
    """Begin a thread about a place of a document, and return its handle."""
    _refuse_transaction(handle)
    with handle.document.reading() as replica:
        anchor = make_anchor(replica.doc, target)
    thread = Thread(handle, new_id())
    thread._add(body, timeout, anchor=anchor)  # noqa: SLF001 (of the same module)
    return thread


class Thread:
    """Stand for one thread of comments: live, by its id. Made by ``cell.comment(…)``, found in ``nb.comments``.

    What changes it asks the server, and returns when that has answered. In a kernel that hears the server between
    cells only, it returns at once, and the thread is ``pending`` until the cell has ended.
    """

    def __init__(self, handle: Annotated, thread_id: str) -> None:
        self._handle = handle
        self._id = thread_id

    # ------------------------------------------------------------------------------------------- what it is

    @property
    def id(self) -> str:
        """The thread's id, which stays the same."""
        return self._id

    @property
    def number(self) -> int | None:
        """A short number for people, never used twice in a document; None while the thread is pending."""
        value = self._find()
        return None if value is None else value.number

    @property
    def state(self) -> Literal["open", "resolved", "deleted", "pending"]:
        """``open``, ``resolved``, ``deleted``, or ``pending`` until the server has answered."""
        value = self._find()
        return "pending" if value is None else "deleted" if value.deleted is not None else value.state

    @property
    def comments(self) -> tuple[Comment, ...]:
        """The comments, in order; deleted ones are left out."""
        return tuple(Comment(self, one.id) for one in self._left())

    @property
    def body(self) -> str:
        """The Markdown of the first comment; empty where that was deleted."""
        value = self._find()
        if value is None:
            asked = self._asked()
            return "" if asked is None else str(asked.params.get("body", ""))
        return value.comments[0].body if value.comments else ""

    @property
    def author(self) -> Author:
        """Who began it: ``author.name``, ``user``, ``kind`` (``person`` or ``kernel``), and ``claimed``."""
        return self._value().by

    @property
    def at(self) -> datetime:
        """When it was begun, by the server's clock, in this machine's time zone."""
        value = self._value()
        return local_time(value.comments[0].at if value.comments else 0.0)

    @property
    def unread(self) -> bool:
        """Whether somebody else said something in it that this participant has not marked as read."""
        value = self._find()
        return value is not None and self._handle.document.part(ReadMarks).is_unread(self._handle, value)

    # -------------------------------------------------------------------------------------- what it is about

    @property
    def anchor(self) -> Mapping[str, Any]:
        """What it is about, as JSON (docs/schema.md, Anchors)."""
        value = self._find()
        if value is not None:
            return value.anchor
        asked = self._asked()
        found: Mapping[str, Any] = {} if asked is None else asked.params["anchor"]
        return found

    @property
    def anchored(self) -> State:
        """How what it is about stands now.

        ``exact``: as it was. ``moved``: the same in another place. ``changed``: another text in its place. ``cell``:
        the text is gone, its cell is there. ``orphan``: all is gone. Of outputs ``current``, or ``earlier``: it was
        about another run.
        """
        return self._place().state

    @property
    def quote(self) -> str | None:
        """The text, or the beginning of the output, that it is about; None for a whole document."""
        return self._place().quote

    @property
    def cell(self) -> Cell | None:
        """The cell that it is about; None where there is none."""
        return self._handle.cell_handle(self._place().cell_id)

    @property
    def span(self) -> tuple[int, int] | None:
        """From where to before where in the cell, or in the text, in code points; None for all of it, or nothing."""
        place = self._place()
        return None if place.start is None or place.end is None else (place.start, place.end)

    @property
    def link(self) -> str | None:
        """A link that opens the document at this thread in JupyterLab; begins at the server where that is known."""
        path = self._handle.path
        link = self._handle.document.link
        if path is None or link is None:
            return None
        return f"{link.server or '/'}lab/tree/{quoted(path)}#rtc-thread={self._id}"

    # ------------------------------------------------------------------------------------------ what is done

    def reply(self, body: str, *, resolve: bool = False, timeout: float | None = PATIENCE) -> Comment:
        """Add a comment, and return it; a thread that was resolved is open again, unless *resolve* says otherwise.

        Raises:
            CommentRefused: the server says no, and why.
            NotConnected: it did not answer in *timeout* seconds; it is asked again when it does.
        """
        return self._add(body, timeout, **({"resolve": True} if resolve else {}))

    def edit(self, body: str, *, timeout: float | None = PATIENCE) -> None:
        """Change the first comment, as its author."""
        self._first().edit(body, timeout=timeout)

    def delete(self, *, timeout: float | None = PATIENCE) -> None:
        """Delete the thread with all its comments."""
        self._ask("delete", {}, f"delete {self._id}", lambda: self.state == "deleted", timeout)

    def resolve(self, *, timeout: float | None = PATIENCE) -> None:
        """Say that it is done with."""
        self._move("resolve", "resolved", timeout)

    def reopen(self, *, timeout: float | None = PATIENCE) -> None:
        """Say that it is not."""
        self._move("reopen", "open", timeout)

    def reattach(
        self, target: Cell | On | None, on: On | None = None, *, timeout: float | None = PATIENCE
    ) -> None:
        """Say what it is about from now on.

        Args:
            target: a cell; or a place in the cell, or the text, that it is about now, as for ``cell.comment(on=…)``.
            on: a place in that cell.
            timeout: seconds to wait for the answer.
        """
        _refuse_transaction(self._handle)
        wanted = self._handle.target(target, on, self)
        with self._handle.document.reading() as replica:
            anchor = reattach(replica.doc, dict(self.anchor), wanted)
        op = new_id()
        self._ask("attach", {"anchor": anchor, "op": op}, op, lambda: self._holds(op), timeout)

    def mark_read(self) -> None:
        """Note that it was read as it stands; nobody else is told."""
        self._handle.document.part(ReadMarks).mark([self._value()])

    # ---------------------------------------------------------------------------------------------- privates

    @property
    def _annotations(self) -> Annotations:
        return self._handle.document.part(Annotations)

    def _find(self) -> ThreadValue | None:
        """Return what is there now; None while it is pending.

        Raises:
            CommentRefused: it was refused.
            LookupError: there is no such thread.
        """
        annotations, asked = self._annotations, self._asked()
        if asked is not None and asked.refusal is not None:
            raise asked.refusal
        if asked is not None and not annotations.here:
            return None
        found = annotations.thread(self._id)
        if found is None and asked is None:
            raise LookupError(_NO_THREAD)
        return found

    def _left(self) -> list[CommentValue]:
        """Return what stands in the comments now, without the deleted ones."""
        value = self._find()
        return [] if value is None else [one for one in value.comments if one.deleted is None]

    def _asked(self) -> Asked | None:
        return self._annotations.asked(self._id)

    def _value(self) -> ThreadValue:
        value = self._find()
        if value is None:
            raise LookupError(
                "The server has not answered yet: this thread is pending until the cell has ended."
            )
        return value

    def _place(self) -> Resolution:
        value = self._find()
        if value is None:
            value = ThreadValue(self._id, 0, self.anchor, "open", (), (), None)
        return self._annotations.place(value)

    def _first(self) -> Comment:
        comments = self._value().comments
        if not comments:
            raise LookupError(_NO_THREAD)
        return Comment(self, comments[0].id)

    def _holds(self, op: str) -> bool:
        return self._annotations.holds(self._id, op)

    def _move(self, method: str, state: str, timeout: float | None) -> None:
        op = new_id()
        self._ask(method, {"op": op}, op, lambda: self.state == state or self._holds(op), timeout)

    def _add(self, body: str, timeout: float | None, **more: Any) -> Comment:
        comment = Comment(self, new_id())
        params = {"comment": comment.id, **self._words(body), **more}
        self._ask("add", params, f"add {comment.id}", lambda: comment.value is not None, timeout)
        return comment

    def _words(self, body: str) -> dict[str, Any]:
        if not isinstance(body, str):
            raise TypeError(f"A comment is a str of Markdown, not {type(body).__name__}.")
        if not body.strip():
            raise CommentRefused("bad-request", "A comment needs a text.")
        found = mentioned(body, self._annotations.mentionable(body))
        return {"body": body, **({"mentions": found} if found else {})}

    def _ask(
        self, method: str, params: dict[str, Any], mark: str, done: Any, timeout: float | None
    ) -> dict[str, Any] | None:
        def there() -> bool:
            with contextlib.suppress(LookupError, RtcError):
                return bool(done())
            return False

        return self._annotations.ask(
            method,
            {"thread": self._id, **params},
            mark=mark,
            done=there,
            causes=running_callbacks(),
            timeout=timeout,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Thread):
            return NotImplemented
        return self._id == other._id and self._handle.document is other._handle.document

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        try:
            value = self._find()
            if value is None:
                return f"<comment, pending: {looks.shortened(repr(self.body), 60)}>"
            place = self._place()
        except (LookupError, RtcError) as error:
            return f"<comment {self._id[:8]}: {looks.shortened(str(error), 200)}>"
        if value.deleted is not None:
            return f"<comment {value.number}, deleted by {value.deleted.by}>"
        replies = looks.counted(len(self.comments) - 1, "reply").replace("replys", "replies")
        about = f" on {looks.shortened(repr(place.quote), 60)}" if place.quote else ""
        return f"<comment {value.number}{about} by {value.by}, {value.state}, {replies}: {_beginning(self.body)!r}>"

    def _repr_html_(self) -> str:
        try:
            value = self._find()
            if value is None:
                return looks.text("This comment is pending: the server has not answered yet.")
            return looks.thread(*thread_line(self, value), [_said(one) for one in value.comments])
        except (LookupError, RtcError) as error:
            return looks.text(str(error))


def _refuse_transaction(handle: Annotated) -> None:
    if handle.document.stage_of_caller() is not None:
        raise DocumentError(_IN_TRANSACTION)


def thread_line(thread: Thread, value: ThreadValue) -> tuple[str, str, str]:
    """Return what is shown of a thread in its title: number, state, and what it is about."""
    cell, place = thread.cell, thread._place()  # noqa: SLF001 (of the same module)
    where = "" if cell is None else f"cell {cell.index}"
    about = ", ".join(part for part in (where, _beginning(place.quote or "")) if part)
    state: str = value.state if value.deleted is None else "deleted"
    lost = {"orphan": "what it was about is gone", "cell": "the text is gone", "earlier": "of an earlier run"}
    if place.state in lost and not (place.state == "cell" and value.anchor.get("kind") == "cell"):
        state += f", {lost[place.state]}"
    return f"#{value.number}", state, about or "the document"


class Comment:
    """Stand for one comment of a thread: live, by its id."""

    def __init__(self, thread: Thread, comment_id: str) -> None:
        self._thread = thread
        self._id = comment_id

    @property
    def id(self) -> str:
        """The comment's id."""
        return self._id

    @property
    def thread(self) -> Thread:
        """The thread that it is in."""
        return self._thread

    @property
    def value(self) -> CommentValue | None:
        """All that is known of it, as it is now; None where it is not there yet."""
        thread = self._thread._find()  # noqa: SLF001 (of the same module)
        comments = () if thread is None else thread.comments
        return next((one for one in comments if one.id == self._id), None)

    @property
    def body(self) -> str:
        """What it says, in Markdown; empty once it is deleted."""
        return self._there().body

    @property
    def author(self) -> Author:
        """Who wrote it: ``author.name``, ``user``, ``kind`` (``person`` or ``kernel``), and ``claimed``."""
        return self._there().by

    @property
    def at(self) -> datetime:
        """When it was written, by the server's clock, in this machine's time zone."""
        return local_time(self._there().at)

    @property
    def edited(self) -> datetime | None:
        """When it was changed last; None for never."""
        at = self._there().edited
        return None if at is None else local_time(at)

    @property
    def mentions(self) -> tuple[str, ...]:
        """The user names of those who are mentioned in it."""
        return self._there().mentions

    def edit(self, body: str, *, timeout: float | None = PATIENCE) -> None:
        """Change what it says, as its author.

        Raises:
            CommentRefused: it is somebody else's, or deleted.
        """
        thread, op = self._thread, new_id()
        params = {"comment": self._id, "op": op, **thread._words(body)}  # noqa: SLF001 (of the same module)
        thread._ask("edit", params, f"edit {self._id}", lambda: thread._holds(op), timeout)  # noqa: SLF001

    def delete(self, *, timeout: float | None = PATIENCE) -> None:
        """Delete it; with its last comment a thread is deleted."""
        self._thread._ask(  # noqa: SLF001 (as above)
            "delete", {"comment": self._id}, f"delete {self._id}", self._gone, timeout
        )

    def _gone(self) -> bool:
        value = self.value
        return value is None or value.deleted is not None

    def _there(self) -> CommentValue:
        value = self.value
        if value is None:
            raise LookupError(
                "The server has not answered yet: this comment is pending until the cell has ended."
            )
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Comment) and (self._id, self._thread) == (other._id, other._thread)

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        try:
            value = self._there()
        except (LookupError, RtcError) as error:
            return f"<comment {self._id[:8]}: {looks.shortened(str(error), 200)}>"
        said = "deleted" if value.deleted is not None else repr(_beginning(value.body))
        return f"<{value.by}: {said}>"

    def _repr_html_(self) -> str:
        try:
            return looks.comments([_said(self._there())])
        except (LookupError, RtcError) as error:
            return looks.text(str(error))


def _said(value: CommentValue) -> looks.Said:
    when = f"{local_time(value.at):%Y-%m-%d %H:%M}" + (", edited" if value.edited is not None else "")
    body = value.body if value.deleted is None else f"deleted by {value.deleted.by}"
    return looks.Said(str(value.by), value.by.kind == "kernel", when, body, value.deleted is not None)


def _beginning(text: str, width: int = 60) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= width else line[: width - 1] + "…"
