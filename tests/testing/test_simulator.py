"""Whatever fails, what was acknowledged is there, once: simulated, and seen to find what is broken."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from rtc_widgets.stores.entry import Entry
from rtc_widgets.stores.sqlite import SqliteStore
from rtc_widgets.testing.simulator import Failed, Step, attempt, written
from rtc_widgets.testing.simulator.person import Person
from rtc_widgets.testing.simulator.shrink import shrunk
from rtc_widgets.testing.simulator.world import simulate

# Seeds that found something once, with the fewest steps that did.
FOUND = [
    # What the file had brought was told before it was logged: merged again after the kill, it stood twice.
    (
        51,
        [
            Step("outside", who=1, n=7, kind="d", wait=0.2),
            Step("undo", who=1, n=9, kind="d", wait=0.2),
            Step("add", who=2, n=24, kind="m", wait=0.05),
            Step("merge", n=19, wait=0.05),
            Step("kill", who=2, n=24, kind="s", wait=0.2),
        ],
    ),
    (
        910013,
        [
            Step("delete", n=22, kind="d", wait=0.01),
            Step("delete", n=32, kind="d", wait=0.01),
            Step("add", who=1, n=6, kind="r", wait=0.2),
            Step("add", who=1, m=22, wait=0.05),
            Step("save", n=30, wait=0.05),
            Step("add", n=21, kind="d", wait=0.05),
            Step("move", who=1, n=8, kind="d", wait=0.2),
            Step("drop", n=30),
            Step("insert", who=2, n=7, wait=0.2),
            Step("outside", n=33, m=8, wait=0.2),
            Step("redo", who=1, kind="d", wait=1.09),
            Step("split", who=1, n=13, kind="s"),
            Step("leave", who=2, n=7),
            Step("undo", n=37, kind="r", wait=0.2),
            Step("split", n=32),
            Step("split", who=2, n=12, kind="d", wait=0.05),
            Step("add", who=1, m=32, wait=1.94),
            Step("add", who=2, m=32, kind="d"),
            Step("line", who=2, n=24, kind="d", wait=0.2),
            Step("add", n=5, kind="r", wait=0.05),
            Step("drop", who=1, n=38, kind="d"),
            Step("undo", who=1, n=30),
            Step("line", who=1, n=13, kind="d", wait=0.2),
            Step("add", who=2, n=13, kind="s"),
            Step("line", who=2, n=2, kind="d"),
            Step("restart", who=2, n=1, kind="m"),
            Step("line", who=2, n=26, wait=0.2),
        ],
    ),
    (
        910896,
        [
            Step("group", n=31, m=36, kind="s"),
            Step("add", who=2, n=27, m=26, kind="s", wait=0.2),
            Step("add", n=15, m=22, kind="m", wait=0.05),
            Step("add", who=2, n=11, m=17, wait=0.05),
            Step("add", who=1, n=12, m=13, kind="r"),
            Step("split", n=18, m=39, kind="d", wait=0.05),
            Step("comment", who=1, n=14, m=39, wait=3.19),
            Step("add", who=1, n=18, m=25),
            Step("group", who=1, n=26, m=34, kind="d"),
            Step("delete", who=2, n=16, m=1, kind="s", wait=0.05),
            Step("split", who=1, n=35, m=15, kind="d", wait=0.2),
            Step("move", who=1, n=1, kind="r", wait=2.8),
            Step("add", who=2, n=7, m=12, wait=0.05),
            Step("insert", n=32, m=25, kind="d", wait=0.2),
            Step("drop", who=1, n=30, m=33, kind="d", wait=0.01),
            Step("line", who=1, n=26, m=4, kind="m"),
            Step("restart", who=2, n=1, m=6, wait=0.2),
            Step("outside", who=2, n=31, m=26, kind="m"),
            Step("undo", who=2, n=7, m=35),
        ],
    ),
]


JOINED = [
    Step("outside", who=2, n=20, kind="d", wait=0.05),
    Step("add", who=2, n=20, kind="d", wait=0.01),
    Step("set", who=2, n=1, wait=0.2),
    Step("line", n=19, kind="m", wait=0.05),
    Step("delete", who=1, n=15, kind="s", wait=0.01),
    Step("line", n=19, kind="s", wait=0.2),
    Step("add", m=22, wait=0.01),
    Step("add", n=9),
    Step("undo", who=2, n=15, kind="d", wait=0.2),
    Step("line", who=1, n=1, m=38, kind="r", wait=0.2),
    Step("group", who=2, n=10, kind="r", wait=0.05),
    Step("kill", who=1, n=12, kind="s"),
    Step("undo", who=1, n=17, kind="r", wait=0.81),
    Step("line", who=2, n=1, m=38),
    Step("offline", who=1, n=35, kind="s", wait=0.05),
    Step("restart", who=1, n=11, kind="r", wait=2.85),
    Step("undo", who=1, n=5, kind="d", wait=0.2),
    Step("add", who=1, n=31, wait=0.2),
    Step("outside", who=2, n=14, kind="r", wait=0.2),
]


@pytest.mark.parametrize(("seed", "steps"), FOUND)
def test_what_was_found_is_mended(seed: int, steps: list[Step]) -> None:
    attempt(seed, steps)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_or_doubled(seed: int) -> None:
    report = attempt(seed, 150)
    assert report.updates >= report.acknowledged > 50


def test_a_line_that_both_sides_changed_is_there_twice_only_if_people_are_told(monkeypatch) -> None:
    """An undo takes a line break along, and another program changes the line that it joins."""
    assert attempt(300670, JOINED).conflicts > 0
    monkeypatch.setattr(Person, "hear", lambda *_: None)
    with pytest.raises(AssertionError, match="There twice"):
        simulate(300670, JOINED)


_PROBE = """
import logging
from rtc_widgets.testing.simulator import attempt
logging.disable()
print(attempt(5, 80))
"""


@pytest.mark.timeout(180)
def test_a_seed_gives_the_same_run_in_every_process() -> None:
    """Sets have another order in each, and machines have other threads."""
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", _PROBE]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert said.stdout == f"{attempt(5, 80)}\n", said.stderr


class ForgetfulStore(SqliteStore):
    """Say that all is written, and leave out one update in ten."""

    async def append(self, doc: str, entries: Sequence[Entry]) -> int:
        kept = [entry for entry in entries if entry.kind != "update" or len(entry.update) % 10]
        return await super().append(doc, kept)


def forgetful(folder: Path) -> SqliteStore:
    return ForgetfulStore(folder / "log.sqlite")


def test_a_store_that_forgets_what_it_acknowledged_is_found_out() -> None:
    with pytest.raises(Failed) as failed:
        attempt(1, 60, open_store=forgetful)
    said = str(failed.value)
    assert "Seed 1" in said
    # What it says is enough to see it again.
    script = said.partition("Repeat it with: attempt(1, ")[2].removesuffix(")")
    steps = eval(script, {"Step": Step})
    assert len(steps) <= 5
    with pytest.raises(Failed):
        attempt(1, steps, open_store=forgetful)


def test_the_fewest_steps_are_found() -> None:
    steps = written(3, 60)
    wanted = {steps[7], steps[41], steps[42]}
    assert set(shrunk(steps, lambda some: wanted <= set(some))) == wanted
