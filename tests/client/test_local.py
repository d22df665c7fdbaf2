"""A file without a relay: read, edited in memory, saved whole, and never over what somebody else wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

import rtc_widgets
from rtc_widgets.client import local as module
from rtc_widgets.documents.link import LinkState
from rtc_widgets.errors import DocumentError, NotConnected


@pytest.fixture
def file(tmp_path: Path) -> Path:
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Zoë 🦉\nsecond line", id="title"),
            nbformat.v4.new_code_cell(
                "x = 1\nprint(x)",
                id="code",
                execution_count=3,
                outputs=[
                    nbformat.v4.new_output("stream", text="1\n2\n"),
                    nbformat.v4.new_output(
                        "display_data",
                        data={
                            "text/plain": "a\nb",
                            "image/png": "AAAA\nBBBB\n",
                            "image/svg+xml": "<svg>\n</svg>",
                            "application/json": {"b": [1, 2], "a": None},
                        },
                    ),
                ],
            ),
            nbformat.v4.new_raw_cell("raw", id="raw"),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}, "z": 1, "a": [1.5]},
    )
    path = tmp_path / "a.ipynb"
    nbformat.write(notebook, path)
    return path


def sources(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, 4).cells]


def test_what_is_saved_is_what_nbformat_would_write(file: Path) -> None:
    with rtc_widgets.local(file) as nb:
        nb["code"].source = "x = 2"
        nb["code"].metadata = {"tags": ["é"]}
    written = file.read_text()
    assert written == nbformat.writes(nbformat.reads(written, 4)) + "\n"
    assert sources(file) == ["# Zoë 🦉\nsecond line", "x = 2", "raw"]
    nbformat.validate(nbformat.read(file, 4))


def test_one_edit_changes_one_line(file: Path) -> None:
    before = file.read_text().splitlines()
    with rtc_widgets.local(file) as nb:
        nb["title"].source = "# Zoë 🦉\nthird line"
    after = file.read_text().splitlines()
    assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == [
        ('    "second line"', '    "third line"')
    ]


def test_nothing_changed_is_nothing_written(file: Path) -> None:
    stat = file.stat()
    with rtc_widgets.local(file) as nb:
        assert len(nb) == 3
        assert nb.save()["hash"]
    assert file.stat().st_mtime_ns == stat.st_mtime_ns
    assert file.stat().st_ino == stat.st_ino


def test_an_exception_saves_nothing(file: Path) -> None:
    before = file.read_bytes()
    nb = rtc_widgets.local(file)

    def fail() -> None:
        with nb:
            nb[0].source = "half done"
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        fail()
    assert file.read_bytes() == before
    with pytest.raises(NotConnected, match="is closed here"):
        nb[0].source = "late"
    assert nb.state is LinkState.CLOSED


def test_a_change_outside_is_brought_together_cell_by_cell(file: Path) -> None:
    nb = rtc_widgets.local(file)
    nb["code"].source = "x = 2\nprint(x)"
    outside = nbformat.read(file, 4)
    outside.cells[0].source = "# Other title\nsecond line"
    outside.cells.append(nbformat.v4.new_code_cell("new", id="new"))
    nbformat.write(outside, file)
    nb.save()
    assert sources(file) == ["# Other title\nsecond line", "x = 2\nprint(x)", "raw", "new"]
    assert [cell.source for cell in nb] == sources(file)
    nb["new"].source = "newer"
    nb.save()
    assert sources(file)[-1] == "newer"


def test_a_file_emptied_outside_is_not_taken_for_an_edit(file: Path) -> None:
    nb = rtc_widgets.local(file)
    nb[0].source = "mine"
    empty = nbformat.v4.new_notebook()
    nbformat.write(empty, file)
    with pytest.raises(DocumentError, match="emptied outside"):
        nb.save()
    assert sources(file) == []
    file.write_text("")
    with pytest.raises(DocumentError, match="is empty"):
        nb.save()
    assert file.read_text() == ""


def test_a_file_deleted_outside_is_written_again(file: Path) -> None:
    nb = rtc_widgets.local(file)
    file.unlink()
    nb.save()
    assert len(sources(file)) == 3


def test_rights_and_links_are_kept(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link.ipynb"
    link.symlink_to(file)
    with rtc_widgets.local(link) as nb:
        nb.append("y")
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert sources(file)[-1] == "y"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.ipynb", "link.ipynb"]


def test_a_write_that_fails_leaves_the_file_whole(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nb = rtc_widgets.local(file)
    nb.append("y")
    before = file.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(module.os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            nb.save()
    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == ["a.ipynb"]
    nb.save()
    assert sources(file)[-1] == "y"


def test_a_new_file_gets_the_usual_rights(tmp_path: Path) -> None:
    file = tmp_path / "new.ipynb"
    with pytest.raises(FileNotFoundError):
        rtc_widgets.local(file)
    with rtc_widgets.local(file, create=True) as nb:
        nb[0].source = "x = 1"
    usual = tmp_path / "usual"
    usual.touch()
    assert file.stat().st_mode == usual.stat().st_mode
    assert sources(file) == ["x = 1"]
    nbformat.validate(nbformat.read(file, 4))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("Zoë 🦉\nno newline".encode(), "Zoë 🦉\nno newline"),
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"\xef\xbb\xbfa\n", "a\n"),
    ],
)
def test_text_keeps_its_line_ends_and_its_mark(tmp_path: Path, data: bytes, text: str) -> None:
    file = tmp_path / "notes.md"
    file.write_bytes(data)
    with rtc_widgets.local(file, type="file") as notes:
        assert notes.text == text
        notes.append("x\n")
    line_end = b"\r\n" if b"\r\n" in data else b"\n"
    assert file.read_bytes() == data + b"x" + line_end


def test_text_is_merged_with_what_was_written_outside(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text("one\ntwo\nthree\n")
    notes = rtc_widgets.local(file, type="file")
    notes.replace("three", "3")
    file.write_text("1\ntwo\nthree\n")
    notes.save()
    assert file.read_text() == notes.text == "1\ntwo\n3\n"


def test_bytes(tmp_path: Path) -> None:
    file = tmp_path / "x.bin"
    file.write_bytes(b"\0\1\xff")
    with rtc_widgets.local(file, type="blob") as blob:
        assert blob.content == b"\0\1\xff"
        blob.content = b"\2"
    assert file.read_bytes() == b"\2"


def test_notebooks_of_4_4_stay_what_they_are(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "code", "source": ["x"], "metadata": {}, "outputs": [], "execution_count": None}
        for _ in range(3)
    ]
    file = tmp_path / "old.ipynb"
    file.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, indent=2)
    )
    with rtc_widgets.local(file) as nb:
        assert len({cell.id for cell in nb}) == 3
        nb[1].source = "y"
    written = json.loads(file.read_text())
    assert written["nbformat_minor"] == 4
    assert not any("id" in cell for cell in written["cells"])
    assert [cell["source"] for cell in written["cells"]] == [["x"], ["y"], ["x"]]
    assert file.read_text().startswith('{\n  "cells"'), "the indentation stays"
    assert not file.read_text().endswith("\n")


def test_notebooks_of_format_3_are_converted(tmp_path: Path) -> None:
    file = tmp_path / "three.ipynb"
    cell = {"cell_type": "code", "input": "x = 1", "outputs": [], "language": "python", "collapsed": False}
    content: dict[str, Any] = {
        "metadata": {"name": ""},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": [cell], "metadata": {}}],
    }
    file.write_text(json.dumps(content))
    nb = rtc_widgets.local(file)
    assert [cell.source for cell in nb] == ["x = 1"]


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"cells": 1}', '{"nbformat": 3}'])
def test_what_is_no_notebook_is_said_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.ipynb"
    file.write_text(text)
    with pytest.raises(DocumentError):
        rtc_widgets.local(file)
    assert file.read_text() == text


def test_neither_nbformat_nor_a_server_is_needed(file: Path) -> None:
    code = """
import sys
for name in ("nbformat", "jupyter_server", "jupyter_core", "tornado", "websockets", "IPython"):
    sys.modules[name] = None
import rtc_widgets
with rtc_widgets.local(sys.argv[1]) as nb:
    nb[0].source = "without"
"""
    subprocess.run([sys.executable, "-c", code, os.fspath(file)], check=True, timeout=50)
    assert sources(file)[0] == "without"
