"""A file changed outside is merged into the live document, and nobody loses anything."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jupyter_ydoc import YBlob, YNotebook
from pycrdt import Array, Doc, Map, Text

from rtc_widgets.documents import diff3
from rtc_widgets.documents.cell_match import moved
from rtc_widgets.documents.merge import merge_notebook, merge_other, merge_text
from rtc_widgets.documents.seed import normalize, seed
from rtc_widgets.documents.ycells import read_cells, settle_twins
from rtc_widgets.errors import DocumentError
from rtc_widgets.origins import Origin

FILE = Origin("file")


def code(name: str | None, source: str, *outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    cell = {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": list(outputs),
        "execution_count": None,
        **more,
    }
    return cell if name is None else {**cell, "id": name}


def markdown(name: str | None, source: str, **more: Any) -> dict[str, Any]:
    cell = {"cell_type": "markdown", "source": source, "metadata": {}, **more}
    return cell if name is None else {**cell, "id": name}


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def notebook(*cells: dict[str, Any], minor: int = 5, **metadata: Any) -> dict[str, Any]:
    return copy.deepcopy({"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": minor})


class Live:
    """A live notebook, seeded from a file."""

    def __init__(self, content: dict[str, Any]) -> None:
        made = seed("notebook", content)
        self.doc: Doc[Any] = Doc()
        self.doc.apply_update(made.update)
        self.base = made.content
        self.ycells: Array[Any] = self.doc.get("cells", type=Array)

    def merge(self, theirs: dict[str, Any]) -> Any:
        return merge_notebook(self.doc, self.base, theirs)

    @property
    def sources(self) -> list[str]:
        return [cell["source"] for cell in read_cells(self.doc)]

    @property
    def ids(self) -> list[str]:
        return [cell["id"] for cell in read_cells(self.doc)]

    def insert(self, index: int, cell: dict[str, Any]) -> None:
        self.ycells.insert(index, YNotebook().create_ycell(cell))

    def plain(self) -> dict[str, Any]:
        content: dict[str, Any] = normalize("notebook", YNotebook(self.doc).get())
        ids = self.ids
        for cell, name in zip(content["cells"], ids, strict=True):
            cell["id"] = name
        return content


class Changes:
    """What was said about a document, transaction by transaction."""

    def __init__(self, doc: Doc[Any]) -> None:
        self.updates: list[bytes] = []
        self._subscription = doc.observe(lambda event: self.updates.append(event.update))


def test_a_file_that_did_not_change_changes_nothing() -> None:
    live = Live(notebook(code("a", "1"), code("b", "2")))
    live.ycells[0]["source"].insert(0, "typed ")
    changes = Changes(live.doc)
    result = live.merge(notebook(code("a", "1"), code("b", "2")))
    assert (result.changed, result.conflicts, changes.updates) == (False, [], [])


def test_an_edit_outside_is_a_small_edit_inside_signed_file() -> None:
    source = "x = 1\n" * 1000
    live = Live(notebook(code("a", source), code("b", "2", stream("out"))))
    changes = Changes(live.doc)
    origins: list[Any] = []
    ytext = live.ycells[0]["source"]
    subscription = ytext.observe(lambda event: origins.append(event.transaction.origin))
    result = live.merge(notebook(code("a", source + "y = 2"), code("b", "2", stream("out"))))
    assert result.changed
    assert live.sources[0] == source + "y = 2"
    assert len(changes.updates) == 1
    assert len(changes.updates[0]) < 100
    assert origins == [FILE]
    ytext.unobserve(subscription)


def test_both_edited_other_lines_of_one_cell() -> None:
    live = Live(notebook(code("a", "é\nb\nc\n")))
    live.ycells[0]["source"].insert(0, "typed ")
    result = live.merge(notebook(code("a", "é\nb\nC\n")))
    assert live.sources == ["typed é\nb\nC\n"]
    assert result.conflicts == []


def test_both_edited_the_same_line_and_both_stay() -> None:
    live = Live(notebook(code("a", "first\nx = 0.10\nlast")))
    live.ycells[0]["source"].insert(len("first\nx = 0.1"), "5")
    result = live.merge(notebook(code("a", "first\nx = 0.20\nlast")))
    assert live.sources == ["first\nx = 0.150\nx = 0.20\nlast"]
    assert result.conflicts == ["a"]
    assert result.sides == {"a": ("first\nx = 0.150\nlast", "first\nx = 0.20\nlast")}


def test_cells_inserted_deleted_and_moved() -> None:
    live = Live(notebook(*(code(name, name) for name in "abcde")))
    live.insert(2, code("L", "live"))
    live.merge(notebook(code("e", "e"), code("a", "a"), code("n", "new"), code("c", "c"), code("d", "d!")))
    assert live.ids == ["e", "a", "n", "L", "c", "d"]
    assert live.sources == ["e", "a", "new", "live", "c", "d!"]


def test_a_moved_cell_keeps_its_id_and_what_was_typed_into_it() -> None:
    live = Live(notebook(*(code(name, name) for name in "abc")))
    live.ycells[2]["source"].insert(0, "typed ")
    live.ycells[2]["execution_state"] = "running"
    live.merge(notebook(code("c", "c"), code("a", "a"), code("b", "b")))
    assert (live.ids, live.sources) == (["c", "a", "b"], ["typed c", "a", "b"])
    assert live.ycells[0]["execution_state"] == "running"


def test_a_cell_that_is_gone_here_still_tells_which_of_two_others_was_moved() -> None:
    live = Live(notebook(*(code(name, name) for name in "abcd")))
    del live.ycells[3]
    elsewhere: Doc[Any] = Doc()
    elsewhere.apply_update(live.doc.get_update())
    live.merge(notebook(*(code(name, name) for name in "acdb")))
    elsewhere.get("cells", type=Array)[2]["source"].insert(0, "typed ")
    live.doc.apply_update(elsewhere.get_update())
    assert live.ids == ["a", "c", "b"]
    assert live.sources == ["a", "typed c", "b"], "b alone is made anew"


def test_a_cell_deleted_outside_but_edited_here_stays() -> None:
    live = Live(notebook(code("a", "a"), code("b", "b"), code("c", "c")))
    live.ycells[1]["source"].insert(0, "typed ")
    result = live.merge(notebook(code("a", "a")))
    assert (live.ids, result.conflicts) == (["a", "b"], ["b"])
    assert result.sides == {"b": ("typed b", None)}


def test_a_cell_deleted_here_but_edited_outside_comes_back() -> None:
    live = Live(notebook(code("a", "a"), code("b", "b"), code("c", "c")))
    del live.ycells[1]
    result = live.merge(notebook(code("a", "a"), code("b", "B!"), code("c", "c")))
    assert (live.sources, result.conflicts) == (["a", "B!", "c"], ["b"])
    assert result.sides == {"b": (None, "B!")}


def test_a_cell_deleted_here_stays_deleted_when_the_file_did_not_touch_it() -> None:
    live = Live(notebook(code("a", "a"), code("b", "b"), code("c", "c")))
    del live.ycells[1]
    live.merge(notebook(code("a", "a"), code("b", "b", stream("ran")), code("c", "C")))
    assert live.sources == ["a", "C"]


def test_a_cell_of_another_kind_is_a_new_one_under_the_same_id() -> None:
    live = Live(notebook(code("a", "a", stream("out")), code("b", "b")))
    live.ycells[0]["source"].insert(1, "\ntyped")
    live.merge(notebook(markdown("a", "# a"), code("b", "b")))
    cell = read_cells(live.doc)[0]
    assert (cell["id"], cell["cell_type"]) == ("a", "markdown")
    assert "outputs" not in cell
    assert "typed" in cell["source"]
    assert "# a" in cell["source"]
    live.base = live.plain()
    live.merge(notebook(code("a", "a"), code("b", "b")))
    assert read_cells(live.doc)[0]["outputs"] == []
    assert live.ycells[0]["execution_state"] == "idle"


def test_outputs_follow_the_file_and_run_here_stay() -> None:
    live = Live(notebook(code("a", "a", stream("old")), code("b", "b", stream("old"))))
    live.ycells[1]["outputs"][0]["text"].insert(0, "ran here ")
    theirs = notebook(
        code("a", "a", stream("new"), execution_count=3), code("b", "b", stream("new"), execution_count=4)
    )
    result = live.merge(theirs)
    first, second = read_cells(live.doc)
    assert (first["outputs"], first["execution_count"]) == ([stream("new")], 3)
    assert second["outputs"] == [stream("ran here old")]
    assert result.conflicts == ["b"]
    assert isinstance(live.ycells[0]["outputs"][0]["text"], Text)


def test_a_hook_that_stripped_outputs_strips_nothing_here() -> None:
    live = Live(notebook(code("a", "a", stream("shown"))))
    live.base = normalize("notebook", notebook(code("a", "a")))  # what was written, after the hook
    result = live.merge(notebook(code("a", "a!")))
    assert read_cells(live.doc)[0]["outputs"] == [stream("shown")]
    assert (live.sources, result.conflicts) == (["a!"], [])


def test_metadata_are_merged_key_by_key() -> None:
    live = Live(
        notebook(code("a", "a", metadata={"tags": ["x"], "deep": {"one": 1, "two": 2}, "gone": 1}), kept=1)
    )
    live.ycells[0]["metadata"]["mine"] = True
    live.ycells[0]["metadata"]["deep"] = {"one": 1, "two": 2, "three": 3}
    live.ycells[0]["metadata"]["trusted"] = True
    theirs = notebook(
        code("a", "a", metadata={"tags": ["y"], "deep": {"one": 5, "two": 2}}),
        kept=2,
        kernelspec={"name": "python3", "display_name": "Python 3"},
    )
    result = live.merge(theirs)
    assert result.conflicts == []
    assert read_cells(live.doc)[0]["metadata"] == {
        "tags": ["y"],
        "deep": {"one": 5, "two": 2, "three": 3},
        "mine": True,
        "trusted": True,
    }
    metadata = live.doc.get("meta", type=Map)["metadata"].to_py()
    assert (metadata["kept"], metadata["kernelspec"]["name"]) == (2, "python3")


def test_cells_without_ids_are_known_by_what_they_hold() -> None:
    names = [code(None, "import os"), code(None, "x = 1\nprint(x)"), markdown(None, "# T"), code(None, "")]
    live = Live(notebook(*names, minor=4))
    before = live.ids
    live.ycells[0]["source"].insert(0, "import sys\n")
    result = live.merge(
        notebook(
            code(None, "new first"),
            code(None, "import os"),
            code(None, "x = 2\nprint(x)"),
            code(None, ""),
            markdown(None, "# T"),
            minor=4,
        )
    )
    assert live.sources == ["new first", "import sys\nimport os", "x = 2\nprint(x)", "", "# T"]
    assert live.ids[1:3] == before[:2]
    assert set(before) < set(live.ids)
    assert [cell["id"] for cell in result.content["cells"]] == live.ids


def test_a_tool_that_renames_all_ids_doubles_nothing() -> None:
    live = Live(notebook(code("a", "one"), code("b", "two")))
    live.ycells[0]["source"].insert(0, "typed ")
    result = live.merge(notebook(code("x1", "one"), code("x2", "two"), code("x3", "three")))
    assert live.ids == ["a", "b", "x3"]
    assert live.sources == ["typed one", "two", "three"]
    assert [cell["id"] for cell in result.content["cells"]] == ["a", "b", "x3"]


def test_ids_that_number_the_cells_say_less_than_what_these_hold() -> None:
    """As nbstripout gives them, which numbers the cells of each version of a notebook."""
    live = Live(notebook(code("a", "rate = 1\nrate", stream("1")), code("b", "two")))
    live.ycells[0]["source"].insert(0, "# typed\n")
    live.merge(notebook(code("0", "new"), code("1", "rate = 2\nrate", stream("1")), code("2", "two")))
    assert live.ids[1:] == ["a", "b"]
    assert live.sources == ["new", "# typed\nrate = 2\nrate", "two"]


def test_of_cells_that_are_numbered_what_holds_something_else_is_known_by_its_number() -> None:
    live = Live(notebook(code("0", "one"), code("1", "two"), code("2", "three")))
    live.ycells[1]["source"].insert(0, "# typed\n")
    live.merge(notebook(code("0", "one"), code("1", "a + b"), code("2", "three")))
    assert live.ids == ["0", "1", "2"]


def test_a_file_upgraded_to_ids_keeps_the_live_ones() -> None:
    live = Live(notebook(code(None, "x = 1\ny = 2"), code(None, "two"), minor=4))
    before = live.ids
    live.merge(notebook(code("n1", "x = 1\ny = 3"), code("n2", "two"), minor=5))
    assert live.ids == before
    assert live.sources == ["x = 1\ny = 3", "two"]
    assert live.doc.get("meta", type=Map)["nbformat_minor"] == 5


def test_an_empty_notebook_never_replaces_a_full_one() -> None:
    live = Live(notebook(code("a", "a")))
    changes = Changes(live.doc)
    result = live.merge({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    assert "kept" in result.refused
    assert not result.changed
    assert (live.sources, changes.updates) == (["a"], [])


def test_without_a_base_nothing_is_deleted_or_doubled() -> None:
    live = Live(notebook(code("a", "a"), code("b", "b live"), code("c", "c")))
    result = merge_notebook(live.doc, None, notebook(code("a", "a"), code("b", "b file"), code("d", "d")))
    assert sorted(live.ids) == ["a", "b", "c", "d"]
    assert live.sources[1] == "b live\nb file"
    assert result.conflicts == ["b"]


def test_what_is_no_notebook_changes_nothing() -> None:
    live = Live(notebook(code("a", "a")))
    with pytest.raises(DocumentError):
        live.merge({"cells": [5]})
    assert live.sources == ["a"]


def test_twins_are_settled() -> None:
    live = Live(notebook(code("a", "a"), code("b", "b")))
    live.insert(2, code("a", "a"))
    live.insert(3, code("b", "other"))
    assert settle_twins(live.doc, FILE)
    assert live.sources == ["a", "b", "other"]
    assert len(set(live.ids)) == 3
    assert not settle_twins(live.doc, FILE)


def test_text_is_merged_line_by_line() -> None:
    doc: Doc[Any] = Doc()
    ytext: Text = doc.get("source", type=Text)
    ytext += "öne\ntwo\nthree\n"
    base = str(ytext)
    ytext.insert(0, "typed ")
    changes = Changes(doc)
    result = merge_text(doc, base, "öne\r\ntwo\r\nthree\r\nfour\r\n")
    assert str(ytext) == "typed öne\ntwo\nthree\nfour\n"
    assert result.content == "öne\ntwo\nthree\nfour\n"
    assert len(changes.updates) == 1
    refused = merge_text(doc, result.content, "")
    assert refused.refused
    assert not refused.changed


def test_what_cannot_be_merged_is_not_overwritten() -> None:
    blob = YBlob()
    blob.set(b"one")
    assert merge_other(blob, "blob", b"one", b"two").changed
    blob.set(b"live")
    result = merge_other(blob, "blob", b"two", b"three")
    assert result.refused
    assert blob.get() == b"live"


def test_the_fewest_cells_are_moved() -> None:
    assert moved([]) == set()
    assert moved([1, 2, 0, 3]) == {0}
    assert moved([3, 2, 1]) in ({3, 2}, {2, 1}, {3, 1})


# --- what holds for every notebook

_SOURCES = st.sampled_from(["", "a", "b", "a\nb", "a\nb\nc", "x = 1\ny = 2\nz = 3", "é\n𝄞\n", "# T"])
_OUTPUTS = st.lists(
    st.sampled_from([stream("1"), stream("2"), {"output_type": "display_data", "data": {}, "metadata": {}}]),
    max_size=2,
)
_METADATA = st.dictionaries(
    st.sampled_from(["k", "l"]), st.sampled_from([1, "v", {"n": 1}, ["t"]]), max_size=2
)
_CODE = st.builds(
    lambda source, outputs, metadata, count: code(
        None, source, *outputs, metadata=metadata, execution_count=count
    ),
    _SOURCES,
    _OUTPUTS,
    _METADATA,
    st.none() | st.integers(1, 3),
)
_MARKDOWN = st.builds(lambda source, metadata: markdown(None, source, metadata=metadata), _SOURCES, _METADATA)
_CELL = _CODE | _MARKDOWN


@st.composite
def _notebooks(draw: st.DrawFn, *, minor: int | None = None) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=6))
    minor = draw(st.sampled_from([4, 5])) if minor is None else minor
    cells = [draw(_CELL) if minor < 5 else {**draw(_CELL), "id": name} for name in names]
    return notebook(*cells, minor=minor, **draw(_METADATA))


def check_whole(live: Live) -> None:
    names = live.ids
    assert len(names) == len(set(names))
    assert all(names)


@settings(deadline=None)
@given(_notebooks(), _notebooks())
def test_where_nobody_typed_the_document_becomes_the_file(
    base: dict[str, Any], theirs: dict[str, Any]
) -> None:
    live = Live(base)
    result = live.merge(theirs)
    check_whole(live)
    assert result.conflicts == []
    plain = live.plain()
    assert plain["cells"] == result.content["cells"]
    for key in ("language_info", "kernelspec"):
        del plain["metadata"][key]
    assert plain["metadata"] == result.content["metadata"]
    assert plain["nbformat_minor"] == theirs["nbformat_minor"]
    # And what stands in the file is what was asked for, whatever the cells are called.
    for got, wanted in zip(result.content["cells"], theirs["cells"], strict=True):
        assert {**got, "id": ""} == {**wanted, "id": ""}
    changes = Changes(live.doc)
    assert not merge_notebook(live.doc, result.content, theirs).changed
    assert changes.updates == []


@settings(deadline=None)
@given(_notebooks(), _notebooks(), _notebooks())
def test_whatever_both_did_nothing_typed_is_lost_and_nothing_is_doubled(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    live = Live(base)
    edited = merge_notebook(live.doc, live.base, mine).content  # people's edits
    typed = {cell["id"]: cell for cell in edited["cells"]}
    before = {cell["id"]: cell for cell in live.base["cells"]}
    result = live.merge(theirs)
    check_whole(live)
    now = {cell["id"]: cell["source"].split("\n") for cell in read_cells(live.doc)}
    for name, cell in typed.items():
        if name not in before or before[name]["source"] != cell["source"]:
            assert name in now
            if name not in before:
                assert set(cell["source"].split("\n")) - {""} <= set(now[name])
    for cell in result.content["cells"]:
        old = before.get(cell["id"])
        if old is None or old["source"] != cell["source"]:
            assert cell["id"] in now
    assert len(now) <= len(typed.keys() | before.keys() | {cell["id"] for cell in result.content["cells"]})


_LINES = st.lists(st.sampled_from(["", "a", "b", "c", "d"]), max_size=6)


@given(_LINES, st.data())
def test_disjoint_changes_to_lines_are_both_there(lines: list[str], data: st.DataObject) -> None:
    lines = [f"{index}{line}" for index, line in enumerate([*lines, "end"])]
    sides = [data.draw(st.sampled_from("mto")) for _ in lines]
    mine = [f"mine {line}" if side == "m" else line for line, side in zip(lines, sides, strict=True)]
    theirs = [f"theirs {line}" if side == "t" else line for line, side in zip(lines, sides, strict=True)]
    both = [m if m != line else t for line, m, t in zip(lines, mine, theirs, strict=True)]
    merged = diff3.merge("\n".join(lines), "\n".join(mine), "\n".join(theirs))
    assert merged == diff3.Merged("\n".join(both), 0)


@given(_LINES, _LINES, _LINES)
def test_no_line_that_a_side_added_is_lost(base: list[str], mine: list[str], theirs: list[str]) -> None:
    merged = diff3.merge("\n".join(base), "\n".join(mine), "\n".join(theirs)).text
    kept = set(merged.split("\n"))
    old = set(("\n".join(base)).split("\n"))
    assert set("\n".join(mine).split("\n")) - old <= kept
    assert set("\n".join(theirs).split("\n")) - old <= kept
    if mine == base:
        assert merged == "\n".join(theirs)
    if theirs == base:
        assert merged == "\n".join(mine)
    if mine == theirs:
        assert merged == "\n".join(mine)


def test_ten_thousand_cells_take_seconds_not_minutes() -> None:
    base = notebook(*(code(f"c{index}", f"x = {index}") for index in range(10_000)))
    live = Live(base)
    theirs = copy.deepcopy(base)
    theirs["cells"][5000]["source"] = "changed"
    theirs["cells"].insert(100, code("new", "new"))
    del theirs["cells"][9000]
    theirs["cells"].insert(0, theirs["cells"].pop())
    live.merge(theirs)
    assert live.sources == [cell["source"] for cell in theirs["cells"]]
