"""A notebook and its text, kept in step: what is done to the one is done to the other, by the smallest change.

The two documents are somebody else's: a projection works on replicas of its own, so that all its work can be done in
another thread, takes their updates, and returns the updates that bring the other one up to date. What people type
while it works merges with those as everybody's typing does.

Between two steps it remembers the *base*: the last text that said the same as the notebook, and what it said. What
differs from the base in the text was typed there, and goes into the notebook as a change that is merged by cell id
(``merge``). What differs from the base in the notebook goes into the text. A text that is no notebook changes nothing:
the notebook goes its way, and both come together again once the text is mended.

The same can be written in many ways. A text stays as people typed it as long as it says what the notebook holds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pycrdt import Doc, Text, merge_updates

from rtc_widgets.documents import diff3
from rtc_widgets.documents.content import content_of, read
from rtc_widgets.documents.ipynb import Writer
from rtc_widgets.documents.merge import MergeSource, identify, merge_notebook
from rtc_widgets.documents.text import apply, diff, set_text
from rtc_widgets.documents.typed import Check, Problem, Typed, read_typed
from rtc_widgets.documents.ycells import settle_twins
from rtc_widgets.errors import DocumentError
from rtc_widgets.ids import new_client_id
from rtc_widgets.origins import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Projection", "Step", "merge_typing"]

_OWN = Origin("relay")


@dataclass(frozen=True, slots=True)
class Step:
    """Tell what one step came to.

    Args:
        notebook: the update that brings the notebook up to date; None where there is none.
        text: likewise for the text.
        problem: why what was typed is not in the notebook, if it is not.
        conflicts: what both sides had changed: ids of cells, or names of values.
    """

    notebook: bytes | None = None
    text: bytes | None = None
    problem: Problem | None = None
    conflicts: tuple[str, ...] = ()


class Projection:
    """Keep a notebook and its text in step; not safe for two threads at once.

    Args:
        notebook: the state of the notebook's document.
        text: the state of the text's document.
        check: says what keeps a typed notebook from being one.
        base: the text that last said the same as the notebook; None for the text as it stands.
        written: what the notebook's file holds, which tells what metadata are the file's own.
    """

    def __init__(
        self,
        notebook: bytes,
        text: bytes,
        check: Check,
        *,
        base: str | None = None,
        written: dict[str, Any] | None = None,
    ) -> None:
        self._check = check
        self._notebook = _replica(notebook)
        self._text = _replica(text)
        self._ytext: Text = self._text.get("source", type=Text)
        self._writer = Writer()
        self._base = str(self._ytext) if base is None else base
        self._said = _read(self._base, self._content(written))
        self._problem: Problem | None = None

    @property
    def base(self) -> str:
        """Return the text that last said the same as the notebook."""
        return self._base

    def step(
        self,
        notebook: Sequence[bytes] = (),
        text: Sequence[bytes] = (),
        *,
        writer: int | None = None,
        tidy: bool = False,
        discard: bool = False,
    ) -> Step:
        """Take what was done to both since the last step, and return what is left to do.

        Args:
            notebook: updates of the notebook.
            text: updates of the text.
            writer: the client as which what was typed goes into the notebook; it must write nowhere else.
            tidy: have the text as the file would be written, however people typed it.
            discard: give up what was typed and is not in the notebook.
        """
        for update in notebook:
            self._notebook.apply_update(update)
        for update in text:
            self._text.apply_update(update)
        now = str(self._ytext)
        typed: Typed | None = None
        if now != self._base and not discard:
            found = read_typed(now, self._said, self._check)
            if isinstance(found, Problem):
                self._problem = found
                return Step(problem=found)
            typed = found
            tidy = tidy or not typed.complete
        if writer is not None and typed is not None and self._notebook.client_id != writer:
            self._notebook = _replica(self._notebook.get_update(), writer)
        with _Recording(self._notebook) as recording:
            conflicts = self._merge(typed) if typed is not None else []
            held = self._settled()
        self._problem = None
        wanted = self._projected(now, held, tidy=tidy or discard)
        self._base, self._said = wanted, held
        with _Recording(self._text) as edits:
            if wanted != now:
                set_text(self._ytext, wanted)
        return Step(recording.update, edits.update, None, tuple(conflicts))

    def _merge(self, typed: Typed) -> list[str]:
        """Do to the notebook what was typed, and return the conflicts."""
        # What was no notebook for a while meets a notebook that went on meanwhile.
        merge_source: MergeSource = merge_typing if self._problem is None else diff3.merge
        result = merge_notebook(self._notebook, self._said, typed.raw, _OWN, merge_source=merge_source)
        self._said = result.content
        return result.conflicts

    def _content(self, known: dict[str, Any] | None) -> dict[str, Any]:
        """Return what the notebook's file would hold; *known* tells what metadata are the file's own."""
        content: dict[str, Any] = content_of(read(self._notebook, "notebook"), "notebook", known)[0]
        return content

    def _settled(self) -> dict[str, Any]:
        """Return what the notebook's file would hold, under ids that the live cells have, too."""
        taken = read(self._notebook, "notebook")
        content: dict[str, Any] = content_of(taken, "notebook", self._said)[0]
        known = {cell["id"] for cell in self._said["cells"]} if self._said else set()
        names = [cell["id"] for cell in content["cells"]]
        if all(name in known or f'"{name}"' in taken[1] for name in names):
            return content
        # An id was made up for one of two cells that have the same.
        settle_twins(self._notebook, _OWN)
        return self._content(self._said)

    def _projected(self, now: str, held: dict[str, Any], *, tidy: bool) -> str:
        """Return the text for what the notebook holds, as much of it as possible as people typed it *now*."""
        if tidy or self._said is None:
            return self._writer.write(held)
        if held == self._said:
            return now
        before, after = self._writer.write(self._said), self._writer.write(held)
        if now == before:
            return after
        merged = diff3.merge(before, now, after)
        return merged.text if not merged.conflicts and _says(merged.text, held) else after


class _Recording:
    """Record what is done to *doc* as one update."""

    def __init__(self, doc: Doc[Any]) -> None:
        self.update: bytes | None = None
        self._doc = doc
        self._updates: list[bytes] = []

    def __enter__(self) -> Self:
        self._subscription = self._doc.observe(lambda happened: self._updates.append(happened.update))
        return self

    def __exit__(self, *_: object) -> None:
        self._doc.unobserve(self._subscription)
        updates = [update for update in self._updates if update != b"\0\0"]
        if updates:
            self.update = merge_updates(*updates) if len(updates) > 1 else updates[0]


def merge_typing(base: str, live: str, theirs: str) -> diff3.Merged:
    """Merge what two people typed into one text in the same moment, as a shared document does: letter by letter.

    >>> merge_typing("x = 1", "x = 10", "xy = 1").text
    'xy = 10'
    """
    if live == base or theirs in (base, live):
        return diff3.merge(base, live, theirs)
    start: Doc[Text] = Doc(client_id=1)
    start.get("text", type=Text).insert(0, base)
    sides: list[Doc[Text]] = []
    for client, text in enumerate((live, theirs), 2):
        side = _replica(start.get_update(), client)
        apply(side.get("text", type=Text), diff(base, text), old=base)
        sides.append(side)
    sides[0].apply_update(sides[1].get_update())
    return diff3.Merged(str(sides[0].get("text", type=Text)), 0)


def _replica(state: bytes, client: int | None = None) -> Doc[Any]:
    doc: Doc[Any] = Doc(client_id=new_client_id() if client is None else client)
    doc.apply_update(state)
    return doc


def _read(text: str, live: dict[str, Any]) -> dict[str, Any] | None:
    """Return what *text* says, under the live cells' ids; None where it says nothing."""
    try:
        return identify(live, json.loads(text))
    except (ValueError, RecursionError, DocumentError):
        return None


def _says(text: str, held: dict[str, Any]) -> bool:
    said = _read(text, held)
    return said is not None and said == held
