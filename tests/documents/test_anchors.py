"""Anchors in one process: what they survive, and what they say where they do not."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from rtc_widgets.documents import ycells
from rtc_widgets.documents.anchor_form import checked_anchor
from rtc_widgets.documents.anchors import Anchor, Places, make_anchor, reattach, resolve
from rtc_widgets.documents.blocks import Blocks, scan
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.positions import Known, Positions
from rtc_widgets.documents.quotes import Work, make_quote, similarity
from rtc_widgets.documents.text import set_text
from rtc_widgets.errors import CellGone, DocumentError

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "anchors.json").read_text())

JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)

SOURCE = "rate = 0.5\nplot(rate)\n"


def notebook(*sources: str, **more: Any) -> Doc[Any]:
    cells = [
        {"id": f"c{i}", "cell_type": "code", "metadata": {}, "outputs": [], **more, "source": source}
        for i, source in enumerate(sources)
    ]
    doc: Doc[Any] = Doc()
    doc["cells"] = Array([ycells.new_ycell(cell) for cell in cells])
    return doc


def text(doc: Doc[Any], index: int = 0) -> Text:
    found: Text = doc.get("cells", type=Array)[index]["source"]
    return found


def on(doc: Doc[Any], quote: str, index: int = 0) -> Anchor:
    """Return an anchor on the first place of a text that holds the quote."""
    start = str(text(doc, index)).index(quote)
    return make_anchor(doc, {"kind": "range", "cell": f"c{index}", "start": start, "end": start + len(quote)})


def stream(words: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": words}


def error(count: int, frame: str = "----> 1 1 / 0") -> dict[str, Any]:
    traceback = [
        f"Cell \x1b[32mIn[{count}]\x1b[0m, line 1",
        f"{frame}\n",
        "ZeroDivisionError: division by zero",
    ]
    return {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "no", "traceback": traceback}


class TestVectors:
    """Those that the TypeScript suite sits too."""

    @pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
    def test_anchor(self, case: dict[str, Any]) -> None:
        before, after = Doc(), Doc()
        before.apply_update(bytes.fromhex(case["before"]))
        after.apply_update(bytes.fromhex(case["after"]))
        assert make_anchor(before, case["target"]["code_points"]) == case["anchor"]
        found = resolve(after, case["anchor"])
        told = {
            "state": found.state,
            "cell": found.cell_id,
            "quote": found.quote,
            "confidence": pytest.approx(found.confidence, abs=1e-12),
            "output": found.output,
            "line": found.line,
            "run": found.run,
            "healed": found.healed,
        }
        assert {key: case["resolution"][key] for key in told} == told
        assert case["resolution"]["code_points"] == (
            None if found.start is None else [found.start, found.end]
        )


class TestRanges:
    def test_typing_around_a_text_does_not_grow_it(self) -> None:
        doc = notebook("a 🦉 b")
        anchor = on(doc, "🦉")
        text(doc).insert(2, "éé")
        text(doc).insert(len(str(text(doc))[: str(text(doc)).index("🦉") + 1].encode()), "𝒳")
        found = resolve(doc, anchor)
        assert (found.state, found.quote) == ("exact", "🦉")

    def test_what_is_typed_inside_belongs_to_it_and_what_was_there_is_remembered(self) -> None:
        doc = notebook(SOURCE)
        anchor = on(doc, "0.5")
        set_text(text(doc), SOURCE.replace("0.5", "0.25"))
        found = resolve(doc, anchor)
        assert (found.state, found.quote) == ("changed", "0.25")
        assert found.healed is not None and found.healed["original"] == "0.5"
        # It stays a changed one, until what was commented on is back.
        again = resolve(doc, found.healed)
        assert (again.state, again.quote, again.healed) == ("changed", "0.25", None)
        set_text(text(doc), SOURCE)
        back = resolve(doc, found.healed)
        assert (back.state, back.quote) == ("exact", "0.5")
        assert back.healed is not None and "original" not in back.healed

    def test_what_was_there_first_is_found_when_all_is_written_anew(self) -> None:
        doc = notebook(SOURCE)
        anchor = on(doc, "plot(rate)")
        set_text(text(doc), SOURCE.replace("plot(rate)", "plot(first, second, rate)"))
        healed = resolve(doc, anchor).healed
        assert healed is not None and healed["quote"]["exact"] == "plot(first, second, rate)"
        replace(doc, 0, SOURCE)
        found = resolve(doc, healed)
        assert (found.state, found.quote) == ("moved", "plot(rate)")
        assert found.healed is not None and "original" not in found.healed

    def test_of_several_the_one_with_its_context_is_found(self) -> None:
        doc = notebook("x = 1\ny = 1\nz = 1\n")
        anchor = make_anchor(doc, {"kind": "range", "cell": "c0", "start": 10, "end": 11})
        replace(doc, 0, "# new\nx = 1\ny = 1\nz = 1\n")
        found = resolve(doc, anchor)
        assert (found.state, found.start) == ("moved", 16)

    def test_a_short_text_that_is_gone_is_not_taken_for_the_same_word_elsewhere(self) -> None:
        doc = notebook("df = load()\nprint(1)", "plot(df)\nshow(df)")
        anchor = on(doc, "df")
        set_text(text(doc), "print(1)")
        found = resolve(doc, anchor)
        assert (found.state, found.cell_id, found.quote) == ("cell", "c0", "df")

    def test_a_file(self) -> None:
        doc: Doc[Any] = Doc({"source": Text("one\ntwo\n")})
        anchor = make_anchor(doc, {"kind": "line", "line": 1})
        assert "cell" not in anchor
        assert anchor["position"]["start"]["item"] and anchor["position"]["start"]["type"] is None
        assert anchor["position"]["start"]["tname"] == "source"
        doc["source"].insert(0, "zero\n")
        found = resolve(doc, anchor)
        assert (found.state, found.cell_id, found.start, found.end) == ("exact", None, 9, 12)
        doc["source"].clear()
        assert resolve(doc, anchor).state == "orphan"

    def test_an_empty_line(self) -> None:
        doc = notebook("one\n\nthree")
        anchor = make_anchor(doc, {"kind": "line", "cell": "c0", "line": 1})
        text(doc).insert(0, "zero\n")
        assert (resolve(doc, anchor).state, resolve(doc, anchor).start) == ("exact", 9)
        text(doc).insert(9, "two")
        found = resolve(doc, anchor)
        assert (found.state, found.quote) == ("changed", "two")

    def test_a_long_one_is_known_by_its_beginning_and_its_length(self) -> None:
        source = "🦉" + "".join(f"line {i}\n" for i in range(500))
        doc = notebook(source, "x")
        anchor = make_anchor(doc, {"kind": "range", "cell": "c0", "start": 0, "end": 3000})
        assert len(anchor["quote"]["exact"]) == 1000 and anchor["quote"]["length"] == 3000
        assert resolve(doc, anchor).state == "exact"
        replace(doc, 0, "first\n" + source)
        found = resolve(doc, anchor)
        assert (found.state, found.start, found.end) == ("moved", 6, 3006)

    @pytest.mark.parametrize(
        ("target", "error"),
        [
            ({"kind": "range", "cell": "c9", "start": 0, "end": 0}, CellGone),
            ({"kind": "range", "cell": "c0", "start": 1, "end": 99}, DocumentError),
            ({"kind": "line", "cell": "c0", "line": 3}, DocumentError),
            ({"kind": "output", "cell": "c0", "output": 0}, DocumentError),
            ({"kind": "cell"}, DocumentError),
            ({"kind": "page"}, DocumentError),
        ],
    )
    def test_there_is_no_such_place(self, target: dict[str, Any], error: type[Exception]) -> None:
        with pytest.raises(error):
            make_anchor(notebook(SOURCE), target)


class TestOrphans:
    def test_nothing_is_lost_for_good(self) -> None:
        doc = notebook(SOURCE, "print(1)")
        anchor = on(doc, "plot(rate)")
        del doc["cells"][0]
        assert resolve(doc, anchor).state == "orphan"
        assert resolve(doc, anchor).healed is None
        pasted = {"id": "other", "cell_type": "code", "metadata": {}, "outputs": [], "source": SOURCE}
        doc["cells"].append(ycells.new_ycell(pasted))
        found = resolve(doc, anchor)
        assert (found.state, found.cell_id, found.quote) == ("moved", "other", "plot(rate)")
        assert found.healed is not None and found.healed["cell"] == "other"

    def test_one_is_attached_again_by_hand(self) -> None:
        doc = notebook(SOURCE, "print(1)")
        anchor = on(doc, "plot(rate)")
        del doc["cells"][0]
        made = reattach(doc, anchor, {"kind": "line", "cell": "c1", "line": 0})
        found = resolve(doc, made)
        assert (found.state, found.quote, made["original"]) == ("changed", "print(1)", "plot(rate)")

    def test_a_cell_that_was_pasted_has_its_comments_again(self) -> None:
        doc = notebook("a = 1", "b = 2")
        anchor = make_anchor(doc, {"kind": "cell", "cell": "c0"})
        doc["cells"][0]["id"] = "pasted"
        found = resolve(doc, anchor)
        assert (found.state, found.cell_id) == ("moved", "pasted")


class TestLineages:
    def test_positions_of_another_lineage_say_nothing(self) -> None:
        doc, other = notebook(SOURCE), notebook("# new\n" + SOURCE)
        found = resolve(other, on(doc, "plot(rate)"))
        assert (found.state, found.quote, found.start) == ("moved", "plot(rate)", 17)

    def test_ids_of_another_lineage_may_be_those_of_another_text_here(self) -> None:
        made, here = (Doc(client_id=7) for _ in range(2))
        made["cells"] = Array([Map({"id": "c0", "source": Text("one")})])
        here["cells"] = Array([Map({"n": 1}), Map({"id": "c0", "source": Text("two")})])
        position = Positions(text(made), Known(made)).make(1, 0)
        assert Positions(text(here, 1), Known(here)).find(position) is None

    def test_a_character_is_not_taken_for_one_of_another_text(self) -> None:
        # Behind what is not ASCII pycrdt gives ids that are too large: here the very one of the "z" in the other text.
        doc = notebook("", "a🦉")
        text(doc).insert(0, "aae\u0301b")
        text(doc, 1).insert(5, "z")
        positions = Positions(text(doc), Known(doc))
        clocks = [positions.make(offset, 0)["item"]["clock"] for offset in range(5)]
        assert clocks == list(range(clocks[0], clocks[0] + 5))

    @pytest.mark.parametrize("prefix", ["", "é"])
    def test_positions_that_somebody_made_up_harm_nothing(self, prefix: str) -> None:
        doc = notebook(prefix + SOURCE, "print(1)")
        anchor = on(doc, "plot(rate)")
        start = anchor["position"]["start"]
        for item in (
            {"client": 1, "clock": 0},
            {"client": start["item"]["client"], "clock": 2**52},
            {"client": start["item"]["client"], "clock": 0},
            {"client": "1", "clock": None},
            {"clock": -1},
            [],
        ):
            forged = {**anchor, "position": {**anchor["position"], "start": {**start, "item": item}}}
            assert resolve(doc, forged).quote == "plot(rate)"
        assert resolve(doc, {**anchor, "position": {"start": {}, "end": {}}}).state == "moved"

    def test_of_twins_the_one_that_was_commented_on_is_found(self) -> None:
        doc = notebook("one", "two")
        anchor = on(doc, "two", 1)
        doc["cells"][0]["id"] = "c1"
        places = Places(doc)
        assert places.own(anchor) == [0, 1]
        assert resolve(places, anchor).quote == "two"


class TestOutputs:
    def test_after_a_run_it_is_about_an_earlier_one(self) -> None:
        doc = notebook("print(1)", outputs=[stream("loss 0.93\n")], execution_count=12)
        anchor = make_anchor(doc, {"kind": "output", "cell": "c0", "output": 0})
        assert resolve(doc, anchor).state == "current"
        run(doc, 15, stream("loss 0.12\n"))
        found = resolve(doc, anchor)
        assert (found.state, found.run, found.quote, found.output) == ("earlier", 12, "loss 0.93\n", None)
        run(doc, 16)
        assert resolve(doc, anchor).state == "earlier"

    def test_the_same_output_is_the_same_wherever_it_stands(self) -> None:
        doc = notebook("print(1)", outputs=[stream("hi\n")], execution_count=12)
        anchor = make_anchor(doc, {"kind": "output", "cell": "c0", "output": 0})
        run(doc, 13, error(13), stream("hi\n"))
        found = resolve(doc, anchor)
        assert (found.state, found.output, found.run) == ("current", 1, 12)

    def test_what_the_run_goes_on_to_write_is_of_the_same_run(self) -> None:
        doc = notebook("print(1)", outputs=[stream("one\n")], execution_count=12)
        anchor = make_anchor(doc, {"kind": "output", "cell": "c0", "output": 0})
        doc["cells"][0]["outputs"][0]["text"] += "two\n"
        assert (resolve(doc, anchor).state, resolve(doc, anchor).output) == ("changed", 0)

    def test_a_line_of_a_traceback(self) -> None:
        doc = notebook("1 / 0", outputs=[error(3)], execution_count=3)
        anchor = make_anchor(doc, {"kind": "output", "cell": "c0", "output": 0, "line": 1})
        assert anchor["output"]["line"] == {"index": 1, "text": "----> 1 1 / 0"}
        assert (resolve(doc, anchor).state, resolve(doc, anchor).line) == ("current", 1)
        # The same frame of the same error in a later run.
        run(doc, 4, stream("so\n"), error(4))
        found = resolve(doc, anchor)
        assert (found.state, found.run, found.output, found.line) == ("earlier", 3, 1, 1)
        run(doc, 5, error(5, "----> 1 2 / 0"))
        assert (resolve(doc, anchor).output, resolve(doc, anchor).quote) == (None, "----> 1 1 / 0")

    def test_a_cell_that_is_gone(self) -> None:
        doc = notebook("print(1)", "x", outputs=[stream("hi\n")], execution_count=12)
        anchor = make_anchor(doc, {"kind": "output", "cell": "c0", "output": 0})
        del doc["cells"][0]
        found = resolve(doc, anchor)
        assert (found.state, found.run, found.quote) == ("orphan", 12, "hi\n")


class TestPasses:
    def test_a_whole_document_is_always_there(self) -> None:
        assert resolve(Doc(), make_anchor(Doc(), {"kind": "document"})).state == "exact"

    def test_a_live_notebook(self) -> None:
        nb = Notebook.new()
        cell = nb.append("df = read('🦉.csv')")
        with nb.document.reading() as replica:
            anchor = make_anchor(replica.doc, {"kind": "range", "cell": cell.id, "start": 11, "end": 12})
        cell.text.replace("df", "owls")
        cell.move(after=nb.append("plot(df)"))
        with nb.document.reading() as replica:
            found = resolve(replica.doc, anchor)
        assert found.quote == "🦉" and cell.source[found.start : found.end] == "🦉"

    def test_reading_changes_nothing(self) -> None:
        doc = notebook(SOURCE, "é")
        anchors = [on(doc, "0.5"), on(doc, "é", 1), make_anchor(doc, {"kind": "cell", "cell": "c1"})]
        before = doc.get_update()
        places = Places(doc)
        assert [resolve(places, anchor).state for anchor in anchors] == ["exact"] * 3
        assert doc.get_update() == before

    def test_a_pass_reads_only_what_anchors_are_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        doc = notebook(*(f"é = {i}.5\n" for i in range(100)))
        anchors = [on(doc, f"{i}.5", i) for i in range(0, 100, 10)]
        scans: list[int] = []

        def counted(update: bytes) -> Blocks:
            scans.append(len(update))
            return scan(update)

        monkeypatch.setattr("rtc_widgets.documents.positions.scan", counted)
        places = Places(doc)
        assert {resolve(places, anchor).state for anchor in anchors} == {"exact"}
        assert len(scans) == 1
        assert sorted(places._texts) == list(range(0, 100, 10))

    def test_many_cells_are_read_alike(self, monkeypatch: pytest.MonkeyPatch) -> None:
        doc = notebook("one", "two é", "three")
        anchor = on(doc, "two é", 1)
        monkeypatch.setattr("rtc_widgets.documents.anchor_places._FEW", 2)
        assert Places(doc).ids == ["c0", "c1", "c2"]
        assert resolve(doc, anchor).state == "exact"


class TestBlocks:
    @given(update=st.binary(max_size=60))
    def test_garbage_is_refused(self, update: bytes) -> None:
        with contextlib.suppress(ValueError):
            scan(update)

    def test_what_is_not_understood_costs_the_positions_and_nothing_else(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        doc = notebook("é = 0.5")
        anchor = on(doc, "0.5")

        def newer(update: bytes) -> None:
            raise ValueError

        monkeypatch.setattr("rtc_widgets.documents.positions.scan", newer)
        assert (resolve(doc, anchor).state, resolve(doc, anchor).quote) == ("moved", "0.5")


def test_likeness() -> None:
    work = Work()
    assert similarity("abc", "abc", work) == 1
    assert similarity("abc", "", work) == similarity("", "abc", work) == 0
    assert similarity("abcd", "abXd", work) == 0.75
    assert make_quote("ab🦉cd", 2, 3) == {"exact": "🦉", "prefix": "ab", "suffix": "cd"}


def replace(doc: Doc[Any], index: int, source: str) -> None:
    """Write a source anew, as `setSource` does: no position survives it."""
    with doc.transaction():
        text(doc, index).clear()
        text(doc, index).insert(0, source)


def run(doc: Doc[Any], count: int, *outputs: dict[str, Any]) -> None:
    ycell: Map[Any] = doc["cells"][0]
    with doc.transaction():
        ycells.set_outputs(ycell, list(outputs))
        ycell["execution_count"] = count


class TestForm:
    @pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
    def test_what_is_made_is_an_anchor(self, case: dict[str, Any]) -> None:
        for anchor in filter(None, (case["anchor"], case["resolution"]["healed"])):
            assert checked_anchor(anchor) == anchor
            assert checked_anchor({**anchor, "more": 1}) == anchor

    @given(data=st.data())
    def test_what_passes_can_be_resolved(self, data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(VECTORS["cases"]))
        anchor = json.loads(json.dumps(case["anchor"]))
        part = anchor
        while isinstance(part, dict) and part:
            key = data.draw(st.sampled_from(sorted(part)))
            if not isinstance(part[key], dict) or data.draw(st.booleans()):
                part[key] = data.draw(JSON)
                break
            part = part[key]
        try:
            anchor = checked_anchor(anchor)
        except DocumentError:
            return
        doc: Doc[Any] = Doc()
        doc.apply_update(bytes.fromhex(case["after"]))
        resolve(doc, anchor)

    @pytest.mark.parametrize("value", [None, [], {}, {"kind": "page"}, {"kind": ["cell"]}, {"kind": "cell"}])
    def test_what_is_none_is_refused(self, value: object) -> None:
        with pytest.raises(DocumentError):
            checked_anchor(value)
