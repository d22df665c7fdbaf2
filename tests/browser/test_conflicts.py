"""What was changed here and in the file at once is told, and shown side by side."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect
from support.comments import at_once
from support.looks import reads_well
from support.others import ADAPTIVE
from support.person import IN_BOTH
from support.server import Server, until
from support.tab import Tab

UNSAVED = ["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000", "--RelayApp.poll_interval=0.1"]


def live(server: Server, path: str) -> list[str]:
    """Return the sources as the server has them: what reaches it after the file's change conflicts with nothing."""

    async def ask() -> list[str]:
        async with Tab(server, path) as tab:
            return tab.sources

    found: list[str] = at_once(ask())
    return found


@IN_BOTH
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_versions_stay_and_can_be_compared(start_lab, visit, screenshots, at, scheme):
    lab = start_lab(options=UNSAVED)
    (lab.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").write_text(ADAPTIVE)
    path = lab.notebook(
        "conflict.ipynb", "import math", "# Rates\nrate = 0.1\nyears = 3", "other", "gone = 1"
    )
    ada = visit(lab, path, at=at, color_scheme=scheme)
    ada.type("0", 1)
    ada.type("0", 3)
    until(lambda: live(lab, path)[3] == "gone = 10", "the server has what is typed")
    notebook = lab.read(path)
    notebook["cells"][1]["source"] = "# Rates\nrate = 0.1\nyears = 5  # by Ben"
    del notebook["cells"][3]
    (lab.root / path).write_text(json.dumps(notebook))
    notice = ada.toast("was changed outside at places that were changed here")
    expect(notice).to_have_count(1)
    ada.sees(1, "# Rates\nrate = 0.1\nyears = 30\nyears = 5  # by Ben")
    notice.get_by_role("button", name="Compare").click()
    dialog = ada.page.get_by_role("dialog").filter(has_text="Changed here and in the file: conflict.ipynb")
    expect(dialog.get_by_role("heading", level=3)).to_have_text(["Cell 2", "Cell 4"])
    cell = dialog.get_by_role("region", name="Cell 2")
    expect(cell.get_by_role("textbox", name="Here")).to_contain_text("years = 30")
    expect(cell.get_by_role("textbox", name="In the file")).to_contain_text("years = 5  # by Ben")
    expect(cell.locator(".cm-changedLine")).to_have_count(2)
    gone = dialog.get_by_role("region", name="Cell 4")
    expect(gone).to_contain_text("It was deleted in the file and changed here, so it stays.")
    expect(gone.locator("pre")).to_have_text("gone = 10")
    ada.page.screenshot(path=screenshots / f"conflicts-{at.__name__}-{scheme}.png")
    reads_well(dialog)
    # The way there, by keyboard.
    gone.get_by_role("button", name="Show cell 4").focus()
    ada.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(ada.cells.nth(3)).to_have_class(re.compile("jp-mod-active"))
    ada.sees_no_dialog()


def test_the_next_conflict_is_told_beside_the_first_and_compares_what_it_is_about(start_lab, visit):
    lab = start_lab(options=UNSAVED)
    path = lab.notebook("again.ipynb", "rate = 0.1", "years = 3")
    ada = visit(lab, path)
    notices = ada.toast("was changed outside at places that were changed here")
    for at, (typed, theirs) in enumerate([("0", "rate = 0.2"), ("0", "years = 5")]):
        ada.type(typed, at)
        until(lambda at=at: live(lab, path)[at].endswith("0"), "the server has what is typed")
        notebook = lab.read(path)
        notebook["cells"][at]["source"] = theirs
        (lab.root / path).write_text(json.dumps(notebook))
        expect(notices).to_have_count(at + 1)
    for name, here, there in [("Cell 1", "rate = 0.10", "rate = 0.2"), ("Cell 2", "years = 30", "years = 5")]:
        for notice in notices.all():
            notice.get_by_role("button", name="Compare").click()
            dialog = ada.page.get_by_role("dialog").filter(has_text="Changed here and in the file")
            expect(dialog.get_by_role("heading", level=3)).to_have_count(1)
            if dialog.get_by_role("region", name=name).count():
                expect(dialog.get_by_role("textbox", name="Here")).to_contain_text(here)
                expect(dialog.get_by_role("textbox", name="In the file")).to_contain_text(there)
                ada.page.keyboard.press("Escape")
                break
            ada.page.keyboard.press("Escape")
        else:
            raise AssertionError(f"No notice is about {name}.")
