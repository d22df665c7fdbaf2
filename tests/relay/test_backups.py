"""What looks like mass deletion, and which copies are kept of it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from rtc_widgets.relay.backups import Backups, Losses, gone, many


def notebook(*sources: str, minor: int = 5) -> dict[str, Any]:
    cells = [
        {"id": f"id-{source}", "cell_type": "code", "source": source, "metadata": {}, "outputs": []}
        for source in sources
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": minor}


def renamed(content: dict[str, Any]) -> dict[str, Any]:
    """Return the same cells under other ids."""
    return {**content, "cells": [{**cell, "id": "new-" + cell["id"]} for cell in content["cells"]]}


TEN = [str(n) for n in range(10)]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (notebook(*TEN), notebook(*TEN[:5]), None),  # a half
        (notebook(*TEN), notebook(*TEN[:4]), (6, 10)),
        (notebook(*TEN), notebook(), (10, 10)),
        (notebook(*TEN[:4]), notebook(), None),  # too few to mind
        (notebook(*TEN[:5]), notebook(), (5, 5)),
        (notebook(*TEN), renamed(notebook(*TEN)), None),
        (notebook(*TEN), renamed(notebook(*TEN[:4])), (6, 10)),
        (notebook(*TEN), notebook(*TEN[:4], *"abcdefgh"), (6, 10)),
        (notebook(*TEN[:4], *[" " * n for n in range(9)]), notebook(*TEN[:4]), None),  # empty ones
        (None, notebook(), None),
    ],
)
def test_more_than_half_and_five_at_least(before: Any, after: Any, found: Any) -> None:
    lost, of = gone(before, after)
    assert many(lost, of) is (found is not None)
    assert found is None or found == (lost, of)


def test_cells_that_go_one_by_one_are_counted_together() -> None:
    time = 0.0
    losses = Losses(lambda: time)
    for left in (9, 8, 7, 6, 5):
        assert losses.see(notebook(*TEN[: left + 1]), notebook(*TEN[:left])) is None
        time += 60
    assert losses.see(notebook(*TEN[:5]), notebook(*TEN[:4])) == (6, 10, notebook(*TEN))
    assert losses.see(notebook(*TEN[:4]), notebook(*TEN[:3])) is None, "it is told once"


def test_cells_that_come_back_or_go_over_an_hour_are_no_mass_deletion() -> None:
    time = 0.0
    losses = Losses(lambda: time)
    for left in range(9, 1, -1):
        assert losses.see(notebook(*TEN[: left + 1]), notebook(*TEN[:left])) is None
        time += 200
    for _ in range(5):
        assert losses.see(notebook(*TEN), notebook(*TEN[:6])) is None
        assert losses.see(notebook(*TEN[:6]), notebook(*TEN)) is None


async def test_so_many_are_kept_the_newest_and_for_the_owner_only(tmp_path: Path) -> None:
    backups = Backups(tmp_path / "backups", 3)
    for n in range(5):
        kept = await backups.keep("room", "work/a.ipynb", notebook(str(n)))
        assert kept is not None and kept.name.endswith("-a.ipynb")
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    there = sorted((tmp_path / "backups" / "room").iterdir())
    assert [json.loads(file.read_text())["cells"][0]["source"] for file in there] == ["2", "3", "4"]
    assert stat.S_IMODE((tmp_path / "backups").stat().st_mode) == 0o700


async def test_a_notebook_without_ids_is_kept_without(tmp_path: Path) -> None:
    kept = await Backups(tmp_path, 1).keep("room", "a.ipynb", notebook("x", minor=4))
    assert kept is not None and "id" not in json.loads(kept.read_text())["cells"][0]


async def test_where_none_can_be_written_the_save_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert await Backups(tmp_path / "file", 1).keep("room", "a.ipynb", notebook("x")) is None
