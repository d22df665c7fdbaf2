"""A notebook is a sequence of live cells, which follow their cells by id."""

from __future__ import annotations

import time
from typing import Any

import pytest
from jupyter_ydoc import YNotebook
from pycrdt import Array, Doc, Map
from support.notebooks import FILE, as_saved, opened, two

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.ycells import new_ycell, read_cells, settle_twins
from rtc_widgets.errors import CellGone, DocumentError
from rtc_widgets.origins import Origin


def by_id(cells: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {cell["id"]: cell for cell in cells}


# --------------------------------------------------------------------------------------------------- reading


def test_reading_like_a_sequence() -> None:
    nb = opened()

    assert len(nb) == 4
    assert [cell.id for cell in nb] == ["title", "load-1", "load-2", "raw"]
    assert nb[0].source == "# Título 😀"
    assert nb[-1].cell_type == "raw"
    assert [cell.id for cell in nb[1:3]] == ["load-1", "load-2"]
    assert [cell.id for cell in nb[::-2]] == ["raw", "load-1"]
    assert nb.index(nb["raw"]) == 3
    assert next(reversed(nb)).id == "raw"


def test_reading_a_cell() -> None:
    cell = opened()[1]

    assert cell.index == 1
    assert cell.metadata == {"tags": ["setup"], "n": 1}
    assert isinstance(cell.metadata["n"], int)
    assert cell.execution_count == 3
    assert isinstance(cell.execution_count, int)
    assert cell.outputs == FILE["cells"][1]["outputs"]
    assert isinstance(cell.outputs[1]["execution_count"], int)


def test_copies_are_copies() -> None:
    cell = opened()[1]
    cell.metadata.copy()["tags"].append("changed")
    cell.outputs.copy().clear()
    cell.to_dict()["source"] = "changed"

    assert cell.metadata["tags"] == ["setup"]
    assert len(cell.outputs) == 2
    assert cell.source == "df = read()\ndf"


def test_cells_that_are_not_code_have_no_outputs() -> None:
    title = opened()[0]

    assert title.outputs == []
    assert title.execution_count is None


def test_by_the_beginning_of_an_id() -> None:
    nb = opened()

    assert nb["ti"] == nb[0]
    assert nb["load-1"] == nb[1]
    assert "load" in nb
    assert nb[0] in nb
    assert "none" not in nb
    assert 3 not in nb
    assert opened()[0] not in nb
    with pytest.raises(KeyError, match="2 cells' ids begin with 'load'"):
        nb["load"]
    with pytest.raises(KeyError, match="no cell's id begins with 'none'"):
        nb["none"]


@pytest.mark.parametrize("index", [4, -5, 100])
def test_an_index_out_of_range_is_named(index: int) -> None:
    nb = opened()
    with pytest.raises(IndexError, match=f"no cell {index}: the notebook has 4"):
        nb[index]
    with pytest.raises(IndexError):
        del nb[index]
    with pytest.raises(ValueError, match="is not in the notebook"):
        nb.index("title")


def test_an_empty_document_is_an_empty_notebook() -> None:
    nb = Notebook(LiveDocument())

    assert len(nb) == 0
    assert list(nb) == []
    assert nb.metadata == {}
    assert nb.path is None
    assert nb.to_dict()["cells"] == []


def test_as_a_file() -> None:
    nb = opened()

    assert nb.to_dict() == FILE | {"metadata": nb.metadata}
    assert nb.to_dict() == as_saved(nb)
    assert nb.metadata["level"] == 2


def test_as_a_file_without_ids() -> None:
    old = opened(FILE | {"nbformat_minor": 4})

    assert "id" not in old.to_dict()["cells"][0]
    assert old.to_dict()["nbformat_minor"] == 4


# --------------------------------------------------------------------------------------------------- writing


def test_a_conversation() -> None:
    ada, bob, _ = two()
    hers, his = ada["title"], bob["title"]

    hers.source += "!"
    assert his.source == "# Título 😀!"
    his.source = "## " + his.source
    assert hers.source == "## # Título 😀!"
    new = bob.insert(1, "import this", metadata={"by": "bob"})
    assert ada[1].source == "import this"
    assert ada[1].metadata == {"by": "bob"}
    new.delete()
    assert new.id not in ada
    assert len(ada) == 4


def test_both_type_in_one_cell_at_once() -> None:
    ada, bob, hub = two(instantly=False)

    ada["load-1"].source = "df = read('é😀')\ndf"
    bob["load-1"].source = "df = read()\ndf.head()"
    hub.deliver()

    assert ada["load-1"].source == bob["load-1"].source == "df = read('é😀')\ndf.head()"


def test_setting_the_same_source_sends_nothing() -> None:
    nb = opened()
    sent: list[bytes] = []
    nb.document.on_update(lambda update, _: sent.append(update))
    nb[0].source = nb[0].source
    nb[1].metadata = nb[1].metadata
    nb[0].cell_type = "markdown"
    nb[0].move(before=1)
    nb[0].move(after=0)
    nb[0].move(before=nb[0])

    assert sent == []


def test_a_small_change_in_a_large_cell_is_a_small_update() -> None:
    nb = opened()
    nb[0].source = "\n".join(f"value {i}" for i in range(10_000))
    sent: list[bytes] = []
    nb.document.on_update(lambda update, _: sent.append(update))
    nb[0].source = nb[0].source.replace("value 5000\n", "value 5000!\n")

    assert len(sent) == 1
    assert len(sent[0]) < 40


@pytest.mark.parametrize(("index", "place"), [(0, 0), (2, 2), (4, 4), (99, 4), (-1, 3), (-99, 0)])
def test_insert_takes_any_index_as_a_list_does(index: int, place: int) -> None:
    nb = opened()
    assert nb.insert(index, "new").index == place


@pytest.mark.parametrize("type_", ["code", "markdown", "raw"])
def test_new_cells_are_what_jupyter_ydoc_makes(type_: str) -> None:
    nb = opened()
    cell = nb.append("é", type=type_, metadata={"deep": {"list": [1, 2.5, None, True]}})
    theirs = YNotebook()
    theirs.append_cell(dict(nb.to_dict()["cells"][-1]))

    with nb.document.reading() as replica:
        ours = replica.root("cells", Array)[-1]
        assert ours.to_py() == theirs.ycells[0].to_py()
        assert {k: type(ours[k]) for k in ours} == {k: type(v) for k, v in theirs.ycells[0].items()}
    assert cell.metadata == {"deep": {"list": [1, 2.5, None, True]}}
    assert nb.to_dict() == as_saved(nb)


def test_deleting() -> None:
    nb = opened()
    del nb[1]
    del nb["raw"]
    assert [cell.id for cell in nb] == ["title", "load-2"]
    nb.delete(-1)
    assert [cell.id for cell in nb] == ["title"]


@pytest.mark.parametrize(
    "key", [slice(None), slice(1, 3), slice(None, None, 2), slice(-1, 0, -1), slice(9, 12)]
)
def test_deleting_a_slice_is_what_a_list_does_in_one_update(key: slice) -> None:
    nb = opened()
    sent: list[bytes] = []
    nb.document.on_update(lambda update, _: sent.append(update))
    expected = [cell.id for cell in nb]
    before = len(expected)
    del expected[key]
    del nb[key]

    assert [cell.id for cell in nb] == expected
    assert len(sent) == (len(expected) < before)


def test_moving() -> None:
    ada, bob, _ = two()
    raw = ada["raw"]

    raw.move(before=ada[0])
    assert [cell.id for cell in bob] == ["raw", "title", "load-1", "load-2"]
    raw.move(after="load-1")
    assert [cell.id for cell in bob] == ["title", "load-1", "raw", "load-2"]
    ada[0].move(after=-1)
    assert [cell.id for cell in bob] == ["load-1", "raw", "load-2", "title"]
    assert bob["load-1"].outputs == FILE["cells"][1]["outputs"]
    assert by_id(as_saved(ada)["cells"]) == by_id(FILE["cells"])


def test_moving_needs_one_place() -> None:
    ada, other = opened(), opened()
    with pytest.raises(TypeError, match="either before= or after="):
        ada[0].move()
    with pytest.raises(TypeError, match="either before= or after="):
        ada[0].move(before=1, after=2)
    with pytest.raises(DocumentError, match="another notebook"):
        ada[0].move(before=other[1])


def test_retyping() -> None:
    ada, bob, _ = two()
    cell, theirs = ada["load-1"], bob["load-1"]

    cell.cell_type = "markdown"
    assert theirs.cell_type == "markdown"
    assert theirs.source == "df = read()\ndf"
    assert theirs.metadata == {"tags": ["setup"], "n": 1}
    assert theirs.outputs == []
    assert theirs.index == 1
    cell.cell_type = "code"
    assert theirs.outputs == []
    assert theirs.execution_count is None
    ada["raw"].cell_type = "markdown"
    assert as_saved(ada)["cells"][3]["attachments"] == {"i.png": {"image/png": "AA=="}}
    ada["raw"].cell_type = "code"
    assert "attachments" not in as_saved(ada)["cells"][3]


def test_the_running_cell_is_neither_moved_nor_retyped() -> None:
    nb = opened()
    nb.running_cell_id = "load-1"

    with pytest.raises(DocumentError, match="running cell cannot be moved: its outputs"):
        nb["load-1"].move(before=0)
    with pytest.raises(DocumentError, match="running cell cannot be retyped"):
        nb["load-1"].cell_type = "raw"
    nb["title"].move(after="load-1")
    nb["load-1"].source = "still editable"
    assert [cell.id for cell in nb][:2] == ["load-1", "title"]


def test_metadata_writes_only_what_differs() -> None:
    ada, bob, hub = two(instantly=False)

    ada["load-1"].metadata = {"tags": ["setup"], "n": 1, "hers": {"a": [1]}}
    bob["load-1"].metadata = {"tags": ["setup", "his"]}
    hub.deliver()

    assert ada["load-1"].metadata == bob["load-1"].metadata == {"tags": ["setup", "his"], "hers": {"a": [1]}}


def test_the_notebooks_metadata() -> None:
    ada, bob, _ = two()
    ada.metadata = ada.metadata | {"level": True}

    assert bob.metadata["level"] is True
    assert bob.metadata["kernelspec"]["name"] == "python3"


# --------------------------------------------------------------------------------------------- handles by id


def test_handles_survive_moves_inserts_and_retyping() -> None:
    ada, bob, _ = two()
    hers = ada["load-2"]

    bob["load-2"].move(before=0)
    bob.insert(0, "first")
    bob["load-2"].cell_type = "markdown"
    hers.source = "found"

    assert bob[1].source == "found"
    assert hers.index == 1
    assert hers == ada[1]
    assert hers != bob[1]
    assert len({hers, ada[1]}) == 1


def test_a_deleted_cell_is_gone() -> None:
    ada, bob, _ = two()
    hers = ada["load-1"]
    bob["load-1"].delete()

    assert not hers.exists
    assert hers not in ada
    assert repr(hers) == "<cell load-1, deleted>"
    assert "deleted" in hers._repr_html_()
    for use in (
        lambda: hers.source,
        lambda: hers.index,
        lambda: hers.outputs[0],
        lambda: len(hers.text),
        lambda: list(hers.tags),
        lambda: hers.lines.append("x"),
        lambda: hers.metadata["n"],
        hers.delete,
        lambda: hers.move(before=0),
        lambda: setattr(hers, "source", "x"),
        lambda: setattr(hers, "metadata", {}),
        lambda: ada[0].move(after=hers),
    ):
        with pytest.raises(CellGone, match="cell load-1 was deleted"):
            use()


def test_an_id_that_a_relay_changes_is_followed() -> None:
    ada, bob, _ = two()
    assert [cell.id for cell in ada][1] == "load-1"
    stale = ada[1]
    with bob.document.writing() as replica:
        replica.root("cells", Array)[1]["id"] = "twin"

    assert ada[1].id == "twin"
    assert [cell.id for cell in ada][1] == "twin"
    assert ada["twin"].source == "df = read()\ndf"
    assert not stale.exists


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        ("a\nb", "a\nb", ["a\nb"]),
        ("a\nb", "b", ["a\nb"]),
        ("b", "a\nb\nc", ["a\nb\nc"]),
        ("a\nb", "b\na", ["a\nb", "b\na"]),
        ("a = 1", "a = 10", ["a = 1", "a = 10"]),
    ],
)
def test_of_twins_one_goes_that_has_nothing_of_its_own(first: str, second: str, left: list[str]) -> None:
    """As where two brought back one cell, and the one knew less of it than the other."""
    doc: Doc[Any] = Doc()
    ycells: Array[Any] = doc.get("cells", type=Array)
    for source in (first, "other", second):
        name = "b" if source == "other" else "a"
        cell = {"id": name, "cell_type": "code", "source": source, "metadata": {}, "outputs": []}
        ycells.append(new_ycell(cell | {"execution_count": None}))
    assert settle_twins(doc, Origin("relay"))
    cells = read_cells(doc)
    assert [cell["source"] for cell in cells if cell["source"] != "other"] == left
    assert len({cell["id"] for cell in cells}) == len(cells) == len(left) + 1


def test_twins_are_both_there() -> None:
    ada, bob, hub = two(instantly=False)
    ada["title"].move(after=-1)
    bob["title"].move(after=1)
    hub.deliver()

    assert [cell.id for cell in ada].count("title") == 2
    assert ada["title"].index == 1
    ada["title"].delete()
    assert [cell.id for cell in ada] == ["load-1", "load-2", "raw", "title"]


# ------------------------------------------------------------------------------------------------ bad values


BAD_METADATA: list[Any] = [
    {"a": {1, 2}},
    {"a": object()},
    {1: "a"},
    {"a": {None: 1}},
    {"a": float("nan")},
    {"a": [float("inf")]},
    {"a": 2**53 + 1},
    {"a": b"bytes"},
    {"a": "\ud800"},
    {"\udfff": 1},
]


@pytest.mark.parametrize("bad", BAD_METADATA)
def test_bad_metadata_is_refused_before_anything_is_written(bad: dict[Any, Any]) -> None:
    nb = opened()
    before = nb.to_dict()
    for write in (
        lambda: setattr(nb[0], "metadata", bad),
        lambda: setattr(nb, "metadata", bad),
        lambda: nb.append("x", metadata=bad),
    ):
        with pytest.raises(DocumentError):
            write()
    assert nb.to_dict() == before


def test_metadata_that_holds_itself() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    with pytest.raises(DocumentError, match="holds itself"):
        opened()[0].metadata = loop


def test_other_bad_values_are_refused_before_anything_is_written() -> None:
    nb = opened()
    before = nb.to_dict()
    with pytest.raises(TypeError, match="Join the lines"):
        nb[0].source = ["a"]  # type: ignore[assignment]
    with pytest.raises(DocumentError, match="surrogate"):
        nb[0].source = "\ud800"
    with pytest.raises(TypeError):
        nb.append(None)  # type: ignore[arg-type]
    with pytest.raises(DocumentError, match="code, markdown or raw, not 'python'"):
        nb.append("x", type="python")
    with pytest.raises(DocumentError, match="code, markdown or raw"):
        nb[0].cell_type = "heading"
    with pytest.raises(TypeError, match="dict"):
        nb[0].metadata = []  # type: ignore[assignment]

    assert nb.to_dict() == before


# ----------------------------------------------------------------------------------------------------- looks


def test_reprs_are_short_and_safe() -> None:
    nb = opened()
    nb["raw"].source = "\n\n<script>alert(1)</script>" + "x" * 500

    assert repr(nb[1]) == "<code cell 1 load-1 'df = read()'>"
    assert repr(nb) == "<notebook, 4 cells (1 markdown, 2 code, 1 raw)>"
    assert len(repr(nb["raw"])) < 80
    for shown in (nb._repr_html_(), nb["raw"]._repr_html_()):
        assert "<script>" not in shown
        assert "&lt;script&gt;" in shown
    with nb.document.writing() as replica:
        replica.root("state", Map)["path"] = "a<b>.ipynb"
    assert repr(nb).startswith("<notebook 'a<b>.ipynb', ")
    assert "a&lt;b&gt;.ipynb" in nb._repr_html_()


# ----------------------------------------------------------------------------------------------------- speed


def test_ten_thousand_cells() -> None:
    nb = Notebook.new()
    began = time.process_time()
    with nb.transaction("fill"):
        for i in range(10_000):
            nb.append(f"x = {i}")
    appended = time.process_time()
    sources = [cell.source for cell in nb]
    read = time.process_time()
    for cell in nb[::10]:
        cell.source += "!"
    written = time.process_time()
    for cell in nb[::-10]:
        cell.delete()
    deleted = time.process_time()

    assert sources == [f"x = {i}" for i in range(10_000)]
    assert len(nb) == 9_000
    assert read - appended < 1.0
    assert appended - began < 10.0
    assert written - read < 2.0
    assert deleted - written < 4.0


def test_deleting_every_cell_by_its_handle() -> None:
    nb = Notebook.new()
    with nb.transaction():
        for i in range(2_000):
            nb.append(str(i))
    for cell in nb:
        cell.delete()

    assert len(nb) == 0
