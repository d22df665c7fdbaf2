"""A server that stops where a test wants it: about to save, in the midst of it, right after it."""

from __future__ import annotations

import asyncio
from typing import Self

from support.server import Server, until

__all__ = ["GATES", "Gate"]

# A server stops at a gate that the test has shut for it, and says that it stands there.
GATES = """
import asyncio
from pathlib import Path

from anyio.to_thread import run_sync
from functools import partial
import nbformat
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class Gated(AsyncLargeFileManager):
    async def gate(self, name):
        gate = Path(self.root_dir).parent / "gates" / f"{self.parent.port}-{name}"
        while gate.exists():
            gate.with_suffix(".reached").touch()
            await asyncio.sleep(0.005)

    async def save(self, model, path=""):
        await self.gate("save")
        saved = await super().save(model, path)
        await self.gate("written")
        return saved

    async def _save_notebook(self, os_path, nb, capture_validation_error=None):
        # As jupyter_server does it: the file is empty by the time that the notebook is put into JSON.
        with self.atomic_writing(os_path, encoding="utf-8") as file:
            await self.gate("half")
            await run_sync(partial(nbformat.write, version=nbformat.NO_CONVERT), nb, file)

c.ServerApp.contents_manager_class = Gated
"""


class Gate:
    """Hold *server* where it is about to save (``save``), in the midst of it (``half``), or right after
    (``written``).
    """

    def __init__(self, server: Server, name: str) -> None:
        folder = server.work / "gates"
        folder.mkdir(exist_ok=True)
        self._shut = folder / f"{server.port}-{name}"
        self._reached = self._shut.with_suffix(".reached")

    async def __aenter__(self) -> Self:
        self._reached.unlink(missing_ok=True)
        self._shut.touch()
        return self

    async def __aexit__(self, *args: object) -> None:
        self._shut.unlink(missing_ok=True)

    async def reached(self) -> None:
        await asyncio.to_thread(until, self._reached.exists, "the server stands at the gate")
