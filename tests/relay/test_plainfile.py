"""A notebook in a plain file is read without nbformat's checks, and comes out just as with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import MemorySignatureStore

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.relay.disk import Disk, FileVersion


class Converting(AsyncLargeFileManager):
    """Reads notebooks in a way of its own, as managers do that keep them in other formats."""

    def _read_notebook(self, *args: Any, **kwargs: Any) -> Any:
        return super()._read_notebook(*args, **kwargs)


def manager(cls: type[Any], folder: Path) -> Any:
    contents = cls(root_dir=str(folder))
    contents.notary.store = MemorySignatureStore()
    return contents


async def read(contents: Any) -> FileVersion:
    return await Disk(contents, "a.ipynb", "notebook", "json").read()


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Count how often a notebook was checked against nbformat's schema."""
    counted: list[None] = []
    reads = nbformat.reads

    def counting(*args: Any, **kwargs: Any) -> Any:
        counted.append(None)
        return reads(*args, **kwargs)

    monkeypatch.setattr(nbformat, "reads", counting)
    return counted


def cell(source: Any, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": 1} | more


PICTURE = {
    "output_type": "display_data",
    "metadata": {},
    "data": {
        "text/plain": ["<Figure>\n", "of 1"],
        "image/png": "iVBO",
        "application/json": ["kept", "a list"],
        "application/vnd.x+json": {"a": ["b", "c"]},
    },
}
STREAM = {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]}
NOTEBOOKS = {
    "plain": [
        cell("a = 1", id="one"),
        {"id": "two", "cell_type": "markdown", "metadata": {}, "source": "# x"},
    ],
    "lines": [cell(["a = 1\n", "b = 2"], id="one", outputs=[STREAM, PICTURE])],
    "attached": [
        {"id": "one", "cell_type": "markdown", "metadata": {"trusted": True}, "source": ["![](attachment:x)"]}
        | {"attachments": {"x": {"image/png": ["iVB", "O"]}}}
    ],
    "without ids": [cell("a = 1"), cell("b = 2")],
    "doubled ids": [cell("a = 1", id="one"), cell("b = 2", id="one")],
    "ids that could be made up": [cell("a = 1", id="0123abcd"), cell("b = 2")],
    "strange": [cell("a = 1", id="one", more={"b": 1, "a": [float("nan")]})],
}


@pytest.mark.filterwarnings("ignore")  # of nbformat, on what it checks
@pytest.mark.parametrize("minor", [4, 5])
@pytest.mark.parametrize("cells", NOTEBOOKS.values(), ids=NOTEBOOKS)
async def test_it_comes_out_just_as_with_them(
    tmp_path: Path, checks: list[None], cells: list[Any], minor: int
) -> None:
    metadata = {"kernelspec": {"name": "python3"}, "orig_nbformat": 3, "signature": "x"}
    notebook = {"nbformat": 4, "nbformat_minor": minor, "metadata": metadata, "cells": cells}
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook))
    parsed = await read(manager(AsyncLargeFileManager, tmp_path))
    assert checks == []
    checked = await read(manager(Converting, tmp_path))
    assert checks, "the other manager is asked in the ordinary way"
    assert parsed.normal == checked.normal
    assert (parsed.stat, parsed.old_format) == (checked.stat, checked.old_format)


@pytest.mark.parametrize("cls", [AsyncLargeFileManager, FileContentsManager])
async def test_what_was_signed_is_trusted(tmp_path: Path, checks: list[None], cls: type[Any]) -> None:
    contents = manager(cls, tmp_path)
    cells = [cell(["a = 1\n", cls.__name__], id="first", outputs=[STREAM, PICTURE]), *NOTEBOOKS["attached"]]
    text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    (tmp_path / "a.ipynb").write_text(text)
    assert (await read(contents)).trusted == frozenset()
    contents.notary.sign(nbformat.read(tmp_path / "a.ipynb", 4))
    checks.clear()
    assert (await read(contents)).trusted == frozenset({0})
    assert checks == []
    (tmp_path / "a.ipynb").write_text(text.replace("two", "three"))
    assert (await read(contents)).trusted == frozenset()


async def test_what_cannot_be_signed_is_read_and_not_trusted(tmp_path: Path) -> None:
    cells = [cell("\ud800", id="one", outputs=[STREAM])]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook))
    version = await read(manager(AsyncLargeFileManager, tmp_path))
    assert version.trusted == frozenset()
    assert version.normal["cells"][0]["source"] == "\N{REPLACEMENT CHARACTER}"


async def test_a_notebook_of_an_old_format_is_converted(tmp_path: Path, checks: list[None]) -> None:
    old = nbformat.v3.new_notebook(worksheets=[nbformat.v3.new_worksheet(cells=[])])
    (tmp_path / "a.ipynb").write_text(json.dumps(old))
    assert (await read(manager(AsyncLargeFileManager, tmp_path))).old_format == 3
    assert checks


@pytest.mark.parametrize("text", ["", "{", "[]", '{"nbformat": 4}', '{"nbformat": 4, "cells": 1}', "\0"])
async def test_what_is_no_notebook_is_refused_by_who_checks_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.ipynb").write_text(text)
    with pytest.raises(ChannelClosed) as parsed:
        await read(manager(AsyncLargeFileManager, tmp_path))
    with pytest.raises(ChannelClosed) as checked:
        await read(manager(Converting, tmp_path))
    assert parsed.value.args == checked.value.args
