"""The notebook's file in a simulation, and the other programs that edit it."""

from __future__ import annotations

import json
import random
from collections import deque
from pathlib import Path
from typing import Any

from rtc_widgets.documents.cell_match import moved
from rtc_widgets.testing.simulator.person import Tokens, tokens_of
from rtc_widgets.testing.simulator.script import Step
from rtc_widgets.testing.simulator.slow import touch

__all__ = ["FIRST", "NotebookFile"]

FIRST = ("t-0", "m-0", "s-0", "d-0", "r-0", "m-1", "t-1", "d-1")
"""The ids of the cells that are there to begin with."""

_FAR = 4  # cells


class NotebookFile:
    """Edit the file as git and editors do: read it, write another beside it, rename that into its place.

    Args:
        path: of the file.
        tokens: of the simulation.
    """

    def __init__(self, path: Path, tokens: Tokens) -> None:
        self.path = path
        self.added: set[str] = set()
        """The tokens that were written into the file, and have to be in the document sometime."""
        self.overwritten = 0
        """How often the server wrote between its last look at the file and its own writing, which no lock forbids."""
        self._tokens = tokens
        self._seen = b""
        self._orders: deque[list[str]] = deque(maxlen=8)  # of the cells, as the server last saw them
        self._begin()

    @property
    def content(self) -> dict[str, Any]:
        """Return what is in the file."""
        content: dict[str, Any] = json.loads(self.path.read_text())
        return content

    def edit(self, step: Step) -> None:
        """Change the file, as *step* says."""
        content = self.content
        cells = content["cells"]
        dice = random.Random(f"{step.n} {step.m}")  # noqa: S311 - to be repeated, not to be guessed
        for cell in cells:
            cell["source"] = "".join(cell["source"])
        what = step.n % 6
        typed = [cell for cell in cells if cell["id"][:2] == "t-"]
        if what <= 2 and typed:
            for cell in dice.sample(typed, min(len(typed), 1 + what)):
                self._add_line(cell, dice)
        elif what == 3:
            name = self._tokens.cell(dice.choice("td"), "out")
            cell = {"cell_type": "markdown", "id": name, "metadata": {}, "source": ""}
            cells.insert(dice.randrange(len(cells) + 1), cell)
            self._add_line(cell, dice)
        elif what == 4:
            loose = [cell for cell in cells if cell["id"][:2] == "d-"]
            if loose:
                cells.remove(dice.choice(loose))
        else:
            self._move_far(cells, dice)
        self._write(content)

    def read(self) -> None:
        """Note that the server looked at the file just now."""
        self._seen = self.path.read_bytes()
        self._orders.append([cell["id"] for cell in self.content["cells"]])

    def about_to_be_written(self) -> None:
        """Excuse what was written into the file since the server looked last: it is about to be overwritten."""
        if self._seen and self.path.read_bytes() != self._seen:
            before = set(tokens_of(self._seen.decode()))
            gone = set(tokens_of(self.path.read_text())) - before
            self.added -= gone
            self.overwritten += 1

    def _add_line(self, cell: dict[str, Any], dice: random.Random) -> None:
        token = self._tokens.new("out", cell["id"])
        self.added.add(token)
        lines = cell["source"].split("\n") if cell["source"] else []
        lines.insert(dice.randrange(len(lines) + 1), token)
        cell["source"] = "\n".join(lines)

    def _move_far(self, cells: list[dict[str, Any]], dice: random.Random) -> None:
        """Move a cell past so many others that it is told which one has moved, whatever the server compares it to.

        Of two that change places either may have, and whoever types into the one that is taken for moved loses that.
        """
        places = [index for index, cell in enumerate(cells) if cell["id"][:2] == "m-"]
        for index in dice.sample(places, len(places)):
            if index >= _FAR or len(cells) - index > _FAR:
                to = dice.choice([0] * (index >= _FAR) + [len(cells)] * (len(cells) - index > _FAR))
                order = [*cells]
                order.insert(to, order.pop(index))
                if all(_movers(before, order) <= {"m-"} for before in self._orders):
                    cells[:] = order
                return

    def _begin(self) -> None:
        cells = []
        for name in FIRST:
            cell: dict[str, Any] = {"cell_type": "code", "id": name, "metadata": {}, "source": ""}
            cells.append(cell | {"outputs": [], "execution_count": None})
        self._write({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})

    def _write(self, content: dict[str, Any]) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(content, indent=1, ensure_ascii=False))
        touch(new)
        new.replace(self.path)


def _movers(before: list[str], after: list[dict[str, Any]]) -> set[str]:
    """Return the kinds of the cells that are taken for moved."""
    at = {name: index for index, name in enumerate(before)}
    return {before[index][:2] for index in moved([at[cell["id"]] for cell in after if cell["id"] in at])}
