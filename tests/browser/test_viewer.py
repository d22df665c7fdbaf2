"""Who may only read: sees everything at once, cannot change anything, and is told so without a fuss."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from support.others import ADAPTIVE, signing_in, standing
from support.person import IN_BOTH, Person
from support.server import Server, until

_PEOPLE = signing_in(ada={"name": "Ada"}, eve={"name": "Eve"})
# Eve may read only, until a file named "trusted" lies next to the configuration.
CONFIG = f"""{_PEOPLE}
from pathlib import Path
from jupyter_server.auth import Authorizer

TRUSTED = Path(__file__).with_name("trusted")

class Readers(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        # Without a session of her own, Eve could not even look at the kernel's state.
        if user.username == "eve" and resource == "contents":
            return action == "read" or TRUSTED.exists()
        return True

c.ServerApp.authorizer_class = Readers
c.RelayApp.recheck_interval = 0.2
"""

NOTICE = "You may read"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("guarded"), "lab", config=CONFIG)
    (server.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").write_text(ADAPTIVE)
    yield server
    server.close()


@pytest.fixture
def trusted(guarded):
    """Return the file whose existence makes Eve an editor."""
    file = guarded.work / "config" / "trusted"
    yield file
    file.unlink(missing_ok=True)


def _is_told(eve: Person, path: str) -> None:
    """Wait until Eve is told that she may only read: for ten seconds, and a kernel may take longer to be there."""
    expect(eve.toast(NOTICE)).to_have_count(1, timeout=40_000)
    eve.ready(path)


@IN_BOTH
def test_a_viewer_sees_changes_live_and_cannot_type(guarded, visit, screenshots, at):
    path = guarded.notebook(f"viewer-types-{at.__name__}.ipynb", "x = 1", "y = 2")
    ada, eve = visit(guarded, path, "ada", at=at), visit(guarded, path, "eve", ready=False, at=at)
    _is_told(eve, path)
    eve.page.screenshot(path=screenshots / f"viewer-notice-{at.__name__}.png")
    ada.type(" + 1")
    eve.sees(0, "x = 1 + 1")
    assert eve.is_read_only() and not ada.is_read_only()
    eve.editor(1).click()
    eve.page.keyboard.type("not hers")
    eve.page.keyboard.press("Control+z")
    ada.type("!", 1)
    eve.sees(1, "y = 2!")
    assert eve.sources() == ada.sources() == ["x = 1 + 1", "y = 2!"]
    assert not eve.dirty()
    expect(standing(eve)).to_have_accessible_name(re.compile("Read-only, 2 people here"))
    for person in (ada, eve):
        person.sees_no_dialog()


def test_what_a_viewer_does_to_cells_does_not_stay(guarded, visit):
    path = guarded.notebook("viewer-cells.ipynb", "a = 1", "b = 2", "c = 3")
    ada, eve = visit(guarded, path, "ada"), visit(guarded, path, "eve", ready=False)
    _is_told(eve, path)
    for command in (
        "notebook:insert-cell-below",
        "notebook:insert-cell-above",
        "notebook:delete-cell",
        "notebook:move-cell-down",
        "notebook:move-cell-up",
        "notebook:cut-cell",
        "notebook:paste-cell-below",
        "notebook:duplicate-below",
        "notebook:split-cell-at-cursor",
        "notebook:merge-cell-below",
        "notebook:change-cell-to-markdown",
        "notebook:undo-cell-action",
        "notebook:toggle-all-cell-line-numbers",
    ):
        eve.page.evaluate("id => window.jupyterapp.commands.execute(id)", command)
        assert eve.sources() == ["a = 1", "b = 2", "c = 3"], command
    # The keys, as a person presses them in command mode: below, twice d, cut, markdown.
    eve.cells.nth(1).locator(".jp-InputPrompt").click()
    for key in ("b", "d", "d", "x", "m", "1"):
        eve.page.keyboard.press(key)
    assert eve.sources() == ["a = 1", "b = 2", "c = 3"]
    expect(eve.cells).to_have_count(3)
    expect(eve.toast(NOTICE)).to_have_count(1)
    ada.execute("notebook:insert-cell-below")
    expect(eve.cells).to_have_count(4)
    ada.type("d = 4", 1)
    eve.sees(1, "d = 4")
    assert eve.sources() == ada.sources() == ["a = 1", "d = 4", "b = 2", "c = 3"]
    eve.sees_no_dialog()


def test_a_viewer_who_saves_is_told_why_not(guarded, visit, screenshots):
    path = guarded.notebook("viewer-saves.ipynb", "x = 1")
    eve = visit(guarded, path, "eve")
    expect(eve.panel.locator(".jp-NotebookPanel-toolbar")).to_contain_text("notebook is read-only")
    eve.editor().click()
    eve.save()
    expect(eve.toast("viewer-saves.ipynb is read-only")).to_have_count(1)
    eve.page.screenshot(path=screenshots / "viewer-saves.png")
    eve.sees_no_dialog()
    eve.execute("application:close")
    expect(eve.panel).to_have_count(0)
    eve.sees_no_dialog()


def test_a_viewer_who_is_made_an_editor_edits_at_once(guarded, visit, trusted, screenshots):
    path = guarded.notebook("viewer-trusted.ipynb", "x = 1")
    ada, eve = visit(guarded, path, "ada"), visit(guarded, path, "eve", ready=False)
    _is_told(eve, path)
    assert eve.is_read_only()
    trusted.touch()
    until(lambda: not eve.is_read_only(), "the editor is unlocked")
    expect(eve.toast(NOTICE)).to_have_count(0)
    expect(eve.toast("You may edit viewer-trusted.ipynb now.")).to_have_count(1)
    eve.page.screenshot(path=screenshots / "viewer-promoted.png", animations="disabled")
    label = eve.panel.locator(".jp-NotebookPanel-toolbar", has_text="read-only")
    expect(label).to_have_count(0)
    eve.type(" + 1")
    eve.execute("notebook:insert-cell-below")
    ada.sees(0, "x = 1 + 1")
    expect(ada.cells).to_have_count(2)
    # A checkpoint is the last thing that JupyterLab makes when it saves, and a thing that a viewer may not.
    with eve.page.expect_response(
        lambda answer: "POST" in answer.request.method and "/checkpoints" in answer.url
    ):
        eve.save()
    assert guarded.sources(path) == ["x = 1 + 1", ""]
    trusted.unlink()
    until(eve.is_read_only, "the editor is locked again")
    expect(label).to_have_count(1)
    said = eve.page.get_by_role("alert").filter(has_text="You may not change viewer-trusted.ipynb any more")
    expect(said).to_have_count(1)
    expect(eve.toast("You may edit")).to_have_count(0)
    eve.page.screenshot(path=screenshots / "viewer-demoted.png", animations="disabled")
    eve.execute("notebook:delete-cell")
    eve.execute("notebook:undo-cell-action")
    assert eve.sources() == ada.sources() == ["x = 1 + 1", ""]
    for person in (ada, eve):
        person.sees_no_dialog()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_an_editor_typed_offline_who_may_only_read_since_is_given_back(
    guarded, visit, trusted, behind, screenshots, scheme
):
    path = guarded.notebook(f"demoted-{scheme}.ipynb", "x = 1")
    network = behind(guarded)
    trusted.touch()
    ada, eve = visit(guarded, path, "ada"), visit(network, path, "eve", color_scheme=scheme)
    eve.is_told_that_the_server_is_away()
    network.cut()
    expect(eve.page.get_by_role("button", name="Offline")).to_be_visible()
    eve.type(" + 1")
    trusted.unlink()
    network.restore()
    gone = eve.page.get_by_role("alert").filter(has_text="You may read this document but not change it")
    expect(gone).to_have_count(1, timeout=40_000)
    assert eve.is_read_only()
    eve.page.screenshot(path=screenshots / f"demoted-offline-{scheme}.png", animations="disabled")
    expect(gone.get_by_role("button", name="Copy My Text")).to_be_visible()
    gone.get_by_role("button", name="Open Again").click()
    eve.sees(0, "x = 1")
    assert ada.sources() == ["x = 1"]
    kept = eve.page.get_by_role("region", name="Typed text that could not be merged")
    expect(kept).to_contain_text("x = 1 + 1")
    eve.page.screenshot(path=screenshots / f"demoted-kept-{scheme}.png", animations="disabled")
    # It is hers to put in where she may again.
    expect(kept.get_by_role("button", name="Insert as Cells")).to_have_count(0)
    trusted.touch()
    kept.get_by_role("button", name="Insert as Cells").click()
    until(lambda: sorted(ada.sources()) == ["x = 1", "x = 1 + 1"], "it is everybody's")
    expect(kept).to_have_count(0)
    eve.sees_no_dialog()


def test_what_a_viewer_ran_does_not_reach_the_others(guarded, visit, trusted):
    path = guarded.notebook("viewer-runs.ipynb", "print('hers alone')")
    ada, eve = visit(guarded, path, "ada"), visit(guarded, path, "eve")
    eve.run()
    eve.sees_output(0, "hers alone")
    trusted.touch()
    eve.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget?.context?.model.readOnly")
    eve.ready(path)
    until(lambda: not eve.is_read_only(), "the editor is unlocked")
    eve.type(" # 2")
    ada.sees(0, "print('hers alone') # 2")
    assert guarded.read(path)["cells"][0]["outputs"] == []
    expect(ada.panel.locator(".jp-OutputArea-output")).to_have_count(0)
    eve.sees_no_dialog()


def test_a_text_file_is_read_only_too(guarded, visit):
    (guarded.root / "notes.txt").write_text("hello")
    eve = visit(guarded, "notes.txt", "eve")
    editor = eve.page.locator(".jp-FileEditor .cm-content")
    editor.click()
    eve.page.keyboard.type("not hers")
    expect(editor).to_have_text("hello")
    expect(eve.toast(NOTICE)).to_have_count(1)
    eve.sees_no_dialog()


def test_the_text_of_a_notebook_is_read_only_too(guarded, visit):
    path = guarded.notebook("viewer-text.ipynb", "a = 1")
    ada, eve = visit(guarded, path, "ada"), visit(guarded, "", "eve")
    eve.execute("docmanager:open", {"path": path, "factory": "Editor"})
    editor = eve.page.locator(".jp-FileEditor .cm-content")
    ada.type("0")
    expect(editor).to_contain_text('"a = 10"')
    editor.click()
    eve.page.keyboard.type("not hers")
    expect(eve.toast(NOTICE)).to_have_count(1)
    expect(editor).not_to_contain_text("not hers")
    assert ada.sources() == ["a = 10"]
    for person in (ada, eve):
        person.sees_no_dialog()
