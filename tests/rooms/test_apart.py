"""Long work is done in another process, and comes to the same as if it were done here."""

from __future__ import annotations

import random
import sys
from contextlib import aclosing
from pathlib import Path

import pytest
from pycrdt import Doc, Text

from rtc_widgets.rooms import retention
from rtc_widgets.rooms.apart import call_apart
from rtc_widgets.rooms.retention import Retention, shorten
from rtc_widgets.stores import Entry, SqliteStore

NOW = 1e9


def typed(count: int) -> list[Entry]:
    """Return what two people typed, a key a second, and deleted now and then."""
    dice = random.Random(1)
    doc: Doc[Text] = Doc()
    text = doc.get("source", type=Text)
    made: list[bytes] = []
    subscription = doc.observe(lambda happened: made.append(happened.update))
    for _ in range(count):
        if len(text) > 5 and dice.random() < 0.1:
            del text[dice.randrange(len(text))]
        else:
            text.insert(dice.randrange(len(text) + 1), "x")
    doc.unobserve(subscription)
    return [
        Entry(update, f"person{place // 300 % 2}", NOW - 600 - count + place, "update", by="person")
        for place, update in enumerate(made)
    ]


def test_what_is_made_there_comes_back_in_order() -> None:
    numbers = list(range(1700))
    assert call_apart(sorted, reversed(numbers)) == numbers
    assert call_apart(sorted, []) == []


def test_a_failure_there_is_told_here() -> None:
    with pytest.raises(ChildProcessError):
        call_apart(sorted, [1, "one"])


@pytest.mark.parametrize("executable", [sys.executable, "/no/such/python"])
async def test_a_log_is_the_same_wherever_its_shortening_was_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executable: str
) -> None:
    entries = typed(retention._MANY + 500)
    logs = []
    for name, many in (("there", retention._MANY), ("here", 10**9)):
        monkeypatch.setattr(retention, "_MANY", many)
        monkeypatch.setattr(sys, "executable", executable)
        async with aclosing(SqliteStore(tmp_path / name)) as store:
            await store.append("d", entries)
            await shorten(store, "d", Retention(), NOW)
            logs.append([entry async for entry in store.read("d")])
    there, here = logs
    assert there == here and len(here) < 100
