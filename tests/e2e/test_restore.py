"""A file is damaged or deleted while its server is away: by command it is as the log has it, and all go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Array
from support.command import rtc
from support.server import Server
from support.tab import Refused, Tab
from support.tied import code

import rtc_widgets
from rtc_widgets.documents.ycells import new_ycell

# Each starts a server twice.
pytestmark = pytest.mark.timeout(180)

UNSAVED = ["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000", "--RelayApp.poll_interval=0.1"]


@pytest.mark.parametrize("minor", [5, 4], ids=["with ids", "without ids"])
async def test_a_file_that_was_damaged_while_the_server_was_away_is_as_it_was_acknowledged(
    serve: Callable[..., Server], minor: int
) -> None:
    server = serve(options=UNSAVED)
    path = server.notebook("folder/hurt.ipynb", "first", "second")
    if minor < 5:
        notebook: dict[str, Any] = server.read(path)
        bare = [{key: cell[key] for key in cell if key != "id"} for cell in notebook["cells"]]
        server.write(path, {**notebook, "cells": bare, "nbformat_minor": minor})
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(0, "typed ")
        ada.doc.get("cells", type=Array).append(new_ycell(code("new", "new")))
        await ada.committed()
        await ada.request("comments.add", thread="t", comment="c", body="Why?", anchor={"kind": "document"})
        lineage, sources = ada.welcome and ada.welcome.lineage, ada.sources
        assert sources == ["typed first", "second", "new"]
        await asyncio.to_thread(server.stop, True)
    (server.root / path).write_text("<<<<<<< ours\n{")
    await asyncio.to_thread(server.start)
    with pytest.raises(Refused) as refused:
        await asyncio.to_thread(Tab(server, path).ask)
    assert refused.value.code == "unreadable"
    assert f"jupyter rtc restore {path}" in refused.value.message

    # While the server runs.
    done = await asyncio.to_thread(rtc, server, "restore", path)
    assert done.returncode == 0, done.stderr
    (kept,) = (server.root / "folder").glob("hurt.damaged-*.ipynb")
    assert kept.read_text() == "<<<<<<< ours\n{" and str(kept) in done.stdout
    assert server.sources(path) == sources
    ada.cell(0)["source"].insert(0, "offline ")
    async with Tab(server, path, doc=ada.doc, lineage=lineage) as back, Tab(server, path) as eve:
        assert back.closed is None
        wanted = ["offline typed first", "second", "new"]
        await eve.until(lambda: eve.sources == wanted, lambda: f"{eve.sources} is {wanted}")
        for _ in range(2):  # whatever the save brings in from the file has come by then
            await eve.save()
        assert eve.sources == back.sources == server.sources(path) == wanted
    async with Tab(server, path, document="annotations") as comments:
        assert b"Why?" in comments.doc.get_update()


async def test_a_deleted_file_comes_back_and_what_is_in_order_is_left(serve: Callable[..., Server]) -> None:
    server = serve(options=UNSAVED)
    path = server.notebook("gone.ipynb", "first")
    async with rtc_widgets.connect_async(server.url, token=server.token, path=path) as nb:
        nb[0].source = "typed"
        await nb.synced()
        await asyncio.to_thread(server.stop, True)
    refused = await asyncio.to_thread(rtc, server, "restore", path)
    assert refused.returncode == 1 and "is in order" in refused.stderr
    assert server.sources(path) == ["first"]
    (server.root / path).unlink()
    assert (await asyncio.to_thread(rtc, server, "restore", path)).returncode == 0
    assert server.sources(path) == ["typed"]
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as eve:
        assert eve.sources == ["typed"]
