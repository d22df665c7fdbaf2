"""Undo takes back what one did oneself, whatever others and the kernel do in the same place meanwhile."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from support.others import standing
from support.person import Person
from support.server import until

LOAD = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()"


def link(person: Person, index: int) -> None:
    """Run the cell that loads the extension, and wait until the kernel takes part."""
    person.run(index)
    expect(standing(person)).to_have_accessible_name(re.compile("kernel linked"))


def command(person: Person, index: int, *keys: str) -> None:
    """Press keys in command mode with a cell active."""
    person.has_drawn_its_cells()
    person.cells.nth(index).locator(".jp-InputPrompt").click()
    for key in keys:
        person.page.keyboard.press(key)


def all_have(people: tuple[Person, ...], *sources: str) -> None:
    for person in people:
        until(lambda: person.sources() == [*sources], lambda: f"{sources}, not {person.sources()}")  # noqa: B023


@pytest.mark.oldest
def test_undo_in_a_cell_takes_back_ones_own_typing(named, visit):
    path = named.notebook("undo-cell.ipynb", "x", LOAD, "nb[0].source = '# kernel\\n' + nb[0].source + ' K'")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    link(ada, 1)
    ada.insert(" ada", 0)
    ben.sees(0, "x ada")
    ben.insert(" ben", 0)
    ada.sees(0, "x ada ben")
    ben.run(2)
    others = (LOAD, "nb[0].source = '# kernel\\n' + nb[0].source + ' K'")
    all_have((ada, ben), "# kernel\nx ada ben K", *others)
    ada.page.keyboard.press("Control+z")
    all_have((ada, ben), "# kernel\nx ben K", *others)
    for _ in range(3):
        ada.page.keyboard.press("Control+z")
    ada.page.keyboard.press("Control+Shift+z")
    all_have((ada, ben), "# kernel\nx ada ben K", *others)
    ben.editor(0).click()
    ben.page.keyboard.press("Control+z")
    all_have((ada, ben), "# kernel\nx ada K", *others)
    for person in (ada, ben):
        person.sees_no_dialog()


def test_undo_in_a_text_file_takes_back_ones_own_typing(named, visit):
    (named.root / "undo.md").write_text("x")
    path = named.notebook(
        "undo-file.ipynb",
        LOAD + "\nfile = rtc_widgets.open('undo.md')",
        "file.text = 'kernel ' + file.text + ' K'",
    )
    zoe = visit(named, path, "zoe")
    ada, ben = visit(named, "undo.md", "ada"), visit(named, "undo.md", "ben")
    link(zoe, 0)
    text = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.getSource()"

    def type_(person: Person, words: str) -> None:
        person.page.locator(".jp-FileEditor .cm-content").click()
        person.page.keyboard.press("Control+End")
        person.page.keyboard.insert_text(words)  # all at once, so that it is one step

    def have(source: str) -> None:
        for person in (ada, ben):
            until(lambda: person.page.evaluate(text) == source, source)  # noqa: B023

    type_(ada, " ada")
    have("x ada")
    type_(ben, " ben")
    have("x ada ben")
    zoe.run(1)
    have("kernel x ada ben K")
    ada.page.keyboard.press("Control+z")
    have("kernel x ben K")
    ada.page.keyboard.press("Control+z")
    ada.page.keyboard.press("Control+Shift+z")
    have("kernel x ada ben K")
    ben.page.keyboard.press("Control+z")
    have("kernel x ada K")
    ada.sees_no_dialog()


def test_undo_of_cells_takes_back_ones_own_deletion(named, visit):
    path = named.notebook("undo-delete.ipynb", "a", "b", LOAD, "nb.append('by the kernel')")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    link(ada, 2)
    command(ada, 1, "d", "d")
    expect(ben.cells).to_have_count(3)
    command(ben, 0, "b")
    ben.type("by Ben", 1)
    ben.run(3)
    all_have((ada, ben), "a", "by Ben", LOAD, "nb.append('by the kernel')", "by the kernel")
    command(ada, 0, "z")
    for person in (ada, ben):
        until(lambda: "b" in person.sources(), "the cell is back")  # noqa: B023
        assert sorted(person.sources()) == sorted(
            ["a", "b", "by Ben", LOAD, "nb.append('by the kernel')", "by the kernel"]
        )
    command(ada, 0, "z", "z")
    command(ada, 0, "Shift+z")
    for person in (ada, ben):
        until(lambda: "b" not in person.sources(), "and gone")  # noqa: B023
        assert "by Ben" in person.sources() and "by the kernel" in person.sources()
        person.sees_no_dialog()


def test_undo_of_a_move_keeps_what_others_typed_there(named, visit):
    path = named.notebook("undo-move.ipynb", "a", "b", "c")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    command(ada, 0, "Control+Shift+ArrowDown")
    all_have((ada, ben), "b", "a", "c")
    ben.type(" by Ben", 1)
    all_have((ada, ben), "b", "a by Ben", "c")
    command(ada, 0, "z")
    all_have((ada, ben), "a by Ben", "b", "c")


def test_undo_of_an_insertion_keeps_what_others_typed_there(named, visit):
    path = named.notebook("undo-insert.ipynb", "a", "b")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    command(ada, 0, "b")
    expect(ben.cells).to_have_count(3)
    ben.type("by Ben", 1)
    all_have((ada, ben), "a", "by Ben", "b")
    command(ada, 2, "d", "d")
    expect(ben.cells).to_have_count(2)
    # First the deletion comes back; then there is only the insertion of a cell that is Ben's by now.
    command(ada, 0, "z")
    all_have((ada, ben), "a", "by Ben", "b")
    command(ada, 0, "z")
    ada.type("!", 0)
    all_have((ada, ben), "a!", "by Ben", "b")
