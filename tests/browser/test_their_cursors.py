"""jupyter-collaboration's cursors and list of users, as published, in one document with JupyterLab and ours."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from support.others import avatar, carets, stands, told
from support.person import Person
from support.server import Server

ROOT = Path(__file__).parents[2]
NODE_MODULES = ROOT / "labextension" / "node_modules"
BLUE = "rgb(0, 0, 204)"
# JupyterLab's themes have colours for those to whom nobody gave one. Their page has no theme, so these stand for it.
COLORS = [f"rgb({number}, 80, 0)" for number in range(1, 8)]
PAGE = f"""<!DOCTYPE html><meta charset="utf-8"><title>Theirs</title><style>:root {{
{";".join(f"--jp-collaborator-color{number}: {color}" for number, color in enumerate(COLORS, 1))}
}}</style><body>"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what others published, bundled for a browser."""
    node, esbuild = shutil.which("node"), NODE_MODULES / ".bin" / "esbuild"
    if node is None or not (NODE_MODULES / "@jupyter/collaboration").exists():
        pytest.skip("@jupyter/collaboration is not installed: run jlpm install in labextension/")
    out = tmp_path_factory.mktemp("theirs") / "theirs.js"
    # esbuild looks for packages beside the file; these lie elsewhere.
    subprocess.run(
        [
            *(esbuild, ROOT / "tests/interop/their_page.mjs", f"--outfile={out}"),
            *("--bundle", "--format=iife", "--loader:.svg=text", "--log-level=error"),
        ],
        check=True,
        env={"NODE_PATH": str(NODE_MODULES), "PATH": str(Path(node).parent)},
        timeout=60,
    )
    return out


class Theirs:
    """Drive a page of what others published."""

    def __init__(self, page: Page, server: Server, script: Path) -> None:
        self.page = page
        self._server = server
        self._script = script

    def open(self, path: str, name: str, token: str, color: str) -> None:
        """Open a file, as the person of a token, who has a cookie from then on."""
        self.page.goto(f"{self._server.url}/api/status?token={token}")
        # No such page is there, but it is of the server's origin, from which alone the relay takes a cookie.
        self.page.goto(f"{self._server.url}/theirs?file={path}&name={name}&color={color}")
        self.page.set_content(PAGE)
        self.page.add_script_tag(path=self._script)
        self.page.locator(".cm-content").wait_for()

    @property
    def carets(self) -> Locator:
        return self.page.locator(".jp-remote-cursor")

    @property
    def selections(self) -> Locator:
        return self.page.locator(".jp-remote-selection")

    def stands(self, before: str) -> None:
        """Wait until the only caret stands at the end of the text *before*, by what is on the screen."""
        expect(self.carets).to_have_count(1)
        self.page.wait_for_function(
            """before => {
                // A caret may come before the text, and go again: what throws here ends the wait.
                const caret = document.querySelector('.jp-remote-cursor')?.getBoundingClientRect();
                if (!caret || !view.state.doc.toString().startsWith(before)) {
                    return false;
                }
                const place = view.coordsAtPos(before.length);
                return place && Math.abs(place.left - caret.left) < 3 && Math.abs(place.top - caret.top) < 4;
            }""",
            arg=before,
        )


@pytest.fixture
def theirs(browser, named, script):
    context = browser.new_context()
    context.set_default_timeout(20_000)
    yield Theirs(context.new_page(), named, script)
    context.close()


def color(person: Person) -> str:
    """Return the colour that a person of ours has on their page."""
    said = told(person, "user")["color"]
    assert said.startswith("var(--jp-collaborator-color")
    return COLORS[int(said[-2]) - 1]


def test_theirs_draw_our_cursors(named, visit, theirs):
    path = named.notebook("to-theirs.ipynb", "x = 1")
    ada = visit(named, path, "ada")
    theirs.open(path, "Ben", "ben", BLUE)
    ada.type(" + 1")
    theirs.stands("x = 1 + 1")
    expect(theirs.carets).to_have_css("border-left-color", color(ada))
    expect(theirs.page.locator(".jp-remote-userFlag-name")).to_have_text("Ada Lovelace")
    expect(theirs.selections).to_have_count(0)
    for _ in range(3):
        ada.page.keyboard.press("Shift+ArrowLeft")
    theirs.stands("x = 1 ")
    expect(theirs.selections).to_have_css("background-color", color(ada))
    width = theirs.page.evaluate("view.coordsAtPos(9).left - view.coordsAtPos(6).left")
    assert abs(theirs.selections.bounding_box()["width"] - width) < 2
    # Where their list of users shows a person, it is with initials and colour.
    user = theirs.page.locator(".jp-toolbar-users-item .jp-MenuBar-anonymousIcon")
    expect(user).to_have_attribute("title", "Ada Lovelace")
    expect(user).to_have_css("background-color", color(ada))
    ada.page.keyboard.press("Escape")
    expect(theirs.carets).to_have_count(0)
    ada.page.close()
    expect(user).to_have_count(0)


def test_ours_draw_their_cursors(named, visit, theirs):
    path = named.notebook("from-theirs.ipynb", "x = 1")
    ada = visit(named, path, "ada")
    theirs.open(path, "Ben", "ben", BLUE)
    expect(avatar(ada, "Ben Okri")).to_be_visible()
    theirs.page.locator(".cm-content").click()
    theirs.page.keyboard.press("Control+End")
    theirs.page.keyboard.type(" + 1 # 🦉")
    ada.sees(0, "x = 1 + 1 # 🦉")
    stands(ada, "x = 1 + 1 # 🦉")
    caret = carets(ada)
    expect(caret.locator(".rtcw-Caret-name")).to_have_text("Ben Okri")
    assert caret.evaluate("caret => getComputedStyle(caret).getPropertyValue('--rtcw-color')") == BLUE
    theirs.page.keyboard.press("Shift+Home")
    stands(ada, "")
    expect(ada.cells.first.locator(".rtcw-Selection").first).to_be_visible()
    theirs.page.close()
    expect(carets(ada)).to_have_count(0)
    expect(avatar(ada, "Ben Okri")).to_have_count(0)
    ada.sees_no_dialog()


def test_both_in_a_text_file(named, visit, theirs):
    (named.root / "both.md").write_text("# Notes\n")
    ada = visit(named, "both.md", "ada")
    theirs.open("both.md", "Ben", "ben", BLUE)
    ada.page.locator(".jp-FileEditor .cm-content").click()
    theirs.page.locator(".cm-content").click()
    caret = ada.page.locator(".jp-FileEditor .rtcw-Caret")
    expect(caret.locator(".rtcw-Caret-name")).to_have_text("Ben Okri")
    ada.page.keyboard.press("Control+End")
    theirs.stands("# Notes\n")
