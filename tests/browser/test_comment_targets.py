"""What comments are about besides code: outputs of this run or an earlier one, text files, and what is gone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from support.comments import (
    DECIDED,
    begun,
    cards,
    composer,
    highlights,
    opened,
    panel,
    said,
    select,
    tab,
    text,
    write,
)

LOAD = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()"
KERNEL = """nb[2].comment('Is **this** so?', on='y = 2')
nb.wait_for(lambda: not nb.comments.open).result()
print('done')"""
FAILING = "def half(x):\n    return x / 0\nhalf(1)"


@pytest.mark.oldest
def test_at_an_output_and_of_an_earlier_run_once_there_is_another(office, visit, screenshots):
    path = office.notebook("runs.ipynb", "import time\nprint('at', time.time_ns())", FAILING)
    said(office, path, "ada", DECIDED)
    ada, ben = visit(office, path, "ada"), visit(office, path, "ben", color_scheme="dark")
    output = ada.cells.nth(0).locator(".jp-OutputArea-child")
    ada.run(0)
    expect(output).to_contain_text("at ")
    output.locator(".jp-OutputArea-output").click(button="right")
    ada.page.locator(".lm-Menu-item", has_text="Comment on the Output").click()
    write(ada, "Which zone?")
    for person in (ada, ben):
        shown = person.cells.nth(0).locator(".jp-OutputArea-child")
        expect(shown.get_by_role("button", name="1 comment")).to_be_visible()
    opened(ben)
    expect(cards(ben)).to_contain_text("Output of cell 1")
    # The way there, and back.
    ben.cells.nth(1).locator(".jp-InputPrompt").click()
    cards(ben).click()
    expect(ben.cells.nth(0)).to_have_class(re.compile("jp-mod-active"))
    # A line of a traceback, whatever else is in it.
    ada.run(1)
    error = ada.cells.nth(1).locator(".jp-OutputArea-output", has_text="ZeroDivisionError")
    expect(error).to_be_visible()
    error.evaluate(
        """output => {
            const walker = document.createTreeWalker(output.querySelector('pre'), NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const at = walker.currentNode.textContent.indexOf('division by zero');
                if (at >= 0) getSelection().setBaseAndExtent(walker.currentNode, at, walker.currentNode, at + 5);
            }
        }"""
    )
    ada.page.keyboard.press("Control+Alt+m")
    write(ada, "By what?")
    traceback = cards(ben).filter(has_text="By what?")
    expect(traceback.locator(".rtcw-Thread-quote")).to_have_text("ZeroDivisionError: division by zero")
    # After another run it is known to be about the one before; the same error is the same.
    ada.run(0)
    for person in (ada, ben):
        area = person.cells.nth(0).locator(".jp-Cell-outputArea")
        expect(area.get_by_role("button", name="1 comment about an earlier run (In [1])")).to_be_visible()
        expect(area.locator(".jp-OutputArea-child").get_by_role("button")).to_have_count(0)
    expect(cards(ben).first).to_contain_text("Output of cell 1, about an earlier run (In [1])")
    ada.page.screenshot(path=screenshots / "comments-earlier-light.png")
    ben.page.screenshot(path=screenshots / "comments-earlier-dark.png")
    ben.cells.nth(0).get_by_role("button", name="about an earlier run").click()
    expect(cards(ben).first).to_have_class(re.compile("rtcw-mod-active"))
    for person in (ada, ben):
        person.sees_no_dialog()


def test_the_code_asks_and_hears_the_answer_while_it_runs(office, visit, screenshots):
    path = office.notebook("asks.ipynb", LOAD, KERNEL, "y = 2")
    said(office, path, "ada", DECIDED)
    ada = visit(office, path, "ada")
    opened(ada)
    ada.run(0)
    expect(ada.cells.nth(0).locator(".jp-InputPrompt")).to_have_text("[1]:")
    ada.run(1)
    card = cards(ada)
    expect(card.locator(".rtcw-Comment-name")).to_have_text("Kernel, run by Ada Lovelace")
    expect(card.locator("strong")).to_have_text("this")
    expect(highlights(ada, 2)).to_have_text("y = 2")
    # The cell goes on until somebody resolves it.
    expect(ada.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    card.click()
    card.get_by_role("button", name="Reply…").click()
    ada.page.keyboard.type("Quite so.")
    ada.page.screenshot(path=screenshots / "comments-asked.png")
    card.get_by_role("button", name="Reply & Resolve").click()
    expect(cards(ada)).to_have_count(0)
    ada.sees_output(1, "done")
    tab(ada, "Resolved").click()
    expect(cards(ada)).to_contain_text("Quite so.")
    expect(cards(ada)).to_contain_text("Resolved by Ada Lovelace")
    ada.sees_no_dialog()


@pytest.mark.oldest
def test_lines_of_a_cell_have_a_mark_with_how_many_begin_there(office, visit, screenshots):
    path = office.notebook("lines.ipynb", "rate = 0.5\nyears = 20\nprint(rate * years)", "y = 2")
    threads = [begun("why", "Why?", text(0, 0, 4)), begun("less", "Less?", text(0, 7, 10))]
    said(office, path, "ada", DECIDED, *threads, begun("when", "Since when?", text(0, 11, 16)))
    ada = visit(office, path, "ada")
    ben = visit(office, path, "ben", color_scheme="dark", width=700)
    marks = ada.cells.nth(0).locator(".rtcw-CommentGutter-mark")
    for person in (ada, ben):
        expect(person.cells.nth(0).locator(".rtcw-CommentGutter-mark")).to_have_text(["2", "1"])
        # Where nobody comments, no text moves aside.
        expect(person.editor(1)).to_have_text("y = 2")
        expect(person.cells.nth(1).locator(".cm-gutters")).to_have_count(0)
    # A click shows the thread, and the next one that begins in the line.
    for words in ("Why?", "Less?", "Why?"):
        marks.first.click()
        expect(cards(ada).filter(has_text=words)).to_have_class(re.compile("rtcw-mod-active"))
    expect(marks.first).to_have_class(re.compile("rtcw-mod-active"))
    expect(ada.cells.nth(0).locator(".cm-gutters")).to_have_attribute("aria-hidden", "true")
    ada.page.screenshot(path=screenshots / "comments-lines-light.png")
    ben.page.screenshot(path=screenshots / "comments-lines-dark-narrow.png")
    # They are beside their lines while somebody types, and beside the numbers of lines.
    ada.type("# Mine\n", end=False)
    ada.execute("notebook:toggle-all-cell-line-numbers")
    expect(ada.cells.nth(0).locator(".cm-lineNumbers")).to_be_visible()
    for person in (ada, ben):
        expect(person.cells.nth(0).locator(".cm-line")).to_have_count(4)
        person.page.wait_for_function(
            """() => {
                const cell = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell');
                if (!cell) return false;
                const tops = of => [...cell.querySelectorAll(of)].map(one => one.getBoundingClientRect().top);
                const [, first, second] = tops('.cm-line');
                const found = tops('.rtcw-CommentGutter-mark');
                return found.length === 2 && Math.abs(found[0] - first) < 4 && Math.abs(found[1] - second) < 4;
            }"""
        )
    ada.page.screenshot(path=screenshots / "comments-lines-numbers.png")
    ada.execute("notebook:toggle-all-cell-line-numbers")
    # The last that is resolved takes the margin with it.
    done = [("comments.resolve", {"thread": name, "op": f"{name}-done"}) for name in ("why", "less", "when")]
    said(office, path, "ada", *done[:2])
    for person in (ada, ben):
        expect(person.cells.nth(0).locator(".rtcw-CommentGutter-mark")).to_have_text(["1"])
    said(office, path, "ada", done[2])
    for person in (ada, ben):
        expect(person.cells.nth(0).locator(".cm-gutters")).to_have_count(0)
        person.sees_no_dialog()


@pytest.mark.oldest
def test_in_a_text_file_lines_have_a_mark_with_how_many_there_are(office, visit, screenshots):
    (office.root / "owls.md").write_text("# Owls\n\nBarn owls are white.\nTawny owls are brown.\n")
    ada, ben = visit(office, "owls.md", "ada"), visit(office, "owls.md", "ben")
    for start, end, body in ((13, 17, "All of them?"), (22, 27, "Creamy!")):
        ada.page.locator(".jp-FileEditor .cm-content").click()
        ada.page.evaluate(
            """([anchor, head]) => {
                const { editor } = window.jupyterapp.shell.currentWidget.content.editor;
                editor.dispatch({ selection: { anchor, head } });
            }""",
            [start, end],
        )
        ada.page.keyboard.press("Control+Alt+m")
        expect(composer(ada).get_by_role("combobox")).to_be_focused()
        ada.page.keyboard.type(body)
        ada.page.keyboard.press("Control+Enter")
    marks = ben.page.locator(".rtcw-CommentGutter-mark")
    expect(marks).to_have_text("2")
    expect(ben.page.locator(".jp-FileEditor .rtcw-Highlight")).to_have_text(["owls", "white"])
    marks.click()
    expect(panel(ben)).to_be_visible()
    expect(cards(ben).first).to_have_class(re.compile("rtcw-mod-active"))
    ben.page.screenshot(path=screenshots / "comments-file.png")
    cards(ben).nth(1).click()
    expect(ben.page.locator(".rtcw-Highlight.rtcw-mod-active")).to_have_text("white")
    # What is answered and resolved by one has no mark for anybody.
    cards(ben).nth(1).get_by_role("button", name="Resolve").click()
    opened(ada)
    for person in (ada, ben):
        expect(cards(person)).to_have_count(1)
        expect(person.page.locator(".rtcw-CommentGutter-mark")).to_have_text("1")
        person.sees_no_dialog()


def test_what_is_gone_is_kept_apart_and_put_elsewhere_by_hand(office, visit, screenshots):
    path = office.notebook("gone.ipynb", "rate = 0.5", "share = 0.25")
    said(office, path, "ben", DECIDED, begun("bens", "Why?", text(0, 7, 10)))
    ada, ben = visit(office, path, "ada"), visit(office, path, "ben")
    opened(ada)
    opened(ben)
    expect(tab(ada, "Orphaned")).to_have_count(0)
    ada.cells.nth(0).locator(".jp-InputPrompt").click()
    ada.execute("notebook:delete-cell")
    for person in (ada, ben):
        tab(person, "Orphaned").click()
        expect(cards(person).locator("del")).to_have_text("0.5")
    ben.page.screenshot(path=screenshots / "comments-orphaned.png")
    select(ada, "0.25")
    cards(ada).get_by_role("button", name="Attach").click()
    for person in (ada, ben):
        expect(highlights(person)).to_have_text(["0.25"])
        expect(tab(person, "Orphaned")).to_have_text("Orphaned")
    tab(ben, "Open").click()
    expect(cards(ben).locator(".rtcw-Thread-quote")).to_have_text("0.25")
    for person in (ada, ben):
        person.sees_no_dialog()
