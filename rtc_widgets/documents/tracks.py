"""Whose each stretch of a text is, so that one step of one's own can be taken back and no one else's.

pycrdt's undo manager is not used: taking back an edit after it had brought back a deleted cell, it deleted
what others had typed there (pycrdt 0.14.13, `tests/documents/test_undo.py`), and a cell that somebody typed
into after it was moved came back without that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rtc_widgets.documents.text import Edit

__all__ = ["OTHERS", "TextTrack"]

# Owners besides the numbers of steps, which begin at 1.
_BASE = 0
OTHERS = -1


@dataclass(slots=True)
class _Run:
    """Hold characters that were inserted by one step and, perhaps, deleted by one.

    Args:
        text: what they are, while they are hidden; what is visible can be read in the document.
    """

    length: int
    owner: int
    deleter: int = 0
    text: str | None = None


class TextTrack:
    """Follow one text since the first step that changed it.

    A run is visible while the step that inserted it is done and the one that deleted it is not; a step is
    taken back by declaring it undone. Offsets are code points.

    Args:
        length: of the text now.
        owner: who is taken to have written it.
    """

    def __init__(self, length: int, owner: int = _BASE) -> None:
        # How long the text is, if nothing was missed.
        self.length = length
        self._runs = [_Run(length, owner)] if length else []
        self._undone: set[int] = set()
        self._joined = 1  # how many runs there were when neighbours were joined last

    @property
    def hidden(self) -> int:
        """How many characters are kept that are not in the text."""
        return sum(run.length for run in self._runs if run.text is not None)

    @property
    def has_others(self) -> bool:
        """Whether there is text of somebody else's, written since the track began."""
        return any(run.owner == OTHERS for run in self._runs if self._visible(run))

    def edited(self, edits: Sequence[Edit], old: str, step: int) -> None:
        """Follow *edits* to *old*, made by *step* or by `OTHERS`."""
        for edit in reversed(edits):
            place = self._split(edit.start)
            if edit.stop > edit.start:
                end = self._split(edit.stop)
                # New text goes behind what it replaces, and in front of what was hidden there before.
                place = self._delete(place, end, old[edit.start : edit.stop], step)
            if edit.text:
                self._runs.insert(place, _Run(len(edit.text), step))
            self.length += len(edit.text) - (edit.stop - edit.start)
        self._join()

    def switch(self, step: int, text: str, *, done: bool) -> list[Edit]:
        """Declare *step* done or undone, and return the edits that make *text*, as it stands, so."""
        edits: list[Edit] = []
        at = 0
        changed = self._undone - {step} if done else self._undone | {step}
        for run in self._runs:
            before, after = self._visible(run), _visible(run, changed)
            if before and not after:
                run.text = text[at : at + run.length]
                edits.append(Edit(at, at + run.length, ""))
            elif after and not before:
                edits.append(Edit(at, at, run.text or ""))
                run.text = None
            at += run.length if before else 0
        self._undone = changed
        self.length += sum(len(edit.text) - (edit.stop - edit.start) for edit in edits)
        return _merged(edits)

    def adopt(self) -> None:
        """Take what is there for nobody's in particular: `has_others` counts from here."""
        for run in self._runs:
            run.owner = _BASE if run.owner == OTHERS else run.owner
        self._join()

    def forget(self, step: int) -> None:
        """Let go of *step*: done, it is never taken back; undone, never done again."""
        undone = step in self._undone
        kept = []
        for run in self._runs:
            if undone and run.deleter == step:
                run.deleter = 0
            gone = run.owner == step if undone else run.deleter == step
            if not gone:
                run.owner = _BASE if run.owner == step else run.owner
                kept.append(run)
        self._runs = kept
        self._undone.discard(step)
        self._join()

    def _visible(self, run: _Run) -> bool:
        return _visible(run, self._undone)

    def _split(self, offset: int) -> int:
        """Return the index of the run that begins at *offset*, the first of those that do."""
        at, undone = 0, self._undone
        for index, run in enumerate(self._runs):
            if at == offset:
                return index
            if run.owner in undone or (run.deleter and run.deleter not in undone):
                continue
            if at + run.length > offset:
                rest = _Run(at + run.length - offset, run.owner, run.deleter)
                run.length = offset - at
                self._runs.insert(index + 1, rest)
                return index + 1
            at += run.length
        return len(self._runs)

    def _delete(self, start: int, end: int, text: str, step: int) -> int:
        """Delete the runs from *start* to before *end*, and return where they end now."""
        at, kept = 0, []
        for run in self._runs[start:end]:
            if not self._visible(run):
                kept.append(run)
                continue
            if step > 0 and run.owner != step:
                run.deleter, run.text = step, text[at : at + run.length]
                kept.append(run)
            at += run.length
        self._runs[start:end] = kept
        return start + len(kept)

    def _join(self) -> None:
        """Join neighbours that have the same fate, when there are many more runs than the last time."""
        if len(self._runs) < 2 * self._joined + 16:
            return
        joined: list[_Run] = []
        for run in self._runs:
            last = joined[-1] if joined else None
            if last is not None and (last.owner, last.deleter) == (run.owner, run.deleter):
                last.length += run.length
                if run.text is not None:
                    last.text = (last.text or "") + run.text
            else:
                joined.append(run)
        self._runs, self._joined = joined, len(joined)


def _visible(run: _Run, undone: set[int]) -> bool:
    return run.owner not in undone and (run.deleter == 0 or run.deleter in undone)


def _merged(edits: list[Edit]) -> list[Edit]:
    """Join edits at one place, which a text cannot be given one after the other."""
    merged: list[Edit] = []
    for edit in edits:
        if merged and merged[-1].stop == edit.start:
            last = merged.pop()
            merged.append(Edit(last.start, edit.stop, last.text + edit.text))
        else:
            merged.append(edit)
    return merged
