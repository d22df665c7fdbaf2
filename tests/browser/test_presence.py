"""Who is here and where: marks at cells, faces in the top bar, and nobody who has left."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, expect
from support.others import avatar, carets, is_at, mark, stands, told
from support.person import Person
from support.server import until

LOAD = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()"
WAIT = "nb.wait_for(lambda: 'stop' in nb[0].source, 60).result()"


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
    ada.execute("notebook:delete-cell")
    expect(ben.cells).to_have_count(3)
    expect(ben.cells.locator(".rtcw-Badge", has_text="AL")).to_have_count(1)
    for person in (ada, ben, zoe):
        person.sees_no_dialog()


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


def go(person: Person, index: int) -> None:
    """Make a cell the active one."""
    person.page.evaluate(
        "index => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index
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
    ben.choose("Jump to Ada Lovelace")
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

    def jumped() -> bool:
        avatar(ben, "Ada Lovelace").click()  # it leads to where she was when he last heard of her
        return "line 499" in text.inner_text()

    until(jumped, "he is where she is")
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
        # Or JupyterLab asks.
        until(lambda: named.sources(path)[1] == "y = 2!" and not ada.dirty(), "the document is saved")
        ada.execute("application:close")
    elif how == "the page is closed":
        ada.page.close()
    else:
        ada.crash()
    # Not after the 30 s by which a Yjs client forgets who is quiet.
    gone = 10_000
    expect(avatar(ben, "Ada Lovelace")).to_have_count(0, timeout=gone)
    expect(mark(ben, 1, "Ada Lovelace")).to_have_count(0, timeout=gone)
    expect(carets(ben, 1)).to_have_count(0, timeout=gone)
    ben.sees_no_dialog()


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


def test_who_has_a_picture_is_seen_by_it(named, visit):
    path = named.notebook("picture.ipynb", "a")
    visit(named, path, "mary")
    ada = visit(named, path, "ada")
    for place in (avatar(ada, re.compile("Mary Shelley")), mark(ada, 0, "Mary Shelley: is here")):
        expect(place.locator("img")).to_have_js_property("naturalWidth", 9)
        expect(place).to_have_text("")


def test_a_key_visits_one_after_the_other(named, visit):
    path = named.notebook("visits.ipynb", *"abcd")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    zoe = visit(named, path, "zoe")
    ben.editor(1).click()
    zoe.editor(3).click()
    for person, index, name in ((ada, 1, "Ben Okri"), (ada, 3, "Zoë")):
        expect(mark(person, index, f"{name}: is here")).to_be_visible()
    ada.editor(0).click()
    for index in (1, 3, 1):
        ada.page.keyboard.press("Control+Alt+p")
        expect(ada.cells.nth(index)).to_have_class(re.compile(r"\bjp-mod-active\b"))
    assert ada.sources() == ["a", "b", "c", "d"]


def test_the_palette_hides_cursors_and_shows_them_again(named, visit):
    path = named.notebook("toggles.ipynb", "a")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben")
    ada.editor(0).click()
    expect(carets(ben)).to_be_visible()
    ben.execute("rtc-widgets:toggle-cursors")
    expect(carets(ben)).to_be_hidden()
    ben.execute("rtc-widgets:toggle-cursors")
    expect(carets(ben)).to_be_visible()


def painted(where: Locator) -> str:
    """Return the number of the theme's colour that is shown there."""
    color = where.evaluate("element => element.style.getPropertyValue('--rtcw-color')")
    return color.removeprefix("var(--jp-collaborator-color").removesuffix(")")


def test_two_whose_browsers_drew_one_colour_are_told_apart(named, visit):
    path = named.notebook("colours.ipynb", "x = 1", LOAD, "[person.color for person in nb.users.values()]")
    drawn = {"color": "var(--jp-collaborator-color3)"}
    kept = [{"name": "@jupyterlab/services:UserManager#user", "value": json.dumps(drawn)}]
    browser = {"cookies": [], "origins": [{"origin": named.url, "localStorage": kept}]}
    ada, ben = (visit(named, path, name, storage_state=browser) for name in ("ada", "ben"))
    assert told(ada, "user")["color"] == told(ben, "user")["color"] == drawn["color"]
    ben.editor().click()
    ben.page.keyboard.press("End")
    stands(ada, "x = 1")
    expect(avatar(ada, "Ben Okri")).to_be_visible()
    expect(avatar(ben, "Ada Lovelace")).to_be_visible()
    assert painted(avatar(ben, "Ada Lovelace")) == "3"
    for shown in (avatar(ada, "Ben Okri"), mark(ada, 0, "Ben Okri: is here"), carets(ada)):
        assert painted(shown) == "4"
    for index in (1, 2):
        ben.run(index)
    ben.sees_output(2, "'var(--jp-collaborator-color3)'")
    ben.sees_output(2, "'var(--jp-collaborator-color4)'")
