"""The channel in memory sits the exam."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rtc_widgets.channels.channel import Channel
from rtc_widgets.channels.memory import pair
from rtc_widgets.testing import ChannelExam


class TestMemoryChannel(ChannelExam):
    @asynccontextmanager
    async def open_pair(self) -> AsyncIterator[tuple[Channel, Channel]]:
        yield pair()
