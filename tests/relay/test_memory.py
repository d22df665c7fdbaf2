"""Memory that is free again is the system's again."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import pytest

from rtc_widgets.relay.memory import FreeMemory

FREED = 100 * 2**20
STATM = Path("/proc/self/statm")


def _resident() -> int:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(FreeMemory()._trim is None, reason="only glibc keeps it, and gives it back")
async def test_what_lies_below_something_that_stays_is_given_back():
    memory = FreeMemory()
    # Too small for a mapping of their own, and the last one stays: so it is after a notebook was parsed and shared.
    blocks = [os.urandom(1000) for _ in range(FREED // 1000)]
    stays = [blocks.pop() for _ in range(10)]
    before = _resident()
    del blocks
    gc.collect()
    memory.after(2**20 - 1)
    assert memory._timer is None, "a small document is not worth it"
    memory.after(2**20)
    async with asyncio.timeout(20):
        while before - _resident() < FREED * 0.9:
            await asyncio.sleep(0.02)
    assert len(stays) == 10


async def test_nothing_is_begun_once_it_is_closed():
    memory = FreeMemory()
    memory.after(2**30)
    memory.close()
    memory.after(2**30)
    assert memory._timer is not None
    assert memory._timer.cancelled()
