"""What a server keeps of notebooks that were open: nothing."""

from __future__ import annotations

import json

import psutil
import pytest
from support.server import until
from support.tab import Tab

MEGABYTE = 10**6


@pytest.mark.timeout(120)
async def test_a_server_grows_by_none_of_the_notebooks_that_were_open(serve):
    server = serve(options=["--RelayApp.close_delay=0.1"])
    names = "abcd"
    for name in names:
        path = server.notebook(f"{name}.ipynb", "x = 1")
        notebook = server.read(path)
        text = {"output_type": "stream", "name": "stdout", "text": "A line of output\n" * (MEGABYTE // 17)}
        notebook["cells"][0]["outputs"] = [text]
        (server.root / path).write_text(json.dumps(notebook))
    process = psutil.Process(server.pid)
    kept = []

    for number in range(60):
        async with Tab(server, f"{names[number % 4]}.ipynb") as ada:
            ada.cell(0)["source"].insert(0, "#")
            await ada.committed()
        if number in {19, 59}:
            until(lambda: not server.api("/api/rtc_widgets/status")["rooms"], "all have closed")
            kept.append((process.memory_info().rss, process.num_fds()))

    assert [server.sources(f"{name}.ipynb") for name in names] == [["#" * 15 + "x = 1"]] * 4
    (warm, opened), (memory, descriptors) = kept
    # Each takes some megabytes while it is open: 40 of them took 160 when a ticket that nobody used up kept its room.
    assert memory - warm < 40 * MEGABYTE
    assert descriptors - opened <= 2
