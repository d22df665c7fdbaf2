"""Keep what comments are about up to date: where it is found now is written down, before it changes once more."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.anchors import Places, resolve
from rtc_widgets.documents.mirror import understood
from rtc_widgets.documents.threads import ThreadValue, read_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pycrdt import Doc

    from rtc_widgets.rooms.annotate import Annotator
    from rtc_widgets.rooms.document import RoomDocument

__all__ = ["Healer", "placed"]

# Seconds between two times: an anchor is some hundred bytes in the log each time, and resolves without that, too.
PAUSE = 5.0
# Seconds at a stretch, in which the server does nothing else, and between two stretches.
_STRETCH, _REST = 0.02, 0.1
# What was not found costs most, and is found again only where somebody brings it back.
_LOST_PAUSE = 60.0


class Healer:
    """Look after the anchors of one room, some time after its content changed, a few at a time.

    Args:
        content: what the comments are about.
        annotations: where they are.
        annotator: who writes there.
        pause: seconds.
        clock: tells the seconds that pass.
    """

    def __init__(
        self,
        content: RoomDocument,
        annotations: RoomDocument,
        annotator: Annotator,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._content = content
        self._annotations = annotations
        self._annotator = annotator
        self._pause = pause
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._changed = False
        self._left: list[ThreadValue] = []
        self._lost: dict[str, float] = {}  # when it was not found last
        content.on_changed(self._on_changed)

    def close(self) -> None:
        """Look once more at what is not lost, for one stretch, and no further."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left = self._due()
            self._stretch()
        self._left = []

    def _on_changed(self) -> None:
        self._changed = True
        if self._timer is None and self._annotator.count:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._begin)

    def _begin(self) -> None:
        self._changed = False
        self._left = self._due()
        self._go_on()

    def _go_on(self) -> None:
        self._timer = None
        self._stretch()
        loop = asyncio.get_running_loop()
        if self._left:
            self._timer = loop.call_later(_REST, self._go_on)
        elif self._changed:
            self._timer = loop.call_later(self._pause, self._begin)

    def _due(self) -> list[ThreadValue]:
        """Return the threads to look at; those found last time come first."""
        threads = [one for one in read_threads(self._annotations.doc).values() if one.deleted is None]
        ids = {thread.id for thread in threads}
        self._lost = {id_: when for id_, when in self._lost.items() if id_ in ids}
        since = self._clock() - _LOST_PAUSE
        due = [thread for thread in threads if self._lost.get(thread.id, since) <= since]
        return sorted(due, key=lambda thread: thread.id in self._lost)

    def _stretch(self) -> None:
        """Look at as many as there is time for, and write down where those are now that were found elsewhere."""
        end = self._clock() + _STRETCH
        places = Places(self._content.doc)
        healed: dict[str, Mapping[str, Any]] = {}
        while self._left and self._clock() < end:
            thread = self._left.pop(0)
            found = resolve(places, dict(thread.anchor))
            if found.healed is not None:
                healed[thread.id] = found.healed
            if found.state == "orphan":
                self._lost[thread.id] = self._clock()
            else:
                self._lost.pop(thread.id, None)
        if healed:
            self._annotator.heal(healed)


def placed(doc: Doc[Any], threads: Sequence[ThreadValue]) -> dict[str, Mapping[str, Any]]:
    """Return the anchors of threads that were kept elsewhere, by the threads' ids, at their places in *doc*."""
    places = Places(doc)
    return {thread.id: _placed(places, thread.anchor) for thread in threads}


def _placed(places: Places, anchor: Mapping[str, Any]) -> Mapping[str, Any]:
    known = understood(anchor)
    if known["kind"] != anchor.get("kind"):
        return anchor  # damaged, or of a later release, which will know what it says
    return resolve(places, known).healed or anchor
