"""Comments of a page that is away or left: they wait in the browser or at the server, and are there once."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect
from support.browser_storage import asked
from support.comments import (
    DECIDED,
    begun,
    cards,
    comment,
    highlights,
    kept,
    opened,
    said,
    select_in_text,
    text,
    write,
)
from support.person import Person
from support.proxy import Proxy
from support.server import until


def _read_as_text(person: Person, path: str) -> Locator:
    """Open a notebook as text, and return the marks of its comments."""
    person.execute("docmanager:open", {"path": path, "factory": "Editor"})
    person.reads_as_text(path)
    return person.page.locator(".jp-FileEditor:visible .rtcw-Highlight")


def _comment_in_text(person: Person, words: str, body: str) -> None:
    """Comment on *words* as they stand in the JSON."""
    select_in_text(person, words)
    person.page.keyboard.press("Control+Alt+m")
    write(person, body)


def _go_offline(person: Person, network: Proxy) -> None:
    person.is_told_that_the_server_is_away()
    network.cut()
    expect(person.page.get_by_role("button", name="Offline")).to_be_visible()


def _said(person: Person, body: str) -> None:
    """Wait until the only thread says so, and the server has it."""
    expect(cards(person)).to_have_count(1)
    expect(cards(person)).to_contain_text(body)
    expect(cards(person)).not_to_contain_text("sent once online")
    expect(cards(person).locator(".rtcw-Comment")).to_have_count(1)
    until(lambda: asked(person) == [], "what is sent is not kept")


def test_what_was_written_in_the_text_is_sent_by_the_notebook_and_the_other_way(office, visit, behind):
    path = office.notebook("forms.ipynb", "rate = 0.5", "y = 2")
    said(office, path, "ada", DECIDED)
    network = behind(office)
    ada, ben = visit(network, "", "ada"), visit(office, path, "ben")
    opened(ben)
    _read_as_text(ada, path)
    expect(opened(ada)).to_contain_text("Select text or a cell and press")
    _go_offline(ada, network)
    _comment_in_text(ada, "0.5", "Why half?")
    expect(cards(ada)).to_contain_text("sent once online")
    assert asked(ada) == ["Why half?"]
    ada.page.close()
    network.restore()
    # In a workspace of its own nothing is restored but what is opened.
    again = Person(network, ada.page.context.new_page(), "forms-notebook", "ada")
    again.open(path)
    opened(again)
    for person in (again, ben):
        _said(person, "Why half?")
        expect(highlights(person)).to_have_text(["0.5"])
    # The other way: written in the notebook, sent from its text.
    again.is_told_that_the_server_is_away()
    cards(ben).get_by_role("button", name="Resolve").click()
    expect(cards(again)).to_have_count(0)
    network.cut()
    expect(again.page.get_by_role("button", name="Offline")).to_be_visible()
    comment(again, "y = 2", "And this?", 1)
    expect(cards(again)).to_contain_text("sent once online")
    again.page.close()
    network.restore()
    last = Person(network, ada.page.context.new_page(), "forms-text", "ada")
    last.open()
    marks = _read_as_text(last, path)
    opened(last)
    for person in (last, ben):
        _said(person, "And this?")
    expect(marks).to_have_text("y = 2")
    for person in (last, ben):
        person.sees_no_dialog()


@pytest.mark.parametrize("first", ["notebook", "text"])
def test_a_text_that_is_closed_leaves_its_comments_to_the_notebook_beside_it(office, visit, behind, first):
    path = office.notebook(f"beside-{first}.ipynb", "rate = 0.5")
    said(office, path, "ada", DECIDED)
    network = behind(office)
    ada, ben = visit(network, "" if first == "text" else path, "ada"), visit(office, path, "ben")
    opened(ben)
    if first == "text":
        _read_as_text(ada, path)
        ada.execute("docmanager:open", {"path": path, "factory": "Notebook"})
        ada.sees(0, "rate = 0.5")
    _read_as_text(ada, path)
    expect(opened(ada)).to_contain_text("Select text or a cell and press")
    _go_offline(ada, network)
    _comment_in_text(ada, "0.5", "Why half?")
    expect(cards(ada)).to_contain_text("sent once online")
    ada.execute("application:close")
    expect(ada.page.locator(".jp-FileEditor")).to_have_count(0)
    # Still away, the notebook shows it.
    ada.cells.nth(0).locator(".jp-InputPrompt").click()
    expect(cards(ada)).to_contain_text("sent once online")
    network.restore()
    for person in (ada, ben):
        _said(person, "Why half?")
        expect(highlights(person)).to_have_text(["0.5"])
        person.sees_no_dialog()


def test_a_page_that_is_closed_right_after_a_key_keeps_what_is_half_written(office, visit):
    path = office.notebook("half.ipynb", "rate = 0.5")
    said(office, path, "ada", DECIDED, begun("mine", "Why?", text(0, 7, 10)))
    ada = visit(office, path, "ada")
    opened(ada)
    cards(ada).click()
    cards(ada).get_by_role("button", name="Reply…").click()
    expect(cards(ada).get_by_role("combobox")).to_be_focused()
    ada.page.keyboard.type("Which pa")
    ada.page.on("dialog", lambda dialog: dialog.accept())
    with ada.page.expect_event("close"):
        ada.page.close(run_before_unload=True)
    ada.sit_down_again(path)
    opened(ada)
    cards(ada).click()
    expect(cards(ada).get_by_role("combobox")).to_have_value("Which pa")
    until(lambda: kept(office, path, "ada")["drafts"] == {"mine": "Which pa"}, "the server has it")
    ada.sees_no_dialog()
