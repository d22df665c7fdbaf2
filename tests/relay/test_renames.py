"""A file is followed when it is renamed, whatever was under way."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable
from typing import Any

import pytest
from support.tied import Room, Server, code, notebook, until

from rtc_widgets.errors import ChannelClosed


async def test_a_rename_is_followed(server: Server) -> None:
    server.write("a.ipynb", notebook(code("a", "1")))
    room = await server.open("a.ipynb")
    room.type("typed ")
    renamed: Awaitable[None] | None = server.contents.rename_file("a.ipynb", "b.ipynb")
    if renamed is not None:
        await renamed
    await room.file.renamed("b.ipynb")
    assert (room.file.path, room.state["path"]) == ("b.ipynb", "b.ipynb")
    await room.file.save()
    assert server.sources("b.ipynb") == ["typed 1"]
    assert not (server.folder / "a.ipynb").exists()


async def test_a_rename_that_the_watch_sees_first_is_no_deletion(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    (plain.folder / "a.ipynb").rename(plain.folder / "b.ipynb")
    await room.file.poll()
    await room.file.renamed("b.ipynb")
    await room.file.poll()
    assert room.notices == []
    assert not room.file.deleted


@pytest.mark.parametrize("watched", [False, True])
async def test_a_save_that_made_the_old_name_anew_is_taken_back(plain: Server, watched: bool) -> None:
    """The file is renamed, a save is under way to the old name, and only then the rename is told."""
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb", save_delay=0.01)
    room.type("0 ")
    await room.file.save()
    room.type("typed ")
    (plain.folder / "a.ipynb").rename(plain.folder / "b.ipynb")
    await room.file.save()
    assert plain.sources("a.ipynb") == ["typed 0 1"], "what nobody could know"
    room.type("more ")
    await room.file.renamed("b.ipynb")
    assert not (plain.folder / "a.ipynb").exists()
    if watched:
        await room.file.poll()
    await until(lambda: plain.sources("b.ipynb") == ["more typed 0 1"])
    assert room.sources == ["more typed 0 1"]
    assert room.notices == []


async def _cut_short(room: Room, plain: Server) -> None:
    """Save while the file is renamed: the save wrote, but finds nothing under the old name to read back."""
    save = plain.contents.save

    async def save_and_rename(model: Any, path: str) -> Any:
        saved = await save(model, path)
        (plain.folder / path).rename(plain.folder / "b.ipynb")
        return saved

    plain.contents.save = save_and_rename
    with pytest.raises(ChannelClosed):
        await room.file.save()
    plain.contents.save = save


@pytest.mark.parametrize(
    "outside", ["typed\nfirst\nother\n1", "other\ntyped\nfirst\n1", "typed\nother\nfirst\n1"]
)
async def test_a_save_cut_short_by_a_rename_is_no_change_outside(plain: Server, outside: str) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    room.type("typed\nfirst\n")
    await _cut_short(room, plain)
    room.type("more\n")
    # Somebody changes it before we are told where it is, in the very cell that we wrote.
    plain.write("b.ipynb", notebook(code("a", outside)))
    await room.file.renamed("b.ipynb")
    await room.file.poll()
    assert sorted(room.sources[0].split("\n")) == ["1", "first", "more", "other", "typed"]
    await room.file.save()
    assert plain.sources("b.ipynb") == room.sources


async def test_a_save_that_a_crash_cut_short_is_no_change_outside(plain: Server) -> None:
    """The server wrote the file and ended before it could note that; then somebody changed the cell that it wrote."""
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    noted: list[Any] = [room.file.base, None]

    async def note(content: Any) -> None:
        noted[1] = content

    room.file.on_saving = note
    room.type("typed\nfirst\n")
    await room.file.save()
    plain.write("a.ipynb", notebook(code("a", "typed\nother\nfirst\n1")))
    again = Room(plain.contents, "a.ipynb", "notebook", "json")
    again.doc.apply_update(room.doc.get_update())
    again.type("more\n")
    plain.rooms = [again]
    await again.file.load()
    await again.file.begin(noted[0], noted[1])
    assert sorted(again.sources[0].split("\n")) == ["1", "first", "more", "other", "typed"]


async def test_a_save_cut_short_by_a_rename_is_done_again(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    room.type("typed\n")
    await _cut_short(room, plain)
    room.type("more\n")
    await room.file.renamed("b.ipynb")
    await room.file.poll()
    await room.file.save()
    assert plain.sources("b.ipynb") == room.sources == ["more\ntyped\n1"]
    assert not (plain.folder / "a.ipynb").exists()


async def test_what_was_not_saved_because_of_a_rename_is_saved_after_it(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb", save_delay=0.01)
    (plain.folder / "a.ipynb").rename(plain.folder / "b.ipynb")
    room.type("typed ")
    await until(lambda: room.file._schedule._timer is None and not room.file._tasks)
    await room.file.renamed("b.ipynb")
    await until(lambda: plain.sources("b.ipynb") == ["typed 1"])
    assert not (plain.folder / "a.ipynb").exists()


async def test_a_file_that_is_deleted_while_another_is_made_was_not_moved(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    await room.file.poll()
    # Most file systems give the number of a file that is gone to the next one: so give it what it would have.
    (plain.folder / "a.ipynb").rename(plain.folder / "new.ipynb")
    (plain.folder / "new.ipynb").write_text(json.dumps(notebook(code("b", "another"))))
    await room.file.poll()
    await room.file.poll()
    assert room.codes == ["deleted"] and room.file.path == "a.ipynb"


async def test_a_file_that_is_deleted_while_its_like_is_made_was_not_moved(plain: Server) -> None:
    """One new notebook holds what every new notebook holds."""
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    await room.file.poll()
    # As above: the number of the one that is gone, and its bytes, but written later.
    (plain.folder / "a.ipynb").rename(plain.folder / "new.ipynb")
    written = (plain.folder / "new.ipynb").stat().st_mtime_ns
    os.utime(plain.folder / "new.ipynb", ns=(written, written + 10**9))
    for _ in range(2):
        await room.file.poll()
    assert room.codes == ["deleted"] and room.file.path == "a.ipynb"


async def test_a_file_is_followed_that_was_renamed_right_after_it_was_saved(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    room.type("typed ")
    await room.file.save()
    (plain.folder / "a.ipynb").rename(plain.folder / "b.ipynb")
    told: list[str] = []
    room.file._disk.tell_rename = told.append
    for _ in range(2):
        await room.file.poll()
    assert told == ["b.ipynb"] and room.codes == []


async def test_a_move_that_nobody_follows_is_told_as_a_deletion(plain: Server) -> None:
    plain.write("a.ipynb", notebook(code("a", "1")))
    room = await plain.open("a.ipynb")
    (plain.folder / "a.ipynb").rename(plain.folder / "b.ipynb")
    await room.file.poll()
    await room.file.poll()
    assert room.codes == []
    await room.file.poll()
    assert room.codes == ["deleted"]
