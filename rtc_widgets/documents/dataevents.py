"""Changes of a file whose inside is not known here, as its ``jupyter_ydoc`` class tells them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents import wrapped
from rtc_widgets.documents.events import Events, Kind
from rtc_widgets.documents.observation import Seen
from rtc_widgets.documents.subscription import weakly

if TYPE_CHECKING:
    from rtc_widgets.documents.replica import Replica

__all__ = ["DataEvents"]


class DataEvents(Events):
    """Tell what changes in a file of a registered type."""

    # The document's type; set by the handle.
    type = ""

    def _watch(self, replica: Replica, kinds: set[Kind], watcher: _Watcher | None) -> _Watcher:
        return watcher or _Watcher(replica, self.type, weakly(self._on_seen))


class _Watcher:
    """Observe one document through its class: everything but its state, such as path and hash."""

    def __init__(self, replica: Replica, type_: str, publish: Callable[[list[Seen]], None]) -> None:
        self._replica = replica
        self._publish = publish
        self._told = -1  # in which of the replica's transactions
        # Kept, against the rule in `wrapped`: all transactions here have an origin, and its undo manager records
        # only those without one.
        wrapper: Any = wrapped.wrap(replica, type_)
        wrapper.observe(weakly(self._on_change))
        self._wrapper = wrapper

    def close(self) -> None:
        """Observe nothing any more."""
        self._wrapper.unobserve()

    def _on_change(self, topic: str, _event: Any) -> None:
        if topic != "state" and self._told != self._replica.version:
            self._told = self._replica.version
            self._publish([Seen("content", None)])
