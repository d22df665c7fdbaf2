"""No token and no ticket is in an address, in the server's log, or in what the server keeps."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from support.server import Server
from support.tab import Tab
from websockets.asyncio.client import connect

# Writes down the address of each request, WebSockets among them, as it reaches the server.
CONFIG = """
from pathlib import Path
from tornado.httputil import HTTPServerRequest

ADDRESSES = Path(__file__).with_name("addresses")
make = HTTPServerRequest.__init__

def noting(self, *arguments, **options):
    make(self, *arguments, **options)
    with ADDRESSES.open("a") as file:
        file.write(f"{self.uri}\\n")

HTTPServerRequest.__init__ = noting
"""
SCRIPT = """
import sys, rtc_widgets
with rtc_widgets.connect(sys.argv[1], token=sys.argv[2], path=sys.argv[3]) as nb:
    nb[0].source = "x = 2"
    nb[0].comment("Why 2?")
    nb.save()
"""


async def test_no_token_is_in_an_address_the_log_or_the_store(serve: Callable[..., Server]) -> None:
    server = serve(config=CONFIG, options=["--log-level=DEBUG"])
    path = server.notebook("secrets.ipynb", "x = 1")
    # jupyter_server itself prints where to sign in when it starts.
    begun = len(server.log)
    arguments = ["-c", SCRIPT, server.url, server.token, path]
    async with Tab(server, path) as tab:
        script = await asyncio.create_subprocess_exec(sys.executable, *arguments)
        assert await asyncio.wait_for(script.wait(), 60) == 0
        await tab.until(lambda: tab.sources == ["x = 2"], "the script's edit is here")
        await tab.request("comments.add", thread="t", comment="c", body="Hello.", anchor={"kind": "document"})
        # A stock client, as docs/clients.md has it.
        url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/yjs/{path}"
        async with connect(url, additional_headers={"Authorization": f"token {server.token}"}) as stock:
            assert await asyncio.wait_for(stock.recv(), 20)
        ticket = tab.grant["ticket"]
    server.stop()
    addresses = (server.work / "config" / "addresses").read_text()
    for told in ("api/rtc_widgets/rooms/", "api/rtc_widgets/comms", "api/rtc_widgets/yjs/"):
        assert told in addresses
    kept = server.kept()
    assert b"x = 2" in kept and b"Why 2?" in kept, "it is this that holds what was said"
    for secret in (server.token, ticket):
        assert secret not in addresses
        assert secret not in server.log[begun:]
        assert secret.encode() not in kept
