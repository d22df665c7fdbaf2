"""What the index knows of the cells is what is in the document, whoever wrote it and however."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text
from support.notebooks import notebook_of

from rtc_widgets.documents import cell_index
from rtc_widgets.documents.cell_index import CellIndex
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.errors import CellGone
from rtc_widgets.origins import Origin


@pytest.fixture(autouse=True, params=[500, 1], ids=["one by one", "in bulk"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have small notebooks treated like large ones too."""
    monkeypatch.setattr(cell_index, "_FEW", request.param)
    monkeypatch.setattr(cell_index, "_FOLLOWED", 7)


class Other:
    """Be somebody else, with a document of their own, who may do what no handle does."""

    def __init__(self, nb: Notebook) -> None:
        self.nb = nb
        self.doc: Doc[Any] = Doc()
        self.doc.apply_update(nb.document.diff_update(b"\0"))
        self.cells: Array[Any] = self.doc.get("cells", type=Array)

    def do(self, steps: list[tuple[str, int]]) -> None:
        """Make *steps* one transaction, and send it."""
        before = self.doc.get_state()
        with self.doc.transaction():
            for what, number in steps:
                self.step(what, number)
        self.nb.document.apply_remote(self.doc.get_update(before), Origin("remote"))

    def step(self, what: str, number: int) -> None:
        count = len(self.cells)
        if what == "insert":
            new = {
                "id": f"new-{number}",
                "cell_type": "code",
                "source": Text(f"{number}"),
                "metadata": Map({}),
            }
            self.cells.insert(number % (count + 1), Map(new))
        elif count:
            place = number % count
            cell = self.cells[place]
            match what:
                case "delete":
                    del self.cells[place]
                case "type":
                    text = cell["source"]
                    text.insert(len(str(text).encode()), "é")
                case "tag":
                    cell["metadata"]["tags"] = [str(number)]
                case "rename":  # what a relay does to twins
                    cell["id"] = f"other-{number % 3}"
                case "id in metadata":
                    cell["metadata"]["id"] = "no cell's id"
                case "text anew":
                    cell["source"] = Text(f"anew {number}")
                case "output":
                    cell["outputs"] = Array([Map({"output_type": "stream", "id": "none"})])


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["insert", "delete", "type", "tag", "rename", "id in metadata", "text anew", "output"]
        ),
        st.integers(0, 20),
    ),
    min_size=1,
    max_size=5,
)


def truth(nb: Notebook) -> list[tuple[Any, ...]]:
    cells = nb.to_dict()["cells"]
    return [(cell["id"], cell["cell_type"], cell["source"], cell["metadata"]) for cell in cells]


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=8), st.sets(st.integers(0, 7)), st.booleans())
def test_the_index_is_in_step(transactions: list[Any], looks: set[int], undoes: bool) -> None:
    nb = notebook_of("a", ("markdown", "b"), "c")
    if undoes:
        nb[0].source += "!"
    other = Other(nb)
    with nb.document.reading() as replica:
        index = replica.part(CellIndex)
    for number, steps in enumerate(transactions):
        other.do(steps)
        if number in looks:  # what was read before a change must not be given after it
            assert [tuple(row) for row in index.rows()] == truth(nb)
        ids = [row[0] for row in truth(nb)]
        assert [cell.id for cell in nb] == ids
        assert [nb[i].id for i in range(len(nb))] == ids
        for cell_id, type_, source, _ in truth(nb):
            if ids.count(cell_id) == 1:
                cell = nb.cell(cell_id)
                assert (cell.index, cell.source, cell.cell_type) == (ids.index(cell_id), source, type_)
        gone = nb.cell("gone")
        assert not gone.exists
        with pytest.raises(CellGone):
            _ = gone.source
    assert [tuple(row) for row in index.rows()] == truth(nb)


def test_within_a_block_the_index_finds_what_the_block_moved() -> None:
    nb = notebook_of("a", "b", "c")
    last = nb[2]
    with nb.document.writing() as replica:
        del replica.root("cells", Array)[0]
        assert last.index == 1
        assert last.source == "c"
        assert nb[0].source == "b"
        assert not nb.cell("gone").exists
    assert last.index == 1
