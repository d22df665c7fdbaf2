"""What every handle of a live document has, whatever the document holds: its path, its state, save and close."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pycrdt import Map

from rtc_widgets.documents.link import PATIENCE, Link, LinkState, Reply
from rtc_widgets.errors import NotConnected, RtcError

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["Handle"]

_NO_LINK = (
    "This document is connected to nothing that could save it. Documents of rtc_widgets.connect(), open() and "
    "local() are."
)


class Handle:
    """Give the parts of a handle that do not depend on the type of the document."""

    document: LiveDocument

    @property
    def path(self) -> str | None:
        """The path of the file, as the server has it; None where it is not known."""
        link = self.document.link
        if link is not None:
            return link.path
        with self.document.reading() as replica:
            found = replica.root("state", Map).get("path")
        return found if isinstance(found, str) else None

    @property
    def state(self) -> LinkState:
        """How the document stands: ``connecting``, ``live``, ``offline`` (writes are kept) or ``closed``."""
        link = self.document.link
        if link is not None:
            return link.state
        return LinkState.LIVE if self.document.detached is None else LinkState.CLOSED

    def save(self, timeout: float | None = 30.0) -> dict[str, Any]:
        """Have the file written with all that is in the document, and wait until it is.

        Return ``{hash, last_modified}`` where the server tells them.

        Raises:
            ChannelClosed: the file was not written; code and sentence say why.
            NotConnected: there is no answer in *timeout* seconds.
        """
        result: dict[str, Any] = self.saved().result(timeout) or {}
        return result

    def saved(self) -> Reply[Any]:
        """Have the file written, and return a reply to wait for: ``await nb.saved()``."""
        return Reply(self._link().save(), self.document.deaf)

    def synced(self) -> Reply[None]:
        """Return a reply that comes when all that was written here so far is safe on the server.

        ``await nb.synced()``, or ``nb.synced().result()``. Safe means: in the log, so that it survives a crash.
        """
        return Reply(self._link().sync(), self.document.deaf)

    def close(self, timeout: float | None = 10.0) -> None:
        """Send what is left, and let go; the handle can be read afterwards, and written no more.

        Raises:
            NotConnected: what was written could not be brought to the server in *timeout* seconds.
        """
        link = self.document.link
        if link is not None:
            closing = link.close()
            if not self.document.deaf():  # else it closes between cells, when what was written has arrived
                Reply(closing).result(timeout)

    async def aclose(self) -> None:
        """Do as `close`, without blocking the event loop."""
        link = self.document.link
        if link is not None:
            closing = link.close()
            if not self.document.deaf():
                await Reply(closing)

    def _link(self) -> Link:
        link = self.document.link
        if link is None:
            raise NotConnected(_NO_LINK)
        return link

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        link = self.document.link
        if link is None:
            return
        if kind is None:
            self.close()
            return
        # What fails now would hide what went wrong first.
        with contextlib.suppress(RtcError):
            Reply(link.abandon(), self.document.deaf).result(PATIENCE)
