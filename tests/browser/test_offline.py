"""A connection that breaks, stalls or goes without a word, while people work: nothing is lost, nothing is doubled."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect
from support.person import Person
from support.server import Server, until


def _all_agree(lab: Server, path: str, expected: list[str], *people: Person) -> None:
    """Wait until everybody's screen and the file hold this, each cell once."""
    for person in people:
        until(lambda: person.sources() == expected, f"{person.sources()} is {expected}", 40)  # noqa: B023
    until(lambda: lab.sources(path) == expected, f"the file holds {expected}", 40)


def _others(person: Person) -> Locator:
    """Return the faces of others: gone as soon as a tab has noticed that it is alone."""
    return person.page.get_by_role("group", name="Others in this document")


def _select(person: Person, index: int) -> None:
    """Select one cell, in command mode."""
    person.cells.nth(index).locator(".jp-InputPrompt").click()


@pytest.mark.parametrize("how", ["cut", "swallow"])
def test_two_people_work_on_while_one_has_no_network(lab, visit, behind, how):
    path = lab.notebook(f"offline-{how}.ipynb", "a", "b", "c", "d", "print(6 * 7)")
    network = behind(lab)
    ada, ben = visit(network, path), visit(lab, path)
    ada.type("1")
    ben.sees(0, "a1")
    expect(_others(ada)).to_be_visible()
    ada.is_told_that_the_server_is_away()
    getattr(network, how)()
    # Of a connection that is gone without a word there is a word within seconds.
    expect(_others(ada)).to_be_hidden()

    ada.type(" ada", 0)
    ben.type("ben ", 0, end=False)
    ada.type(" ada", 1)
    ben.type(" ben", 2)
    _select(ada, 3)
    ada.execute("notebook:delete-cell")
    ada.execute("notebook:insert-cell-above")
    ada.type("new", 3)
    ben.run(4)
    ben.sees_output(4, "42")
    assert ada.sources() == ["a1 ada", "b ada", "c", "new", "print(6 * 7)"]

    network.restore()
    expected = ["ben a1 ada", "b ada", "c ben", "new", "print(6 * 7)"]
    _all_agree(lab, path, expected, ada, ben)
    ada.sees_output(4, "42")
    expect(_others(ada)).to_be_visible()
    for person in (ada, ben):
        person.editor(0).click(trial=True)  # behind JupyterLab's own dialog, if it is there still
        person.sees_no_dialog()


def test_what_is_typed_in_a_cell_that_the_other_deletes_or_moves_is_kept(lab, visit, behind):
    path = lab.notebook("crossed.ipynb", "a", "b", "c", "d", "e")
    network = behind(lab)
    ada, ben = visit(network, path), visit(lab, path)
    ada.type("1")
    ben.sees(0, "a1")
    ada.is_told_that_the_server_is_away()
    network.cut()
    expect(_others(ada)).to_be_hidden()
    # Ada types where Ben deletes and moves,
    ada.type(" ada", 1)
    ada.type(" ada", 4)
    _select(ben, 1)
    ben.execute("notebook:delete-cell")
    _select(ben, 3)
    ben.execute("notebook:move-cell-up")
    until(lambda: lab.sources(path) == ["a1", "c", "e", "d"], "Ben's are on disk")
    # and deletes and moves where Ben types.
    _select(ada, 2)
    ada.execute("notebook:delete-cell")
    _select(ada, 2)
    ada.execute("notebook:move-cell-up")
    ben.type(" ben", 1)
    ben.type(" ben", 3)
    assert ada.sources() == ["a1", "d", "b ada", "e ada"]
    network.restore()

    def _everything() -> bool:
        return all(
            sorted(person.sources()) == ["a1", "b ada", "c ben", "d ben", "e ada"] for person in (ada, ben)
        )

    until(_everything, f"{ada.sources()}, {ben.sources()}", 40)
    assert ada.sources() == ben.sources()
    until(lambda: lab.sources(path) == ada.sources(), "the file follows")
    expect(ada.toast("deleted or moved while somebody typed")).to_be_visible()


def _drafts(person: Person) -> int:
    """Count the drafts in this browser."""
    count: int = person.page.evaluate(
        """() => new Promise((resolve, reject) => {
            const opening = indexedDB.open('rtc_widgets');
            opening.onerror = reject;
            opening.onsuccess = () => {
                const database = opening.result;
                if (!database.objectStoreNames.contains('drafts')) return resolve(0);
                const counting = database.transaction('drafts').objectStore('drafts').count();
                counting.onerror = reject;
                counting.onsuccess = () => { database.close(); resolve(counting.result); };
            };
        })"""
    )
    return count


def test_what_was_typed_offline_survives_the_page(lab, visit, behind):
    path = lab.notebook("draft.ipynb", "a", "b", "c")
    network = behind(lab)
    ada, ben = visit(network, path), visit(lab, path)
    ada.type("1")
    ben.sees(0, "a1")
    ada.is_told_that_the_server_is_away()
    network.cut()
    expect(_others(ada)).to_be_hidden()
    ada.type(" ada", 0)
    ada.type(" ada", 1)
    _select(ada, 2)
    ada.execute("notebook:delete-cell")
    ben.type("ben ", 0, end=False)
    until(lambda: _drafts(ada) == 1, "the browser keeps it")
    network.restore()
    ada.start_over(path)
    expected = ["ben a1 ada", "b ada"]
    _all_agree(lab, path, expected, ada, ben)
    until(lambda: _drafts(ada) == 0, "and keeps it no longer than needed")
    # And once only, however often it is opened.
    ada.reload(path)
    _all_agree(lab, path, expected, ada, ben)
    ada.sees_no_dialog()


def test_what_could_not_be_merged_is_offered_until_somebody_decides(start_lab, visit, behind, screenshots):
    lab = start_lab()
    path = "notes.md"
    (lab.root / path).write_text("# Notes\n")
    network = behind(lab)
    ada = visit(network, path)
    network.cut()
    ada.is_told_that_the_server_is_away()
    editor = ada.page.locator(".jp-FileEditor .cm-content")
    editor.click()
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type("typed by Ada")
    until(lambda: _drafts(ada) == 1, "the browser keeps it")
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
    ada.page.screenshot(path=screenshots / "undecided-light.png")
    ada.execute("apputils:change-theme", {"theme": "JupyterLab Dark"})
    expect(ada.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    expect(ada.page.locator("#jupyterlab-splash")).to_have_count(0)
    ada.page.screenshot(path=screenshots / "undecided-dark.png")
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
    assert _drafts(ada) == 0
