"""Comments in the output of a cell: the same threads as in the panel, by the person who types, while cells run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect
from support.comments import CONFIG, begun, cards, comment, opened, said, text
from support.others import ADAPTIVE
from support.person import NotebookPerson, Person
from support.server import Server

LOAD = "%load_ext rtc_widgets\nimport time, rtc_widgets\nnb = rtc_widgets.notebook()\n"
SHOW = LOAD + "widget = rtc_widgets.CommentsWidget(nb)\nwidget"

RUN = (
    "while not widget.open_count: time.sleep(0.02)  # the kernel hears of it, too\n"
    "while widget.open_count: time.sleep(0.02)\nprint('done')"
)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("widgets"), "lab", config=CONFIG)
    (server.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").write_text(ADAPTIVE)
    yield server
    server.close()


def trusted(server: Server, name: str, *sources: str) -> str:
    """Write a notebook that everybody's JupyterLab trusts, as widgets need it."""
    path = server.notebook(name, *sources)
    notebook = server.read(path)
    for cell in notebook["cells"]:
        cell["metadata"] = {"trusted": True}
    server.api(f"/api/contents/{path}", "PUT", {"type": "notebook", "format": "json", "content": notebook})
    return path


def widget(person: Person, index: int = 0) -> Locator:
    """Return the widget in the output of one cell."""
    return person.cells.nth(index).locator(".rtcw-Widget")


def threads(person: Person, index: int = 0) -> Locator:
    return widget(person, index).get_by_role("article")


def reply(person: Person, words: str, index: int = 0) -> None:
    """Answer the first thread in a widget, by keyboard."""
    threads(person, index).first.click()
    threads(person, index).first.get_by_role("button", name="Reply…").click()
    person.page.keyboard.type(words)
    person.page.keyboard.press("Control+Enter")


def test_two_people_talk_in_a_widget_while_a_cell_runs(office, visit, screenshots):
    path = trusted(office, "widget.ipynb", SHOW, "rate = 0.5", RUN)
    ada = visit(office, path, "ada")
    ben = visit(office, path, "ben", color_scheme="dark")
    ada.run(0)
    expect(widget(ada)).to_contain_text("No open comments")
    ben.trust()
    expect(widget(ben)).to_contain_text("No open comments")
    comment(ada, "0.5", "Why **half**?", 1)
    for person in (ada, ben):
        expect(threads(person).locator("strong")).to_have_text("half")
    ada.run(2)
    expect(ada.cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    reply(ben, "From the paper.")
    # Who types is the author, whoever runs the kernel.
    expect(threads(ada).locator(".rtcw-Comment-name")).to_have_text(["Ada Lovelace", "Ben Okri"])
    ada.page.screenshot(path=screenshots / "widget-light.png")
    ben.page.screenshot(path=screenshots / "widget-dark.png")
    expect(ada.cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    threads(ben).get_by_role("button", name="Resolve", exact=True).click()
    ada.sees_output(2, "done")
    # The panel says the same, and who hears the page tells the two apart.
    expect(opened(ada).get_by_role("tab", name="Resolved")).to_contain_text("1")
    expect(ada.page.get_by_role("region", name="Comments")).to_have_count(2)
    expect(ada.page.get_by_role("region", name="Comments in an output", exact=True)).to_have_count(1)
    for person in (ada, ben):
        person.sees_no_dialog()


LOCAL = (
    "import time, rtc_widgets\n"
    "draft = rtc_widgets.local('draft.ipynb', create=True)\n"
    "draft[0].source = 'rate = 0.5'\n"
    "thread = draft[0].comment('Why?', on='0.5')\n"
    "widget = rtc_widgets.CommentsWidget(draft)\nwidget"
)
WAIT = (
    "while len(thread.comments) < 2 or widget.filter != 'mine' or widget.selected != 1: time.sleep(0.02)\n"
    "print(thread.comments[1].body)\nwidget.filter = 'all'"
)


def test_without_a_server_a_widget_speaks_to_the_kernel_while_a_cell_runs(office, visit, screenshots):
    path = trusted(office, "local.ipynb", LOCAL, WAIT)
    ada = visit(office, path, "ada")
    ada.run(0)
    expect(threads(ada)).to_contain_text("Why?")
    # It says as whom: the page's person is not known there.
    expect(widget(ada)).to_contain_text("Without a server: what you write is signed")
    ada.run(1)
    expect(ada.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    reply(ada, "From the paper.")
    expect(threads(ada).locator(".rtcw-Comment-state")).to_have_count(0)
    widget(ada).get_by_role("tab", name="Mine").click()
    ada.sees_output(1, "From the paper.")
    expect(widget(ada).get_by_role("tab", name="All")).to_have_attribute("aria-selected", "true")
    ada.page.screenshot(path=screenshots / "widget-local.png")
    # Another tab, or this one once more, gets what there is.
    ada.reload(path)
    expect(threads(ada)).to_contain_text("From the paper.")
    ada.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(widget(ada)).to_contain_text("The kernel that showed this has ended. Run the cell again.")
    expect(threads(ada)).to_contain_text("From the paper.")
    expect(threads(ada).get_by_role("button", name="Reply…")).to_have_count(0)
    ada.page.screenshot(path=screenshots / "widget-ended.png")
    ada.sees_no_dialog()


OTHER = LOAD + "other = rtc_widgets.notebook('/other.ipynb')\nbox = rtc_widgets.CommentBox(other[0])\nbox"
ANSWER = (
    "while not other.comments: time.sleep(0.02)\n"
    "thread = other.comments[1]\nprint(thread.author)\nrtc_widgets.ThreadWidget(thread)"
)


def test_after_a_restart_comments_go_on_and_the_widget_says_what_does_not(office, visit, screenshots):
    path = trusted(office, "restarted.ipynb", SHOW, "rate = 0.5")
    ada, ben = visit(office, path, "ada"), visit(office, path, "ben")
    ada.run(0)
    ben.trust()
    expect(widget(ben)).to_contain_text("No open comments")
    comment(ada, "0.5", "Why?", 1)
    for person in (ada, ben):
        expect(threads(person)).to_contain_text("Why?")
        expect(widget(person)).not_to_contain_text("has ended")
    ada.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    # Of who restarted it: JupyterLab tells no other page.
    expect(widget(ada)).to_contain_text("The kernel that showed this has ended. Comments go on here;")
    reply(ben, "From the paper.")
    for person in (ada, ben):
        expect(threads(person).locator(".rtcw-Comment-name")).to_have_text(["Ada Lovelace", "Ben Okri"])
    ada.page.screenshot(path=screenshots / "widget-restarted.png")
    # The cure that it names.
    ada.run(0)
    for person in (ada, ben):
        expect(threads(person)).to_contain_text("From the paper.")
        expect(widget(person)).not_to_contain_text("has ended")
        person.sees_no_dialog()


def test_of_a_document_that_the_page_has_not_open_the_kernel_is_the_author(office, visit, screenshots):
    office.notebook("other.ipynb", "rate = 0.5")
    # Whom only the server knows.
    said(office, office.notebook("cleos.ipynb", "y = 2"), "cleo", begun("cleos", "Hm", text(0, 0, 1)))
    path = trusted(office, "about.ipynb", OTHER, ANSWER)
    ada = visit(office, path, "ada")
    ada.run(0)
    expect(widget(ada)).to_contain_text(
        "Through the kernel: what you write is signed by the kernel, and what is new to you is not marked."
    )
    ada.run(1)
    expect(ada.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    widget(ada).get_by_role("combobox", name="Comment on this cell").click()
    ada.page.keyboard.type("Why? @cl")
    expect(widget(ada).get_by_role("option")).to_have_text(re.compile("Cleo$"))
    ada.page.keyboard.press("Enter")
    ada.page.keyboard.press("Control+Enter")
    expect(threads(ada, 1).locator(".rtcw-Mention")).to_have_text("@Cleo")
    expect(ada.cells.nth(1).locator(".jp-OutputArea-output").first).to_contain_text("Kernel")
    expect(threads(ada).locator(".rtcw-Face.rtcw-mod-kernel")).to_have_count(1)
    expect(threads(ada, 1)).to_contain_text("Why?")
    ada.page.screenshot(path=screenshots / "widget-box.png")
    # Ben, who has it open, sees it at once, and answers as himself.
    ben = visit(office, "other.ipynb", "ben")
    expect(opened(ben)).to_contain_text("Why?")
    cards(ben).click()
    cards(ben).get_by_role("button", name="Reply…").click()
    ben.page.keyboard.type("From the paper.")
    ben.page.keyboard.press("Control+Enter")
    for index in (0, 1):
        expect(threads(ada, index)).to_contain_text("From the paper.")
    expect(threads(ada, 1)).to_contain_text("Ben Okri")
    ada.sees_no_dialog()


def test_in_jupyterlab_without_our_extension_the_kernel_brings_the_components(start_lab, visit, screenshots):
    lab = start_lab()
    (lab.work / "config/labconfig/page_config.json").write_text(
        '{"disabledExtensions": {"rtc-widgets": true}}'
    )
    (lab.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").write_text(ADAPTIVE)
    path = trusted(lab, "plain.ipynb", LOCAL, WAIT)
    ada = visit(lab, path, color_scheme="dark")
    assert not ada.page.evaluate("() => window.jupyterapp.hasPlugin('rtc-widgets:comments')")
    ada.run(0)
    expect(threads(ada)).to_contain_text("Why?")
    ada.run(1)
    expect(ada.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    reply(ada, "From *the* paper.")
    expect(threads(ada).locator("em")).to_have_text("the")
    widget(ada).get_by_role("tab", name="Mine").click()
    ada.sees_output(1, "From *the* paper.")
    ada.page.screenshot(path=screenshots / "widget-plain-lab.png")
    ada.sees_no_dialog()


def test_in_notebook_7_too_the_person_who_types_is_the_author(office, visit):
    path = trusted(office, "seven-widget.ipynb", SHOW)
    ada = visit(office, path, "ada", at=NotebookPerson)
    ada.run(0)
    widget(ada).get_by_role("button", name="Add a comment").click()
    expect(widget(ada).get_by_role("combobox", name="Comment on the whole document")).to_be_focused()
    ada.page.keyboard.type("All is well.")
    ada.page.keyboard.press("Control+Enter")
    expect(threads(ada)).to_contain_text("The whole document")
    expect(threads(ada).locator(".rtcw-Comment-name")).to_have_text("Ada Lovelace")
    expect(threads(ada).locator(".rtcw-Comment-state")).to_have_count(0)
    ada.sees_no_dialog()
