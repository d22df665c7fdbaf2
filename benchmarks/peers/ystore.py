"""Measure jupyter-collaboration's store, in its own environment: ``python ystore.py UPDATES.json``."""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from pycrdt import Doc, Text
from pycrdt.store import SQLiteYStore


async def main(updates: list[bytes], folder: Path) -> dict[str, float]:
    """Write as a room does: each update is awaited, which commits it."""

    class Store(SQLiteYStore):
        db_path = str(folder / "ystore.db")

    async with Store("a-room") as store:
        began = time.perf_counter()
        for update in updates:
            await store.write(update)
        took = time.perf_counter() - began
    size = _size(folder)
    async with Store("a-room") as store:
        began = time.perf_counter()
        doc = Doc()
        await store.apply_updates(doc)
        loaded = time.perf_counter() - began
    assert len(doc.get("source", type=Text)) == len(updates)
    return {"a change": took / len(updates), "on disk, a change": size / len(updates), "load": loaded}


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


with tempfile.TemporaryDirectory(prefix="rtc_widgets-") as made:
    given = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps(asyncio.run(main([bytes.fromhex(update) for update in given], Path(made)))))
