"""Who is here and where: cursors with names, marks at cells, avatars, and nobody who has left."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
from playwright.sync_api import Error, Locator, expect
from support.person import Person
from support.server import Server, until

# Names are tokens. A page names its person once, in its address, and has a cookie from then on, which comes before the
# header: there, every JupyterLab page sends the server's own token.
CONFIG = """
from jupyter_server.auth import IdentityProvider, User

PEOPLE = {"ada": "Ada Lovelace", "ben": "Ben Okri", "zoe": "Zoë"}

class Names(IdentityProvider):
    def get_user(self, handler):
        name = handler.get_query_argument("token", "")
        if name in PEOPLE:
            handler.set_cookie("who", name)
        else:
            name = handler.get_cookie("who") or "ada"
        handler._token_authenticated = True
        return User(name, name=PEOPLE[name], display_name=PEOPLE[name])

c.ServerApp.identity_provider_class = Names
"""
ADAPTIVE = '{"adaptive-theme": true}'


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """Return a server that knows people by name, whose pages are as light or dark as their browsers."""
    server = Server(tmp_path_factory.mktemp("named"), "lab", config=CONFIG)
    themes = server.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    themes.write_text(ADAPTIVE)
    yield server
    server.close()


def carets(person: Person, index: int = 0) -> Locator:
    return person.cells.nth(index).locator(".rtcw-Caret")


def stands(person: Person, before: str, index: int = 0) -> None:
    """Wait until the only caret in a cell stands at the end of the text *before*, by what is on the screen."""
    expect(carets(person, index)).to_have_count(1)
    person.page.wait_for_function(
        """([index, before]) => {
            const cell = window.jupyterapp.shell.currentWidget.content.widgets[index];
            const caret = cell.node.querySelector('.rtcw-Caret').getBoundingClientRect();
            const place = cell.editor.editor.coordsAtPos(before.length);
            return cell.model.sharedModel.getSource().startsWith(before)
                && Math.abs(place.left - caret.left) < 2 && Math.abs(place.top - caret.top) < 4;
        }""",
        arg=[index, before],
    )


def told(person: Person, key: str) -> Any:
    """Return what a person's tab says of itself."""
    return person.page.evaluate(
        """key => window.jupyterapp.shell.currentWidget.context.model.sharedModel.awareness.getLocalState()[key]""",
        key,
    )


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


def test_cursors_are_told_as_jupyter_collaboration_has_them(named, visit):
    path = named.notebook("shape.ipynb", "x = 1")
    ada = visit(named, path, "ada")
    ada.type("2")
    ada.page.keyboard.press("Shift+Home")
    ada.page.wait_for_function(
        """() => {
            const { model } = window.jupyterapp.shell.currentWidget.context;
            return model.sharedModel.awareness.getLocalState().cursors?.[0]?.empty === false;
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
    (named.root / "notes.md").write_text("# Notes\nsome\nmore\n")
    ada, ben = visit(named, "notes.md", "ada"), visit(named, "notes.md", "ben")
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


def mark(person: Person, index: int, name: str) -> Locator:
    """Return the badge of a participant at a cell, by what is read aloud."""
    return person.cells.nth(index).get_by_role("img", name=name)


@pytest.mark.oldest
def test_the_cells_where_others_are_are_marked(named, visit):
    path = named.notebook("marks.ipynb", *"abcd")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    zoe = visit(named, path, "zoe")
    ada.editor(2).click()
    for person in (ben, zoe):
        expect(mark(person, 2, "Ada Lovelace: is here")).to_have_text("AL")
        expect(mark(person, 0, "Ada Lovelace")).to_have_count(0)
    zoe.editor(2).click()
    expect(ben.cells.nth(2).locator(".rtcw-Badge")).to_have_text(["AL", "Z"])
    expect(ada.cells.nth(2).locator(".rtcw-Badge")).to_have_text(["Z"])
    # A cell that is moved is another widget.
    ada.execute("notebook:move-cell-up")
    expect(mark(ben, 1, "Ada Lovelace: is here")).to_be_visible()
    ada.page.keyboard.press("Escape")
    for key in "dd":
        ada.page.keyboard.press(key)
    expect(ben.cells).to_have_count(3)
    expect(ben.cells.locator(".rtcw-Badge", has_text="AL")).to_have_count(1)
    for person in (ada, ben, zoe):
        person.sees_no_dialog()


LOAD = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()"
WAIT = "nb.wait_for(lambda: 'stop' in nb[0].source, 60).result()"


def test_a_kernel_is_seen_where_it_runs_and_where_it_points(named, visit):
    path = named.notebook(
        "kernel-marks.ipynb",
        "# here",
        LOAD,
        "pointing = nb.point(nb[0], 'look here'); print('pointed')\n" + WAIT,
        "nb.point(nb[0], 'soon over', seconds=8)",
    )
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    ada.run(1)
    ada.run(2)
    for person in (ada, ben):
        expect(mark(person, 2, "runs")).to_be_visible()
        expect(mark(person, 0, "points here: look here")).to_have_text("look here")
    ben.type("stop")
    for person in (ada, ben):
        expect(mark(person, 2, "runs")).to_have_count(0)
        expect(mark(person, 0, "look here")).to_be_visible()
    ada.run(3)
    for person in (ada, ben):
        expect(mark(person, 0, "soon over")).to_be_visible()
    for person in (ada, ben):
        expect(mark(person, 0, "soon over")).to_have_count(0)
        person.sees_no_dialog()


def avatar(person: Person, name: str | re.Pattern[str]) -> Locator:
    """Return somebody's button in the top bar, by what is read aloud."""
    return person.page.get_by_role("group", name="Others in this document").get_by_role("button", name=name)


def go(person: Person, index: int) -> None:
    """Make a cell the active one."""
    person.page.evaluate(
        "index => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index
    )


def is_at(person: Person, index: int) -> None:
    """Wait until a cell is active and on the screen."""
    person.page.wait_for_function(
        """index => {
            const { content } = window.jupyterapp.shell.currentWidget;
            const cell = content.widgets[index].node.getBoundingClientRect();
            const shown = content.node.getBoundingClientRect();
            return content.activeCellIndex === index && cell.height > 0
                && cell.top >= shown.top - 2 && cell.bottom <= shown.bottom + 2;
        }""",
        arg=index,
    )


@pytest.fixture(params=["full", "contentVisibility"])
def windowing(request, named):
    """Set how much of a long notebook JupyterLab renders."""
    file = named.work / "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"windowingMode": request.param}))
    yield request.param
    file.unlink()


def test_a_click_on_somebody_in_the_top_bar_jumps_to_where_they_are(named, visit, windowing):
    path = named.notebook(f"jump-{windowing}.ipynb", *(f"x = {i}" for i in range(120)))
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    expect(avatar(ada, "Ben Okri, in cell 1")).to_have_text("BO")
    go(ada, 99)
    expect(avatar(ben, "Ada Lovelace, in cell 100")).to_have_text("AL")
    avatar(ben, "Ada Lovelace, in cell 100").click()
    is_at(ben, 99)
    expect(avatar(ada, "Ben Okri, in cell 100")).to_be_visible()
    # By the keyboard, too.
    go(ada, 3)
    avatar(ben, "Ada Lovelace, in cell 4").focus()
    ben.page.keyboard.press("Enter")
    is_at(ben, 3)
    # And by the command palette.
    go(ada, 60)
    expect(avatar(ben, "Ada Lovelace, in cell 61")).to_be_visible()
    ben.execute("apputils:activate-command-palette")
    ben.page.keyboard.type("jump to ada")
    expect(ben.page.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text("Jump to Ada Lovelace")
    ben.page.keyboard.press("Enter")
    is_at(ben, 60)
    for person in (ada, ben):
        person.sees_no_dialog()


def test_a_click_jumps_to_the_cursor_in_a_text_file(named, visit):
    (named.root / "long.md").write_text("".join(f"line {i}\n" for i in range(500)))
    ada, ben = visit(named, "long.md", "ada"), visit(named, "long.md", "ben")
    ada.page.locator(".jp-FileEditor .cm-content").click()
    ada.page.keyboard.press("Control+End")
    text = ben.page.locator(".jp-FileEditor .cm-content")
    expect(text).not_to_contain_text("line 499")
    avatar(ben, "Ada Lovelace").click()
    expect(text).to_contain_text("line 499")
    expect(ben.page.locator(".jp-FileEditor .rtcw-Caret")).to_be_in_viewport()


@pytest.mark.oldest
def test_a_kernel_is_a_participant_with_a_status(named, visit):
    path = named.notebook("status.ipynb", "# here", LOAD, "nb.status('training')", "nb.status(None)")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    ada.run(1)
    kernel = re.compile("^Kernel")
    for person in (ada, ben):
        expect(avatar(person, kernel)).to_have_text("")
    ada.run(2)
    for person in (ada, ben):
        expect(avatar(person, re.compile("^Kernel.*, training"))).to_have_text("training")
    ada.run(3)
    for person in (ada, ben):
        expect(avatar(person, kernel)).to_have_text("")
        person.sees_no_dialog()


def test_of_many_people_five_are_shown_and_the_others_counted(named, visit):
    path = named.notebook("many.ipynb", "x = 1", "y = 2")
    ada = visit(named, path, "ada")
    crowd = """count => {
        const { awareness } = window.jupyterapp.shell.currentWidget.context.model.sharedModel;
        const clients = Array.from({ length: count }, (_, i) => 1000 + i);
        for (const client of clients) {
            const name = `Person ${client}`;
            awareness.states.set(client, { user: { username: name, name }, activeCell: 'cell-1' });
        }
        awareness.emit('change', [{ added: clients, updated: [], removed: [] }, 'test']);
    }"""
    ada.page.evaluate(crowd, 6)
    expect(avatar(ada, "Person")).to_have_count(6)
    ada.page.evaluate(crowd, 9)
    expect(avatar(ada, "Person")).to_have_count(5)
    avatar(ada, "4 more").click()
    ada.page.locator(".lm-Menu").get_by_text("Jump to Person 1008").click()
    is_at(ada, 1)
    expect(ada.cells.nth(1).locator(".rtcw-Badge")).to_have_count(3)
    expect(ada.cells.nth(1).locator(".rtcw-Place-more")).to_have_text("+6")
    ada.sees_no_dialog()


@pytest.mark.parametrize("how", ["the document is closed", "the page is closed", "the browser crashes"])
def test_who_leaves_is_gone_at_once(named, visit, how):
    path = named.notebook("leave.ipynb", "x = 1", "y = 2")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    ada.type("!", 1)
    expect(carets(ben, 1)).to_have_count(1)
    expect(mark(ben, 1, "Ada Lovelace")).to_be_visible()
    expect(avatar(ben, "Ada Lovelace")).to_be_visible()
    if how == "the document is closed":
        until(lambda: not ada.dirty(), "the document is saved")  # or JupyterLab asks
        ada.execute("application:close")
    elif how == "the page is closed":
        ada.page.close()
    else:
        crash(ada)
    # Not after the 30 s by which a Yjs client forgets who is quiet.
    gone = 10_000
    expect(avatar(ben, "Ada Lovelace")).to_have_count(0, timeout=gone)
    expect(mark(ben, 1, "Ada Lovelace")).to_have_count(0, timeout=gone)
    expect(carets(ben, 1)).to_have_count(0, timeout=gone)
    ben.sees_no_dialog()


def crash(person: Person) -> None:
    """End the process that draws a page, as the system does when memory is short: nothing can be said any more."""
    with contextlib.suppress(Error):
        person.page.goto("chrome://crash", timeout=5000)


def test_a_kernel_that_dies_is_gone_at_once(named, visit):
    path = named.notebook(
        "kernel-dies.ipynb", LOAD, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    ada.run(0)
    expect(avatar(ben, re.compile("^Kernel"))).to_be_visible()
    ada.run(1)
    expect(avatar(ben, re.compile("^Kernel"))).to_have_count(0)
    expect(avatar(ben, "Ada Lovelace")).to_be_visible()
