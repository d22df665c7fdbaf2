"""nbclient on a kernel that a Jupyter server started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from support.server import Server

__all__ = ["executing"]


class _RunningKernel(AsyncKernelManager):
    """A kernel that somebody else started and will stop."""

    has_kernel = True

    async def is_alive(self) -> bool:
        return True


@asynccontextmanager
async def executing(server: Server, kernel_id: str, notebook: NotebookNode) -> AsyncIterator[NotebookClient]:
    """Execute cells of *notebook* on the server's kernel *kernel_id*: ``await client.async_execute_cell(cell, 0)``."""
    manager: Any = _RunningKernel()
    manager.load_connection_file(str(server.work / "runtime" / f"kernel-{kernel_id}.json"))
    client = NotebookClient(notebook, km=manager, timeout=60)
    client.kc = manager.client()
    client.kc.start_channels()
    try:
        await client.kc.wait_for_ready(timeout=30)
        yield client
    finally:
        client.kc.stop_channels()
