"""What who runs a server can see: its status, its metrics, and its events."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from support.server import Server, until
from support.tab import Tab
from websockets.asyncio.client import connect

from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.state_hash import state_hash
from rtc_widgets.relay.tidings import SCHEMA_ID

# One starts a server twice.
pytestmark = pytest.mark.timeout(180)

GUARD = """
from jupyter_server.auth.authorizer import Authorizer
class Admins(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "rtc_widgets_status"
c.ServerApp.authorizer_class = Admins
"""


def status(server: Server) -> dict[str, Any]:
    answer: dict[str, Any] = server.api("/api/rtc_widgets/status")
    return answer


def room(server: Server, path: str) -> dict[str, Any]:
    found = [one for one in status(server)["rooms"] if one["path"] == path]
    return found[0] if found else {}


def content(server: Server, path: str) -> dict[str, Any]:
    found: dict[str, Any] = room(server, path)["documents"]["content"]
    return found


def metrics(server: Server) -> dict[str, float]:
    headers = {"Authorization": f"token {server.token}"}
    request = urllib.request.Request(f"{server.url}/metrics", headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if line.startswith("rtc_widgets")]
    return {name: float(value) for name, value in pairs}


async def test_the_status_tells_who_is_where_and_how_far_log_and_file_are(serve):
    server = serve(options=["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000"])
    path = server.notebook("seen.ipynb", "x = 1")
    async with Tab(server, path) as ada, Tab(server, path):
        ada.cell(0)["source"].insert(0, "# ")
        await ada.committed()
        seen = await asyncio.to_thread(room, server, path)
        assert (seen["type"], seen["view"], seen["problem"]) == ("notebook", False, None)
        assert seen["unsaved"], "it is not in the file yet"
        there = seen["documents"]["content"]
        assert [peer["kind"] for peer in there["peers"]] == ["person", "person"]
        assert {peer["role"] for peer in there["peers"]} == {"runner"}
        assert [peer["unsent"] for peer in there["peers"]] == [0, 0]
        assert there["uncommitted"] == 0 and there["lag_ms"] > 0
        assert seen["documents"]["annotations"]["peers"] == []
        # The hash is that of a replica which has all.
        vector = ada.doc.get_state()
        assert there["state"] == state_hash(vector, ada.doc.get_update(vector))
        ada.cell(0)["source"].insert(0, "# ")
        await ada.committed()
        assert (await asyncio.to_thread(content, server, path))["state"] != there["state"]
        saved = await ada.save()
        seen = await asyncio.to_thread(room, server, path)
        assert not seen["unsaved"] and seen["last_saved"] == saved["last_modified"]
        whole = await asyncio.to_thread(status, server)
        assert whole["connections"] == 2 and whole["updates"] >= 2 and whole["bytes"] > 0
        assert whole["store"]["bytes"] > 0 and whole["store"]["path"].endswith(".sqlite")
    assert await asyncio.to_thread(
        until, lambda: content(server, path)["peers"] == [], "nobody is there any more"
    )


def test_the_status_is_for_whom_the_authorizer_lets(serve):
    server = serve(config=GUARD)
    assert server.api("/api/rtc_widgets")["release"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        status(server)
    with refused.value:
        assert refused.value.code == 403


async def test_the_metrics_are_beside_the_servers_own(serve):
    server = serve()
    path = server.notebook("measured.ipynb", "x = 1")
    before = await asyncio.to_thread(metrics, server)
    assert before["rtc_widgets_rooms"] == 0
    async with Tab(server, path) as ada, Tab(server, path) as eve:
        ada.cell(0)["source"].insert(0, "# ")
        await ada.committed()
        eve.say(b"\0\7\0")
        await eve.until(lambda: eve.closed, "who sends what does not parse is expelled")
        now = await asyncio.to_thread(metrics, server)
        assert now["rtc_widgets_rooms"] == 1 and now["rtc_widgets_connections"] == 2
        assert now['rtc_widgets_peers{kind="person"}'] == 1
        assert now["rtc_widgets_updates_total"] >= 1 and now["rtc_widgets_update_bytes_total"] > 0
        assert now["rtc_widgets_commit_seconds_count"] >= 1 and now["rtc_widgets_commit_seconds_sum"] > 0
        assert now["rtc_widgets_uncommitted_updates"] == 0 and now["rtc_widgets_store_bytes"] > 0
        assert now['rtc_widgets_dropped_total{code="bad-frame"}'] == 1


async def test_what_happens_is_on_the_servers_event_bus(serve):
    server = serve(options=["--RelayApp.close_delay=5", "--RelayApp.save_delay=1000"])
    path = server.notebook("told.ipynb", "x = 1")
    url = f"ws://127.0.0.1:{server.port}/api/events/subscribe"
    headers = {"Authorization": f"token {server.token}"}
    async with connect(url, additional_headers=headers) as bus:

        async def told(action: str) -> dict[str, Any]:
            """Return the next event of ours that is of *action*."""
            async with asyncio.timeout(60):
                while True:
                    event: dict[str, Any] = json.loads(await bus.recv())
                    if event["schema_id"] == SCHEMA_ID and event["action"] == action:
                        return event

        async with Tab(server, path) as ada, Tab(server, path) as eve:
            opened = await told("opened")
            assert opened["path"] == path
            eve.say(b"\0\7\0")
            assert (await told("dropped"))["code"] == CloseCode.BAD_FRAME
            # The same line, here and in the file.
            ada.cell(0)["source"] += "  # here"
            await ada.committed()
            server.notebook("told.ipynb", "x = 1000")
            conflict = await told("conflict")
            assert conflict["code"] == "merged" and conflict["path"] == path and conflict["message"]
        assert (await told("closed"))["room"] == opened["room"]


async def test_a_log_that_is_damaged_is_told_with_the_first_document(serve, tmp_path):
    log, told = tmp_path / "log.sqlite", tmp_path / "events.txt"
    server = serve(
        options=[f"--RelayApp.store_path={log}"],
        config=f"import logging\nc.EventLogger.handlers = [logging.FileHandler({str(told)!r})]",
    )
    path = server.notebook("damaged.ipynb", "x = 1")
    async with Tab(server, path):
        assert '"opened"' in told.read_text() and '"damaged"' not in told.read_text()
    await asyncio.to_thread(server.stop)
    log.write_bytes(b"\xaa" * 20_000)
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as ada:
        assert ada.sources == ["x = 1"]
        assert '"damaged"' in told.read_text()
