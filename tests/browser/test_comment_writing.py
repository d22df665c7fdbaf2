"""Where comments are written: beside what they are about, with the mouse too; and no word of them gets lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect
from support.comments import (
    DECIDED,
    begun,
    cards,
    comment,
    composer,
    focused,
    highlights,
    kept,
    opened,
    replied,
    said,
    select,
    tab,
    text,
)
from support.person import Person
from support.server import until


def color(shown: Locator) -> str:
    """Return the colour in which something of a person's is drawn."""
    drawn: str = shown.evaluate("node => getComputedStyle(node).getPropertyValue('--rtcw-color').trim()")
    return drawn


@pytest.mark.oldest
def test_with_the_mouse_one_comments_beside_the_text_in_ones_own_colour(office, visit, screenshots):
    path = office.notebook("mouse.ipynb", "rate = 0.5\nyears = 20", "y = 2")
    said(office, path, "ben", DECIDED, begun("bens", "Since when?", text(0, 11, 16)))
    ada = visit(office, path, "ada")
    expect(highlights(ada)).to_have_text(["years"])
    # Select by a double click, and the button comes.
    ada.editor(0).get_by_text("rate", exact=False).first.dblclick(position={"x": 12, "y": 8})
    button = ada.page.get_by_role("button", name=re.compile("^Comment"), exact=False).and_(
        ada.page.locator(".rtcw-AddHere")
    )
    expect(button).to_be_visible()
    ada.page.screenshot(path=screenshots / "comments-button.png")
    line, offered = ada.editor(0).locator(".cm-line").first.bounding_box(), button.bounding_box()
    assert abs(offered["y"] - line["y"]) < 60
    button.click()
    expect(composer(ada).get_by_role("combobox")).to_be_focused()
    place = composer(ada).bounding_box()
    assert abs(place["x"] - line["x"]) < 60 and 0 < place["y"] - line["y"] < 60
    # A click elsewhere leaves it, and what was typed is there again.
    ada.page.keyboard.type("In per")
    ada.cells.nth(1).locator(".jp-InputPrompt").click()
    expect(composer(ada)).to_have_count(0)
    select(ada, "rate")
    ada.page.keyboard.press("Control+Alt+m")
    expect(composer(ada).get_by_role("combobox")).to_have_value("In per")
    # Escape gives the focus back to the text.
    ada.page.keyboard.press("Escape")
    expect(composer(ada)).to_have_count(0)
    assert focused(ada) == ".jp-Cell"
    ada.page.keyboard.press("Control+Alt+m")
    expect(composer(ada).get_by_role("combobox")).to_be_focused()
    ada.page.keyboard.type(" cent?")
    composer(ada).get_by_role("button", name="Comment", exact=True).click()
    mine, bens = (highlights(ada).filter(has_text=words) for words in ("rate", "years"))
    expect(mine).to_have_count(1)
    opened(ada)
    expect(cards(ada)).to_have_count(2)
    expect(cards(ada).first).to_contain_text("In per cent?")
    for shown, card in ((mine, cards(ada).first), (bens, cards(ada).nth(1))):
        assert color(shown) == color(card.locator(".rtcw-Comment").first)
    assert color(mine) != color(bens)
    # From the text to the thread, and back.
    bens.click()
    expect(cards(ada).nth(1)).to_have_class(re.compile("rtcw-mod-active"))
    expect(bens).to_have_class(re.compile("rtcw-mod-active"))
    ada.cells.nth(1).locator(".jp-InputPrompt").click()
    cards(ada).first.click()
    expect(mine).to_have_class(re.compile("rtcw-mod-active"))
    expect(ada.cells.nth(0)).to_have_class(re.compile("jp-mod-active"))
    ada.sees_no_dialog()


@pytest.mark.oldest
def test_a_script_that_takes_the_focus_from_who_writes_gives_it_back(office, visit):
    path = office.notebook("focus.ipynb", "rate = 0.5", "y = 2")
    said(office, path, "ben", DECIDED, begun("bens", "Since when?", text(1, 0, 1)))
    ada = visit(office, path, "ada")
    expect(highlights(ada, 1)).to_have_text("y")
    select(ada, "rate")
    ada.page.keyboard.press("Control+Alt+m")
    field = composer(ada).get_by_role("combobox")
    expect(field).to_be_focused()
    # As JupyterLab does once it has scrolled to the cell that was run.
    take(ada, "notebook.activate()")
    expect(field).to_be_focused()
    ada.page.keyboard.type("In per cent")
    take(ada, "notebook.activeCell.editor.focus()")
    expect(field).to_be_focused()
    # Between two keys too; where one was in the text is where one goes on.
    ada.page.keyboard.press("ArrowLeft")
    take(ada, "notebook.activate()")
    expect(field).to_be_focused()
    ada.page.keyboard.type("X")
    expect(field).to_have_value("In per cenXt")
    # Whoever goes elsewhere stays there, by mouse or by keyboard.
    ada.page.keyboard.press("Shift+Tab")
    take(ada, "notebook.activate()")
    expect(field).not_to_be_focused()
    field.click()
    ada.editor(1).click()
    expect(composer(ada)).to_have_count(0)
    assert focused(ada) == ".jp-Cell"
    # The same in the panel: where one answers, and at a thread that one came to by its keys.
    opened(ada)
    cards(ada).click()
    cards(ada).get_by_role("button", name="Reply…").click()
    reply = cards(ada).get_by_role("combobox")
    expect(reply).to_be_focused()
    take(ada, "notebook.activate()")
    expect(reply).to_be_focused()
    ada.page.keyboard.press("Escape")
    expect(cards(ada)).to_be_focused()
    ada.page.keyboard.press("Alt+F9")
    expect(cards(ada)).to_be_focused()
    take(ada, "notebook.activate()")
    expect(cards(ada)).to_be_focused()
    # A dialog keeps the focus that it takes.
    ada.page.keyboard.press("r")
    expect(reply).to_be_focused()
    ada.execute("apputils:display-shortcuts")
    ada.page.wait_for_function("() => document.activeElement?.closest('.jp-Dialog')")
    ada.page.keyboard.press("Escape")
    ada.sees_no_dialog()


def take(person: Person, act: str) -> None:
    """Let a script take the focus, and wait until it has had it."""
    person.page.evaluate(
        """act => {
            const notebook = jupyterapp.shell.currentWidget.content;
            window.taken = false;
            notebook.node.addEventListener('focusin', () => (window.taken = true), { once: true });
            new Function('notebook', act)(notebook);
        }""",
        act,
    )
    person.page.wait_for_function("() => window.taken")


def test_who_is_mentioned_is_completed_and_alone_is_told(office, visit):
    path = office.notebook("mention.ipynb", "rate = 0.5")
    # Cleo wrote here once and is gone; Ben is here.
    said(office, path, "cleo", begun("cleos", "Hm", text(0, 0, 4)))
    said(office, path, "ada", DECIDED)
    ben, ada = visit(office, path, "ben"), visit(office, path, "ada")
    opened(ben)
    select(ada, "0.5")
    ada.page.keyboard.press("Control+Alt+m")
    field = composer(ada).get_by_role("combobox")
    expect(field).to_be_focused()
    options = composer(ada).get_by_role("option")
    ada.page.keyboard.type("@")
    expect(options).to_have_count(2)
    expect(options.first).to_have_text(re.compile("Ben Okri.*here"))
    expect(options.nth(1)).to_have_text(re.compile("Cleo$"))
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(field).to_have_attribute("aria-activedescendant", options.first.get_attribute("id"))
    ada.page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    # Escape closes the list alone; and a click completes.
    ada.page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    expect(field).to_be_focused()
    ada.page.keyboard.type("b")
    expect(options).to_have_count(1)
    options.click()
    expect(field).to_have_value("@Ben Okri ")
    expect(field).to_be_focused()
    ada.page.keyboard.type("why?")
    ada.page.keyboard.press("Control+Enter")
    expect(ben.toast("Ada Lovelace mentions you: @Ben Okri why?")).to_be_visible()
    expect(cards(ben).locator(".rtcw-Mention.rtcw-mod-me")).to_have_text("@Ben Okri")
    # What neither mentions nor answers him is unread, and no more.
    comment(ada, "rate", "Just so.")
    expect(cards(ben)).to_have_count(3)
    expect(cards(ben).filter(has_text="Just so.")).to_have_class(re.compile("rtcw-mod-unread"))
    expect(ben.toast("Just so.")).to_have_count(0)
    for person in (ada, ben):
        person.sees_no_dialog()


def test_who_was_in_another_notebook_is_offered_and_told_when_they_come(office, visit):
    path, other = office.notebook("absent.ipynb", "rate = 0.5"), office.notebook("elsewhere.ipynb", "y = 2")
    said(office, other, "cleo", begun("cleos", "Hm", text(0, 0, 1)))
    said(office, path, "ada", DECIDED)
    ada = visit(office, path, "ada")
    select(ada, "0.5")
    ada.page.keyboard.press("Control+Alt+m")
    field = composer(ada).get_by_role("combobox")
    expect(field).to_be_focused()
    ada.page.keyboard.type("@cl")
    options = composer(ada).get_by_role("option")
    expect(options).to_have_text(re.compile("Cleo$"))
    ada.page.keyboard.press("Enter")
    expect(field).to_have_value("@Cleo ")
    ada.page.keyboard.type("when you are here: why?")
    ada.page.keyboard.press("Control+Enter")
    opened(ada)
    expect(cards(ada).locator(".rtcw-Mention")).to_have_text("@Cleo")
    cleo = visit(office, path, "cleo")
    opened(cleo)
    expect(cards(cleo).locator(".rtcw-Mention.rtcw-mod-me")).to_have_text("@Cleo")
    for person in (ada, cleo):
        person.sees_no_dialog()


def test_what_the_server_refuses_is_shown_with_the_reason_and_kept(office, visit, screenshots):
    path = office.notebook("refused.ipynb", "rate = 0.5", "y = 2")
    ada = visit(office, path, "ada")
    said(office, path, "ada", DECIDED)
    select(ada, "0.5")
    ada.page.keyboard.press("Control+Alt+m")
    composer(ada).get_by_role("combobox").fill("Too long. " * 7000)
    ada.page.keyboard.press("Control+Enter")
    # The panel is closed: without a word it would go unseen.
    warning = ada.toast("Your comment was not sent.")
    expect(warning).to_be_visible()
    warning.get_by_role("button", name="Show").click()
    alert = cards(ada).get_by_role("alert")
    expect(alert).to_contain_text("A comment holds 64 KiB, and this one has 68.")
    expect(alert.locator("blockquote")).to_contain_text("Too long. Too long.")
    ada.page.screenshot(path=screenshots / "comments-refused.png")
    # In other words it is sent.
    alert.get_by_role("button", name="Change").click()
    field = cards(ada).get_by_role("combobox", name="Change what was not sent")
    expect(field).to_be_focused()
    field.fill("Shorter.")
    ada.page.keyboard.press("Control+Enter")
    expect(cards(ada).locator(".rtcw-Comment-body")).to_have_text("Shorter.")
    expect(alert).to_have_count(0)
    expect(highlights(ada)).to_have_text(["0.5"])
    assert until(lambda: not kept(office, path, "ada")["drafts"], "the draft is forgotten")
    # A thread that somebody deletes meanwhile takes no words along.
    card = cards(ada)
    card.click()
    id_ = card.get_attribute("data-thread")
    card.get_by_role("button", name="Reply…").click()
    ada.page.keyboard.type("So it is.")
    said(office, path, "ben", ("comments.delete", {"thread": id_}))
    expect(alert).to_contain_text("Ben Okri deleted this thread.")
    expect(card.get_by_role("button", name="Resolve")).to_have_count(0)
    expect(field).to_be_focused()
    ada.page.keyboard.type(" Is it?")
    ada.page.screenshot(path=screenshots / "comments-deleted-meanwhile.png")
    ada.page.keyboard.press("Control+Enter")
    expect(alert).to_contain_text("Ben Okri deleted this thread.")
    expect(alert.locator("blockquote")).to_have_text("So it is. Is it?")
    # It outlives the page.
    ada.reload(path)
    opened(ada)
    expect(alert.locator("blockquote")).to_have_text("So it is. Is it?")
    alert.get_by_role("button", name="Discard").click()
    expect(cards(ada)).to_have_count(0)
    ada.sees_no_dialog()


def test_ones_own_thread_is_deleted_once_that_is_confirmed(office, visit):
    path = office.notebook("delete.ipynb", "rate = 0.5")
    said(office, path, "cleo", begun("cleos", "Why?", text(0, 7, 10)), replied("cleos", 2, "Anybody?"))
    said(office, path, "ada", DECIDED, begun("adas", "And this?", text(0, 0, 4)), replied("adas", 2, "Hm."))
    said(office, path, "cleo", replied("adas", 3, "Whose?"))
    cleo = visit(office, path, "cleo")
    opened(cleo)
    adas, cleos = cards(cleo).first, cards(cleo).nth(1)
    # Of Ada's thread Cleo deletes her own words only.
    adas.click()
    expect(adas.get_by_role("button", name="Delete")).to_have_count(1)
    adas.locator(".rtcw-Comment").nth(2).hover()
    adas.get_by_role("button", name="Delete").click()
    asked = adas.get_by_role("alertdialog", name="Delete this comment?")
    expect(asked.get_by_role("button", name="Delete the Thread")).to_have_count(0)
    asked.get_by_role("button", name="Delete", exact=True).click()
    expect(adas).to_contain_text("Deleted by Cleo")
    # Escape lets all stay.
    cleos.click()
    cleos.locator(".rtcw-Comment").first.hover()
    cleos.get_by_role("button", name="Delete").first.click()
    asked = cleos.get_by_role("alertdialog", name="Delete this comment, or all 2?")
    expect(asked.get_by_role("button", name="Delete", exact=True)).to_be_focused()
    cleo.page.keyboard.press("Escape")
    expect(asked).to_have_count(0)
    expect(cleos).to_be_focused()
    cleos.get_by_role("button", name="Delete").first.click()
    asked.get_by_role("button", name="Delete the Thread").click()
    expect(cards(cleo)).to_have_count(1)
    expect(highlights(cleo)).to_have_text(["rate"])
    expect(tab(cleo, "Mine")).to_have_text("Mine")
    cleo.sees_no_dialog()
