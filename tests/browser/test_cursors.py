"""Others' cursors and selections in editors."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.others import carets, stands, told
from support.person import IN_BOTH, Person


def switch(person: Person, title: str, label: str) -> None:
    """Click the checkbox of a setting in the settings editor, and go back to the document."""
    person.execute("settingeditor:open", {"query": title})
    box = person.page.locator(".jp-SettingsPanel").get_by_label(label).first
    before = person.page.evaluate("() => JSON.stringify(document.body.dataset)")
    box.click()
    person.page.wait_for_function("before => JSON.stringify(document.body.dataset) !== before", arg=before)
    person.execute("application:close")


@pytest.mark.oldest
def test_a_cursor_is_seen_with_its_name(named, visit):
    path = named.notebook("cursor.ipynb", "x = 1", "y = 2")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    ada.type(" + 1")
    stands(ben, "x = 1 + 1")
    name = carets(ben).locator(".rtcw-Caret-name")
    expect(name).to_have_text("Ada Lovelace")
    # It is shown while the cursor moves, is gone at rest, and comes back under the mouse.
    expect(name).to_have_css("opacity", "0")
    carets(ben).hover(force=True)
    expect(name).to_have_css("opacity", "1")
    ben.cells.nth(1).hover()
    expect(name).to_have_css("opacity", "0")
    expect(carets(ada)).to_have_count(0)
    ada.editor(1).click()
    stands(ben, "y = 2", 1)
    expect(carets(ben, 0)).to_have_count(0)
    ada.page.keyboard.press("Escape")
    expect(carets(ben, 1)).to_have_count(0)
    for person in (ada, ben):
        person.sees_no_dialog()


def test_a_cursor_stays_where_it_is_in_the_text_while_others_type(named, visit):
    path = named.notebook("cursor-stays.ipynb", "value = 1\nother = 2")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    ada.editor().click()
    for key in ("Control+Home", *["ArrowRight"] * 5):
        ada.page.keyboard.press(key)
    stands(ben, "value")
    ben.type("# 🦉 first\n", end=False)
    stands(ben, "# 🦉 first\nvalue")
    ada.page.keyboard.type("s")
    stands(ben, "# 🦉 first\nvalues")
    for key in ("Shift+End", "Shift+ArrowDown"):
        ada.page.keyboard.press(key)
    expect(ben.cells.first.locator(".rtcw-Selection").first).to_be_visible()
    stands(ben, "# 🦉 first\nvalues = 1\nother = 2")
    for person in (ada, ben):
        person.sees_no_dialog()


@IN_BOTH
def test_cursors_are_told_as_jupyter_collaboration_has_them(named, visit, at):
    path = named.notebook(f"shape-{at.__name__}.ipynb", "x = 1")
    ada = visit(named, path, "ada", at=at)
    ada.type("2")
    ada.page.keyboard.press("Shift+Home")
    ada.page.wait_for_function(
        """() => {
            const model = window.jupyterapp.shell.currentWidget?.context?.model;
            return model?.sharedModel.awareness.getLocalState().cursors?.[0]?.empty === false;
        }"""
    )
    (cursor,) = told(ada, "cursors")
    assert cursor.keys() == {"anchor", "head", "primary", "empty"}
    assert cursor["primary"] is True
    for end in (cursor["anchor"], cursor["head"]):
        assert end.keys() == {"type", "tname", "item", "assoc"}
        assert end["tname"] is None
    assert cursor["anchor"]["type"].keys() == {"client", "clock"}  # the end of the text
    assert cursor["head"]["item"].keys() == {"client", "clock"}


def test_cursors_are_seen_in_text_files_and_can_be_switched_off(named, visit):
    (named.root / "cursors.md").write_text("# Notes\nsome\nmore\n")
    ada, ben = visit(named, "cursors.md", "ada"), visit(named, "cursors.md", "ben")
    ada.page.locator(".jp-FileEditor .cm-content").click()
    ada.page.keyboard.press("Control+End")
    caret = ben.page.locator(".jp-FileEditor .rtcw-Caret")
    expect(caret).to_have_count(1)
    expect(caret.locator(".rtcw-Caret-name")).to_have_text("Ada Lovelace")
    expect(caret).to_be_visible()
    switch(ben, "Collaborators' Cursors", "Show cursors")
    expect(caret).to_be_hidden()
    switch(ben, "Collaborators' Cursors", "Show cursors")
    expect(caret).to_be_visible()
    switch(ben, "Collaborators' Cursors", "Show names")
    ada.page.keyboard.press("Control+Home")
    expect(caret).to_have_attribute("data-side", "below")
    expect(caret.locator(".rtcw-Caret-name")).to_have_css("opacity", "0")
    switch(ben, "Collaborators' Cursors", "Show names")
    for person in (ada, ben):
        person.sees_no_dialog()
