"""A notebook as plain Python has it, a list of dicts: what the live handle is held against."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rtc_widgets.errors import DocumentError

__all__ = ["PlainNotebook", "Standing", "plain_lines"]

ENDS = re.compile(r"\r\n|\n|\r")
HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?")


@dataclass(frozen=True)
class Standing:
    """Name a cell of the notebook itself, as something to be assigned."""

    cell_id: str


def plain_lines(text: str) -> list[str]:
    """Return the lines of *text*, without their ends; an empty text has none."""
    return ENDS.split(text) if text else []


def new_cell(source: str, type_: str = "code", metadata: Any = None) -> dict[str, Any]:
    """Return a cell whose id is not known yet."""
    cell = {"id": None, "cell_type": type_, "source": source, "metadata": dict(metadata or {})}
    return cell | ({"outputs": [], "execution_count": None} if type_ == "code" else {})


def as_type(cell: dict[str, Any], type_: str) -> dict[str, Any]:
    kept = {key: value for key, value in cell.items() if key not in {"outputs", "execution_count"}}
    if type_ == "code":
        kept = {"outputs": [], "execution_count": None} | cell
    return kept | {"cell_type": type_}


@dataclass
class PlainNotebook:
    """Do naively what a `Notebook` does; ids of new cells are None until `settle` is told them."""

    cells: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def copy(self) -> PlainNotebook:
        return copy.deepcopy(self)

    @property
    def ids(self) -> list[str]:
        return [cell["id"] for cell in self.cells]

    def at(self, cell_id: str) -> int:
        return self.ids.index(cell_id)

    def __getitem__(self, cell_id: str) -> dict[str, Any]:
        return self.cells[self.at(cell_id)]

    def settle(self, ids: Sequence[str], known: dict[str, None]) -> None:
        """Take over the ids that new cells got, which nobody had before."""
        assert len(ids) == len(self.cells)
        for cell, cell_id in zip(self.cells, ids, strict=True):
            if cell["id"] is None:
                assert cell_id not in known, "a new cell has an id of its own"
                cell["id"] = cell_id
            known[cell_id] = None

    # ------------------------------------------------------------------------------------------- as a list

    def identified(self, value: dict[str, Any], more: Sequence[str] = ()) -> dict[str, Any]:
        """Return a whole cell with the id that it brings, unless that is taken."""
        cell = copy.deepcopy(value)
        return cell | {"id": None if cell["id"] in (*self.ids, *more) else cell["id"]}

    def add(self, index: int, values: Sequence[str | dict[str, Any]]) -> None:
        made: list[dict[str, Any]] = []
        for value in values:
            taken = [one["id"] for one in made]
            made.append(new_cell(value) if isinstance(value, str) else self.identified(value, taken))
        place = slice(index, None).indices(len(self.cells))[0]
        self.cells[place:place] = made

    def assign(self, key: int | slice, values: Sequence[Any]) -> None:  # noqa: C901, PLR0912 (as naive as can be)
        """Put *values* in the place of the cells at *key*: texts, whole cells, or cells of the notebook."""
        places = range(len(self.cells))[key] if isinstance(key, slice) else (range(len(self.cells))[key],)
        if isinstance(places, range) and places.step == 1:
            places = range(places.start, max(places.start, places.stop))
        elif len(places) != len(values):
            raise ValueError
        free = {self.cells[place]["id"]: self.cells[place] for place in places}
        made: list[Any] = [None] * len(values)
        for index, value in enumerate(values):
            cell_id = value.cell_id if isinstance(value, Standing) else None
            if isinstance(value, dict):
                cell_id = value["id"]
            if cell_id in free:
                cell = free.pop(cell_id)
                made[index] = cell if isinstance(value, Standing) else copy.deepcopy(value)
            elif isinstance(value, Standing):
                raise DocumentError
        for index, (value, place) in enumerate(zip(values, places, strict=False)):
            cell = self.cells[place]
            if isinstance(value, str) and cell["id"] in free:
                made[index] = {**free.pop(cell["id"]), "source": value}
        for index, value in enumerate(values):
            if made[index] is None:
                taken = [one["id"] for one in made[:index] if one is not None]
                made[index] = new_cell(value) if isinstance(value, str) else self.identified(value, taken)
        if isinstance(places, range) and places.step == 1:
            self.cells[places.start : places.stop] = made
        else:
            for place, cell in zip(places, made, strict=True):
                self.cells[place] = cell

    def move(self, cell_id: str, other: str, *, after: bool) -> None:
        if cell_id != other:
            cell = self.cells.pop(self.at(cell_id))
            self.cells.insert(self.at(other) + after, cell)

    # ---------------------------------------------------------------------------------------------- one cell

    def split(self, cell_id: str, place: int) -> None:
        cell = self[cell_id]
        now = cell["source"]
        place = slice(place, None).indices(len(now))[0]
        first = new_cell(now[:place].rstrip("\r\n"), cell["cell_type"], cell["metadata"])
        self.cells.insert(self.at(cell_id), first)
        cell["source"] = now[place:].lstrip("\r\n")

    def merge(self, cell_id: str, others: Sequence[str]) -> None:
        cell = self[cell_id]
        if not others:
            others = [self.cells[self.at(cell_id) + 1]["id"]]
        parts = [one for one in self.cells if one is cell or one["id"] in others]
        sources = [one["source"] for one in parts if one is not cell]
        if any(sources) or len(parts) > 1:
            cell_source = [one["source"] for one in parts if one["source"]]
            cell["source"] = "\n\n".join(cell_source)
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
        self.cells = [one for one in self.cells if one is cell or one not in parts]

    def duplicate(self, cell_id: str) -> None:
        self.cells.insert(self.at(cell_id) + 1, {**copy.deepcopy(self[cell_id]), "id": None})

    def retype(self, cell_id: str, type_: str) -> None:
        cell = self[cell_id]
        if cell["cell_type"] != type_:
            self.cells[self.at(cell_id)] = as_type(cell, type_)

    # ----------------------------------------------------------------------------------------------- one's own steps

    def same_but_outputs(self, other: PlainNotebook) -> bool:
        return self._without_outputs() == other._without_outputs()

    def _without_outputs(self) -> Any:
        drop = {"outputs", "execution_count"}
        return self.metadata, [{k: v for k, v in cell.items() if k not in drop} for cell in self.cells]

    def brought_back_to(self, then: PlainNotebook) -> PlainNotebook:
        """Return what is there when a step from *then* to now is taken back: all of *then* but outputs."""
        result = then.copy()
        now = {cell["id"]: cell for cell in self.cells}
        for cell in result.cells:
            current = now.get(cell["id"])
            if current is not None and current["cell_type"] == cell["cell_type"] == "code":
                cell.update(copy.deepcopy({key: current[key] for key in ("outputs", "execution_count")}))
        return result

    # ------------------------------------------------------------------------------------------------ lookup

    def grep(self, pattern: re.Pattern[str], type_: str | None) -> list[tuple[str, int, tuple[int, int]]]:
        """Return cell, line and span of each match."""
        found = []
        for cell in self.cells:
            if type_ in {None, cell["cell_type"]}:
                for match in pattern.finditer(cell["source"]):
                    ends = [end.end() for end in ENDS.finditer(cell["source"])]
                    line = sum(end <= match.start() for end in ends)
                    found.append((cell["id"], line, match.span()))
        return found

    def tagged(self, tag: str) -> list[str]:
        return [cell["id"] for cell in self.cells if tag in cell["metadata"].get("tags", [])]

    def sections(self) -> list[tuple[int, str, list[str]]]:
        """Return level, title and cells of each section; for texts whose headings begin with ``#``."""
        heads: list[tuple[int, int, str]] = []
        for place, cell in enumerate(self.cells):
            lines = plain_lines(cell["source"]) if cell["cell_type"] == "markdown" else []
            found_here = [match for line in lines if (match := HEADING.fullmatch(line))]
            heads += [(place, len(match[1]), (match[2] or "").strip()) for match in found_here]
        found = []
        for number, (place, level, title) in enumerate(heads):
            ends = [stop for stop, deep, _ in heads[number + 1 :] if deep <= level]
            stop = max(place + 1, ends[0] if ends else len(self.cells))
            found.append((level, title, self.ids[place:stop]))
        return found
