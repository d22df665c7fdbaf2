"""A notebook that one person has open as a notebook and another as text: both see the same, and nothing asks."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect
from support.others import carets, standing
from support.person import Person
from support.reader import Reader
from support.server import until

LOAD = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()"


@pytest.mark.oldest
def test_a_notebook_and_its_text_are_typed_in_at_once(lab, visit):
    path = lab.notebook("text-view.ipynb", "a = 1", "b = 2")
    ada, ben = visit(lab, path), visit(lab)
    text = Reader(ben, path)
    text.type("0", behind='"a = 1')
    ada.sees(0, "a = 10")
    ada.type(" # Zoë 🦉", 1)
    text.shows('"b = 2 # Zoë 🦉"')
    ada.type("\nc = 3", 1)
    text.shows('"b = 2 # Zoë 🦉\\n",\n    "c = 3"')
    text.type("0", behind='"c = 3')
    ada.sees(1, "b = 2 # Zoë 🦉\nc = 30")
    assert ada.sources() == ["a = 10", "b = 2 # Zoë 🦉\nc = 30"]
    until(lambda: (lab.root / path).read_text() == text.text, "the file is what the text shows")
    for person in (ada, ben):
        person.sees_no_dialog()
    expect(ben.page.locator(".jp-mod-dirty")).to_have_count(0)


def test_a_text_that_is_no_notebook_is_said_and_mended(named, visit, screenshots):
    path = named.notebook("invalid-text.ipynb", "a = 1", "b = 2")
    ada = visit(named, path, "ada")
    people = [visit(named, "", "ben", color_scheme=scheme) for scheme in ("light", "dark")]
    texts = [Reader(person, path) for person in people]
    texts[0].type('"', behind='"a = ')
    for text, scheme in zip(texts, ("light", "dark"), strict=True):
        expect(text.notice).to_contain_text("not a notebook at the moment, so the notebook stays as it was")
        expect(text.notice.get_by_role("status")).to_contain_text("Expecting")
        text.page.screenshot(path=screenshots / f"text-view-{scheme}.png")
    line = texts[1].text.split("\n").index('    "a = "1"') + 1
    for text in texts:
        expect(standing(text.person)).to_have_accessible_name(
            re.compile(f"Live, not a notebook: line {line}")
        )
    expect(texts[1].notice).to_contain_text(f"Line {line}, column ")
    ada.type(" meanwhile", 1)
    ada.sees(1, "b = 2 meanwhile")
    assert ada.sources()[0] == "a = 1", "the notebook stays as it was"
    texts[1].notice.get_by_role("button", name=f"Go to Line {line}").click()
    texts[1].page.keyboard.press("Backspace")
    ada.sees(0, "a = 1")
    for text in texts:
        expect(text.notice).to_have_count(0)
        expect(standing(text.person)).not_to_have_accessible_name(re.compile("not a notebook"))
        text.shows("b = 2 meanwhile")
    for person in (ada, *people):
        person.sees_no_dialog()


def test_a_text_that_is_no_notebook_can_be_given_up_and_copied(lab, visit):
    path = lab.notebook("discard-text.ipynb", "a = 1")
    ada, ben = visit(lab, path), visit(lab)
    text = Reader(ben, path)
    text.type("nonsense", behind='"outputs": ')
    expect(text.notice).to_be_visible()
    ada.type("1")
    ada.sees(0, "a = 11")
    text.notice.get_by_role("button", name="Show the Notebook's Text Again").click()
    expect(text.notice).to_have_count(0)
    text.shows('"a = 11"')
    assert "nonsense" not in text.text
    ben.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ben.toast("shows the notebook's text again").get_by_role("button", name="Copy the Other Text").click()
    ben.sees_no_dialog()


def test_what_cannot_be_saved_is_kept_when_the_editor_closes(lab, visit):
    path = lab.notebook("closed-text.ipynb", "a = 1")
    ben = visit(lab)
    text = Reader(ben, path)
    text.type("nonsense", behind='"outputs": ')
    expect(text.notice).to_be_visible()
    ben.save()
    dialog = ben.page.locator(".jp-Dialog", has_text="the text is not a notebook")
    expect(dialog).to_contain_text("Mend it")
    dialog.locator("button").last.click()
    ben.execute("application:close")
    ben.page.locator(".jp-Dialog", has_text="Save your work").locator("button", has_text="Discard").click()
    expect(ben.page.locator(".jp-FileEditor")).to_have_count(0)
    again = Reader(ben, path)
    expect(again.notice).to_be_visible()
    assert "nonsense" in again.text


def test_cells_are_added_moved_and_deleted_in_the_text(lab, visit):
    path = lab.notebook("text-cells.ipynb", "a = 1", "b = 2", "c = 3")
    ada, ben = visit(lab, path), visit(lab)
    text = Reader(ben, path)
    ids = [cell["id"] for cell in json.loads(text.text)["cells"]]
    new = {"cell_type": "markdown", "metadata": {}, "source": ["# New"]}

    def change(notebook: Any) -> None:
        a, _, c = notebook["cells"]
        notebook["cells"] = [c, new, a]

    text.replace(change)
    until(lambda: ada.sources() == ["c = 3", "# New", "a = 1"], "the notebook follows")
    until(lambda: len([c for c in json.loads(text.text)["cells"] if c.get("id")]) == 3, "each cell has an id")
    now = [cell["id"] for cell in json.loads(text.text)["cells"]]
    assert now[0] == ids[2] and now[2] == ids[0] and now[1] not in ids
    ada.run(2)
    text.shows('"execution_count": 1')
    for person in (ada, ben):
        person.sees_no_dialog()


def test_both_save_and_nothing_asks(lab, visit):
    path = lab.notebook("text-save.ipynb", "a = 1")
    ada, ben = visit(lab, path), visit(lab)
    text = Reader(ben, path)
    for number in range(3):
        text.type(str(number), behind='"a = 1')
        ada.sees(0, f"a = 1{number}" + "".join(str(n) for n in reversed(range(number))))
        ben.save_whole()
        until(lambda: not ben.dirty(), "the text is saved")
        ada.save_whole()
        until(lambda: not ada.dirty(), "the notebook is saved")
        for person in (ada, ben):
            person.sees_no_dialog()
    assert lab.sources(path) == ["a = 1210"]
    assert (lab.root / path).read_text() == text.text
    lab.api(f"/api/contents/{path}", "PATCH", {"path": "text-save-2.ipynb"})
    for person in (ada, ben):
        person.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget?.context?.path === 'text-save-2.ipynb'"
        )
    text.type("!", behind='"a = 1')
    ada.sees(0, "a = 1!210")
    ben.save()
    for person in (ada, ben):
        person.sees_no_dialog()


def test_one_page_has_both_and_closes_one(lab, visit):
    path = lab.notebook("text-both.ipynb", "a = 1")
    ada = visit(lab, path)
    text = Reader(ada, path)
    text.type("0", behind='"a = 1')
    ada.save_whole()
    until(lambda: not ada.dirty(), "the text is saved")
    ada.sees_no_dialog()
    ada.execute("application:close")
    ada.sees(0, "a = 10")
    ada.type("0")
    until(lambda: lab.sources(path) == ["a = 100"], "the file follows")
    again = Reader(ada, path)
    again.shows("a = 100")
    ada.sees_no_dialog()


def test_undo_takes_back_what_this_person_typed_in_the_text(lab, visit):
    path = lab.notebook("text-undo.ipynb", "a = 1", "b = 2")
    ada, ben = visit(lab, path), visit(lab)
    text = Reader(ben, path)
    text.type("111", behind='"a = 1')
    ada.sees(0, "a = 1111")
    ada.type(" + c", 1)
    text.shows("b = 2 + c")

    def undone() -> bool:
        text.page.keyboard.press("Control+z")
        return '"a = 1"' in text.text

    # Typing that is slow for a moment is more than one step.
    until(undone, "it is taken back")
    text.page.keyboard.press("Control+z")
    ada.sees(0, "a = 1")
    assert ada.sources() == ["a = 1", "b = 2 + c"], "what others did stays"
    for person in (ada, ben):
        person.sees_no_dialog()


def test_a_kernel_and_a_text_hear_of_each_other(named, visit):
    path = named.notebook("text-kernel.ipynb", "x = 1", LOAD, "")
    ada, ben = visit(named, path, "ada"), visit(named, "", "ben")
    text = Reader(ben, path)
    ada.run(1)
    ada.type("s = nb.on_change('source', lambda c: print('by', c.person.name, c.cell.source), cell=0)", 2)
    ada.run(2)
    expect(ada.cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[2]:")
    text.type("0", behind='"x = 1')
    ada.sees_output(2, "by Ben")
    ada.type("\nnb[0].source = 'from the kernel'", 2)
    ada.run(2)
    text.shows('"from the kernel"')
    expect(ben.page.locator(".jp-FileEditor:visible .cm-content")).to_be_visible()
    assert carets(ben).count() == 0
    for person in (ada, ben):
        person.sees_no_dialog()


def test_people_in_a_notebook_and_in_its_text_see_each_other(named, visit, screenshots):
    path = named.notebook("text-people.ipynb", "a = 1", "b = 2", "c = 3", LOAD)
    ada, ben = visit(named, path, "ada"), visit(named, "", "ben", color_scheme="dark")
    text = Reader(ben, path)
    ada.editor(1).click()
    line = _line(text, '"a = 1"')
    text.go('"a = 1')
    expect(face(ada, "Ben Okri, in cell 1")).to_be_visible()
    expect(ada.cells.nth(0).locator(".rtcw-Badge")).to_be_visible()
    start = _line(text, '"b = 2"')
    seen = face(ben, "Ada Lovelace, in line ")
    expect(seen).to_have_accessible_name(re.compile(r"in line \d+"))
    label = seen.get_attribute("aria-label")
    assert label is not None and line < int(label.split()[-1]) < start
    for person, name in ((ada, "notebook"), (ben, "text")):
        person.page.screenshot(path=screenshots / f"text-people-{name}.png")
    seen.click()
    expect(face(ada, "Ben Okri, in cell 2")).to_be_visible()
    ada.run(3)
    expect(ben.page.get_by_role("group", name="Others in this document").locator("button")).to_have_count(2)
    ran = lambda: named.read(path)["cells"][3]["execution_count"] == 1  # noqa: E731
    until(lambda: ran() and not ada.dirty(), "it is saved")
    ada.execute("application:close")
    expect(seen).to_have_count(0)
    for person in (ada, ben):
        person.sees_no_dialog()


def face(person: Person, name: str) -> Locator:
    """Return somebody's face in the top bar."""
    return person.page.get_by_role("group", name="Others in this document").get_by_role(
        "button", name=re.compile(name)
    )


def _line(text: Reader, what: str) -> int:
    return text.text[: text.text.index(what)].count("\n") + 1


def test_a_damaged_notebook_is_mended_as_text(lab, visit):
    path = lab.notebook("damaged-text.ipynb", "a = 1")
    whole = (lab.root / path).read_text()
    (lab.root / path).write_text(whole[:-1])
    ben = visit(lab)
    text = Reader(ben, path)
    expect(ben.toast("damaged")).to_have_count(1)
    text.type("}", behind=whole[-9:-1])
    ben.save_whole()
    until(lambda: not ben.dirty(), "it is saved")
    assert lab.sources(path) == ["a = 1"]
    ben.execute("application:close")
    ada, again = visit(lab, path), Reader(ben, path)
    again.type("0", behind='"a = 1')
    ada.sees(0, "a = 10")
    for person in (ada, ben):
        person.sees_no_dialog()
