"""Networks that are slow, that let everything vanish, or sleep: everybody has everything, once, and is told in time."""

from __future__ import annotations

from playwright.sync_api import Dialog, Page, expect
from support.others import standing
from support.person import IN_BOTH, Person
from support.server import Server, until

# A relay that soon notices whom it does not hear any more.
IMPATIENT = """
from rtc_widgets.relay import handlers
handlers._PING = 1.0
"""
# From the network's return to a document in step; docs/troubleshooting.md says 20.
BACK = 40


def _all_agree(lab: Server, path: str, expected: list[str], *people: Person) -> None:
    """Wait until everybody's screen and the file hold this."""
    for person in people:
        until(lambda: person.sources() == expected, lambda: f"{person.sources()} is {expected}", BACK)  # noqa: B023
    until(lambda: lab.sources(path) == expected, f"the file holds {expected}", BACK)


def _listen(person: Person) -> None:
    """Begin to note what the status item says."""
    person.page.evaluate(
        """() => {
            const button = document.querySelector('#jp-main-statusbar .rtcw-Standing-button');
            window.said = [button.title];
            new MutationObserver(() => window.said.push(button.title)).observe(button, { attributes: true });
        }"""
    )


def _letters_before_caret(person: Person) -> str:
    """Return what is before somebody's caret in the first line, as it is drawn."""
    # In one go: a caret is drawn anew with each letter.
    letters: str = person.cells.first.evaluate(
        """cell => {
            const caret = cell.querySelector('.rtcw-Caret');
            const line = cell.querySelector('.cm-line');
            if (!caret) return '';
            const { left } = caret.getBoundingClientRect();
            const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
            let letters = '';
            while (walker.nextNode()) {
                const { data } = walker.currentNode;
                for (let index = 0; index < data.length; index += 1) {
                    const range = document.createRange();
                    range.setStart(walker.currentNode, index);
                    range.setEnd(walker.currentNode, index + 1);
                    const box = range.getBoundingClientRect();
                    if ((box.left + box.right) / 2 < left) letters += data[index];
                }
            }
            return letters;
        }"""
    )
    return letters


def test_two_people_type_in_one_cell_over_a_slow_network(lab, visit, behind):
    path = lab.notebook("slow.ipynb", "=")
    networks = behind(lab), behind(lab)
    ada, ben = (visit(network, path) for network in networks)
    for network in networks:
        network.slow(0.3)
    for person in (ada, ben):
        expect(standing(person)).to_have_accessible_name(
            "Collaboration: Live, 2 people here, kernel not linked"
        )
        _listen(person)
        person.type("")
    # Both at the same place: whose letter comes first is open, but nobody's own are mixed up, lost or doubled.
    for letter, digit in zip("abcdefghijklm", "0123456789012", strict=True):
        ada.page.keyboard.type(letter)
        ben.page.keyboard.type(digit)

    def _agree() -> bool:
        return ada.sources() == ben.sources() and len(ada.sources()[0]) == 27

    until(_agree, lambda: f"{ada.sources()} is {ben.sources()}")
    typed = ada.sources()[0]
    assert "".join(filter(str.isalpha, typed)) == "abcdefghijklm"
    assert "".join(filter(str.isdigit, typed)) == "0123456789012"
    # Each one's caret stands behind what they typed, wherever that is.
    until(lambda: _letters_before_caret(ben).endswith("m"), "Ben sees Ada's")
    until(lambda: _letters_before_caret(ada).endswith("2"), "Ada sees Ben's")
    until(lambda: lab.sources(path) == [typed], "the file follows")
    for person in (ada, ben):
        said = person.page.evaluate("() => window.said")
        assert all(title.startswith("Collaboration: Live, 2 people here") for title in said), said
        person.sees_no_dialog()


def test_a_save_without_a_connection_says_so_at_once_and_is_done_later(lab, visit, behind, screenshots):
    path = lab.notebook("saved-later.ipynb", "a", "print(6 * 7)")
    network = behind(lab)
    ada, ben = visit(network, path), visit(lab, path)
    ada.is_told_that_the_server_is_away()
    # Even before anybody knows that it is gone.
    network.swallow()
    ada.type(" ada")
    ada.save()
    waits = ada.panel.get_by_text("No connection. Your changes are kept here")
    expect(waits).to_be_visible()
    ada.page.screenshot(path=screenshots / "saved-later.png")
    ben.type("ben ", 0, end=False)
    assert lab.sources(path)[0] != "ben a ada"
    # JupyterLab says for two seconds that it is done.
    ada.page.evaluate(
        """() => {
            const bar = document.querySelector('#jp-main-statusbar');
            const look = () => { window.isSaved ||= bar.textContent.includes('Saving completed'); };
            new MutationObserver(look).observe(bar, { subtree: true, childList: true, characterData: true });
        }"""
    )
    network.restore()
    _all_agree(lab, path, ["ben a ada", "print(6 * 7)"], ada, ben)
    expect(waits).to_be_hidden()
    ada.page.wait_for_function("() => window.isSaved")
    # And all else of the page is back: the kernel, and what goes over HTTP.
    ada.run(1)
    ada.sees_output(1, "42")
    ada.type("!")
    ada.save()
    until(lambda: lab.sources(path)[0] == "ben a ada!", "the file follows")
    for person in (ada, ben):
        person.sees_no_dialog()


@IN_BOTH
def test_a_page_that_slept_has_everything_when_it_wakes(start_lab, visit, behind, at):
    lab = start_lab(config=IMPATIENT)
    path = lab.notebook("slept.ipynb", "a", "b")
    network = behind(lab)
    ada, ben = visit(network, path, at=at), visit(lab, path, at=at)
    ada.is_told_that_the_server_is_away()
    others = ben.page.get_by_role("group", name="Others in this document")
    expect(others).to_be_visible()
    chrome = ada.page.context.new_cdp_session(ada.page)
    # The lid is closed while what was typed is on its way.
    network.swallow()
    ada.type(" ada")
    chrome.send("Page.setWebLifecycleState", {"state": "frozen"})
    # For the others she is gone.
    expect(others).to_be_hidden()
    ben.type(" ben", 1)
    until(lambda: lab.sources(path) == ["a", "b ben"], "the file has Ben's")
    network.restore()
    chrome.send("Page.setWebLifecycleState", {"state": "active"})
    ada.page.bring_to_front()
    _all_agree(lab, path, ["a ada", "b ben"], ada, ben)
    expect(others).to_be_visible()
    for person in (ada, ben):
        person.sees_no_dialog()


def _close(page: Page, accept: bool = True) -> list[str]:
    """Close a tab as a person does; return what the browser asks."""
    asked: list[str] = []

    def _answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        if accept:
            dialog.accept()
        else:
            dialog.dismiss()

    page.on("dialog", _answer)
    with page.expect_event("close" if accept else "dialog"):
        page.close(run_before_unload=True)
    page.remove_listener("dialog", _answer)
    return asked


@IN_BOTH
def test_who_closes_the_tab_too_soon_is_asked_and_loses_nothing(lab, visit, behind, at):
    path = lab.notebook(f"left-{at.__name__}.ipynb", "a")
    network = behind(lab)
    ada, ben = visit(network, path, at=at), visit(lab, path, at=at)
    ada.type("1")
    until(lambda: lab.sources(path) == ["a1"] and not ada.dirty(), "the file follows")
    network.swallow()
    ada.type(" ada")
    # JupyterLab would ask by itself, but only as long as it thinks that the file lacks something.
    ada.page.evaluate("() => { window.jupyterapp.shell.currentWidget.context.model.dirty = false; }")
    assert _close(ada.page, accept=False) == ["beforeunload"]
    assert not ada.page.is_closed()
    # Of the last word the browser's database hears nothing in time, as when a page closes quickly.
    ada.page.evaluate("() => { IDBObjectStore.prototype.put = () => { throw new Error('too late'); }; }")
    ada.type("!")
    assert _close(ada.page) == ["beforeunload"]
    # Nor are there connections left that are dead: the next page would wait for them.
    network.cut()
    network.restore()
    ada.sit_down_again(path)
    _all_agree(lab, path, ["a1 ada!"], ada, ben)
    until(lambda: not ada.dirty(), "JupyterLab knows")
    # And who has left nothing behind is not asked.
    assert _close(ada.page) == []
