"""People who comment in a browser: what they do, what they see, and what is said without one."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Coroutine
from typing import Any

from playwright.sync_api import Locator, expect
from support.others import signing_in
from support.person import Person
from support.server import Server
from support.tab import Tab

from rtc_widgets.documents.anchors import make_anchor

__all__ = [
    "CONFIG",
    "DECIDED",
    "at_once",
    "begin",
    "begun",
    "cards",
    "comment",
    "composer",
    "focused",
    "highlights",
    "kept",
    "opened",
    "panel",
    "replied",
    "said",
    "select",
    "select_in_text",
    "tab",
    "text",
    "write",
]

_PEOPLE = signing_in(
    ada={"name": "Ada Lovelace", "color": "#2a6fb0"},
    ben={"name": "Ben Okri", "color": "#b0522a"},
    cleo={"name": "Cleo"},
    eve={"name": "Eve"},
)
# Cleo may read and comment, Eve may only read.
CONFIG = f"""{_PEOPLE}
from jupyter_server.auth import Authorizer

class ByName(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        if action == "read" or user.username in ("ada", "ben"):
            return True
        return resource == "comments" and user.username == "cleo" or resource not in ("contents", "comments")

c.ServerApp.authorizer_class = ByName
"""


# Nobody is asked whether the file gets a copy.
DECIDED: tuple[str, dict[str, Any]] = ("comments.mirror", {"mirror": "never"})


def panel(person: Person) -> Locator:
    """Return the panel of comments."""
    return person.page.get_by_role("region", name="Comments", exact=True)


def cards(person: Person) -> Locator:
    """Return the threads in the panel."""
    return panel(person).get_by_role("article")


def tab(person: Person, name: str) -> Locator:
    return panel(person).get_by_role("tab", name=name)


def composer(person: Person) -> Locator:
    """Return the composer beside what is commented on."""
    return person.page.get_by_role("dialog", name=re.compile("^Comment on"))


def highlights(person: Person, index: int = 0) -> Locator:
    return person.cells.nth(index).locator(".rtcw-Highlight")


def select(person: Person, text: str, index: int = 0) -> None:
    """Select *text* in one cell, once it is there."""
    person.editor(index).click()
    person.page.wait_for_function(
        """([index, text]) => {
            const editor = window.jupyterapp.shell.currentWidget?.content?.widgets?.[index]?.editor?.editor;
            const anchor = editor?.state.doc.toString().indexOf(text) ?? -1;
            if (anchor < 0) return false;
            editor.dispatch({ selection: { anchor, head: anchor + text.length } });
            return true;
        }""",
        arg=[index, text],
    )


def select_in_text(person: Person, text: str) -> None:
    """Select *text* in the file that is shown, a notebook's JSON for instance."""
    person.page.evaluate(
        """text => {
            const { editor } = window.jupyterapp.shell.currentWidget.content;
            const anchor = editor.editor.state.doc.toString().indexOf(text);
            editor.editor.dispatch({ selection: { anchor, head: anchor + text.length } });
            editor.focus();
        }""",
        text,
    )


def comment(person: Person, text: str, body: str, index: int = 0) -> None:
    """Comment on *text* in one cell, by keyboard."""
    select(person, text, index)
    person.page.keyboard.press("Control+Alt+m")
    write(person, body)
    expect(composer(person)).to_have_count(0)


def write(person: Person, body: str) -> None:
    """Write and send what the composer is open for."""
    expect(composer(person).get_by_role("combobox")).to_be_focused()
    person.page.keyboard.type(body)
    person.page.keyboard.press("Control+Enter")


def opened(person: Person) -> Locator:
    """Open the panel and return it."""
    person.execute("rtc-widgets:show-comments")
    expect(panel(person)).to_be_visible()
    return panel(person)


def begun(name: str, body: str, target: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    """Return a request that begins a thread named *name*."""
    return "comments.add", {"thread": name, "comment": f"{name}-1", "body": body, "target": target, **more}


def replied(name: str, number: int, body: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """Return a request that adds a comment to a thread."""
    return "comments.add", {"thread": name, "comment": f"{name}-{number}", "body": body, **more}


def text(cell: int, start: int, end: int) -> dict[str, Any]:
    """Return a range of a cell that `Server.notebook` wrote."""
    return {"kind": "range", "cell": f"cell-{cell}", "start": start, "end": end}


def focused(person: Person) -> str:
    """Return which part of the page has the focus."""
    within: str = person.page.evaluate(
        """() => {
            const parts = ['.rtcw-InPlace', '.rtcw-Comments', '.jp-Cell', '.jp-NotebookPanel', '.jp-FileEditor'];
            return parts.find(part => document.activeElement.closest(part)) ?? document.activeElement.tagName;
        }"""
    )
    return within


async def begin(server: Server, path: str, count: int) -> None:
    """Let Ben begin so many threads, cell after cell."""
    async with Tab(server, path, token="ben") as tab:
        cells = tab.cells
        for number in range(count):
            cell = cells[number * len(cells) // count]["id"]
            await tab.request(
                "comments.add",
                thread=f"t{number}",
                comment=f"c{number}",
                body=f"Number {number} of *many*.",
                anchor=make_anchor(tab.doc, {"kind": "range", "cell": cell, "start": 0, "end": 2}),
            )


def said(server: Server, path: str, who: str, *requests: tuple[str, dict[str, Any]]) -> None:
    """Let somebody without a browser ask for things; a ``target`` in them becomes the anchor."""
    type_ = {} if path.endswith(".ipynb") else {"type_": "file", "format_": "text"}

    async def ask() -> bool:
        async with Tab(server, path, token=who, **type_) as tab:
            for method, params in requests:
                target = params.pop("target", None)
                anchor = {"anchor": make_anchor(tab.doc, target)} if target else {}
                await tab.request(method, **params, **anchor)
        return True

    at_once(ask())


def kept(server: Server, path: str, who: str) -> dict[str, Any]:
    """Return what the server keeps for one person alone."""

    async def ask() -> dict[str, Any]:
        async with Tab(server, path, token=who) as tab:
            return await tab.request("private.get")

    return at_once(ask())


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """Run something asynchronous beside the browser, whose driver has an event loop in this thread."""
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(asyncio.run(work)))
    thread.start()
    thread.join()
    return result[0]
