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
