"""A file and a live document are kept in step, through a real contents manager."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import MemorySignatureStore
from pycrdt import Array, Doc, Map, Text

from rtc_widgets.documents.seed import seed
from rtc_widgets.documents.ycells import new_ycell, read_cells
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.origins import Origin
from rtc_widgets.relay.files import RoomFile

if TYPE_CHECKING:
    from pathlib import Path

    from rtc_widgets.relay.disk import Stat

NEVER = 3600.0


async def until(fact: Callable[[], Any], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.005)


def code(name: str | None, source: str, *outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    cell = {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": list(outputs),
        "execution_count": None,
    }
    return {**cell, **more} if name is None else {**cell, **more, "id": name}


def notebook(*cells: dict[str, Any], minor: int = 5, **metadata: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


def display(text: str) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"text/html": text}, "metadata": {}}


class Room:
    """The document and its file, as the relay ties them."""

    def __init__(self, contents: Any, path: str, type_: str, format_: str, **times: float) -> None:
        self.doc: Doc[Any] = Doc()
        self.type_ = type_
        self.notices: list[tuple[str, str]] = []
        self.saved: list[tuple[Stat, Any]] = []
        self.writable: list[bool] = []
        times = {"save_delay": NEVER, "save_max_wait": NEVER, "poll_interval": NEVER, **times}
        self.file = RoomFile(contents, path, type_, format_, self.doc, **times)
        self.file.on_notice = lambda level, code, message: self.notices.append((code, message))
        self.file.on_saved = self._on_saved
        self.file.on_writable = self.writable.append
        self._subscription = self.doc.observe(self._on_transaction)

    def _on_transaction(self, event: Any) -> None:
        # As the room does: once a turn of the loop, not within the observer.
        asyncio.get_running_loop().call_soon(self.file.changed)

    async def _on_saved(self, stat: Stat, base: Any) -> None:
        self.saved.append((stat, base))

    async def seed(self) -> Room:
        version = await self.file.load()
        made = seed(self.type_, version.content)
        self.doc.apply_update(made.update)
        await self.file.begin(made.content)
        return self

    @property
    def cells(self) -> list[dict[str, Any]]:
        return read_cells(self.doc)

    @property
    def sources(self) -> list[str]:
        return [cell["source"] for cell in self.cells]

    @property
    def text(self) -> str:
        return str(self.doc.get("source", type=Text))

    @property
    def state(self) -> dict[str, Any]:
        result: dict[str, Any] = self.doc.get("state", type=Map).to_py()
        return result

    @property
    def codes(self) -> list[str]:
        return [code for code, _ in self.notices]

    def type(self, text: str, cell: int = 0) -> None:
        with self.doc.transaction(origin=Origin("remote", "ada")):
            self.doc.get("cells", type=Array)[cell]["source"].insert(0, text)

    def type_text(self, text: str) -> None:
        with self.doc.transaction(origin=Origin("remote", "ada")):
            self.doc.get("source", type=Text).insert(0, text)


class Server:
    """A contents manager on a folder, and the rooms that were opened with it."""

    def __init__(self, folder: Path, manager: type[Any] = AsyncLargeFileManager) -> None:
        self.folder = folder
        self.contents = manager(root_dir=str(folder), delete_to_trash=False)
        self.contents.notary.store = MemorySignatureStore()
        self.rooms: list[Room] = []

    def write(self, path: str, content: Any) -> None:
        # Renamed into place like git does it, with a time of its own.
        text = content if isinstance(content, str) else json.dumps(content)
        target, new = self.folder / path, self.folder / f"{path}.new"
        new.write_bytes(text.encode())
        before = target.stat().st_mtime_ns if target.exists() else 0
        now = time.time_ns()
        if now <= before:
            os.utime(new, ns=(before + 1_000_000, before + 1_000_000))
        new.replace(target)

    def read(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text())

    def sources(self, path: str) -> list[str]:
        try:
            content = self.read(path)
        except ValueError:  # the contents manager is writing it
            return [""]
        return ["".join(cell["source"]) for cell in content["cells"]]

    async def open(self, path: str, type_: str = "notebook", format_: str = "json", **times: float) -> Room:
        room = Room(self.contents, path, type_, format_, **times)
        self.rooms.append(room)
        return await room.seed()


@pytest.fixture(params=[AsyncLargeFileManager, FileContentsManager])
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    server = Server(tmp_path, request.param)
    yield server
    for room in server.rooms:
        await room.file.aclose()


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path)
    yield server
    for room in server.rooms:
        await room.file.aclose()


# --- saving


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


# --- ids


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


# --- changed outside


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


# --- hooks and trust


def strip_outputs(model: dict[str, Any], **_: Any) -> None:
    if model["type"] == "notebook":
        for cell in model["content"]["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"] = []
                cell["execution_count"] = None


async def test_a_hook_that_strips_outputs_leaves_the_live_ones(server: Server) -> None:
    server.contents.pre_save_hook = strip_outputs
    server.write("a.ipynb", notebook(code("a", "1", display("<b>"), execution_count=1), code("b", "2")))
    room = await server.open("a.ipynb")
    room.type("typed ")
    await room.file.save()
    assert server.read("a.ipynb")["cells"][0]["outputs"] == []
    assert room.file.base["cells"][0]["outputs"] == []
    assert room.cells[0]["outputs"] == [display("<b>")]
    assert room.state["dirty"] is False
    server.write("a.ipynb", {**server.read("a.ipynb"), "metadata": {"outside": 1}})
    await room.file.poll()
    assert room.cells[0]["outputs"] == [display("<b>")]
    await room.file.save()
    assert room.state["dirty"] is False
    assert room.notices == []


async def test_a_hook_that_rewrites_the_file_after_saving_is_merged(plain: Server) -> None:
    def shout(os_path: str, **_: Any) -> None:
        content = json.loads((plain.folder / "a.ipynb").read_text())
        content["cells"][0]["source"] = "".join(content["cells"][0]["source"]).upper()
        plain.write("a.ipynb", content)

    plain.contents.post_save_hook = shout
    plain.write("a.ipynb", notebook(code("a", "one")))
    room = await plain.open("a.ipynb")
    room.type("typed ")
    await room.file.save()
    assert room.sources == plain.sources("a.ipynb") == ["TYPED ONE"]


async def test_who_writes_right_after_us_is_not_taken_for_us(plain: Server) -> None:
    """Between the manager's write and its look at the file's time somebody else may write."""
    plain.write("a.ipynb", notebook(code("a", "one"), code("b", "two")))
    room = await plain.open("a.ipynb")
    write = plain.contents._save_notebook

    async def write_and_be_overtaken(*args: Any, **options: Any) -> Any:
        result = await write(*args, **options)
        content = json.loads((plain.folder / "a.ipynb").read_text())
        content["cells"][1]["source"] = "changed outside"
        plain.write("a.ipynb", content)
        return result

    plain.contents._save_notebook = write_and_be_overtaken
    room.type("typed ")
    await room.file.save()
    assert room.sources == ["typed one", "changed outside"]


async def test_trust_stays_with_the_contents_manager(plain: Server) -> None:
    content = notebook(code("a", "1", display("<b>")), code("b", "2", display("<i>")))
    trusted = json.loads(json.dumps(content))
    for cell in trusted["cells"]:
        cell["metadata"]["trusted"] = True
    await plain.contents.save({"type": "notebook", "format": "json", "content": trusted}, "a.ipynb")
    room = await plain.open("a.ipynb")
    assert room.file.trusted == {"a", "b"}
    assert not any("trusted" in cell["metadata"] for cell in room.cells)
    room.type("typed ")
    await room.file.save()
    model = await plain.contents.get("a.ipynb")
    assert [cell["metadata"]["trusted"] for cell in model["content"]["cells"]] == [True, True]
    # What others put into an output nobody vouches for.
    room.doc.get("cells", type=Array)[0]["outputs"][0]["data"] = {"text/html": "<script>"}
    await room.file.save()
    model = await plain.contents.get("a.ipynb")
    assert [cell["metadata"]["trusted"] for cell in model["content"]["cells"]] == [False, False]
    assert "trusted" not in (plain.folder / "a.ipynb").read_text()


# --- what goes wrong


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


class FullDisk(AsyncLargeFileManager):  # type: ignore[misc]
    """A disk that is full for a while: writing breaks off in the middle."""

    full = False

    async def _save_file(self, os_path: str, content: str, format: str) -> None:  # noqa: A002
        if self.full:
            with self.atomic_writing(os_path, text=False) as file:
                file.write(content.encode()[: len(content) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        await super()._save_file(os_path, content, format)


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_full_disk_loses_nothing_and_is_tried_again(tmp_path: Path, atomic: bool) -> None:
    server = Server(tmp_path, FullDisk)
    server.contents.use_atomic_writing = atomic
    server.write("a.txt", "one\ntwo\nthree\nfour\n")
    room = await server.open("a.txt", "file", "text", save_delay=0.01, poll_interval=0.01)
    server.contents.full = True
    room.type_text("typed\n")
    await until(lambda: room.codes)
    assert room.codes == ["save-failed"]
    assert "the disk is full" in room.notices[0][1]
    assert room.state["dirty"] is True
    with pytest.raises(ChannelClosed, match="the disk is full"):
        await room.file.save()
    room.type_text("more\n")
    await until(lambda: room.file._schedule._retry >= 0.08)
    assert room.codes == ["save-failed"]  # once, not at each attempt
    server.contents.full = False
    await until(lambda: not room.state["dirty"])
    assert room.text == (tmp_path / "a.txt").read_text() == "more\ntyped\none\ntwo\nthree\nfour\n"
    assert room.file.problem is None
    await room.file.aclose()


class ReadOnly(AsyncLargeFileManager):  # type: ignore[misc]
    """A file that may be read but not written: we are root in containers, whom no mode bits stop."""

    writable = False

    def _base_model(self, path: str) -> dict[str, Any]:
        return {**super()._base_model(path), "writable": self.writable}


async def test_a_file_that_may_not_be_written_says_so_and_tells_when_it_may(tmp_path: Path) -> None:
    server = Server(tmp_path, ReadOnly)
    server.write("a.ipynb", notebook(code("a", "1")))
    room = await server.open("a.ipynb", save_delay=0.01)
    assert not room.file.writable
    room.type("typed ")
    with pytest.raises(ChannelClosed) as refused:
        await room.file.save()
    assert refused.value.code == "read-only"
    assert server.sources("a.ipynb") == ["1"]
    server.contents.writable = True
    await room.file.poll()
    assert (room.file.writable, room.writable) == (True, [True])
    await room.file.save()
    assert server.sources("a.ipynb") == ["typed 1"]
    await room.file.aclose()


class Broken(AsyncLargeFileManager):  # type: ignore[misc]
    broken = False

    async def save(self, model: dict[str, Any], path: str = "") -> Any:
        if self.broken:
            raise RuntimeError("a bug in somebody's contents manager")
        return await super().save(model, path)


async def test_a_bug_in_the_contents_manager_is_reported_and_survived(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(tmp_path, Broken)
    server.write("a.ipynb", notebook(code("a", "1")))
    room = await server.open("a.ipynb", save_delay=0.01)
    server.contents.broken = True
    room.type("typed ")
    await until(lambda: room.notices)
    assert "a bug in somebody's contents manager" in room.notices[0][1]
    assert "Traceback" in caplog.text
    server.contents.broken = False
    await until(lambda: not room.state["dirty"])
    assert server.sources("a.ipynb") == ["typed 1"]
    await room.file.aclose()


class NoHashes(AsyncLargeFileManager):  # type: ignore[misc]
    async def get(self, path: str, content: bool = True, type: Any = None, format: Any = None) -> Any:  # noqa: A002
        return await super().get(path, content=content, type=type, format=format)


async def test_a_contents_manager_without_hashes_will_do(tmp_path: Path) -> None:
    server = Server(tmp_path, NoHashes)
    server.write("a.ipynb", notebook(code("a", "1"), code("b", "2")))
    room = await server.open("a.ipynb")
    server.write("a.ipynb", notebook(code("a", "1"), code("b", "2!")))
    await room.file.poll()
    room.type("typed ")
    server.write("a.ipynb", notebook(code("a", "1"), code("b", "2!"), code("c", "3")))
    answer = await room.file.save()
    assert answer["hash"] is None
    assert server.sources("a.ipynb") == room.sources == ["typed 1", "2!", "3"]
    assert room.state["dirty"] is False
    await room.file.aclose()


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


# --- renames


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


class TextNotebooks(AsyncLargeFileManager):  # type: ignore[misc]
    """Keep notebooks as scripts, as jupytext does: no ids, no outputs."""

    async def _read_notebook(self, os_path: str, raw: bool = False, **_: Any) -> Any:
        text, _, data = await self._read_file(os_path, "text", raw=True)
        cells = [nbformat.v4.new_code_cell(source) for source in text.removesuffix("\n").split("\n# %%\n")]
        read = nbformat.v4.new_notebook(cells=cells)
        return (read, data) if raw else read

    async def _save_notebook(self, os_path: str, nb: Any, **_: Any) -> None:
        await self._save_file(os_path, "\n# %%\n".join(cell["source"] for cell in nb["cells"]) + "\n", "text")


async def test_a_contents_manager_that_keeps_scripts_will_do(tmp_path: Path) -> None:
    server = Server(tmp_path, TextNotebooks)
    server.write("a.py", "one\n# %%\ntwo\n")
    room = await server.open("a.py")
    ids = [cell["id"] for cell in room.cells]
    room.doc.get("cells", type=Array)[0]["outputs"].append(Map(display("<b>")))
    room.type("typed ")
    await room.file.save()
    assert (tmp_path / "a.py").read_text() == "typed one\n# %%\ntwo\n"
    assert room.cells[0]["outputs"] == [display("<b>")]
    assert room.state["dirty"] is False
    server.write("a.py", "typed one\n# %%\nnew\n# %%\ntwo!\n")
    await room.file.poll()
    assert room.sources == ["typed one", "new", "two!"]
    assert [room.cells[0]["id"], room.cells[2]["id"]] == ids
    assert room.cells[0]["outputs"] == [display("<b>")]
    await room.file.aclose()
