"""Pictures: the one in the README, made anew with RTC_WIDGETS_UPDATE_IMAGES=1, and those to look at."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect
from support.others import ADAPTIVE, CONFIG, avatar, carets
from support.person import Person
from support.server import until

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LARGEST = 300_000  # bytes, for it is cloned with the project

TITLE = "# One notebook, three hands\nAda and Ben have it open in their browsers. Its kernel has it too."
LOAD = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()"
KERNEL = "threshold = 0.25  # written by the kernel"
EDIT = f'nb[2].source = "{KERNEL}"'
TYPED = "# Ben types this: 0.25 it is, and Ada sees it at once"

FRAMES = """
<style>
  body { margin: 0; padding: 28px; display: flex; gap: 24px; font: 13px system-ui, "DejaVu Sans", sans-serif;
         background: linear-gradient(135deg, #e8eef7, #cdd9ea); width: max-content; }
  figure { margin: 0; border-radius: 10px; overflow: hidden; box-shadow: 0 8px 28px #1b2b4633; }
  figcaption { display: flex; align-items: center; height: 34px; padding: 0 14px; gap: 7px; }
  i { width: 11px; height: 11px; border-radius: 50%%; }
  b { margin-left: 12px; font-weight: 600; }
  span { margin-left: auto; opacity: 0.65; }
  img { display: block; }
  .light { background: #f4f4f4; color: #333; } .dark { background: #2b2b2b; color: #ddd; }
</style>
%s
"""
FRAME = """<figure class="%s"><figcaption><i style="background:#ee6a5f"></i><i style="background:#f5bd4f"></i>
<i style="background:#61c454"></i><b>%s</b><span>localhost:8888/lab/tree/together.ipynb</span></figcaption>
<img src="data:image/png;base64,%s"></figure>"""


def _write_notebook(path: Path) -> None:
    v4 = nbformat.v4
    sources = (LOAD, "threshold = 0.5", EDIT, "")
    cells = [v4.new_markdown_cell(TITLE), *(v4.new_code_cell(source) for source in sources)]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec}), path)


def _tidy(person: Person) -> None:
    """Hide what is around the notebook, and render its title."""
    for command, args in (
        ("application:toggle-left-area", {}),
        ("application:toggle-side-tabbar", {"side": "left"}),
        ("application:toggle-side-tabbar", {"side": "right"}),
        ("statusbar:toggle", {}),
        ("notebook:render-all-markdown", {}),
    ):
        person.page.evaluate("([id, args]) => window.jupyterapp.commands.execute(id, args)", [command, args])


@pytest.fixture
def adaptive(start_lab):
    """Return a server that knows Ada and Ben, whose pages are as light or dark as their browsers."""
    lab = start_lab(options=["--RelayApp.max_file_size=3000"], config=CONFIG)
    (lab.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").write_text(ADAPTIVE)
    return lab


def test_two_browsers_and_a_kernel(adaptive, visit, screenshots):
    lab = adaptive
    _write_notebook(lab.root / "together.ipynb")
    size = {"width": 680, "height": 610}
    ada = visit(lab, "together.ipynb", "ada", **size)
    ben = visit(lab, "together.ipynb", "ben", color_scheme="dark", **size)
    for person in (ada, ben):
        _tidy(person)
    ada.run(1)
    expect(ada.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[1]:")
    ada.run(3)
    ben.type(TYPED, 4)
    for person in (ada, ben):
        person.sees(2, KERNEL)
        person.sees(4, TYPED)
        until(lambda: not person.dirty(), "the file is saved")  # noqa: B023
        person.sees_no_dialog()
    ada.type("", 3)
    # A name is shown while its cursor moves, and under the mouse.
    for person, other, index in ((ada, "Ben Okri", 4), (ben, "Ada Lovelace", 3)):
        expect(avatar(person, other)).to_be_visible()
        expect(carets(person, index)).to_have_count(1)
        carets(person, index).hover(force=True)
        name = carets(person, index).locator(".rtcw-Caret-name")
        expect(name).to_have_text(other)
        expect(name).to_have_css("opacity", "1")
    pictures = [base64.b64encode(person.page.screenshot()).decode() for person in (ada, ben)]
    frames = (FRAME % row for row in zip(("light", "dark"), ("Ada", "Ben"), pictures, strict=True))
    page = ben.page.context.new_page()
    page.set_viewport_size({"width": 1440, "height": 700})
    page.set_content(FRAMES % "\n".join(frames))
    image = screenshots / "two-browsers.png"
    page.locator("body").screenshot(path=image)
    assert image.stat().st_size < LARGEST
    if os.environ.get("RTC_WIDGETS_UPDATE_IMAGES") == "1":
        IMAGES.mkdir(exist_ok=True)
        shutil.copy(image, IMAGES)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 700])
def test_the_longest_notice_fits_the_window(adaptive, visit, screenshots, scheme, width):
    path = adaptive.notebook("a-notebook-with-quite-a-long-name-as-people-have.ipynb", "# " + "x" * 3000)
    ada = visit(adaptive, path, width=width, height=600, color_scheme=scheme)
    notice = ada.toast("are opened without collaboration")
    expect(notice).to_be_in_viewport(ratio=1)
    ada.page.screenshot(path=screenshots / f"notice-{scheme}-{width}.png")
    notice.locator("button", has_text="More").click()
    dialog = ada.page.locator(".jp-Dialog-content")
    expect(dialog).to_contain_text("or raise RelayApp.max_file_size on the server.")
    expect(dialog).to_be_in_viewport(ratio=1)
    ada.page.screenshot(path=screenshots / f"notice-more-{scheme}-{width}.png")
