"""A file that is gone, damaged or emptied empties nothing, and is written over on demand only."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from pycrdt import Array
from support.tied import Room, Server, code, notebook, until

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.origins import Origin


async def test_a_deleted_file_is_made_anew_only_on_demand(server: Server) -> None:
    server.write("a.ipynb", notebook(code("a", "1")))
    room = await server.open("a.ipynb", save_delay=0.01, poll_interval=0.01)
    (server.folder / "a.ipynb").unlink()
    room.type("typed ")
    await until(lambda: room.codes == ["deleted"])
    assert room.file.deleted
    assert room.sources == ["typed 1"]
    assert room.state["dirty"] is True
    assert not (server.folder / "a.ipynb").exists()
    await room.file.save()
    assert server.sources("a.ipynb") == ["typed 1"]
    assert not room.file.deleted
    assert room.state["dirty"] is False


async def test_a_file_that_comes_back_is_taken_up_again(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1"), code("b", "2")))
    room = await plain.open("a.ipynb", save_delay=0.01, poll_interval=0.01)
    (plain.folder / "a.ipynb").unlink()
    await until(lambda: room.file.deleted)
    room.type("typed ")
    plain.write("a.ipynb", notebook(code("a", "1"), code("b", "2 back")))
    await until(lambda: room.sources == plain.sources("a.ipynb") == ["typed 1", "2 back"])
    await until(lambda: room.file.problem is None)


@pytest.mark.parametrize(
    "damage", ["", "{", '{"cells": [', "[]", '{"cells": 5, "nbformat": 4, "nbformat_minor": 5}']
)
async def test_a_damaged_file_never_empties_the_room(plain: Server, damage: str) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb", save_delay=0.01, poll_interval=0.01)
    plain.write("a.ipynb", damage)
    await until(lambda: room.notices)
    room.type("typed ")
    await until(lambda: room.file._schedule._timer is None)
    assert room.codes[0] in {"unreadable", "not-merged"}
    assert room.sources == ["typed 1"]
    assert (plain.folder / "a.ipynb").read_text() == damage
    assert len(set(room.notices)) == len(room.notices)
    plain.write("a.ipynb", notebook(code("a", "1"), code("b", "repaired")))
    await until(lambda: room.sources == plain.sources("a.ipynb") == ["typed 1", "repaired"])
    assert room.file.problem is None


async def test_damage_is_told_also_where_the_time_of_the_file_does_not_tell(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb", poll_interval=0.01)
    file = plain.folder / "a.ipynb"
    time = file.stat().st_mtime_ns
    (plain.folder / "new").write_text("{")
    os.utime(plain.folder / "new", ns=(time, time))
    (plain.folder / "new").replace(file)
    await until(lambda: room.codes == ["unreadable"])


@pytest.mark.parametrize("damage", ["", "{"])
async def test_a_damaged_file_is_written_over_on_demand(plain: Server, damage: str) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    plain.write("a.ipynb", damage)
    await room.file.save()
    assert plain.sources("a.ipynb") == ["1"]


async def test_an_emptied_file_is_not_merged_but_written_over_on_demand(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    plain.write("a.txt", "text")
    book, text = await plain.open("a.ipynb"), await plain.open("a.txt", "file", "text")
    plain.write("a.ipynb", notebook())
    plain.write("a.txt", "")
    for room in (book, text):
        await room.file.poll()
        assert room.codes == ["not-merged"]
        await room.file.poll()
        assert room.codes == ["not-merged"]
        await room.file.save()
        assert room.file.problem is None
    assert plain.sources("a.ipynb") == book.sources == ["1"]
    assert (plain.folder / "a.txt").read_text() == text.text == "text"


@pytest.mark.parametrize("damage", ["", "{"])
async def test_a_damaged_file_cannot_be_opened(plain: Server, damage: str) -> None:
    plain.write("a.ipynb", damage)
    room = Room(plain.contents, "a.ipynb", "notebook", "json")
    with pytest.raises(ChannelClosed) as refused:
        await room.file.load()
    assert refused.value.code == "unreadable"
    plain.write("a.bin", "x")
    (plain.folder / "a.bin").write_bytes(b"\xff\xfe")
    with pytest.raises(ChannelClosed) as refused:
        await Room(plain.contents, "a.bin", "file", "text").file.load()
    assert refused.value.code == "unreadable"
    with pytest.raises(ChannelClosed) as refused:
        await Room(plain.contents, "none.ipynb", "notebook", "json").file.load()
    assert refused.value.code == "not-found"


async def test_an_old_notebook_is_upgraded_only_on_demand(plain: Server) -> None:
    cell = {"cell_type": "code", "input": "x = 1", "language": "python", "outputs": [], "metadata": {}}
    old = {
        "metadata": {"name": "old"},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": [cell, {**cell, "input": "y = 2"}], "metadata": {}}],
    }
    plain.write("a.ipynb", old)
    room, other = await plain.open("a.ipynb", save_delay=0.01), await plain.open("a.ipynb")
    assert room.cells == other.cells
    room.type("typed ")
    await until(lambda: room.codes)
    assert room.codes == ["upgrade"]
    assert plain.read("a.ipynb") == old
    await room.file.poll()
    assert room.sources == ["typed x = 1", "y = 2"]
    await room.file.save()
    assert plain.read("a.ipynb")["nbformat"] == 4
    assert plain.sources("a.ipynb") == ["typed x = 1", "y = 2"]
    assert [cell["id"] for cell in plain.read("a.ipynb")["cells"]] == [cell["id"] for cell in room.cells]
    checkpoint = next((plain.folder / ".ipynb_checkpoints").iterdir())
    assert json.loads(checkpoint.read_text()) == old
    room.type("more ")
    await until(lambda: plain.sources("a.ipynb")[0] == "more typed x = 1")


async def test_a_document_that_lost_its_cells_does_not_empty_the_file(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1"), code("b", "2")))
    room = await plain.open("a.ipynb", save_delay=0.01)
    cells: Array[Any] = room.doc.get("cells", type=Array)
    with room.doc.transaction(origin=Origin("remote")):
        cells.clear()
    await until(lambda: room.codes == ["emptied"])
    assert plain.sources("a.ipynb") == ["1", "2"]
    await room.file.save()
    assert plain.sources("a.ipynb") == [""]
