"""A notebook and its text, kept in step: what is done to the one is done to the other, by the smallest change.

The two documents are somebody else's: a projection works on replicas of its own, so that all its work can be done in
another thread, takes their updates, and returns the updates that bring the other one up to date. What people type
while it works merges with those as everybody's typing does.

Between two steps it remembers the *base*: the last text all of which is in the notebook, and what it said. What differs
from the base in the text was typed there, and goes into the notebook as a change that is merged by cell id (``merge``).
What differs from the base in the notebook goes into the text. A text that is no notebook changes nothing: the notebook
goes its way, and both come together again once the text is mended.

The same can be written in many ways. A text stays as people typed it as long as it says what the notebook holds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from pycrdt import Decoder, Doc, Text, merge_updates

from rtc_widgets.documents import diff3
from rtc_widgets.documents.cell_spans import CellSpans
from rtc_widgets.documents.ipynb import Writer
from rtc_widgets.documents.merge import MergeSource, identify, merge_cell, merge_notebook
from rtc_widgets.documents.reader import Reader
from rtc_widgets.documents.text import apply, diff, set_text
from rtc_widgets.documents.typed import Check, Problem, Typed, read_typed, read_typed_cell
from rtc_widgets.documents.ycells import settle_twins
from rtc_widgets.errors import DocumentError
from rtc_widgets.ids import new_client_id
from rtc_widgets.origins import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Projection", "Step", "merge_typing"]

_OWN = Origin("relay")
_UNSEEN = 5  # changes of ours that somebody who types may not have seen yet
_LARGE = 1_000_000  # characters of a text of which only one is kept


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
        base: the last text all of which is in the notebook; None for the text as it stands.
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
        self._spans = CellSpans()
        self._base = str(self._ytext) if base is None else base
        self._reader = Reader(self._notebook)
        self._said = _read(self._base, self._reader.content(written))
        self._problem: Problem | None = None
        self._mended = self._untidy = False
        self._unseen: list[_Unseen] = []

    @property
    def base(self) -> str:
        """Return the last text all of which is in the notebook."""
        return self._base

    def take(self, text: Sequence[bytes], writer: int | None) -> Step:
        """Take what one person typed into the notebook, and leave the text alone: others typed there since.

        Args:
            text: updates of the text.
            writer: the client as which it goes into the notebook; it must write nowhere else.
        """
        now, typed = self._typed(text)
        if typed is None:
            return Step(problem=self._problem)
        with self._recorded(writer) as recording:
            conflicts = self._merge(now, typed)
        self._base = now
        return Step(recording.update, None, None, tuple(conflicts))

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
            text: updates of the text, without those that steps returned.
            writer: the client as which what was typed goes into the notebook; it must write nowhere else.
            tidy: have the text as the file would be written, however people typed it.
            discard: give up what was typed and is not in the notebook.
        """
        for update in notebook:
            self._notebook.apply_update(update)
        now, typed = self._typed(text)
        if discard and self._problem is not None:
            self._problem = None
            self._untidy = True
        if self._problem is not None:
            return Step(problem=self._problem)
        with self._recorded(None if typed is None else writer) as recording:
            conflicts = [] if typed is None else self._merge(now, typed)
            held = self._settled()
        wanted = self._projected(now, held, tidy=tidy or self._untidy)
        if wanted != now:
            self._unseen.append(_Unseen(self._text.get_update(), self._base, self._said))
            del self._unseen[: -(_UNSEEN if len(now) < _LARGE else 1)]
        self._base, self._said, self._untidy = wanted, held, False
        with _Recording(self._text) as edits:
            if wanted != now:
                set_text(self._ytext, wanted)
        return Step(recording.update, edits.update, None, tuple(conflicts))

    def _typed(self, updates: Sequence[bytes]) -> tuple[str, Typed | None]:
        """Return the text as it stands now, and what it says where that may be new; notes a problem."""
        for update in updates:
            self._text.apply_update(update)
        for unseen in self._unseen:
            unseen.typed += updates
        now = str(self._ytext)
        self._mended, self._problem = self._problem is not None, None
        if now == self._base:
            return now, None
        found = self._typed_cell(now) or read_typed(now, self._said, self._check)
        if isinstance(found, Problem):
            apart = self._apart()
            if apart is None:
                self._problem = found
                return now, None
            found, self._said = apart
            self._untidy = True
        self._untidy |= not found.complete
        self._unseen.clear()
        return now, found

    def _typed_cell(self, now: str) -> Typed | None:
        """Return what was typed where it is within one cell; None where that takes the whole text to tell."""
        said = self._said
        if said is None or said["nbformat_minor"] < 5:
            return None
        edited = self._spans.edited(self._base, now, [cell["id"] for cell in said["cells"]])
        return None if edited is None else read_typed_cell(edited, said, self._check)

    def _apart(self) -> tuple[Typed, dict[str, Any] | None] | None:
        """Return what was typed by who had not seen the last changes of the text, and what the text had said to them.

        Typed into lines that go meanwhile, or taking lines away into which something comes, both together are no JSON.
        """
        for unseen in reversed(self._unseen):
            text = unseen.with_typed(self._text)
            if text not in (None, unseen.base):
                found = read_typed(text, unseen.said, self._check)
                if isinstance(found, Typed):
                    return found, unseen.said
        return None

    def _recorded(self, writer: int | None) -> _Recording:
        if writer is not None and self._notebook.client_id != writer:
            self._notebook = _replica(self._notebook.get_update(), writer)
            self._reader.follow(self._notebook)
        return _Recording(self._notebook)

    def _merge(self, now: str, typed: Typed) -> list[str]:
        """Do to the notebook what was typed, and return the conflicts."""
        # What was no notebook for a while meets a notebook that went on meanwhile.
        merge_source: MergeSource = diff3.merge if self._mended else merge_typing
        if typed.only is not None:
            conflicts = self._merge_cell(typed.only, typed.content["cells"][0], merge_source)
            if conflicts is not None:
                return conflicts
            whole = read_typed(now, self._said, self._check)
            assert isinstance(whole, Typed), "its changed cell is one"
            typed = whole
        result = merge_notebook(self._notebook, self._said, typed.raw, _OWN, merge_source=merge_source)
        self._said = result.content
        return result.conflicts

    def _merge_cell(self, index: int, cell: dict[str, Any], merge_source: MergeSource) -> list[str] | None:
        """Do to the notebook what was typed in one cell; None where that takes more than to edit that cell."""
        assert self._said is not None
        said = self._said["cells"]
        held = self._reader.content(self._said)["cells"]
        name = cell["id"]
        at = index
        if index >= len(held) or held[index]["id"] != name:
            at = next((place for place, one in enumerate(held) if one["id"] == name), -1)
        if at < 0 or self._reader.has_twins:
            return None
        clash = merge_cell(self._notebook, at, said[index], cell, _OWN, merge_source=merge_source)
        if clash is None:
            return None
        self._said = {**self._said, "cells": [*said[:index], cell, *said[index + 1 :]]}
        return [name] if clash else []

    def _settled(self) -> dict[str, Any]:
        """Return what the notebook's file would hold, under ids that the live cells have, too."""
        content = self._reader.content(self._said)
        if self._reader.has_twins:
            settle_twins(self._notebook, _OWN)
            content = self._reader.content(self._said)
        return content

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


@dataclass(slots=True)
class _Unseen:
    """Hold what a text was before a change of ours, and what was typed since, maybe by people who had not seen that."""

    state: bytes
    base: str
    said: dict[str, Any] | None
    typed: list[bytes] = field(default_factory=list)

    def with_typed(self, text: Doc[Any]) -> str | None:
        """Return *text* without our changes; None where what was typed builds on them."""
        doc = _replica(self.state)
        for update in self.typed:
            doc.apply_update(update)
        # What needs something that is not there waits for it.
        has, all_ = _clocks(doc.get_state()), _clocks(text.get_state())
        if any(has.get(client) != clock for client, clock in all_.items() if client != text.client_id):
            return None
        return str(doc.get("source", type=Text))


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


def _clocks(state: bytes) -> dict[int, int]:
    decoder = Decoder(state)
    return {decoder.read_var_uint(): decoder.read_var_uint() for _ in range(decoder.read_var_uint())}


def _read(text: str, live: dict[str, Any]) -> dict[str, Any] | None:
    """Return what *text* says, under the live cells' ids; None where it says nothing."""
    try:
        return identify(live, json.loads(text))
    except (ValueError, RecursionError, DocumentError):
        return None


def _says(text: str, held: dict[str, Any]) -> bool:
    said = _read(text, held)
    return said is not None and said == held
