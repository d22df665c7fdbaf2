"""Assigning cells: what is written where others take their place, the least that does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pycrdt import Array, Map

from rtc_widgets.documents import schema, ycells
from rtc_widgets.documents.arrange import arrange
from rtc_widgets.documents.cell_index import CellIndex, gone
from rtc_widgets.documents.mapping import same, set_map
from rtc_widgets.documents.replica import Replica
from rtc_widgets.documents.text import set_text
from rtc_widgets.errors import DocumentError
from rtc_widgets.ids import new_cell_id

__all__ = ["Existing", "Wanted", "identify", "put", "refusal"]


@dataclass(frozen=True, slots=True)
class Existing:
    """Name a cell of the notebook itself."""

    cell_id: str


Wanted = Existing | str | dict[str, Any]
"""A cell of the notebook, the source of one, or one as nbformat has it, checked; see `rules.checked_cell`."""


def identify(replica: Replica, values: Sequence[dict[str, Any]]) -> None:
    """Give each of *values* that has no id, or one that is taken, a new one; before anything is written."""
    used: set[str] = set()
    for value in values:
        own = value.get("id")
        # The index is asked only for ids that are brought along: to follow it is most of what an append costs.
        if own is None or own in used or replica.part(CellIndex).find(own) is not None:
            value["id"] = own = new_cell_id()
        used.add(own)


def put(replica: Replica, places: range, wanted: Sequence[Wanted], running: str | None) -> None:
    """Put *wanted* in the place of the cells at *places*; in a transaction.

    Args:
        replica: to write to.
        places: rising and without gaps, or else as many as there is wanted.
        wanted: those of the cells at *places* that are not among them are deleted.
        running: a cell that is not to be made anew.

    Raises:
        CellGone: one of them was deleted.
        DocumentError: a cell would stand twice, or a running one be retyped; nothing was written.
    """
    cells: Array[Any] = replica.root("cells", Array)
    index = replica.part(CellIndex)
    ids, rows = list(index.ids()), index.rows()
    pinned = ids.index(running) if running is not None and running in ids else None
    items: list[int | dict[str, Any]] = []
    edits: list[tuple[int, str | dict[str, Any]]] = []
    used = set(ids)
    for item, place in zip(wanted, _claims(ids, places, wanted), strict=True):
        if place is None:
            assert not isinstance(item, Existing)
            value = _new(item, used)
            used.add(value["id"])
            items.append(value)
        elif isinstance(item, dict) and rows[place].type != item["cell_type"]:
            if place == pinned:
                raise refusal("retyped")
            items.append({**item, "id": ids[place]})
        else:
            items.append(place)
            if not isinstance(item, Existing):
                edits.append((place, item))
    for place, change in edits:
        _write(cells[place], change)
    target = _target(len(ids), places, items)
    if target != list(range(len(ids))):
        arrange(cells, target, pinned)


def _new(item: str | dict[str, Any], used: set[str]) -> dict[str, Any]:
    """Return a cell that is new to the notebook."""
    value: dict[str, Any] = {"cell_type": "code", "source": item, "metadata": {}}
    if not isinstance(item, str):
        value = dict(item)
    if value.get("id") is None or value["id"] in used:
        value["id"] = new_cell_id()
    return schema.retyped(value, value["cell_type"])


def _target(count: int, places: range, items: list[int | dict[str, Any]]) -> list[int | dict[str, Any]]:
    target: list[int | dict[str, Any]] = list(range(count))
    if places.step == 1:
        target[places.start : places.stop] = items
    else:
        for place, item in zip(places, items, strict=True):
            target[place] = item
    return target


def refusal(what: str) -> DocumentError:
    """Return what to raise where the running cell would be made anew."""
    return DocumentError(
        f"The running cell cannot be {what}: its outputs would go to the place it had. "
        "Do it when it has ended, from another cell."
    )


def _claims(ids: list[str], places: range, wanted: Sequence[Wanted]) -> list[int | None]:
    """Return which of the cells at *places* each of *wanted* is; None for a new one."""
    free: dict[str, list[int]] = {}  # of twins, two cells of one id, the first is claimed first
    for one in sorted(places, reverse=True):
        free.setdefault(ids[one], []).append(one)
    claims: list[int | None] = []
    for item in wanted:
        cell_id = (
            item.cell_id if isinstance(item, Existing) else item.get("id") if isinstance(item, dict) else None
        )
        found = [] if cell_id is None else free.get(cell_id, [])
        place: int | None = found.pop() if found else None
        if place is None and isinstance(item, Existing):
            if item.cell_id not in ids:
                raise gone(item.cell_id)
            raise DocumentError(
                f"The cell {item.cell_id[:8]} would stand in the notebook twice: move() it, or duplicate() it."
            )
        claims.append(place)
    left = {place for found in free.values() for place in found}
    for index, (item, there) in enumerate(zip(wanted, places, strict=False)):
        if isinstance(item, str) and there in left:
            claims[index] = there
    return claims


def _write(ycell: Map[Any], new: str | dict[str, Any]) -> None:
    """Write what differs; of a whole cell its type is the same."""
    set_text(ycell["source"], new if isinstance(new, str) else new["source"])
    if isinstance(new, str):
        return
    set_map(ycell, new["metadata"], None)
    if new["cell_type"] == "code":
        ycells.set_outputs(ycell, new["outputs"])
        if ycell.get("execution_count") != new["execution_count"]:
            ycell["execution_count"] = new["execution_count"]
    elif not same(new.get("attachments", {}), ycell.get("attachments") or {}):
        if "attachments" in new:
            ycell["attachments"] = new["attachments"]
        else:
            del ycell["attachments"]
