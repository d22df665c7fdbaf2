"""Comments where there is no editor of the cell: in the notebook's text, in rendered Markdown, and in outputs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect
from support.comments import cards, select_in_text, write
from support.others import ADAPTIVE, CONFIG
from support.person import Person
from support.server import Server, until


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("places"), "lab", config=CONFIG)
    (server.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").write_text(ADAPTIVE)
    yield server
    server.close()


def test_who_has_the_notebook_as_text_reads_and_writes_the_same_comments(places, visit, screenshots):
    path = places.notebook("as-text.ipynb", "rate = 0.5\nprint(rate)", 'name = "Zoë 🦉"\nprint(name)')
    ada, ben = visit(places, path, "ada"), visit(places, "", "ben", color_scheme="dark")
    ada.execute("rtc-widgets:show-comments")
    ada.editor(0).click()
    ada.page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets[0].editor.editor.dispatch(
            { selection: { anchor: 7, head: 10 } })"""
    )
    ada.page.keyboard.press("Control+Alt+m")
    write(ada, "Why half?")
    expect(ada.cells.nth(0).locator(".rtcw-Highlight")).to_have_text("0.5")
    # Ben sees the thread in his panel, and the words in the JSON.
    ben.execute("docmanager:open", {"path": path, "factory": "Editor"})
    ben.reads_as_text(path)
    ben.execute("rtc-widgets:show-comments")
    expect(cards(ben)).to_contain_text("Why half?")
    expect(cards(ben)).to_have_accessible_name(re.compile("Cell 1"))
    marks = ben.page.locator(".jp-FileEditor .rtcw-Highlight")
    expect(marks).to_have_text("0.5")
    marks.click()
    expect(cards(ben)).to_have_class(re.compile("rtcw-mod-active"))
    # What he selects there is the cell's text to Ada, whatever JSON makes of it.
    select_in_text(ben, '\\"Zoë 🦉\\"\\n",\n    "print')
    ben.page.keyboard.press("Control+Alt+m")
    write(ben, "Who?")
    seen = ada.cells.nth(1).locator(".rtcw-Highlight")
    until(lambda: "".join(seen.all_inner_texts()) == '"Zoë 🦉"print', "Ada sees what Ben selected")
    expect(cards(ada)).to_have_count(2)
    ben.page.screenshot(path=screenshots / "comments-in-text.png")
    # Typing moves the marks, in either form.
    ada.type("# first\n", 0, end=False)
    expect(marks.first).to_have_text("0.5")
    # Outside of the cells there is nothing to comment on, and that is said.
    select_in_text(ben, '"nbformat"')
    ben.page.keyboard.press("Control+Alt+m")
    expect(ben.toast("Select something of a cell to comment on it.")).to_be_visible()
    # Resolved by one, gone for both; and nothing of it is in the file.
    cards(ben).first.get_by_role("button", name="Resolve").click()
    expect(cards(ada)).to_have_count(1)
    assert "rtc_widgets" not in json.dumps(places.read(path)["metadata"])
    for person in (ada, ben):
        person.sees_no_dialog()


MARKDOWN = "# A *title*\n\nThe **half** of [the paper](https://example.org/half) is `half` a page.\n\nAnd $x^2$. &copy;"


def rendered(server: Server, path: str) -> str:
    """Make a notebook of a Markdown cell and a code cell."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "words", "metadata": {}, "source": MARKDOWN},
        {
            "cell_type": "code",
            "id": "code",
            "metadata": {},
            "source": "print('one\\ntwo\\nthree')",
            "outputs": [],
            "execution_count": None,
        },
    ]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (server.root / path).write_text(json.dumps(notebook))
    return path


def select_shown(person: Person, selector: str, words: str) -> None:
    """Select *words* where they are read, as with the mouse."""
    found = person.page.evaluate(
        """([selector, words]) => {
            const walker = document.createTreeWalker(document.querySelector(selector), NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const at = walker.currentNode.textContent.indexOf(words);
                if (at >= 0) {
                    document.activeElement?.blur();
                    getSelection().setBaseAndExtent(walker.currentNode, at, walker.currentNode, at + words.length);
                    return true;
                }
            }
            return false;
        }""",
        [selector, words],
    )
    assert found, words


def marked(person: Person) -> list[str]:
    """Return the texts that are marked where there is no editor, in the order of the page."""
    texts: list[str] = person.page.evaluate(
        """() => [...CSS.highlights].filter(([name]) => name.startsWith('rtcw-comment-'))
            .flatMap(([, ranges]) => [...ranges])
            .sort((a, b) => a.compareBoundaryPoints(Range.START_TO_START, b))
            .map(String)"""
    )
    return texts


def click_on(person: Person, words: str) -> None:
    """Click on marked words."""
    x, y = person.page.evaluate(
        """words => {
            const ranges = [...CSS.highlights.values()].flatMap(highlight => [...highlight]);
            const { left, top, width, height } = ranges.find(one => String(one) === words).getBoundingClientRect();
            return [left + width / 2, top + height / 2];
        }""",
        words,
    )
    person.page.mouse.click(x, y)


def test_what_is_rendered_is_commented_on_marked_and_clicked(places, visit, screenshots):
    path = rendered(places, "rendered.ipynb")
    ada, ben = visit(places, path, "ada"), visit(places, path, "ben", color_scheme="dark")
    for person in (ada, ben):
        person.execute("rtc-widgets:show-comments")
        expect(person.cells.nth(0).locator(".jp-MarkdownOutput strong")).to_have_text("half")
    # Of two that are alike the one that was selected, without what makes it code.
    select_shown(ada, ".jp-MarkdownOutput code", "half")
    ada.page.get_by_role("button", name="Comment (Ctrl+Alt+M)").click()
    write(ada, "Only half?")
    select_shown(ben, ".jp-MarkdownOutput h1", "title")
    ben.page.keyboard.press("Control+Alt+m")
    write(ben, "Which?")
    for person in (ada, ben):
        until(lambda person=person: marked(person) == ["title", "half"], "both see both")
        expect(cards(person)).to_have_count(2)
        expect(cards(person).locator(".rtcw-Thread-quote").nth(1)).to_have_text("half")
    assert ada.page.evaluate(
        "() => [...CSS.highlights.values()].flatMap(one => [...one]).find(one => String(one) === 'half')"
        ".startContainer.parentElement.localName === 'code'"
    )
    # A click on the words leads to the thread; nothing in the page is another for it.
    click_on(ben, "half")
    expect(cards(ben).nth(1)).to_have_class(re.compile("rtcw-mod-active"))
    for person, scheme in ((ada, "light"), (ben, "dark")):
        person.page.screenshot(path=screenshots / f"comments-rendered-{scheme}.png")
    # In the editor the same words are marked, and rendered once more they are again.
    ada.cells.nth(0).locator(".jp-MarkdownOutput p").first.dblclick()
    expect(ada.cells.nth(0).locator(".rtcw-Highlight")).to_have_text(["title", "half"])
    until(lambda: marked(ada) == [], "nothing is rendered")
    ada.type("More of\n\n", 0, end=False)
    ada.page.keyboard.press("Control+Enter")
    for person in (ada, ben):
        until(lambda person=person: marked(person) == ["title", "half"], "it is marked where it is now")
    cards(ben).first.get_by_role("button", name="Resolve").click()
    until(lambda: marked(ada) == ["half"], "what is resolved is not marked")
    for person in (ada, ben):
        person.sees_no_dialog()


def test_what_is_selected_in_an_output_is_commented_on(places, visit, screenshots):
    path = rendered(places, "outputs.ipynb")
    ada = visit(places, path, "ada")
    ada.execute("rtc-widgets:show-comments")
    ada.run(1)
    ada.sees_output(1, "three")
    select_shown(ada, ".jp-OutputArea-output pre", "two")
    ada.page.get_by_role("button", name="Comment (Ctrl+Alt+M)").click()
    write(ada, "Why two?")
    until(lambda: marked(ada) == ["two"], "the line is marked")
    expect(cards(ada).locator(".rtcw-Thread-quote")).to_have_text("two")
    # Several lines: the comment begins with them.
    select_shown(ada, ".jp-OutputArea-output pre", "one\ntwo")
    ada.page.keyboard.press("Control+Alt+m")
    write(ada, "Both?")
    expect(cards(ada).locator(".rtcw-Comment-body pre")).to_have_text("one\ntwo\n")
    # What has no words in the source is about its cell, and says what was meant.
    select_shown(ada, ".jp-MarkdownOutput", "©")
    ada.page.keyboard.press("Control+Alt+m")
    write(ada, "This sign.")
    expect(cards(ada).filter(has_text="This sign.")).to_have_accessible_name(re.compile("Cell 1"))
    expect(cards(ada).filter(has_text="This sign.").locator("pre")).to_have_text("©\n")
    click_on(ada, "two")
    expect(cards(ada).filter(has_text="Why two?")).to_have_class(re.compile("rtcw-mod-active"))
    ada.page.screenshot(path=screenshots / "comments-outputs.png")
    ada.sees_no_dialog()
