"""What is done again and again, whatever the clock on the wall says."""

from __future__ import annotations

import asyncio
import time

import pytest

from rtc_widgets.relay.ticking import Ticking


async def come(count: int, done: list[object]) -> None:
    async with asyncio.timeout(10):
        while len(done) < count:
            await asyncio.sleep(0.001)


async def test_it_goes_on_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    ticking = Ticking(lambda: done.append(1), 0.01)
    await come(2, done)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 3600)
    await come(5, done)
    ticking.stop()


async def test_a_coroutine_ends_before_it_begins_again() -> None:
    done, at_once = [], 0

    async def work() -> None:
        nonlocal at_once
        at_once += 1
        await asyncio.sleep(0.02)
        done.append(at_once)
        at_once -= 1

    ticking = Ticking(work, 0)
    await come(3, done)
    ticking.stop()
    assert set(done) == {1}


async def test_who_stops_it_in_its_own_turn_ends_that_turn() -> None:
    done: list[object] = []

    async def work() -> None:
        ticking.stop()
        await asyncio.sleep(0)
        done.append(1)

    ticking = Ticking(work, 0)
    await come(1, done)
    await asyncio.sleep(0.02)
    assert done == [1]


async def test_it_goes_on_after_an_error_and_that_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    done: list[object] = []

    def work() -> None:
        done.append(1)
        raise LookupError("away")

    ticking = Ticking(work, 0)
    await come(2, done)
    ticking.stop()
    assert caplog.records[0].event == "ticking.failed"  # type: ignore[attr-defined]
