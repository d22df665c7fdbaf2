"""pycrdt's own provider over a bare WebSocket, in a room with our clients."""

from __future__ import annotations

import asyncio

from jupyter_ydoc import YNotebook, YUnicode
from pycrdt import Doc, Provider
from support.server import until
from support.stock import Socket, closed, stock
from support.tab import Tab

from rtc_widgets.documents.seed import seed


async def test_both_kinds_of_client_edit_one_notebook(server):
    path = server.notebook("pycrdt.ipynb", "x = 1", "y = 2")
    doc = Doc()
    notebook = YNotebook(doc)
    async with Tab(server, path) as tab, stock(server, path) as socket:
        provider = Provider(doc, Socket(socket, path))
        async with provider:
            await asyncio.wait_for(provider.synced.wait(), 30)
            assert [cell["source"] for cell in notebook.source["cells"]] == ["x = 1", "y = 2"]
            notebook.append_cell({"cell_type": "code", "source": "z = 3"})
            await tab.until(lambda: tab.sources == ["x = 1", "y = 2", "z = 3"], "our client sees the cell")
            tab.cell(0)["source"].insert(0, "Zoë 🦉 ")
            await tab.until(
                lambda: notebook.source["cells"][0]["source"] == "Zoë 🦉 x = 1", "theirs sees the edit"
            )
            await asyncio.to_thread(until, lambda: len(server.sources(path)) == 3, "the file follows")


async def test_a_text_file_without_a_query(server):
    (server.root / "notes.md").write_text("# Notes\n")
    doc = Doc()
    text = YUnicode(doc)
    async with stock(server, "notes.md") as socket, Provider(doc, Socket(socket, "notes.md")) as provider:
        await asyncio.wait_for(provider.synced.wait(), 30)
        assert text.source == "# Notes\n"


async def test_a_client_with_a_document_seeded_elsewhere_doubles_nothing(server):
    path = server.notebook("seeded.ipynb", "x = 1")
    foreign = server.read(path)
    foreign["cells"][0]["source"] = "x = 2"
    doc = Doc()
    doc.apply_update(seed("notebook", foreign).update)
    async with Tab(server, path) as tab:
        async with stock(server, path) as socket:
            assert await closed(doc, socket, path) == 4412
        tab.cell(0)["source"].insert(0, "still ")
        await tab.committed()
        assert tab.sources == ["still x = 1"]
