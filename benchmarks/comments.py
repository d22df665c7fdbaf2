"""Typing beside 500 comments, in a browser: how late a key is painted, against the same notebook without any."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rtc_widgets
from benchmarks.browser import chromium_of
from benchmarks.contenders import LIVE, TOKEN, Server, running, start
from benchmarks.runner import Rounds, Size, Topic, Ways

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

COMMENTED = "500 comments"
WITHOUT = "none"

_CELLS = 200
_THREADS = 500
_LINES = 100  # in the cell that is typed in
_KEYS = 150
_PACE = 40  # milliseconds

# From the key until the frame that shows it is with the compositor, by the browser's own clock.
_NOTE = """() => {
  window.painted = [];
  addEventListener('keydown', event => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => painted.push(performance.now() - event.timeStamp);
    port2.postMessage(null);
  }), true);
}"""
_pages = count()
_METRICS = {"a key to its paint, p50": "s", "p95": "s"}


def _lab(name: str, work: Path) -> Server:
    (work / "root").mkdir(parents=True)
    source = "\n".join(f"value_{line} = compute({line})" for line in range(_LINES))
    for file in ("spread", "dense", "none"):
        cells = [
            {
                "id": f"cell-{index}",
                "cell_type": "code",
                "metadata": {},
                "source": source if index == 0 else f"x_{index} = {index}",
                "outputs": [],
                "execution_count": None,
            }
            for index in range(_CELLS)
        ]
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        metadata = {"kernelspec": kernel}  # or there is a question in front of it
        notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        (work / "root" / f"{file}.ipynb").write_text(json.dumps(notebook))
    news = work / "settings/@jupyterlab/apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    return start(name, work, ["--LabApp.expose_app_in_browser=True"], "jupyterlab")


def _begin(server: Server) -> None:
    """Write the comments: over all cells, and into the first alone."""
    for file in ("spread", "dense"):
        with rtc_widgets.connect(server.url, token=TOKEN, path=f"{file}.ipynb") as nb:
            for number in range(_THREADS):
                cell = nb[number * _CELLS // _THREADS if file == "spread" else 0]
                at = 0 if file == "spread" else number * len(cell.source) // _THREADS
                cell.comment(f"Number {number} of *many*.", on=slice(at, at + 4))


@contextmanager
def _browser() -> Iterator[tuple[Browser, Server] | None]:
    """Run a browser and a server with the notebooks; None where there is no browser."""
    with chromium_of() as browser, ExitStack() as stack:
        if browser is None:
            yield None
            return
        server = stack.enter_context(running([LIVE], _lab))[LIVE]
        _begin(server)
        yield browser, server


TOPIC = Topic("Typing beside comments", (COMMENTED, WITHOUT), _browser)


def _open(browser: Browser, server: Server, file: str, has_panel: bool) -> Page:
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    # A workspace of its own: in one that another page had, JupyterLab opens what that showed beside this one.
    workspace = f"{server.url}/lab/workspaces/page{next(_pages)}"
    page.goto(f"{workspace}/tree/{file}.ipynb?token={TOKEN}", wait_until="commit")
    first = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell .cm-content").first
    first.wait_for(timeout=60_000)
    if file != "none":
        page.wait_for_selector(".rtcw-CellComments", timeout=60_000, state="attached")
    if has_panel:
        page.evaluate("() => { void jupyterapp.commands.execute('rtc-widgets:show-comments') }")
        page.wait_for_selector("#rtc-widgets-comments:visible")
    # What comes once, after opening: JupyterLab makes its cells one by one when it has nothing else to do.
    page.wait_for_function(
        f"document.querySelectorAll('.jp-Cell .cm-content').length >= {_CELLS}", timeout=60_000, polling=500
    )
    page.wait_for_timeout(2000)
    first.click()
    page.keyboard.press("Control+Home")
    return page


def _measure(browser: Browser, server: Server, file: str, has_panel: bool) -> dict[str, float]:
    page = _open(browser, server, file, has_panel)
    try:
        page.evaluate(_NOTE)
        page.keyboard.type("z" * _KEYS, delay=_PACE)
        page.wait_for_function(f"painted.length >= {_KEYS}", timeout=30_000)
        painted = [one / 1000 for one in page.evaluate("painted")]
    finally:
        page.context.close()
    figures = (statistics.median(painted), statistics.quantiles(painted, n=20)[-1])
    return dict(zip(_METRICS, figures, strict=True))


def _case(name: str, file: str, *, has_panel: bool) -> None:
    def rounds(_size: Size) -> Iterator[Ways]:
        if TOPIC.shared is None:
            return
        browser, server = TOPIC.shared

        def way(file: str) -> Callable[[], Any]:
            return lambda: _measure(browser, server, file, has_panel)

        yield from repeat({COMMENTED: way(file), WITHOUT: way("none")})

    case: Rounds = rounds
    TOPIC.case(name, most=3, metrics=_METRICS)(case)


_case("over 200 cells", "spread", has_panel=False)
_case("over 200 cells, their panel open", "spread", has_panel=True)
_case("in one cell", "dense", has_panel=False)
_case("in one cell, their panel open", "dense", has_panel=True)
