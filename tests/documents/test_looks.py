"""What is shown at the end of a cell: in order without any style, escaped, bounded, and never an error."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Map

from rtc_widgets.documents import looks
from rtc_widgets.documents.datafile import LiveData
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.people import People, State
from rtc_widgets.documents.textfile import LiveText

# What both JupyterLab, in a notebook that is not trusted, and GitHub leave in.
TAGS = {"div", "p", "span", "strong", "em", "code", "pre", "mark", "bdi", "wbr", "ul", "li"} | {
    *("table", "thead", "tbody", "tr", "th", "td")
}
HOSTILE = """<script>alert(1)</script> & "double" 'single' </td></table>"""


class Page(HTMLParser):
    """Read HTML, and check that every tag is one that is left in, closed where it was opened, and in its place."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _ in attrs} <= {"style", "scope", "title", "aria-label", "aria-hidden"}
        self.tags.append((tag, dict(attrs)))
        if tag != "wbr":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += " " if tag in {"td", "th", "p", "li"} else ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def heads(self, scope: str) -> int:
        return sum(tag == "th" and attributes.get("scope") == scope for tag, attributes in self.tags)


def page(shown: Any) -> Page:
    return Page(shown._repr_html_())


def user(nb: Notebook | LiveText, number: int, name: str, cell_id: str | None = None, **said: Any) -> None:
    """Have somebody come in."""
    who = {"username": f"u{number}", "display_name": name, "color": "var(--jp-collaborator-color4)"}
    state = State(number, 1, {"user": who, "activeCell": cell_id, **said})
    nb.document.part(People).receive([state])


def rich(words: str = "owls") -> Notebook:
    """Return a notebook that has everything, and *words* everywhere."""
    nb = Notebook.new()
    nb.metadata["title"] = words
    nb.append(f"# {words}", type="markdown")
    cell = nb.append(f"first = {words!r}\n{words}\nlast = 3")
    cell.tags.update([words.replace(",", ""), "slow"])
    cell.metadata["deep"] = {words: [words]}
    cell.outputs = [
        {"output_type": "stream", "name": "stdout", "text": words},
        {"output_type": "display_data", "metadata": {}, "data": {"text/plain": words, "image/png": "QUFB"}},
        {"output_type": "error", "ename": "E", "evalue": words, "traceback": [words]},
    ]
    with nb.transaction(words):
        nb.append("raw", type="raw")
    user(nb, 7, words, cell.id, status=words, pointer={"cell": nb[0].id, "text": words})
    return nb


def everything(nb: Notebook) -> dict[str, Any]:
    cell = nb[1]
    of_cell = {name: getattr(cell, name) for name in ("text", "lines", "tags", "metadata", "outputs")}
    of_notebook = {
        name: getattr(nb, name)
        for name in ("metadata", "users", "sections", "code", "undo_stack", "redo_stack")
    }
    changes: list[Any] = []
    with nb.on_change("source", changes.append), nb.on_change("cells", changes.append):
        cell.text.append("!")
        nb.append("new")
    deep = {"deep": cell.metadata["deep"], "output": cell.outputs[1], "bundle": cell.outputs[1].data}
    people = {
        "person": nb.users["u7"],
        "section": nb.sections[0],
        "grep": nb.grep("a"),
        "found": nb.grep("a")[0],
    }
    told = {f"change {place}": change for place, change in enumerate(changes)}
    return {
        "notebook": nb,
        "cell": cell,
        **of_cell,
        **{f"nb.{k}": v for k, v in of_notebook.items()},
        **deep,
        **people,
        **told,
    }


def test_everything_is_in_order_without_any_style():
    for name, shown in everything(rich()).items():
        read = page(shown)
        assert read.text.strip(), name
        tables = sum(tag == "table" for tag, _ in read.tags)
        rows = sum(tag == "tr" for tag, _ in read.tags)
        heads = sum(tag == "thead" for tag, _ in read.tags)
        assert read.heads("row") == rows - heads, name
        assert (read.heads("col") > 0) == (heads > 0), name
        assert all(attributes["aria-label"] for tag, attributes in read.tags if tag == "table"), name
        assert tables <= 1, name


def test_whatever_people_write_is_text():
    for name, shown in everything(rich(HOSTILE)).items():
        read = page(shown)  # knows no script
        assert "<script" not in shown._repr_html_(), name
    assert "alert(1)" in page(rich(HOSTILE).users).text
    assert read.text


def test_large_things_are_cut():
    nb = rich("x" * 1_000_000)
    nb.extend(["y = 1"] * 3_000)
    nb[1].lines.extend(["z"] * 3_000)
    for number in range(100, 400):
        user(nb, number, f"Somebody {number}", nb[3].id)
    for name, shown in everything(nb).items():
        assert len(shown._repr_html_()) < 100_000, name
        assert name in {"nb.undo_stack", "nb.redo_stack", "grep"} or len(repr(shown)) < 5_000, name
    assert "… 2,984 more cells" in page(nb).text
    assert re.search(r"… 2,9\d\d more lines", page(nb[1]).text)
    assert "… 295 more" in page(nb).text


def test_of_a_source_the_first_lines_are_shown():
    nb = Notebook.new()
    nb.append("\n".join(f"line {number}" for number in range(22)))
    assert page(nb[0]).text.endswith("line 8\nline 9… 12 more lines ")
    nb[0].source = "x" * 3_000
    assert page(nb[0]).text.endswith("x…3,000 characters in all ")
    nb[0].source = " "
    assert page(nb[0]).text.endswith("empty ")


def test_files_show_their_text_and_who_is_there():
    file = LiveText(LiveDocument())
    file.text = "# Notes\n" * 20
    user(file, 1, "Ada Lovelace")
    assert "Live text · 160 characters # Notes" in page(file).text
    assert page(file).text.endswith("… 10 more lines Also here AL Ada Lovelace u1 ")
    blob = LiveData(LiveDocument(), "blob")
    assert page(blob).text == "Live file · blob "
    blob.document.close()
    assert page(blob).text and page(file.lines).text


def test_attachments_say_that_they_are_some():
    nb = rich()
    nb[0].attachments["owl.png"] = {"image/png": "A" * 100_000}
    assert page(nb[0].attachments).text.startswith("attachments owl.png")
    assert len(nb[0].attachments._repr_html_()) < 2_000


def test_one_more_is_said_as_one():
    nb = Notebook.new()
    nb += ["x"] * 21
    nb[0].source = "\n".join("x" * 11)
    assert "… 1 more cell " in page(nb).text
    assert "… 1 more line " in page(nb[0]).text
    assert "more" not in page(nb[1]).text


def test_what_was_deleted_says_so():
    nb = rich()
    cell, section, change = nb[1], nb.sections[0], everything(nb)["change 0"]
    views = [
        cell,
        cell.text,
        cell.lines,
        cell.tags,
        cell.metadata,
        cell.metadata["deep"],
        cell.outputs,
        section,
    ]
    views += [section.sections, change, nb.grep("first")[0]]
    del nb[:]
    for view in views:
        assert "deleted" in page(view).text
        assert "deleted" in repr(view) or view is views[-1]
    assert repr(cell.text) == f"<The cell {cell.id[:8]} was deleted>"
    assert "0 cells" in page(nb).text


def test_what_has_become_something_else_is_no_error():
    nb = rich()
    deep = nb[1].metadata["deep"]
    nb[1].metadata["deep"] = 1
    assert "something else" in repr(deep) and "something else" in page(deep).text


def test_a_closed_document_can_be_looked_at():
    nb = rich()
    shown = everything(nb)
    nb.document.close()
    for view in shown.values():
        assert repr(view) and page(view).text
    assert page(nb).text.startswith("Live notebook · 4 cells (1 markdown, 2 code, 1 raw), closed")


def test_documents_of_others_may_hold_anything():
    nb = rich()
    with nb.document.writing() as replica:
        replica.root("cells", Array).extend(["no cell", Map({"id": "strange"}), Map({})])
    shown = page(nb)
    assert "6 cells" in shown.text and "owls" in shown.text
    for place in range(len(nb)):
        assert repr(nb[place]) and page(nb[place]).text
    for view in (nb.code, nb.sections, nb.users, nb.grep("first")):
        assert page(view).text


def test_who_is_where():
    nb = Notebook.new()
    nb += ["x"] * 30
    user(nb, 1, "Ada Lovelace", nb[2].id)
    user(nb, 2, "Ben", nb[25].id)
    user(nb, 3, "Kernel of Cleo", kind="kernel", cell=nb[4].id, status="counting")
    nb.running_cell_id = nb[1].id
    text = page(nb).text
    assert re.search(r"\b1 +code +x · ▶ running", text)
    assert re.search(r"\b2 +code +x · here: AL\s+Ada Lovelace", text)
    assert re.search(r"\b4 +code +x · ▶ running · here: KO\s+Kernel of Cleo", text)
    assert re.search(r"Also here +B +Ben u2 · in cell 25", text)
    assert "Kernel of Cleo u3 · runs cell 4 · counting" in page(nb.users).text
    assert "here: AL\xa0Ada Lovelace" in page(nb[2]).text
    assert "▶ running" in page(nb[1]).text


def test_a_cell_tells_its_tags_run_and_outputs():
    nb = rich()
    nb[1].execution_count = 3
    text = page(nb[1]).text
    assert f"code cell 1 · {nb[1].id[:8]} · owls slow · here: O\xa0owls · run as [3] · 3 outputs" in text
    assert "first = 'owls'\nowls\nlast = 3" in text


def test_what_was_found_is_marked():
    nb = Notebook.new()
    nb += ["x" * 100 + " owl " + "y" * 100, "def owl():\n    return 'owls'"]
    found = nb.grep("owls?")
    html = found._repr_html_()
    assert html.count("<mark>owl</mark>") == 2 and html.count("<mark>owls</mark>") == 1
    assert "Found · 3 times" in page(found).text
    assert "return '" in page(found[2]).text
    assert len(page(found[0]).text) < 150


def test_lists_that_are_drawn_stay_lists():
    nb = rich()
    assert nb.undo_stack == list(nb.undo_stack) and isinstance(nb.grep("a"), list)
    assert repr(nb.undo_stack) == repr(list(nb.undo_stack))
    text = page(nb.undo_stack).text
    assert re.search(r"next +owls", text)


def test_a_change_is_told_in_a_line():
    nb = rich()
    seen: list[Any] = []
    with nb.on_change("source", seen.append), nb.on_change("people", seen.append):
        with nb.transaction("greet"):
            nb[1].text.insert(0, "hello")
        user(nb, 9, "Eve", nb[1].id)
    assert repr(seen[0]) == f"<change of source of cell 1 {nb[1].id[:8]} by this process (greet), 1 edit>"
    assert repr(seen[1]) == "<change of people by Eve (people), 1 edit>"
    assert "from 0 to 0 'hello'" in page(seen[0]).text
    assert "join u9" in page(seen[1]).text


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def avatar(color: str | None) -> tuple[str, str]:
    """Return background and text of an avatar."""
    found = re.search(
        r"background-color:(#\w{6});color:(#\w{6})", looks.face(looks.Face("Ada", "ada", color))
    )
    assert found is not None
    return found[1], found[2]


@given(st.one_of(st.from_regex(r"\A#[0-9a-f]{6}\Z"), st.text(), st.none()))
def test_initials_are_read_on_any_colour(color):
    lights = sorted(luminance(one) for one in avatar(color))
    assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("color", "shown"),
    [
        ("#F37726", "#f37726"),
        ("#abc", "#aabbcc"),
        ("#abcd", "#aabbcc"),
        ("#11223344", "#112233"),
        ("rgb(1, 2, 300)", "#0102ff"),
        ("rgba(1 2 3 / 50%)", "#010203"),
        ("var(--jp-collaborator-color1)", "#ffad8e"),
        ("Navy", "#000080"),
        ("url(javascript:alert(1))", "#808080"),
        ("red;position:fixed", "#808080"),
        ("", "#808080"),
        (None, "#808080"),
    ],
)
def test_colours_as_css_has_them(color, shown):
    assert avatar(color)[0] == shown


def test_initials():
    def initials(name: str) -> str:
        return Page(looks.face(looks.Face(name, name))).text.split()[0]

    assert [initials(name) for name in ("Ada Lovelace", "ben", "Kernel (ada)", "李 雷", "🦉", "")] == [
        *("AL", "B", "KA", "李雷", "?", "?")
    ]


def test_a_card_escapes_everything():
    rows = [(HOSTILE, HOSTILE), ("state", "live")]
    read = Page(looks.table(HOSTILE, (), rows, below=looks.advice(f"{HOSTILE}\n- `{HOSTILE}`")))
    assert read.text.count("alert(1)") == 5
    assert read.heads("row") == 2
    assert Page(looks.table("Empty", (), [])).text == "Empty "


def test_advice_is_a_list_where_lines_begin_with_a_dash():
    said = looks.advice("The causes:\n- none; run `a b`,\n  then c\n- another\nAll told.")
    assert said.count("<ul") == 1 and said.count("<li>") == 2
    assert "<code>a b</code>, then c</li><li>another</li></ul><p" in said
    assert not looks.advice("")


def test_half_a_character_can_be_sent():
    nb = Notebook(LiveDocument())
    user(nb, 1, "half \ud83e")
    nb.users._repr_html_().encode()
    repr(nb.users).encode("utf-8", "backslashreplace")
