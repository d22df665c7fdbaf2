"""Contents managers on a folder, and the rooms that tests open with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from support.tied import Server


@pytest.fixture(params=[AsyncLargeFileManager, FileContentsManager])
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    server = Server(tmp_path, request.param)
    yield server
    for room in server.rooms:
        await room.file.aclose()


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path)
    yield server
    for room in server.rooms:
        await room.file.aclose()
