"""Keep what comments are about up to date: where it is found now is written down, before it changes once more."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from rtc_widgets.documents.anchors import Places, resolve
from rtc_widgets.documents.mirror import understood
from rtc_widgets.rooms.changed_cells import ChangedCells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pycrdt import Doc

    from rtc_widgets.documents.anchors import State
    from rtc_widgets.documents.threads import ThreadValue
    from rtc_widgets.rooms.annotate import Annotator
    from rtc_widgets.rooms.document import RoomDocument

__all__ = ["Healer", "placed"]

# Seconds between two times: an anchor is some hundred bytes in the log each time, and resolves without that, too.
PAUSE = 5.0
# Seconds at a stretch, in which the server does nothing else, and between two stretches.
_STRETCH, _REST = 0.02, 0.1
# What was not found costs most, and is found again only where somebody brings it back. A text whose cell is there may
# have been cut to be pasted again: it is looked for sooner, and each time after twice as long.
_LOST_PAUSE = 60.0
_GONE_PAUSE = 5.0


class _Missed(NamedTuple):
    """Say what was not found, until when it is not looked for, and how long that is."""

    anchor: Mapping[str, Any]
    until: float
    wait: float


class Healer:
    """Look after the anchors of one room, some time after its content changed, a few at a time.

    An anchor that was found in its own cell, without a look at others, stays there until that cell or the anchor
    changes: only then it is looked for again.

    Args:
        content: what the comments are about.
        annotator: who writes there.
        pause: seconds.
        clock: tells the seconds that pass.
    """

    def __init__(
        self,
        content: RoomDocument,
        annotator: Annotator,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._content = content
        self._annotator = annotator
        self._pause = pause
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._changed = False
        self._left: deque[str] = deque()  # by their ids: somebody may say something there meanwhile
        self._cells = ChangedCells(content.doc)
        self._places: Places | None = None  # of the content as it is
        self._found: dict[
            str, Mapping[str, Any]
        ] = {}  # anchors that are in their own cells, by their threads
        self._missed: dict[str, _Missed] = {}
        content.on_changed(self._on_changed)
        content.on_update(self._on_update)

    def close(self) -> None:
        """Look once more at what is not lost, for one stretch, and no further."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left = self._due()
            self._stretch()
        self._left.clear()
        self._places = None
        self._cells.close()

    def _on_update(self, *_: object) -> None:
        self._places = None

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
            return
        self._places = None
        if self._changed:
            self._timer = loop.call_later(self._pause, self._begin)

    def _due(self) -> deque[str]:
        """Return the threads to look at; those found last time come first."""
        threads = {id_: one for id_, one in self._annotator.threads.all.items() if one.deleted is None}
        changed = self._cells.take(lambda: self._here().ids)
        self._found = {
            id_: anchor
            for id_, anchor in self._found.items()
            if id_ in threads
            and changed is not None
            # What is in no cell is about the text of a file, in which something changed.
            and anchor.get("cell") not in {None, *changed}
        }
        self._missed = {id_: missed for id_, missed in self._missed.items() if id_ in threads}
        now = self._clock()
        due = [thread.id for thread in threads.values() if self._is_due(thread, now)]
        return deque(sorted(due, key=lambda id_: id_ in self._missed))

    def _is_due(self, thread: ThreadValue, now: float) -> bool:
        if thread.id in self._found:
            return self._found[thread.id] != thread.anchor
        missed = self._missed.get(thread.id)
        return missed is None or missed.until <= now or missed.anchor != thread.anchor

    def _here(self) -> Places:
        """Return the content as it is, of which each thing is read once until it changes."""
        if self._places is None:
            self._places = Places(self._content.doc)
        return self._places

    def _stretch(self) -> None:
        """Look at as many as there is time for, and write down where those are now that were found elsewhere."""
        end = self._clock() + _STRETCH
        healed: dict[str, Mapping[str, Any]] = {}
        threads = self._annotator.threads.all
        while self._left and self._clock() < end:
            places, thread = self._here(), threads.get(self._left.popleft())
            if thread is None or thread.deleted is not None:
                continue
            searched = places.work.searched
            found = resolve(places, dict(thread.anchor))
            if found.healed is not None:
                healed[thread.id] = found.healed
            self._note(thread, found.state, alone=places.work.searched == searched)
        if healed:
            self._annotator.heal(healed)

    def _note(self, thread: ThreadValue, state: State, *, alone: bool) -> None:
        """Remember what came of looking for an anchor, *alone* in its own cell or everywhere."""
        missed = self._missed.pop(thread.id, None)
        self._found.pop(thread.id, None)
        if state == "orphan":
            self._missed[thread.id] = _Missed(thread.anchor, self._clock() + _LOST_PAUSE, _LOST_PAUSE)
        elif state == "cell":
            known = missed is not None and missed.anchor == thread.anchor
            wait = min(2 * missed.wait, _LOST_PAUSE) if missed is not None and known else _GONE_PAUSE
            self._missed[thread.id] = _Missed(thread.anchor, self._clock() + wait, wait)
        elif alone:
            self._found[thread.id] = thread.anchor


def placed(doc: Doc[Any], threads: Sequence[ThreadValue]) -> dict[str, Mapping[str, Any]]:
    """Return the anchors of threads that were kept elsewhere, by the threads' ids, at their places in *doc*."""
    places = Places(doc)
    return {thread.id: _placed(places, thread.anchor) for thread in threads}


def _placed(places: Places, anchor: Mapping[str, Any]) -> Mapping[str, Any]:
    known = understood(anchor)
    if known["kind"] != anchor.get("kind"):
        return anchor  # damaged, or of a later release, which will know what it says
    return resolve(places, known).healed or anchor
