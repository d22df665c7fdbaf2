"""A cell's text is a string, and its lines are a list, that two can edit at once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.notebooks import notebook_of, opened, sent_by, two

from rtc_widgets.errors import CellGone, DocumentError, StaleCell

# ------------------------------------------------------------------------------------------------------- the text


def test_a_text_reads_as_a_str() -> None:
    text = notebook_of("naïve 😀\ntext").append("é😀 text").text
    assert text == "é😀 text"
    assert (len(text), text[1], text[::-1], text[-4:]) == (7, "😀", "txet 😀é", "text")
    assert "😀" in text
    assert text.startswith("é") and text.endswith("t") and text.find("text") == 3
    assert text.upper() == "É😀 TEXT"
    assert text + "!" == "é😀 text!" and "!" + text == "!é😀 text"
    assert sorted([text, "a"]) == ["a", text]
    assert f"{text}" == str(text) == "".join(text) == "é😀 text"
    assert repr(text) == "'é😀 text'"
    assert "startswith" in dir(text) and "insert" in dir(text)
    with pytest.raises(AttributeError):
        _ = text.nothing
    with pytest.raises(TypeError):
        hash(text)


def test_a_conversation() -> None:
    ada, bob, hub = two(instantly=False)
    hers, his = ada["load-1"].text, bob["load-1"].text

    assert hers.replace("df", "owls 🦉") == 2
    his.insert(his.index(")"), "1")
    hub.deliver()
    assert hers == his == "owls 🦉 = read(1)\nowls 🦉"
    hers[:4] = "birds"
    assert his.sub(r"read\((.*)\)", r"load(\1'é')") == 1
    hub.deliver()
    assert hers == his == "birds 🦉 = load(1'é')\nowls 🦉"
    del hers[hers.index("\n") :]
    ada["load-1"].text += "  # done"
    hub.deliver()
    assert str(his) == "birds 🦉 = load(1'é')  # done"
    ada["load-1"].text = "x"
    assert hers == "x"


PIECES = st.text("ab é😀\n\u0301\r", max_size=6)


@settings(max_examples=200, deadline=None)
@given(PIECES, PIECES, st.integers(-8, 8), st.integers(-8, 8), st.sampled_from(["a", "é", "😀", "\n", "ab"]))
def test_every_edit_is_what_a_str_would_give(now: str, new: str, i: int, j: int, part: str) -> None:
    cell = notebook_of(now)[0]

    def edited(edit: Any) -> str:
        cell.source = now
        edit(cell.text)
        return cell.source

    place = slice(i, None).indices(len(now))[0]
    first, last, _ = slice(i, j).indices(len(now))
    last = max(first, last)
    assert edited(lambda text: text.insert(i, new)) == now[:place] + new + now[place:]
    assert edited(lambda text: text.delete(i, j)) == now[:first] + now[last:]
    assert edited(lambda text: text.__setitem__(slice(i, j), new)) == now[:first] + new + now[last:]
    assert edited(lambda text: text.append(new)) == now + new
    assert edited(lambda text: text.replace(part, new)) == now.replace(part, new)
    assert edited(lambda text: text.replace(part, new, 1)) == now.replace(part, new, 1)
    assert edited(lambda text: text.sub("[aé]", lambda m: m[0] + new)) == re.sub(
        "[aé]", lambda m: m[0] + new, now
    )
    assert edited(lambda text: text.sub(r"(?m)^", "> ", 2)) == re.sub(r"(?m)^", "> ", now, count=2)
    if -len(now) <= i < len(now):
        k = range(len(now))[i]
        assert edited(lambda text: text.__setitem__(i, new)) == now[:k] + new + now[k + 1 :]
        assert edited(lambda text: text.__delitem__(i)) == now[:k] + now[k + 1 :]


def test_edits_say_no_more_than_they_have_to() -> None:
    nb = notebook_of("value = 1\n" * 2_000)
    sent = sent_by(nb)
    nb[0].text[5] = "s"
    nb[0].text.insert(10_000, "!")
    nb[0].text.replace("nothing", "something")
    nb[0].lines[1_000] = "value = 2"
    nb[0].lines.insert(3, "new")

    assert [len(update) < 45 for update in sent] == [True] * 4


def test_a_replacement_in_a_thousand_places() -> None:
    nb = notebook_of("é = 1\n" * 3_000)
    assert nb[0].text.replace("1", "2") == 3_000
    assert nb[0].text.sub("é", "e") == 3_000
    assert nb[0].source == "e = 2\n" * 3_000


def test_bad_edits_are_refused() -> None:
    nb = opened()
    text, sent = nb[0].text, sent_by(nb)
    for edit, error in (
        (lambda: text.replace("", "x"), ValueError),
        (lambda: text.insert(0, "\ud800"), DocumentError),
        (lambda: text.append(3), TypeError),
        (lambda: text.sub("T", lambda _: "\ud800"), DocumentError),
        (lambda: text.__setitem__(slice(0, 9, 2), "x"), ValueError),
        (lambda: text.__setitem__(99, "x"), IndexError),
        (lambda: text.__delitem__(-99), IndexError),
        (lambda: setattr(nb[0], "text", 3), TypeError),
    ):
        with pytest.raises(error):
            edit()  # type: ignore[no-untyped-call]
    assert sent == []


def test_a_function_that_replaces_runs_outside_the_lock_and_again_after_others_typed() -> None:
    ada, bob, _ = two()
    calls = []

    def replacement(match: re.Match[str]) -> str:
        calls.append(match.string)
        if len(calls) == 1:
            bob["title"].text.insert(0, "!")
        return "TITLE"

    assert ada["title"].text.sub("Título", replacement) == 1
    assert calls == ["# Título 😀", "!# Título 😀"]
    assert bob["title"].source == "!# TITLE 😀"


# ----------------------------------------------------------------------------------------------- edit if unchanged


def test_an_edit_for_what_is_no_longer_so_is_refused() -> None:
    ada, bob, _ = two()
    hers = ada["load-1"]
    version = hers.version
    assert version == bob["load-1"].version
    bob["load-1"].source += ".head()"

    with pytest.raises(StaleCell, match="nothing was written"):
        hers.edit("df = 1", if_unchanged=version)
    assert hers.source == "df = read()\ndf.head()"
    version = hers.edit("df = 1", if_unchanged=hers.version)
    assert hers.edit("df = 2", if_unchanged=version) == hers.version
    assert hers.edit("df = 3") == hers.version
    assert bob["load-1"].source == "df = 3"
    hers.delete()
    with pytest.raises(CellGone):
        hers.edit("x", if_unchanged=version)


def test_within_a_transaction_a_stale_edit_takes_all_back() -> None:
    nb = opened()
    version = nb[1].version
    with pytest.raises(StaleCell), nb.transaction():  # noqa: PT012
        nb[1].text += "!"
        nb[1].edit("x", if_unchanged=version)
    assert nb[1].edit("x", if_unchanged=version)


# ------------------------------------------------------------------------------------------------------ the lines


def test_lines_in_a_conversation() -> None:
    ada, bob, hub = two(instantly=False)
    hers = ada["load-1"].lines
    hers.append("plot(df)")
    hers.insert(0, "import pandas")
    bob["load-1"].lines[0] = "df = load()"
    hub.deliver()

    assert hers == ["import pandas", "df = load()", "df", "plot(df)"]
    assert bob["load-1"].lines[-2:] == ["df", "plot(df)"]
    del hers[0], hers[-1]
    ada["load-1"].lines += ["a", "b"]
    hers[2:] = ["only"]
    hub.deliver()
    assert bob["load-1"].source == "df = load()\ndf\nonly"
    ada["load-1"].lines = ["x", "y"]
    assert ada["load-1"].source == "x\ny"


def test_of_equal_lines_the_one_that_is_meant_is_deleted() -> None:
    ada, bob, hub = two(instantly=False)
    ada["load-2"].source = "a\na"
    hub.deliver()
    del ada["load-2"].lines[1]
    bob["load-2"].text.insert(1, "!")
    hub.deliver()

    assert ada["load-2"].source == "a!"


def test_lines_keep_the_ends_they_have() -> None:
    cell = notebook_of("a\r\nb\r\nc")[0]
    cell.lines[1] = "B"
    cell.lines.insert(1, "new")
    cell.lines.append("end")
    assert cell.source == "a\r\nnew\r\nB\r\nc\r\nend"


def test_two_line_ends_never_become_one() -> None:
    cell = notebook_of("a\rb\nc")[0]
    cell.lines[1] = ""
    assert cell.lines == ["a", "", "c"]
    cell.source = "a\rb\n\nc"
    del cell.lines[1]
    assert cell.lines == ["a", "", "c"]
    cell.source = "a\r\nb\rc"
    cell.lines[1] = ""
    assert cell.source == "a\r\n\rc"


def test_an_empty_text_has_no_lines() -> None:
    cell = notebook_of("")[0]
    assert cell.lines == []
    cell.lines.append("x")
    assert cell.source == "x"
    cell.lines.clear()
    assert cell.source == ""


def test_a_line_has_no_line_end_in_it() -> None:
    cell = notebook_of("a\nb")[0]
    for write in (
        lambda: cell.lines.append("x\ny"),
        lambda: cell.lines.__setitem__(0, "x\r"),
        lambda: cell.lines.__setitem__(slice(None), ["x\n"]),
    ):
        with pytest.raises(DocumentError, match="no line end"):
            write()
    with pytest.raises(TypeError, match="list of lines"):
        cell.lines = "a\nb"  # type: ignore[assignment]
    with pytest.raises(IndexError, match="no line 2: the text has 2"):
        cell.lines[2] = "x"
    with pytest.raises(ValueError, match="1 lines do not fit into a slice of 2"):
        cell.lines[::-1] = ["x"]
    assert cell.source == "a\nb"


LINE = st.text("ab é😀", max_size=3)
ACTS = st.tuples(
    st.sampled_from(["append", "insert", "extend", "set", "del", "pop", "reverse"]),
    st.one_of(st.integers(-5, 5), st.slices(4)),
    st.lists(LINE, max_size=4),
)


def do(lines: Any, what: str, key: Any, new: list[str]) -> Any:
    index = key if isinstance(key, int) else len(new)
    line = new[0] if new else ""
    match what:
        case "append":
            lines.append(line)
        case "insert":
            lines.insert(index, line)
        case "extend":
            lines += new
        case "set":
            lines[key] = line if isinstance(key, int) else new
        case "del":
            del lines[key]
        case "pop":
            lines.pop(index)
        case "reverse":
            lines.reverse()
    return lines


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(["\n", "\r\n"]), st.lists(LINE, max_size=5), st.lists(ACTS, max_size=6))
def test_lines_are_a_list(end: str, model: list[str], acts: list[tuple[str, Any, list[str]]]) -> None:
    cell = notebook_of(end.join(model))[0]
    for act in acts:
        model = [] if model == [""] else model  # the one thing that texts cannot tell apart
        assert cell.lines == model
        failed: type[Exception] | None = None
        try:
            changed = do(list(model), *act)
        except (IndexError, ValueError) as error:
            failed = type(error)
        if failed is None:
            model = changed
            do(cell.lines, *act)
        else:
            with pytest.raises(failed):
                do(cell.lines, *act)
    assert cell.lines == ([] if model == [""] else model)
    if end == "\n":
        assert cell.source == "\n".join(model)
