"""The panel of comments: in the document's order, sorted, searched, walked through; and the same in all one's tabs."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from support.comments import (
    DECIDED,
    begun,
    cards,
    composer,
    focused,
    highlights,
    kept,
    opened,
    panel,
    replied,
    said,
    select,
    tab,
    text,
)
from support.person import Person
from support.server import until

SETTINGS = "settings/rtc-widgets/comments.jupyterlab-settings"
ACTIVE = re.compile("rtcw-mod-active")
UNREAD = re.compile("rtcw-mod-unread")


def threads(person: Person) -> list[str]:
    """Return the threads in the panel, in its order."""
    found: list[str] = cards(person).evaluate_all("all => all.map(one => one.dataset.thread)")
    return found


def test_in_the_order_of_the_document_by_whose_they_are_and_by_keys(office, visit):
    path = office.notebook("walk.ipynb", "rate = 0.5", "years = 20")
    # Begun from the last to the first.
    said(
        office,
        path,
        "ben",
        DECIDED,
        begun("last", "Until when?", text(1, 0, 5)),
        begun("cell", "All of it?", {"kind": "cell", "cell": "cell-1"}),
        begun("second", "A half?", text(0, 7, 10)),
        begun("first", "@Ada Lovelace, whose?", text(0, 0, 4), mentions=["ada"]),
    )
    said(office, path, "ada", replied("last", 2, "Until the *end*."))
    ada = visit(office, path, "ada")
    opened(ada)
    order = ["first", "second", "cell", "last"]
    until(lambda: threads(ada) == order, "they are in the order of the document")
    tab(ada, "Mine").click()
    until(lambda: threads(ada) == ["first", "last"], "so are those in which she is")
    search = panel(ada).get_by_role("searchbox")
    for words, found in (("whose", 1), ("ada lovelace end", 1), ("years", 1), ("no such words", 0)):
        search.fill(words)
        expect(cards(ada)).to_have_count(found)
    expect(panel(ada)).to_contain_text("Nothing found")
    search.fill("")
    # By keys from tab to tab, and of the threads the Tab key comes to one.
    tab(ada, "Mine").focus()
    ada.page.keyboard.press("ArrowLeft")
    expect(tab(ada, "Resolved")).to_be_focused()
    ada.page.keyboard.press("ArrowLeft")
    expect(tab(ada, "Open")).to_have_attribute("aria-selected", "true")
    expect(cards(ada)).to_have_count(4)
    ada.page.keyboard.press("Tab")
    expect(cards(ada).first).to_be_focused()
    ada.page.keyboard.press("ArrowDown")
    ada.page.keyboard.press("Shift+Tab")
    expect(tab(ada, "Open")).to_be_focused()
    # From the document: to the next one, around, and back.
    ada.editor(1).click()
    for key, id_ in (
        ("Alt+F9", "cell"),
        ("Alt+F9", "last"),
        ("Alt+F9", "first"),
        ("Shift+Alt+F9", "last"),
        ("Shift+Alt+F9", "cell"),
        ("Shift+Alt+F9", "second"),
    ):
        ada.page.keyboard.press(key)
        expect(panel(ada).locator(f"[data-thread={id_}] > .rtcw-Thread")).to_have_class(ACTIVE)
    expect(highlights(ada).filter(has_text="0.5")).to_have_class(ACTIVE)
    expect(ada.cells.nth(0)).to_have_class(re.compile("jp-mod-active"))
    assert focused(ada) != ".rtcw-Comments"
    # Enter goes to the place, Escape into the document.
    cards(ada).nth(3).focus()
    ada.page.keyboard.press("Enter")
    expect(ada.cells.nth(1)).to_have_class(re.compile("jp-mod-active"))
    expect(cards(ada).nth(3)).to_be_focused()
    ada.page.keyboard.press("r")
    expect(cards(ada).nth(3).get_by_role("combobox")).to_be_focused()
    ada.page.keyboard.press("Escape")
    expect(cards(ada).nth(3)).to_be_focused()
    ada.page.keyboard.press("Escape")
    until(lambda: focused(ada) == ".jp-Cell", "the focus is in the document")
    ada.sees_no_dialog()


def test_what_one_reads_and_half_writes_is_so_in_all_of_ones_tabs(office, visit):
    path = office.notebook("tabs.ipynb", "rate = 0.5", "y = 2")
    said(office, path, "ada", DECIDED, begun("mine", "Why?", text(0, 7, 10)))
    ada = visit(office, path, "ada")
    opened(ada)
    second = Person(office, ada.page.context.new_page(), "tabs-second", "ada")
    second.open(path)
    opened(second)
    # It is news in both, and read in both once it was looked at in one.
    said(office, path, "ben", replied("mine", 2, "From the paper."))
    badges = [person.cells.nth(0).get_by_role("button", name="1 comment") for person in (ada, second)]
    for person, badge in zip((ada, second), badges, strict=True):
        expect(cards(person)).to_have_class(UNREAD)
        expect(cards(person)).to_have_attribute("aria-label", "Comment 1, Cell 1, unread")
        expect(badge).to_have_class(UNREAD)
        expect(person.page.locator(".lm-TabBar-tab.rtcw-mod-unread")).to_have_count(1)
    cards(second).click()
    for person, badge in zip((ada, second), badges, strict=True):
        expect(cards(person)).not_to_have_class(UNREAD)
        expect(badge).not_to_have_class(UNREAD)
        expect(person.page.locator(".lm-TabBar-tab.rtcw-mod-unread")).to_have_count(0)
    # What is half written in one is there in the other.
    for person in (ada, second):
        person.page.bring_to_front()
        cards(person).click()
        cards(person).get_by_role("button", name="Reply…").click()
    second.page.keyboard.type("Which pa")
    expect(cards(ada).get_by_role("combobox")).to_have_value("Which pa")
    cards(ada).get_by_role("button", name="Cancel").click()
    until(lambda: kept(office, path, "ada")["drafts"] == {"mine": "Which pa"}, "the draft is kept")
    ada.page.bring_to_front()
    cards(ada).get_by_role("button", name="Reply…").click()
    field = cards(ada).get_by_role("combobox")
    expect(field).to_have_value("Which pa")
    field.press("End")
    ada.page.keyboard.type("per?")
    ada.page.keyboard.press("Control+Enter")
    for person in (ada, second):
        expect(cards(person).locator(".rtcw-Comment")).to_have_count(3)
    until(lambda: not kept(office, path, "ada")["drafts"], "there is no draft any more")
    # Also where a composer was open before, as long as nothing was typed in it.
    for person in (ada, second):
        person.page.bring_to_front()
        select(person, "y = 2", 1)
        person.page.keyboard.press("Control+Alt+m")
        expect(composer(person).get_by_role("combobox")).to_be_focused()
    second.page.keyboard.type("Why tw")
    expect(composer(ada).get_by_role("combobox")).to_have_value("Why tw")
    ada.page.bring_to_front()
    ada.page.keyboard.type("o?")
    until(lambda: "Why two?" in kept(office, path, "ada")["drafts"].values(), "the draft is kept")
    expect(composer(second).get_by_role("combobox")).to_have_value("Why tw")
    ada.page.keyboard.press("Control+Enter")
    for person in (ada, second):
        expect(cards(person)).to_have_count(2)
        person.sees_no_dialog()


@pytest.mark.oldest
def test_a_link_opens_its_thread_or_says_that_it_is_gone(office, visit):
    path = office.notebook("deep/link.ipynb", "rate = 0.5", "y = 2")
    said(
        office,
        path,
        "ben",
        DECIDED,
        begun("kept", "Why?", text(1, 0, 1)),
        begun("gone", "Hm", text(0, 0, 4)),
        ("comments.delete", {"thread": "gone"}),
    )
    ben = visit(office, path, "ben")
    ben.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(ben)
    cards(ben).get_by_role("button", name="Copy link").click()
    expect(cards(ben).locator("[data-id=link]")).to_have_attribute("title", "Copied")
    link = ben.page.evaluate("() => navigator.clipboard.readText()")
    assert link == f"{office.url}/lab/tree/{path}#rtc-thread=kept"
    # In a browser that was never here.
    ada = visit(office, "", "ada", ready=False)
    ada.page.goto(link)
    ada.ready(path)
    expect(panel(ada).locator(".rtcw-Thread.rtcw-mod-active[data-thread=kept]")).to_be_visible()
    expect(highlights(ada, 1)).to_have_class(ACTIVE)
    expect(ada.cells.nth(1)).to_have_class(re.compile("jp-mod-active"))
    ada.page.goto(link.replace("=kept", "=gone"))
    expect(ada.toast("Ben Okri deleted the thread to which the link leads.")).to_be_visible()
    ada.page.goto(link.replace("=kept", "=another"))
    ada.page.reload()
    # It stays for ten seconds, and a kernel may take longer.
    gone = ada.toast("The link leads to a thread that is not in link.ipynb.")
    expect(gone).to_be_visible(timeout=40_000)
    ada.ready(path)
    ada.sees_no_dialog()


def test_the_settings_put_the_marks_the_button_and_the_panel_where_one_wants_them(office, visit):
    path = office.notebook("settings.ipynb", "rate = 0.5")
    said(office, path, "ben", DECIDED, begun("bens", "Why?", text(0, 7, 10)))
    ada = visit(office, path, "ada")
    expect(highlights(ada)).to_have_css("border-bottom-style", "solid")
    expect(ada.cells.nth(0).locator(".rtcw-CommentGutter-mark")).to_be_visible()
    select(ada, "rate")
    expect(ada.page.locator(".rtcw-AddHere")).to_be_visible()
    expect(ada.page.locator(".jp-mod-right [data-id=rtc-widgets-comments]")).to_have_count(1)
    # In the editor of settings, by hand; what is set there holds at once.
    ada.execute("settingeditor:open", {"query": "Comments"})
    form = ada.page.get_by_role("group", name="Comments", exact=True)
    form.get_by_role("checkbox", name="Highlight what comments are about").uncheck()
    form.get_by_role("checkbox", name="Mark lines with comments").uncheck()
    form.get_by_role("checkbox", name="Offer to comment on selected text").uncheck()
    form.locator("select").select_option("left")
    expect(ada.page.locator(".jp-mod-left [data-id=rtc-widgets-comments]")).to_have_count(1)
    ada.page.get_by_role("tab", name="settings.ipynb").click()
    expect(highlights(ada)).to_have_css("border-bottom-style", "none")
    expect(ada.cells.nth(0).locator(".cm-gutters")).to_be_hidden()
    # The cell's own badge stays, and so do the keys.
    expect(ada.cells.nth(0).get_by_role("button", name="1 comment")).to_be_visible()
    select(ada, "rate")
    ada.page.keyboard.press("Control+Alt+m")
    expect(composer(ada)).to_be_visible()
    expect(ada.page.locator(".rtcw-AddHere")).to_have_count(0)
    ada.page.keyboard.press("Escape")
    opened(ada)
    expect(cards(ada)).to_have_count(1)
    until(lambda: '"left"' in (office.work / SETTINGS).read_text(), "the settings are kept")
    (office.work / SETTINGS).unlink()
    ada.sees_no_dialog()
