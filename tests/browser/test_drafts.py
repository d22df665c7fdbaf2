"""What was typed and not sent outlives its page, comes back once, and is offered where it cannot be merged."""

from __future__ import annotations

import json

from playwright.sync_api import expect
from support.browser_storage import drafts
from support.person import IN_BOTH, Person
from support.server import Server, until


def _all_agree(lab: Server, path: str, expected: list[str], *people: Person) -> None:
    """Wait until everybody's screen and the file hold this, each cell once."""
    for person in people:
        until(lambda: person.sources() == expected, lambda: f"{person.sources()} is {expected}", 40)  # noqa: B023
    until(lambda: lab.sources(path) == expected, f"the file holds {expected}", 40)


def _keeps(person: Person, *texts: str) -> bool:
    """Tell whether the drafts in this browser have all *texts*: they are written a moment after a key."""
    kept = json.dumps(drafts(person))
    return all(text in kept for text in texts)


def test_what_was_typed_offline_survives_the_page(lab, visit, behind):
    path = lab.notebook("draft.ipynb", "a", "b", "c")
    network = behind(lab)
    ada, ben = visit(network, path), visit(lab, path)
    ada.type("1")
    ben.sees(0, "a1")
    ada.is_told_that_the_server_is_away()
    network.cut()
    expect(ada.page.get_by_role("button", name="Offline")).to_be_visible()
    ada.type(" ada", 0)
    ada.type(" ada", 1)
    ada.cells.nth(2).locator(".jp-InputPrompt").click()
    ada.execute("notebook:delete-cell")
    ben.type("ben ", 0, end=False)
    until(lambda: _keeps(ada, "a1 ada", "b ada"), "the browser keeps it")
    network.restore()
    ada.start_over(path)
    expected = ["ben a1 ada", "b ada"]
    _all_agree(lab, path, expected, ada, ben)
    until(lambda: len(drafts(ada)) == 0, "and keeps it no longer than needed")
    # And once only, however often it is opened.
    ada.reload(path)
    _all_agree(lab, path, expected, ada, ben)
    ada.sees_no_dialog()


@IN_BOTH
def test_what_could_not_be_merged_is_offered_until_somebody_decides(
    start_lab, visit, behind, screenshots, at
):
    lab = start_lab()
    path = "notes.md"
    (lab.root / path).write_text("# Notes\n")
    network = behind(lab)
    ada = visit(network, path, at=at)
    network.cut()
    ada.is_told_that_the_server_is_away()
    editor = ada.page.locator(".jp-FileEditor .cm-content")
    editor.click()
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type("typed by Ada")
    until(lambda: _keeps(ada, "typed by Ada"), "the browser keeps it")
    lab.stop(kill=True)
    for log in (lab.work / "data").rglob("*.sqlite*"):
        log.unlink()
    (lab.root / path).write_text("# Notes\nwritten meanwhile")
    lab.start()
    network.restore()
    offer = ada.page.get_by_role("region", name="Typed text that could not be merged")
    expect(offer).to_be_visible(timeout=40_000)
    expect(editor).to_contain_text("written meanwhile")
    ada.start_over(path)
    offer = ada.page.get_by_role("region", name="Typed text that could not be merged")
    expect(offer).to_be_visible()
    offer.locator("summary").click()
    expect(offer.locator("pre")).to_have_text("# Notes\ntyped by Ada")
    ada.page.screenshot(path=screenshots / f"undecided-light-{at.__name__}.png")
    ada.execute("apputils:change-theme", {"theme": "JupyterLab Dark"})
    expect(ada.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    expect(ada.page.locator("#jupyterlab-splash")).to_have_count(0)
    ada.page.screenshot(path=screenshots / f"undecided-dark-{at.__name__}.png")
    offer.get_by_role("button", name="Discard").click()
    ada.page.locator(".jp-Dialog").get_by_role("button", name="Cancel").click()
    expect(offer).to_be_visible()
    offer.get_by_role("button", name="Insert at the End").click()
    expect(offer).to_be_hidden()
    until(
        lambda: (lab.root / path).read_text() == "# Notes\nwritten meanwhile\n# Notes\ntyped by Ada",
        "inserted",
    )
    ada.reload(path)
    expect(ada.page.locator(".jp-FileEditor .cm-content")).to_contain_text("typed by Ada")
    expect(offer).to_be_hidden()
    until(lambda: len(drafts(ada)) == 0, "and is kept no longer than needed")


def test_two_tabs_of_one_browser_bring_their_texts_back_once_each(lab, visit, behind):
    path = lab.notebook("tabs.ipynb", "a", "b")
    network = behind(lab)
    first, ben = visit(network, path), visit(lab, path)
    second = Person(network, first.page.context.new_page(), "second-tab")  # type: ignore[arg-type]
    second.open(path)
    for person in (first, second):
        person.is_told_that_the_server_is_away()
    network.cut()
    for person, index in ((first, 0), (second, 1)):
        expect(person.page.get_by_role("button", name="Offline")).to_be_visible()
        person.type(f" tab{index}", index)
        until(lambda: len(drafts(first)) == index + 1, "the browser keeps it")  # noqa: B023
    second.page.close()
    network.restore()
    # The draft of a tab that lives is its own; that of the other comes back wherever the document is opened.
    first.sees(0, "a tab0")
    until(lambda: ben.sources()[0] == "a tab0", "it is sent", 40)
    first.start_over(path)
    _all_agree(lab, path, ["a tab0", "b tab1"], first, ben)
    until(lambda: len(drafts(first)) == 0, "and no longer than needed")


def test_a_draft_meets_a_document_that_began_anew(start_lab, visit, behind):
    """Cell by cell: merged where that is possible, else beside."""
    lab = start_lab()
    path = lab.notebook("draft-anew.ipynb", "a = 1", "b = 2", "c = 3")
    network = behind(lab)
    ada = visit(network, path)
    network.cut()
    ada.is_told_that_the_server_is_away()
    ada.type(" + ada", 0)
    ada.type(" + ada", 1)
    until(lambda: _keeps(ada, "a = 1 + ada", "b = 2 + ada"), "the browser keeps it")
    ada.page.close()
    lab.stop(kill=True)
    for log in (lab.work / "data").rglob("*.sqlite*"):
        log.unlink()
    notebook = lab.read(path)
    notebook["cells"][1]["source"] = "b = 2 + ben"
    (lab.root / path).write_text(json.dumps(notebook))
    lab.start()
    network.restore()
    ada.start_over(path)
    _all_agree(lab, path, ["a = 1 + ada", "b = 2 + ben", "b = 2 + ada", "c = 3"], ada)
    expect(ada.toast("in a cell of its own")).to_be_visible()
    ada.reload(path)
    assert len(ada.sources()) == 4


def test_logging_out_forgets_and_the_setting_keeps_nothing(start_lab, visit, behind):
    lab = start_lab()
    path = lab.notebook("forgotten.ipynb", "a")
    network = behind(lab)
    ada = visit(network, path)
    ada.is_told_that_the_server_is_away()
    network.cut()
    ada.type(" ada")
    until(lambda: len(drafts(ada)) == 1, "the browser keeps it")
    ada.page.on("dialog", lambda dialog: dialog.dismiss())  # "Leave site?"
    ada.execute("filemenu:logout")
    until(lambda: len(drafts(ada)) == 0, "forgotten")

    settings = lab.work / "settings/rtc-widgets"
    settings.mkdir(parents=True)
    (settings / "provider.jupyterlab-settings").write_text('{"drafts": false}')
    network.restore()
    ben = visit(behind(lab), path)
    ben.type(" ben")
    until(lambda: "ben" in lab.sources(path)[0], "saved")
    assert len(drafts(ben)) == 0
