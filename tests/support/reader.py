"""A person who reads and edits the text of a notebook, in the text editor."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Locator
from support.person import Person
from support.server import until

__all__ = ["Reader"]


class Reader:
    """See and edit the text of a notebook in a person's page."""

    def __init__(self, person: Person, path: str) -> None:
        self.person = person
        self.page = person.page
        person.open_as_text(path)
        self.editor = self.page.locator(".jp-FileEditor:visible .cm-content")
        # Only then does JupyterLab forget what could be undone, and save.
        person.reads_as_text(path)

    @property
    def text(self) -> str:
        text: str = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.getSource()"
        )
        return text

    @property
    def notice(self) -> Locator:
        return self.page.locator(".rtcw-TextNotice.rtcw-mod-shown:visible")

    def shows(self, text: str) -> None:
        until(lambda: text in self.text, f"the text shows {text!r}")

    def go(self, text: str) -> None:
        """Put the cursor behind *text*."""
        before, found, _ = self.text.partition(text)
        assert found, self.text
        line = (before + text).count("\n")
        column = len((before + text).rpartition("\n")[2])
        self.page.evaluate(
            """position => {
                const { editor } = window.jupyterapp.shell.currentWidget.content;
                editor.setCursorPosition(position);
                editor.focus();
            }""",
            {"line": line, "column": column},
        )

    def type(self, text: str, behind: str) -> None:
        self.go(behind)
        self.page.keyboard.type(text)

    def replace(self, change: Any) -> None:
        """Set the whole text at once, as pasting does, to what *change* makes of the notebook."""
        notebook = json.loads(self.text)
        change(notebook)
        self.page.evaluate(
            "text => window.jupyterapp.shell.currentWidget.content.model.sharedModel.setSource(text)",
            json.dumps(notebook, indent=1, ensure_ascii=False) + "\n",
        )
