"""Servers that die, documents that start anew, files that cannot be shared: nothing typed is lost."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect
from support.others import says
from support.server import until


def test_a_server_that_is_killed_while_both_type_loses_nothing(start_lab, visit):
    lab = start_lab()
    path = lab.notebook("killed.ipynb", "a", "b", "c")
    ada, ben = visit(lab, path), visit(lab, path)
    both = ((ada, 0, "ada"), (ben, 1, "ben"))
    for person in (ada, ben):
        person.is_told_that_the_server_is_away()
    typed = ""

    def _type(word: str) -> None:
        nonlocal typed
        typed += word
        for person, index, name in both:
            person.type(f" {name}{word}", index)

    _type("1")
    lab.stop(kill=True)
    _type("2")
    ada.execute("notebook:insert-cell-below")
    lab.start()
    _type("3")
    expected = ["a ada1 ada2 ada3", "", "b ben1 ben2 ben3", "c"]
    both = ((ada, 0, "ada"), (ben, 2, "ben"))
    for person in (ada, ben):
        until(lambda: person.sources() == expected, "both have everything, once", 40)  # noqa: B023
    until(lambda: lab.sources(path) == expected, "and so has the file")
    for person in (ada, ben):
        person.editor(0).click(trial=True)  # behind JupyterLab's own dialog, if it is there still
        person.sees_no_dialog()


def test_a_document_that_the_server_started_anew_is_opened_again(start_lab, visit):
    """Its log is gone and the file was changed: the tab's history is worth nothing, its text is not."""
    lab = start_lab()
    path = lab.notebook("anew.ipynb", "a = 1", "b = 2")
    ada = visit(lab, path)
    ada.type(" + 1")
    until(lambda: lab.sources(path)[0] == "a = 1 + 1", "the file follows")
    ada.is_told_that_the_server_is_away()
    lab.stop(kill=True)
    for log in (lab.work / "data").rglob("*.sqlite*"):
        log.unlink()
    notebook = lab.read(path)
    notebook["cells"][1]["source"] = "b = 20"
    (lab.root / path).write_text(json.dumps(notebook))
    ada.type(" + offline")
    lab.start()
    until(lambda: ada.sources() == ["a = 1 + 1 + offline", "b = 20"], "opened again, with the text", 40)
    until(lambda: lab.sources(path) == ada.sources(), "the file follows")
    ada.editor(0).click(trial=True)
    ada.sees_no_dialog()


def test_a_file_over_the_limit_opens_the_ordinary_way(start_lab, visit, screenshots):
    lab = start_lab(options=["--RelayApp.max_file_size=2000"])
    path = lab.notebook("large.ipynb", "a = 1", "# " + "x" * 3000)
    small = lab.notebook("small.ipynb", "s = 1")
    ada = visit(lab, path)
    expect(ada.toast("are opened without collaboration")).to_have_count(1)
    ada.page.screenshot(path=screenshots / "over-the-limit.png")
    assert (
        ada.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.collaborative") is False
    )
    ada.type(" + 1")
    assert ada.dirty()
    # JupyterLab's own save ends with a checkpoint, and takes no other one before.
    with ada.page.expect_response(lambda r: r.request.method == "POST" and "/checkpoints" in r.url):
        ada.save()
    until(lambda: lab.sources(path)[0] == "a = 1 + 1", "the file is written")
    until(lambda: not ada.dirty(), "JupyterLab knows")
    ada.type(" + 2")
    ada.save()
    until(lambda: lab.sources(path)[0] == "a = 1 + 1 + 2", "the file is written")
    ada.reload(path)
    ada.sees(0, "a = 1 + 1 + 2")
    expect(ada.toast("are opened without collaboration")).to_have_count(1)
    assert len(ada.sources()) == 2
    # Others are shared all the same.
    ada.open(small)
    ben = visit(lab, small)
    ben.type("0")
    ada.sees(0, "s = 10")
    ada.sees_no_dialog()


def test_a_file_that_became_small_enough_is_shared_when_it_is_opened_again(start_lab, visit):
    lab = start_lab(options=["--RelayApp.max_file_size=2000"])
    path = lab.notebook("shrinks.ipynb", "a = 1", "# " + "x" * 3000)
    ada = visit(lab, path)
    ada.cells.nth(1).locator(".jp-InputPrompt").click()
    ada.page.keyboard.press("d")
    ada.page.keyboard.press("d")
    expect(ada.cells).to_have_count(1)
    ada.save()
    until(lambda: lab.sources(path) == ["a = 1"], "the file is written")
    until(lambda: not ada.dirty(), "JupyterLab knows")
    ada.execute("application:close")
    expect(ada.panel).to_have_count(0)
    ada.execute("docmanager:open", {"path": path})
    ada.ready(path)
    assert (
        ada.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.collaborative") is True
    )
    ada.sees_no_dialog()


def test_a_large_text_file_opens_the_ordinary_way(start_lab, visit):
    lab = start_lab(options=["--RelayApp.max_file_size=2000"])
    (lab.root / "large.txt").write_text("x" * 3000)
    ada = visit(lab, "large.txt")
    editor = ada.page.locator(".jp-FileEditor .cm-content")
    editor.click()
    ada.page.keyboard.press("Control+Home")
    ada.page.keyboard.type("begin")
    ada.save()
    until(lambda: (lab.root / "large.txt").read_text() == "begin" + "x" * 3000, "the file is written")
    ada.sees_no_dialog()


def test_a_damaged_notebook_is_reported_and_left_alone(lab, visit):
    (lab.root / "damaged.ipynb").write_text('{"cells": [')
    ada = visit(lab, "damaged.ipynb", ready=False)
    dialog = ada.page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("File Load Error for damaged.ipynb")
    dialog.locator("button").click()
    assert (lab.root / "damaged.ipynb").read_text() == '{"cells": ['
    assert ada.errors == []


@pytest.mark.oldest  # where JupyterLab does not ask the server itself to save
def test_a_deleted_file_is_written_again_when_somebody_saves(start_lab, visit):
    lab = start_lab(options=["--RelayApp.poll_interval=0.1"])
    path = lab.notebook("deleted.ipynb", "a = 1")
    ada = visit(lab, path)
    until(lambda: "kernelspec" in lab.read(path)["metadata"], "what JupyterLab adds is saved")
    (lab.root / path).unlink()
    expect(ada.toast("deleted or moved outside")).to_have_count(1)
    ada.type("0")
    says(ada, re.compile("unsaved"))
    assert not (lab.root / path).exists()
    ada.save()
    until(lambda: (lab.root / path).exists() and lab.sources(path) == ["a = 10"], "it is written again")
    says(ada, re.compile("Live, 1 person here"))
    ada.sees_no_dialog()


def test_the_setting_never_opens_the_ordinary_way(start_lab, visit):
    lab = start_lab()
    settings = lab.work / "settings/rtc-widgets"
    settings.mkdir(parents=True)
    (settings / "provider.jupyterlab-settings").write_text('{"provider": "never"}')
    path = lab.notebook("never.ipynb", "a = 1")
    ada, ben = visit(lab, path), visit(lab, path)
    ada.type(" + 1")
    ada.save()
    until(lambda: lab.sources(path) == ["a = 1 + 1"], "the file is written")
    assert ben.sources() == ["a = 1"]
    assert (
        ada.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.collaborative") is False
    )
    ada.sees_no_dialog()
