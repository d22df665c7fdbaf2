"""A notebook goes out as an nbformat object, and comes in by the least change."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.notebooks import FILE, as_saved, notebook_of, opened, sent_by, sources, two

from rtc_widgets.errors import DocumentError


def test_a_conversation() -> None:
    ada, bob, hub = two(instantly=False)
    node = ada.to_nbformat()
    assert isinstance(node, nbformat.NotebookNode)
    assert node.cells[1].outputs[0].text == "hé\n"
    nbformat.validate(node)

    node.cells[1].source = "df = load()\ndf"
    node.cells.insert(0, nbformat.v4.new_markdown_cell("# New"))
    node.cells.append(node.cells.pop(1))
    del node.cells[2]
    node.metadata.title = "t"
    bob["load-1"].text.append(".head()")
    ada.replace(node)
    hub.deliver()

    assert sources(bob) == ["# New", "df = load()\ndf.head()", "<b>", "# Título 😀"]
    assert [cell.id for cell in bob][1:] == ["load-1", "raw", "title"]
    assert bob.metadata["title"] == "t"
    assert ada.undo_stack == ["replace"]
    as_saved(ada)


def test_the_same_is_nothing_to_write() -> None:
    nb = opened()
    sent = sent_by(nb)
    nb.replace(nb.to_dict())
    nb.replace(nb.to_nbformat())
    without = nb.to_dict()
    for cell in without["cells"]:
        del cell["id"]
    nb.replace(without)
    assert sent == []


CELLS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["code", "markdown", "raw"]), st.text("ab é\n", max_size=3)),
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(CELLS, CELLS, st.booleans())
def test_whatever_it_was_it_becomes_what_is_wanted(old: list[Any], new: list[Any], ids: bool) -> None:
    def content(cells: list[Any]) -> dict[str, Any]:
        made = {
            f"id-{i}": {"cell_type": type_, "source": source, "metadata": {"i": i}}
            for i, type_, source in cells
        }
        for value in made.values():
            if value["cell_type"] == "code":
                value |= {"outputs": [], "execution_count": value["metadata"]["i"]}
        values = [value | ({"id": name} if ids else {}) for name, value in made.items()]
        return FILE | {"cells": values}

    nb = opened()
    nb.replace(content(old))
    nb.replace(content(new))
    cells = nb.to_dict()["cells"]
    if not ids:
        assert len({cell.pop("id") for cell in cells}) == len(cells)
    assert cells == content(new)["cells"]
    as_saved(nb)


def test_the_running_cell_stays_in_its_place() -> None:
    nb = opened()
    nb.running_cell_id = "load-1"
    content = nb.to_dict()
    content["cells"].reverse()
    nb.replace(content)
    assert [cell.id for cell in nb] == ["raw", "load-2", "load-1", "title"]
    content["cells"][2] = {"cell_type": "raw", "id": "load-1", "source": "", "metadata": {}}
    before = nb.to_dict()
    with pytest.raises(DocumentError, match="running"):
        nb.replace(content)
    assert nb.to_dict() == before


@pytest.mark.parametrize(
    "bad",
    [
        3,
        [],
        {},
        FILE | {"nbformat": 3},
        FILE | {"cells": None},
        FILE | {"cells": [3]},
        FILE | {"cells": [{"cell_type": "code", "source": 3}]},
        FILE | {"metadata": {"kernelspec": 3}},
        FILE | {"nbformat_minor": "5"},
    ],
)
def test_what_is_no_notebook_is_refused(bad: Any) -> None:
    nb = opened()
    sent = sent_by(nb)
    with pytest.raises((DocumentError, TypeError)):
        nb.replace(bad)
    assert sent == []


def test_an_empty_notebook_is_one() -> None:
    nb = opened()
    nb.replace(FILE | {"cells": []})
    assert len(nb) == 0


def test_nbformat_is_asked_for_only_where_it_is_needed() -> None:
    probe = (
        "import sys; from rtc_widgets.documents.notebook import Notebook; nb = Notebook.new(); nb.append('x')\n"
        "nb[0].outputs.append({'output_type': 'stream', 'name': 'stdout', 'text': ''}); nb.replace(nb.to_dict())\n"
        "assert 'nbformat' not in sys.modules; sys.modules['nbformat'] = None\n"
        "try: nb.to_nbformat()\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=50
    )
    assert "pip install nbformat" in ended.stdout, ended.stderr


def test_a_notebook_of_one_thousand_cells_is_replaced_in_no_time() -> None:
    nb = notebook_of()
    nb += [f"x = {i}" for i in range(1_000)]
    content = nb.to_dict()
    content["cells"][500]["source"] = "changed"
    content["cells"].insert(0, content["cells"].pop())
    sent = sent_by(nb)
    nb.replace(content)
    assert nb[501].source == "changed" and nb[0].source == "x = 999"
    assert len(sent) == 1 and len(sent[0]) < 400
