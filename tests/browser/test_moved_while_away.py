"""A file that is renamed or moved while a page of it is away: the page follows, and nothing typed there is lost."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect
from support.browser_storage import asked, drafts
from support.comments import DECIDED, cards, comment, highlights, opened, said
from support.person import Person
from support.server import Server, until


def _moved(server: Server, path: str, to: str) -> None:
    """Rename a file, as somebody else does who is at the server, and put another one in its place."""
    (server.root / to).parent.mkdir(exist_ok=True)
    server.api(f"/api/contents/{path}", "PATCH", {"path": to})
    server.notebook(path, "another notebook")


def _has_followed(person: Person, to: str) -> None:
    """Wait until JupyterLab has the document under its new path."""
    person.page.wait_for_function(
        "path => window.jupyterapp.shell.currentWidget?.context?.path === path", arg=to, timeout=40_000
    )


@pytest.mark.parametrize("to", ["away-new.ipynb", "away-folder/away.ipynb"])
def test_an_open_page_follows_and_says_so(office, visit, behind, screenshots, to):
    path = office.notebook("away.ipynb", "a = 1", "b = 2")
    said(office, path, "ada", DECIDED)
    network = behind(office)
    ada, ben = visit(network, path, "ada"), visit(office, path, "ben")
    opened(ada)
    ada.is_told_that_the_server_is_away()
    network.cut()
    expect(ada.page.get_by_role("button", name="Offline")).to_be_visible()
    ada.type("0 # ada")
    comment(ada, "b = 2", "Why two?", 1)
    expect(cards(ada)).to_contain_text("sent once online")
    ada.save()
    _moved(office, path, to)
    _has_followed(ben, to)
    ben.type("# ben\n", end=False)
    network.restore()
    _has_followed(ada, to)
    expect(ada.toast(f"{path} was renamed while this page was away: it is {to} now.")).to_have_count(1)
    assert ben.toast("was renamed while").count() == 0
    expected = ["# ben\na = 10 # ada", "b = 2"]
    for person in (ada, ben):
        until(lambda: person.sources() == expected, lambda: f"{person.sources()} is {expected}", 40)  # noqa: B023
    opened(ben)
    for person in (ada, ben):
        expect(cards(person)).to_have_count(1)
        expect(cards(person)).to_contain_text("Why two?")
        expect(highlights(person, 1)).to_have_text("b = 2")
    expect(cards(ada)).not_to_contain_text("sent once online")
    until(lambda: asked(ada) == [], "what is sent is not kept")
    ada.page.screenshot(path=screenshots / f"moved-while-away-{len(to)}.png")
    # What she does from now on, she does there.
    ada.type("!", 1)
    ada.save()
    until(lambda: not ada.dirty(), "it is saved")
    until(lambda: office.sources(to) == [expected[0], "b = 2!"], "under its new name")
    assert office.sources(path) == ["another notebook"], "what is in its old place is another"
    for person in (ada, ben):
        person.sees_no_dialog()


def test_what_a_closed_page_left_comes_back_where_the_file_is_now(office, visit, behind):
    path = office.notebook("left.ipynb", "a = 1", "b = 2")
    said(office, path, "ada", DECIDED)
    network = behind(office)
    ada = visit(network, path, "ada")
    ada.is_told_that_the_server_is_away()
    network.cut()
    expect(ada.page.get_by_role("button", name="Offline")).to_be_visible()
    ada.type("0 # ada")
    comment(ada, "b = 2", "Why two?", 1)
    until(lambda: "# ada" in json.dumps(drafts(ada)), "the browser keeps it")
    assert asked(ada) == ["Why two?"]
    ada.page.close()
    _moved(office, path, "left-new.ipynb")
    network.restore()
    # In its old place is another notebook, which has nothing of that.
    ada.sit_down_again(path)
    opened(ada)
    assert ada.sources() == ["another notebook"]
    assert asked(ada) == ["Why two?"] and drafts(ada)
    ada.start_over("left-new.ipynb")
    opened(ada)
    until(lambda: ada.sources() == ["a = 10 # ada", "b = 2"], "what was typed is there", 40)
    expect(cards(ada)).to_contain_text("Why two?")
    expect(cards(ada)).to_have_count(1)
    expect(highlights(ada, 1)).to_have_text("b = 2")
    until(lambda: office.sources("left-new.ipynb")[0] == "a = 10 # ada", "and on disk")
    until(lambda: not asked(ada) and not drafts(ada), "and kept no longer than needed")
    assert office.sources(path) == ["another notebook"]
    ada.sees_no_dialog()
