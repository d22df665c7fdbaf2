"""The block around one short operation on a live document."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol

from rtc_widgets.documents import interrupts
from rtc_widgets.documents.replica import Replica
from rtc_widgets.origins import Origin

__all__ = ["Blocks", "Section"]


class Blocks(Protocol):
    """What a block needs of its document."""

    def enter(self, section: Section) -> Replica:
        """Take the locks and return the replica to use."""

    def leave(self, section: Section) -> None:
        """Let the locks go."""

    def deliver(self) -> None:
        """Deliver what was announced."""


class Section:
    """Hold the lock for one short operation; for writing, as one CRDT transaction."""

    __slots__ = (
        "_document",
        "_held",
        "origin",
        "quiet",
        "replica",
        "transaction",
        "write",
        "writer",
    )

    def __init__(
        self,
        document: Blocks,
        *,
        write: bool,
        origin: Origin | None = None,
        quiet: bool = False,
    ) -> None:
        self._document = document
        self.quiet = quiet
        self.write = write
        self.origin = origin
        self.writer = False
        self.transaction: Any = None
        self.replica: Any = None

    def __enter__(self) -> Replica:
        self._held = interrupts.hold()
        try:
            return self._document.enter(self)
        except BaseException:
            if self._held:
                interrupts.release()
            raise

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        try:
            self._document.leave(self)
        finally:
            if self._held:
                interrupts.release()
        # After an interrupt nobody's callbacks run: what was announced waits for the next occasion.
        if self.write and not self.quiet:
            self._document.deliver()
