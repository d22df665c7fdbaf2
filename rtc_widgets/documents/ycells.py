"""Cells as jupyter_ydoc stores them: plain data in, plain data out, many at once."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from pycrdt import Array, Doc, Map, Text

from rtc_widgets import ids

if TYPE_CHECKING:
    from rtc_widgets.origins import Origin

__all__ = ["completed", "new_ycell", "parse_cells", "read_cells", "set_outputs", "settle_twins"]


def read_cells(doc: Doc[Any]) -> list[dict[str, Any]]:
    """Return the cells as plain data.

    Through the array's JSON, which the CRDT writes in one pass: cell by cell it is quadratic and takes a
    second for 10,000. JSON has no NaN and no infinity; they come as None, as browsers see them. Code cells
    have ``outputs`` and an ``execution_count``, others have neither.
    """
    return parse_cells(str(doc.get("cells", type=Array)))


def parse_cells(text: str) -> list[dict[str, Any]]:
    """Return the cells whose array has the JSON *text*."""
    return completed(json.loads(text))


def completed(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells, changed in place, with all that cells of their types have, and nothing else of it."""
    for cell in cells:
        for key, value in (("id", ""), ("cell_type", "raw"), ("source", ""), ("metadata", {})):
            cell.setdefault(key, value)
        if cell["cell_type"] == "code":
            cell["outputs"] = cell.get("outputs") or []
            cell.setdefault("execution_count", None)
        else:
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
            if not cell.get("attachments", True):
                del cell["attachments"]
    return cells


def settle_twins(doc: Doc[Any], origin: Origin) -> bool:
    """Make cell ids unique: of twins one goes whose lines the other one has, else the later gets a new id.

    Two people who move one cell at once, or bring one back at once, leave it twice (design.md, decision 9). Returns
    whether it changed anything.
    """
    seen: dict[str, tuple[int, dict[str, Any]]] = {}
    gone, renamed = set(), set()
    for index, cell in enumerate(read_cells(doc)):
        if cell["id"] not in seen:
            seen[cell["id"]] = index, cell
            continue
        first, twin = seen[cell["id"]]
        if _says_no_more(cell, twin):
            gone.add(index)
        elif _says_no_more(twin, cell):
            gone.add(first)
            seen[cell["id"]] = index, cell
        else:
            renamed.add(index)
    if not gone | renamed:
        return False
    ycells: Array[Any] = doc.get("cells", type=Array)
    with doc.transaction(origin=origin):
        for index in sorted(gone | renamed, reverse=True):
            if index in gone:
                del ycells[index]
            else:
                ycells[index]["id"] = ids.new_cell_id()
    return True


def _says_no_more(cell: dict[str, Any], twin: dict[str, Any]) -> bool:
    """Tell whether *twin* has all lines of *cell*, in their order, and whatever else it holds."""
    if {**cell, "source": ""} != {**twin, "source": ""}:
        return False
    lines = iter(twin["source"].split("\n"))
    return all(line in lines for line in cell["source"].split("\n"))


def new_ycell(cell: dict[str, Any]) -> Map[Any]:
    """Return *cell* as something that can be inserted into the document."""
    content = copy.deepcopy(cell)
    content["source"] = Text(content["source"])
    content["metadata"] = Map(content["metadata"])
    if content["cell_type"] == "code":
        content["outputs"] = Array([_new_youtput(output) for output in content["outputs"]])
        content.setdefault("execution_state", "idle")
    return Map(content)


def set_outputs(ycell: Map[Any], outputs: list[dict[str, Any]]) -> None:
    """Make *outputs* the outputs of *ycell*, leaving alone those at both ends that stay the same."""
    youtputs = ycell.get("outputs")
    if not isinstance(youtputs, Array):
        ycell["outputs"] = Array([_new_youtput(output) for output in outputs])
        return
    old = youtputs.to_py() or []
    most = min(len(old), len(outputs))
    before = next((i for i in range(most) if old[i] != outputs[i]), most)
    after = next((i for i in range(most - before) if old[-1 - i] != outputs[-1 - i]), most - before)
    if len(old) - after > before:
        del youtputs[before : len(old) - after]
    for index in range(before, len(outputs) - after):
        youtputs.insert(index, _new_youtput(outputs[index]))


def _new_youtput(output: dict[str, Any]) -> Map[Any]:
    if output.get("output_type") == "stream":
        return Map({**output, "text": Text(output.get("text", ""))})
    return Map(copy.deepcopy(output))
