"""What ``%rtc doctor`` looks like in JupyterLab, and that it says what to do where something is wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.looks import reads_well
from support.others import ADAPTIVE

DOCTOR = ("%load_ext rtc_widgets", "%rtc doctor")
# Where it is switched off, a server has the package and not the relay.
WITHOUT = "c.ServerApp.jpserver_extensions = {'rtc_widgets': False}\n"
READ_ONLY = """
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

class ReadOnly(AsyncLargeFileManager):
    async def get(self, path, *arguments, **options):
        return {**await super().get(path, *arguments, **options), "writable": False}

c.ServerApp.contents_manager_class = ReadOnly
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "config", "says"),
    [
        ("well", "", ["doctor-well.ipynb: all is well", "✓ live", "✓ the same here and on the server"]),
        (
            "viewer",
            READ_ONLY,
            ["one thing is not as it should be", "✗ commenter", "Ask the owner of the notebook"],
        ),
        ("absent", WITHOUT, ["No live notebook here", "jupyter server extension list", "restart the server"]),
    ],
)
def test_the_doctor_is_read_in_the_notebook(start_lab, visit, screenshots, name, config, says, scheme):
    lab = start_lab(config=config)
    (lab.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").write_text(ADAPTIVE)
    ada = visit(lab, lab.notebook(f"doctor-{name}.ipynb", *DOCTOR), color_scheme=scheme)
    for index in range(len(DOCTOR)):
        ada.run(index)
    said = ada.cells.nth(1).locator(".jp-OutputArea-output")
    for text in says:
        expect(said).to_contain_text(text)
    reads_well(said)
    expect(said).not_to_contain_text("Traceback")
    ada.page.screenshot(path=screenshots / f"doctor-{name}-{scheme}.png", animations="disabled")
