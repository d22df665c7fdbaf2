"""Keep what comments are about up to date: where it is found now is written down, before it changes once more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.anchors import Places, resolve
from rtc_widgets.documents.threads import ThreadValue, read_threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pycrdt import Doc

    from rtc_widgets.rooms.annotate import Annotator
    from rtc_widgets.rooms.document import RoomDocument

__all__ = ["Healer", "placed"]

# Seconds between two times: an anchor is some hundred bytes in the log each time, and resolves without that, too.
PAUSE = 5.0


class Healer:
    """Look after the anchors of one room, some time after its content changed.

    Args:
        content: what the comments are about.
        annotations: where they are.
        annotator: who writes there.
        pause: seconds.
    """

    def __init__(
        self, content: RoomDocument, annotations: RoomDocument, annotator: Annotator, pause: float = PAUSE
    ) -> None:
        self._content = content
        self._annotations = annotations
        self._annotator = annotator
        self._pause = pause
        self._timer: asyncio.TimerHandle | None = None
        content.on_changed(self._on_changed)

    def heal(self) -> int:
        """Write down where everything is now, and return of how many threads it is another place or text."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        threads = [one for one in read_threads(self._annotations.doc).values() if one.deleted is None]
        if not threads:
            return 0
        places = Places(self._content.doc)
        found = {thread.id: resolve(places, dict(thread.anchor)).healed for thread in threads}
        healed = {thread_id: anchor for thread_id, anchor in found.items() if anchor is not None}
        if healed:
            self._annotator.heal(healed)
        return len(healed)

    def close(self) -> None:
        """Look once more, and no further."""
        if self._timer is not None:
            self.heal()

    def _on_changed(self) -> None:
        if self._timer is None and self._annotator.count:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self.heal)


def placed(doc: Doc[Any], threads: Iterable[ThreadValue]) -> dict[str, Mapping[str, Any]]:
    """Return the anchors of threads that were kept elsewhere, by the threads' ids, at their places in *doc*."""
    places = Places(doc)
    return {thread.id: _placed(places, thread.anchor) for thread in threads}


def _placed(places: Places, anchor: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        found = resolve(places, dict(anchor))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return anchor  # of a later release, or damaged; what it says of its cell is understood all the same
    return anchor if found.healed is None else found.healed
