"""Text diffs are exact, small, bounded in time, and counted in code points."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pycrdt import Assoc, Doc, Text

from rtc_widgets.documents.text import (
    Edit,
    apply,
    apply_to_str,
    checked,
    diff,
    edits_of_delta,
    set_text,
    utf8_offset,
)
from rtc_widgets.errors import DocumentError

# Few characters, so that ends and lines agree often: of one to four bytes, marks that combine, CRLF.
CHARACTERS = "ab \n=éß語\u0301\u200d\ufe0f\r😀👩🏽\U0010ffff\u2028\0"
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=40),
    st.lists(st.sampled_from(["x = 1", "y = 2", "", "é = '😀'", "    pass"]), max_size=30).map("\n".join),
    st.lists(st.sampled_from(["x = 1", "", "z"]), max_size=10).map("\r\n".join),
    st.text(max_size=30),
)


def live(content: str) -> Text:
    doc: Doc[Text] = Doc()
    text = doc.get("text", type=Text)
    text += content
    return text


@settings(deadline=None)
@given(TEXTS, TEXTS)
@example("\r\n", "\n")
@example("e\u0301", "é")
@example("👩🏽", "👩")
def test_a_diff_leads_from_old_to_new_in_order_without_overlap(old: str, new: str) -> None:
    edits = diff(old, new)

    assert apply_to_str(old, edits) == new
    assert all(before.stop <= after.start for before, after in pairwise(edits))
    assert all(edit.start < edit.stop or edit.text for edit in edits)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_a_live_text_becomes_the_new_text(old: str, new: str) -> None:
    text = live(old)
    set_text(text, new)

    assert str(text) == new


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_a_delta_reads_back_as_edits_in_code_points(old: str, new: str) -> None:
    text = live(old)
    seen: list[tuple[Edit, ...]] = []
    deltas: list[list[dict[str, Any]]] = []
    subscription = text.observe(lambda event: deltas.append(event.delta))  # type: ignore[attr-defined]
    set_text(text, new)
    text.unobserve(subscription)
    seen = [edits_of_delta(old, delta) for delta in deltas]

    assert apply_to_str(old, seen[0] if seen else ()) == new


@settings(deadline=None)
@given(TEXTS, st.integers(0, 40))
def test_offsets_in_bytes(text: str, index: int) -> None:
    assert utf8_offset(text, index) == len(text[:index].encode())


@settings(deadline=None)
@given(st.text("abc\n", max_size=12), st.text("abc\n", max_size=12), st.text("xyz", min_size=1, max_size=3))
def test_one_insertion_is_one_edit(before: str, after: str, inserted: str) -> None:
    (edit,) = diff(before + after, before + inserted + after)

    assert (edit.start, edit.stop) == (len(before), len(before))


@pytest.mark.parametrize(
    ("old", "new", "edits"),
    [
        ("same", "same", []),
        ("", "all", [Edit(0, 0, "all")]),
        ("gone", "", [Edit(0, 4, "")]),
        ("x = 1\ny = 2\n", "x = 1\ny = 3\n", [Edit(10, 11, "3")]),
        ("a😀b", "a😁b", [Edit(1, 2, "😁")]),
        ("one\r\ntwo\r\n", "one\ntwo\n", [Edit(3, 4, ""), Edit(8, 9, "")]),
        ("f(1)\nf(2)\n", "f(1)\nf(3)\nf(2)\n", [Edit(5, 5, "f(3)\n")]),
        ("f(1)\nf(3)\nf(2)\n", "f(1)\nf(2)\n", [Edit(5, 10, "")]),
        ("x\nx", "x\nx\nx", [Edit(3, 3, "\nx")]),
        ("import os\na\nb\nc\n", "import sys\na\nc\n", [Edit(7, 8, "sy"), Edit(12, 14, "")]),
        ("a\n\nb", "a\n\n\nb", [Edit(3, 3, "\n")]),
        ("df.head()", "frame.head()", [Edit(0, 2, "frame")]),
    ],
)
def test_edits_are_small(old: str, new: str, edits: list[Edit]) -> None:
    found = diff(old, new)

    assert apply_to_str(old, found) == new
    assert found == edits


LINES = [f"value_{i} = compute({i * 7919 % 1000}, 'é')" for i in range(2_500)]
BIG = "\n".join(LINES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (BIG, BIG.replace("compute", "evaluate")),
        (BIG, "\n".join(reversed(LINES))),
        (BIG, "\n".join(line[::-1] for line in LINES)),
        (BIG, ""),
        ("\n" * 100_000, "\n".join("ab" * 25_000)),
        ("a" * 100_000, "ab" * 50_000),
        ("".join(LINES), "".join(LINES).replace("compute", "evaluate")),
        ("".join(LINES), "".join(LINES)[::-1]),
        ("ab" * 50_000, "ba" * 50_001),
        ("(" * 50_000 + ")" * 50_000, ")(" * 50_000),
        ("x\ny\n" * 20_000, "y\nx\nz\n" * 15_000),
    ],
    ids=["rename", "reverse lines", "mirror lines", "clear", "blank lines", "one letter", "one line renamed",
         "one line mirrored", "shifted", "brackets", "two lines"],
)  # fmt: skip
def test_a_100_kilobyte_cell_takes_less_than_a_second(old: str, new: str) -> None:
    began = time.process_time()
    edits = diff(old, new)
    took = time.process_time() - began

    assert apply_to_str(old, edits) == new
    assert len(edits) <= 300
    assert took < 1.0


def test_a_rename_in_a_big_cell_leaves_what_it_does_not_touch() -> None:
    new = "\n".join(
        line.replace("compute", "evaluate") if i % 25 == 0 else line for i, line in enumerate(LINES)
    )
    edits = diff(BIG, new)

    assert len(edits) == 100
    assert all(BIG[edit.start : edit.stop] in "compute" for edit in edits)


def test_edits_of_two_people_both_survive() -> None:
    ada, bob = Doc[Text](), Doc[Text]()
    hers, his = ada.get("t", type=Text), bob.get("t", type=Text)
    hers += "first 😀\nsecond\n"
    bob.apply_update(ada.get_update())

    set_text(hers, "first 😀!\nsecond\n")
    set_text(his, "first 😀\nthe second\n")
    ada.apply_update(bob.get_update())
    bob.apply_update(ada.get_update())

    assert str(hers) == str(his) == "first 😀!\nthe second\n"


CLIENTS = st.permutations([1_000, 2_000])


def test_lines_behind_the_last_one_leave_it_whole() -> None:
    old, new = "load()\nshow(1)", "import x\nload()\nshow(1)\nshow(2)"
    assert diff(old, new) == [Edit(0, 0, "import x\n"), Edit(14, 14, "\nshow(2)")]
    ada, ben = live(old), live("")
    ben.doc.apply_update(ada.doc.get_update())
    ben.insert(len("load()\n"), "typed()\n")
    set_text(ada, new)
    ada.doc.apply_update(ben.doc.get_update())
    assert str(ada) == "import x\nload()\ntyped()\nshow(1)\nshow(2)"


@settings(deadline=None)
@given(TEXTS, st.text(CHARACTERS, min_size=2, max_size=9), TEXTS, st.text(CHARACTERS, min_size=1), CLIENTS)
def test_what_others_type_at_either_end_of_a_replacement_stays_there(
    before: str, old: str, after: str, new: str, clients: list[int]
) -> None:
    for first in (True, False):
        mine, theirs = two_of(before + old + after, clients)
        typed = "<" if first else ">"
        place = len(before) if first else len(before + old)
        apply(mine, [Edit(len(before), len(before + old), new)])
        apply(theirs, [Edit(place, place, typed)])
        swap(mine, theirs)

        expected = typed + new if first else new + typed
        assert str(mine) == str(theirs) == before + expected + after


@settings(deadline=None)
@given(TEXTS, st.text(CHARACTERS, min_size=1, max_size=9), TEXTS, st.text(CHARACTERS, min_size=1), CLIENTS)
def test_what_others_type_in_front_of_a_replacement_stays_there_however_short_it_is(
    before: str, old: str, after: str, new: str, clients: list[int]
) -> None:
    mine, theirs = two_of(before + old + after, clients)
    apply(mine, [Edit(len(before), len(before + old), new)])
    apply(theirs, [Edit(len(before), len(before), "<")])
    swap(mine, theirs)

    assert str(mine) == str(theirs) == before + "<" + new + after


# ASCII, because pycrdt's sticky positions are wrong in other texts (0.14.13: bytes are taken for UTF-16).
ASCII = st.text("ab \n=()", max_size=9)


@settings(deadline=None)
@given(ASCII, ASCII.filter(lambda text: len(text) > 1), ASCII.filter(bool))
def test_what_was_anchored_to_a_replaced_stretch_is_anchored_to_what_took_its_place(
    before: str, old: str, new: str
) -> None:
    text = live(before + old + "end")
    start, stop = len(before), len(before + old)
    cursors = [text.sticky_index(start, Assoc.AFTER), text.sticky_index(stop, Assoc.AFTER)]
    comment_end = text.sticky_index(stop, Assoc.BEFORE)
    apply(text, [Edit(len(before), len(before + old), new)])

    places = [cursor.get_index() for cursor in (*cursors, comment_end)]
    stop = len(before + new)
    assert places == [start, stop, stop]


def two_of(content: str, clients: list[int]) -> list[Text]:
    seed: Doc[Text] = Doc(client_id=1)
    text = seed.get("text", type=Text)
    text += content
    docs: list[Doc[Text]] = [Doc(client_id=client) for client in clients]
    for doc in docs:
        doc.apply_update(seed.get_update())
    return [doc.get("text", type=Text) for doc in docs]


def swap(one: Text, other: Text) -> None:
    made = one.doc.get_update()
    one.doc.apply_update(other.doc.get_update())
    other.doc.apply_update(made)


def test_no_edits_open_no_transaction() -> None:
    text = live("x")
    updates: list[bytes] = []
    subscription = text.doc.observe(lambda event: updates.append(event.update))

    assert set_text(text, "x") == []
    apply(text, [])
    text.doc.unobserve(subscription)
    assert updates == []


@pytest.mark.parametrize("wrong", [["x = 1\n", "y = 2"], None, 3, b"x"])
def test_only_str_is_text(wrong: object) -> None:
    with pytest.raises(TypeError, match="is a str, not"):
        checked(wrong)


def test_the_refusal_of_a_list_of_lines_names_the_cure() -> None:
    with pytest.raises(TypeError, match=r'"".join'):
        checked(["x"])


def test_unpaired_surrogates_are_refused() -> None:
    with pytest.raises(DocumentError, match=r"unpaired surrogate '\\ud83d' at 1"):
        checked("x\ud83d")


def test_a_subclass_of_str_becomes_a_plain_str() -> None:
    class Fancy(str):
        __slots__ = ()

    assert type(checked(Fancy("x"))) is str
