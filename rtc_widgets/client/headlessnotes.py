"""Comments in a headless run: they are kept where the notebook's file keeps a copy of them, in its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import nbformat
from pycrdt import Doc

from rtc_widgets.documents.mirror import from_mirror, put_in, take_out, to_mirror
from rtc_widgets.documents.threads import Author
from rtc_widgets.documents.ycells import read_cells
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.roles import Role
from rtc_widgets.rooms.annotate import METHODS, Actor, Annotator
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.healing import placed
from rtc_widgets.rooms.private import PRIVATE, Private, do_private
from rtc_widgets.stores.entry import Signature
from rtc_widgets.stores.memory import MemoryStore

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["HeadlessNotes", "without_comments"]

_KERNEL = Actor(Author("", "kernel", "Kernel"), Role.EDITOR)
_STRIPPED = (
    "This notebook was stripped of its comments, and nothing but its metadata could keep new ones. Decide so first: "
    "nb.comments.mirror = 'always'."
)


class HeadlessNotes:
    """Keep the threads about the notebook of one run, and do what its kernel asks of them.

    Args:
        nb: the notebook object, whose metadata may hold threads, and gets those that are new.
        room: the run's id.
        content: the live document.
    """

    def __init__(self, nb: NotebookNode, room: str, content: Doc[Any]) -> None:
        self._nb = nb
        self._content = content
        self._private = Private()
        doc: Doc[Any] = Doc()
        # Nothing is seeded here: its history is one as long as the run is.
        self.document = RoomDocument(
            f"{room}.annotations", "annotations", doc, room, MemoryStore(), writable=False
        )
        self._annotator = Annotator(doc, self._exists)
        self._page = take_out(_copy(nb))
        threads = from_mirror(self._page)
        self._annotator.restore(
            threads, placed(content, threads), signed=True
        )  # a file is all that is known here
        self._said = self._mirror()

    async def ask(self, user: str, method: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """Do what the kernel asks; None where it is nothing about comments.

        Raises:
            ChannelClosed: it is refused.
        """
        if method in PRIVATE:
            return do_private(self._private, method, params).to_json()
        if method not in METHODS:
            return None
        if method == "comments.add" and self._annotator.mirror == "never":
            raise ChannelClosed("no-document", _STRIPPED)
        with self.document.signed(Signature(user, "kernel")):
            answer = self._annotator.carry_out(_KERNEL, method, params)
        await self.document.committed()
        return answer

    def write(self) -> None:
        """Write the threads into the notebook object's metadata, where they are others now."""
        said = self._mirror()
        plain = _copy(self._nb)
        if said == self._said and take_out(plain) == self._page:
            return  # also where another tool wrote it in a way of its own
        take_out(plain)
        page = self._page if said == self._said else said
        self._page, self._said = page, said
        ours = put_in(plain, page)["metadata"].get("rtc_widgets")
        if ours is None:
            self._nb["metadata"].pop("rtc_widgets", None)
        else:
            self._nb["metadata"]["rtc_widgets"] = nbformat.from_dict(ours)

    def _mirror(self) -> dict[str, Any] | None:
        threads = self._annotator.threads.all
        return None if self._annotator.mirror == "never" else to_mirror(threads.values())

    def _exists(self, anchor: Mapping[str, Any]) -> bool:
        cell = anchor.get("cell")
        return cell is None or any(one["id"] == cell for one in read_cells(self._content))


def without_comments(nb: NotebookNode) -> dict[str, Any]:
    """Return the notebook without the threads in its metadata, which are no part of its content."""
    plain = _copy(nb)
    take_out(plain)
    return plain


def _copy(nb: NotebookNode) -> dict[str, Any]:
    return {**nb, "metadata": dict(nb.get("metadata") or {})}
