# ruff: noqa: D102 - the tests say in their names what they hold to be true
"""The exam that every ``Channel`` must pass.

A new channel's whole test file:

    class TestMyChannel(ChannelExam):
        @asynccontextmanager
        async def open_pair(self) -> AsyncIterator[tuple[Channel, Channel]]:
            yield one_end, other_end
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pytest

from rtc_widgets.errors import ChannelClosed

if TYPE_CHECKING:
    from rtc_widgets.channels.channel import Channel

__all__ = ["ChannelExam"]


@pytest.mark.asyncio
class ChannelExam(ABC):
    """Hold the exam; a subclass whose name begins with ``Test`` sits it."""

    @abstractmethod
    def open_pair(self) -> AbstractAsyncContextManager[tuple[Channel, Channel]]:
        """Return the two ends of a new channel."""

    async def test_frames_arrive_as_they_were_sent(self) -> None:
        async with self.open_pair() as (ada, ben):
            frames = [b"\0", b"\xff" * 3, bytes(range(256)), b"x" * 2**20]
            for frame in frames:
                await ada.send(frame)
            assert [await ben.receive() for _ in frames] == frames

    async def test_the_order_is_kept_in_both_directions(self) -> None:
        async with self.open_pair() as (ada, ben):

            async def say(channel: Channel) -> None:
                for number in range(500):
                    await channel.send(b"%d" % number)

            async def hear(channel: Channel) -> list[int]:
                return [int(await channel.receive()) for _ in range(500)]

            results = await asyncio.gather(hear(ada), hear(ben), say(ada), say(ben))
            assert results[0] == results[1] == list(range(500))

    async def test_what_was_sent_before_the_end_arrives(self) -> None:
        async with self.open_pair() as (ada, ben):
            for number in range(20):
                await ada.send(b"%d" % number)
            await ada.aclose()
            assert [await ben.receive() for _ in range(20)] == [b"%d" % number for number in range(20)]
            for _ in range(2):
                with pytest.raises(ChannelClosed) as closed:
                    await ben.receive()
                assert closed.value.code == "normal"

    async def test_the_end_wakes_who_waits_on_either_side(self) -> None:
        async with self.open_pair() as (ada, ben):
            waiting = [asyncio.create_task(channel.receive()) for channel in (ada, ben)]
            await asyncio.sleep(0)
            await ben.aclose()
            async with asyncio.timeout(10):
                results = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(result) for result in results] == [ChannelClosed, ChannelClosed]

    async def test_closing_twice_is_closing_once(self) -> None:
        async with self.open_pair() as (ada, ben):
            await ada.aclose()
            await ada.aclose()
            with pytest.raises(ChannelClosed):
                await ben.receive()
            await ben.aclose()

    async def test_nothing_is_sent_after_the_end(self) -> None:
        async with self.open_pair() as (ada, ben):
            await ada.aclose()
            with pytest.raises(ChannelClosed):
                await ada.send(b"late")
            with pytest.raises(ChannelClosed):
                await ben.receive()
            with pytest.raises(ChannelClosed):
                await ben.send(b"late")

    async def test_a_cancelled_receive_takes_no_frame(self) -> None:
        async with self.open_pair() as (ada, ben):
            heard = []
            for number in range(50):
                waiting = asyncio.create_task(ben.receive())
                await asyncio.sleep(0)
                await ada.send(b"%d" % number)
                waiting.cancel()
                results = await asyncio.gather(waiting, return_exceptions=True)
                heard += [result for result in results if isinstance(result, bytes)]
            async with asyncio.timeout(10):
                while len(heard) < 50:
                    heard.append(await ben.receive())
            assert heard == [b"%d" % number for number in range(50)]
