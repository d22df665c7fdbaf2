"""The bytes that ZeroMQ holds: of large messages each, of small ones all but the last few."""

from __future__ import annotations

import asyncio

import pytest
import zmq
from support.fake_kernel import until

from rtc_widgets.kernel_link.in_flight import STEP, InFlight


@pytest.fixture
def pair(tmp_path):
    """A socket that sends, and what puts another at the end of it."""
    context = zmq.Context()
    where = f"ipc://{tmp_path}/end"
    here, there = context.socket(zmq.DEALER), context.socket(zmq.ROUTER)
    here.sndtimeo = 0
    here.sndhwm = 500
    here.connect(where)
    yield here, lambda: there.bind(where)
    context.destroy(linger=0)


def send(in_flight, socket, *buffers):
    with in_flight.counted(buffers) as counted:
        socket.send_multipart([b"header", *counted])


async def test_it_counts_until_it_has_left(pair):
    here, bind = pair
    in_flight = InFlight()
    send(in_flight, here, b"x" * 10**6)
    send(in_flight, here, b"x", b"y" * 10**6)
    send(in_flight, here, b"y" * 10**6, b"x")
    await asyncio.sleep(0)
    assert 3 * 10**6 < in_flight.size < 3.1 * 10**6
    bind()
    await until(lambda: in_flight.size == 0)


@pytest.mark.parametrize("length", [0, 1, 5000])
async def test_small_ones_count_together(pair, length):
    here, _ = pair
    in_flight = InFlight()
    for _ in range(400):
        send(in_flight, here, b"x" * length)
    assert 400 * length - STEP < in_flight.size < 400 * (length + 2000)
    assert in_flight.size > 200_000, "each costs something"


async def test_what_was_not_sent_does_not_count(pair):
    here, _ = pair
    in_flight = InFlight()
    for _ in range(500):
        send(in_flight, here, b"x" * 1000)
    size = in_flight.size
    for _ in range(200):
        with pytest.raises(zmq.Again):
            send(in_flight, here, b"x" * 1000)
        with pytest.raises(zmq.Again):
            send(in_flight, here, b"x" * 10**5)
    assert in_flight.size == size
