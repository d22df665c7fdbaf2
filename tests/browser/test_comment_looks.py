"""Comments can be read by everybody: in light and dark, narrow, long, right to left, and by a screen reader."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from support.comments import DECIDED, begun, cards, composer, kept, opened, panel, replied, said, select, text
from support.looks import reads_well
from support.person import Person
from support.server import until

AXE = Path(__file__).parents[2] / "labextension/node_modules/axe-core/axe.min.js"
HEBREW = "האם זה נכון? `rate = 0.5` אולי."
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
TABLE = (
    "| a column | another column | and a third one |\n|---|---|---|\n| 1 | 2 | 3 |\n\n"
    "```python\ndf = pd.read_csv('a_table_with_quite_a_long_name_that_nobody_dared_to_change.csv')\n```\n\n"
    "> quoted\n\n- a list with [a link](https://example.org)\n- $x^2$"
)


@pytest.fixture(scope="module")
def talk(office):
    """Return a notebook with all kinds of threads."""
    path = office.notebook("looks.ipynb", "rate = 0.5", f"{LONG.lower()} = 1", "print('out')")
    said(
        office,
        path,
        "ben",
        DECIDED,
        begun("short", "Why?", text(0, 7, 10)),
        begun("hebrew", HEBREW, text(0, 0, 4)),
        begun("wide", LONG, text(1, 0, 60)),
        begun("rich", f"@Ada Lovelace **see** here:\n\n{TABLE}", text(2, 0, 5), mentions=["ada"]),
        begun("long", "Comment 1 of many", text(2, 6, 11)),
        *(replied("long", number, f"Comment {number} of many") for number in range(2, 50)),
        begun("done", "Done?", text(2, 0, 5)),
        ("comments.resolve", {"thread": "done", "op": "resolved"}),
    )
    said(office, path, "ada", replied("long", 50, "And the *last* word."))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_panel_reads_well_and_is_clear_to_a_screen_reader(office, talk, visit, screenshots, scheme):
    ada = visit(office, talk, "ada", height=1400, color_scheme=scheme)
    opened(ada)
    expect(cards(ada)).to_have_count(5)
    rich = panel(ada).locator("[data-thread=rich] > .rtcw-Thread")
    expect(rich.locator("table")).to_be_visible()
    ada.page.screenshot(path=screenshots / f"comments-looks-{scheme}.png")
    # Of a long thread one sees the first and the last, and then all of it.
    long = panel(ada).locator("[data-thread=long] > .rtcw-Thread")
    expect(long.locator(".rtcw-Comment")).to_have_count(3)
    expect(long.get_by_role("button", name="Show 47 more")).to_be_visible()
    hebrew = panel(ada).locator("[data-thread=hebrew] .rtcw-Comment-body")
    expect(hebrew.locator("p")).to_have_css("direction", "rtl")
    reads_well(panel(ada).locator(".rtcw-Comments-head"))
    for card in cards(ada).all():
        reads_well(card)
    accessible(ada, ".rtcw-Comments")
    # Also while one writes, and is asked.
    short = panel(ada).locator("[data-thread=short] > .rtcw-Thread")
    short.click()
    short.get_by_role("button", name="Reply…").click()
    ada.page.keyboard.type("@be")
    expect(short.get_by_role("option")).to_have_count(1)
    accessible(ada, ".rtcw-Comments")
    ada.page.screenshot(path=screenshots / f"comments-reply-{scheme}.png")
    ada.page.keyboard.press("Escape")
    short.get_by_role("combobox").fill("")
    ada.page.keyboard.press("Escape")
    short.locator(".rtcw-Comment").hover()
    short.get_by_role("button", name="Delete").click()
    reads_well(short)
    accessible(ada, ".rtcw-Comments")
    ada.page.keyboard.press("Escape")
    long.get_by_role("button", name="Show 47 more").click()
    expect(long.locator(".rtcw-Comment")).to_have_count(50)
    ada.page.screenshot(path=screenshots / f"comments-long-{scheme}.png")
    select(ada, "rate")
    ada.page.keyboard.press("Control+Alt+m")
    expect(composer(ada).get_by_role("combobox")).to_be_focused()
    ada.page.keyboard.type("Why?")
    reads_well(composer(ada))
    accessible(ada, ".rtcw-InPlace")
    accessible(ada, ".rtcw-CellComments")
    ada.page.screenshot(path=screenshots / f"comments-write-{scheme}.png")
    composer(ada).get_by_role("combobox").fill("")
    ada.page.keyboard.press("Escape")
    until(lambda: not kept(office, talk, "ada")["drafts"], "nothing is left half written")
    ada.sees_no_dialog()


def test_the_panel_fits_where_it_is_narrow(office, talk, visit, screenshots):
    ada = visit(office, talk, "ada", width=640, height=900)
    ada.execute("application:toggle-left-area")
    opened(ada)
    # As narrow as JupyterLab lets it be.
    handle = ada.page.locator("#jp-right-stack").bounding_box()
    ada.page.mouse.move(handle["x"] - 2, 500)
    ada.page.mouse.down()
    ada.page.mouse.move(630, 500, steps=5)
    ada.page.mouse.up()
    expect(cards(ada)).to_have_count(5)
    expect(panel(ada).locator("[data-thread=rich] table")).to_be_visible()
    ada.page.screenshot(path=screenshots / "comments-looks-narrow.png")
    box = panel(ada).bounding_box()
    assert box["width"] < 330
    for card in cards(ada).all():
        reads_well(card)
        assert card.bounding_box()["x"] + card.bounding_box()["width"] <= 640
    short = panel(ada).locator("[data-thread=short] > .rtcw-Thread")
    short.click()
    short.get_by_role("button", name="Reply…").click()
    ada.page.keyboard.type("In a narrow place")
    ada.page.screenshot(path=screenshots / "comments-reply-narrow.png")
    reads_well(short)
    short.get_by_role("combobox").fill("")
    until(lambda: not kept(office, talk, "ada")["drafts"], "nothing is left half written")
    ada.sees_no_dialog()


def accessible(person: Person, part: str) -> None:
    """Check a part of the page by axe-core's rules for WCAG 2.2, level AA."""
    if not AXE.exists() and not os.environ.get("RTC_WIDGETS_NO_SKIP"):
        pytest.skip("axe-core is not installed: (cd labextension && jlpm install)")
    if not person.page.evaluate("() => 'axe' in window"):
        person.page.add_script_tag(path=AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found: list[dict[str, Any]] = person.page.evaluate(
        """async ([part, tags]) => {
            const { violations } = await axe.run(part, { runOnly: tags });
            return violations.map(({ id, help, nodes }) =>
                ({ id, help, nodes: nodes.map(({ html, failureSummary }) => [html.slice(0, 200), failureSummary]) }));
        }""",
        [part, tags],
    )
    assert not found, json.dumps(found, indent=2)
