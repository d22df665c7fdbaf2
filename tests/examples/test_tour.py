"""The tour, executed from top to bottom on a real server while somebody else has it open."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from support.kernel import Kernel
from support.running import executing
from support.server import Server
from support.tab import Tab

TOUR = Path(__file__).parents[2] / "examples" / "tour.ipynb"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "server")
    yield server
    server.close()


@pytest.mark.timeout(180)
async def test_the_tour_does_what_it_says(server):
    shutil.copy(TOUR, server.root / "tour.ipynb")
    notebook = nbformat.read(TOUR, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}

    async with Tab(server, "tour.ipynb") as tab, Kernel(server, "tour.ipynb") as kernel:

        def live(cell_id: str) -> str:
            return next(cell["source"] for cell in tab.cells if cell["id"] == cell_id)

        def printed(cell_id: str) -> str:
            outputs = cells[cell_id].outputs
            return "".join(output.text for output in outputs if output.output_type == "stream")

        async with executing(server, kernel.id, notebook) as client:

            async def run(cell_id: str) -> None:
                await client.async_execute_cell(cells[cell_id], list(cells).index(cell_id))

            await run("connect")
            assert "tour.ipynb" in str(cells["connect"].outputs[0].data)
            await run("edit")
            await tab.until(lambda: "threshold = 0.25" in live("playground"), "the edit is seen")
            await run("count")
            await tab.until(lambda: "100 %" in live("progress"), "the progress is seen")

            guestbook = next(index for index, cell in enumerate(tab.cells) if cell["id"] == "guestbook")
            listening = asyncio.create_task(run("listen"))
            while not listening.done():
                tab.cell(guestbook)["source"].insert(0, "# Zoë 🦉\n")
                await asyncio.wait([listening], timeout=0.1)
            await listening
            assert "Zoë 🦉" in printed("listen")

            await run("whole-cells")
            assert "This cell was made by code." in printed("whole-cells")
            await run("delete")
            assert printed("delete") == "False\n"
            await run("transaction")
            assert "something went wrong" in printed("transaction")
            assert "nobody" not in live("playground")
            await run("hear")
            await run("stop")
            await tab.until(lambda: "threshold = 0.1" in live("playground"), "the last edit is seen")
        assert [cell["id"] for cell in tab.cells] == list(cells), "the tour leaves no cell behind"
