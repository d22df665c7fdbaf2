"""A server that is asked to stop stops, also where it has to be asked twice."""

from __future__ import annotations

import asyncio
import signal
import urllib.error

import pytest
from support.server import until
from support.tab import Tab

pytestmark = pytest.mark.timeout(180)

# While a kernel starts beside another that runs, jupyter_server fails to stop: it finds no such kernel.
HELD = """
import asyncio
from pathlib import Path
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

class Held(AsyncMappingKernelManager):
    def pre_start_kernel(self, kernel_name, kwargs):
        kernel, *names = super().pre_start_kernel(kernel_name, kwargs)
        start, gate = kernel.start_kernel, Path(self.root_dir, "gate")

        async def started(**options):
            if gate.exists():
                gate.rename(gate.with_name("reached"))
                while not gate.exists():
                    await asyncio.sleep(0.02)
            await start(**options)

        kernel.start_kernel = started
        return kernel, *names

c.ServerApp.kernel_manager_class = Held
"""


async def test_a_server_that_failed_to_stop_stops_when_it_is_asked_again(serve):
    server = serve(config=HELD, options=["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000"])
    path = server.notebook("a.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(0, "kept ")
        await ada.committed()
        await asyncio.to_thread(server.api, "/api/kernels", "POST", {})
        (server.root / "gate").touch()
        starting = asyncio.create_task(asyncio.to_thread(server.api, "/api/kernels", "POST", {}))
        await asyncio.to_thread(until, (server.root / "reached").exists, "the other kernel is about to start")
        server.signal(signal.SIGTERM)
        await asyncio.to_thread(until, lambda: "Kernel does not exist" in server.log, "it failed to stop")
        (server.root / "gate").touch()
        try:  # it answers, or it hangs up
            await starting
        except urllib.error.HTTPError as refused:
            refused.close()  # it and its task keep each other: Python's collector would find an open socket
        except OSError:
            pass
        await asyncio.to_thread(server.stop)
    assert server.sources(path) == ["kept x = 1"]


BROKEN = """
from rtc_widgets.relay.kernels import Kernels

async def aclose(self):
    raise OSError("cannot be closed")

Kernels.aclose = aclose
"""


def test_a_relay_that_cannot_close_keeps_no_server_from_stopping(serve):
    server = serve(config=BROKEN)
    server.stop()
    assert "OSError: cannot be closed" in server.log
