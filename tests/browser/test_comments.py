"""Comments in the browser: written where one reads, seen by everybody at once, kept to the rights of each."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from support.comments import (
    cards,
    comment,
    composer,
    highlights,
    kept,
    opened,
    panel,
    select,
    tab,
    write,
)
from support.person import NotebookPerson
from support.server import until

from rtc_widgets.documents.mirror import from_mirror

LOAD = (
    "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()\n"
    "nb.comments[1].reply('Seen by the kernel');"
)


@pytest.mark.oldest
def test_two_people_talk_about_a_piece_of_code(office, visit, screenshots):
    path = office.notebook("talk.ipynb", "rate = 0.5\nprint(rate)", LOAD)
    ada, ben = visit(office, path, "ada"), visit(office, path, "ben", color_scheme="dark")
    comment(ada, "0.5", "Why **half**?")
    for person in (ada, ben):
        expect(highlights(person)).to_have_text(["0.5"])
        expect(opened(person).locator("strong")).to_have_text("half")
        expect(cards(person).locator(".rtcw-Thread-quote")).to_have_text("0.5")
        expect(cards(person).get_by_text("#1", exact=True)).to_be_visible()
    cards(ben).click()
    cards(ben).get_by_role("button", name="Reply…").click()
    ben.page.keyboard.type("From the paper.")
    ben.page.keyboard.press("Control+Enter")
    expect(cards(ada)).to_contain_text("From the paper.")
    expect(ada.toast("Ben Okri replied: From the paper.")).to_be_visible()
    ada.page.screenshot(path=screenshots / "comments-light.png")
    ben.page.screenshot(path=screenshots / "comments-dark.png")
    # The highlight follows the text, whoever types.
    ben.type("# a comment\n", 0, end=False)
    expect(highlights(ada)).to_have_text(["0.5"])
    # The code answers too, and is no person.
    ada.run(1)
    expect(cards(ben)).to_contain_text("Seen by the kernel")
    expect(cards(ben).locator(".rtcw-Face.rtcw-mod-kernel")).to_have_count(1)
    ben.page.screenshot(path=screenshots / "comments-kernel.png")
    cards(ada).get_by_role("button", name="Resolve").click()
    for person in (ada, ben):
        expect(highlights(person)).to_have_count(0)
        expect(cards(person)).to_have_count(0)
    tab(ben, "Resolved").click()
    expect(cards(ben)).to_contain_text("Resolved by Ada Lovelace")
    cards(ben).get_by_role("button", name="Reopen").click()
    expect(highlights(ada)).to_have_text(["0.5"])
    for person in (ada, ben):
        person.sees_no_dialog()


def test_who_comments_first_says_whether_the_file_gets_a_copy(office, visit, screenshots):
    path = office.notebook("copy.ipynb", "rate = 0.5", "y = 2")
    ada = visit(office, path, "ada")
    comment(ada, "0.5", "Why?")
    question = ada.toast("Shall the notebook’s file have a copy, too?")
    expect(question).to_be_visible()
    ada.page.screenshot(path=screenshots / "comments-copy.png")
    comment(ada, "rate", "Whose?")
    expect(question).to_have_count(1)
    assert from_mirror(office.read(path)["metadata"]) == []
    question.get_by_role("button", name="Keep a Copy").click()
    expect(question).to_have_count(0)
    until(lambda: len(from_mirror(office.read(path)["metadata"])) == 2, "the file has both")
    comment(ada, "y", "What?", 1)
    until(lambda: len(from_mirror(office.read(path)["metadata"])) == 3, "the file follows")
    expect(question).to_have_count(0)
    ada.sees_no_dialog()


def test_what_one_writes_is_kept_harmless_and_can_be_changed(office, visit, screenshots):
    path = office.notebook("words.ipynb", "x = 1", "y = 2")
    ada = visit(office, path, "ada")
    opened(ada)
    # What is half written stays, also when the page is left.
    select(ada, "x = 1")
    ada.page.keyboard.press("Control+Alt+m")
    ada.page.keyboard.type(
        '<img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>**Careful**'
    )
    ada.page.screenshot(path=screenshots / "comments-composer.png")
    ada.page.keyboard.press("Escape")
    expect(composer(ada)).to_have_count(0)
    until(lambda: kept(office, path, "ada").get("drafts"), "the draft is at the server")
    ada.reload(path)
    opened(ada)
    select(ada, "x = 1")
    ada.page.keyboard.press("Control+Alt+m")
    expect(composer(ada).get_by_role("combobox")).to_have_value(re.compile("Careful"))
    ada.page.keyboard.press("Control+Enter")
    expect(cards(ada).locator("strong")).to_have_text("Careful")
    expect(cards(ada).locator("script, [onerror]")).to_have_count(0)
    assert ada.page.evaluate("() => window.hacked") is None
    # A whole cell, from its own toolbar.
    ada.cells.nth(1).locator(".jp-InputPrompt").click()
    ada.cells.nth(1).locator(".jp-cell-toolbar button").first.click()
    write(ada, "About it all")
    expect(cards(ada)).to_have_count(2)
    expect(ada.cells.nth(1).get_by_role("button", name="1 comment")).to_be_visible()
    # Edit, and delete, asked once more.
    second = cards(ada).nth(1)
    second.hover()
    second.get_by_role("button", name="Edit").click()
    ada.page.keyboard.type(", and more")
    ada.page.keyboard.press("Control+Enter")
    expect(second).to_contain_text("About it all, and more")
    expect(second).to_contain_text("edited")
    second.get_by_role("button", name="Delete").click()
    second.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(cards(ada)).to_have_count(1)
    # The link to the other one opens it, for whoever follows it.
    id_ = cards(ada).get_attribute("data-thread")
    ada.execute("application:toggle-right-area")
    expect(panel(ada)).to_be_hidden()
    ada.page.goto(f"{office.url}{ada.address(path)}#rtc-thread={id_}")
    ada.page.reload()
    ada.ready(path)
    expect(ada.page.locator(f".rtcw-Thread.rtcw-mod-active[data-thread='{id_}']")).to_be_visible()
    expect(highlights(ada)).to_have_class(re.compile("rtcw-mod-active"))
    # Its text goes with its cell, and the thread stays.
    ada.cells.nth(0).locator(".jp-InputPrompt").click()
    ada.execute("notebook:delete-cell")
    tab(ada, "Orphaned").click()
    expect(cards(ada).locator("del")).to_have_text("x = 1")
    cards(ada).get_by_role("button", name="Attach").click()
    expect(ada.cells.nth(0).get_by_role("button", name="1 comment")).to_be_visible()
    ada.sees_no_dialog()


@pytest.mark.oldest
def test_a_commenter_comments_and_a_viewer_reads(office, visit, screenshots):
    path = office.notebook("roles.ipynb", "x = 1", "print('out')")
    cleo = visit(office, path, "cleo", ready=False)
    # It stays for ten seconds, and a kernel may take longer.
    expect(cleo.toast("You may read roles.ipynb and comment")).to_have_count(1, timeout=40_000)
    cleo.ready(path)
    assert cleo.is_read_only()
    eve = visit(office, path, "eve", width=700)
    comment(cleo, "x", "May I?")
    expect(opened(cleo).get_by_role("article")).to_contain_text("May I?")
    expect(opened(eve).get_by_role("article")).to_contain_text("May I?")
    expect(panel(eve)).to_contain_text("You may read the comments here but not write any.")
    eve.page.screenshot(path=screenshots / "comments-narrow.png")
    cards(eve).click()
    for label in ("Reply…", "Resolve", "Add a comment"):
        expect(panel(eve).get_by_role("button", name=re.compile(label))).to_have_count(0)
    select(eve, "x")
    eve.page.keyboard.press("Control+Alt+m")
    expect(composer(eve)).to_have_count(0)
    # Ada is named while Cleo types, and told of it.
    ada = visit(office, path, "ada")
    cards(cleo).click()
    cards(cleo).get_by_role("button", name="Reply…").click()
    cleo.page.keyboard.type("@lov")
    expect(cleo.page.get_by_role("option", name="Ada Lovelace")).to_be_visible()
    cleo.page.keyboard.press("Enter")
    cleo.page.keyboard.type("look")
    cleo.page.keyboard.press("Control+Enter")
    expect(ada.toast("Cleo mentions you: @Ada Lovelace look")).to_be_visible()
    ada.toast("Cleo mentions you").get_by_role("button", name="Show").click()
    expect(cards(ada).locator(".rtcw-Mention.rtcw-mod-me")).to_have_text("@Ada Lovelace")
    # An output, by its context menu; Cleo may not move what Ada began.
    ada.run(1)
    output = ada.cells.nth(1).locator(".jp-OutputArea-output")
    expect(output).to_contain_text("out")
    output.click(button="right")
    ada.page.locator(".lm-Menu-item", has_text="Comment on the Output").click()
    write(ada, "Hm?")
    expect(cards(cleo).nth(1)).to_contain_text("Output of cell 2")
    cards(cleo).nth(1).click()
    expect(cards(cleo).nth(1).get_by_role("button", name="Resolve")).to_have_count(0)
    for person in (ada, cleo, eve):
        person.sees_no_dialog()


def test_without_a_connection_one_comments_on_and_it_is_there_once(office, visit, behind):
    (office.root / "notes.md").write_text("# Notes\n\nFirst draft.\n")
    network = behind(office)
    ada = visit(network, "notes.md", "ada")
    ben = visit(office, "notes.md", "ben")
    for person in (ada, ben):
        opened(person)
    ada.is_told_that_the_server_is_away()
    network.cut()
    expect(panel(ada)).to_contain_text("Offline.")
    ada.page.locator(".jp-FileEditor .cm-content").click()
    ada.page.evaluate(
        """() => {
            const { editor } = window.jupyterapp.shell.currentWidget.content.editor;
            editor.dispatch({ selection: { anchor: 9, head: 14 } });
        }"""
    )
    ada.page.keyboard.press("Control+Alt+m")
    write(ada, "And the last?")
    expect(cards(ada)).to_contain_text("sent once online")
    network.restore()
    expect(cards(ben)).to_contain_text("And the last?", timeout=40_000)
    expect(cards(ada)).to_have_count(1)
    expect(cards(ada)).not_to_contain_text("sent once online")
    expect(ben.page.locator(".jp-FileEditor .rtcw-Highlight")).to_have_text("First")
    expect(ben.page.locator(".rtcw-CommentGutter-mark")).to_have_count(1)
    ben.page.locator(".jp-FileEditor .rtcw-Highlight").click()
    expect(cards(ben)).to_have_class(re.compile("rtcw-mod-active"))
    for person in (ada, ben):
        person.sees_no_dialog()


def test_in_notebook_7_too_and_without_the_mouse(office, visit, screenshots):
    pytest.importorskip("notebook", reason='Notebook 7 is not installed: pip install "notebook>=7.4"')
    path = office.notebook("seven.ipynb", "x = 1", "1 / 0")
    ada = visit(office, path, "ada", at=NotebookPerson)
    comment(ada, "1", "One?")
    opened(ada)
    expect(cards(ada)).to_contain_text("One?")
    ada.page.screenshot(path=screenshots / "comments-notebook7.png")
    # A line of a traceback: select a word of it, and the keys.
    ada.run(1)
    line = ada.cells.nth(1).locator(".jp-OutputArea-output", has_text="ZeroDivisionError")
    expect(line).to_be_visible()
    line.evaluate(
        """output => {
            const walker = document.createTreeWalker(output.querySelector('pre'), NodeFilter.SHOW_TEXT);
            let last = null;
            while (walker.nextNode()) {
                if (walker.currentNode.textContent.includes('division by zero')) last = walker.currentNode;
            }
            getSelection().setBaseAndExtent(last, 0, last, 5);
        }"""
    )
    ada.page.keyboard.press("Control+Alt+m")
    write(ada, "Why?")
    expect(cards(ada).nth(1).locator(".rtcw-Thread-quote")).to_have_text(
        "ZeroDivisionError: division by zero"
    )
    # From thread to thread, reply, resolve and delete, all by keys.
    cards(ada).first.focus()
    ada.page.keyboard.press("r")
    ada.page.keyboard.type("Two.")
    ada.page.keyboard.press("Tab")
    ada.page.keyboard.press("Tab")
    expect(cards(ada).first.get_by_role("button", name="Reply & Resolve")).to_be_focused()
    ada.page.keyboard.press("Enter")
    expect(cards(ada)).to_have_count(1)
    expect(cards(ada)).to_contain_text("Why?")
    # Its link leads to this page.
    link = ada.page.evaluate(
        """async () => {
            let copied = '';
            navigator.clipboard.writeText = text => { copied = text; return Promise.resolve(); };
            document.querySelector('.rtcw-Thread [data-id=link]').click();
            return copied;
        }"""
    )
    assert re.fullmatch(rf"{office.url}/notebooks/{path}#rtc-thread=[a-f0-9-]+", link)
    ada.sees_no_dialog()
