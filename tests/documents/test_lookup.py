"""Cells are found by what is in them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.notebooks import notebook_of, opened, sources, two

from rtc_widgets.documents.definitions import defined
from rtc_widgets.documents.headings import headings
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.errors import DocumentError

# ----------------------------------------------------------------------------------------------- tags and types


def test_by_a_tag() -> None:
    ada, bob, _ = two()
    bob["raw"].tags.add("setup")

    assert ada["#setup"].id == "load-1"
    assert (
        [cell.id for cell in ada.tagged("setup")] == ["load-1", "raw"] == [c.id for c in ada.tagged("#setup")]
    )
    assert "#setup" in ada and "#nothing" not in ada and ada.tagged("nothing") == []
    ada["title"].move(after="#setup")
    ada["#setup"] = "found"
    assert bob["load-1"].source == "found"
    del ada["#setup"]
    assert ada["#setup"].id == "raw"
    with pytest.raises(KeyError, match="no cell has the tag 'nothing'"):
        _ = ada["#nothing"]


def test_tags_that_are_none_disturb_nobody() -> None:
    nb = opened()
    with nb.document.writing() as replica:
        from pycrdt import Array

        cells: Any = replica.root("cells", Array)
        cells[0]["metadata"]["tags"] = "setup"
        cells[2]["metadata"]["tags"] = [1, "odd"]
    assert [cell.id for cell in nb.tagged("setup")] == ["load-1"]
    assert nb["#odd"].id == "load-2"
    nb["load-2"].tags.add("even")
    assert nb["load-2"].metadata == {"tags": ["odd", "even"]}


def test_by_type() -> None:
    ada, bob, _ = two()
    code = ada.code
    assert [cell.id for cell in code] == ["load-1", "load-2"]
    assert [cell.id for cell in ada.markdown] == ["title"] and ada.raw[0].id == "raw"
    bob["raw"].type = "code"
    assert len(code) == 3 and code[-1].id == "raw" and [cell.id for cell in code[1:]] == ["load-2", "raw"]
    assert ada["title"] not in code and ada["raw"] in code
    with pytest.raises(IndexError, match="no code cell 3: the notebook has 3"):
        _ = code[3]


def test_the_running_cell() -> None:
    nb = opened()
    with pytest.raises(LookupError, match="No cell of this notebook is running"):
        _ = nb.this
    nb.running_cell_id = "load-1"
    assert nb.this == nb["load-1"]
    assert nb.this.below("made by it").index == 2


# ------------------------------------------------------------------------------------------------------ patterns


def test_find_and_grep() -> None:
    nb = notebook_of("import é\n# 😀 é", ("markdown", "an é"), "x = 'é'\ny")

    assert nb.find("é") == nb[0] and nb.find("^y$") == nb[2] and nb.find("é", "markdown") == nb[1]
    assert nb.find("z") is None
    assert nb.find(re.compile("IMPORT", re.IGNORECASE)) == nb[0]
    found = nb.grep("é")
    assert [(one.cell, one.line, one.span, one.text) for one in found] == [
        (nb[0], 0, (7, 8), "é"),
        (nb[0], 1, (13, 14), "é"),
        (nb[1], 0, (3, 4), "é"),
        (nb[2], 0, (5, 6), "é"),
    ]
    assert all(one.cell.text[slice(*one.span)] == "é" for one in found)
    assert [one.match["name"] for one in nb.grep(r"import (?P<name>\w)")] == ["é"]
    assert repr(found[1]) == f"<{nb[0].id[:8]}:1: '# 😀 é'>"
    assert len(nb.grep("é", "code")) == 3
    with pytest.raises(DocumentError):
        nb.find("é", "python")


def test_a_match_is_in_the_line_that_lines_gives() -> None:
    nb = notebook_of("a\rb\r\nc\u2028d\ne")
    assert [nb[0].lines[found.line] for found in nb.grep("[abde]")] == ["a", "b", "c\u2028d", "e"]


# --------------------------------------------------------------------------------------------------- definitions


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("df = 1", "df"),
        ("a, (b, *c) = x", "a b c"),
        ("a = b = c", "a b"),
        ("df += 1", "df"),
        ("df: int = 1", "df"),
        ("df: int", ""),
        ("df['x'] = 1; df.y = 2", ""),
        ("import a.b, c as d\nfrom e import f, g as h\nfrom i import *", "a d f h"),
        ("def f(x, y=(z := 1)):\n    inner = 1", "f z"),
        ("async def f(): pass", "f"),
        ("@(d := str)\nclass C(B):\n    inner = 1", "C d"),
        ("for i, x in y:\n    a = 1\nelse:\n    b = 2", "i x a b"),
        ("with open() as f, g() as (h, k): pass", "f h k"),
        ("while (n := f()): pass", "n"),
        ("print(n := 1)", "n"),
        ("[x for x in y if (z := x)]", "z"),
        ("lambda x: (y := x)", ""),
        ("try:\n    a = 1\nexcept E:\n    b = 1\nfinally:\n    c = 1", "a b c"),
        ("match x:\n    case {'k': v, **rest}: a = 1\n    case [y, *z] as w: pass", "v rest a y z w"),
        ("del df", ""),
        ("x = await f()", "x"),
        ("%matplotlib inline\ndf = 1", "df"),
        ("!pip install x\nif 1:\n    !ls\n    df = 1", "df"),
        ("files = !ls\nout = %sql SELECT", "files out"),
        ("df?\nx = 1\n?df\ndf.head??", "x"),
        ("%%time\ndf = 1", "df"),
        ("%%bash\ndf=1", ""),
        ("%%writefile a.py\ndf = 1", ""),
        ("x = '''\n% no magic\n'''", "x"),
        ("df = (", ""),
        ("x = '\\d'", "x"),
        ("\0 = 1", ""),
    ],
)
def test_what_code_defines(source: str, names: str) -> None:
    assert defined(source) == set(names.split())


@given(st.text("x=%!?\n( )'é:", max_size=20))
def test_no_code_is_too_odd(source: str) -> None:
    defined(source)
    headings(source)


def test_the_last_cell_that_defines_a_name() -> None:
    nb = notebook_of("df = 1\nx = 2", "import df", ("markdown", "df = 3"), "print(df)", "df = (")
    assert nb.defining("df") == nb[1]
    assert nb.defining("x") == nb[0]
    assert nb.defining("nothing") is None
    with pytest.raises(ValueError, match="'a b' is no name"):
        nb.defining("a b")


# ------------------------------------------------------------------------------------------------------ sections


def outline() -> Notebook:
    return notebook_of(
        "before",
        ("markdown", "# **Methods**"),
        "m = 1",
        ("markdown", "text\n\n## Results\nmore"),
        "r = 1",
        ("markdown", "# Results\n## [Plots](x.md) ##"),
        "plot()",
        ("markdown", "Last\n===="),
    )


def test_sections_by_their_titles() -> None:
    nb = outline()

    assert [(one.title, one.level, len(one)) for one in nb.sections] == [
        ("Methods", 1, 4),
        ("Results", 2, 2),
        ("Results", 1, 2),
        ("Plots", 2, 2),
        ("Last", 1, 1),
    ]
    results = nb.sections["Results"]
    assert results.level == 2 and results.heading == nb[3] and results.parent == nb.sections["Methods"]
    assert [one.level for one in nb.sections.titled("Results")] == [2, 1]
    assert nb.sections["Methods"]["Results"] == results == nb.sections["**Results**"]
    assert [one.title for one in nb.sections["Methods"].sections] == ["Results"]
    assert nb[4] in results and nb[4] in nb.sections["Methods"] and nb[5] not in nb.sections["Methods"]
    assert "Plots" in nb.sections and "Nothing" not in nb.sections and "Plots" in nb.sections[2]
    assert nb.sections["Methods"][1:][0].source == "m = 1"
    assert results[-1] == nb[4] and nb.sections[-1].title == "Last"
    assert nb[0].section is None and nb[4].section == results and nb[6].section == nb.sections["Plots"]
    assert repr(results) == "<section ## 'Results', 2 cells>"
    with pytest.raises(KeyError, match="no section is titled 'Nothing'; there are 'Methods', 'Results'"):
        _ = nb.sections["Nothing"]
    with pytest.raises(IndexError, match="no cell 9: the section has 2"):
        _ = results[9]


def test_a_section_is_live() -> None:
    nb = outline()
    results = nb.sections["Results"]
    results.append("r = 2")
    assert [cell.source for cell in results][1:] == ["r = 1", "r = 2"]
    nb[3].text.replace("Results", "Findings")
    assert results.title == "Findings" and len(results) == 3
    results.heading.move(before=0)
    assert len(results) == 2 and results.parent is None
    results.heading.delete()
    assert repr(results) == "<section, deleted>"
    with pytest.raises(LookupError, match="was deleted"):
        len(results)


def test_a_notebook_without_headings_has_no_sections() -> None:
    nb = notebook_of("# a comment", ("markdown", "text"), ("raw", "# raw"))
    assert len(nb.sections) == 0 and list(nb.sections) == [] and nb[0].section is None
    with pytest.raises(KeyError, match="there are none"):
        _ = nb.sections["x"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("# A", [(1, "A")]),
        ("###### A ##", [(6, "A")]),
        ("####### A", []),
        ("#A", []),
        ("#", [(1, "")]),
        ("    # code", []),
        ("```python\n# no\n```\n# yes", [(1, "yes")]),
        ("~~~\n```\n# no\n~~~\n# yes", [(1, "yes")]),
        ("A\n---", [(2, "A")]),
        ("- A\n---", []),
        ("\n---", []),
        ("# `a_b` *c* <a id='x'></a>", [(1, "a_b c")]),
        ("# C# and snake_case", [(1, "C# and snake_case")]),
        ("a\u2028# no\x0b# no\r# yes\r\n# B", [(1, "yes"), (1, "B")]),
    ],
)
def test_headings(source: str, found: list[tuple[int, str]]) -> None:
    assert headings(source) == found


def test_within_a_transaction_what_was_written_is_found() -> None:
    nb = outline()
    with nb.transaction():
        nb.append("new_name = 1").tags.add("new")
        nb.append("# New", type="markdown")
        assert nb.defining("new_name") == nb["#new"] == nb.find("new_name")
        assert nb.sections["New"].heading == nb[-1]
    assert sources(nb)[-1] == "# New"
