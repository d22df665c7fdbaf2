"""500 threads in the panel: the page has those near the view, and whoever reads, writes or goes by keys misses none."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect
from support.comments import (
    DECIDED,
    at_once,
    begin,
    begun,
    cards,
    highlights,
    opened,
    panel,
    said,
    tab,
    text,
)
from support.person import Person
from support.server import Server, until

ACTIVE = re.compile("rtcw-mod-active")
FEW = 60


@pytest.fixture
def crowd(office, visit, request):
    """Return Ada beside 500 threads over 50 cells, and the path."""
    name = re.sub(r"\W", "-", request.node.name)
    path = office.notebook(f"{name}.ipynb", *(f"x{number} = {number}" for number in range(50)))
    at_once(begin(office, path, 500))
    ada = visit(office, path, "ada")
    opened(ada)
    expect(tab(ada, "Open")).to_contain_text("500")
    expect(card(ada, 0)).to_contain_text("Number 0 ")
    return ada, path


def card(person: Person, number: int) -> Locator:
    """Return one of the threads that are in the page."""
    return panel(person).locator(f".rtcw-Thread[data-thread=t{number}]")


def scrolled(person: Person) -> float:
    """Return how far down the panel shows the threads."""
    far: float = panel(person).get_by_role("tabpanel").evaluate("list => list.scrollTop")
    return far


def top_of(person: Person, number: int) -> float:
    """Return where on the screen a thread begins."""
    box = card(person, number).bounding_box()
    assert box is not None
    return box["y"]


def between(server: Server, path: str, cell: int, name: str) -> None:
    """Let Ben begin one more thread, on a cell before what Ada looks at."""
    said(server, path, "ben", DECIDED, begun(name, f"About cell {cell}.", text(cell, 0, 1)))


def test_the_page_has_those_that_are_near_the_view(crowd, screenshots):
    ada, _ = crowd
    ada.page.screenshot(path=screenshots / "comments-many.png")
    assert cards(ada).count() < FEW
    feed = panel(ada).get_by_role("feed")
    expect(feed).to_be_visible()
    expect(card(ada, 0)).to_have_attribute("aria-setsize", "500")
    expect(card(ada, 0)).to_have_attribute("aria-posinset", "1")
    # By the wheel, a screen at a time: no screen is empty, and each comes after the last.
    seen: set[int] = set()
    panel(ada).get_by_role("tabpanel").hover()
    for _ in range(12):
        scroll(ada, 700)
        until(lambda: shown(ada) and not seen >= set(shown(ada)), "others are seen")
        here = shown(ada)
        assert here == list(range(here[0], here[-1] + 1))
        seen.update(here)
    assert seen >= set(range(6, max(seen)))
    assert cards(ada).count() < FEW
    # To the end at once, as one drags the scroll bar.
    panel(ada).get_by_role("tabpanel").evaluate("list => { list.scrollTop = list.scrollHeight / 2; }")
    until(lambda: (here := shown(ada)) and 150 < here[0] < 350, "the middle is seen")
    panel(ada).get_by_role("tabpanel").evaluate("list => { list.scrollTop = list.scrollHeight; }")
    until(lambda: 499 in shown(ada), "the last is seen")
    expect(card(ada, 499)).to_have_attribute("aria-posinset", "500")
    assert cards(ada).count() < FEW
    ada.sees_no_dialog()


def scroll(person: Person, far: int) -> None:
    """Turn the wheel, and wait until the browser has scrolled as far: it takes its time."""
    person.page.evaluate(
        """() => {
            window.hasScrolled = false;
            const done = () => { window.hasScrolled = true; };
            document.querySelector('.rtcw-Comments-list').addEventListener('scrollend', done, { once: true });
        }"""
    )
    person.page.mouse.wheel(0, far)
    person.page.wait_for_function("() => window.hasScrolled")


def shown(person: Person) -> list[int]:
    """Return which threads are seen in the panel, from the first to the last."""
    numbers: list[int] = panel(person).evaluate(
        """panel => {
            const view = panel.querySelector('.rtcw-Comments-list').getBoundingClientRect();
            return [...panel.querySelectorAll('.rtcw-Thread')].filter(one => {
                const { top, bottom } = one.getBoundingClientRect();
                return bottom > view.top && top < view.bottom;
            }).map(one => Number(one.dataset.thread.slice(1)));
        }"""
    )
    return numbers


def test_the_keys_go_through_all_of_them(crowd):
    ada, _ = crowd
    cards(ada).first.focus()
    # And the document follows.
    for _ in range(40):
        ada.page.keyboard.press("ArrowDown")
    expect(card(ada, 40)).to_be_focused()
    expect(card(ada, 40)).to_be_in_viewport()
    ada.page.keyboard.press("End")
    expect(card(ada, 499)).to_be_focused()
    expect(card(ada, 499)).to_be_in_viewport(ratio=1)
    expect(card(ada, 498)).to_be_in_viewport(ratio=1)
    ada.page.keyboard.press("ArrowUp")
    expect(card(ada, 498)).to_be_focused()
    ada.page.keyboard.press("Home")
    expect(card(ada, 0)).to_be_focused()
    expect(card(ada, 0)).to_be_in_viewport(ratio=1)
    # The previous of the first is the last, and the next of that the first.
    for key, number in (("Shift+Alt+F9", 499), ("Shift+Alt+F9", 498), ("Alt+F9", 499), ("Alt+F9", 0)):
        ada.page.keyboard.press(key)
        expect(card(ada, number)).to_have_class(ACTIVE)
        expect(card(ada, number)).to_be_in_viewport(ratio=1)
    # The Tab key finds the one that was looked at, wherever the view is.
    tab(ada, "Open").focus()
    panel(ada).get_by_role("tabpanel").evaluate("list => { list.scrollTop = list.scrollHeight; }")
    until(lambda: 499 in shown(ada), "the last is seen")
    ada.page.keyboard.press("Tab")
    expect(card(ada, 0)).to_be_focused()
    expect(card(ada, 0)).to_be_in_viewport(ratio=1)
    panel(ada).get_by_role("searchbox").fill("#500")
    expect(cards(ada)).to_have_count(1)
    expect(cards(ada)).to_have_attribute("aria-setsize", "1")
    cards(ada).click()
    expect(highlights(ada, 49).and_(ada.page.locator(".rtcw-mod-active"))).to_be_visible()
    # Found among all others again, and still looked at.
    panel(ada).get_by_role("searchbox").fill("")
    expect(card(ada, 499)).to_have_class(ACTIVE)
    expect(card(ada, 499)).to_have_attribute("aria-posinset", "500")
    ada.sees_no_dialog()


def test_who_reads_or_writes_stays_there_while_others_begin_threads(crowd, office):
    ada, path = crowd
    cards(ada).first.focus()
    ada.page.keyboard.press("End")
    expect(card(ada, 499)).to_be_focused()
    for _ in range(200):
        ada.page.keyboard.press("ArrowUp")
    expect(card(ada, 299)).to_be_focused()
    ada.page.keyboard.press("r")
    field = card(ada, 299).get_by_role("combobox")
    expect(field).to_be_focused()
    ada.page.keyboard.type("It stays ")
    before = top_of(ada, 299)
    # Threads before this one: in the gap above, and among those that are seen.
    for number, cell in enumerate((0, 3, 27, 28)):
        between(office, path, cell, f"late{number}")
        expect(tab(ada, "Open")).to_contain_text(str(501 + number))
        expect(field).to_be_focused()
        until(lambda: abs(top_of(ada, 299) - before) < 3, "it is where it was")
    expect(card(ada, 299)).to_have_attribute("aria-setsize", "504")
    expect(card(ada, 299)).to_have_attribute("aria-posinset", "304")
    # Out of view and out of its window the words and the focus stay, too.
    panel(ada).get_by_role("tabpanel").evaluate("list => { list.scrollTop = 0; }")
    until(lambda: 0 in shown(ada), "the first is seen")
    between(office, path, 40, "latest")
    expect(tab(ada, "Open")).to_contain_text("505")
    expect(field).to_be_focused()
    ada.page.keyboard.type("where it is.")
    expect(field).to_have_value("It stays where it is.")
    ada.page.keyboard.press("Control+Enter")
    expect(card(ada, 299).locator(".rtcw-Comment")).to_have_count(2)
    expect(card(ada, 299)).to_be_focused()
    ada.sees_no_dialog()


def test_a_new_thread_at_a_far_place_is_unread_once_it_is_seen(crowd, office):
    ada, path = crowd
    between(office, path, 25, "far")
    expect(tab(ada, "Open")).to_contain_text("501")
    far = panel(ada).locator(".rtcw-Thread[data-thread=far]")
    expect(far).to_have_count(0)
    ada.cells.nth(25).get_by_role("button", name="11 comments").wait_for()
    for _ in range(0, 500, 5):
        if far.count():
            break
        panel(ada).get_by_role("tabpanel").evaluate("list => { list.scrollTop += 400; }")
        ada.page.wait_for_function(
            "() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 0, true)))"
        )
    expect(far).to_have_class(re.compile("rtcw-mod-unread"))
    far.click()
    expect(far).not_to_have_class(re.compile("rtcw-mod-unread"))
    ada.sees_no_dialog()


def test_typing_in_the_document_touches_only_what_it_is_about(crowd):
    ada, _ = crowd
    ada.editor(0).click()
    ada.page.keyboard.press("End")
    ada.page.evaluate(
        """() => {
            window.touched = new Set();
            const note = ({ target }) => {
                const part = target.closest ? target : target.parentElement;
                // Each minute it is written anew how long ago all was.
                if (part.closest('time')) return;
                touched.add(part.closest('.rtcw-Thread')?.dataset.thread ?? part.className);
            };
            new MutationObserver(all => all.forEach(note)).observe(document.querySelector('#rtc-widgets-comments'),
                { childList: true, subtree: true, attributes: true, characterData: true });
        }"""
    )
    # Longer than it takes until places are looked for again.
    ada.page.keyboard.type("  # and something behind it", delay=60)
    assert ada.page.evaluate("[...touched]") == []
    # What ten of them are about is other then, and so are they.
    ada.page.keyboard.press("Home")
    ada.page.keyboard.press("Delete")
    expect(card(ada, 0).locator(".rtcw-Thread-quote")).to_have_text("0")
    assert set(ada.page.evaluate("[...touched]")) <= {f"t{number}" for number in range(10)}
    ada.sees_no_dialog()
