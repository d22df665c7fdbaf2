"""Somebody who edits the notebook in a simulation, and knows what nobody else may take away.

What may become of a cell is in the first letter of its id. Into ``t`` cells everybody adds lines, other programs too,
and they stay; ``s`` cells people type into and split; ``m`` cells are moved, and never written after they were made;
``r`` cells are moved and retyped; with ``d`` cells everybody does what they like.

Whatever is written is a token, which nothing else holds.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import suppress

from rtc_widgets.documents.cells import Cell
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.origins import Origin
from rtc_widgets.protocol.event import Event
from rtc_widgets.provider import Provider
from rtc_widgets.testing.simulator.script import Step

__all__ = ["TOKEN", "Person", "Tokens", "tokens_of"]

TOKEN = re.compile(r"⟨\w+-\d+ 🦉⟩")
_TYPES = ("code", "markdown", "raw")
_MOST_CELLS = 40


def tokens_of(text: str) -> list[str]:
    """Return the tokens in *text*, in order."""
    return TOKEN.findall(text)


class Tokens:
    """Make tokens, and remember where each was written first."""

    def __init__(self) -> None:
        self.home: dict[str, str] = {}
        self.undone: set[str] = set()
        """Those that their writers took back at some time; a merge may find that they are still wanted."""
        self.gone: set[str] = set()
        """Cells that somebody deleted, or took back: what others wrote there went, even if a merge brings them back."""
        self.conflicts: set[tuple[str, str | None, str | None]] = set()
        """What people were told that both sides had changed: the cell, and its two texts, of which both stay."""
        self._numbers = itertools.count(1)

    @property
    def on_both_sides(self) -> set[str]:
        """Return the tokens that both texts of a conflict had, and that may be there twice, as people were told."""
        both = [{*tokens_of(here or "")} & {*tokens_of(there or "")} for _, here, there in self.conflicts]
        return set().union(*both)

    def new(self, who: str, cell: str) -> str:
        """Return a token that *who* writes into *cell*."""
        token = f"⟨{who}-{next(self._numbers)} 🦉⟩"
        self.home[token] = cell
        return token

    def cell(self, kind: str, who: str) -> str:
        """Return the id of a new cell."""
        return f"{kind}-{who}-{next(self._numbers)}"


class Person:
    """Hold a replica and edit it.

    Args:
        name: of the person.
        tokens: of the simulation.
    """

    def __init__(self, name: str, tokens: Tokens) -> None:
        self.name = name
        self.provider: Provider | None = None
        """The connection; None before the first time that the server answered."""
        self.mine: set[str] = set()
        """Tokens and cells of this person's that were there after the last thing that this person did."""
        self.updates: list[bytes] = []
        """What was written here, in order."""
        self._tokens = tokens
        self._own = re.compile(rf"⟨{name}-|[tsmr]-{name}-")
        document = LiveDocument(origin=Origin("local", name))
        self.notebook = Notebook(document)
        document.on_update(self._wrote)
        document.on_rebuild(self.updates.clear)

    def hear(self, told: Event) -> None:
        """Take what the server has to say."""
        for conflict in told.params.get("conflicts", ()):
            self._tokens.conflicts.add((conflict["name"], conflict.get("here"), conflict.get("there")))

    @property
    def acknowledged(self) -> list[bytes]:
        """Return those of the updates that the server said are safe."""
        if self.provider is None:
            return []
        return self.updates[: len(self.updates) - self.provider.unsaved]

    def act(self, step: Step) -> None:
        """Do what *step* says, before and after which all is there that this person wrote.

        Raises:
            AssertionError: it is not.
        """
        self.check()
        before, cells = self.mine, {cell.id for cell in self.notebook}
        with suppress(IndexError):  # there may be no next cell to merge with
            self._do(step)
        self.mine = self.own()
        self._tokens.undone |= before - self.mine
        self._tokens.gone |= cells - {cell.id for cell in self.notebook}

    def own(self) -> set[str]:
        """Return those of this person's tokens and lasting cells that are here."""
        return {one for one in self.seen() if self._own.match(one)}

    def seen(self) -> set[str]:
        """Return the tokens and the lasting cells that are here."""
        found: set[str] = set()
        for cell in self.notebook.to_dict()["cells"]:
            # Where two moved a "d" cell at once, the second of the two gets another id, and is one all the same. What
            # is left there of two tokens may look like one that nobody wrote.
            home = self._tokens.home
            found.update(token for token in tokens_of(cell["source"]) if home.get(token, "d-")[:2] != "d-")
            if cell["id"][:2] in {"t-", "s-", "m-", "r-"}:
                found.add(cell["id"])
        return found

    def check(self) -> None:
        """See that nobody took away what this person wrote.

        Raises:
            AssertionError: somebody did.
        """
        lost = self.lost(self.mine)
        assert not lost, f"{self.name} misses {sorted(lost)}"

    def lost(self, had: set[str]) -> set[str]:
        """Return what of *had* is not here, and did not go with a cell that its maker took back."""
        there = {cell.id for cell in self.notebook} - self._tokens.gone
        missing = had - self.seen()
        return {one for one in missing if one not in self._tokens.home or self._tokens.home[one] in there}

    # ------------------------------------------------------------------------------------------------ deeds

    def _wrote(self, update: bytes, _: Origin) -> None:
        self.updates.append(update)

    def _cells(self, kinds: str) -> list[Cell]:
        return [cell for cell in self.notebook if cell.id[1:2] == "-" and cell.id[0] in kinds]

    def _do(self, step: Step) -> None:
        getattr(self, f"_{step.what}")(step)

    def _line(self, step: Step) -> None:
        cell = self._found(step.n, "tsd")
        if cell is not None:
            lines = cell.source.split("\n")
            at = step.m % (len(lines) + 1)
            cell.lines.insert(at, self._tokens.new(self.name, cell.id))

    def _insert(self, step: Step) -> None:
        cell = self._found(step.n, "sd")
        if cell is not None:
            cell.text.insert(_gap(cell, step.m), self._tokens.new(self.name, cell.id))

    def _append(self, step: Step) -> None:
        cell = self._found(step.n, "sd")
        if cell is not None:
            cell.source += self._tokens.new(self.name, cell.id)

    def _cut(self, step: Step) -> None:
        cell = self._found(step.n, "d")
        if cell is not None:
            del cell.text[step.n : step.m]

    def _set(self, step: Step) -> None:
        cell = self._found(step.n, "d")
        if cell is not None:
            cell.source = self._tokens.new(self.name, cell.id)

    def _add(self, step: Step) -> None:
        if len(self.notebook) < _MOST_CELLS:
            name = self._tokens.cell(step.kind, self.name)
            type_ = _TYPES[step.n % 3] if step.kind != "m" else "code"
            source = self._tokens.new(self.name, name)
            content = {"cell_type": type_, "id": name, "source": source, "metadata": {}}
            self.notebook.insert(step.m % (len(self.notebook) + 1), content)

    def _delete(self, step: Step) -> None:
        cell = self._found(step.n, "d")
        if cell is not None:
            cell.delete()

    def _move(self, step: Step) -> None:
        cell = self._found(step.n, "mrd")
        if cell is not None:
            cell.move(after=list(self.notebook)[step.m % len(self.notebook)])

    def _retype(self, step: Step) -> None:
        cell = self._found(step.n, "rd")
        if cell is not None:
            cell.type = _TYPES[step.m % 3]

    def _split(self, step: Step) -> None:
        cell = self._found(step.n, "s")
        if cell is not None and len(self.notebook) < _MOST_CELLS:
            cell.split(_gap(cell, step.m))

    def _merge(self, step: Step) -> None:
        cell, other = self._found(step.n, "d"), self._found(step.m, "d")
        if cell is not None and other is not None and cell != other:
            cell.merge(other)

    def _note(self, step: Step) -> None:
        cell = self._found(step.n, "tsrd")
        if cell is not None:
            cell.metadata[f"k{step.m % 3}"] = step.n

    def _tag(self, step: Step) -> None:
        cell = self._found(step.n, "tsrd")
        if cell is not None:
            cell.tags ^= {f"t{step.m % 3}"}

    def _run(self, step: Step) -> None:
        """Have a code cell print something, as who runs it sees."""
        cell = self._found(step.n, "tsrd")
        if cell is not None and cell.type == "code":
            if step.m % 3 == 0:
                cell.clear_outputs()
            cell.outputs.append({"output_type": "stream", "name": "stdout", "text": f"{step.m}\n"})
            cell.execution_count = step.m

    def _group(self, step: Step) -> None:
        """Do several things together, or, every third time, none of them after all."""
        whats = ["line", "add", "move", "note", "insert"]
        with suppress(_TakenBack), self.notebook.transaction("group"):
            for number in range(1 + step.m % 3):
                inner = Step(whats[(step.n + number) % 5], step.who, step.n + number, step.m, step.kind)
                with suppress(IndexError):
                    self._do(inner)
            if step.n % 3 == 0:
                raise _TakenBack

    def _undo(self, step: Step) -> None:
        others = self.seen() - self.own()
        self.notebook.undo()
        lost = self.lost(others)
        assert not lost, f"{self.name} took back what others did: {sorted(lost)}"

    def _redo(self, step: Step) -> None:
        self.notebook.redo()

    def _found(self, number: int, kinds: str) -> Cell | None:
        found = self._cells(kinds)
        return found[number % len(found)] if found else None


class _TakenBack(Exception):
    """Take a transaction back."""


def _gaps(text: str) -> Iterator[int]:
    yield 0
    for match in TOKEN.finditer(text):
        yield match.end()
    yield len(text)


def _gap(cell: Cell, number: int) -> int:
    """Return some place in the text of a cell that is within no token."""
    gaps = list(_gaps(cell.source))
    return gaps[number % len(gaps)]
