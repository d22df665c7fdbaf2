"""The kernel's side in the browser: runs, restarts, unloading, and two notebooks on one kernel."""

from __future__ import annotations

from playwright.sync_api import expect
from support.server import until

LOAD = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()\n"


def _restart(person) -> None:
    """Restart the kernel as a person does, by the toolbar."""
    person.panel.locator("[data-jp-item-name=restart]").click()
    dialog = person.page.locator(".jp-Dialog", has_text="Restart Kernel?")
    dialog.locator("button", has_text="Restart").click()
    expect(dialog).to_have_count(0)


def test_what_one_runs_the_other_sees(lab, visit):
    path = lab.notebook("outputs.ipynb", "for i in range(3): print('line', i)", "1 / 0")
    ada, ben = visit(lab, path), visit(lab, path)
    ada.run(0)
    for person in (ada, ben):
        person.sees_output(0, "line 2")
        expect(person.cells.nth(0).locator(".jp-InputPrompt")).to_have_text("[1]:")
    ben.run(1)
    ada.sees_output(1, "ZeroDivisionError")
    for person in (ada, ben):
        person.sees_no_dialog()


def test_after_a_restart_notebook_works_again(lab, visit):
    path = lab.notebook("restart.ipynb", "# edited", LOAD + "nb[0].source = nb[0].source + ' again'")
    ada, ben = visit(lab, path), visit(lab, path)
    ada.run(1)
    for person in (ada, ben):
        person.sees(0, "# edited again")
    _restart(ada)
    expect(ada.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[1]:")
    ada.ready(path)
    ada.run(1)
    for person in (ada, ben):
        person.sees(0, "# edited again again")
        person.sees_no_dialog()


def test_unloading_says_goodbye(lab, visit):
    path = lab.notebook(
        "unload.ipynb",
        "# edited",
        LOAD,
        "%unload_ext rtc_widgets",
        "try: nb[0].source = 'too late'\nexcept Exception as error: print(type(error).__name__)",
        LOAD + "nb[0].source = '# back'",
    )
    ada = visit(lab, path)
    for index in (1, 2, 3):
        ada.run(index)
    ada.sees_output(3, "")
    expect(ada.cells.nth(3).locator(".jp-InputPrompt")).to_have_text("[3]:")
    assert ada.sources()[0] == "# edited"
    ada.run(4)
    ada.sees(0, "# back")
    ada.sees_no_dialog()


def test_two_notebooks_share_a_kernel(lab, visit):
    first = lab.notebook("first.ipynb", "# first", LOAD + "nb[0].source = '# by cell of first'")
    second = lab.notebook("second.ipynb", "# second", LOAD + "nb[0].source = '# by cell of second'")
    text = (lab.root / second).read_text()
    (lab.root / second).write_text(
        text.replace('"cell-', '"other-')
    )  # ids say which notebook a running cell is of
    ada = visit(lab, first)
    ben = visit(lab, second)
    kernel = next(s["kernel"]["id"] for s in lab.api("/api/sessions") if s["path"] == first)
    ben.page.evaluate(
        "id => window.jupyterapp.shell.currentWidget.context.sessionContext.changeKernel({id})", kernel
    )
    until(
        lambda: all(
            s["kernel"]["id"] == kernel for s in lab.api("/api/sessions") if s["path"] in (first, second)
        ),
        "the kernel is shared",
    )
    ben.ready(second)
    ada.run(1)
    ada.sees(0, "# by cell of first")
    ben.run(1)
    ben.sees(0, "# by cell of second")
    assert ada.sources()[0] == "# by cell of first"
    for person in (ada, ben):
        person.sees_no_dialog()
