"""Living together in short, in a page of Notebook 7, and in one of the oldest JupyterLab."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from typing import Any

import pytest
from playwright.sync_api import expect
from support.others import avatar, carets, details, is_at, mark, notice, says, standing, stands
from support.person import NotebookPerson, Person
from support.reader import Reader
from support.server import until

NOTEBOOK = pytest.param(NotebookPerson, id="notebook")
OLDEST_NOTEBOOK = pytest.param(NotebookPerson, id="notebook", marks=pytest.mark.oldest)
# Of JupyterLab as it is today the other files tell more, so that its turn here would only take time.
LABS = [pytest.param(Person, id="lab", marks=pytest.mark.oldest)] if version("jupyterlab") < "4.5" else []

# A hook with which saving fails for as long as a file named "full" lies beside the configuration.
FULL = """
from pathlib import Path
from tornado.web import HTTPError
from rtc_widgets.relay.schedule import Schedule

# It is saved again by "Save Now" alone.
Schedule.failed = Schedule.stop

def fail(model, path, contents_manager, **others):
    if Path(__file__).with_name("full").exists():
        raise HTTPError(507, "your quota is used up")

c.FileContentsManager.pre_save_hook = fail
"""


def kind(at: type[Person]) -> str:
    return "notebook7" if at is NotebookPerson else "lab"


@pytest.mark.parametrize("at", [OLDEST_NOTEBOOK, *LABS])
def test_people(named, visit, screenshots, at):
    path = named.notebook(f"each-people-{kind(at)}.ipynb", "x = 1", "y = 2", "z = 3")
    ada = visit(named, path, "ada", at=at)
    ben = visit(named, path, "ben", at=at, color_scheme="dark", width=700)
    for person in (ada, ben):
        says(person, "Live, 2 people here, kernel not linked")
    # Cursors with names, selections, and the cell where somebody is.
    ada.type(" + 1")
    stands(ben, "x = 1 + 1")
    expect(carets(ben).locator(".rtcw-Caret-name")).to_have_text("Ada Lovelace")
    expect(mark(ben, 0, "Ada Lovelace: is here")).to_have_text("AL")
    ada.page.keyboard.press("Shift+Home")
    expect(ben.cells.first.locator(".rtcw-Selection").first).to_be_visible()
    # A click on a face goes there, and so does a key.
    ben.editor(2).click()
    avatar(ada, "Ben Okri, in cell 3").click()
    is_at(ada, 2)
    ben.editor(1).click()
    expect(avatar(ada, "Ben Okri, in cell 2")).to_be_visible()
    ada.page.keyboard.press("Control+Alt+p")
    is_at(ada, 1)
    # Undo takes back one's own.
    ada.insert(" ada", 0)
    ben.sees(0, "x = 1 + 1 ada")
    ben.type(" ben", 0)
    ada.sees(0, "x = 1 + 1 ada ben")
    ada.page.keyboard.press("Control+z")
    ben.sees(0, "x = 1 + 1 ben")
    # The command palette switches cursors off and on.
    expect(carets(ben)).to_be_visible()
    for is_shown in (False, True):
        ben.choose("Show Collaborators' Cursors")
        expect(carets(ben)).to_be_visible(visible=is_shown)
    # The details, by the keyboard.
    standing(ben).focus()
    ben.page.keyboard.press("Enter")
    expect(details(ben)).to_be_focused()
    expect(details(ben)).to_contain_text("Ada Lovelace")
    expect(details(ben)).to_be_in_viewport(ratio=1)
    standing(ada).click()
    for person, scheme in ((ada, "light"), (ben, "dark-narrow")):
        person.page.screenshot(path=screenshots / f"each-people-{kind(at)}-{scheme}.png")
    ben.page.keyboard.press("Escape")
    expect(details(ben)).to_have_count(0)
    expect(standing(ben)).to_be_focused()
    ben.sees_no_dialog()
    # Who crashes is gone at once, not after the 30 s by which a Yjs client forgets who is quiet.
    assert ada.errors == []
    ada.crash()
    for trace in (avatar(ben, "Ada Lovelace"), mark(ben, 0, "Ada Lovelace"), carets(ben)):
        expect(trace).to_have_count(0, timeout=10_000)
    says(ben, "Live, 1 person here, kernel not linked")


@pytest.mark.parametrize("at", [NOTEBOOK, *LABS])
def test_a_kernel(named, visit, screenshots, at):
    path = named.notebook(
        f"each-kernel-{kind(at)}.ipynb",
        "x = 1",
        "import rtc_widgets\nnb = rtc_widgets.notebook()\nprint(sorted(person.name for person in nb.users.values()))",
        "nb.status('training')\npointing = nb.point(nb[0], 'look here')",
        "nb[0].source = 'x = 200'\nnb.append('new')",
    )
    ada = visit(named, path, "ada", at=at)
    ben = visit(named, path, "ben", at=at, color_scheme="dark", width=700)
    # The cure for a kernel that takes no part.
    ada.cells.nth(1).locator(".jp-InputPrompt").click()
    says(ada, "Live, 2 people here, kernel not linked")
    standing(ada).click()
    details(ada).get_by_role("button", name="Insert").click()
    for person in (ada, ben):
        person.sees(1, "%load_ext rtc_widgets")
    ada.run(1)
    for person in (ada, ben):
        says(person, "Live, 2 people here, kernel linked")
        expect(avatar(person, re.compile("^Kernel"))).to_be_visible()
    ada.run(2)
    for person in (ada, ben):
        person.sees_output(2, "['Ada Lovelace', 'Ben Okri', 'Kernel")
    ada.run(3)
    for person in (ada, ben):
        expect(avatar(person, re.compile("^Kernel.*, training"))).to_be_visible()
        expect(mark(person, 0, "points here: look here")).to_have_text("look here")
    # What it changes is told, and taken back without what was typed there.
    ada.run(4)
    for person in (ada, ben):
        expect(notice(person)).to_contain_text("The kernel changed 2 cells")
        notice(person).hover()  # so that it stays
        expect(notice(person)).to_be_in_viewport(ratio=1)
    for person, scheme in ((ada, "light"), (ben, "dark-narrow")):
        person.page.screenshot(path=screenshots / f"each-kernel-{kind(at)}-{scheme}.png")
    ben.type(" + mine", 0)
    ada.sees(0, "x = 200 + mine")
    notice(ada).get_by_role("button", name="Undo").click()
    for person in (ada, ben):
        person.sees(0, "x = 1 + mine")
        expect(person.cells).to_have_count(5)
        person.sees_no_dialog()
    until(lambda: named.sources(path) == ada.sources(), "the file follows")


@pytest.mark.parametrize("at", [NOTEBOOK, *LABS])
def test_text(named, visit, screenshots, at):
    path = named.notebook(f"each-text-{kind(at)}.ipynb", "a = 1", "b = 2")
    (named.root / f"each-{kind(at)}.md").write_text("# Notes\n")
    ada = visit(named, path, "ada", at=at)
    ben = visit(named, "", "ben", at=at, color_scheme="dark")
    text = Reader(ben, path)
    # The same content live in both directions, and people too.
    text.type("0", behind='"a = 1')
    ada.sees(0, "a = 10")
    expect(avatar(ada, "Ben Okri, in cell 1")).to_be_visible()
    ada.type(" # Zoë 🦉", 1)
    text.shows('"b = 2 # Zoë 🦉"')
    expect(avatar(ben, re.compile(r"Ada Lovelace, in line \d+"))).to_be_visible()
    # What is no notebook leaves the notebook as it was, and is said.
    text.type('"', behind='"a = ')
    expect(text.notice).to_contain_text("not a notebook at the moment, so the notebook stays as it was")
    says(ben, re.compile(r"Live, not a notebook: line \d+"))
    ben.page.screenshot(path=screenshots / f"each-text-{kind(at)}.png")
    assert ada.sources()[0] == "a = 10"
    text.page.keyboard.press("Backspace")
    expect(text.notice).to_have_count(0)

    def change(notebook: Any) -> None:
        a, b = notebook["cells"]
        notebook["cells"] = [b, {"cell_type": "markdown", "metadata": {}, "source": ["# New"]}, a]

    # Cells are known by their ids.
    ids = [cell["id"] for cell in json.loads(text.text)["cells"]]
    text.replace(change)
    until(lambda: ada.sources() == ["b = 2 # Zoë 🦉", "# New", "a = 10"], "the notebook follows")
    until(
        lambda: [c.get("id") for c in named.read(path)["cells"]][::2] == ids[::-1], "the cells are the same"
    )
    # Cursors in a text file.
    for person in (ada, ben):
        until(lambda: not person.dirty(), "the document is saved")  # noqa: B023
        person.sees_no_dialog()
        person.open(f"each-{kind(at)}.md")
    editor = ada.page.locator(".jp-FileEditor:visible .cm-content")
    editor.click()
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type("by Ada")
    caret = ben.page.locator(".jp-FileEditor:visible .rtcw-Caret")
    expect(caret.locator(".rtcw-Caret-name")).to_have_text("Ada Lovelace")
    until(lambda: (named.root / f"each-{kind(at)}.md").read_text() == "# Notes\nby Ada", "the file follows")
    for person in (ada, ben):
        person.sees_no_dialog()


@pytest.mark.parametrize("at", [NOTEBOOK, *LABS])
def test_a_server_that_goes_and_a_disk_that_is_full(start_lab, visit, screenshots, at):
    lab = start_lab(config=FULL)
    full = lab.work / "config/full"
    path = lab.notebook("away.ipynb", "x = 1", "y = 2")
    ada, ben = visit(lab, path, at=at), visit(lab, path, at=at)
    # Where the server knows nobody's name, they have names all the same.
    for person in (ada, ben):
        expect(avatar(person, re.compile(r"^Anonymous \w+"))).to_be_visible()
        person.is_told_that_the_server_is_away()
    full.touch()
    ada.type("0")
    says(ada, re.compile("Live, unsaved"))
    standing(ada).click()
    expect(details(ada)).to_contain_text("[save-failed]")
    full.unlink()
    details(ada).get_by_role("button", name="Save Now").click()
    says(ada, "Live, 2 people here, kernel not linked")
    until(lambda: lab.sources(path)[0] == "x = 10", "the file has it")
    for kill, word in ((True, "killed"), (False, "stopped")):
        lab.stop(kill=kill)
        # A server that stops in good order may take its time, beyond which "Offline" is said.
        says(ada, "Reconnecting…" if kill else re.compile("Reconnecting…|Offline"))
        ada.type(f" {word}", 0)
        ben.type(f" {word}", 1)
        if kill:
            says(ada, re.compile(r"Offline, \d+ changes not at the server for \d+ s"))
            standing(ada).click()
            expect(details(ada)).to_contain_text("The server cannot be reached")
            ada.page.screenshot(path=screenshots / f"each-away-{kind(at)}.png")
        lab.start()
        if kill:
            # The page tries by itself, too, and may be back before the click.
            back = details(ada).get_by_text("Everybody sees changes at once")
            details(ada).get_by_role("button", name="Reconnect Now").or_(back).click()
            expect(back).to_be_visible(timeout=40_000)
            ada.page.keyboard.press("Escape")
        until(lambda: lab.sources(path)[0].endswith(word), "the file follows", 40)  # noqa: B023
    expected = ["x = 10 killed stopped", "y = 2 killed stopped"]
    for person in (ada, ben):
        until(lambda: person.sources() == expected, lambda: f"{person.sources()}", 40)  # noqa: B023
    until(lambda: lab.sources(path) == expected, "and so has the file")


@pytest.mark.parametrize("at", [NOTEBOOK, *LABS])
def test_what_is_not_shared(start_lab, visit, screenshots, at):
    lab = start_lab(options=["--RelayApp.max_file_size=2000"])
    path = lab.notebook("large.ipynb", "a = 1", "# " + "x" * 3000)
    small = lab.notebook("small.ipynb", "s = 1")
    ada = visit(lab, path, at=at)
    expect(ada.toast("are opened without collaboration")).to_have_count(1)
    says(ada, "Not shared")
    standing(ada).click()
    expect(details(ada)).to_contain_text("[too-large]")
    ada.page.screenshot(path=screenshots / f"each-large-{kind(at)}.png")
    ada.type(" + 1")
    ada.save()
    until(lambda: lab.sources(path)[0] == "a = 1 + 1", "the file is written")
    until(lambda: not ada.dirty(), "the page knows")
    ada.sees_no_dialog()
    # And where the settings say so.
    settings = lab.work / "settings/rtc-widgets"
    settings.mkdir(parents=True)
    (settings / "provider.jupyterlab-settings").write_text('{"provider": "never"}')
    ada.open(small)
    says(ada, "Not shared")
    ada.type("0")
    ada.save()
    until(lambda: lab.sources(small) == ["s = 10"], "the file is written")
    until(lambda: not ada.dirty(), "the page knows")
    standing(ada).click()
    button = details(ada).get_by_role("button", name="Open Settings")
    settings_page = ada.page
    if at is NotebookPerson:  # which has them in the page with the files
        with ada.page.context.expect_page() as opened:
            button.click()
        settings_page = opened.value
    else:
        button.click()
    expect(settings_page.locator(".jp-SettingsPanel")).to_contain_text("Share documents")
    ada.sees_no_dialog()
