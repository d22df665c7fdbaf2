"""A quiet notice tells what the kernel changed, and takes back just that."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from support.others import notice, standing
from support.person import Person
from support.server import Server, until

LOAD = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()"
WAIT = "nb.wait_for(lambda: 'stop' in nb[0].source, 60).result()"


def undo(person: Person) -> None:
    notice(person).get_by_role("button", name="Undo").click()


@pytest.mark.oldest
def test_what_the_kernel_changed_is_told_and_taken_back(named, visit, screenshots):
    code = LOAD + "\nnb[0].source = 'x = 200'\nnb[1].source = ''\nnb.append('new')"
    path = named.notebook("kernel-edits.ipynb", "x = 1", "y = 2", code)
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben", color_scheme="dark", width=700)
    ada.run(2)
    for person in (ada, ben):
        expect(notice(person)).to_contain_text("The kernel changed 3 cells")
    notice(ada).hover()  # so that it stays
    ada.page.screenshot(path=screenshots / "kernel-edits-light.png")
    ben.page.screenshot(path=screenshots / "kernel-edits-dark-narrow.png")
    ben.type(" + mine", 0)
    ada.sees(0, "x = 200 + mine")
    undo(ada)
    for person in (ada, ben):
        person.sees(0, "x = 1 + mine")
        until(lambda: person.sources() == ["x = 1 + mine", "y = 2", code], "all is as before")  # noqa: B023
    expect(notice(ben)).to_have_count(0)
    expect(notice(ada)).to_contain_text("taken back")
    ada.page.screenshot(path=screenshots / "kernel-edits-undone.png")
    expect(notice(ada).get_by_role("button", name="Redo")).to_be_focused()
    ada.page.keyboard.press("Enter")
    for person in (ada, ben):
        until(lambda: person.sources() == ["x = 200 + mine", "", code, "new"], "it is done again")  # noqa: B023
        person.sees_no_dialog()
    until(lambda: named.sources(path) == ada.sources(), "the file follows")


def test_typing_while_the_kernel_writes_stays(named, visit):
    path = named.notebook(
        "kernel-typing.ipynb",
        "",
        LOAD,
        "import time\nfor step in range(20):\n    nb[0].source += f'{step} '\n    time.sleep(0.1)",
        "del nb[4]",
        "deleted by the kernel",
    )
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    ada.run(1)
    expect(standing(ada)).to_have_accessible_name(re.compile("kernel linked"))
    ada.run(2)
    expect(ben.editor(0)).to_contain_text("3 ")
    ben.type("typed by Ben", 0)
    ada.run(3)
    for person in (ada, ben):
        expect(person.cells).to_have_count(4)
        until(lambda: "19 " in person.sources()[0], "the kernel has written")  # noqa: B023
    undo(ben)
    for person in (ada, ben):
        person.sees(0, "typed by Ben")
        person.sees(4, "deleted by the kernel")
        person.sees_no_dialog()


def test_what_others_do_and_what_cells_print_is_not_told(named, visit):
    path = named.notebook("kernel-silent.ipynb", "x = 1", LOAD + "\nprint('out')", "nb[0].source = 'told'")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    ada.run(1)
    ada.sees_output(1, "out")
    ben.sees_output(1, "out")
    ben.type("!", 0)
    ben.execute("notebook:insert-cell-below")
    expect(ada.cells).to_have_count(4)
    shown = "() => document.querySelectorAll('.rtcw-Notice:not(.lm-mod-hidden)').length"
    for person in (ada, ben):
        assert person.page.evaluate(shown) == 0
    # And it goes by itself, but can be undone later by the palette.
    ada.run(3)
    expect(notice(ada)).to_have_count(1)
    assert ben.page.evaluate("() => true")
    expect(notice(ben)).to_have_count(1)
    expect(notice(ben)).to_have_count(0)
    ben.execute("rtc-widgets:undo-kernel-edits")
    for person in (ada, ben):
        person.sees(0, "x = 1!")
        person.sees_no_dialog()


def test_a_text_file_is_told_too(named, visit, screenshots):
    (named.root / "notes.md").write_text("# Notes\n")
    path = named.notebook(
        "writes-notes.ipynb", LOAD + "\nnotes = rtc_widgets.open('notes.md')", "notes.append('more\\n')"
    )
    ada, ben = visit(named, path, "ada"), visit(named, "notes.md", "ben")
    ada.run(0)
    expect(ada.cells.nth(0).locator(".jp-InputPrompt")).to_have_text("[1]:")
    ada.run(1)
    expect(notice(ben)).to_contain_text("The kernel changed this file")
    notice(ben).hover()  # so that it stays
    ben.page.screenshot(path=screenshots / "kernel-edits-file.png")
    text = ben.page.locator(".jp-FileEditor .cm-content")
    text.focus()
    ben.page.keyboard.press("Control+End")
    ben.page.keyboard.type("mine")
    undo(ben)
    until(lambda: (named.root / "notes.md").read_text() == "# Notes\nmine", "the file follows")
    ben.sees_no_dialog()


def test_two_people_undo_the_same_at_once(named, visit, behind):
    path = named.notebook("kernel-undo-twice.ipynb", "x = 1", LOAD, "nb[0].source = 'y'")
    networks = behind(named), behind(named)
    ada, ben = (visit(network, path, name) for network, name in zip(networks, ("ada", "ben"), strict=True))
    ada.run(1)
    expect(ada.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[1]:")
    ada.run(2)
    for person in (ada, ben):
        expect(notice(person)).to_contain_text("The kernel changed 1 cell")
    # Now neither hears in time that the other does it, too.
    for network in networks:
        network.slow(1.5)
    for person in (ada, ben):
        undo(person)
    for person in (ada, ben):
        person.sees(0, "x = 1")
    for network in networks:
        network.restore()
    ben.type("2")
    for person in (ada, ben):
        person.sees(0, "x = 12")
        person.sees_no_dialog()
    redo = [notice(person).get_by_role("button", name="Redo").count() for person in (ada, ben)]
    assert sum(redo) == 1, "one of them did it"


def test_without_a_connection_nothing_is_taken_back(named, visit, behind):
    path = named.notebook("kernel-undo-away.ipynb", "x = 1", LOAD, "nb[0].source = 'y'")
    network = behind(named)
    ada, ben = visit(named, path, "ada"), visit(network, path, "ben")
    ben.is_told_that_the_server_is_away()
    ada.run(1)
    expect(ada.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[1]:")
    ada.run(2)
    button = notice(ben).get_by_role("button", name="Undo")
    for shown in (button, notice(ada)):
        shown.hover()  # so that it stays
    network.cut()
    expect(button).to_have_count(0)
    undo(ada)
    ada.sees(0, "x = 1")
    network.restore()
    ben.sees(0, "x = 1")
    ben.execute("rtc-widgets:undo-kernel-edits")
    ben.type("2")
    ada.sees(0, "x = 12")


def test_the_notebook_s_own_metadata_are_told_and_taken_back(named, visit, screenshots):
    path = named.notebook("kernel-metadata.ipynb", LOAD, "nb.metadata['title'] = 'From the kernel'")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben", color_scheme="dark")
    ada.run(0)
    expect(ada.cells.nth(0).locator(".jp-InputPrompt")).to_have_text("[1]:")
    ada.run(1)
    for person in (ada, ben):
        expect(notice(person)).to_contain_text("The kernel changed the notebook's metadata")
        expect(notice(person).get_by_role("button", name="Show")).to_have_count(0)
        person.page.screenshot(
            path=screenshots / f"kernel-metadata-{'light' if person is ada else 'dark'}.png"
        )
    until(lambda: _metadata(named, path).get("title") == "From the kernel", "the file has it")
    undo(ben)
    until(lambda: "title" not in _metadata(named, path), "it is taken back")
    expect(notice(ada)).to_have_count(0)


def _metadata(server: Server, path: str) -> dict[str, Any]:
    metadata: dict[str, Any] = server.read(path)["metadata"]
    return metadata
