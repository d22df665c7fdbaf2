"""The index finds a file's room again, wherever the file went."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rtc_widgets.errors import StoreError
from rtc_widgets.relay.index import RoomIndex, RoomRecord
from rtc_widgets.stores import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path


def record(
    room: str, path: str, base: Any = None, type_: str = "notebook", format_: str = "json"
) -> RoomRecord:
    return RoomRecord(
        room, path, format_, type_, "lineage", "hash", "2026-01-01T00:00:00+00:00", base or {"cells": []}
    )


async def test_a_record_survives_a_restart(tmp_path: Path) -> None:
    base = {"cells": [{"source": "é\0\u2028", "n": 1.5, "none": None}]}
    async with aclosing(RoomIndex(tmp_path / "rooms.sqlite")) as index:
        assert await index.find("a/b.ipynb", "json", "notebook") is None
        await index.put(record("r1", "/a/b.ipynb", base))
        await index.put(record("r2", "a/b.bin", b"\0\1", "blob", "base64"))
    async with aclosing(RoomIndex(tmp_path / "rooms.sqlite")) as index:
        assert await index.find("a/b.ipynb", "json", "notebook") == record("r1", "a/b.ipynb", base)
        found = await index.find("a/b.bin", "base64", "blob")
        assert found is not None
        assert found.base == b"\0\1"
        assert await index.find("a/b.ipynb", "text", "file") is None


async def test_a_new_version_of_the_file_is_noted(tmp_path: Path) -> None:
    async with aclosing(RoomIndex(tmp_path / "rooms.sqlite")) as index:
        await index.put(record("r1", "a.txt", "old", "file", "text"))
        await index.saved("r1", None, "later", "new")
        expected = replace(record("r1", "a.txt", "new", "file", "text"), hash=None, last_modified="later")
        assert await index.find("a.txt", "text", "file") == expected


async def test_what_is_being_written_is_noted_until_it_is_written(tmp_path: Path) -> None:
    old = record("r1", "a.txt", "old", "file", "text")
    async with aclosing(RoomIndex(tmp_path / "rooms.sqlite")) as index:
        await index.put(old)
        await index.saving("r1", "new")
    async with aclosing(RoomIndex(tmp_path / "rooms.sqlite")) as index:
        assert await index.find("a.txt", "text", "file") == replace(old, attempted="new")
        await index.saved("r1", "hash", old.last_modified, "new")
        assert await index.find("a.txt", "text", "file") == replace(old, base="new")


async def test_files_and_folders_are_followed(tmp_path: Path) -> None:
    async with aclosing(RoomIndex(tmp_path / "rooms.sqlite")) as index:
        for number, path in enumerate(
            ["dir/a.ipynb", "dir/deep/b.ipynb", "dirt/c.ipynb", "dir.ipynb", "d%_/x.ipynb"]
        ):
            await index.put(record(f"r{number}", path))
        await index.rename("dir", "new/place")
        await index.rename("dir.ipynb", "d.ipynb")
        await index.rename("d%_", "plain")
        for number, path in enumerate(
            ["new/place/a.ipynb", "new/place/deep/b.ipynb", "dirt/c.ipynb", "d.ipynb", "plain/x.ipynb"]
        ):
            found = await index.find(path, "json", "notebook")
            assert found is not None
            assert (found.room, found.path) == (f"r{number}", path)
        assert await index.find("dir/a.ipynb", "json", "notebook") is None


async def test_a_rename_over_another_file_takes_its_place(tmp_path: Path) -> None:
    async with aclosing(RoomIndex(tmp_path / "rooms.sqlite")) as index:
        await index.put(record("r1", "a.ipynb"))
        await index.put(record("r2", "b.ipynb"))
        await index.rename("a.ipynb", "b.ipynb")
        await index.rename("b.ipynb", "b.ipynb")
        found = await index.find("b.ipynb", "json", "notebook")
        assert found is not None
        assert found.room == "r1"


async def test_a_deleted_folder_is_forgotten(tmp_path: Path) -> None:
    async with aclosing(RoomIndex(tmp_path / "rooms.sqlite")) as index:
        await index.put(record("r1", "dir/a.ipynb"))
        await index.put(record("r2", "dirt.ipynb"))
        await index.delete("dir")
        assert await index.find("dir/a.ipynb", "json", "notebook") is None
        assert await index.find("dirt.ipynb", "json", "notebook") is not None


async def test_a_file_that_is_restored_finds_the_room_that_had_its_content(tmp_path: Path) -> None:
    async with aclosing(RoomIndex(tmp_path / "rooms.sqlite")) as index:
        kinds = ("dir/a.ipynb", "json", "notebook")
        for room in ("older", "old"):
            await index.put(record(room, "dir/a.ipynb", {"cells": [room]}))
            await index.delete("dir")
        await index.put(record("now", "dir/a.ipynb", {"cells": []}))
        await index.forget("now")
        assert await index.restore("dir/a.ipynb", "text", "file", {"cells": ["old"]}) is None
        assert await index.restore("dir/b.ipynb", "json", "notebook", {"cells": ["old"]}) is None
        assert await index.restore(*kinds, {"cells": ["other"]}) is None
        found = await index.restore(*kinds, {"cells": ["older"]})
        assert found == record("older", "dir/a.ipynb", {"cells": ["older"]})
        assert await index.find(*kinds) == found
        # Once: from now on it is a file as any other.
        await index.delete("dir/a.ipynb")
        assert await index.path_of("older") is None
        restored = await index.restore(*kinds, {"cells": ["old"]})
        assert restored is not None and restored.room == "old"


async def test_a_log_is_no_index(tmp_path: Path) -> None:
    await SqliteStore(tmp_path / "log.sqlite").aclose()
    with pytest.raises(StoreError, match="another program"):
        RoomIndex(tmp_path / "log.sqlite")
