"""A live notebook and a plain one, side by side: the same is done to both, and after each step they are the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.notebooks import as_saved
from support.plain import PlainNotebook, new_cell, plain_lines

from rtc_widgets.documents.cells import Cell
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.text import apply_to_str
from rtc_widgets.errors import CellGone, DocumentError
from rtc_widgets.origins import Origin

__all__ = ["SideBySide"]


class SideBySide(RuleBasedStateMachine):
    """Drive a handle and a plain notebook side by side, and a peer that hears what the handle sends."""

    def __init__(self) -> None:
        super().__init__()
        self.nb = Notebook.new()
        self.bob = Notebook(LiveDocument())
        self.sent: list[bytes] = []
        self.bob.document.apply_remote(self.nb.document.diff_update(b"\0"), Origin("remote"))
        self.nb.document.on_update(self.send)
        self.followers = [Follower(self.nb), Follower(self.bob)]
        self.model = PlainNotebook()
        self.known: dict[str, None] = {}  # all ids that ever were, in the order in which they came
        self.held: dict[str, Cell] = {}
        self.open: list[tuple[Any, PlainNotebook]] = []
        self.done: list[PlainNotebook] = []
        self.undone: list[PlainNotebook] = []
        self.names = itertools.count()

    def send(self, update: bytes, _origin: Origin) -> None:
        self.sent.append(update)
        self.bob.document.apply_remote(update, Origin("remote", user="ada"))

    def teardown(self) -> None:
        while self.open:
            self.open.pop()[0].__exit__(None, None, None)

    # --------------------------------------------------------------------------------- both, side by side

    def both(self, on_model: Callable[[PlainNotebook], Any], on_handle: Callable[[], Any]) -> None:
        """Do one thing to both; where plain Python raises, the handle must raise the same and do nothing."""
        then, steps, sent = self.model.copy(), len(self.nb.undo_stack), len(self.sent)
        now = self.model.copy()
        try:
            on_model(now)
        except (IndexError, ValueError, KeyError, TypeError) as error:
            with pytest.raises(type(error)):
                on_handle()
            assert len(self.sent) == sent, "nothing was written"
            return
        on_handle()
        now.settle([cell.id for cell in self.nb], self.known)
        for cell in now.cells:
            if isinstance(cell["source"], list):  # which ends the lines have, the handle decides
                self.check_lines(then[cell["id"]]["source"], cell, self.nb[cell["id"]].source)
        self.model = now
        assert len(self.sent) <= sent + (not self.open), "one statement is one update"
        if not self.open:
            self.note(then, steps, exactly=True)

    def note(self, then: PlainNotebook, steps: int, *, exactly: bool) -> None:
        """Keep a step, if there was one: each statement or transaction that changes anything but outputs is one."""
        made = len(self.nb.undo_stack) - steps
        changed = not self.model.same_but_outputs(then)
        assert made in ({changed} if exactly else {changed, True}), "what changes something is a step"
        if made:
            self.done.append(then)
            self.undone.clear()

    def check_lines(self, then: str, cell: dict[str, Any], now: str) -> None:
        lines, cell["source"] = cell["source"], now
        assert plain_lines(now) == ([] if lines == [""] else lines)
        if plain_lines(then) == plain_lines(now):
            assert then == now

    def pick(self, which: int) -> str:
        """Return the id of some cell."""
        return str(self.model.ids[which % len(self.model.cells)])

    def handle(self, which: int) -> Cell:
        """Return a handle on some cell, an old one or one that is found in some way."""
        cell_id = self.pick(which)
        ways: list[Callable[[], Cell]] = [
            lambda: self.held.setdefault(cell_id, self.nb.cell(cell_id)),
            lambda: self.nb[self.model.at(cell_id)],
            lambda: self.nb[self.prefix(cell_id)],
            lambda: self.nb[self.model.at(cell_id) - len(self.model.cells)],
        ]
        cell = ways[which % len(ways)]()
        assert cell.id == cell_id
        return cell

    def prefix(self, cell_id: str) -> str:
        """Return the shortest beginning that no other id has."""
        others = [other for other in self.model.ids if other != cell_id]
        return next(
            cell_id[:n]
            for n in range(1, len(cell_id) + 1)
            if n == len(cell_id) or not any(other.startswith(cell_id[:n]) for other in others)
        )

    def whole(self, which: int, text: str, type_: str, outputs: list[Any]) -> dict[str, Any]:
        """Return a cell as nbformat has it, with the id of one that is there, was there, or never was."""
        names = [*self.known, f"own-{next(self.names)}"]
        cell = new_cell(text, type_, {"n": which}) | {"id": names[which % len(names)]}
        return cell | ({"outputs": outputs, "execution_count": which} if type_ == "code" else {})

    # ------------------------------------------------------------------------------- transactions and undo

    @precondition(lambda self: len(self.open) < 3)
    @rule()
    def begin(self) -> None:
        block = self.nb.transaction(f"level {len(self.open)}")
        then = self.model.copy()
        block.__enter__()
        self.open.append((block, then))

    @precondition(lambda self: self.open)
    @rule()
    def commit(self) -> None:
        steps, sent = len(self.nb.undo_stack), len(self.sent)
        block, then = self.open.pop()
        block.__exit__(None, None, None)
        if not self.open:
            assert len(self.sent) <= sent + 1
            self.note(then, steps, exactly=False)

    @precondition(lambda self: self.open)
    @rule()
    def fail(self) -> None:
        sent = len(self.sent)
        block, then = self.open.pop()
        error = RuntimeError("taken back")
        block.__exit__(RuntimeError, error, None)
        self.model = then
        assert len(self.sent) == sent

    @rule(redo=st.booleans())
    def step(self, redo: bool) -> None:
        source, target = (self.undone, self.done) if redo else (self.done, self.undone)
        way = self.nb.redo if redo else self.nb.undo
        if self.open:
            if source:
                with pytest.raises(DocumentError, match="transaction"):
                    way()
            return
        label = way()
        assert (label is not None) == bool(source)
        if source:
            then, now = source.pop(), self.model
            target.append(now)
            self.model = now.brought_back_to(then)

    # --------------------------------------------------------------------------------------- after each of them

    @invariant()
    def same(self) -> None:
        content = self.nb.to_dict()
        assert content["cells"] == self.model.cells
        assert content["metadata"] == self.model.metadata
        assert len({cell["id"] for cell in content["cells"]}) == len(self.nb) == len(self.model.cells)
        assert [(cell.id, cell.source, cell.index) for cell in self.nb] == [
            (cell["id"], cell["source"], place) for place, cell in enumerate(self.model.cells)
        ]
        assert len(self.nb.undo_stack) == len(self.done)
        assert len(self.nb.redo_stack) == len(self.undone)

    @invariant()
    def handles_follow(self) -> None:
        for cell_id in self.known.keys() - self.held.keys():
            self.held[cell_id] = self.nb.cell(cell_id)
        there = {cell["id"]: cell for cell in self.model.cells}
        for cell_id, cell in self.held.items():
            assert cell.exists == (cell in self.nb) == (cell_id in there)
            if cell.exists:
                assert cell.to_dict() == there[cell_id]
            else:
                with pytest.raises(CellGone):
                    _ = cell.source
                with pytest.raises(CellGone):
                    cell.text.append("lost")

    @invariant()
    def others_see_it(self) -> None:
        """And what they see is what the events said, and a notebook as nbformat has it."""
        committed = self.open[0][1] if self.open else self.model
        assert self.bob.to_dict()["cells"] == committed.cells
        for follower in self.followers:
            assert follower.seen() == [(cell["id"], cell["source"]) for cell in committed.cells]
        assert as_saved(self.bob)["cells"] == committed.cells
        nbformat.validate(self.nb.to_nbformat())


class Follower:
    """Know order and sources from nothing but what `on_change` tells."""

    def __init__(self, nb: Notebook) -> None:
        self._order: list[str] = []
        self._sources: dict[str, str] = {}
        self._nb = nb
        nb.on_change("cells", self._on_cells)
        nb.on_change("source", self._on_source)

    def seen(self) -> list[tuple[str, str]]:
        return [(cell_id, self._sources[cell_id]) for cell_id in self._order]

    def _on_cells(self, change: Any) -> None:
        out = {edit.cell_id for edit in change.delta}
        self._order = [cell_id for cell_id in self._order if cell_id not in out]
        for edit in sorted(change.delta, key=lambda edit: edit.index):
            if edit.action != "delete":
                self._order.insert(edit.index, edit.cell_id)
                self._sources[edit.cell_id] = self._nb.cell(edit.cell_id).source

    def _on_source(self, change: Any) -> None:
        self._sources[change.cell_id] = apply_to_str(self._sources[change.cell_id], change.delta)
