"""``rtc_widgets.CommentsWidget(nb)`` and its smaller relatives: the comments on a document in a cell's output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traitlets import Dict, Enum, Int, TraitError, Unicode, validate

from rtc_widgets.documents.anchors import make_anchor
from rtc_widgets.documents.cells import Cell
from rtc_widgets.documents.targets import in_cell
from rtc_widgets.documents.thread import Thread
from rtc_widgets.errors import RtcError
from rtc_widgets.widgets.base import CommentsBase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtc_widgets.documents.annotated import Annotated
    from rtc_widgets.documents.targets import On

__all__ = ["CommentBox", "CommentsWidget", "ThreadWidget"]

_FILTERS = ("open", "resolved", "mine", "orphaned", "all")


class CommentsWidget(CommentsBase):
    """Show the comments on a document in a cell's output, live: to read, to answer, to resolve, to begin a thread.

    In a JupyterLab tab with this project's extension that has the document open, who writes is its author. Elsewhere
    (VS Code, Colab, JupyterLab without the extension, `local`) it goes through this process, and the widget says so.

    Args:
        document: what `notebook`, `connect`, `open` or `local` returned.
        filter: which threads are shown at first.

    Example::

        widget = rtc_widgets.CommentsWidget(nb)
        widget.observe(lambda change: print(change.new), "open_count")
        widget
    """

    filter = Enum(_FILTERS, "open").tag(sync=True, echo_update=False)
    """Which threads are shown: ``open``, ``resolved``, ``mine``, ``orphaned`` or ``all``; as set or chosen last."""
    selected = Int(None, allow_none=True).tag(sync=True, echo_update=False)
    """The number of the thread that is looked at; None for none."""
    open_count = Int(0, read_only=True).tag(sync=True, echo_update=False)
    """How many threads are open."""
    _anchor = Dict().tag(sync=True)

    def __init__(self, document: Annotated, *, filter: str = "open") -> None:  # noqa: A002 (the trait's name)
        super().__init__(document, _kind="comments", _anchor={"kind": "document"}, filter=filter)
        self._count(self._now)

    @property
    def thread(self) -> Thread | None:
        """The thread that is looked at, as a handle; None for none."""
        return next((one for one in self._feed.handle.comments if one.number == self.selected), None)

    def _follow(self, patch: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Tell the pages what has changed."""
        super()._follow(patch, state)
        self._count(state)

    @validate("selected")
    def _a_number(self, proposal: Any) -> int | None:
        number: int | None = proposal["value"]
        numbers = [thread["number"] for thread in self._now["threads"].values()]
        # One that was deleted this moment is none that a page could know of.
        if number is not None and number not in numbers and not self._taking:
            raise TraitError(f"There is no thread {number} here; there are: {sorted(numbers) or 'none'}.")
        return number if number in numbers else None

    def _count(self, state: Mapping[str, Any]) -> None:
        threads = state["threads"].values()
        self.set_trait("open_count", sum(thread["state"] == "open" for thread in threads))

    def __repr__(self) -> str:
        about, threads = self._now["about"], self._feed.state["threads"].values()
        opened = sum(thread["state"] == "open" for thread in threads)
        return (
            f"<comments on {about['path'] or 'a document'}: {opened} open, {len(threads) - opened} resolved>"
        )


class ThreadWidget(CommentsBase):
    """Show one thread of comments in a cell's output, live.

    Args:
        thread: what ``cell.comment(…)`` returned, or ``nb.comments[…]``.

    Example::

        rtc_widgets.ThreadWidget(nb.comments[3])
    """

    _thread = Unicode().tag(sync=True)

    def __init__(self, thread: Thread) -> None:
        self._shown = thread
        super().__init__(thread._handle, _kind="thread", _thread=thread.id)  # noqa: SLF001 (a thread is of its document)

    @property
    def thread(self) -> Thread:
        """The thread."""
        return self._shown

    def __repr__(self) -> str:
        return repr(self._shown)


class CommentBox(CommentsBase):
    """Show a field to comment on a cell, and the open threads about it, live.

    Args:
        cell: of a notebook.
        on: a part of it that new comments are about, as for ``cell.comment(on=…)``.

    Example::

        rtc_widgets.CommentBox(nb[0])
    """

    _anchor = Dict().tag(sync=True)
    _cell = Unicode().tag(sync=True)

    def __init__(self, cell: Cell, on: On | None = None) -> None:
        self._about = cell
        with cell.notebook.document.reading() as replica:
            anchor = make_anchor(replica.doc, in_cell(cell, on))
        super().__init__(cell.notebook, _kind="box", _anchor=anchor, _cell=cell.id)

    @property
    def cell(self) -> Cell:
        """The cell."""
        return self._about

    def __repr__(self) -> str:
        try:
            return f"<comments on cell {self._about.index}>"
        except RtcError as error:
            return f"<comments: {error}>"
