"""Seeds are the same for the same file, whoever makes them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_ydoc import YNotebook
from pycrdt import Array, Doc, Text, get_state

from rtc_widgets import ids
from rtc_widgets.documents.seed import normalize, seed
from rtc_widgets.errors import DocumentError, UnknownDocumentType


def code(source: str = "", **more: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        **more,
    }


def notebook(*cells: dict[str, Any], minor: int = 5, **metadata: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


def rich() -> dict[str, Any]:
    outputs = [
        {
            "output_type": "display_data",
            "data": {"text/plain": "a", "text/html": "b", "image/png": "c"},
            "metadata": {},
        },
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "twö"]},
    ]
    return notebook(
        code("é = 1", id="a", outputs=outputs, metadata={"z": {"q": 1, "w": 2, "e": 3}, "trusted": True}),
        {"cell_type": "markdown", "source": "# 𝒯itle", "metadata": {}},
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
    )


def loaded(*updates: bytes) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return doc


def cells_of(doc: Doc[Any]) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = doc.get("cells", type=Array).to_py()
    return result


def test_another_process_makes_the_same_seed() -> None:
    here = seed("notebook", rich())
    script = (
        "import base64, json, sys; from rtc_widgets.documents.seed import seed; "
        "s = seed('notebook', json.load(sys.stdin)); print(s.lineage, base64.b64encode(s.update).decode())"
    )
    for hash_seed in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", script],
            input=json.dumps(rich()),
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        there = base64.b64decode(answer[1])
        assert answer[0] == here.lineage
        assert len(there) == len(here.update) and get_state(there) == get_state(here.update)
        assert (
            cells_of(loaded(here.update)) == cells_of(loaded(there)) == cells_of(loaded(here.update, there))
        )
        # An edit made on one is the same edit on the other: the items have the same ids.
        mine, yours = loaded(here.update), loaded(there)
        mine.get("cells", type=Array)[1]["source"].insert(0, "new ")
        yours.apply_update(mine.get_update(yours.get_state()))
        assert cells_of(mine) == cells_of(yours)


def test_the_order_of_keys_in_the_file_does_not_matter() -> None:
    turned = json.loads(json.dumps(rich()), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    one, other = seed("notebook", rich()), seed("notebook", turned)
    assert one.lineage == other.lineage and get_state(one.update) == get_state(other.update)
    assert cells_of(loaded(one.update, other.update)) == cells_of(loaded(one.update))
    mine, yours = loaded(one.update), loaded(other.update)
    mine.get("cells", type=Array)[0]["source"].insert(0, "new ")
    yours.apply_update(mine.get_update(yours.get_state()))
    assert cells_of(mine) == cells_of(yours)


def test_the_seed_is_written_by_the_client_that_the_lineage_names() -> None:
    made = seed("file", "hello")
    assert list(get_state_clients(made.update)) == [ids.seed_client_id(made.lineage)]
    assert seed("file", "hello!").lineage != made.lineage
    assert seed("unicode", "hello").lineage != made.lineage


def get_state_clients(update: bytes) -> list[int]:
    # A state vector: varuint count, then client and clock for each.
    data, at, numbers = get_state(update), 0, []
    while at < len(data):
        value = shift = 0
        while True:
            byte, at = data[at], at + 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        numbers.append(value)
    return numbers[1::2]


@pytest.mark.parametrize("minor", [2, 4, 5])
def test_cells_without_ids_get_stable_ones_and_the_version_stays(minor: int) -> None:
    content = notebook(
        code("a"), code("a"), code("b", id="no good!"), code("c", id="c"), code("d", id="c"), minor=minor
    )
    one, other = normalize("notebook", content), normalize("notebook", content)
    assert one == other and one["nbformat_minor"] == minor
    names = [cell["id"] for cell in one["cells"]]
    assert len(set(names)) == 5 and names[3] == "c" and all(8 <= len(n) <= 64 for n in names if n != "c")
    made = seed("notebook", content)
    document = YNotebook(loaded(made.update))
    assert document.get()["nbformat_minor"] == minor
    assert all(("id" in cell) == (minor >= 5) for cell in document.get()["cells"])
    assert [cell["id"] for cell in cells_of(document.ydoc)] == names


def test_an_id_that_a_later_cell_owns_is_not_derived_again() -> None:
    derived = normalize("notebook", notebook(code("a")))["cells"][0]["id"]
    both = normalize("notebook", notebook(code("a"), code("b", id=derived)))
    assert both["cells"][1]["id"] == derived != both["cells"][0]["id"]


@pytest.mark.parametrize("content", [{}, notebook(), {"metadata": {}, "nbformat": 4, "nbformat_minor": 4}])
def test_an_empty_notebook_gets_one_empty_cell_always_the_same(content: dict[str, Any]) -> None:
    one, other = seed("notebook", content), seed("notebook", content)
    assert one == other
    assert [cell["source"] for cell in cells_of(loaded(one.update))] == [""]


def test_trust_is_not_part_of_the_document() -> None:
    distrusted = rich()
    distrusted["cells"][0]["metadata"]["trusted"] = False
    assert seed("notebook", distrusted).lineage == seed("notebook", rich()).lineage
    assert "trusted" not in cells_of(loaded(seed("notebook", rich()).update))[0]["metadata"]


def test_whole_numbers_that_no_crdt_holds_become_floats() -> None:
    """With one of them the CRDT panics, which nothing catches."""
    numbers = [2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**400, True]
    content = normalize("notebook", notebook(code(metadata={"numbers": numbers})))
    kept = content["cells"][0]["metadata"]["numbers"]
    assert kept == [2**63 - 1, -(2**63), 2.0**63, -(2.0**63), None, True]
    assert [type(number) for number in kept[:4]] == [int, int, float, float]
    assert seed("notebook", content).content["cells"][0]["metadata"]["numbers"] == kept


def test_text_has_unix_line_ends_and_no_lone_surrogate() -> None:
    made = seed("file", "a\r\nb\rc \ud800")
    assert str(loaded(made.update).get("source", type=Text)) == "a\nb\nc �"
    cell = seed("notebook", notebook(code("a\r\nb", id="a")))
    assert cell.content["cells"][0]["source"] == "a\nb"


def test_what_json_has_not_becomes_null() -> None:
    cell = code(metadata={"numbers": [float("nan"), float("-inf"), 1.5]})
    assert seed("notebook", notebook(cell)).content["cells"][0]["metadata"] == {"numbers": [None, None, 1.5]}


def test_lines_of_text_are_joined_and_lists_of_data_are_not() -> None:
    data = {
        "text/plain": ["a\n", "b"],
        "application/json": ["x"],
        "application/vnd.x+json": ["y"],
        "image/x": [1],
    }
    cell = code(outputs=[{"output_type": "display_data", "data": data, "metadata": {}}])
    note = {"cell_type": "markdown", "source": ["a\n", "b"], "attachments": {"i": {"text/plain": ["c", "d"]}}}
    first, second = seed("notebook", notebook(cell, note)).content["cells"]
    assert first["outputs"][0]["data"] == {**data, "text/plain": "a\nb"}
    assert (second["source"], second["attachments"]) == ("a\nb", {"i": {"text/plain": "cd"}})


def test_other_types() -> None:
    assert seed("blob", base64.b64encode(b"\0\1").decode()).content == b"\0\1"
    with pytest.raises(UnknownDocumentType):
        seed("nonsense", "x")


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        ("notebook", None),
        ("notebook", []),
        ("notebook", {"cells": {}}),
        ("notebook", {"cells": [1]}),
        ("notebook", {"cells": [{"source": "x"}]}),
        ("notebook", {"cells": [{**code(), "source": 5}]}),
        ("notebook", {"cells": [code("x", metadata=[1])]}),
        ("notebook", {"cells": [code("x", outputs=["x"])]}),
        ("notebook", {"cells": [], "nbformat": "4"}),
        ("notebook", {"cells": [], "nbformat": float("nan")}),
        ("file", None),
        ("file", {"a": 1}),
    ],
)
def test_what_is_no_document_is_refused_with_a_sentence(type_: str, content: Any) -> None:
    with pytest.raises(DocumentError):
        seed(type_, content)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_CELLS = st.lists(
    st.builds(
        lambda kind, source, meta, cell_id: {
            "cell_type": kind,
            "source": source,
            "metadata": meta,
            **cell_id,
        },
        st.sampled_from(["code", "markdown", "raw"]),
        st.text(),
        st.dictionaries(st.text(), _JSON, max_size=2),
        st.just({}) | st.fixed_dictionaries({"id": st.sampled_from(["a", "b", "c d", ""])}),
    ),
    max_size=5,
)


@given(_CELLS)
def test_normalizing_twice_changes_nothing_and_the_document_holds_it(cells: list[dict[str, Any]]) -> None:
    once = normalize("notebook", notebook(*cells))
    assert normalize("notebook", once) == once
    assert [cell["id"] for cell in once["cells"]] == list(dict.fromkeys(cell["id"] for cell in once["cells"]))
    made = seed("notebook", notebook(*cells))
    assert made == seed("notebook", once)
    read = YNotebook(loaded(made.update)).get()["cells"]
    assert normalize("notebook", {**once, "cells": read}) == once
