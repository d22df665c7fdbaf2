"""An editor saves the file while it is being saved here: it takes no turns, and nothing of it is written over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from pycrdt import Text
from support.tied import Room, Server, code, notebook

from rtc_widgets.origins import Origin


def nothing() -> None:
    """Stand in for an editor that does nothing."""


class Meddled(AsyncLargeFileManager):  # type: ignore[misc]
    """Let an editor save at three moments of a save, once each."""

    before_copy: Callable[[], None] = staticmethod(nothing)
    half_written: Callable[[], None] = staticmethod(nothing)
    after: Callable[[], None] = staticmethod(nothing)
    writes = 0

    def once(self, moment: str) -> None:
        editor = getattr(self, moment)
        setattr(self, moment, nothing)
        editor()

    @contextmanager
    def atomic_writing(self, *args: Any, **options: Any) -> Iterator[Any]:
        self.writes += 1
        self.once("before_copy")
        with super().atomic_writing(*args, **options) as file:
            self.once("half_written")
            yield file

    async def _save_notebook(self, *args: Any, **options: Any) -> None:
        await super()._save_notebook(*args, **options)
        self.once("after")


@pytest.fixture
async def open_room(tmp_path: Path) -> Any:
    server = Server(tmp_path, Meddled)
    server.write("a.ipynb", notebook(code("a", "1"), code("b", "2")))
    yield server, await server.open("a.ipynb")
    for room in server.rooms:
        await room.file.aclose()


def in_place(server: Server, text: str) -> None:
    (server.folder / "a.ipynb").write_text(text)


def renamed(server: Server, text: str) -> None:
    server.write("a.ipynb", text)


OUTSIDE = json.dumps(notebook(code("a", "1"), code("b", "2 outside")))


def nothing_is_lost(server: Server, room: Room) -> None:
    assert room.sources == server.sources("a.ipynb") == ["typed 1", "2 outside"]
    assert room.notices == [] and room.state["dirty"] is False
    # Neither a half nor a copy is left behind.
    left = {file.name for file in server.folder.iterdir()}
    assert left == {"a.ipynb", ".ipynb_checkpoints"}


@pytest.mark.parametrize("way", [in_place, renamed])
async def test_an_editor_that_saves_before_the_file_is_opened(open_room: Any, way: Any) -> None:
    server, room = open_room
    meddled = False

    def hook(**_: Any) -> None:
        nonlocal meddled
        if not meddled:
            meddled = True
            way(server, OUTSIDE)

    server.contents.pre_save_hook = hook
    room.type("typed ")
    await room.file.save()
    nothing_is_lost(server, room)
    assert server.contents.writes == 1, "nothing was opened that had been changed"


@pytest.mark.parametrize("way", [in_place, renamed])
async def test_an_editor_that_saves_right_before_the_copy_is_made(open_room: Any, way: Any) -> None:
    server, room = open_room
    server.contents.before_copy = lambda: way(server, OUTSIDE)
    room.type("typed ")
    await room.file.save()
    nothing_is_lost(server, room)


async def test_an_editor_that_puts_another_file_in_the_place_of_a_half_written_one(open_room: Any) -> None:
    server, room = open_room
    server.contents.half_written = lambda: renamed(server, OUTSIDE)
    room.type("typed ")
    await room.file.save()
    nothing_is_lost(server, room)


async def test_an_editor_that_had_the_file_open_and_saves_right_after_us(open_room: Any) -> None:
    server, room = open_room
    server.contents.after = lambda: in_place(server, OUTSIDE)
    room.type("typed ")
    await room.file.save()
    assert room.sources == ["typed 1", "2 outside"]
    await room.file.save()
    nothing_is_lost(server, room)


async def test_an_editor_that_makes_a_text_shorter_has_not_left_half_of_ours(open_room: Any) -> None:
    server, _ = open_room
    server.write("a.txt", "1\n2\n3\n4\n")
    room = await server.open("a.txt", "file", "text")
    server.contents.before_copy = lambda: (server.folder / "a.txt").write_text("1\n")
    with room.doc.transaction(origin=Origin("remote", "ada")):
        room.doc.get("source", type=Text).insert(8, "typed\n")
    await room.file.save()
    assert (server.folder / "a.txt").read_text() == room.text == "1\ntyped\n"


async def test_a_server_that_takes_us_for_dead_while_we_write(open_room: Any) -> None:
    """jupyter_server finds half a notebook, puts it aside and brings back the copy of what it was before."""
    server, room = open_room
    other = FileContentsManager(root_dir=str(server.folder))
    server.contents.half_written = lambda: other.get("a.ipynb")
    room.type("typed ")
    await room.file.save()
    assert room.sources == server.sources("a.ipynb") == ["typed 1", "2"]
    assert not list(server.folder.glob("*.invalid"))


async def test_a_file_that_somebody_makes_where_it_was_deleted(open_room: Any) -> None:
    server, room = open_room
    room.type("typed ")
    (server.folder / "a.ipynb").unlink()
    server.contents.before_copy = lambda: in_place(server, OUTSIDE)
    await room.file.save()
    nothing_is_lost(server, room)


async def test_a_file_that_was_only_touched_is_written(open_room: Any) -> None:
    server, room = open_room
    server.contents.pre_save_hook = lambda **_: in_place(server, (server.folder / "a.ipynb").read_text())
    room.type("typed ")
    await room.file.save()
    assert server.sources("a.ipynb") == ["typed 1", "2"]
    assert server.contents.writes == 1


async def test_a_copy_that_a_crash_has_left_is_not_what_was_written_over(open_room: Any) -> None:
    server, room = open_room
    server.contents.use_atomic_writing = False
    (server.folder / ".~a.ipynb").write_text(OUTSIDE)
    room.type("typed ")
    await room.file.save()
    assert room.sources == server.sources("a.ipynb") == ["typed 1", "2"]


async def test_the_saves_of_others_are_not_looked_at(open_room: Any) -> None:
    server, room = open_room
    room.type("typed ")
    await room.file.save()
    model = {"type": "notebook", "format": "json", "content": json.loads(OUTSIDE)}
    await server.contents.save(model, "a.ipynb")
    await room.file.poll()
    assert room.sources == ["1", "2 outside"]
