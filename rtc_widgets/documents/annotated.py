"""What a handle has of comments: ``nb.comment(…)`` and ``nb.comments``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.annotations import PATIENCE
from rtc_widgets.documents.cell_index import CellIndex
from rtc_widgets.documents.cells import Cell
from rtc_widgets.documents.comments import Comments
from rtc_widgets.documents.targets import On, in_cell, in_file
from rtc_widgets.documents.thread import Thread, begin
from rtc_widgets.documents.users import Sociable
from rtc_widgets.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtc_widgets.documents.events import ChangeCallback, ChangeSubscription
    from rtc_widgets.documents.events import Thread as In
    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.documents.textfile import LiveText

__all__ = ["Annotated", "AnnotatedNotebook", "AnnotatedText"]


class Annotated(Sociable):
    """Give a handle its comments."""

    path: Any
    state: Any
    has_mirror = False
    """Whether the file can hold a copy of the comments."""

    @property
    def comments(self) -> Comments:
        """The threads of comments about this document, live, in its order: see `Comments`."""
        return Comments(self)

    def thread(self, thread_id: str) -> Thread:
        """Return the handle of a thread, by its whole id."""
        return Thread(self, thread_id)

    def mention_name(self) -> str:
        """Return the name by which this participant is mentioned."""
        me = self.me
        return "kernel" if me.kind == "kernel" else me.username

    def target(self, where: Any, on: On | None, thread: Thread) -> Mapping[str, Any]:
        """Return the target of an anchor for *thread*."""
        raise NotImplementedError

    def resolve_cell(self, which: Cell | str | int) -> Cell:
        """Return the cell that a handle or a key names."""
        raise DocumentError("Only notebooks have cells.")

    def cell_places(self) -> dict[str, int]:
        """Return where each cell stands, by its id."""
        return {}

    def on_change(self, kind: Any, callback: ChangeCallback, *, thread: In = "main") -> ChangeSubscription:
        """Call a function on each change."""
        raise NotImplementedError


class AnnotatedNotebook(Annotated):
    """Give a notebook its comments."""

    has_mirror = True
    """Whether the file can hold a copy of the comments."""

    def comment(self, body: str, *, timeout: float | None = PATIENCE) -> Thread:
        """Begin a thread about the notebook as a whole, and return it; ``cell.comment`` is about a cell.

        Args:
            body: Markdown; ``@ada`` mentions somebody.
            timeout: seconds to wait for the server's answer.

        Raises:
            CommentRefused: the server says no, and why.
            NotConnected: it did not answer in *timeout* seconds; it is asked again when it does.
        """
        return begin(self, body, {"kind": "document"}, timeout)

    def target(self, where: Any, on: On | None, thread: Thread) -> Mapping[str, Any]:
        """Return the target of an anchor for *thread*."""
        notebook: Notebook = self  # type: ignore[assignment]
        if where is notebook:
            return {"kind": "document"}
        if isinstance(where, Cell):
            return in_cell(where, on)
        cell = thread.cell
        if cell is None:
            raise DocumentError("This thread is about no cell now: reattach(cell, on=…) says which.")
        return in_cell(cell, where)

    def resolve_cell(self, which: Cell | str | int) -> Cell:
        """Return the cell that a handle or a key names."""
        notebook: Notebook = self  # type: ignore[assignment]
        return notebook.resolve(which)

    def cell_places(self) -> dict[str, int]:
        """Return where each cell stands, by its id."""
        with self.document.reading() as replica:
            return {row.id: place for place, row in enumerate(replica.part(CellIndex).rows())}


class AnnotatedText(Annotated):
    """Give a text file its comments."""

    def comment(self, body: str, on: On | None = None, *, timeout: float | None = PATIENCE) -> Thread:
        """Begin a thread about the file, or about a part of its text, and return it.

        Args:
            body: Markdown; ``@ada`` mentions somebody.
            on: what it is about: words that stand there once, what a compiled pattern matches first, a slice of code
                points, or the number of a line, from 0.
            timeout: seconds to wait for the server's answer.

        Raises:
            CommentRefused: the server says no, and why.
            DocumentError: there is no such place.
            NotConnected: it did not answer in *timeout* seconds; it is asked again when it does.
        """
        file: LiveText = self  # type: ignore[assignment]
        return begin(self, body, in_file(file, on), timeout)

    def target(self, where: Any, on: On | None, thread: Thread) -> Mapping[str, Any]:
        """Return the target of an anchor for *thread*."""
        file: LiveText = self  # type: ignore[assignment]
        return in_file(file, on if where is file or where is None else where)
