"""A kernel that is not ipykernel's, in JupyterLab: it hears between cells, and its comm is left alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.kernels import install_kernelspec

LOAD = "%load_ext rtc_widgets\nimport rtc_widgets"


def test_xeus_python_edits_at_once_and_hears_between_cells(start_lab, visit):
    pytest.importorskip("xpython_launcher")
    lab = start_lab()
    install_kernelspec(lab.work / "data" / "kernels", "xpython_launcher")
    path = lab.notebook(
        "xeus.ipynb",
        "# edited",
        LOAD,
        "nb = rtc_widgets.notebook()\nnb[0].source += ' by the kernel'\n"
        "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)\nprint(nb[0].source)",
        "print(nb[0].source)",
        kernel="xpython_launcher",
    )
    ada, ben = visit(lab, path), visit(lab, path)
    ada.run(1)
    ada.sees_output(1, "this kernel hears the server between cells")
    ada.run(2)
    for person in (ada, ben):
        person.sees(0, "# edited by the kernel")  # while the cell runs
    expect(ada.cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    ben.type(", and by Ben", index=0)
    ada.sees(0, "# edited by the kernel, and by Ben")
    (lab.root / "go").touch()
    ada.sees_output(2, "# edited by the kernel")
    expect(ada.cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[2]:")
    expect(ada.cells.nth(2).locator(".jp-OutputArea")).not_to_contain_text("Ben")
    ada.run(3)
    ada.sees_output(3, "# edited by the kernel, and by Ben")
    for person in (ada, ben):
        person.sees_no_dialog()
        assert person.errors == []
