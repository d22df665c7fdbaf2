"""Comments on a file of this machine, without a relay: the same rules, and the operating system's user."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from rtc_widgets.documents.cell_index import CellIndex
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.threads import Author, ThreadValue
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.origins import Origin
from rtc_widgets.roles import Role
from rtc_widgets.rooms.annotate import METHODS, Actor, Annotator
from rtc_widgets.rooms.healing import placed
from rtc_widgets.rooms.private import PRIVATE, Private, do_private

__all__ = ["LocalNotes"]

_ORIGIN = Origin("relay")
_STRIPPED = (
    "This notebook was stripped of its comments, and nothing but its file could keep new ones. Decide so first: "
    "nb.comments.mirror = 'always'."
)


class LocalNotes:
    """Keep the threads about one local notebook, and do what is asked of them.

    Args:
        content: the notebook.
    """

    def __init__(self, content: LiveDocument) -> None:
        self.live = LiveDocument(origin=_ORIGIN)
        self._content = content
        with self.live.writing(origin=_ORIGIN) as replica:
            self._annotator = Annotator(replica.doc, self._exists)
        name = _user()
        identity = {"name": name, "display_name": name}
        self._private = Private()  # for as long as the handle: a file is everybody's
        self._actor = Actor(Author(name, "person", name), Role.EDITOR, identity)

    @property
    def stripped(self) -> bool:
        """Tell whether the file is to have no comments."""
        return self._annotator.mirror == "never"

    @property
    def threads(self) -> list[ThreadValue]:
        """Return the threads, in the order of their numbers."""
        with self.live.reading():
            return list(self._annotator.threads.all.values())

    def ask(self, method: str, params: Mapping[str, Any]) -> Future[Any]:
        """Do what is asked, here and now."""
        future: Future[Any] = Future()
        try:
            if method in PRIVATE:
                future.set_result(do_private(self._private, method, params).to_json())
                return future
            if method not in METHODS:
                raise ChannelClosed("unknown-method", f"There is no request {method!r}.")
            if method == "comments.add" and self.stripped:
                raise ChannelClosed("no-document", _STRIPPED)
            with self.live.writing(origin=_ORIGIN):
                answer = self._annotator.carry_out(self._actor, method, params)
            future.set_result(answer)
        except ChannelClosed as refused:
            future.set_exception(refused)
        return future

    def restore(self, threads: Iterable[ThreadValue]) -> None:
        """Bring in threads that the file holds; those that are here already get what they lack."""
        threads = list(threads)
        with self._content.reading() as replica:
            anchors = placed(replica.doc, threads)
        with self.live.writing(origin=_ORIGIN):
            self._annotator.restore(threads, anchors, signed=True)  # here a file is all that is known

    def forget(self, thread_ids: Iterable[str]) -> None:
        """Delete threads that were deleted in the file."""
        for thread_id in thread_ids:
            self.ask("comments.delete", {"thread": thread_id})

    def _exists(self, anchor: Mapping[str, Any]) -> bool:
        cell = anchor.get("cell")
        if cell is None:
            return True
        with self._content.reading() as replica:
            return isinstance(cell, str) and replica.part(CellIndex).place(cell) is not None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "me"
