"""People with names, and what one sees of the others on the screen."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, expect
from support.person import Person

__all__ = [
    "ADAPTIVE",
    "CONFIG",
    "avatar",
    "carets",
    "details",
    "is_at",
    "mark",
    "notice",
    "says",
    "signing_in",
    "standing",
    "stands",
    "told",
]


def signing_in(**people: dict[str, str]) -> str:
    """Return the configuration of a server that knows these people: by their user names, which are their tokens.

    A page names its person once, in its address, and has a cookie from then on, which comes before the header: there,
    every JupyterLab page sends the server's own token. Who says nothing is Ada.

    Args:
        people: what `jupyter_server.auth.User` has of each besides: ``name``, ``color``, ``avatar_url``.
    """
    return f"PEOPLE = {people!r}\n" + _SIGNING_IN


_SIGNING_IN = """
from jupyter_server.auth import IdentityProvider, User
from tornado.websocket import WebSocketHandler

class Names(IdentityProvider):
    def get_user(self, handler):
        name = handler.get_query_argument("token", "")
        if name in PEOPLE:
            if not isinstance(handler, WebSocketHandler):
                handler.set_cookie("who", name)
        else:
            given = handler.request.headers.get("Authorization", "").removeprefix("token ")
            name = handler.get_cookie("who") or (given if given in PEOPLE else "ada")
        handler._token_authenticated = True
        return User(name, display_name=PEOPLE[name]["name"], **PEOPLE[name])

c.ServerApp.identity_provider_class = Names
"""
CONFIG = signing_in(
    ada={"name": "Ada Lovelace"},
    ben={"name": "Ben Okri"},
    zoe={"name": "Zoë"},
    mary={
        "name": "Mary Shelley",
        "avatar_url": "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E",
    },
)
# Settings with which pages are as light or dark as their browsers.
ADAPTIVE = '{"adaptive-theme": true}'


def carets(person: Person, index: int = 0) -> Locator:
    """Return the carets of others in one cell."""
    return person.cells.nth(index).locator(".rtcw-Caret")


def mark(person: Person, index: int, name: str) -> Locator:
    """Return the badge of a participant at a cell, by what is read aloud."""
    return person.cells.nth(index).get_by_role("img", name=name)


def avatar(person: Person, name: str | re.Pattern[str]) -> Locator:
    """Return somebody's button in the top bar, by what is read aloud."""
    return person.page.get_by_role("group", name="Others in this document").get_by_role("button", name=name)


def standing(person: Person) -> Locator:
    """Return the item that says how the document stands; in Notebook 7 it is in the top bar or the menu bar."""
    bar = "#jp-main-statusbar .rtcw-Standing-button"
    return person.page.locator(bar if person.has_status_bar else ".rtcw-Standing-button:visible")


def says(person: Person, text: str | re.Pattern[str]) -> None:
    """Wait until that item, as it is read aloud, says *text*."""
    words = f"Collaboration: {text}" if isinstance(text, str) else text
    expect(standing(person)).to_have_accessible_name(words)


def details(person: Person) -> Locator:
    """Return the popup that the item opens."""
    return person.page.get_by_role("dialog", name="Collaboration")


def is_at(person: Person, index: int) -> None:
    """Wait until a cell is active and on the screen."""
    person.page.wait_for_function(
        """index => {
            const content = window.jupyterapp.shell.currentWidget?.content;
            const cell = content?.widgets?.[index]?.node.getBoundingClientRect();
            if (!cell) return false;
            const shown = content.node.getBoundingClientRect();
            return content.activeCellIndex === index && cell.height > 0
                && cell.top >= shown.top - 2 && cell.bottom <= shown.bottom + 2;
        }""",
        arg=index,
    )


def notice(person: Person) -> Locator:
    """Return the notice in the shown document that tells what the kernel changed."""
    return person.page.locator(".rtcw-Notice:visible")


def stands(person: Person, before: str, index: int = 0) -> None:
    """Wait until the only caret in a cell stands at the end of the text *before*, by what is on the screen."""
    expect(carets(person, index)).to_have_count(1)
    person.page.wait_for_function(
        """([index, before]) => {
            const cell = window.jupyterapp.shell.currentWidget?.content.widgets[index];
            const caret = cell?.node.querySelector('.rtcw-Caret')?.getBoundingClientRect();
            const editor = cell?.editor?.editor;
            // A caret may come before the text, and be drawn anew: what throws here ends the wait.
            if (!caret || !editor?.state.doc.toString().startsWith(before)) return false;
            const place = editor.coordsAtPos(before.length);
            return place && Math.abs(place.left - caret.left) < 2 && Math.abs(place.top - caret.top) < 4;
        }""",
        arg=[index, before],
    )


def told(person: Person, key: str) -> Any:
    """Return what a person's tab says of itself."""
    return person.page.evaluate(
        """key => window.jupyterapp.shell.currentWidget.context.model.sharedModel.awareness.getLocalState()[key]""",
        key,
    )
