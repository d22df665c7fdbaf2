"""Files as people handle them: made, named, copied, closed, opened again; nothing asks, nothing fails."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.server import until


@pytest.fixture
def fresh(start_lab):
    """Return a server whose folder is empty."""
    return start_lab()


def test_a_new_notebook_from_the_launcher(fresh, visit):
    ada = visit(fresh)
    ada.page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    ada.ready("Untitled.ipynb")
    expect(ada.cells).to_have_count(1)
    ada.type("x = 1")
    until(lambda: fresh.sources("Untitled.ipynb") == ["x = 1"], "the file follows")
    ada.run()
    expect(ada.cells.locator(".jp-InputPrompt")).to_have_text("[1]:")
    ben = visit(fresh, "Untitled.ipynb")
    ben.sees(0, "x = 1")
    ben.type(" + 1")
    ada.sees(0, "x = 1 + 1")
    for person in (ada, ben):
        person.sees_no_dialog()


def test_a_new_text_file_that_is_saved_under_another_name(fresh, visit):
    ada = visit(fresh)
    ada.execute("fileeditor:create-new", {"fileExt": "txt"})
    ada.ready("untitled.txt")
    editor = ada.page.locator(".jp-FileEditor:visible .cm-content")
    editor.click()
    ada.page.keyboard.type("hello")
    until(lambda: (fresh.root / "untitled.txt").read_text() == "hello", "the file follows")
    until(lambda: not ada.dirty(), "the document is saved")
    ada.execute("docmanager:save-as")
    dialog = ada.page.locator(".jp-Dialog")
    dialog.locator("input").fill("greeting.txt")
    dialog.locator("button.jp-mod-accept").click()
    ada.ready("greeting.txt")
    assert (fresh.root / "greeting.txt").read_text() == "hello"
    editor.click()
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type(" world")
    until(lambda: (fresh.root / "greeting.txt").read_text() == "hello world", "the new file follows")
    assert (fresh.root / "untitled.txt").read_text() == "hello"
    ada.sees_no_dialog()


def test_a_notebook_is_saved_as_duplicated_closed_and_opened_again(fresh, visit):
    path = fresh.notebook("one.ipynb", "x = 1")
    ada = visit(fresh, path)
    ada.type(" + 1")
    # Before that, JupyterLab asks whether to save the file that it closes for the new one.
    until(lambda: fresh.sources(path) == ["x = 1 + 1"] and not ada.dirty(), "the document is saved")
    ada.execute("docmanager:save-as")
    dialog = ada.page.locator(".jp-Dialog")
    dialog.locator("input").fill("two.ipynb")
    dialog.locator("button.jp-mod-accept").click()
    ada.ready("two.ipynb")
    assert ada.sources() == ["x = 1 + 1"]
    ada.type(" + 2")
    until(lambda: fresh.sources("two.ipynb") == ["x = 1 + 1 + 2"], "the new file follows")
    assert fresh.sources(path) == ["x = 1 + 1"]
    ada.execute("docmanager:duplicate")
    copy = fresh.root / "two-Copy1.ipynb"
    until(lambda: copy.exists() and fresh.sources(copy.name), "the copy is written")
    ada.execute("docmanager:open", {"path": copy.name})
    ada.ready(copy.name)
    assert ada.sources() == ["x = 1 + 1 + 2"]
    for more in ("!", "!!"):
        ada.execute("application:close")
        ada.page.wait_for_function(
            "name => window.jupyterapp.shell.currentWidget?.context?.path !== name", arg=copy.name
        )
        ada.execute("docmanager:open", {"path": copy.name})
        ada.ready(copy.name)
        ada.type("!")
        until(
            lambda: fresh.sources(copy.name) == [f"x = 1 + 1 + 2{more}"] and not ada.dirty(),  # noqa: B023
            "the copy follows",
        )
    assert ada.sources() == ["x = 1 + 1 + 2!!"]
    assert fresh.sources("two.ipynb") == ["x = 1 + 1 + 2"]
    ada.sees_no_dialog()


def test_a_deleted_file_is_said_and_its_text_can_be_saved_elsewhere(fresh, visit):
    path = fresh.notebook("gone.ipynb", "x = 1")
    ada, ben = visit(fresh, path), visit(fresh, path)
    ada.type(" + 1")
    ben.sees(0, "x = 1 + 1")
    fresh.api(f"/api/contents/{path}", "DELETE")
    expect(ben.toast("gone.ipynb")).to_have_count(1)
    ben.execute("docmanager:save-as")
    dialog = ben.page.locator(".jp-Dialog")
    dialog.locator("input").fill("kept.ipynb")
    dialog.locator("button.jp-mod-accept").click()
    # JupyterLab closes the old one and asks: it is unsaved, after all.
    ben.page.locator(".jp-Dialog", has_text="Save your work").locator("button", has_text="Discard").click()
    ben.execute("docmanager:open", {"path": "kept.ipynb"})
    ben.ready("kept.ipynb")
    assert fresh.sources("kept.ipynb") == ["x = 1 + 1"]
