"""Bad input and faults on a real server: each has its answer, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import urllib.error

import pytest
from support.server import until
from support.tab import Refused, Tab
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from rtc_widgets.ids import new_client_id
from rtc_widgets.protocol import awareness, envelope, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.heartbeat import HEARTBEAT


async def refusal(server, path, **options):
    """Return how the relay refuses to open *path*."""
    with pytest.raises(Refused) as refused:
        await asyncio.to_thread(Tab(server, path, **options).ask)
    return refused.value


async def test_a_frame_that_does_not_decode_closes_one_document_of_one_tab(server):
    path = server.notebook("frames.ipynb", "x = 1")
    for frame in (b"", b"\0\7\0", sync.update(b"garbage"), sync.step1(b"\xff"), awareness.encode(b"\5")):
        async with Tab(server, path) as ada, Tab(server, path) as eve:
            eve.say(frame)
            await eve.until(lambda: eve.closed, "the sender is closed")
            assert eve.closed["code"] == CloseCode.BAD_FRAME and "Reload" in eve.closed["reason"]
            before = ada.sources
            ada.cell(0)["source"].insert(0, "y")
            await ada.committed()
            assert ada.sources == [f"y{before[0]}"] and ada.closed is None


async def test_a_message_that_does_not_parse_closes_its_connection_only(server):
    path = server.notebook("messages.ipynb", "x = 1")
    headers = {"Authorization": f"token {server.token}"}
    async with Tab(server, path) as ada:
        for data in (
            b"",
            b"garbage",
            "text",
            envelope.pack(envelope.Message("execute_request", {"comm_id": "x"})),
        ):
            url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/comms"
            async with connect(url, additional_headers=headers) as socket:
                await socket.send(data)
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.recv()
                assert closed.value.rcvd.code == 4400
        await ada.save()


async def test_a_heartbeat_comes_back_and_nothing_else_happens(server):
    path = server.notebook("heartbeat.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        data = envelope.pack(envelope.comm(HEARTBEAT, []))
        url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/comms"
        async with connect(url, additional_headers={"Authorization": f"token {server.token}"}) as socket:
            for _ in range(3):
                await socket.send(data)
                assert await socket.recv() == data
        await ada.save()


async def test_a_message_about_a_document_that_is_not_open_is_ignored(server):
    path = server.notebook("unknown-comm.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        ada.say_raw(envelope.pack(envelope.comm("nobody", [b"\0"], {"seq": 1})))
        ada.say_raw(envelope.pack(envelope.close("nobody", "normal", "")))
        await ada.save()
        assert ada.closed is None


async def test_a_gap_in_the_numbers_closes_the_document(server):
    path = server.notebook("gap.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        ada.say_raw(envelope.pack(envelope.comm(ada.comm_id, [sync.update(sync.EMPTY_UPDATE)], {"seq": 99})))
        await ada.until(lambda: ada.closed, "the document is closed")
        assert ada.closed["code"] == CloseCode.BAD_FRAME


async def test_an_awareness_state_over_the_limit_closes_the_document(server):
    path = server.notebook("awareness.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        state = awareness.State(new_client_id(), 1, json.dumps({"user": "a" * 70_000}))
        ada.say(awareness.encode(awareness.encode_states([state])))
        await ada.until(lambda: ada.closed, "the document is closed")
        assert ada.closed["code"] == CloseCode.TOO_LARGE


async def test_too_many_messages_close_the_connection(serve):
    server = serve(options=["--RelayApp.max_rate=20"])
    path = server.notebook("rate.ipynb", "x = 1")
    async with Tab(server, path) as ada, Tab(server, path) as eve:
        for _ in range(300):
            eve.say(sync.update(sync.EMPTY_UPDATE))
        await eve.until(lambda: eve.hung_up, "the connection is closed")
        assert eve.hung_up == 4429
        await ada.save()


async def test_too_many_documents_are_refused(serve):
    server = serve(options=["--RelayApp.max_documents=1"])
    first, second = server.notebook("a.ipynb", "x = 1"), server.notebook("b.ipynb", "x = 1")
    async with Tab(server, first) as ada:
        other = await asyncio.to_thread(Tab(server, second).ask)
        comm_id = other["documents"]["content"]["comm_id"]
        ada.refused.clear()
        data = {"versions": [1], "release": "0.1.0", "ticket": other["ticket"], "lineage": None}
        ada.say_raw(envelope.pack(envelope.open_(comm_id, data)))
        await ada.until(lambda: comm_id in ada.refused, "the second document is refused")
        assert ada.refused[comm_id]["code"] == CloseCode.TOO_MANY


@pytest.mark.parametrize("path", ["../outside.ipynb", "a/../../outside.ipynb", "%2e%2e/outside.ipynb"])
async def test_a_path_outside_the_root_is_not_found(server, path):
    (server.work / "outside.ipynb").write_text("{}")
    assert (await refusal(server, path)).status == 404
    assert (server.work / "outside.ipynb").read_text() == "{}"


async def test_what_is_not_there_is_not_found(server):
    answer = await refusal(server, "nowhere.ipynb")
    assert (answer.status, answer.code) == (404, CloseCode.NOT_FOUND)


async def test_a_folder_is_no_document(server):
    (server.root / "a-folder").mkdir(exist_ok=True)
    assert (await refusal(server, "a-folder")).status in (404, 422)


async def test_an_unknown_document_type_names_the_cure(server):
    path = server.notebook("unknown-type.ipynb", "x = 1")
    tab = Tab(server, path)
    tab._body = {"format": "json", "type": "painting"}
    with pytest.raises(Refused) as refused:
        await asyncio.to_thread(tab.ask)
    assert (refused.value.status, refused.value.code) == (415, CloseCode.UNKNOWN_TYPE)
    assert "'painting'" in refused.value.message and "Install the package" in refused.value.message


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 5}', '{"nbformat": 99, "cells": []}'])
async def test_a_corrupt_or_empty_notebook_is_left_untouched(server, content):
    (server.root / "corrupt.ipynb").write_text(content)
    answer = await refusal(server, "corrupt.ipynb")
    assert (answer.status, answer.code) == (422, CloseCode.UNREADABLE)
    assert (server.root / "corrupt.ipynb").read_text() == content


async def test_a_file_over_the_limit_opens_the_ordinary_way(serve):
    server = serve(options=["--RelayApp.max_file_size=10000"])
    path = server.notebook("large.ipynb", "x" * 20_000)
    answer = await refusal(server, path)
    assert (answer.status, answer.code) == (413, CloseCode.TOO_LARGE)
    assert "KiB, and files over 9.8 KiB are opened without collaboration" in answer.message


async def test_a_body_without_a_type_is_a_bad_request(server):
    path = server.notebook("body.ipynb", "x = 1")
    for body in ({}, {"format": "json"}, {"format": 5, "type": "notebook"}):
        tab = Tab(server, path)
        tab._body = body
        with pytest.raises(Refused) as refused:
            await asyncio.to_thread(tab.ask)
        assert refused.value.status == 400


async def test_another_format_of_an_open_path_is_a_conflict(server):
    (server.root / "conflict.txt").write_text("x")
    async with Tab(server, "conflict.txt", type_="file", format_="text"):
        answer = await refusal(server, "conflict.txt", type_="file", format_="base64")
        assert (answer.status, answer.code) == (409, CloseCode.CONFLICT)


async def test_a_release_from_the_future_is_told_what_to_upgrade(server):
    path = server.notebook("version.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        ada.say_raw(envelope.pack(envelope.close(ada.comm_id, "normal", "")))
        ticket = (await asyncio.to_thread(ada.ask))["ticket"]
        data = {"versions": [7], "release": "9.0", "ticket": ticket, "lineage": None}
        ada.say_raw(envelope.pack(envelope.open_(ada.comm_id, data)))
        await ada.until(lambda: ada.closed, "the open is refused")
        assert ada.closed["code"] == CloseCode.VERSION_MISMATCH
        assert "9.0" in ada.closed["reason"] and "Upgrade the server" in ada.closed["reason"]


async def test_a_file_that_vanishes_while_open_is_not_lost(server):
    path = server.notebook("vanishes.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        (server.root / path).unlink()
        await ada.until(lambda: any(e.name == "notice" for e in ada.events), "the tab is told")
        ada.cell(0)["source"].insert(0, "kept ")
        await ada.committed()
        assert not (server.root / path).exists(), "only a person's save brings a deleted file back"
        await ada.save()
        assert server.sources(path) == ["kept x = 1"]


async def test_a_notebook_spoiled_from_outside_empties_nothing(server):
    path = server.notebook("spoiled.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        (server.root / path).write_text("")
        await ada.until(lambda: any(e.name == "notice" for e in ada.events), "the tab is told")
        assert ada.sources == ["x = 1"]
        ada.cell(0)["source"].insert(0, "kept ")
        await ada.committed()
        assert (server.root / path).read_text() == "", "nothing writes over it by itself"
        server.notebook("spoiled.ipynb", "x = 1", "y = 2")
        await ada.until(lambda: ada.sources == ["kept x = 1", "y = 2"], "the repaired file is merged")
        (server.root / path).write_text("{")
        await ada.save()
        assert server.sources(path) == ["kept x = 1", "y = 2"], "a person may decide to write over it"


async def test_the_server_says_who_else_holds_the_documents(serve):
    other = """
import sys, types
from jupyter_server.extension.application import ExtensionApp
class Other(ExtensionApp):
    name = "jupyter_server_ydoc"
    disable_rtc = False
module = types.ModuleType("jupyter_server_ydoc")
module.Other = Other
module._jupyter_server_extension_points = lambda: [{"module": "jupyter_server_ydoc", "app": Other}]
sys.modules["jupyter_server_ydoc"] = module
c.ServerApp.jpserver_extensions = {"rtc_widgets": True, "jupyter_server_ydoc": True}
"""
    server = serve(config=other)
    assert server.api("/api/rtc_widgets")["other"] == "jupyter-collaboration"
    path = server.notebook("a.ipynb", "x = 1")
    answer = await refusal(server, path)
    assert (answer.status, answer.code) == (409, CloseCode.OTHER_PROVIDER)
    assert "pip uninstall" in answer.message
    await asyncio.to_thread(until, lambda: server.sources(path) == ["x = 1"], "the file is untouched")


async def test_a_log_that_this_release_cannot_use_leaves_the_server_working(serve, tmp_path):
    log = tmp_path / "log.sqlite"
    with sqlite3.connect(log) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = log.read_bytes()
    server = serve(options=[f"--RelayApp.store_path={log}"])
    path = server.notebook("plain.ipynb", "x = 1")
    assert "opened without collaboration" in server.log and "log.sqlite" in server.log
    with pytest.raises(urllib.error.HTTPError) as missing:
        server.api("/api/rtc_widgets")
    with missing.value:
        assert missing.value.code == 404
    assert server.api(f"/api/contents/{path}")["name"] == path
    await asyncio.to_thread(server.stop)
    assert log.read_bytes() == before
