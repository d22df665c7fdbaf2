"""What is done to the file outside is noticed and merged."""

from __future__ import annotations

import json
import os

from pycrdt import Array
from support.tied import Room, Server, code, display, notebook, until


async def test_a_change_outside_is_noticed_and_merged(server: Server) -> None:
    server.write("a.ipynb", notebook(code("a", "1"), code("b", "2")))
    room = await server.open("a.ipynb", poll_interval=0.02)
    room.type("typed ")
    server.write("a.ipynb", notebook(code("a", "1"), code("b", "2!"), code("c", "3")))
    await until(lambda: room.sources == ["typed 1", "2!", "3"])
    assert room.notices == []
    assert room.state["dirty"] is True
    await room.file.save()
    assert server.sources("a.ipynb") == ["typed 1", "2!", "3"]
    assert room.state["dirty"] is False


async def test_a_change_outside_leaves_a_clean_document_clean(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    plain.write("a.ipynb", notebook(code("a", "2")))
    await room.file.poll()
    assert room.sources == ["2"]
    assert room.state["dirty"] is False
    assert room.state["hash"] == room.saved[-1][0].hash
    assert not room.file.unsaved


async def test_a_change_that_the_watch_has_not_seen_is_merged_before_saving(server: Server) -> None:
    server.write("a.ipynb", notebook(code("a", "1"), code("b", "2")))
    room = await server.open("a.ipynb")
    room.type("typed ")
    server.write("a.ipynb", notebook(code("b", "2 outside")))
    await room.file.save()
    assert server.sources("a.ipynb") == room.sources == ["typed 1", "2 outside"]
    assert room.codes == ["merged"]  # a cell edited here was deleted there


async def test_a_change_within_the_same_moment_is_told_by_its_bytes(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    before = (plain.folder / "a.ipynb").stat()
    plain.write("a.ipynb", notebook(code("a", "2")))
    os.utime(plain.folder / "a.ipynb", ns=(before.st_atime_ns, before.st_mtime_ns))
    room.type("x")
    await room.file.save()
    assert "2" in plain.sources("a.ipynb")[0]


async def test_a_file_behind_a_link_is_watched_too(plain: Server) -> None:
    plain.write("real.ipynb", notebook(code("a", "1")))
    (plain.folder / "link.ipynb").symlink_to("real.ipynb")
    room = await plain.open("link.ipynb", poll_interval=0.005)
    plain.write("real.ipynb", notebook(code("a", "2")))
    await until(lambda: room.sources == ["2"])
    room.type("x")
    await room.file.save()
    assert plain.sources("real.ipynb") == ["x2"]
    assert (plain.folder / "link.ipynb").is_symlink()


async def test_text_saved_by_another_editor_is_merged(server: Server) -> None:
    server.write("a.py", "one\ntwo\nthree\n")
    room = await server.open("a.py", "file", "text")
    room.type_text("typed\n")
    server.write("a.py", "one\ntwo\nTHREE\n")
    await room.file.poll()
    assert room.text == "typed\none\ntwo\nTHREE\n"


async def test_a_file_that_was_only_touched_changes_nothing(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    before = room.doc.get_state()
    os.utime(plain.folder / "a.ipynb")
    await room.file.poll()
    assert room.doc.get_state() == before


async def test_a_run_of_an_earlier_version_brings_its_outputs_and_deletes_nothing(server: Server) -> None:
    """As of `nbconvert --inplace --execute`, which reads the file, takes its time, and writes it."""
    server.write("a.ipynb", notebook(code("a", "1"), code("b", "2"), code("c", "3")))
    room = await server.open("a.ipynb")
    for word in ("typed ", "more "):
        room.type(word)
        await room.file.save()
    with room.doc.transaction():
        del room.doc.get("cells", type=Array)[2]
    await room.file.save()
    server.write("a.ipynb", notebook(code("a", "1", display("out")), code("b", "2"), code("c", "3")))
    await room.file.poll()
    assert room.sources == ["more typed 1", "2"]
    assert room.doc.get("cells", type=Array).to_py()[0]["outputs"] == [display("out")]
    await room.file.save()
    assert server.sources("a.ipynb") == room.sources


async def test_an_earlier_version_that_is_put_back_is_what_somebody_wants(server: Server) -> None:
    server.write("a.ipynb", notebook(code("a", "1", display("out")), code("b", "2")))
    before = (server.folder / "a.ipynb").read_bytes()
    room = await server.open("a.ipynb")
    for back in (before, notebook(code("a", "1"), code("b", "2"))):  # also without its outputs
        room.type("typed ")
        await room.file.save()
        server.write("a.ipynb", back if isinstance(back, dict) else json.loads(back))
        await room.file.poll()
        assert room.sources == ["1", "2"]


async def test_what_happened_while_the_server_was_off_is_merged(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1"), code("b", "2")))
    first = await plain.open("a.ipynb")
    first.type("unsaved ")
    log, base = first.doc.get_update(), first.file.base
    plain.write("a.ipynb", notebook(code("a", "1"), code("b", "2 outside")))
    room = Room(plain.contents, "a.ipynb", "notebook", "json", save_delay=0.01)
    plain.rooms = [room]
    await room.file.load()
    room.doc.apply_update(log)
    await room.file.begin(base)
    assert room.sources == ["unsaved 1", "2 outside"]
    await until(lambda: plain.sources("a.ipynb") == ["unsaved 1", "2 outside"])
