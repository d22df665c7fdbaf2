"""The text of a notebook's file is nbformat's, and places in it are found."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.notebooks import FILE

from rtc_widgets.documents.ipynb import Writer
from rtc_widgets.documents.json_place import locate, place
from rtc_widgets.documents.seed import normalize
from rtc_widgets.documents.typed import Problem, Typed, read_typed
from rtc_widgets.relay.validity import check


def by_nbformat(content: dict[str, Any]) -> str:
    bare = content["nbformat_minor"] < 5
    cells = [{k: v for k, v in cell.items() if k != "id" or not bare} for cell in content["cells"]]
    written: str = nbformat.writes(nbformat.from_dict({**content, "cells": cells}))  # type: ignore[no-untyped-call]
    return written + "\n"


@pytest.mark.parametrize("minor", [4, 5])
def test_a_notebook_is_written_as_nbformat_writes_it(minor: int) -> None:
    content = normalize("notebook", {**FILE, "nbformat_minor": minor})
    assert Writer().write(content) == by_nbformat(content)


@given(st.lists(st.tuples(st.integers(0, 3), st.text(), st.sampled_from((4, 5))), max_size=6))
def test_writing_again_writes_what_changed(changes: list[tuple[int, str, int]]) -> None:
    writer = Writer()
    content = normalize("notebook", FILE)
    for index, source, minor in changes:
        cells = list(content["cells"])
        cells[index] = normalize("notebook", {**FILE, "cells": [{**cells[index], "source": source}]})[
            "cells"
        ][0]
        content = {**content, "cells": cells, "nbformat_minor": minor}
        assert writer.write(content) == by_nbformat(content)


def test_a_value_is_found_by_its_path() -> None:
    text = Writer().write(normalize("notebook", FILE))
    notebook = json.loads(text)
    for path, value in (
        (["cells", 1, "source", 0], notebook["cells"][1]["source"][0]),
        (["metadata", "level"], 2),
        (["cells", 1, "outputs", 0, "name"], "stdout"),
    ):
        at = locate(text, path)
        assert json.JSONDecoder().raw_decode(text, at)[0] == value
    assert text[locate(text, ["cells", 1]) :].startswith('{\n   "cell_type": "code"')
    assert locate(text, ["cells", 1, "missing"]) == locate(text, ["cells", 1])
    assert locate(text, []) == 0
    assert place(text, text.rindex('"metadata"'))[1] == 2


def problem(text: str, base: dict[str, Any] | None = None) -> Problem:
    found = read_typed(text, base, check)
    assert isinstance(found, Problem), found
    return found


def written(**changes: Any) -> str:
    """Return the text of a notebook whose second cell has *changes*, one key a line."""
    notebook = json.loads(Writer().write(normalize("notebook", FILE)))
    cell = notebook["cells"][1]
    notebook["cells"][1] = {k: v for k, v in {**cell, **changes}.items() if v is not ...}
    return json.dumps(notebook, indent=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is nothing here."),
        ("[" * 100_000, "This is nested too deeply."),
        ("[]", "A notebook is a JSON object."),
        ('{"cells": []}', "A notebook has one cell at least."),
        ('{"cells": 1, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "1 is not of type 'array'."),
        (written(source=...), "'source' is a required property."),
        (written(source=3), "This is text, or a list of lines."),
        (written(cell_type="cod"), "A cell's cell_type is code, markdown or raw."),
        (written(cell_type={"x": 1}), "A cell's cell_type is code, markdown or raw."),
        (written(cell_type=...), "A cell needs a cell_type: code, markdown or raw."),
        (written(outputs=[{"output_type": "foo"}]), "An output's output_type is stream, display_data"),
        (written(execution_count="1"), "'1' is not of type 'integer', 'null'."),
        (written(metadata={"n": 2**70}), "beyond 2**53"),
        (written(metadata=[]), "[] is not of type 'object'."),
    ],
)
def test_what_is_no_notebook_is_told_in_words(text: str, message: str) -> None:
    found = problem(text)
    assert message in found.message
    assert 1 <= found.line <= text.count("\n") + 1


def test_what_is_wrong_is_told_where_it_is() -> None:
    text = written(outputs=[{"output_type": "stream", "text": "x"}])
    found = problem(text)
    assert found.message == "'name' is a required property."
    assert text.split("\n")[found.line - 1][found.column - 1 :] == "{"
    assert text.split("\n")[found.line].strip() == '"output_type": "stream",'


def test_what_others_left_need_not_be_mended() -> None:
    base = normalize("notebook", json.loads(written(colour="red")))
    assert isinstance(read_typed(written(colour="red"), base, check), Typed)
    assert "colour" in problem(written(colour="red", source="changed"), base).message


def test_cells_that_are_typed_need_no_id() -> None:
    found = read_typed(written(id=...), None, check)
    assert isinstance(found, Typed) and not found.complete
    assert len({cell["id"] for cell in found.content["cells"]}) == 4
