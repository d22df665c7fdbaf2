"""Contents managers of all kinds, with hooks and faults, will do."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from pycrdt import Array, Map
from support.tied import Server, code, display, notebook, until

from rtc_widgets.errors import ChannelClosed


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
