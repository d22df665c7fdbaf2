"""A file and a live document, tied as the relay ties them, through a real contents manager."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import MemorySignatureStore
from pycrdt import Array, Doc, Map, Text

from rtc_widgets.documents.seed import seed
from rtc_widgets.documents.ycells import read_cells
from rtc_widgets.origins import Origin
from rtc_widgets.relay.files import RoomFile

if TYPE_CHECKING:
    from pathlib import Path

    from rtc_widgets.relay.file_version import Stat


__all__ = ["NEVER", "Room", "Server", "code", "display", "notebook", "until"]

NEVER = 3600.0


async def until(fact: Callable[[], Any], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.005)


def code(name: str | None, source: str, *outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    cell = {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": list(outputs),
        "execution_count": None,
    }
    return {**cell, **more} if name is None else {**cell, **more, "id": name}


def notebook(*cells: dict[str, Any], minor: int = 5, **metadata: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


def display(text: str) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"text/html": text}, "metadata": {}}


class Room:
    """The document and its file, as the relay ties them."""

    def __init__(self, contents: Any, path: str, type_: str, format_: str, **times: float) -> None:
        self.doc: Doc[Any] = Doc()
        self.type_ = type_
        self.notices: list[tuple[str, str]] = []
        self.saved: list[tuple[Stat, Any]] = []
        self.writable: list[bool] = []
        times = {"save_delay": NEVER, "save_max_wait": NEVER, "poll_interval": NEVER, **times}
        self.file = RoomFile(contents, path, type_, format_, self.doc, **times)
        self.file.on_notice = lambda level, code, message, conflicts: self.notices.append((code, message))
        self.file.on_saved = self._on_saved
        self.file.on_writable = self.writable.append
        self._subscription = self.doc.observe(self._on_transaction)

    def _on_transaction(self, event: Any) -> None:
        # As the room does: once a turn of the loop, not within the observer.
        asyncio.get_running_loop().call_soon(self.file.changed)

    async def _on_saved(self, stat: Stat, base: Any) -> None:
        self.saved.append((stat, base))

    async def seed(self) -> Room:
        version = await self.file.load()
        made = seed(self.type_, version.content)
        self.doc.apply_update(made.update)
        await self.file.begin(made.content)
        return self

    @property
    def cells(self) -> list[dict[str, Any]]:
        return read_cells(self.doc)

    @property
    def sources(self) -> list[str]:
        return [cell["source"] for cell in self.cells]

    @property
    def text(self) -> str:
        return str(self.doc.get("source", type=Text))

    @property
    def state(self) -> dict[str, Any]:
        result: dict[str, Any] = self.doc.get("state", type=Map).to_py()
        return result

    @property
    def codes(self) -> list[str]:
        return [code for code, _ in self.notices]

    def type(self, text: str, cell: int = 0) -> None:
        with self.doc.transaction(origin=Origin("remote", "ada")):
            self.doc.get("cells", type=Array)[cell]["source"].insert(0, text)

    def type_text(self, text: str) -> None:
        with self.doc.transaction(origin=Origin("remote", "ada")):
            self.doc.get("source", type=Text).insert(0, text)


class Server:
    """A contents manager on a folder, and the rooms that were opened with it."""

    def __init__(self, folder: Path, manager: type[Any] = AsyncLargeFileManager) -> None:
        self.folder = folder
        self.contents = manager(root_dir=str(folder), delete_to_trash=False)
        self.contents.notary.store = MemorySignatureStore()
        self.rooms: list[Room] = []

    def write(self, path: str, content: Any) -> None:
        # Renamed into place like git does it, with a time of its own.
        text = content if isinstance(content, str) else json.dumps(content)
        target, new = self.folder / path, self.folder / f"{path}.new"
        new.write_bytes(text.encode())
        before = target.stat().st_mtime_ns if target.exists() else 0
        if new.stat().st_mtime_ns <= before:  # the system's clock for files goes in steps of milliseconds
            os.utime(new, ns=(before + 1_000_000, before + 1_000_000))
        new.replace(target)

    def read(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text())

    def sources(self, path: str) -> list[str]:
        try:
            content = self.read(path)
        except ValueError:  # the contents manager is writing it
            return [""]
        return ["".join(cell["source"]) for cell in content["cells"]]

    async def open(self, path: str, type_: str = "notebook", format_: str = "json", **times: float) -> Room:
        room = Room(self.contents, path, type_, format_, **times)
        self.rooms.append(room)
        return await room.seed()
