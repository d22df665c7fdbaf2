"""What this participant has read of the comments: marks that the relay keeps, and tells nobody else."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents import answers
from rtc_widgets.documents.annotations import PATIENCE
from rtc_widgets.documents.subscription import weakly
from rtc_widgets.documents.threads import Author, ThreadValue
from rtc_widgets.errors import ChannelClosed, NotConnected

if TYPE_CHECKING:
    from concurrent.futures import Future

    from rtc_widgets.documents.document import LiveDocument
    from rtc_widgets.documents.link import Link
    from rtc_widgets.documents.users import Sociable

__all__ = ["ReadMarks"]

_NO_LINK = "Nobody keeps what was read of this document: it is connected to nothing."


class ReadMarks:
    """Know how much of each thread was read: a part of a document, asked for when it is first used."""

    def __init__(self, document: LiveDocument) -> None:
        self._document = weakref.ref(document)
        self._lock = threading.Lock()
        self._read: dict[str, int] = {}
        self._known = False
        self._coming: Future[Any] | None = None

    def counts(self) -> Mapping[str, int]:
        """Return how many comments were read, by the ids of threads; asks for it the first time.

        Raises:
            NotConnected: it has not come, or cannot while the caller waits.
            CommentRefused: the server keeps none.
        """
        if not self._known:
            if self._coming is None or self._coming.done():
                self._coming = self._ask("private.get", {})
                self._coming.add_done_callback(weakly(self._on_answer))
            try:
                self.know(answers.read(self._content(), self._coming))
            except ChannelClosed as closed:
                raise answers.refusal(closed) or closed from None
        return self._read

    def is_unread(self, handle: Sociable, thread: ThreadValue) -> bool:
        """Tell whether somebody else said something in a thread that was not read here."""
        read = self.counts().get(thread.id, 0)
        return any(
            comment.n >= read and comment.deleted is None and not _is_mine(handle, comment.by)
            for comment in thread.comments
        )

    def mark(self, threads: Iterable[ThreadValue]) -> None:
        """Note that threads were read as they are, and tell the relay, which may be away meanwhile.

        Raises:
            CommentRefused: the server keeps none.
        """
        marks = {one.id: max((comment.n + 1 for comment in one.comments), default=0) for one in threads}
        if not marks:
            return
        future = self._ask("private.read", {"threads": marks})
        with self._lock:
            self._read = {**self._read, **marks}
        future.add_done_callback(weakly(self._on_answer))
        document = self._content()
        if document.deaf() or answers.is_away(document):
            return  # it is asked again when it can be
        try:
            future.result(PATIENCE)
        except TimeoutError:
            return  # as above
        except ChannelClosed as closed:
            raise answers.refusal(closed) or closed from None

    def know(self, told: Any) -> None:
        """Take what the relay keeps, as it is answered, and told when another of the same user's peers changed it."""
        read = told.get("read") if isinstance(told, Mapping) else None
        if isinstance(read, Mapping):
            with self._lock:
                # What was read here meanwhile stays read.
                known = {str(id_): count for id_, count in read.items() if isinstance(count, int)}
                more = {id_: max(count, known.get(id_, 0)) for id_, count in self._read.items()}
                self._read, self._known = {**known, **more}, True

    def doubt(self) -> None:
        """Ask once more when it is used next: what the relay told meanwhile was not heard."""
        self._known = False

    def _on_answer(self, future: Future[Any]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.know(future.result())

    def _ask(self, method: str, params: dict[str, Any]) -> Future[Any]:
        link: Link | None = self._content().link
        if link is None:
            raise NotConnected(_NO_LINK)
        return link.ask(method, params)

    def _content(self) -> LiveDocument:
        document = self._document()
        assert document is not None  # it asks for us
        return document


def _is_mine(handle: Sociable, author: Author) -> bool:
    """Tell whether these are this participant's own words; a kernel's are every kernel's of the notebook."""
    me = handle.me
    return (
        not author.claimed and author.kind == me.kind and (me.kind == "kernel" or author.user == me.username)
    )
