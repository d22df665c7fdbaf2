"""A kernel that does not read: what its link holds for it is bounded, and everything arrives once it reads."""

from __future__ import annotations

import asyncio
import time

import pytest
from pycrdt import Doc, Text
from support.fake_kernel import FakeKernel, Handler, until

from rtc_widgets.kernel_link import KernelLink
from rtc_widgets.kernel_link.flow import Receiver
from rtc_widgets.protocol import event, peer, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.roles import Role

MEGABYTE = 10**6
BOUND = 4 * MEGABYTE
# What a bound is not exact by: a burst of messages, and what is put in one turn.
BESIDES = 5 * MEGABYTE
# Bytes that the system's own buffers hold, and more.
SWALLOWED = 16 * MEGABYTE
WELCOME = Welcome(
    version=1, release="0", role=Role.EDITOR, lineage="L", document="content", path="a.ipynb", room="r"
)
STEP1 = sync.step1(b"\0")


class Reader:
    """Have the document in the kernel: take what it has heard, and ask for what is missing."""

    def __init__(self, fake):
        self.fake = fake
        self.doc = Doc({"text": Text()})
        self.receiver = Receiver()
        self._task = asyncio.create_task(self._take())

    @property
    def text(self):
        return str(self.doc["text"])

    async def _take(self):
        taken = 0
        while True:
            for kind, data, buffers in self.fake.heard[taken:]:
                taken += 1
                self._hear(kind, data, buffers)
            if self.receiver.ask(time.monotonic()):
                self.fake.publish("resync", [sync.step1(self.doc.get_state())], comm_id="d")
            await asyncio.sleep(0.005)

    def _hear(self, kind, data, buffers):
        now = time.monotonic()
        if kind == "head":
            self.receiver.head(data["seq"], now)
        elif kind in {"welcome", "frame"}:
            for frame in self.receiver.message(data["seq"], buffers, now):
                value = peer.decode(frame)
                if isinstance(value, sync.Step2 | sync.Update):
                    self.doc.apply_update(value.update)

    def close(self):
        self._task.cancel()


class Held(FakeKernel):
    """A kernel that stops to read, and reads again."""

    def __init__(self):
        super().__init__(backlog=1)

    def stop(self):
        self.reading.cancel()

    def go_on(self):
        self.reading = asyncio.create_task(self._read())


@pytest.fixture
async def fake():
    fake = Held()
    yield fake
    await fake.aclose()


@pytest.fixture
async def handler():
    return Handler()


@pytest.fixture
async def link(fake, handler):
    link = KernelLink(fake, handler, bound=BOUND)
    await fake.hello(lambda: handler.said)
    link.welcome("d", WELCOME, [sync.step2(handler.doc.get_update()), STEP1], primary=True)
    await until(lambda: "welcome" in fake.kinds())
    yield link
    await link.aclose()


@pytest.fixture
async def reader(fake, link):
    reader = Reader(fake)
    yield reader
    reader.close()


def rewrite(link, handler, text):
    """Put *text* in the place of all, as somebody else does, and tell the kernel."""
    before = handler.doc.get_state()
    with handler.doc.transaction():
        del handler.doc["text"][:]
        handler.doc["text"] += text
    link.send("d", [sync.update(handler.doc.get_update(before))])


async def write(link, handler, megabytes):
    """Write so much, and return the most that waited."""
    most = 0
    for number in range(megabytes):
        rewrite(link, handler, f"{number:04}" + "y" * MEGABYTE)
        most = max(most, link.unsent)
        await asyncio.sleep(0.002)
    return most


async def test_what_waits_is_bounded_and_everything_arrives_once_it_reads(
    fake, handler, link, reader, caplog
):
    fake.stop()
    most = await write(link, handler, 100)
    assert BOUND < most < 2 * BOUND + BESIDES
    assert [record.event for record in caplog.records] == ["kernel.behind"], "it is said once"
    fake.go_on()
    await until(lambda: reader.text == str(handler.doc["text"]), 20)
    assert reader.receiver.gaps, "something was dropped"
    await until(lambda: link.unsent == 0)
    rewrite(link, handler, "short")
    await until(lambda: reader.text == "short")
    fake.stop()
    await write(link, handler, 100)
    assert [record.event for record in caplog.records] == ["kernel.behind"] * 2, "and again, the next time"


async def test_without_a_bound_to_speak_of_everything_waits(fake, handler, link):
    """So the test above sees what it says."""
    link._bound = 10**9
    fake.stop()
    assert await write(link, handler, 60) > 60 * MEGABYTE - SWALLOWED


async def test_a_kernel_that_reads_loses_nothing_of_one_large_frame(fake, handler, link, reader):
    rewrite(link, handler, "y" * 5 * BOUND)
    await until(lambda: reader.text == str(handler.doc["text"]), 20)
    assert reader.receiver.gaps == 0


async def test_a_large_document_gets_through_though_others_write_all_the_time(fake, handler, link, reader):
    fake.stop()
    await write(link, handler, 40)
    # So much is the answer to what it asks then.
    rewrite(link, handler, "z" * 8 * BOUND)
    fake.go_on()
    for number in range(400):
        rewrite(link, handler, f"{number:04}" + "y" * MEGABYTE)
        assert link.unsent < 2 * BOUND + BESIDES + 2 * 8 * BOUND
        await asyncio.sleep(0.005)
        if len(reader.text) > 8 * BOUND:
            break
    await until(lambda: reader.text == str(handler.doc["text"]), 20)


async def test_one_who_asks_and_does_not_read_is_not_answered_again_and_again(fake, handler, link):
    """Its iopub goes on, as where a thread of the kernel writes and the control channel is stuck."""
    rewrite(link, handler, "y" * 2 * BOUND)
    fake.stop()
    await write(link, handler, 40)
    for _ in range(40):
        fake.publish("resync", [STEP1], comm_id="d")
    await until(lambda: handler.kinds().count("frames") == 40)
    assert link.unsent < 3 * BOUND + BESIDES


async def test_a_held_kernel_is_told_the_end_of_a_document_and_not_all_before_it(fake, handler, link):
    fake.stop()
    while not (link._held and link._waiting() > 2 * MEGABYTE):
        await write(link, handler, 1)
    in_the_channel = link._in_flight.size
    link.close("d", CloseCode.NOT_FOUND)
    assert link.unsent <= in_the_channel
    fake.go_on()
    await until(lambda: "close" in fake.kinds(), 20)


async def test_a_kernel_that_was_held_and_restarted_gets_nothing_of_before(fake, handler, link):
    fake.stop()
    await write(link, handler, 40)
    heard = len(fake.heard)
    link.restarted()
    assert link.unsent == 0
    fake.go_on()
    fake.id = "s2"
    handler.said.clear()
    await fake.hello(lambda: handler.said)
    link.welcome("d", WELCOME, [STEP1], primary=True)
    link.send("d", [event.encode("new", {})])
    await until(lambda: any(data["session"] == "s2" for _, data, _ in fake.heard))
    old = sum(len(b) for _, data, buffers in fake.heard[heard:] for b in buffers if data["session"] == "s1")
    assert old < SWALLOWED, "what was with the system already"


async def test_other_documents_of_the_kernel_share_the_bound(fake, handler, link):
    for name in ("e", "f"):
        link.welcome(name, WELCOME, [STEP1], primary=False)
    fake.stop()
    most = 0
    for number in range(120):
        link.send("def"[number % 3], [event.encode("x", {"x": "y" * MEGABYTE})])
        most = max(most, link.unsent)
        await asyncio.sleep(0.002)
    # Of each a frame may be under way.
    assert most < 2 * BOUND + BESIDES + 3 * MEGABYTE
