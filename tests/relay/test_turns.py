"""Relays take turns at a file, and wait for nobody else's sake."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from rtc_widgets.relay.turns import take_turn


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def free(path: Path) -> bool:
    """Tell whether nobody has the file, or the folder, at *path*."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


async def in_order(path: Path, *, alone: bool) -> list[str]:
    """Return what happens when somebody comes while another is at the file."""
    happened: list[str] = []
    came = asyncio.Event()

    async def second() -> None:
        came.set()
        async with take_turn(path, alone=alone):
            happened.append("second is there")

    async with take_turn(path, alone=True):
        task = asyncio.create_task(second())
        await came.wait()
        happened.append("first goes")
    await task
    return happened


@pytest.mark.parametrize("alone", [True, False], ids=["a writer", "a reader"])
async def test_who_comes_second_waits_for_who_writes(tmp_path: Path, alone: bool) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text("{}")
    assert await in_order(path, alone=alone) == ["first goes", "second is there"]
    assert names(tmp_path) == ["a.ipynb"], "nothing is left behind"


@pytest.mark.parametrize("alone", [True, False], ids=["a writer", "a reader"])
async def test_a_file_that_is_not_there_yet_has_its_turns_too(tmp_path: Path, alone: bool) -> None:
    assert await in_order(tmp_path / "a.ipynb", alone=alone) == ["first goes", "second is there"]
    assert names(tmp_path) == []


async def test_who_comes_when_the_file_has_just_been_made_waits_for_who_makes_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.ipynb"
    async with take_turn(path, alone=True):
        path.write_text("half")
        async with take_turn(path, alone=True, patience=0.0):
            assert f"{path} is being written by another server" in caplog.text


async def test_readers_read_together_and_other_files_are_written_meanwhile(tmp_path: Path) -> None:
    one, other = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    one.write_text("{}")
    other.write_text("{}")
    async with take_turn(one, alone=False), take_turn(one, alone=False), take_turn(other, alone=True):
        assert not free(one) and not free(other)
    assert free(one) and free(other) and free(tmp_path)


async def test_a_link_is_the_file_behind_it(tmp_path: Path) -> None:
    path, link = tmp_path / "a.ipynb", tmp_path / "link.ipynb"
    path.write_text("{}")
    link.symlink_to("a.ipynb")
    async with take_turn(link, alone=True):
        assert not free(path)


async def test_a_lock_on_a_file_that_another_has_replaced_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text("old")
    flock = fcntl.flock

    def late(descriptor: int, how: int) -> None:
        if path.read_text() == "old":
            (tmp_path / "new").write_text("new")
            (tmp_path / "new").replace(path)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    async with take_turn(path, alone=True):
        assert not free(path), "it is the new file that is locked"


async def test_who_takes_too_long_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text("{}")
    async with take_turn(path, alone=True), take_turn(path, alone=True, patience=0.0):
        assert f"{path} is being written by another server" in caplog.text


def no_locks(descriptor: int, how: int) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def like_nfs(descriptor: int, how: int) -> None:
    if how & fcntl.LOCK_EX and fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    FLOCK(descriptor, how)


FLOCK = fcntl.flock


@pytest.mark.parametrize(("flock", "locked"), [(no_locks, False), (like_nfs, True)])
async def test_other_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flock: Any, locked: bool
) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text("{}")
    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", flock)
        async with take_turn(path, alone=True):
            patched.undo()
            assert free(path) is not locked
    assert free(path)


async def test_what_is_no_local_file_has_no_turns(tmp_path: Path) -> None:
    async with take_turn(None, alone=True), take_turn(tmp_path / "none" / "a.ipynb", alone=True):
        pass
