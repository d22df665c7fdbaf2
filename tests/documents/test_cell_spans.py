"""Of a text edited within one cell only that cell is read, and what comes of it is what reading all would give."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array
from support.projected import Pair, code, notebook_of

from rtc_widgets.documents import projection
from rtc_widgets.documents.cell_spans import CellSpans, EditedCell
from rtc_widgets.documents.ycells import new_ycell

OLD = '{"nbformat": 4, "cells": [ {"id": "a", "n": 1} ,\n{"id": "b", "n": 2}], "metadata": {}}'


def edited(new: str, old: str = OLD) -> EditedCell | None:
    return CellSpans().edited(old, new, ["a", "b"])


def test_the_one_cell_that_was_edited_is_found() -> None:
    found = edited(OLD.replace("2", "[2, 3]"))
    assert found is not None and found.index == 1
    assert found.raw == {"nbformat": 4, "metadata": {}, "cells": [{"id": "b", "n": [2, 3]}]}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1", "1, 2"),  # no JSON
        ("1", "7} , {2: 1"),
        ('"b"', '"c"'),
        ('"id": "b", ', ""),
        ('{"id": "b", "n": 2}', '{"id": "b", "n": 2}, {"id": "c"}'),
        ('{"id": "a", "n": 1} ,', '{"id": "a", "n": 1} ,{"id": "a", "n": 1} ,'),
        (',\n{"id": "b", "n": 2}', ""),
        ('{"id": "b", "n": 2}', "null"),
        ("{}", '{"x": 1}'),
        ("4", "4.0"),
    ],
)
def test_any_other_edit_takes_the_whole_text(old: str, new: str) -> None:
    assert old in OLD and edited(OLD.replace(old, new)) is None


@pytest.mark.parametrize(
    "old",
    [
        "",
        "[]",
        '{"cells": []}',
        '{"cells": [{}, {"id": "b"}]}',
        '{"cells": [{"id": "a"}, {"id": "b"}]} x',
        '{"cells": [{"id": "a"}, {"id": "b"}], "cells": [{"id": "a"}, {"id": "b"}]}',
        '{"cells": [{"id": "b"}, {"id": "a"}]}',
    ],
)
def test_a_text_that_is_not_the_notebook_that_is_known_is_never_read_by_the_cell(old: str) -> None:
    assert edited(old.replace('"b"', '"b", "n": 1'), old) is None


def test_the_places_are_followed_through_edits_of_all_kinds() -> None:
    spans = CellSpans()
    now = OLD
    for change in (("1", "1000"), ("2", "x"), ("2", "20"), ("1000", ""), ("1000", "5"), ("20", "6")):
        new = now.replace(*change)
        found = spans.edited(now, new, ["a", "b"])
        try:
            cells = json.loads(new)["cells"]
        except ValueError:
            assert found is None
        else:
            assert found is not None and found.raw["cells"] == [cells[found.index]]
            now = new
    assert '"n": 5' in now and '"n": 6' in now


def test_typing_in_one_cell_never_reads_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    monkeypatch.setattr(projection, "read_typed", None)
    monkeypatch.setattr(projection, "merge_notebook", None)
    pair.replace('"c = 3"', '"c = 3 + d"')
    pair.step()
    pair.type("x", 0)
    pair.notebook.get("cells", type=Array).insert(0, new_ycell(code("new", "new")))
    pair.replace('"c = 3 + d"', '"c = 3 + d\\n",\n"e"')
    pair.step()
    assert pair.sources == ["new", "xa = 1\nb = 2", "c = 3 + d\ne", ""]


class Both:
    """The same typed into two notebooks, of which one is always read as a whole."""

    def __init__(self) -> None:
        self.pairs = [Pair(self.FILE), Pair(self.FILE)]
        self._read_whole()

    FILE = notebook_of(
        code("one", "a = 1\nb = 2", {"output_type": "stream", "name": "stdout", "text": "1\n"}),
        {"id": "two", "cell_type": "markdown", "source": "# 🦉", "metadata": {"tags": ["x"]}},
        code("three", ""),
    )

    def _read_whole(self) -> None:
        self.pairs[1].projection._spans.edited = lambda *_: None  # type: ignore[method-assign]

    def do(self, what: str, at: int, snippet: str) -> None:
        for pair in self.pairs:
            text = pair.text
            place = at % (len(text) + 1)
            match what:
                case "type":
                    pair.write(text[:place] + snippet + text[place:])
                case "delete":
                    pair.write(text[:place] + text[place + at % 5 :])
                case "replace":
                    pair.write(text.replace(OF[at % len(OF)], snippet, 1))
                case "notebook" if pair.cells:
                    pair.type(snippet, at % len(pair.cells))
                case "remove" if len(pair.cells) > 1:
                    del pair.notebook.get("cells", type=Array)[at % len(pair.cells)]
                case "step":
                    pair.step()
                case "mend":
                    pair.step(discard=True)

    def same(self) -> None:
        fast, whole = ([pair.step(), pair.step(tidy=True), pair.content, pair.text] for pair in self.pairs)
        assert [step.problem for step in fast[:2]] == [step.problem for step in whole[:2]]
        assert _named(*fast[2:]) == _named(*whole[2:])


OF = ['"a = 1', '"code"', '"markdown"', '"metadata": {}', '"x"', '"outputs": []', "null", '"one"', "}", '"# ']
SNIPPETS = [
    '"',
    "x",
    " ",
    ",",
    '"a = 1',
    '"raw"',
    '"code"',
    '{"x": 1}',
    "1",
    "[1]",
    "},\n{",
    '"k": 2, ',
    "🦉",
    '"two"',
]


def _named(content: dict[str, Any], text: str) -> Sequence[Any]:
    """Return both with the ids that were made up named by their places."""
    shown = json.dumps(content, ensure_ascii=False)
    for index, cell in enumerate(content["cells"]):
        if cell["id"] not in ("one", "two", "three"):
            shown = shown.replace(cell["id"], f"new-{index}")
            text = text.replace(cell["id"], f"new-{index}")
    return shown, text


@settings(max_examples=300)
@given(
    ops=st.lists(
        st.tuples(
            st.sampled_from(
                ("type", "type", "delete", "replace", "replace", "notebook", "remove", "step", "mend")
            ),
            st.integers(0, 2000),
            st.sampled_from(SNIPPETS),
        ),
        max_size=12,
    )
)
def test_by_the_cell_and_as_a_whole_it_is_the_same_notebook(ops: list[tuple[str, int, str]]) -> None:
    both = Both()
    for what, at, snippet in ops:
        both.do(what, at, snippet)
    both.same()
