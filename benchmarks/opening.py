"""Opening notebooks: until all of one is at the client, and what it takes of the server's memory.

The servers that serve no files are handed the content by their first client, so they have warm rooms only.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path
from typing import Any

from pycrdt import Array, Doc

from benchmarks.client import Client
from benchmarks.contenders import COLLABORATION, HOCUSPOCUS, LIVE, YWEBSOCKET, Server, available, start
from benchmarks.runner import Size, Topic, Unit, Ways
from benchmarks.sample import content
from rtc_widgets.documents.seed import seed

FILES = (LIVE, COLLABORATION)
TOPIC = Topic("Opening a notebook", (*FILES, YWEBSOCKET, HOCUSPOCUS))
_WARM = "warm.ipynb"


def heavy(megabytes: float) -> dict[str, Any]:
    """Return a notebook of cells of 10 kB, of which nine tenths are output."""
    line = "epoch 17, loss 0.314159, accuracy 0.271828, learning rate 1e-3\n"
    notebook = content(max(1, round(megabytes * 100)))
    for cell in notebook["cells"]:
        cell.update(cell_type="code", execution_count=1, source=("data = data.merge(other)\n" * 40).strip())
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": line * 143}]
    return notebook


async def _open(server: Server, path: str) -> tuple[float, Client]:
    """Return how long it took, from the first request to the last byte."""
    client = Client(server, path)
    began = time.perf_counter()
    await client.open()
    return client.synced_at - began, client


def notebooks(size: Size) -> dict[str, dict[str, Any]]:
    """Return the notebooks by the name that the table gives them."""
    by_size = {f"{megabytes} MB": heavy(min(megabytes, size.megabytes)) for megabytes in (0.1, 1, 10)}
    return by_size | {"10,000 cells": content(size.cells)}


async def _files(name: str, opened: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Open notebooks cold, warm, and from the log of a server that was started anew."""
    figures = {}
    with tempfile.TemporaryDirectory(prefix="rtc_widgets-") as folder, ExitStack() as stack:
        write(folder, opened | {"warm": content(1)})
        server = start(name, Path(folder))
        stack.callback(lambda: server.stop())  # noqa: PLW0108 - the one that runs then
        await _open(server, _WARM)  # for what a server loads only when it is needed
        await asyncio.sleep(0.2)
        for label, notebook in opened.items():
            memory = server.rss()
            figures[f"{label}, cold"], first = await _open(server, f"{label}.ipynb")
            await asyncio.sleep(0.3)
            figures[f"{label}, memory"] = server.rss() - memory
            figures[f"{label}, warm"], again = await _open(server, f"{label}.ipynb")
            _check(again, notebook)
            first.close()
            again.close()
            await asyncio.sleep(0)
        server.stop()
        server = start(name, Path(folder))
        await _open(server, _WARM)
        for label, notebook in opened.items():
            figures[f"{label}, from the log"], client = await _open(server, f"{label}.ipynb")
            _check(client, notebook)
            client.close()
    return figures


async def _handed(name: str, opened: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Have a first client bring the notebooks, and open them warm.

    Each has a server of its own: V8 gives back what the notebook before took, while the next one is measured.
    """
    figures = {}
    for label, notebook in opened.items():
        with tempfile.TemporaryDirectory(prefix="rtc_widgets-") as folder, ExitStack() as stack:
            server = start(name, Path(folder))
            stack.callback(server.stop)
            await _open(server, _WARM)
            await asyncio.sleep(0.2)
            memory = server.rss()
            doc: Doc[Any] = Doc()
            doc.apply_update(seed("notebook", notebook).update)
            first = Client(server, f"{label}.ipynb", doc)
            await first.open()
            while True:
                # Until the server has all that it was handed.
                _, probe = await _open(server, f"{label}.ipynb")
                probe.close()
                if len(probe.state) > 100:
                    break
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)
            figures[f"{label}, memory"] = server.rss() - memory
            figures[f"{label}, warm"], client = await _open(server, f"{label}.ipynb")
            _check(client, notebook)
            client.close()
            first.close()
            await asyncio.sleep(0)
    return figures


def write(folder: str, notebooks: dict[str, dict[str, Any]]) -> None:
    """Have a server that is started below *folder* find *notebooks*."""
    root = Path(folder, "root")
    root.mkdir()
    for label, notebook in notebooks.items():
        root.joinpath(f"{label}.ipynb").write_text(json.dumps(notebook))


def _check(client: Client, notebook: dict[str, Any]) -> None:
    doc: Doc[Any] = Doc()
    doc.apply_update(client.state)
    cells = doc.get("cells", type=Array)
    assert len(cells) == len(notebook["cells"]), f"{client.server.name} sent {len(cells)} cells"


_METRICS: dict[str, Unit] = {
    f"{label}, {metric}": "bytes" if metric == "memory" else "s"
    for label in notebooks(Size.quick())
    for metric in ("cold", "from the log", "warm", "memory")
}


@TOPIC.case("opened", most=2, metrics=_METRICS)
def opened(size: Size) -> Iterator[Ways]:
    made = notebooks(size)
    yield from repeat(
        {
            way: lambda way=way: asyncio.run((_files if way in FILES else _handed)(way, made))  # type: ignore[misc]
            for way in TOPIC.ways
            if available(way)
        }
    )
