"""Notebook 7 shares documents as JupyterLab does, with itself and with JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from support.others import avatar, carets, mark
from support.person import NotebookPerson, Person
from support.proxy import Proxy
from support.server import Server, until


@pytest.fixture
def sit_at(visit: Callable[..., Person]) -> Callable[..., Person]:
    """Let a person open a file in Notebook 7."""

    def _sit_at(server: Server | Proxy, path: str, token: str, **options: Any) -> Person:
        return visit(server, path, token=token, at=NotebookPerson, **options)

    return _sit_at


CODE = """%load_ext rtc_widgets
import rtc_widgets
nb = rtc_widgets.notebook()
nb[1].source += " kernel"
print(6 * 7)"""


def test_two_people_and_a_kernel(named, sit_at, screenshots):
    path = named.notebook("notebook7.ipynb", "a", "b", CODE)
    ada = sit_at(named, path, "ada")
    ben = sit_at(named, path, "ben", color_scheme="dark")
    ada.type(" ada")
    ben.sees(0, "a ada")
    ben.type("ben ", end=False)
    ada.sees(0, "ben a ada")
    expect(carets(ada)).to_have_count(1)
    expect(mark(ada, 0, "Ben Okri")).to_be_visible()
    expect(avatar(ada, "Ben Okri")).to_be_visible()
    expect(avatar(ben, "Ada Lovelace")).to_be_visible()
    ada.run(2)
    for person in (ada, ben):
        person.sees(1, "b kernel")
        person.sees_output(2, "42")
    for person, scheme in ((ada, "light"), (ben, "dark")):
        person.page.screenshot(path=screenshots / f"notebook7-{scheme}.png")
    ben.save()
    until(lambda: named.sources(path) == ["ben a ada", "b kernel", CODE], "the file follows")
    ada.execute("notebook:insert-cell-below")
    expect(ben.cells).to_have_count(4)
    for person in (ada, ben):
        person.sees_no_dialog()


def test_one_in_jupyterlab_and_one_in_notebook_7(named, visit, sit_at):
    path = named.notebook("across.ipynb", "a", "b")
    ada, ben = visit(named, path, token="ada"), sit_at(named, path, "ben")
    ada.type(" ada")
    ben.sees(0, "a ada")
    ben.type(" ben", 1)
    ada.sees(1, "b ben")
    expect(mark(ada, 1, "Ben Okri")).to_be_visible()
    expect(avatar(ben, "Ada Lovelace")).to_be_visible()
    until(lambda: named.sources(path) == ["a ada", "b ben"], "the file follows")
    for person in (ada, ben):
        person.sees_no_dialog()


def test_a_text_file(named, sit_at, screenshots):
    (named.root / "notes7.md").write_text("# Notes\n")
    ada, ben = sit_at(named, "notes7.md", "ada"), sit_at(named, "notes7.md", "ben")
    for person, word, more in ((ada, "ada", []), (ben, "ben", ["ben"])):
        editor = person.page.locator(".jp-FileEditor .cm-content")
        editor.click()
        person.page.keyboard.press("Control+End")
        person.page.keyboard.type(f"{word}\n")
        # What both type at one place and time may come in any order.
        expect(ben.page.locator(".jp-FileEditor .cm-line")).to_have_text(["# Notes", "ada", *more, ""])
    for person in (ada, ben):
        expect(person.page.locator(".jp-FileEditor .cm-content")).to_contain_text("ada")
        expect(person.page.locator(".jp-FileEditor .cm-content")).to_contain_text("ben")
    expect(avatar(ada, "Ben Okri")).to_be_visible()
    ada.page.screenshot(path=screenshots / "notebook7-text.png")
    until(lambda: (named.root / "notes7.md").read_text() == "# Notes\nada\nben\n", "the file follows")
    for person in (ada, ben):
        person.sees_no_dialog()


def test_offline_and_back(named, sit_at, behind):
    path = named.notebook("offline7.ipynb", "a", "b")
    network = behind(named)
    ada, ben = sit_at(network, path, "ada"), sit_at(named, path, "ben")
    expect(avatar(ada, "Ben Okri")).to_be_visible()
    ada.is_told_that_the_server_is_away()
    network.cut()
    expect(avatar(ada, "Ben Okri")).to_be_hidden()
    ada.type(" ada")
    ben.type("ben ", end=False)
    network.restore()
    for person in (ada, ben):
        person.sees(0, "ben a ada")
    until(lambda: named.sources(path) == ["ben a ada", "b"], "the file follows")
