"""In a browser: until a notebook can be written in, and until a key of one person is on another's screen."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from benchmarks.contenders import COLLABORATION, LIVE, PLAIN_LAB, TOKEN, Server, running, start
from benchmarks.runner import Size, Topic, Ways
from benchmarks.sample import content

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_EDITOR = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell .cm-content[contenteditable=true]"
_KEYS = 30
_KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}

# Both note the time of the machine, which is one.
_NOTE_KEYS = """selector => {
  window.times = [];
  const editor = document.querySelector(selector);
  editor.addEventListener('keydown', () => times.push(performance.timeOrigin + performance.now()), true);
}"""
_NOTE_CHANGES = """selector => {
  window.times = [];
  const editor = document.querySelector(selector);
  let length = editor.textContent.split('z').length;
  new MutationObserver(() => {
    const now = editor.textContent.split('z').length;
    for (; length < now; length++) times.push(performance.timeOrigin + performance.now());
  }).observe(editor, { childList: true, subtree: true, characterData: true });
}"""


def _lab(name: str, work: Path) -> Server:
    (work / "root").mkdir(parents=True)
    for number in range(20):
        # Cells in an editor that is drawn at once, the first of them code.
        notebook = content(20)
        notebook["cells"].pop(0)
        notebook["metadata"]["kernelspec"] = _KERNEL  # or there is a question in front of it
        (work / "root" / f"{number}.ipynb").write_text(json.dumps(notebook))
    news = work / "settings/@jupyterlab/apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    if name == PLAIN_LAB:
        page = work / "config/labconfig/page_config.json"
        page.parent.mkdir(parents=True)
        page.write_text(json.dumps({"disabledExtensions": {"rtc-widgets": True}}))
    return start(name, work, app="jupyterlab")


@contextmanager
def chromium_of() -> Iterator[Browser | None]:
    """Run a browser; None where there is none, and say so."""
    try:
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - only these topics need it
    except ImportError:
        print(
            'Browsers are not measured: pip install "playwright", then playwright install chromium',
            file=sys.stderr,
        )
        yield None
        return
    with ExitStack() as stack:
        driver = stack.enter_context(sync_playwright())
        try:
            browser = driver.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
        except Error as error:
            print(f"Browsers are not measured: playwright install chromium. {error}", file=sys.stderr)
            yield None
            return
        stack.callback(browser.close)
        yield browser


@contextmanager
def _browser() -> Iterator[tuple[Browser, dict[str, Server]] | None]:
    """Run a browser and the servers; None where there is no browser."""
    with chromium_of() as browser, ExitStack() as stack:
        if browser is None:
            yield None
        else:
            yield browser, stack.enter_context(running(TOPIC.ways, _lab))


TOPIC = Topic("In the browser", (LIVE, COLLABORATION, PLAIN_LAB), _browser)


def _open(browser: Browser, server: Server, path: str) -> tuple[Page, float]:
    """Open a notebook in a browser that knows nothing of the server yet; return the seconds until it can be edited."""
    page = browser.new_context().new_page()
    # Of the default workspace the server restores what the page before had open, in front of the notebook.
    workspace = f"{server.url}/lab/workspaces/{uuid4().hex}"
    page.goto(f"{workspace}/tree/{path}?token={TOKEN}", wait_until="commit")
    page.wait_for_selector(_EDITOR, timeout=60_000)
    took: float = page.evaluate("performance.now()")
    return page, took / 1000


def _measure(browser: Browser, server: Server, path: str) -> dict[str, float]:
    writer, took = _open(browser, server, path)
    figures = {"until a notebook can be edited": took}
    try:
        if server.name != PLAIN_LAB:
            reader, _ = _open(browser, server, path)
            writer.wait_for_timeout(1000)
            writer.locator(_EDITOR).first.click()
            writer.evaluate(_NOTE_KEYS, _EDITOR)
            reader.evaluate(_NOTE_CHANGES, _EDITOR)
            writer.keyboard.type("z" * _KEYS, delay=60)
            reader.wait_for_function(f"times.length >= {_KEYS}", timeout=20_000)
            pressed, shown = writer.evaluate("times"), reader.evaluate("times")
            delays = [(b - a) / 1000 for a, b in zip(pressed, shown, strict=True)]
            figures["a key to another's screen, p50"] = statistics.median(delays)
            figures["a key to another's screen, the slowest of 30"] = max(delays)
            reader.context.close()
    finally:
        writer.context.close()
    return figures


@TOPIC.case(
    "Chromium",
    most=2,
    metrics={
        "until a notebook can be edited": "s",
        "a key to another's screen, p50": "s",
        "a key to another's screen, the slowest of 30": "s",
    },
)
def chromium(_size: Size) -> Iterator[Ways]:
    if TOPIC.shared is None:
        return
    browser, servers = TOPIC.shared
    numbers = {name: count() for name in servers}

    def way(name: str, server: Server) -> Callable[[], Any]:
        return lambda: _measure(browser, server, f"{next(numbers[name])}.ipynb")

    ways = {name: way(name, server) for name, server in servers.items()}
    for server in servers.values():
        _open(browser, server, "19.ipynb")[0].context.close()  # what a server loads late does not count
    yield from repeat(ways)
