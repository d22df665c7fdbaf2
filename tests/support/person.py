"""A person at a browser: opens a file in JupyterLab, types, runs, saves, and sees what is on the screen."""

from __future__ import annotations

import contextlib
import re

import pytest
from playwright.sync_api import Error, Locator, Page, Request, expect
from support.server import Server

__all__ = ["IN_BOTH", "NotebookPerson", "Person"]

# Noise of JupyterLab and Notebook themselves, seen without this extension too: what all of it has to be in an error.
_UPSTREAM_ERRORS = (
    ("Canceled future for create_subshell_request",),  # of a widget's comm, when the kernel is restarted
    ("Cannot read properties of null (reading 'observe')",),
    ("Invalid response: 404",),
    ("Cannot read properties of undefined (reading 'schema')", "/static/notebook/"),
    ("Command 'filebrowser:open-path' not registered.", "/static/notebook/"),
)
# Commands after which a notebook has other cells, or in another order.
_OF_CELLS = ("notebook:delete-cell", "notebook:insert-cell", "notebook:move-cell", "notebook:undo-cell")
_LOADED = 40_000  # milliseconds
_OURS = "/extensions/rtc-widgets/"  # in the stack of what our scripts do


class Person:
    """Drive one page.

    Args:
        server: a JupyterLab server.
        page: of a browser context of its own.
        workspace: a name no other page uses; otherwise JupyterLab restores another page's layout.
        token: who this is, where the server has users; by default the server's own token.
    """

    says_that_the_server_is_away = True
    has_status_bar = True
    home = "#jp-main-dock-panel"

    def __init__(self, server: Server, page: Page, workspace: str, token: str | None = None) -> None:
        self.server = server
        self._token = token or server.token
        self.errors: list[str] = []
        self._workspace = workspace
        self._sit_down(page)

    @property
    def panel(self) -> Locator:
        """Return the notebook that is shown."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    @property
    def cells(self) -> Locator:
        """Return the code and markdown cells of the notebook."""
        return self.panel.locator(".jp-Cell")

    def editor(self, index: int = 0) -> Locator:
        """Return the editor of one cell."""
        return self.cells.nth(index).locator(".cm-content")

    def address(self, path: str) -> str:
        """Return where *path* is opened, below the server's URL."""
        return f"/lab/workspaces/{self._workspace}" + (f"/tree/{path}" if path else "")

    def open(self, path: str = "", ready: bool = True) -> None:
        """Open *path* and wait until it can be edited; a notebook also until its kernel is idle."""
        self.page.goto(f"{self.server.url}{self.address(path)}?token={self._token}", timeout=_LOADED)
        if not path:
            self.page.locator(self.home).wait_for()
        elif ready:
            self.ready(path)

    def open_as_text(self, path: str) -> None:
        """Begin to open a notebook in the text editor."""
        self.execute("docmanager:open", {"path": path, "factory": "Editor"})

    def reload(self, path: str) -> None:
        """Reload the page."""
        self.page.reload(timeout=_LOADED)
        self.ready(path)

    def start_over(self, path: str) -> None:
        """Close the page, as a browser that crashes does, and open *path* in a new one of the same browser."""
        self.page.close()
        self.sit_down_again(path)

    def sit_down_again(self, path: str) -> None:
        """Open *path* in a new page of the same browser; the one before is closed."""
        self._sit_down(self.page.context.new_page())
        self.open(path)

    def ready(self, path: str) -> None:
        """Wait until the document of *path* can be edited."""
        # Not the toolbar's indicator: it says "idle" for a moment before the session has even started.
        self.page.wait_for_function(
            """path => {
                const shown = window.jupyterapp?.shell?.currentWidget;
                if (shown?.context?.path !== path || !shown.context.isReady) return false;
                if (!path.endsWith('.ipynb') || !shown.sessionContext) return true;
                return shown.sessionContext.isReady && shown.sessionContext.kernelDisplayStatus === 'idle';
            }""",
            arg=path,
            timeout=_LOADED,
        )

    def reads_as_text(self, path: str) -> None:
        """Wait until the text of the notebook *path*, which is being opened, can be edited.

        It is shown before JupyterLab has asked for the file, without which it would be closed again.
        """
        expect(self.page.locator(".jp-FileEditor:visible .cm-content")).to_contain_text("nbformat_minor")
        # And not the notebook itself, which has the same path and is ready.
        self.page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.content?.editor")
        self.ready(path)

    def type(self, text: str, index: int = 0, end: bool = True) -> None:
        """Type into one cell, behind what is there."""
        self.has_drawn_its_cells()
        self.editor(index).click()
        expect(self.cells.nth(index).locator(".cm-editor.cm-focused")).to_be_visible()
        self.page.keyboard.press("Control+End" if end else "Control+Home")
        self.page.keyboard.type(text)

    def insert(self, text: str, index: int = 0) -> None:
        """Type *text* into one cell all at once: keys with half a second between them are undone one by one."""
        self.type("", index)
        self.page.keyboard.insert_text(text)

    def run(self, index: int = 0) -> None:
        """Run one cell with Ctrl+Enter."""
        self.has_drawn_its_cells()
        self.editor(index).click()
        self.page.keyboard.press("Control+Enter")

    def save(self) -> None:
        """Save with Ctrl+S."""
        self.page.keyboard.press("Control+s")

    def save_whole(self) -> None:
        """Save with Ctrl+S, and wait for the last that JupyterLab does then, which is a checkpoint.

        Before that `dirty` says nothing: a page learns from the server that the file lacks what was just typed.
        """
        with self.page.expect_response(lambda answer: _is_checkpoint(answer.request)):
            self.save()

    def sees(self, index: int, source: str) -> None:
        """Wait until the cell at *index* shows *source*."""
        expect(self.editor(index)).to_have_text(source, use_inner_text=True)

    def sees_output(self, index: int, text: str) -> None:
        """Wait until the cell at *index* shows an output with *text*."""
        expect(self.cells.nth(index).locator(".jp-OutputArea-output")).to_contain_text(text)

    def sees_no_dialog(self) -> None:
        """Check that JupyterLab asks nothing and that no script failed."""
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)
        assert not self.errors, self.errors

    def is_told_that_the_server_is_away(self) -> None:
        """Have JupyterLab's own word of that now and not again in this page: it takes the keys of who is typing.

        What comes all the same, in another page or about a kernel that a server which was killed knows no more, is
        closed.
        """
        words = re.compile("Server Connection Error|Error Starting Kernel")
        dialog = self.page.locator(".jp-Dialog", has_text=words)
        if self.says_that_the_server_is_away:
            self.page.evaluate(
                "() => window.jupyterapp.serviceManager.sessions.connectionFailure.emit(new Error('by a test'))"
            )
            dialog.get_by_role("checkbox").check()
            dialog.get_by_role("button", name="Close").click()
            expect(dialog).to_be_hidden()
        self.page.add_locator_handler(dialog, lambda shown: shown.locator("button").last.click())

    def sources(self) -> list[str]:
        """Return the sources of the shown notebook's model; none where none is shown, as while one is reopened."""
        # Not `currentWidget`: behind a dialog nothing is current.
        result: list[str] = self.page.evaluate(
            """() => {
                const shown = [...window.jupyterapp.shell.widgets('main')].find(widget => widget.isVisible);
                return Array.from(shown?.content?.model?.cells ?? []).map(cell => cell.sharedModel.getSource());
            }"""
        )
        return result

    def toast(self, text: str) -> Locator:
        """Return the notifications on the screen that hold *text*."""
        return self.page.locator(".Toastify__toast", has_text=text)

    def dirty(self) -> bool:
        """Tell whether JupyterLab shows the document as unsaved."""
        return bool(self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.dirty"))

    def is_read_only(self, index: int = 0) -> bool:
        """Tell whether the editor of one cell refuses typing."""
        return self.editor(index).get_attribute("contenteditable") == "false" or bool(
            self.editor(index).get_attribute("aria-readonly") == "true"
        )

    def execute(self, command: str, args: dict[str, object] | None = None) -> None:
        """Start a JupyterLab command; not awaited, for one that opens a dialog would never return."""
        self.page.evaluate(
            "([id, args]) => { void window.jupyterapp.commands.execute(id, args); }", [command, args or {}]
        )
        if command.startswith(_OF_CELLS):
            self.has_drawn_its_cells()

    def trust(self) -> None:
        """Trust all outputs of the notebook as they are, as one does with *Trust Notebook*."""
        self.execute("notebook:trust")
        dialog = self.page.locator(".jp-Dialog")
        dialog.locator("button.jp-mod-accept", has_text="Trust").click()
        expect(dialog).to_have_count(0)

    def crash(self) -> None:
        """End the process that draws the page, as the system does when memory is short: it can say nothing any more."""
        with contextlib.suppress(Error):
            self.page.goto("chrome://crash", timeout=5000)

    def choose(self, label: str) -> None:
        """Run a command by its name in the command palette."""
        self.page.keyboard.press("Control+Shift+c")
        self.page.locator(".lm-CommandPalette-input:focus").fill(label)
        expect(self.page.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text(label)
        self.page.keyboard.press("Enter")

    def has_drawn_its_cells(self) -> None:
        """Wait until the cells on the screen are those of the notebook: JupyterLab draws a moment after a change.

        A click before that meets another cell, the one that was there.
        """
        self.page.wait_for_function(
            """() => {
                const shown = [...window.jupyterapp.shell.widgets('main')].find(
                    widget => widget.isVisible && widget.hasClass('jp-NotebookPanel')
                );
                if (!shown) return true;
                const { widgets, viewModel } = shown.content;
                const cells = widgets.map(cell => cell.node);
                const drawn = [...shown.node.querySelectorAll('.jp-Cell')];
                // Of a long notebook JupyterLab may draw only some, in one piece.
                const first = viewModel?.windowingActive ? cells.indexOf(drawn[0]) : 0;
                const expected = viewModel?.windowingActive ? cells.slice(first, first + drawn.length) : cells;
                return drawn.length === expected.length && drawn.every((node, index) => node === expected[index]);
            }"""
        )

    def _sit_down(self, page: Page) -> None:
        self.page = page
        page.on("pageerror", lambda error: self._note(error.stack or str(error)))

    def _note(self, error: str) -> None:
        # JupyterLab asks a server that is away for a document's checkpoints, and for the formats of exports when
        # another document comes to the front, and handles no refusal.
        # Ours in it is only what makes all requests of the page (channels/rescue.ts).
        theirs = "\n".join(line for line in error.splitlines() if "at Rescue.fetch" not in line)
        asked = any(part in error for part in ("listCheckpoints", "fetchExportFormats"))
        in_vain = asked and "Failed to fetch" in error and _OURS not in theirs
        if not in_vain and not any(all(part in error for part in known) for known in _UPSTREAM_ERRORS):
            self.errors.append(error)


class NotebookPerson(Person):
    """Drive one page of Notebook 7, which shows one document."""

    says_that_the_server_is_away = False
    has_status_bar = False
    home = ".jp-FileBrowser"

    def open_as_text(self, path: str) -> None:
        """Begin to open a notebook in the text editor."""
        self.page.goto(f"{self.server.url}/edit/{path}?factory=Editor&token={self._token}")

    def address(self, path: str) -> str:
        """Return where *path* is opened, below the server's URL."""
        if not path:
            return "/tree"
        return f"/{'notebooks' if path.endswith('.ipynb') else 'edit'}/{path}"


# Runs a test for a page of JupyterLab, also of the oldest, and for one of Notebook 7: `visit(..., at=at)`.
IN_BOTH = pytest.mark.parametrize(
    "at",
    [
        pytest.param(Person, id="lab", marks=pytest.mark.oldest),
        pytest.param(NotebookPerson, id="notebook"),
    ],
)


def _is_checkpoint(request: Request) -> bool:
    return request.method == "POST" and request.url.partition("?")[0].endswith("/checkpoints")
