"""What is open is saved to its file, once and no more than that."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import nbformat
import pytest
from pycrdt import Array, Map
from support.tied import Server, code, notebook, until

from rtc_widgets.documents.ycells import new_ycell
from rtc_widgets.origins import Origin


async def test_opening_writes_nothing(server: Server) -> None:
    server.write("a.ipynb", notebook(code("a", "1")))
    before = (server.folder / "a.ipynb").stat()
    room = await server.open("a.ipynb")
    answer = await room.file.save()
    after = (server.folder / "a.ipynb").stat()
    # Not all of it: reading changes the time of the last access.
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )
    assert answer["hash"] == room.state["hash"]
    assert room.state == {"path": "a.ipynb", "hash": answer["hash"], "dirty": False}
    assert room.notices == []


async def test_a_change_is_saved_after_a_pause_and_the_document_is_clean_again(server: Server) -> None:
    server.write("a.ipynb", notebook(code("a", "1"), kernelspec={"name": "x", "display_name": "X"}))
    room = await server.open("a.ipynb", save_delay=0.05)
    room.type("typed ")
    await until(lambda: room.state["dirty"])
    await until(lambda: not room.state["dirty"])
    assert server.sources("a.ipynb") == ["typed 1"]
    model = server.contents.get("a.ipynb", content=False, require_hash=True)
    if asyncio.iscoroutine(model):
        model = await model
    assert room.state["hash"] == model["hash"] == room.saved[-1][0].hash
    assert server.read("a.ipynb")["metadata"] == {"kernelspec": {"name": "x", "display_name": "X"}}
    nbformat.validate(server.read("a.ipynb"))


async def test_our_own_bookkeeping_is_not_saved_again(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb", save_delay=0.01)
    room.type("x")
    await until(lambda: len(room.saved) == 2 and not room.state["dirty"])
    update = room.doc.get_state()
    for _ in range(20):
        await asyncio.sleep(0)
    assert room.file._schedule._timer is None
    assert room.doc.get_state() == update


async def test_who_types_without_a_pause_is_saved_all_the_same(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "")))
    room = await plain.open("a.ipynb", save_delay=5.0, save_max_wait=0.2)
    typed = 0

    def saved() -> bool:
        nonlocal typed
        room.type("x")
        typed += 1
        return bool(plain.sources("a.ipynb")[0])

    await until(saved)
    assert 0 < len(plain.sources("a.ipynb")[0]) <= typed


async def test_what_is_typed_while_it_is_saved_is_saved_next(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "")))
    room = await plain.open("a.ipynb", save_delay=0.02)
    write = plain.contents._save_notebook

    async def slow(*args: Any, **kwargs: Any) -> None:
        plain.contents._save_notebook = write
        await write(*args, **kwargs)
        room.type("second ")

    plain.contents._save_notebook = slow
    room.type("first")
    await until(lambda: plain.sources("a.ipynb") == ["second first"])
    await until(lambda: not room.state["dirty"])


async def test_saves_asked_for_together_are_one(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    room.type("typed ")
    answers = await asyncio.gather(*(room.file.save() for _ in range(10)))
    assert len({answer["hash"] for answer in answers}) == 1
    assert len(room.saved) == 2  # the opening and one write
    room.type("more ")
    assert (await room.file.save())["hash"] != answers[0]["hash"]


async def test_closing_saves(server: Server) -> None:
    server.write("a.ipynb", notebook(code("a", "1")))
    room = await server.open("a.ipynb")
    room.type("typed ")
    await room.file.aclose()
    assert server.sources("a.ipynb") == ["typed 1"]


async def test_nothing_is_added_to_a_notebook_without_metadata(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    room.type("x")
    await room.file.save()
    assert plain.read("a.ipynb")["metadata"] == {}


async def test_text_keeps_its_line_ends(server: Server) -> None:
    server.write("a.txt", "öne\r\ntwo\r\n")
    room = await server.open("a.txt", "file", "text")
    assert room.text == "öne\ntwo\n"
    room.type_text("zero\n")
    await room.file.save()
    assert (server.folder / "a.txt").read_bytes() == "zero\r\nöne\r\ntwo\r\n".encode()


async def test_bytes_come_and_go(plain: Server) -> None:
    (plain.folder / "a.bin").write_bytes(b"\0\xff")
    room = await plain.open("a.bin", "blob", "base64")
    source: Map[Any] = room.doc.get("source", type=Map)
    assert bytes(source["bytes"]) == b"\0\xff"
    source["bytes"] = b"\1"
    await room.file.save()
    assert (plain.folder / "a.bin").read_bytes() == b"\1"
    (plain.folder / "a.bin").write_bytes(b"\2")
    os.utime(plain.folder / "a.bin", ns=(1, 1))
    await room.file.poll()
    assert bytes(source["bytes"]) == b"\2"


async def test_an_old_minor_version_stays_and_its_ids_are_stable(plain: Server) -> None:
    content = notebook(code(None, "1"), code(None, "1"), code(None, "2"), minor=4)
    plain.write("a.ipynb", content)
    plain.write("b.ipynb", content)
    room, other = await plain.open("a.ipynb"), await plain.open("b.ipynb")
    ids = [cell["id"] for cell in room.cells]
    assert ids == [cell["id"] for cell in other.cells]
    room.type("typed ", cell=2)
    await room.file.save()
    written = plain.read("a.ipynb")
    assert written["nbformat_minor"] == 4
    assert not any("id" in cell for cell in written["cells"])
    assert [cell["id"] for cell in room.file.base["cells"]] == ids
    written["cells"].insert(0, code(None, "outside"))
    plain.write("a.ipynb", written)
    await room.file.poll()
    assert [cell["id"] for cell in room.cells][1:] == ids


@pytest.mark.filterwarnings("ignore::nbformat.warnings.MissingIDFieldWarning")
@pytest.mark.filterwarnings("ignore::nbformat.warnings.DuplicateCellId")
async def test_missing_and_doubled_ids_are_the_same_on_each_reading(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code(None, "1"), code("k", "2"), code("k", "3"), code("0a1b2c3d", "4")))
    one, other = await plain.open("a.ipynb"), await plain.open("a.ipynb")
    assert one.cells == other.cells
    assert [cell["id"] for cell in one.cells][1::2] == ["k", "0a1b2c3d"]
    await one.file.poll()
    one.type("x")
    await one.file.save()
    assert [cell["id"] for cell in plain.read("a.ipynb")["cells"]] == [cell["id"] for cell in one.cells]


async def test_a_cell_that_stands_twice_is_settled_before_it_is_saved(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1"), code("b", "2")))
    room = await plain.open("a.ipynb")
    room.doc.get("cells", type=Array).append(new_ycell(code("a", "1")))
    room.doc.get("cells", type=Array).append(new_ycell(code("b", "other")))
    await room.file.save()
    assert room.sources == plain.sources("a.ipynb") == ["1", "2", "other"]
    assert len({cell["id"] for cell in room.cells}) == 3


async def test_the_log_has_what_the_file_gets(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    logged: list[str] = []

    async def commit() -> None:
        await asyncio.sleep(0)
        logged.append(plain.sources("a.ipynb")[0])

    room.file.before_save = commit
    room.type("typed ")
    await room.file.save()
    assert (logged, plain.sources("a.ipynb")) == (["1"], ["typed 1"])


async def test_what_is_typed_after_the_log_was_written_waits_for_the_next_save(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")

    async def commit() -> None:
        room.type("late ")

    room.file.before_save = commit
    room.type("typed ")
    await room.file.save()
    assert plain.sources("a.ipynb") == ["typed 1"]
    assert room.file.unsaved


async def test_a_change_outside_while_the_log_is_written_is_merged_first(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1"), code("b", "2")))
    room = await plain.open("a.ipynb")

    async def commit() -> None:
        if plain.sources("a.ipynb") == ["1", "2"]:
            plain.write("a.ipynb", notebook(code("a", "1"), code("b", "outside")))

    room.file.before_save = commit
    room.type("typed ")
    await room.file.save()
    assert plain.sources("a.ipynb") == room.sources == ["typed 1", "outside"]


async def test_who_writes_what_the_document_has_doubles_no_cell_without_an_id(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code(None, "1"), minor=4))
    room = await plain.open("a.ipynb")
    room.type("typed ")
    with room.doc.transaction(origin=Origin("remote", "ada")):
        room.doc.get("cells", type=Array).append(new_ycell(code("new", "2")))
    for changed in ({}, {"by": "a program"}):
        plain.write("a.ipynb", notebook(code(None, "typed 1"), code(None, "2"), minor=4, **changed))
        await room.file.poll()
        assert [cell["source"] for cell in room.cells] == ["typed 1", "2"]
    assert room.cells[1]["id"] == "new"
    assert room.codes == []
