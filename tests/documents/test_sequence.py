"""A notebook does what a list does, and changes as little as that takes."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array
from support.notebooks import FILE, as_saved, notebook_of, opened, sent_by, sources, two

from rtc_widgets.documents.cells import Cell
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.errors import CellGone, DocumentError
from rtc_widgets.testing.hub import Hub

# ------------------------------------------------------------------------------------------- as a list does it


def test_a_conversation() -> None:
    ada, bob, _ = two()

    ada += ["x = 1", nbformat.v4.new_markdown_cell("*text*")]
    assert sources(bob)[-2:] == ["x = 1", "*text*"]
    assert bob[-1].cell_type == "markdown"
    bob[-1] = "*words*"
    assert ada[-1].source == "*words*"
    popped = ada.pop(-2)
    assert popped["source"] == "x = 1"
    assert bob.insert(0, popped).id == popped["id"]
    ada.remove(ada["title"])
    assert "title" not in bob
    bob.reverse()
    assert sources(ada) == ["*words*", "<b>", "", "df = read()\ndf", "x = 1"]
    ada.clear()
    assert len(bob) == 0


TEXTS = st.text("ab é😀\n\u0301", max_size=5)
KEYS = st.one_of(
    st.integers(-5, 5),
    st.slices(5),
    st.builds(slice, st.integers(-4, 4), st.integers(-4, 4), st.sampled_from([None, 1, -1, 2])),
)
STEPS = st.tuples(
    st.sampled_from(["append", "insert", "extend", "set", "del", "pop", "reverse", "order"]),
    KEYS,
    st.lists(TEXTS, max_size=4),
)


def do(cells: Any, what: str, key: Any, texts: list[str]) -> Any:
    """Do something to a list of texts, or to a notebook, and return it."""
    index = key if isinstance(key, int) else len(texts)
    text = texts[0] if texts else ""
    match what:
        case "append":
            cells.append(text)
        case "insert":
            cells.insert(index, text)
        case "extend":
            cells += texts
        case "set":
            cells[key] = text if isinstance(key, int) else texts
        case "del":
            del cells[key]
        case "pop":
            popped = cells.pop(index)
            assert isinstance(cells, list) or popped["id"] not in cells
        case "reverse":
            cells.reverse()
        case "order":
            cells[:] = sorted(cells, key=lambda cell: getattr(cell, "source", cell))
    return cells


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_a_notebook_is_a_list(steps: list[tuple[str, Any, list[str]]]) -> None:
    model: list[str] = ["a", "b", "c"]
    nb = notebook_of(*model)
    for what, key, texts in steps:
        failed: type[Exception] | None = None
        try:
            changed = do(list(model), what, key, texts)
        except (IndexError, ValueError) as error:
            failed = type(error)
        if failed is None:
            model = changed
            do(nb, what, key, texts)
        else:
            with pytest.raises(failed):
                do(nb, what, key, texts)
        assert sources(nb) == model
        assert len({cell.id for cell in nb}) == len(model) == len(nb)
    as_saved(nb)


@settings(max_examples=80, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 5))
def test_any_order_keeps_every_cell_and_the_running_one_in_its_place(order: list[int], running: int) -> None:
    nb = notebook_of(*"abcdef")
    ids = [cell.id for cell in nb]
    nb.running_cell_id = ids[running]
    with nb.document.reading() as replica:
        held = replica.root("cells", Array)[running]["source"]
    nb[:] = [nb[i] for i in order]

    assert [cell.id for cell in nb] == [ids[i] for i in order]
    with nb.document.writing():
        held.insert(0, "still the same text: ")
    assert nb[ids[running]].source == "still the same text: " + "abcdef"[running]


# ---------------------------------------------------------------------------------------------- by least change


def test_a_text_in_the_place_of_a_cell_is_its_new_source() -> None:
    ada, bob, _ = two()
    sent = sent_by(ada)
    ada["load-1"] = "df = read('a')\ndf"
    ada[2:4] = ["x", "<i>"]

    assert [cell.id for cell in bob] == ["title", "load-1", "load-2", "raw"]
    assert [cell.cell_type for cell in bob] == ["markdown", "code", "code", "raw"]
    assert bob["load-1"].outputs == FILE["cells"][1]["outputs"]
    assert len(sent) == 2
    assert len(sent[0]) < 50


def test_what_is_the_same_is_not_written() -> None:
    nb = opened()
    sent = sent_by(nb)
    nb[:] = list(nb)
    nb[1:3] = [cell.source for cell in nb[1:3]]
    nb[:] = nb.to_dict()["cells"]
    nb[0] = nb[0]
    nb += []

    assert sent == []


def test_a_slice_can_be_put_in_another_order_and_mixed_with_what_is_new() -> None:
    ada, bob, _ = two()
    ada[1:4] = [ada[3], "new", ada[1]]

    assert [cell.id for cell in bob] == ["title", "raw", "load-2", "load-1"]
    assert sources(bob) == ["# Título 😀", "<b>", "new", "df = read()\ndf"]
    assert bob["load-1"].outputs == FILE["cells"][1]["outputs"]


def test_a_whole_cell_is_written_into_the_one_with_its_id() -> None:
    ada, bob, hub = two(instantly=False)
    new = ada["load-1"].to_dict() | {"source": "df = read('a')\ndf", "metadata": {"n": 2}}
    ada[:2] = [new]
    bob["load-1"].source = "df = read()\ndf.head()"
    hub.deliver()

    assert [cell.id for cell in bob] == ["load-1", "load-2", "raw"]
    assert bob["load-1"].source == "df = read('a')\ndf.head()"
    assert bob["load-1"].metadata == {"n": 2}


def test_a_whole_cell_of_another_type_or_id_takes_its_place() -> None:
    nb = opened()
    nb[1] = {"cell_type": "markdown", "id": "load-1", "source": ["a\n", "b"], "metadata": {}}
    nb[0] = {"cell_type": "code", "id": "fresh", "source": "1"}

    assert [(cell.id, cell.cell_type) for cell in nb[:2]] == [("fresh", "code"), ("load-1", "markdown")]
    assert nb[1].source == "a\nb"
    as_saved(nb)


def test_cells_of_another_notebook_are_copied() -> None:
    nb, other = opened(), opened()
    nb += other[:2]
    nb[0] = other["raw"]

    assert sources(nb) == ["<b>", "df = read()\ndf", "", "<b>", "# Título 😀", "df = read()\ndf"]
    assert nb[-1].outputs == FILE["cells"][1]["outputs"]
    assert len({cell.id for cell in nb}) == 6
    assert len(other) == 4
    as_saved(nb)


def test_a_cell_keeps_the_id_it_brings_unless_it_is_taken() -> None:
    nb = opened()
    assert nb.append({"cell_type": "code", "id": "mine", "source": ""}).id == "mine"
    assert nb.append({"cell_type": "code", "id": "mine", "source": ""}).id != "mine"
    with nb.transaction():
        nb.append({"cell_type": "code", "id": "other", "source": ""})
        assert nb.append({"cell_type": "code", "id": "other", "source": ""}).id != "other"


# -------------------------------------------------------------------------------------------------- what is refused


def test_a_cell_stands_once() -> None:
    nb = opened()
    before = nb.to_dict()
    for write in (
        lambda: nb.append(nb[0]),
        lambda: nb.extend([nb[0]]),
        lambda: nb.__setitem__(0, nb[1]),
        lambda: nb.__setitem__(slice(0, 2), [nb[1], nb[1]]),
        lambda: nb.__setitem__(slice(0, 1), ["x", nb[3]]),
    ):
        with pytest.raises(DocumentError, match=r"twice|already.*duplicate"):
            write()
    with pytest.raises(DocumentError):  # the way lists swap would lose a cell
        nb[0], nb[1] = nb[1], nb[0]
    assert nb.to_dict() == before


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (3, "str"),
        (None, "str"),
        ("\ud800", "surrogate"),
        ({"cell_type": "python", "source": ""}, "code, markdown or raw"),
        ({"source": ""}, "code, markdown or raw"),
        ({"cell_type": "code", "source": 3}, "source is a str"),
        ({"cell_type": "code", "id": "a b"}, "cell's id"),
        ({"cell_type": "code", "id": ""}, "cell's id"),
        ({"cell_type": "code", "metadata": {"tags": ["a,b"]}}, "tags"),
        ({"cell_type": "code", "metadata": 3}, "dict"),
        ({"cell_type": "code", "outputs": [{}]}, "output_type"),
        ({"cell_type": "code", "attachments": {}}, "no 'attachments'"),
        ({"cell_type": "raw", "outputs": []}, "no 'outputs'"),
        ({"cell_type": "raw", "more": []}, "no 'more'"),
        ({"cell_type": "code", "execution_count": -1}, "execution count"),
    ],
)
def test_a_bad_cell_is_refused_before_anything_is_written(bad: Any, says: str) -> None:
    nb = opened()
    before, sent = nb.to_dict(), sent_by(nb)
    for write in (
        lambda: nb.append(bad),
        lambda: nb.extend(["good", bad]),
        lambda: nb.__setitem__(0, bad),
        lambda: nb.__setitem__(slice(None), ["good", bad]),
        lambda: nb[0].below(bad),
    ):
        with pytest.raises((DocumentError, TypeError), match=says):
            write()
    assert nb.to_dict() == before
    assert sent == []


def test_a_text_is_not_a_list_of_cells() -> None:
    nb = opened()
    with pytest.raises(TypeError, match="list of cells"):
        nb += "abc"
    with pytest.raises(TypeError, match="list of cells"):
        nb[0:2] = "abc"
    with pytest.raises(TypeError, match="those of the cell"):
        nb.append({"cell_type": "raw", "source": ""}, type="code")
    with pytest.raises(ValueError, match="3 cells do not fit into a slice of 2"):
        nb[::2] = ["a", "b", "c"]


def test_the_running_cell_is_not_retyped_but_others_move_round_it() -> None:
    nb = opened()
    nb.running_cell_id = "load-1"
    before = nb.to_dict()
    with pytest.raises(DocumentError, match="running cell cannot be retyped"):
        nb[:2] = ["first", {"cell_type": "raw", "id": "load-1", "source": ""}]
    assert nb.to_dict() == before
    nb.reverse()
    assert [cell.id for cell in nb] == ["raw", "load-2", "load-1", "title"]


def test_a_deleted_cell_cannot_be_put_back() -> None:
    nb = opened()
    gone = nb[3]
    gone.delete()
    with pytest.raises(CellGone):
        nb[0:1] = ["x", gone]
    assert sources(nb)[0] == "# Título 😀"


def test_within_a_transaction_all_of_it_works_and_is_taken_back() -> None:
    nb = opened()
    before, sent = nb.to_dict(), sent_by(nb)
    with pytest.raises(RuntimeError), nb.transaction():  # noqa: PT012
        nb += ["a", "b"]
        nb[0], nb[4:6] = "title", reversed(nb[4:6])
        nb.reverse()
        nb.insert(0, nb.pop())
        assert sources(nb)[:2] == ["title", "a"]
        raise RuntimeError
    assert nb.to_dict() == before
    assert sent == []


def test_twins_can_be_put_in_order() -> None:
    ada, bob, hub = two(instantly=False)
    ada["title"].move(after=-1)
    bob["title"].move(after=1)
    hub.deliver()
    sent = sent_by(ada)
    ada[:] = list(ada)
    assert sent == []
    ada[:] = sorted(ada, key=lambda cell: cell.id)
    assert [cell.id for cell in ada] == ["load-1", "load-2", "raw", "title", "title"]


def test_two_who_rearrange_at_once_lose_no_cell() -> None:
    ada, bob, hub = two(instantly=False)
    ada[:2] = list(reversed(ada[:2]))
    bob += ["his"]
    bob[2] = "typed"
    hub.deliver()

    assert ada.to_dict() == bob.to_dict()
    assert sources(ada) == ["df = read()\ndf", "# Título 😀", "typed", "<b>", "his"]


# ------------------------------------------------------------------------------------------- any number of people


def retag(nb: Notebook, cell: Cell, number: int, text: str) -> None:
    cell.tags ^= {f"tag{number}", "all"}


def edit(nb: Notebook, cell: Cell, number: int, text: str) -> None:
    cell.text[number:] = text
    cell.text.replace("a", "é")


def edit_lines(nb: Notebook, cell: Cell, number: int, text: str) -> None:
    cell.lines[number:] = text.split("\n")


def output(nb: Notebook, cell: Cell, number: int, text: str) -> None:
    cell.type = "code"
    cell.outputs.append({"output_type": "stream", "name": "stdout", "text": text})


def assign(nb: Notebook, cell: Cell, number: int, text: str) -> None:
    places = range(number % len(nb), len(nb), 2)
    nb[places.start :: 2] = [text] * len(places)


def order(nb: Notebook, cell: Cell, number: int, text: str) -> None:
    nb[:] = sorted(nb, key=lambda cell: cell.source)


def rotate(nb: Notebook, cell: Cell, number: int, text: str) -> None:
    content = nb.to_dict()
    cells = list({value["id"]: value for value in content["cells"]}.values())
    content["cells"] = cells[number:] + cells[:number]
    nb.replace(content)


DEEDS: dict[str, Any] = {
    "assign": assign,
    "order": order,
    "reverse": lambda nb, cell, number, text: nb.reverse(),
    "split": lambda nb, cell, number, text: cell.split(number),
    "merge": lambda nb, cell, number, text: cell.merge(*nb[:number:2]) if number else cell.duplicate(),
    "tag": retag,
    "text": edit,
    "lines": edit_lines,
    "output": output,
    "replace": rotate,
    "deliver": None,
}


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(sorted(DEEDS)),
            st.integers(0, 6),
            st.text("ab é😀\n", max_size=5),
        ),
        max_size=20,
    ),
    st.integers(0, 9),
)
def test_people_converge_on_a_valid_notebook(deeds: list[tuple[int, str, int, str]], seed: int) -> None:
    hub, people = (
        Hub(instantly=False),
        [notebook_of("a = 1\nb", ("markdown", "# é")), *(Notebook(LiveDocument()) for _ in range(2))],
    )
    for nb in people:
        hub.join(nb.document)
    for who, what, number, text in deeds:
        if what == "deliver":
            hub.deliver_one(number)
        elif cells := list(people[who]):
            with suppress(IndexError):  # there may be no next cell to merge with
                DEEDS[what](people[who], cells[number % len(cells)], number, text)
    hub.deliver(Random(seed).randrange)

    assert people[0].to_dict() == people[1].to_dict() == people[2].to_dict()
    content = people[0].to_dict()
    for number, value in enumerate(content["cells"]):
        value["id"] = f"cell-{number}"  # two who move one cell leave twins, which the relay settles
    nbformat.validate(nbformat.from_dict(content))
