"""A copy of a notebook from before most of its cells went, whoever deleted them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rtc_widgets.logged import fields

__all__ = ["LEAST", "Backups", "Losses", "gone", "many"]

# Cells that must go before a copy is made: of fewer, undo is enough.
LEAST = 5
_WHILE = 600.0  # seconds in which they may go one by one
_log = logging.getLogger(__name__)


class Losses:
    """Follow one notebook from save to save, as its cells go, however slowly.

    Args:
        clock: tells the time, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full: Any = None  # the notebook from before the first of the cells that are missing now
        self._since = 0.0

    def see(self, before: Any, after: Any) -> tuple[int, int, Any] | None:
        """Return how many cells went, of how many, and the notebook that had them, where that looks like mass deletion.

        Args:
            before: what the file had.
            after: what it has instead.
        """
        now = self._clock()
        if self._full is None or now - self._since > _WHILE:
            self._full, self._since = before, now
        full = self._full
        lost, of = gone(full, after)
        if not lost or many(lost, of):
            self._full = None  # it is large, and in memory for this only
        return (lost, of, full) if many(lost, of) else None


def many(lost: int, of: int) -> bool:
    """Tell whether that looks like mass deletion: more than half of the cells, and at least `LEAST`."""
    return lost >= LEAST and 2 * lost > of


def gone(before: Any, after: Any) -> tuple[int, int]:
    """Return how many cells of *before* are not in *after*, and of how many.

    A cell is there where its id is, or its text in another: then it has got another id. Cells without a text or an
    output do not count.
    """
    if not isinstance(before, dict) or not isinstance(after, dict):
        return 0, 0
    full = [cell for cell in before.get("cells", ()) if cell["source"].strip() or cell.get("outputs")]
    ids = {cell["id"] for cell in after["cells"]}
    texts = Counter(cell["source"] for cell in after["cells"])
    texts.subtract(cell["source"] for cell in full if cell["id"] in ids)
    lost = 0
    for cell in full:
        if cell["id"] in ids:
            continue
        if texts[cell["source"]] > 0:
            texts[cell["source"]] -= 1
        else:
            lost += 1
    return lost, len(full)


class Backups:
    """Keep copies of notebooks in *folder*, for the server's user only.

    Args:
        folder: is made when it is needed.
        most: copies of one notebook; the oldest goes first. 0 keeps none.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self.most = most

    async def keep(self, room: str, path: str, content: Any) -> Path | None:
        """Return where a copy of *content* is now; None where it cannot be written.

        Args:
            room: the notebook's, over renames.
            path: the notebook's, whose name the copy has.
            content: of the notebook, normalized.
        """
        try:
            return await asyncio.to_thread(self._keep, room, path, content)
        except OSError as error:
            _log.warning(
                "No backup of %s could be made: %s",
                path,
                error,
                extra=fields("backup.not-made", path=path, room=room),
            )
            return None

    async def forget(self, room: str) -> int:
        """Delete all copies of a notebook, and return how many there were."""
        return await asyncio.to_thread(self._forget, room)

    def _forget(self, room: str) -> int:
        folder = self._folder / room
        copies = list(folder.iterdir()) if folder.exists() else []
        for copy in copies:
            copy.unlink()
        if folder.exists():
            folder.rmdir()
        return len(copies)

    def _keep(self, room: str, path: str, content: Any) -> Path:
        folder = self._folder / room
        for one in (self._folder, folder):
            one.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Of one moment, or the newest sorts before the others where a second ends between two looks.
        seconds, rest = divmod(time.time_ns(), 10**9)
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))
        target = folder / f"{stamp}-{rest:09}-{Path(path).name}"
        with os.fdopen(
            os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(_as_file(content), file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        # Only now: the new one is there before an old one goes.
        for old in sorted(folder.iterdir())[: -self.most]:
            old.unlink(missing_ok=True)
        return target


def _as_file(content: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook as a file has it: ids only from format 4.5 on."""
    if (content["nbformat"], content["nbformat_minor"]) >= (4, 5):
        return content
    cells = [{key: value for key, value in cell.items() if key != "id"} for cell in content["cells"]]
    return {**content, "cells": cells}
