"""Takes JupyterLab's marks of trust out of a notebook, and remembers for the file what was marked and by whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map

from rtc_widgets.documents.subscription import weakly
from rtc_widgets.origins import Origin

if TYPE_CHECKING:
    from pycrdt import Doc

    from rtc_widgets.rooms.document import RoomDocument
    from rtc_widgets.rooms.peer import RoomPeer

__all__ = ["TrustMarks"]

_RELAY = Origin("relay")


class TrustMarks:
    """Keep ``metadata.trusted`` out of the cells of a document, whoever writes it there.

    A page marks what its person ran. In the document the mark would make other pages run what is in those outputs. It
    stays in effect in the page that made it, which does not look at the document for that.

    Args:
        content: of a notebook's room.
    """

    def __init__(self, content: RoomDocument) -> None:
        self._doc: Doc[Any] = content.doc
        self._cells: Any = self._doc.get("cells", type=Array)
        self._suspects: set[int] = set()
        self._writers: set[str] = set()
        self._marked: set[str] = set()
        # An earlier release left them in its log.
        cells = json.loads(str(self._cells))
        self._suspects = {
            index
            for index, cell in enumerate(cells)
            if isinstance(cell, dict) and "trusted" in (cell.get("metadata") or {})
        }
        self.take()
        # The CRDT's own events: nothing of them is read but what is asked for, so a key of a text costs little.
        self._subscription: Any = self._cells.integrated.observe_deep(weakly(self._on_cells))
        content.on_met(self._on_met)
        content.cleaner = self.take

    def ran(self) -> set[str]:
        """Return the ids of the cells that the file's signature may cover: all who could write were one person."""
        return set(self._marked) if len(self._writers) == 1 else set()

    def own(self, user: str) -> set[str]:
        """Return the ids of the cells that *user* ran, who alone could write: they may be shown there as they are."""
        return self.ran() if self._writers == {user} else set()

    def take(self) -> None:
        """Take out what the last transaction brought."""
        if self._suspects:
            self._take()

    def close(self) -> None:
        """Follow the document no longer."""
        self._subscription.drop()

    def _take(self) -> None:
        suspects, self._suspects = self._suspects, set()
        count = len(self._cells)
        with self._doc.transaction(origin=_RELAY):
            for index in suspects:
                if index < count:
                    self._clean(self._cells[index])

    def _clean(self, cell: Any) -> None:
        metadata = cell.get("metadata") if isinstance(cell, Map) else None
        if metadata is None or "trusted" not in metadata:
            return
        if metadata["trusted"] is True:
            self._marked.add(str(cell.get("id")))
        if isinstance(metadata, Map):
            del metadata["trusted"]
        else:
            cell["metadata"] = {key: value for key, value in metadata.items() if key != "trusted"}

    def _on_met(self, peer: RoomPeer) -> None:
        # A kernel marks nothing, and what it writes is its people's doing.
        if peer.role.may_write and peer.identity.get("kind") == "person":
            self._writers.add(peer.user)

    def _on_cells(self, events: list[Any]) -> None:
        for event in events:
            kind = type(event).__name__
            if kind == "MapEvent":
                self._on_keys(event, event.keys)
            elif kind == "ArrayEvent" and not event.path:
                self._on_new(event.delta)

    def _on_keys(self, event: Any, keys: dict[str, Any]) -> None:
        if "trusted" in keys or "metadata" in keys:
            path = event.path
            if len(path) == 1 or (len(path) == 2 and path[1] == "metadata"):
                self._suspects.add(path[0])

    def _on_new(self, delta: list[dict[str, Any]]) -> None:
        at = 0
        for step in delta:
            if "insert" in step:
                self._suspects.update(range(at, at + len(step["insert"])))
                at += len(step["insert"])
            else:
                at += step.get("retain", 0)
