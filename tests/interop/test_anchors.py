"""Anchors in Python and in the browser's code under Node: one document, the same answers, on any Unicode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jupyter_ydoc import YNotebook
from pycrdt import Array, Doc, Map, Text
from support.anchors import Peer, utf16

from rtc_widgets.documents.anchors import Places, Resolution, make_anchor, resolve
from rtc_widgets.documents.positions import Known, Positions
from rtc_widgets.documents.quotes import MOST_COMPARED, MOST_OCCURRENCES
from rtc_widgets.documents.text import Edit, apply

SOURCE = 'import pandas as pd\ndf = pd.read_csv("a.csv")\ndf.groupby("x").mean()\ndf.plot()'
QUOTE = 'df.groupby("x").mean()'
START = SOURCE.index(QUOTE)

# What becomes of a comment on QUOTE: the state, whether its cell has the old id, and what is shown.
OPERATIONS = {
    "none": ("exact", True, QUOTE),
    "editInside": ("changed", True, 'df.groupby("x").dropna().mean()'),
    "editAround": ("exact", True, QUOTE),
    "setSourceSmall": ("moved", True, QUOTE),
    "setSourceRename": ("changed", True, 'frame.groupby("x").mean()'),
    "black": ("changed", True, "df.groupby('x').mean()"),
    "move": ("moved", True, QUOTE),
    "retype": ("moved", True, QUOTE),
    "splitBefore": ("moved", True, QUOTE),
    "splitAfter": ("moved", False, QUOTE),
    "splitInside": ("changed", True, 'upby("x").mean()'),
    "mergeBelow": ("moved", False, QUOTE),
    "cutPaste": ("moved", False, QUOTE),
    "deleteCell": ("orphan", False, None),
    "deleteQuote": ("cell", True, None),
    "deleteQuoteUndo": ("moved", True, QUOTE),
    "deleteCellUndo": ("moved", True, QUOTE),
    "reloadFromJSON": ("moved", True, QUOTE),
    "rewriteAll": ("cell", True, None),
    "dupQuoteAbove": ("exact", True, QUOTE),
    "dupThenSetSource": ("moved", True, QUOTE),
}

# Astral, combining, joined by a joiner, right to left, line ends of two kinds, and what looks like ASCII beside them.
LETTERS = st.sampled_from(["a", "b", "\n", "\r\n", "é", "e\u0301", "日", "🦉", "👩\u200d💻", "א", "𝒳"])
WORDS = st.lists(LETTERS, max_size=8).map("".join)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    peer = Peer(tmp_path_factory.mktemp("peer"))
    yield peer
    peer.close()


def notebook(*sources: str) -> Doc[Any]:
    cells = [
        {"cell_type": "code", "id": f"c{i}", "source": source, "metadata": {}, "outputs": []}
        for i, source in enumerate(sources)
    ]
    made = YNotebook()
    made.set({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    return made.ydoc


def told(found: Resolution, places: Places) -> dict[str, Any]:
    """Return a resolution as the browser would tell it."""
    where = places.find(found.cell_id)
    string = places.string(where) if where is not None else ""
    return {
        "state": found.state,
        "cell": found.cell_id,
        "start": None if found.start is None else utf16(string, found.start),
        "end": None if found.end is None else utf16(string, found.end),
        "quote": found.quote,
        "confidence": found.confidence,
        "output": found.output,
        "line": found.line,
        "run": found.run,
        "healed": found.healed,
    }


def test_every_operation_of_a_notebook_is_in_the_matrix() -> None:
    assert len(OPERATIONS) == 21
    lost = [name for name, (state, _, _) in OPERATIONS.items() if state in ("cell", "orphan")]
    assert sorted(lost) == ["deleteCell", "deleteQuote", "rewriteAll"]


@pytest.mark.parametrize("prefix", ["", "# 🦉 é\n"], ids=["ascii", "unicode"])
@pytest.mark.parametrize("kind", ["range", "line"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_people_do_in_jupyterlab(peer: Peer, operation: str, kind: str, prefix: str) -> None:
    doc = notebook("# T", prefix + SOURCE, "print(1)")
    start = len(prefix) + START
    where = {
        "range": {"start": start, "end": start + len(QUOTE)},
        "line": {"line": 3 if prefix else 2},
    }
    anchor = make_anchor(doc, {"kind": kind, "cell": "c1", **where[kind]})

    peer.ask("load", update=doc.get_update().hex())
    peer.ask("operate", operation=operation, cell="c1", quote=QUOTE)
    doc.apply_update(bytes.fromhex(peer.ask("update")))

    places = Places(doc)
    found = resolve(places, anchor)
    state, same_cell, text = OPERATIONS[operation]
    assert (found.state, found.cell_id == "c1") == (state, same_cell)
    assert found.quote == (QUOTE if text is None else text)
    if text is not None:
        where_now = places.find(found.cell_id)
        assert where_now is not None
        assert places.string(where_now)[found.start : found.end] == text
    assert peer.ask("resolve", anchors=[anchor]) == [told(found, places)]

    # What is healed is at its place, and keeps in mind what was commented on.
    healed = found.healed or anchor
    again = resolve(doc, healed)
    assert (again.cell_id, again.start, again.end, again.healed) == (
        found.cell_id,
        found.start,
        found.end,
        None,
    )
    assert again.state == ("exact" if found.state == "moved" else found.state)
    assert healed.get("original", healed["quote"]["exact"]) == QUOTE


def test_all_positions_are_those_of_yjs(peer: Peer) -> None:
    doc = notebook("ab🦉c\r\ne\u0301日👩\u200d💻x")
    peer.ask("load", update=doc.get_update().hex())
    peer.ask("edit", index=0, start=1, stop=2, text="𝒳𝒴")
    doc.apply_update(bytes.fromhex(peer.ask("update")))
    text: Text = doc.get("cells", type=Array)[0]["source"]
    apply(text, [Edit(3, 4, "é")])
    peer.ask("apply", update=doc.get_update().hex())

    positions = Positions(text, Known(doc))
    offsets = range(len(positions.string) + 1)
    made = [positions.make(offset, assoc) for offset in offsets for assoc in (0, -1)]

    assert [positions.find(one) for one in made] == [offset for offset in offsets for _ in (0, -1)]
    units = [utf16(positions.string, offset) for offset in offsets for _ in (0, -1)]
    assert peer.ask("find", index=0, positions=made) == units
    assert all(list(one) == ["type", "tname", "item", "assoc"] for one in made)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), first=WORDS, second=WORDS)
def test_two_people_type_anything_and_both_languages_agree(
    peer: Peer, data: st.DataObject, first: str, second: str
) -> None:
    doc = notebook(first, second)
    texts = [cell["source"] for cell in doc.get("cells", type=Array)]
    peer.ask("load", update=doc.get_update().hex())
    theirs: Doc[Any] = Doc()
    theirs.apply_update(doc.get_update())
    anchors: list[dict[str, Any]] = []
    for _ in range(data.draw(st.integers(1, 6))):
        index, word = data.draw(st.integers(0, 1)), data.draw(WORDS)
        if data.draw(st.booleans()):
            start, stop = _range_in(data, str(texts[index]))
            apply(texts[index], [Edit(start, stop, word)])
        else:
            string = str(theirs.get("cells", type=Array)[index]["source"])
            start, stop = _range_in(data, string)
            edit = {"start": utf16(string, start), "stop": utf16(string, stop), "text": word}
            peer.ask("edit", index=index, **edit)
            theirs.apply_update(bytes.fromhex(peer.ask("update")))
        if data.draw(st.booleans()):
            doc.apply_update(theirs.get_update())
            peer.ask("apply", update=doc.get_update().hex())
            theirs.apply_update(doc.get_update())
        index = data.draw(st.integers(0, 1))
        start, stop = _range_in(data, str(texts[index]))
        anchors.append(make_anchor(doc, {"kind": "range", "cell": f"c{index}", "start": start, "end": stop}))
        string = str(theirs.get("cells", type=Array)[index]["source"])
        start, stop = _range_in(data, string)
        target = {"kind": "range", "cell": f"c{index}"}
        units = {"start": utf16(string, start), "end": utf16(string, stop)}
        made = peer.ask("make", targets=[{**target, **units}])
        assert made == [make_anchor(theirs, {**target, "start": start, "end": stop})]
        anchors += made
        # Some are healed on the way, so that they remember a text that they were about first.
        healed = (resolve(doc, one).healed for one in anchors) if data.draw(st.booleans()) else iter(())
        anchors += [one for one in healed if one is not None]
    doc.apply_update(theirs.get_update())
    peer.ask("apply", update=doc.get_update().hex())

    places = Places(doc)
    mine = [told(resolve(places, anchor), places) for anchor in anchors]

    assert peer.ask("resolve", anchors=anchors) == mine
    for found in mine:
        if found["start"] is not None:
            assert found["quote"] == _cut(places, found)


def _range_in(data: st.DataObject, string: str) -> tuple[int, int]:
    one, other = data.draw(st.integers(0, len(string))), data.draw(st.integers(0, len(string)))
    return min(one, other), max(one, other)


def _cut(places: Places, found: dict[str, Any]) -> str:
    where = places.find(found["cell"])
    assert where is not None
    units = places.string(where).encode("utf-16-le")
    return units[2 * found["start"] : 2 * found["end"]].decode("utf-16-le")


@settings(max_examples=40, deadline=None)
@given(
    quote=st.text("abc🦉", min_size=1, max_size=12),
    texts=st.lists(st.text("abc\n🦉", max_size=40), min_size=1, max_size=3),
)
def test_what_is_looked_for_by_its_words_is_found_alike(peer: Peer, quote: str, texts: list[str]) -> None:
    start = len(texts[0])
    target = {"kind": "range", "cell": "c0", "start": start, "end": start + len(quote)}
    anchor = make_anchor(notebook(texts[0] + quote), target)
    # Another lineage: the positions say nothing here.
    doc = notebook(*texts)
    peer.ask("load", update=doc.get_update().hex())
    places = Places(doc)
    found = resolve(places, anchor)
    assert found.state != "exact"
    assert peer.ask("resolve", anchors=[anchor]) == [told(found, places)]


# What one anchor may cost: places of its quote, in its cell and elsewhere, also of what it was about first; and code
# points compared for likeness, at its position, there and back in two cells, and to what it was about first.
MOST_PLACES = 4 * MOST_OCCURRENCES
MOST_LIKENED = 6 * MOST_COMPARED


def lost(quote: str, around: str, **more: Any) -> dict[str, Any]:
    """Return an anchor of another lineage, whose positions say nothing here, at *quote* within *around*."""
    start = around.index(quote)
    doc = notebook(around)
    found = make_anchor(doc, {"kind": "range", "cell": "c0", "start": start, "end": start + len(quote)})
    return {**found, **more}


LINE = "value = compute(something, 42)  # and so on 🦉\n"
COSTLY = {
    "one line, again and again": (lost(LINE, f"# first\n{LINE}# last\n"), [LINE * 1000] * 30),
    "the same, where its cell is gone": (
        lost(LINE, f"# first\n{LINE}# last\n", cell="gone", near=["c3", "c5"]),
        [LINE * 1000] * 30,
    ),
    "one letter": (lost("a", "bab"), ["a" * 50_000, "a" * 50_000]),
    "almost one letter": (lost("a" * 500 + "b", "a" * 500 + "b"), ["a" * 50_000] * 3),
    "a long quote, in a long text": (lost("x = 1\n" * 166, "x = 1\n" * 166), ["x = 2\n" * 20_000] * 3),
    "a few letters that are nowhere": (lost("compute(nothing)", "compute(nothing)"), [LINE * 2000] * 3),
    "what was something else once": (
        lost("42)", "of 42) and", original="something, 42)", cell="gone", near=["c0", "c1"]),
        [LINE * 500] * 30,
    ),
    "many cells": (lost("or, 1)", "or, 1) or", cell="gone"), ["or, 1) " * 3] * 500),
}


@pytest.mark.parametrize("case", COSTLY)
def test_what_is_looked_for_costs_no_more_than_so_much(peer: Peer, case: str) -> None:
    anchor, sources = COSTLY[case]
    doc = notebook(*sources)
    places = Places(doc)
    found = resolve(places, anchor)
    assert places.work.places + places.work.compared > 0
    assert places.work.places <= MOST_PLACES
    assert places.work.compared <= MOST_LIKENED
    peer.ask("load", update=doc.get_update().hex())
    assert peer.ask("resolve", anchors=[anchor]) == [told(found, places)]
    assert peer.ask("work", anchors=[anchor]) == [places.work.places, places.work.compared]


@settings(max_examples=40, deadline=None)
@given(
    piece=st.text("ab 🦉\n", min_size=1, max_size=30),
    times=st.integers(1, 900),
    change=st.text("ac🦉", min_size=1, max_size=4),
    share=st.floats(0, 1),
    kind=st.sampled_from(["range", "line"]),
)
def test_in_long_texts_that_repeat_themselves_both_languages_agree(
    peer: Peer, piece: str, times: int, change: str, share: float, kind: str
) -> None:
    old = piece * times
    at = int(share * len(old))
    end = min(at + 40, len(old))
    where = {"range": {"start": at, "end": end}, "line": {"line": old.count("\n", 0, at)}}
    anchor = make_anchor(notebook(old), {"kind": kind, "cell": "c0", **where[kind]})
    # Another lineage, and a letter in it is another.
    doc = notebook(old[: at + 5] + change + old[at + 6 :])
    peer.ask("load", update=doc.get_update().hex())
    places = Places(doc)
    found = resolve(places, anchor)
    assert peer.ask("resolve", anchors=[anchor]) == [told(found, places)]
    assert peer.ask("work", anchors=[anchor]) == [places.work.places, places.work.compared]


def test_outputs_have_one_hash_in_both_languages(peer: Peer) -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": Text("é🦉\n")},
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"text/plain": "x", "application/json": {"a": [1, 2.5, 1e-9, -0.0, True, None], "é": {}}},
        },
        {
            "output_type": "error",
            "ename": "E",
            "evalue": "v",
            "traceback": ["\x1b[31mone\x1b[0m", "two\nthree"],
        },
    ]
    cell = {"id": "c0", "cell_type": "code", "source": Text("1"), "execution_count": 12}
    shared = Array([Map(output) for output in outputs])
    doc: Doc[Any] = Doc({"cells": Array([Map({**cell, "metadata": Map(), "outputs": shared})])})
    peer.ask("load", update=doc.get_update().hex())
    targets = [{"kind": "output", "cell": "c0", "output": index} for index in range(3)]
    targets.append({"kind": "output", "cell": "c0", "output": 2, "line": 2})

    anchors = [make_anchor(doc, target) for target in targets]

    assert peer.ask("make", targets=targets) == anchors
    places = Places(doc)
    assert peer.ask("resolve", anchors=anchors) == [told(resolve(places, one), places) for one in anchors]
