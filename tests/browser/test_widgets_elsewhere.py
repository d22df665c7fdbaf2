"""Widgets in a page without JupyterLab: what was saved of them, drawn by their HTML manager and anywidget."""

from __future__ import annotations

import json
from pathlib import Path

import anywidget
import ipywidgets.embed
import pytest
from playwright.sync_api import Browser, Page, Route, expect

import rtc_widgets

MODULES = Path(__file__).parents[2] / "labextension" / "node_modules"
FILES = {
    "/require.js": MODULES / "requirejs" / "require.js",
    "/embed-amd.js": MODULES / "@jupyter-widgets" / "html-manager" / "dist" / "embed-amd.js",
    "/anywidget.js": Path(anywidget.__file__).parent / "nbextension" / "index.js",
}
PAGE = """
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Saved</title><style>{style}</style>
<script src="/require.js"></script><script>requirejs.config({{paths: {{anywidget: "/anywidget"}}}});</script>
<script src="/embed-amd.js"></script>
<script type="application/vnd.jupyter.widget-state+json">{state}</script></head>
<body><h1>Saved</h1>{views}</body></html>
"""
VIEW = '<script type="application/vnd.jupyter.widget-view+json">{}</script>'

missing = [str(file) for file in FILES.values() if not file.is_file()]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"jlpm install in labextension/: there is no {missing}")


@pytest.fixture
def nb(tmp_path):
    nb = rtc_widgets.local(tmp_path / "review.ipynb", create=True)
    nb[0].source = "rate = 0.5"
    thread = nb[0].comment("Why **half**? See <https://example.org>", on="0.5")
    thread.reply('<img src="x" onerror="document.title=1"><script>document.title=2</script>`code` @root')
    nb.comment("All is well.").resolve()
    return nb


@pytest.fixture
def saved(browser: Browser):
    """Open a page with widgets in it as they were saved."""
    contexts = []

    def _saved(*widgets: object, style: str = "", **options: object) -> Page:
        data = ipywidgets.embed.embed_data(views=widgets, drop_defaults=False)
        state = json.dumps(data["manager_state"]).replace("</", "<\\/")
        views = "".join(VIEW.format(json.dumps(spec)) for spec in data["view_specs"])
        html = PAGE.format(style=style, state=state, views=views)

        def answer(route: Route) -> None:
            path = "/" + route.request.url.split("/", 3)[3]
            if path in FILES:
                route.fulfill(path=FILES[path], content_type="text/javascript")
            elif path == "/":
                route.fulfill(body=html, content_type="text/html")
            else:
                route.abort()

        context = browser.new_context(viewport={"width": 800, "height": 700}, **options)
        contexts.append(context)
        page = context.new_page()
        page.failed = []
        page.on("pageerror", lambda error: page.failed.append(str(error)))
        page.route("**/*", answer)
        page.goto("http://saved.test/")
        return page

    yield _saved
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("look", "style"),
    [("light", ""), ("dark", "body { background: #1e1e1e; color: #ddd; font-family: sans-serif }")],
)
def test_a_saved_page_shows_what_was_said_and_lets_one_look(nb, saved, screenshots, look, style):
    page = saved(rtc_widgets.CommentsWidget(nb), style=style)
    widget = page.locator(".rtcw-Widget")
    thread = widget.get_by_role("article")
    expect(thread).to_have_count(1)
    expect(thread.locator("strong").first).to_have_text("half")
    expect(thread.get_by_role("link", name="https://example.org")).to_have_attribute(
        "rel", "noopener noreferrer"
    )
    expect(thread.locator("code")).to_have_text("code")
    expect(thread.locator(".rtcw-Mention")).to_have_text("@root")
    expect(widget).to_contain_text("As it was when this page was saved.")
    expect(widget.get_by_role("button", name="Reply…")).to_have_count(0)
    assert widget.get_attribute("data-jp-theme-light") == str(look == "light").lower()
    page.screenshot(path=screenshots / f"widget-saved-{look}.png")
    # What somebody wrote does nothing.
    assert page.title() == "Saved" and page.locator("[onerror]").count() == 0
    widget.get_by_role("tab", name="Resolved").click()
    expect(thread).to_contain_text("All is well.")
    widget.get_by_role("tab", name="Mine").click()
    expect(thread).to_have_count(2)
    widget.get_by_role("searchbox").fill("half")
    expect(thread).to_have_count(1)
    page.keyboard.press("Tab")
    assert page.failed == []


def test_widgets_of_one_page_share_their_components(nb, saved, screenshots):
    page = saved(
        rtc_widgets.ThreadWidget(nb.comments[1]),
        rtc_widgets.CommentBox(nb[0]),
        rtc_widgets.CommentsWidget(nb),
    )
    expect(page.locator(".rtcw-Widget")).to_have_count(3)
    expect(page.locator(".rtcw-mod-thread").get_by_role("article")).to_contain_text("Why half?")
    expect(page.locator(".rtcw-mod-box").get_by_role("article")).to_contain_text("Why half?")
    page.screenshot(path=screenshots / "widget-saved-three.png")
    styles = page.evaluate("() => [...document.querySelectorAll('style')].map(one => one.textContent)")
    assert sum(".rtcw-Widget" in style for style in styles) == 1, "the library ran once"
    assert page.failed == []
