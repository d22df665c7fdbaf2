"""What was written here and is not in the relay's log yet, and the state that everybody else is known to have.

The CRDT itself resends what is missing after a reconnect (docs/protocol.md, 3.2). This is for the other case: the room
was seeded anew (section 7), the CRDT's history is worth nothing, and what was written has to be found by comparing.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from pycrdt import Doc

from rtc_widgets.documents.content import content_of, read
from rtc_widgets.documents.wrapped import TEXT
from rtc_widgets.registry import document_class

__all__ = ["Unacknowledged"]

# Updates are kept one by one until they are many, or together larger than the state they add to, bytes.
_MANY = 2000
_LARGE = 2**20


class Unacknowledged:
    """Follow each update from the edit to its acknowledgement. Not thread-safe: for the provider's loop."""

    def __init__(self) -> None:
        self.written = 0
        """How many updates were written here."""
        self.safe = 0
        """How many of them are acknowledged, the oldest first."""
        self._waiting: list[bytes] = []
        self._under_way: deque[tuple[int, list[bytes]]] = deque()
        self._state: bytes | None = None
        self._since: list[bytes] = []
        self._size = 0

    @property
    def empty(self) -> bool:
        """Whether all that was written here is acknowledged."""
        return not self._waiting and not self._under_way

    @property
    def waiting(self) -> int:
        """How many updates were not sent, or not on a channel that still lasts."""
        return len(self._waiting)

    @property
    def updates(self) -> list[bytes]:
        """All that was written here and is not acknowledged, the oldest first."""
        return [update for _, updates in self._under_way for update in updates] + self._waiting

    def wrote(self, update: bytes) -> None:
        """Note an update made here."""
        self.written += 1
        self._waiting.append(update)

    def sent(self, seq: int, count: int) -> None:
        """Note that the oldest *count* of the waiting updates travel in message *seq* or an earlier one."""
        if count:
            self._under_way.append((seq, self._waiting[:count]))
            del self._waiting[:count]

    def acknowledge(self, seq: int) -> None:
        """Note that message *seq*, and all before it, is safe."""
        while self._under_way and self._under_way[0][0] <= seq:
            _, updates = self._under_way.popleft()
            self.safe += len(updates)
            for update in updates:
                self.known(update)

    def unsent(self) -> None:
        """Note that the channel is gone: nothing that was sent on it will be acknowledged."""
        self._waiting = self.updates
        self._under_way.clear()

    def known(self, update: bytes) -> None:
        """Note an update of others, or one of ours that is safe."""
        if self._state is None:
            self._state = update
            return
        self._since.append(update)
        self._size += len(update)
        if len(self._since) > _MANY or self._size > max(_LARGE, len(self._state)):
            self._state, self._since, self._size = self._acknowledged().get_update(), [], 0

    def restart(self, update: bytes) -> None:
        """Begin again with *update*, the whole of a document that shares no history with what was known.

        What was not acknowledged never will be in its old form, and counts as safe.
        """
        self._waiting.clear()
        self._under_way.clear()
        self.safe = self.written
        self._state, self._since, self._size = update, [], 0

    def copies(self, known: int = 0) -> tuple[Doc[Any], Doc[Any]]:
        """Return a document of all that is acknowledged, and one with what else was written here, too.

        Args:
            known: the message up to which what was written counts as acknowledged.
        """
        base, mine = self._acknowledged(), self._acknowledged()
        for seq, updates in self._under_way:
            for update in updates:
                mine.apply_update(update)
                if seq <= known:
                    base.apply_update(update)
        for update in self._waiting:
            mine.apply_update(update)
        return base, mine

    def base(self, type_: str) -> Any:
        """Return the content, normalized, of all that is acknowledged."""
        doc = self._acknowledged()
        document = None if type_ == "notebook" or type_ in TEXT else document_class(type_)(doc)
        return content_of(read(doc, type_, document), type_, None)

    def _acknowledged(self) -> Doc[Any]:
        doc: Doc[Any] = Doc()
        for update in (self._state, *self._since):
            if update is not None:
                doc.apply_update(update)
        return doc
