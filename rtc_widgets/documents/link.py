"""The way from a live document to its file, as the document sees it: one small seam, many carriers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from rtc_widgets.errors import NotConnected

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["DEAF", "Link", "LinkState", "Reply"]

DEAF = (
    "This kernel hears the server between cells only, so a cell cannot wait for its answer. What was written and "
    "asked for is on its way."
)

T = TypeVar("T")
PATIENCE = 30.0


class LinkState(StrEnum):
    """Name how a handle stands; each is a ``str``."""

    CONNECTING = "connecting"
    """The content is not here yet."""
    LIVE = "live"
    """What is written goes out, and what others write comes in."""
    OFFLINE = "offline"
    """The server does not answer; what is written is kept, and sent when it does."""
    CLOSED = "closed"
    """It was closed, or the server ended it: it can be read, not written."""


class Link(Protocol):
    """Bring a document to its file: through a relay, or straight to the disk. Any thread may call it."""

    @property
    def state(self) -> LinkState:
        """Tell how the document stands."""
        ...

    @property
    def path(self) -> str:
        """Return the file's path, as the other end has it now."""
        ...

    def save(self) -> Future[Any]:
        """Have the file written; the future is done when it is."""
        ...

    def sync(self) -> Future[None]:
        """Return a future that is done when all that was written here so far is safe at the other end."""
        ...

    def annotations(self) -> Future[LiveDocument]:
        """Return a future of the replica of the annotations, which is asked for at the first call.

        The same replica each time, kept in step as long as the document is, and never to be written. Where the future
        failed, another call tries again.
        """
        ...

    def ask(self, method: str, params: dict[str, Any]) -> Future[Any]:
        """Ask for something of the annotations (docs/protocol.md, 3.4), after all that was written here so far.

        Where the connection breaks it is asked again, the same; the future raises `ChannelClosed` for a refusal.
        """
        ...

    @property
    def server(self) -> str | None:
        """Return the address of the server for a browser, with a slash at its end; None where it is not known."""
        ...

    def close(self) -> Future[None]:
        """Let go of the document, after what was written."""
        ...

    def abandon(self) -> Future[None]:
        """Let go of the document after an error of the caller's: save nothing that is not saved by itself."""
        ...


class Reply(Generic[T]):
    """Wait for something that happens elsewhere: ``await reply``, or ``reply.result()`` in plain code.

    Args:
        deaf: tells whether nothing is heard before the caller returns.
    """

    def __init__(self, future: Future[T], deaf: Callable[[], bool] = lambda: False) -> None:
        self._future = future
        self._deaf = deaf

    def __await__(self) -> Generator[Any, None, T]:
        self._refuse_to_wait()
        return asyncio.wrap_future(self._future).__await__()

    def done(self) -> bool:
        """Tell whether it has happened, or failed."""
        return self._future.done()

    def result(self, timeout: float | None = PATIENCE) -> T:
        """Wait, and return what came of it.

        Args:
            timeout: seconds; None waits for as long as it takes.

        Raises:
            NotConnected: nothing was heard in time, or cannot be while the caller waits.
        """
        self._refuse_to_wait()
        try:
            return self._future.result(timeout)
        except TimeoutError as error:
            if self._future.done():
                raise
            raise NotConnected(
                f"The server did not answer within {timeout:g} s. What you wrote is kept here, and is sent when it "
                "answers again; wait longer with result(timeout=…)."
            ) from error

    def _refuse_to_wait(self) -> None:
        if self._deaf() and not self._future.done():
            raise NotConnected(DEAF)

    def __repr__(self) -> str:
        return f"<reply, {'done' if self.done() else 'not yet: await it, or call result()'}>"
