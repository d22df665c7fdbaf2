"""A server's log as programs read it: one JSON object a line, with fields, and without what people typed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.server import Server, until
from support.tab import Tab

from rtc_widgets.logged import Fields
from rtc_widgets.protocol.codes import CloseCode

# One starts a server twice.
pytestmark = pytest.mark.timeout(180)

OPERATIONS = (Path(__file__).parents[2] / "docs/operations.md").read_text()
CONFIG = next(
    block
    for block in re.findall(r"```python no-run\n(.*?)```", OPERATIONS, re.DOTALL)
    if "logging_config" in block
)
# How a line that is a sentence begins.
OURS = re.compile(r"^\[.*\b(rtc_widgets[.\w]*|RelayApp)\] ")
SECRET = "hunter2-a-word-that-is-in-no-log"
OPTIONS = ["--log-level=DEBUG", "--RelayApp.close_delay=5", "--RelayApp.save_delay=1000"]


def lines(server: Server, name: str = "rtc_widgets") -> list[dict[str, Any]]:
    """Return what was logged below *name*, once it was seen that each line of ours is an object."""
    told = server.log.splitlines()
    objects = [json.loads(line) for line in told if line.startswith("{")]
    # Before it has read the configuration a server tells in sentences where it looks for that.
    assert not [line for line in told if not line.startswith("{") and OURS.search(line)]
    return [line for line in objects if line["name"].split(".")[0] == name]


def said(server: Server, event: str) -> list[dict[str, Any]]:
    return [line for line in lines(server) if line["event"] == event]


async def test_each_line_is_an_object_that_names_what_it_is_about(serve: Callable[..., Server]) -> None:
    server = serve(config=CONFIG, options=OPTIONS)
    path = server.notebook("told.ipynb", "x = 1", "y = 2")
    async with Tab(server, path) as ada, Tab(server, path) as eve:
        room = ada.grant["room"]
        ada.cell(0)["source"] += f"  # {SECRET} here"
        await ada.committed()
        await ada.request("comments.add", thread="t", comment="c", body=SECRET, anchor={"kind": "document"})
        # The same line, here and in the file.
        server.notebook(path, f"x = 1000  # {SECRET} there", "y = 2")
        await asyncio.to_thread(until, lambda: said(server, "document.notice"), "of the conflict is told")
        await ada.save()
        eve.say(b"\0\7\0" + SECRET.encode())
        await eve.until(lambda: eve.closed, "who sends what does not parse is expelled")
        user = ada.grant["user"]["username"] if "user" in ada.grant else None
    await asyncio.to_thread(until, lambda: said(server, "room.closed"), "the document is closed")
    await asyncio.to_thread(server.stop)

    (opened,) = said(server, "room.opened")
    assert (opened["path"], opened["room"], opened["levelname"]) == (path, room, "INFO")
    assert 0 < opened["seconds"] < 20 and opened["message"].startswith(f"{path} was opened in ")
    (notice,) = said(server, "document.notice")
    assert (notice["path"], notice["code"], notice["levelname"]) == (path, "merged", "WARNING")
    (dropped,) = said(server, "peer.dropped")
    assert (dropped["room"], dropped["document"], dropped["code"]) == (room, "content", CloseCode.BAD_FRAME)
    assert dropped["user"] and user in (None, dropped["user"])
    assert {(line["path"], line["levelname"]) for line in said(server, "file.saved")} == {(path, "DEBUG")}
    assert said(server, "file.saved")[0]["seconds"] > 0
    (closed,) = said(server, "room.closed")
    assert (closed["path"], closed["room"]) == (path, room)
    assert lines(server, "ServerApp"), "jupyter_server's own lines are of the same form"
    assert SECRET not in server.log and ada.grant["ticket"] not in server.log


async def test_a_damaged_log_is_told_of_with_its_file(serve: Callable[..., Server], tmp_path: Path) -> None:
    log = tmp_path / "log.sqlite"
    server = serve(config=CONFIG, options=[*OPTIONS, f"--RelayApp.store_path={log}"])
    path = server.notebook("a.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        await ada.committed()
    await asyncio.to_thread(server.stop)
    log.write_bytes(b"\xaa" * 20_000)
    await asyncio.to_thread(server.start)
    async with Tab(server, path):
        pass
    (damaged,) = said(server, "store.damaged")
    assert damaged["file"] in {str(file) for file in log.parent.glob("log.sqlite.damaged-*")}
    assert damaged["levelname"] == "ERROR"


async def test_without_a_formatter_of_ones_own_they_are_the_sentences_of_before(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    path = server.notebook("plain.ipynb", "x = 1")
    async with Tab(server, path):
        pass
    (line,) = [line for line in server.log.splitlines() if "was opened in" in line]
    assert re.fullmatch(rf"\[I .* rtc_widgets\.rooms\.manager\] {path} was opened in \S+ s\.", line)
    assert "was saved" not in server.log, "the server's own level holds"


def test_all_fields_are_in_the_manual() -> None:
    table = OPERATIONS.partition("These names stay")[2].partition("| `event` | level")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {"event", *Fields.__annotations__}
