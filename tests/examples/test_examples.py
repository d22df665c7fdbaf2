"""The other examples, executed from top to bottom; they do what they say, and leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from support.kernel import Kernel
from support.running import executing
from support.server import Server
from support.tab import Tab

from rtc_widgets.documents.ycells import set_outputs

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "server")
    yield server
    server.close()


class Run:
    """Execute one example cell by cell, on a server's kernel, while a tab shows it."""

    def __init__(self, notebook: Any, tab: Tab, client: NotebookClient, file: Path) -> None:
        self.cells = {cell.id: cell for cell in notebook.cells}
        self.tab = tab
        self._client = client
        self._file = file

    async def __call__(self, cell_id: str) -> None:
        """Execute a cell, telling the kernel which one it is, as JupyterLab does."""
        self._client.kc.session.metadata = {"cellId": cell_id}
        await self._client.async_execute_cell(self.cells[cell_id], list(self.cells).index(cell_id))

    def printed(self, cell_id: str) -> str:
        return printed(self.cells[cell_id])

    def value(self, cell_id: str) -> str:
        """Return how the value of a cell is shown."""
        values = [out for out in self.cells[cell_id].outputs if out.output_type == "execute_result"]
        return str(values[0].data["text/plain"])

    def tagged(self, tag: str) -> list[str]:
        """Return what the cells with a tag hold, in the tab."""
        return [cell["source"] for cell in self.tab.cells if tag in cell["metadata"].get("tags", ())]

    def live(self, cell_id: str) -> str:
        return str(next(cell["source"] for cell in self.tab.cells if cell["id"] == cell_id))

    async def saved(self) -> list[str]:
        """Have the file saved, and return what its cells hold."""
        await self.tab.save()
        return [cell.source for cell in nbformat.read(self._file, as_version=4).cells]


def printed(cell: Any) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def as_written(cells: Any) -> list[dict[str, Any]]:
    """Return cells as far as people write them: without outputs, and what a run notes about itself."""
    kept = ("id", "cell_type", "source")
    return [{key: cell[key] for key in kept} | {"tags": cell["metadata"].get("tags")} for cell in cells]


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@asynccontextmanager
async def example(server: Server, name: str) -> AsyncIterator[Run]:
    """Open an example on a server; at the end it must be as it was."""
    for path in EXAMPLES.glob("*.*"):
        shutil.copy(path, server.root)
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    before = as_written(notebook.cells)
    files = visible(server.root)
    async with (
        Tab(server, name) as tab,
        Kernel(server, name) as kernel,
        executing(server, kernel.id, notebook) as client,
    ):
        yield Run(notebook, tab, client, server.root / name)
        await tab.until(lambda: as_written(tab.cells) == before, "the notebook is as it was")
    assert visible(server.root) == files


@pytest.mark.timeout(180)
async def test_the_notebook_writes_itself(server):
    async with example(server, "writes_itself.ipynb") as run:
        tab = run.tab
        await run("connect")
        await run("add")
        await tab.until(lambda: len(run.tagged("owl")) == 3, "the owls are there")
        assert run.tagged("owl")[0] == "**barn owl**: listening …"
        filling = asyncio.create_task(run("fill"))
        await tab.until(
            lambda: "counting owls" in json.dumps(list(tab.states.values())), "it says what it does"
        )
        await filling
        await tab.until(lambda: run.tagged("owl")[-1].endswith("🦉" * 7), "the owls are counted")
        await run("tag")
        await tab.until(lambda: run.tagged("loudest"), "one owl is the loudest")
        await tab.until(
            lambda: "the loudest one" in json.dumps(list(tab.states.values())), "it is pointed to"
        )
        await run("order")
        ordered = [
            f"**{owl}**: {n} calls\n{'🦉' * n}"
            for owl, n in (("eagle owl", 12), ("snowy owl", 7), ("barn owl", 3))
        ]
        await tab.until(lambda: run.tagged("owl") == ordered, "the owls are in order")
        assert run.value("order") == "True"
        places = [index for index, cell in enumerate(tab.cells) if "owl" in cell["metadata"].get("tags", ())]
        assert [tab.cells[places[0] - 1]["id"], tab.cells[places[-1] + 1]["id"]] == ["add", "part-fill"]
        assert set(ordered) <= set(await run.saved())
        await run("transaction")
        assert "'shout'" in run.value("transaction") and "eagle owl" in run.value("transaction")
        await tab.until(lambda: run.tagged("owl") == ordered, "the shouting is taken back")
        await run("hear")
        await run("diary")
        assert run.value("diary") == "['insert', 'delete', 'insert']"
        name = next(index for index, cell in enumerate(tab.cells) if cell["id"] == "name")
        text = tab.cell(name)["source"]
        text += " Zoë 🦉."
        await tab.committed()
        await run("wait")
        assert run.printed("wait") == "Thank you: My name is Zoë 🦉.\n"
        text.clear()
        text += "My name is"
        await run("end")
        assert run.value("end") == "'tidy up'"


@pytest.mark.timeout(180)
async def test_a_script_edits_the_notebook(server):
    async with example(server, "from_a_script.ipynb") as run:
        tab = run.tab
        await run("connect")
        await run("start")
        await tab.until(lambda: run.live("sums") == "1 + 2 = 3", "the script answers what was there")
        await run("ask")
        await tab.until(lambda: run.live("sums") == "1 + 2 = 3\n19 + 23 = 42", "it answers the kernel")
        place = next(index for index, cell in enumerate(tab.cells) if cell["id"] == "sums")
        text = tab.cell(place)["source"]
        text += "\n20 + 20 ="
        await tab.until(lambda: run.live("sums").endswith("20 + 20 = 40"), "it answers somebody who types")
        assert run.live("sums") in await run.saved()
        await run("stop")
        assert run.printed("stop") == "The script ended with 0\n"
        await run("async")
        await tab.until(lambda: "*asyncio was here*" in tab.sources, "what asyncio wrote is in the tab")
        assert "*asyncio was here*" in await run.saved()
        await run("async-seen")
        assert run.printed("async-seen").startswith("*asyncio was here* is cell ")
        await run("local")
        assert run.value("local") == "[('markdown', '# Owls'), ('code', 'calls = [3, 12, 7]')]"


@pytest.mark.timeout(180)
async def test_a_review_from_both_sides(server):
    async with example(server, "review.ipynb") as run:
        tab = run.tab

        async def run_and_show(cell_id: str) -> None:
            """Execute a cell, and write its outputs into the document, as the tab does in which it is run."""
            await run(cell_id)
            place = next(index for index, cell in enumerate(tab.cells) if cell["id"] == cell_id)
            with tab.doc.transaction():
                set_outputs(tab.cell(place), run.cells[cell_id].outputs)

        await run("connect")
        await run_and_show("owls")
        await run_and_show("rare")
        await run("listen")
        await run("ask")
        shown = run.value("ask")
        for quote in ("/ 2, 1", "3", 'print(mean, "calls an owl")', "11.0 calls an owl\n"):
            assert f"on {quote!r} by" in shown, shown
        assert shown.count("<comment ") == 6 and "KeyError" in shown and "A good beginning!" in shown
        await run("answered")
        assert "1 reply" in run.value("answered")
        await run("resolve")
        await tab.until(lambda: "/ len(calls), 1" in run.live("owls"), "the text is mended")
        assert run.value("resolve") == "('changed', '/ len(calls), 1', 'resolved')"
        await run("reopen")
        said = [
            "Why **2**, @kernel",
            "I look into it.",
            "It is the number",
            "And if there",
            "Then there is nothing",
        ]
        assert [run.value("reopen").index(words) for words in said] == sorted(
            run.value("reopen").index(words) for words in said
        )
        assert "Kernel, run by" in run.value("reopen") or "Kernel:" in run.value("reopen")
        await run("orphan")
        assert "never heard" in run.value("orphan")
        await tab.until(lambda: "rare" not in [cell["id"] for cell in tab.cells], "the cell is gone")
        await run("reattach")
        assert run.value("reattach") == "('changed', 'eagle owl', 0)"
        await run("filters")
        assert run.printed("filters") == (
            "6 threads, 4 open about the owls\n6 with words of the reviewer, 6 unread\n"
        )
        await run("frame")
        assert "It was never heard." in run.value("frame") and "resolved" in run.value("frame")
        await run("export")
        assert "# Comments on review.ipynb" in run.printed("export")
        await run("publish")
        assert run.printed("publish") == (
            "A copy in the file: True\nA copy in the file: False and on the server: 6 threads\n"
        )
        await run("end")


def announced(site: Path) -> Path:
    """Make a folder on whose account papermill finds the engine, also where the checkout is not installed."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][
        "papermill.engine"
    ]
    info = site / "rtc_widgets-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rtc_widgets\nVersion: 0\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[papermill.engine]", *lines, ""]))
    return site


@pytest.mark.timeout(180)
async def test_a_headless_run_needs_no_server(tmp_path, monkeypatch):
    found = (str(announced(tmp_path / "site")), str(ROOT), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(found))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    notebook = nbformat.read(EXAMPLES / "headless_run.ipynb", as_version=4)
    before = as_written(notebook.cells)
    await NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    ).async_execute()
    cells = {cell.id: cell for cell in notebook.cells}
    added = "--- markdown\n**eagle owl**: 12 calls\n--- markdown\n**snowy owl**: 7 calls\n"
    assert printed(cells["nbclient"]).endswith(added)
    assert printed(cells["nbconvert"]).endswith(added)
    assert printed(cells["papermill"]).endswith("--- markdown\n**barn owl**: 3 calls\n")
    assert printed(cells["plain"]) == "3 cells, as before\neagle owl 12\nsnowy owl 7\n\n"
    assert as_written(notebook.cells) == before
    assert visible(tmp_path / "tmp") == []


def test_every_example_is_executed_here_or_beside():
    here = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [path.name for path in EXAMPLES.glob("*.ipynb") if f'"{path.name}"' not in here] == []


def test_the_examples_store_no_outputs():
    for path in EXAMPLES.glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        assert [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
