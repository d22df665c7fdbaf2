"""Splitting and merging keep what can be kept, and a cell is at home among its neighbours."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.notebooks import FILE, as_saved, notebook_of, opened, sent_by, sources, two

from rtc_widgets.errors import CellGone, DocumentError


def test_a_conversation() -> None:
    ada, bob, hub = two(instantly=False)
    hers = ada["load-1"]

    first, last = hers.split(line=1)
    bob["load-1"].text.append(".head()")
    hub.deliver()
    assert sources(bob)[1:3] == ["df = read()", "df.head()"]
    assert last == hers and bob["load-1"].index == 2
    assert bob["load-1"].outputs == FILE["cells"][1]["outputs"] and bob["load-1"].execution_count == 3
    assert bob[1].outputs == [] and bob[1].execution_count is None
    assert bob[1].metadata == bob[2].metadata == {"tags": ["setup"], "n": 1}

    bob["load-1"].text.replace("head", "tail")
    assert last.merge(first) == last
    hub.deliver()
    assert sources(bob)[1:3] == ["df = read()\n\ndf.tail()", ""]
    assert bob["load-1"].outputs == [] and bob["load-1"].execution_count is None
    assert first.id not in bob
    as_saved(bob)


@settings(max_examples=80, deadline=None)
@given(st.text("ab é😀\n\r", max_size=8), st.integers(-10, 10))
def test_a_split_cuts_at_a_code_point_and_loses_only_line_ends(source: str, at: int) -> None:
    nb = notebook_of(source)
    cell = nb[0]
    first, last = cell.split(at)

    place = slice(at, None).indices(len(source))[0]
    assert first.source == source[:place].rstrip("\r\n")
    assert last.source == cell.source == source[place:].lstrip("\r\n")
    assert [first.index, last.index, len(nb)] == [0, 1, 2]
    as_saved(nb)


def test_a_split_is_one_update_and_one_step() -> None:
    nb = opened()
    before, sent = nb.to_dict(), sent_by(nb)
    nb["raw"].split(1)
    nb["raw"].merge(nb[3])
    assert len(sent) == 2
    assert nb["raw"].to_dict()["attachments"] == FILE["cells"][3]["attachments"]
    nb.undo()
    nb.undo()
    assert nb.to_dict() == before


def test_a_running_cell_can_be_split_but_not_merged() -> None:
    nb = opened()
    nb.running_cell_id = "load-1"
    nb["load-1"].metadata["execution"] = {"iopub.execute_input": "now"}
    first, _ = nb["load-1"].split(line=1)
    assert "execution" in nb["load-1"].metadata
    assert first.metadata == {"tags": ["setup"], "n": 1}
    before = nb.to_dict()
    for merge in (first.merge, nb["load-1"].merge, lambda: nb["title"].merge("load-1", "raw")):
        with pytest.raises(DocumentError, match="running cell cannot be merged"):
            merge()
    assert nb.to_dict() == before


def test_where_to_split_is_said_once() -> None:
    cell = opened()[1]
    with pytest.raises(TypeError, match=r"cell\.split\(line=3\)"):
        cell.split()
    with pytest.raises(TypeError):
        cell.split(1, line=1)
    with pytest.raises(IndexError, match="no line 2: the cell has 2"):
        cell.split(line=2)
    assert [part.source for part in cell.split(line=-1)] == ["df = read()", "df"]


def test_several_are_merged_in_the_order_in_which_they_stand() -> None:
    ada, bob, _ = two()
    ada["load-2"].source = "é 😀"
    ada["load-2"].merge("raw", "title", "load-1", "load-2")

    assert sources(bob) == ["# Título 😀\n\ndf = read()\ndf\n\né 😀\n\n<b>"]
    assert bob[0].id == "load-2" and bob[0].type == "code"
    with pytest.raises(IndexError, match="no cell after this one"):
        bob[0].merge()


@pytest.mark.parametrize(
    ("texts", "merged"),
    [
        (["a", "", "b"], "a\n\nb"),
        (["", "", "b"], "b"),
        (["a", "", ""], "a"),
        (["", "", ""], ""),
        (["", "a", ""], "a"),
    ],
)
def test_empty_cells_add_no_empty_lines(texts: list[str], merged: str) -> None:
    nb = notebook_of(*texts)
    nb[1].merge(0, 2)
    assert sources(nb) == [merged]


def test_attachments_come_along() -> None:
    nb = opened()
    nb["title"].merge("raw")
    assert nb["title"].to_dict()["attachments"] == FILE["cells"][3]["attachments"]
    as_saved(nb)


def test_a_copy_is_a_cell_of_its_own() -> None:
    ada, bob, _ = two()
    copy = ada["load-1"].duplicate()
    assert copy.index == 2
    assert copy.to_dict() == ada["load-1"].to_dict() | {"id": copy.id}
    copy.source = "changed"
    assert bob["load-1"].source == "df = read()\ndf"
    as_saved(bob)


def test_new_cells_above_and_below() -> None:
    ada, bob, _ = two()
    below = ada["title"].below("*text*", "markdown", metadata={"tags": ["t"]})
    ada["title"].above("first")
    below.below({"cell_type": "raw", "source": "r"})
    assert [cell.source for cell in bob][:4] == ["first", "# Título 😀", "*text*", "r"]
    assert below.tags == {"t"}
    gone = ada["raw"]
    gone.delete()
    for use in (gone.below, gone.above, gone.duplicate, gone.merge, lambda: gone.split(1), gone.to_dict):
        with pytest.raises(CellGone):
            use()


def test_type_is_short_for_cell_type() -> None:
    nb = opened()
    nb[1].type = "markdown"
    assert nb[1].type == nb[1].cell_type == "markdown"
    with pytest.raises(DocumentError):
        nb[1].type = "python"
