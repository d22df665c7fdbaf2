"""One notebook in three ways: as a live handle, as the bare CRDT below it, and as a plain nbformat object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import nbformat
from pycrdt import Array, Doc, Map, Text

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.seed import seed
from rtc_widgets.origins import Origin

__all__ = [
    "BARE",
    "LIVE",
    "PLAIN",
    "Bare",
    "bare_doc",
    "content",
    "live",
    "new_bare",
    "plain",
    "sources",
    "state",
]

LIVE = "rtc_widgets"
BARE = "pycrdt"
PLAIN = "nbformat"


def source(index: int) -> str:
    """Return the source of one cell: about 100 characters."""
    return (
        f"# Step {index}\nvalue_{index} = compute(data, parameter={index}, tolerance=1e-6)\n"
        f"plot(value_{index}, title='Step {index}')"
    )


def content(cells: int) -> dict[str, Any]:
    """Return a notebook: every fifth cell is text under a heading, every third of the others has an output."""
    return {"cells": [_cell(i) for i in range(cells)], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _cell(index: int) -> dict[str, Any]:
    common = {"id": f"cell-{index:06}", "metadata": {"tags": ["last"]} if index % 1000 == 999 else {}}
    if index % 5 == 0:
        return common | {
            "cell_type": "markdown",
            "source": f"## Part {index}\n\n" + "What is done here. " * 5,
        }
    outputs = [{"output_type": "stream", "name": "stdout", "text": f"{index}\n"}] if index % 3 == 0 else []
    return common | {
        "cell_type": "code",
        "source": source(index),
        "outputs": outputs,
        "execution_count": index,
    }


@cache
def state(cells: int) -> bytes:
    """Return the notebook as the update that a relay sends to whoever opens it."""
    return seed("notebook", content(cells)).update


@dataclass
class Bare:
    """Hold a bare document, and its cells."""

    doc: Doc[Any]
    cells: Array[Any]


def bare_doc(update: bytes | None = None) -> Bare:
    """Return the bare document: the floor below the handle."""
    doc: Doc[Any] = Doc()
    if update is not None:
        doc.apply_update(update)
    return Bare(doc, doc.get("cells", type=Array))


def new_bare(text: str, cell_id: str) -> Map[Any]:
    """Return a new code cell for a bare document."""
    return Map(
        {
            "id": cell_id,
            "cell_type": "code",
            "source": Text(text),
            "metadata": Map({}),
            "outputs": Array([]),
            "execution_count": None,
            "execution_state": "idle",
        }
    )


def live(update: bytes | None = None) -> Notebook:
    """Return a handle as a kernel has it: connected, so that each change is encoded to be sent."""
    notebook = Notebook.new() if update is None else Notebook(LiveDocument())
    if update is not None:
        notebook.document.apply_remote(update, Origin("remote"))
    notebook.document.on_update(_sent)
    return notebook


def plain(cells: int) -> nbformat.NotebookNode:
    """Return the plain object."""
    node: nbformat.NotebookNode = nbformat.from_dict(content(cells))
    return node


def sources(indices: Iterable[int]) -> list[str]:
    """Return the sources of some cells."""
    return [source(index) for index in indices]


def _sent(_update: bytes, _origin: Origin) -> None:
    """Take what would be sent."""
