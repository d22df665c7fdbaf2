"""How a document stands: the item in the status bar, its details, and the cures that they offer."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect
from support.others import ADAPTIVE, details, says, standing
from support.server import until

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


def reads_well(page: Page) -> None:
    """Check that nothing in the popup is cut off at its side."""
    cut = "node => [node, ...node.querySelectorAll('button, p, code')].filter(e => e.scrollWidth > e.clientWidth + 1)"
    assert page.locator(".rtcw-Popup").evaluate(f"node => ({cut})(node).map(e => e.outerHTML)") == []


@pytest.mark.oldest
def test_a_live_document_says_so_with_who_is_here(named, visit, screenshots):
    path = named.notebook("standing-live.ipynb", "x = 1")
    ada, ben = visit(named, path, "ada"), visit(named, path, "ben", color_scheme="dark")
    for person in (ada, ben):
        says(person, "Live, 2 people here, kernel not linked")
    standing(ada).click()
    expect(details(ada)).to_contain_text("Ben Okri")
    # By the keyboard, too.
    standing(ben).focus()
    ben.page.keyboard.press("Enter")
    expect(details(ben)).to_be_focused()
    for person, scheme in ((ada, "light"), (ben, "dark")):
        person.page.screenshot(path=screenshots / f"standing-live-{scheme}.png")
        reads_well(person.page)
    ben.page.keyboard.press("Escape")
    expect(details(ben)).to_have_count(0)
    expect(standing(ben)).to_be_focused()
    # The cure for a kernel that takes no part.
    details(ada).get_by_role("button", name="Insert").click()
    expect(details(ada)).to_have_count(0)
    for person in (ada, ben):
        person.sees(0, "%load_ext rtc_widgets")
    ada.run(0)
    for person in (ada, ben):
        says(person, "Live, 2 people here, kernel linked")
    ada.execute("rtc-widgets:show-standing")
    expect(details(ada).get_by_role("button", name="Kernel")).to_be_visible()
    ada.page.screenshot(path=screenshots / "standing-linked.png")
    details(ada).get_by_role("button", name="Ben Okri").click()
    expect(details(ada)).to_have_count(0)
    for person in (ada, ben):
        person.sees_no_dialog()


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_server_that_is_away(start_lab, visit, screenshots, how):
    lab = start_lab()
    path = lab.notebook("away.ipynb", "x = 1")
    ada = visit(lab, path, width=560, permissions=["clipboard-read", "clipboard-write"])
    says(ada, "Live, 1 person here, kernel not linked")
    lab.stop(kill=how == "killed")
    # A server that stops in good order may take its time, beyond which "Offline" is said.
    says(ada, "Reconnecting…" if how == "killed" else re.compile("Reconnecting…|Offline"))
    dialog = ada.page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("Server Connection Error")
    dialog.get_by_role("checkbox").check()
    dialog.locator("button").last.click()
    ada.type(" + 1")
    says(ada, re.compile(r"Offline, 4 changes not at the server for \d+ s"))
    expect(ada.page.locator("#jp-main-statusbar [role=status]")).to_have_text("Collaboration: Offline")
    standing(ada).click()
    expect(details(ada)).to_contain_text("4 changes not at the server for")
    ada.page.screenshot(path=screenshots / "standing-away-narrow.png")
    reads_well(ada.page)
    details(ada).get_by_role("button", name="Copy My Text").click()
    expect(details(ada).get_by_role("button", name="Copied")).to_be_focused()
    until(lambda: ada.page.evaluate("navigator.clipboard.readText()") == "x = 1 + 1", "the text is copied")
    details(ada).get_by_role("button", name="Reconnect Now").click()
    expect(details(ada)).to_contain_text("Offline")
    lab.start()
    expect(details(ada)).to_contain_text("Nobody else is here", timeout=40_000)
    expect(standing(ada)).to_have_accessible_name(re.compile("^Collaboration: Live, 1 person here"))
    until(lambda: lab.sources(path) == ["x = 1 + 1"], "the file has it")


def test_a_file_that_cannot_be_written(start_lab, visit, screenshots):
    lab = start_lab(config=FULL)
    settings = lab.work / "settings/@jupyterlab/apputils-extension"
    (settings / "themes.jupyterlab-settings").write_text(ADAPTIVE)
    full = lab.work / "config" / "full"
    path = lab.notebook("full.ipynb", "x = 1")
    ada = visit(lab, path, color_scheme="dark")
    full.touch()
    ada.type(" + 1")
    expect(ada.toast("your quota is used up")).not_to_have_count(0)
    expect(standing(ada)).to_have_accessible_name(re.compile("unsaved"))
    standing(ada).click()
    expect(details(ada)).to_contain_text("[save-failed]")
    ada.page.screenshot(path=screenshots / "standing-unsaved-dark.png")
    full.unlink()
    details(ada).get_by_role("button", name="Save Now").click()
    says(ada, "Live, 1 person here, kernel not linked")
    until(lambda: lab.sources(path) == ["x = 1 + 1"], "the file has it")


def test_what_is_not_shared_says_why(start_lab, visit, screenshots):
    lab = start_lab(options=["--RelayApp.max_file_size=3000"])
    path = lab.notebook("small.ipynb", "x = 1")
    (lab.root / "large.txt").write_text("x" * 4000)
    (lab.root / "data.csv").write_text("a,b\n1,2\n")
    ada = visit(lab, path)
    says(ada, "Live, 1 person here, kernel not linked")
    ada.execute("docmanager:open", {"path": "large.txt"})
    says(ada, "Not shared")
    standing(ada).click()
    expect(details(ada)).to_contain_text("[too-large]")
    ada.page.screenshot(path=screenshots / "standing-not-shared.png")
    ada.execute("docmanager:open", {"path": path, "factory": "Editor"})
    expect(details(ada)).to_have_count(0)
    says(ada, "Live, 1 person here")
    ada.execute("docmanager:open", {"path": "data.csv"})
    expect(standing(ada)).to_be_hidden()
    ada.sees_no_dialog()


def test_documents_that_are_not_shared_at_all(start_lab, visit):
    lab = start_lab()
    folder = lab.work / "settings/rtc-widgets"
    folder.mkdir(parents=True)
    (folder / "provider.jupyterlab-settings").write_text(json.dumps({"provider": "never"}))
    ada = visit(lab, lab.notebook("alone.ipynb", "x = 1"))
    says(ada, "Not shared")
    standing(ada).click()
    details(ada).get_by_role("button", name="Open Settings").click()
    expect(ada.page.locator(".jp-SettingsPanel")).to_contain_text("Share documents")
    expect(standing(ada)).to_be_hidden()
    ada.sees_no_dialog()


def test_it_can_stand_in_the_top_bar(start_lab, visit, screenshots):
    lab = start_lab()
    folder = lab.work / "settings/rtc-widgets"
    folder.mkdir(parents=True)
    (folder / "standing.jupyterlab-settings").write_text(json.dumps({"place": "top-bar"}))
    ada = visit(lab, lab.notebook("top.ipynb", "x = 1"))
    button = ada.page.locator("#jp-top-bar .rtcw-Standing-button")
    expect(button).to_have_accessible_name("Collaboration: Live, 1 person here, kernel not linked")
    expect(standing(ada)).to_be_hidden()
    button.click()
    expect(details(ada)).to_be_in_viewport(ratio=1)
    ada.page.screenshot(path=screenshots / "standing-top.png")
    ada.sees_no_dialog()


# Everybody may do everything, until a file named "away" lies beside the configuration; then nobody may read "b.ipynb".
FICKLE = """
from pathlib import Path
from jupyter_server.auth import AllowAllAuthorizer

class Fickle(AllowAllAuthorizer):
    def is_authorized(self, handler, user, action, resource):
        is_away = Path(__file__).with_name("away").exists()
        return not (is_away and resource == "contents" and handler.request.path.endswith("/b.ipynb"))

c.ServerApp.authorizer_class = Fickle
"""


def test_the_cures_of_a_closed_document(start_lab, visit, screenshots):
    limits = ["--RelayApp.max_frame=4096", "--RelayApp.max_message=20000", "--RelayApp.recheck_interval=0.5"]
    lab = start_lab(config=FICKLE, options=limits)
    away = lab.work / "config" / "away"
    first, second = lab.notebook("a.ipynb", "x = 1"), lab.notebook("b.ipynb", "y = 1")
    ada = visit(lab, first)
    says(ada, "Live, 1 person here, kernel not linked")
    # More than the relay takes.
    ada.editor().click()
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.insert_text("#" * 30_000)
    expect(standing(ada)).to_have_accessible_name("Collaboration: Closed [too-large]")
    assert ada.is_read_only()
    standing(ada).click()
    expect(details(ada).get_by_role("button", name="Copy My Text")).to_be_visible()
    ada.page.screenshot(path=screenshots / "standing-closed.png")
    reads_well(ada.page)
    details(ada).get_by_role("button", name="Open Again").click()
    says(ada, "Live, 1 person here, kernel not linked")
    ada.sees(0, "x = 1")
    expect(ada.page.get_by_role("region", name="Typed text that could not be merged")).to_be_visible()
    ada.type(" + 1")
    until(lambda: lab.sources(first) == ["x = 1 + 1"], "the file has it")

    ada.open(second)
    says(ada, "Live, 1 person here, kernel not linked")
    away.touch()
    says(ada, "No access")
    assert ada.is_read_only()
    expect(ada.toast("You may not open b.ipynb any more. Ask its owner for access.")).to_have_count(1)
    standing(ada).click()
    expect(details(ada)).to_contain_text("Ask its owner for access")
    ada.page.screenshot(path=screenshots / "standing-no-access.png", animations="disabled")
    reads_well(ada.page)
    expect(details(ada).get_by_role("button", name="Reconnect Now")).to_be_visible()
    ada.page.keyboard.press("Escape")
    away.unlink()
    says(ada, "Live, 1 person here, kernel not linked")
    ada.type(" + 1")
    until(lambda: lab.sources(second) == ["y = 1 + 1"], "the file has it")
    ada.sees_no_dialog()
