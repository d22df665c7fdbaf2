"""What survives: a restart, a crash, a closed room, a rename and a file changed in between."""

from __future__ import annotations

import asyncio
import json

import pytest
from pycrdt import Doc, Text
from support.server import until
from support.tab import Tab

from rtc_widgets.protocol.codes import CloseCode


async def test_a_44_notebook_in_two_clients_over_a_restart_keeps_its_ids(serve):
    server = serve()
    path = server.notebook("old.ipynb", "a = 1", "b = 2", minor=4)
    async with Tab(server, path) as ada, Tab(server, path) as ben:
        ids = [cell["id"] for cell in ada.cells]
        assert [cell["id"] for cell in ben.cells] == ids and len(set(ids)) == 2
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
        lineage = ada.welcome.lineage
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    for tab in (ada, ben):
        # As a tab does that comes back: with its document, and the lineage that it knows.
        async with Tab(server, path, doc=tab.doc, lineage=lineage) as back:
            assert back.closed is None
            assert [(cell["id"], cell["source"]) for cell in back.cells] == [
                (ids[0], "# a = 1"),
                (ids[1], "b = 2"),
            ]
    assert server.read(path)["nbformat_minor"] == 4
    assert all("id" not in cell for cell in server.read(path)["cells"]), "the file stays in its format"


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_what_was_acknowledged_survives_the_end_of_the_server(serve, kill):
    server = serve(options=["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000"])
    path = server.notebook("crash.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(0, "kept ")
        await ada.committed()
        await asyncio.to_thread(server.stop, kill)
        await ada.until(lambda: ada.hung_up or ada.closed, "the tab notices")
    await asyncio.to_thread(server.start)
    async with Tab(server, path) as ada:
        assert ada.sources == ["kept x = 1"]
        await ada.save()
    assert server.sources(path) == ["kept x = 1"]


async def test_what_was_typed_while_the_server_was_away_is_sent_again(serve):
    server = serve()
    path = server.notebook("offline.ipynb", "x = 1")
    async with Tab(server, path) as ada:
        lineage = ada.welcome.lineage
    ada._socket = None
    await asyncio.to_thread(server.stop)
    ada.cell(0)["source"].insert(0, "offline ")
    await asyncio.to_thread(server.start)
    async with Tab(server, path, doc=ada.doc, lineage=lineage) as back, Tab(server, path) as ben:
        await back.committed()
        await ben.until(lambda: ben.sources == ["offline x = 1"], "the others get it")


async def test_a_file_changed_while_the_server_was_away_is_merged(serve):
    server = serve()
    path = server.notebook("outside.ipynb", "a = 1", "b = 2")
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
        lineage = ada.welcome.lineage
    await asyncio.to_thread(server.stop)
    notebook = server.read(path)
    notebook["cells"][1]["source"] = "b = 20"
    notebook["cells"].append({**notebook["cells"][1], "id": "new-cell", "source": "c = 3"})
    (server.root / path).write_text(json.dumps(notebook))
    await asyncio.to_thread(server.start)
    async with Tab(server, path, doc=ada.doc, lineage=lineage) as back:
        assert back.sources == ["# a = 1", "b = 20", "c = 3"]
        assert back.welcome.lineage == lineage


async def test_without_the_log_a_document_starts_anew_and_old_replicas_are_told(serve):
    server = serve()
    path = server.notebook("no-log.ipynb", "a = 1")
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
        lineage = ada.welcome.lineage
    await asyncio.to_thread(server.stop)
    for file in (server.work / "data/rtc_widgets").iterdir():
        file.unlink()
    await asyncio.to_thread(server.start)
    async with Tab(server, path, doc=ada.doc, lineage=lineage) as back:
        assert back.closed is not None and back.closed["code"] == CloseCode.LINEAGE_MISMATCH
    async with Tab(server, path) as fresh:
        assert fresh.sources == ["# a = 1"], "no cell is doubled"


async def test_without_the_log_an_unchanged_file_gives_the_same_document(serve):
    server = serve()
    path = server.notebook("same-seed.ipynb", "a = 1", minor=4)
    async with Tab(server, path) as ada:
        lineage, replica = ada.welcome.lineage, Doc()
        replica.apply_update(ada.doc.get_update())
    await asyncio.to_thread(server.stop)
    for file in (server.work / "data/rtc_widgets").iterdir():
        file.unlink()
    await asyncio.to_thread(server.start)
    async with Tab(server, path, doc=replica, lineage=lineage) as back:
        assert back.closed is None and back.sources == ["a = 1"]


async def test_an_empty_room_closes_and_opens_again_with_everything(serve):
    server = serve(options=["--RelayApp.close_delay=0.1", "--RelayApp.save_delay=1000"])
    path = server.notebook("closing.ipynb", "a = 1")
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(0, "# ")
        await ada.committed()
    await asyncio.to_thread(until, lambda: server.sources(path) == ["# a = 1"], "what was unsaved is written")
    async with Tab(server, path) as back:
        assert back.sources == ["# a = 1"] and back.welcome.room == ada.welcome.room


async def test_files_and_folders_are_followed_when_they_are_renamed(server):
    path = server.notebook("folder/inner/a.ipynb", "a = 1")
    async with Tab(server, path) as ada:
        await asyncio.to_thread(server.api, "/api/contents/folder", "PATCH", {"path": "moved"})
        await ada.until(lambda: ada.events, "the tab is told")
        assert ada.events[0].params == {"path": "moved/inner/a.ipynb"}
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
        assert server.sources("moved/inner/a.ipynb") == ["# a = 1"]
        assert not (server.root / "folder").exists()
        # And what is made in the old place is another notebook.
        server.notebook(path, "other")
        async with Tab(server, path) as other:
            assert other.sources == ["other"] and other.welcome.room != ada.welcome.room


async def test_a_hook_that_strips_outputs_strips_nothing_that_is_live(serve):
    hook = """
def strip(model, **kwargs):
    if model["type"] == "notebook":
        for cell in model["content"]["cells"]:
            cell["outputs"] = []
c.ContentsManager.pre_save_hook = strip
c.RelayApp.poll_interval = 0.1
"""
    server = serve(config=hook)
    path = server.notebook("hook.ipynb", "print(1)")
    async with Tab(server, path) as ada:
        ada.cell(0)["outputs"].append({"output_type": "stream", "name": "stdout", "text": "1\n"})
        await ada.save()
        assert server.read(path)["cells"][0]["outputs"] == []
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
        assert len(ada.cells[0]["outputs"]) == 1
        assert ada.sources == server.sources(path) == ["# print(1)"]


@pytest.mark.parametrize(
    ("name", "type_", "format_", "content"),
    [
        ("notes.md", "file", "text", "# Zoë 🦉\n"),
        ("empty.txt", "file", "text", ""),
        ("x.bin", "blob", "base64", "AAEC"),
    ],
)
async def test_other_kinds_of_files(server, name, type_, format_, content):
    data = content.encode() if format_ == "text" else b"\0\1\2"
    (server.root / name).write_bytes(data)
    async with Tab(server, name, type_=type_, format_=format_) as ada:
        await ada.save()
        assert (server.root / name).read_bytes() == data
        if format_ == "text":
            ada.doc.get("source", type=Text).insert(0, "first ")
            await ada.save()
            assert (server.root / name).read_bytes() == b"first " + data


async def test_a_second_server_of_the_same_folder_doubles_nothing(serve):
    first = serve(options=["--RelayApp.poll_interval=0.1"])
    path = first.notebook("two-servers.ipynb", "a = 1")
    second = serve(options=["--RelayApp.poll_interval=0.1"], beside=first)
    assert "Another server holds" in second.log
    async with Tab(first, path) as ada, Tab(second, path) as ben:
        for number in range(3):
            ada.cell(0)["source"].insert(0, f"a{number} ")
            await ada.save()
            await ben.until(lambda: ben.sources == ada.sources, "the second server reads the file")
            ben.cell(0)["source"].insert(0, f"b{number} ")
            await ben.save()
            await ada.until(lambda: ada.sources == ben.sources, "the first server reads the file")
    assert first.sources(path) == ["b2 a2 b1 a1 b0 a0 a = 1"]


async def test_outputs_that_the_server_signed_are_told_to_be_trusted(server):
    """Trust is the contents manager's judgement: told to who joins, and never part of the document."""
    path = server.notebook("trust.ipynb", "a = 1", "b = 2")
    notebook = server.read(path)
    rich = {"output_type": "display_data", "metadata": {}, "data": {"text/html": "<script>1</script>"}}
    for cell in notebook["cells"]:
        cell["outputs"], cell["metadata"] = [rich], {"trusted": True}
    # A save through the API signs what a person says is trusted.
    body = {"type": "notebook", "format": "json", "content": notebook}
    await asyncio.to_thread(server.api, f"/api/contents/{path}", "PUT", body)
    async with Tab(server, path) as ada:
        await ada.until(lambda: ada.events, "the tab is told")
        assert (ada.events[0].name, ada.events[0].params) == ("trusted", {"cells": ["cell-0", "cell-1"]})
        assert all("trusted" not in cell["metadata"] for cell in ada.cells)
        ada.cell(0)["outputs"].append(rich)
        await ada.committed()
        async with Tab(server, path) as ben:
            await ben.until(lambda: ben.events, "the tab is told")
            assert ben.events[0].params == {"cells": ["cell-1"]}, "what was changed since is not trusted"
    unsigned = server.notebook("unsigned.ipynb", "a = 1")
    notebook = server.read(unsigned)
    notebook["cells"][0]["outputs"] = [rich]
    (server.root / unsigned).write_text(json.dumps(notebook))
    async with Tab(server, unsigned) as eve:
        await eve.save()
        assert eve.events == []


@pytest.mark.parametrize("watched", [False, True], ids=["after everybody left", "while somebody looks on"])
async def test_a_new_file_of_the_name_of_a_deleted_one_is_another_file(server, watched):
    path = f"again-{watched}.ipynb"
    server.notebook(path, "old")
    async with Tab(server, path) as ada:
        ada.cell(0)["source"].insert(0, "very ")
        await ada.save()
        if watched:
            await asyncio.to_thread(server.api, f"/api/contents/{path}", "DELETE")
            await ada.until(lambda: ada.events, "the tab is told")
            assert ada.events[-1].params["code"] == "deleted"
            ada.cell(0)["source"].insert(0, "very ")
            await ada.committed()
    if not watched:
        await asyncio.to_thread(server.api, f"/api/contents/{path}", "DELETE")
    server.notebook(path)
    async with Tab(server, path) as ben:
        assert ben.sources == [""]
        assert ben.welcome.room != ada.welcome.room


async def test_a_deleted_notebook_that_somebody_saves_again_is_itself(server):
    path = server.notebook("saved-again.ipynb", "a = 1")
    async with Tab(server, path) as ada:
        await asyncio.to_thread(server.api, f"/api/contents/{path}", "DELETE")
        await ada.until(lambda: ada.events, "the tab is told")
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
    async with Tab(server, path, doc=ada.doc, lineage=ada.welcome.lineage) as back:
        assert back.closed is None and back.sources == server.sources(path) == ["# a = 1"]
