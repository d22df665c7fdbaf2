"""Notebooks and edits that are larger than one message may be, and many cells."""

from __future__ import annotations

import asyncio
import json

from support.kernel import Kernel
from support.server import until
from support.tab import Tab

MEBIBYTE = 2**20


async def test_a_notebook_of_twelve_megabytes(server):
    path = server.notebook("large.ipynb", "x = 1", "y = 2")
    notebook = server.read(path)
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * (12 * MEBIBYTE)}}
    notebook["cells"][0]["outputs"] = [picture]
    (server.root / path).write_text(json.dumps(notebook))
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        assert len(ada.cells[0]["outputs"][0]["data"]["image/png"]) == 12 * MEBIBYTE
        ada.cell(1)["source"].insert(0, "# ")
        await ben.until(lambda: ben.sources == ["x = 1", "# y = 2"], "the edit is seen")
        await ada.save()
        assert server.read(path)["cells"][0]["outputs"] == [picture]
        async with Kernel(server, path) as kernel:
            printed = await kernel.run(
                "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\n"
                "print(len(nb[0].outputs[0]['data']['image/png']))"
            )
            assert printed == f"{12 * MEBIBYTE}\n"


async def test_an_edit_of_three_megabytes(server):
    path = server.notebook("large-edit.ipynb", "x = 1")
    text = "Zoë 🦉\n" * (3 * MEBIBYTE // 11)
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        ada.cell(0)["source"].insert(0, text)
        await ben.until(lambda: ben.sources == [text + "x = 1"], "the edit arrives whole")
        await ada.committed()
        await asyncio.to_thread(until, lambda: server.sources(path) == [text + "x = 1"], "the file follows")


async def test_ten_thousand_cells(server):
    path = server.notebook("cells.ipynb", *(f"x = {number}" for number in range(10_000)))
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        assert ada.sources[-1] == "x = 9999" and len(ben.cells) == 10_000
        ada.cell(5_000)["source"].insert(0, "# ")
        await ben.until(lambda: ben.sources[5_000] == "# x = 5000", "the edit is seen")
        await ada.save()
        assert server.sources(path) == ada.sources
