"""A notebook and its text go together, whatever is done to either, in whatever order it is heard of."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Map
from support.projected import FILE, Pair, code, notebook_of

from rtc_widgets.documents.ipynb import Writer
from rtc_widgets.documents.merge import identify
from rtc_widgets.documents.projection import Step, merge_typing
from rtc_widgets.documents.seed import normalize
from rtc_widgets.documents.ycells import new_ycell

GARBAGE = '"]{'


def test_the_text_is_what_the_file_would_be_and_stays_so() -> None:
    pair = Pair()
    assert pair.step() == Step()
    assert pair.text == Writer().write(normalize("notebook", FILE))


def test_what_is_done_to_the_notebook_is_in_the_text() -> None:
    pair = Pair()
    pair.type("x", 1)
    step = pair.step()
    assert '"xc = 3"' in pair.text and step.notebook is None
    assert step.text is not None and len(step.text) < 60, "by the smallest change"
    assert pair.step() == Step(), "and that is no change of the notebook"


def test_what_is_typed_is_in_the_notebook_by_the_smallest_change() -> None:
    pair = Pair()
    pair.replace('"c = 3"', '"c = 34"')
    step = pair.step(writer=7)
    assert pair.sources == ["a = 1\nb = 2", "c = 34", ""] and step.text is None
    assert step.notebook is not None and len(step.notebook) < 60
    assert pair.step() == Step()


def test_what_two_type_in_one_line_at_once_is_merged_letter_by_letter() -> None:
    pair = Pair()
    pair.replace('"c = 3"', '"c = 34"')
    pair.type("cc", 1)
    pair.step()
    assert pair.sources[1] == "ccc = 34" and '"ccc = 34"' in pair.text


def test_what_is_typed_during_a_step_is_kept() -> None:
    pair = Pair()
    pair.replace('"c = 3"', '"c = 34"')
    step = pair.begin()
    pair.replace('"c = 34"', '"c = 345"')
    pair.type("c", 1)
    pair.end(step)
    pair.step()
    pair.step()
    assert pair.sources[1] == "cc = 345" and '"cc = 345"' in pair.text


def test_a_text_that_is_no_notebook_changes_nothing_until_it_is_mended() -> None:
    pair = Pair()
    pair.replace('"c = 3"', '"c = 34')
    problem = pair.step().problem
    assert problem is not None and pair.text.split("\n")[problem.line - 1].strip() == '"c = 34'
    assert pair.sources[1] == "c = 3"
    pair.type("# above\n", 1)
    broken = pair.text
    assert pair.step().problem == problem and pair.text == broken, "nobody types over it"
    pair.replace('"c = 34', '"c = 34"')
    assert pair.step().problem is None
    assert pair.sources[1] == "# above\nc = 34" and '"# above\\n",\n    "c = 34"' in pair.text


def test_lines_that_changed_on_both_sides_meanwhile_are_both_there() -> None:
    pair = Pair()
    pair.replace('"c = 3"', '"c = 34')
    pair.step()
    pair.type("5", 1, at=5)
    pair.step()
    pair.replace('"c = 34', '"c = 34"')
    assert pair.step().conflicts == ("two",)
    assert pair.sources[1] == "c = 35\nc = 34"
    assert json.loads(pair.text)["cells"][1]["source"] == ["c = 35\n", "c = 34"]


def test_what_was_typed_can_be_given_up() -> None:
    pair = Pair()
    pair.replace('"c = 3"', "nonsense")
    pair.type("d", 0)
    assert pair.step().problem is not None
    assert pair.step(discard=True).problem is None
    assert "nonsense" not in pair.text and '"da = 1\\n"' in pair.text
    assert pair.sources == ["da = 1\nb = 2", "c = 3", ""]


def test_what_was_typed_before_a_restart_is_merged_with_what_came_meanwhile() -> None:
    pair = Pair()
    base = pair.text
    pair.replace('"c = 3"', '"c = 34')
    pair.type("# above\n", 1)
    pair.begun(base)
    assert pair.step().problem is not None
    pair.replace('"c = 34', '"c = 34"')
    pair.step()
    assert pair.sources[1] == "# above\nc = 34"


def test_cells_are_added_moved_deleted_and_copied_in_the_text() -> None:
    pair = Pair()
    notebook = json.loads(pair.text)
    one, two, _ = notebook["cells"]
    new = {"cell_type": "markdown", "metadata": {}, "source": "# New"}
    pair.write(json.dumps({**notebook, "cells": [two, new, one, one]}))
    pair.step()
    assert pair.sources == ["c = 3", "# New", "a = 1\nb = 2", "a = 1\nb = 2"]
    ids = [cell["id"] for cell in pair.cells]
    assert len(set(ids)) == 4 and {ids[0], *ids[2:]} > {"two", "one"}
    assert [cell["id"] for cell in json.loads(pair.text)["cells"]] == ids, "each cell has an id in the text"
    assert pair.step() == Step()


def test_what_people_type_stays_as_they_type_it_until_it_is_tidied() -> None:
    pair = Pair()
    pair.replace('"metadata": {\n  "level": 2\n }', '"metadata": {\n\n  "level":   3 }')
    pair.step()
    assert '\n\n  "level":   3 }' in pair.text and pair.content["metadata"] == {"level": 3}
    pair.type("d", 1)
    pair.step()
    assert '\n\n  "level":   3 }' in pair.text and '"dc = 3"' in pair.text
    pair.step(tidy=True)
    assert pair.text == Writer().write(pair.content)


def test_two_that_have_the_same_id_are_told_apart_in_both() -> None:
    pair = Pair()
    pair.notebook.get("cells", type=Array).insert(1, new_ycell(code("one", "twin")))
    pair.step()
    ids = [cell["id"] for cell in pair.cells]
    assert len(set(ids)) == 4
    assert [cell["id"] for cell in json.loads(pair.text)["cells"]] == ids


def test_a_notebook_of_format_4_4_has_no_ids_in_its_text() -> None:
    pair = Pair(notebook_of(code("one", "a"), code("two", "b"), minor=4))
    ids = [cell["id"] for cell in pair.cells]
    assert '"id"' not in pair.text
    notebook = json.loads(pair.text)
    notebook["cells"].reverse()
    notebook["cells"][0]["source"] = ["b!"]
    pair.write(json.dumps(notebook))
    pair.step()
    assert pair.sources == ["b!", "a"] and pair.cells[1]["id"] == ids[0]
    assert pair.step() == Step()


@pytest.mark.parametrize("metadata", [{"n": 2**70}, {"n": [[[]]], "x": "\ud800"}])
def test_what_a_document_cannot_hold_harms_nothing(metadata: dict[str, Any]) -> None:
    pair = Pair()
    notebook = json.loads(pair.text)
    notebook["cells"][0]["metadata"] = metadata
    pair.write(json.dumps(notebook))
    step = pair.step()
    pair.replace('"a = 1\\n"', '"a = 2\\n"')
    assert pair.step().problem == step.problem
    if step.problem is None:
        assert pair.sources[0] == "a = 2\nb = 2"


def test_merging_what_two_typed() -> None:
    assert merge_typing("x = 1", "x = 1", "x = 2").text == "x = 2"
    assert merge_typing("x = 1", "x = 12", "x = 1").text == "x = 12"
    assert merge_typing("ab", "aXb", "abY").text == "aXbY"
    assert merge_typing("abcd", "ad", "abXcd").text == "aXd"


# --- whatever is done

TEXT_OPS = ("type", "delete", "move", "add", "copy", "output", "layout")
OPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("notebook"),
            st.sampled_from(("type", "delete", "move", "add", "output", "metadata")),
            st.integers(0, 30),
        ),
        st.tuples(
            st.just("text"), st.sampled_from((*TEXT_OPS, "break", "mend", "discard")), st.integers(0, 30)
        ),
        st.tuples(st.just("step"), st.sampled_from(("", "", "late", "again", "tidy")), st.just(0)),
    ),
    max_size=40,
)


class World(Pair):
    """Do anything to both, and remember what must be there in the end."""

    def __init__(self, minor: int) -> None:
        super().__init__({**copy.deepcopy(FILE), "nbformat_minor": minor})
        self.tokens: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.conflicts = 0
        self.late: Step | None = None
        self.structural = self.restructured = False
        self._number = 0

    def do(self, where: str, what: str, number: int) -> None:
        self.structural |= where != "step" and what not in {"type", "break"}
        getattr(self, f"_{where}")(what, number)

    def _token(self, name: str) -> str:
        self._number += 1
        # Of one letter that stands nowhere else: of "<2><1>", where "<1>" was, nobody can tell what was typed.
        token = chr(0x4E00 + self._number)
        self.tokens[token] = name
        return token

    def _forget(self, name: str, source: str) -> None:
        """Expect nothing of a cell that is deleted; it may be there all the same, edited by others."""
        self.deleted.add(name)
        self.tokens = {token: of for token, of in self.tokens.items() if token not in source}

    def _notebook(self, what: str, number: int) -> None:
        ycells: Array[Any] = self.notebook.get("cells", type=Array)
        cells = self.cells
        if what == "add" or not cells:
            name = f"n{self._number}-{number}"
            ycells.insert(number % (len(cells) + 1), new_ycell(code(name, self._token(name))))
            return
        index = number % len(cells)
        cell = cells[index]
        if what == "type":
            # Never inside another token, nor inside a letter of several bytes.
            ycells[index]["source"].insert(0, self._token(cell["id"]))
        elif what == "output" and cell["cell_type"] == "code":
            ycells[index]["outputs"].append(
                Map({"output_type": "error", "ename": "E", "evalue": "", "traceback": []})
            )
        elif what == "metadata":
            ycells[index]["metadata"]["n"] = number
        elif self.late is not None:
            pass  # a cell that is made anew loses what others type into it in that moment, here as everywhere
        elif what == "delete" and len(cells) > 1:
            self._forget(cell["id"], cell["source"])
            del ycells[index]
        elif what == "move":
            del ycells[index]
            ycells.insert(number % len(cells), new_ycell(cell))

    def _text(self, what: str, number: int) -> None:
        if self.late is not None and self.restructured:
            return  # who types into lines that are being taken away is left with what is no JSON
        if what == "mend":
            self.write(self.text.replace(GARBAGE, ""))
        if what == "discard" and GARBAGE in self.text:
            self._give_up()
        try:
            notebook = json.loads(self.text)
        except ValueError:
            return
        if what == "break":
            self.write(self.text[: number * 7] + GARBAGE + self.text[number * 7 :])
            return
        self._edit(notebook["cells"], what, number)
        layout = (None, 2)[number % 2] if what == "layout" else 1
        self.write(json.dumps(notebook, indent=layout, ensure_ascii=False) + "\n")

    def _give_up(self) -> None:
        """Forget what was typed since the base."""
        self._finish()
        before = "\n".join(self.sources)
        self._done(self.begin(discard=True))
        lost = {token for token in self.tokens if token not in before}
        self.tokens = {token: name for token, name in self.tokens.items() if token not in lost}

    def _edit(self, cells: list[dict[str, Any]], what: str, number: int) -> None:
        index = number % len(cells)
        cell = cells[index]
        name = cell.get("id") or "?"
        if what == "type":
            source = "".join(cell["source"])
            cell["source"] = (source + self._token(name)).splitlines(keepends=True)
        elif what == "delete" and len(cells) > 1:
            self._forget(name, "".join(cell["source"]))
            del cells[index]
        elif what == "move":
            cells.insert(number % len(cells), cells.pop(index))
        elif what == "add":
            cells.insert(index, {"cell_type": "raw", "metadata": {}, "source": [self._token("new")]})
        elif what == "copy":
            cells.insert(index, copy.deepcopy(cell) | {"source": []})
        elif what == "output" and cell["cell_type"] == "code":
            cell["outputs"].append({"output_type": "stream", "name": "stdout", "text": [f"{number}\n"]})

    def _step(self, what: str, number: int) -> None:
        self._finish()
        step = self.begin(writer=number + 5, tidy=what == "tidy")
        if what == "late":
            self.late = step
            self.restructured = step.text is not None and bool(step.conflicts or self.structural)
        else:
            self._done(step)
        if what == "again":
            self.begun(self.projection.base)

    def _finish(self) -> None:
        if self.late is not None:
            late, self.late = self.late, None
            self._done(late)

    def _done(self, step: Step) -> None:
        self.end(step)
        self.conflicts += len(step.conflicts)
        self.structural = False

    def settle(self) -> None:
        """Let everything come to rest, with a text that is a notebook."""
        self._finish()
        self._done(self.begin())
        if GARBAGE in self.text:
            self._text("mend", 0)
        for _ in range(4):
            step = self.begin()
            self._done(step)
            assert step.problem is None, (step.problem, self.text)
        assert step == Step(), "it comes to rest"


@settings(max_examples=150)
@given(ops=OPS, minor=st.sampled_from((5, 5, 5, 4)))
def test_both_come_to_say_the_same_and_nothing_is_lost(ops: list[tuple[str, str, int]], minor: int) -> None:
    world = World(minor)
    for where, what, number in ops:
        world.do(where, what, number)
    world.settle()
    content = world.content
    assert identify(content, json.loads(world.text)) == content
    ids = [cell["id"] for cell in world.cells]
    assert len(set(ids)) == len(ids)
    sources = "\n".join(world.sources)
    for token, name in world.tokens.items():
        if minor == 5 and name not in world.deleted:
            assert sources.count(token) >= 1, (token, name)
            if not world.conflicts:
                assert sources.count(token) == 1, (token, name)
    world.begun()
    assert world.step(tidy=True).notebook is None
    assert world.text == Writer().write(world.content), "a fixpoint"
    assert world.step() == Step()
