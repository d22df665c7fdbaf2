"""Two people and a kernel on one notebook."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect
from support.others import avatar
from support.server import until

pytestmark = pytest.mark.oldest


def test_what_one_types_the_other_sees(lab, visit):
    path = lab.notebook("typing.ipynb", "x = 1", "y = 2")
    ada, ben = visit(lab, path), visit(lab, path)
    ada.type(" + x", 1)
    ben.sees(1, "y = 2 + x")
    ben.type("  # Zoë 🦉", 0)
    ada.sees(0, "x = 1  # Zoë 🦉")
    assert ada.sources() == ben.sources() == ["x = 1  # Zoë 🦉", "y = 2 + x"]
    for person in (ada, ben):
        # This server knows nobody's name, and gives each page one.
        expect(avatar(person, re.compile(r"^Anonymous \w+"))).to_have_count(1)
        person.sees_no_dialog()


def test_a_kernel_edit_is_seen_by_both_and_written_to_the_file(lab, visit, screenshots):
    code = (
        "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()\n"
        "nb[0].source = 'print(\"written by the kernel\")'"
    )
    path = lab.notebook("kernel-edit.ipynb", "# edited from below", code)
    ada, ben = visit(lab, path), visit(lab, path)
    ada.run(1)
    for person in (ada, ben):
        person.sees(0, 'print("written by the kernel")')
    until(lambda: lab.sources(path)[0] == 'print("written by the kernel")', "the file follows")
    ada.page.screenshot(path=screenshots / "kernel-edit-ada.png")
    ben.page.screenshot(path=screenshots / "kernel-edit-ben.png")
    for person in (ada, ben):
        person.sees_no_dialog()


def test_the_kernel_edits_and_reads_while_a_cell_runs(lab, visit):
    code = (
        "%load_ext rtc_widgets\nimport time, rtc_widgets\nnb = rtc_widgets.notebook()\n"
        "nb[0].source = 'type here: '\nend = time.time() + 40\n"
        "while 'stop' not in nb[0].source and time.time() < end: time.sleep(0.05)\n"
        "print('read', repr(nb[0].source))"
    )
    path = lab.notebook("busy.ipynb", "# wait", code)
    ada, ben = visit(lab, path), visit(lab, path)
    ada.run(1)
    ben.sees(0, "type here:")
    ben.type("stop")
    ada.sees_output(1, "read 'type here: stop'")
    for person in (ada, ben):
        person.sees_no_dialog()


def test_a_reload_keeps_everything_once(lab, visit):
    path = lab.notebook("reload.ipynb", "a = 1", "b = 2")
    ada, ben = visit(lab, path), visit(lab, path)
    ada.type(" + 1")
    ben.sees(0, "a = 1 + 1")
    ben.reload(path)
    ben.sees(0, "a = 1 + 1")
    assert ben.sources() == ["a = 1 + 1", "b = 2"]
    ben.type("!", 1)
    ada.sees(1, "b = 2!")
    ben.sees_no_dialog()


def test_saving_by_both_asks_nothing(lab, visit):
    path = lab.notebook("save.ipynb", "a = 1")
    ada, ben = visit(lab, path), visit(lab, path)
    for person, text, before in ((ada, "1", "a = 1"), (ben, "2", "a = 11"), (ada, "3", "a = 112")):
        person.sees(0, before)
        person.type(text)
        person.save_whole()
        until(lambda: not person.dirty(), "the document is saved")  # noqa: B023
        person.sees_no_dialog()
    assert lab.sources(path) == ["a = 1123"]
    expect(ben.page.locator(".jp-mod-dirty")).to_have_count(0)


def test_a_rename_is_followed_by_the_other(lab, visit):
    path = lab.notebook("before.ipynb", "a = 1")
    ada, ben = visit(lab, path), visit(lab, path)
    lab.api("/api/contents/before.ipynb", "PATCH", {"path": "after.ipynb"})
    for person in (ada, ben):
        person.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget?.context?.path === 'after.ipynb'"
        )
    ada.type(" + 1")
    ben.sees(0, "a = 1 + 1")
    until(lambda: lab.sources("after.ipynb") == ["a = 1 + 1"], "the renamed file follows")
    assert not (lab.root / "before.ipynb").exists()
    ada.sees_no_dialog()


def test_a_change_on_disk_is_merged_and_asks_nothing(lab, visit):
    path = lab.notebook("outside.ipynb", "a = 1", "b = 2")
    ada = visit(lab, path)
    ada.type(" + 1")
    until(lambda: lab.sources(path)[0] == "a = 1 + 1", "the file follows")
    notebook = lab.read(path)
    notebook["cells"][1]["source"] = "b = 'changed by git'"
    (lab.root / path).write_text(json.dumps(notebook))
    ada.sees(1, "b = 'changed by git'")
    ada.save()
    ada.sees_no_dialog()
    assert lab.sources(path) == ["a = 1 + 1", "b = 'changed by git'"]


def test_a_text_view_is_the_same_notebook(lab, visit):
    path = lab.notebook("as-text.ipynb", "a = 1", "b = 2")
    ada, ben = visit(lab, path), visit(lab, path)
    ben.execute("docmanager:open", {"path": path, "factory": "Editor"})
    ben.reads_as_text(path)
    ben.page.evaluate(
        """() => {
            const model = window.jupyterapp.shell.currentWidget.context.model.sharedModel;
            model.setSource(model.getSource().replace('b = 2', 'b = 20'));
        }"""
    )
    ada.sees(1, "b = 20")
    assert ada.sources() == ["a = 1", "b = 20"]
    ben.execute("docmanager:save")
    until(lambda: lab.sources(path) == ["a = 1", "b = 20"], "the file follows")
    for person in (ada, ben):
        person.sees_no_dialog()


def test_a_text_file_is_shared_too(lab, visit):
    (lab.root / "notes.md").write_text("# Notes\n")
    ada, ben = visit(lab, "notes.md"), visit(lab, "notes.md")
    editors = [person.page.locator(".jp-FileEditor .cm-content") for person in (ada, ben)]
    editors[0].click()
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.type("Zoë was here")
    expect(editors[1]).to_contain_text("Zoë was here")
    until(lambda: "Zoë was here" in (lab.root / "notes.md").read_text(), "the file follows")
    ben.save()
    ben.sees_no_dialog()
