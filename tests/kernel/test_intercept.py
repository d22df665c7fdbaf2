"""Our messages on a real kernel's control channel: taken before ipykernel sees them, and nothing else is."""

from __future__ import annotations

import time

import pytest
from jupyter_client.session import Session
from support.kernels import until

from rtc_widgets.protocol import kernel as wire

INSTALL = """
from rtc_widgets.kernel.intercept import ControlIntercept, intercept
kernel = get_ipython().kernel
got = []
import time
def wait_for(condition):
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < 60
        time.sleep(.005)
taken = intercept(kernel, lambda message: got.append(message["content"]["data"]["n"]))
assert isinstance(taken, ControlIntercept) and taken.way == "control" and taken.during_cells
"""


class Downlink:
    """A control channel of our own."""

    def __init__(self, manager, key=None):
        self.session = Session(key=manager.session.key if key is None else key)
        self.socket = manager.connect_control()

    def send(self, n, comm_id=wire.DOWNLINK_ID, buffers=(), msg_type="comm_msg"):
        message = self.session.msg(msg_type, {"comm_id": comm_id, "data": {"n": n}})
        self.session.send(self.socket, message, buffers=list(buffers))

    def close(self):
        self.socket.close(linger=0)


@pytest.fixture
async def downlink(kernel):
    downlink = Downlink(kernel.manager)
    yield downlink
    downlink.close()


async def test_messages_arrive_while_a_cell_sleeps_or_computes_and_nobody_else_notices(kernel, downlink):
    await kernel.run(INSTALL)
    for wait in ("time.sleep(0.01)", "sum(range(10_000))"):
        running = kernel.begin(
            "got.clear()\nprint('go', flush=True)\nstart = time.monotonic()\n"
            f"while len(got) < 5:\n    assert time.monotonic() - start < 60\n    {wait}\nprint(got)"
        )
        await until(lambda: "go" in kernel.output(running))  # noqa: B023
        for n in range(5):
            downlink.send(n, buffers=[b"x" * 100_000])
        assert (await kernel.end(running)).endswith("[0, 1, 2, 3, 4]\n")
    assert kernel.not_of_cells() == []


async def test_other_control_messages_are_still_answered(kernel, downlink):
    await kernel.run(INSTALL)
    downlink.send(1)
    kernel.client.control_channel.send(kernel.client.session.msg("kernel_info_request"))
    reply = await kernel.client.get_control_msg(timeout=60)
    assert reply["msg_type"] == "kernel_info_reply"
    assert "[1]" in await kernel.run("wait_for(lambda: got)\nprint(got)")


async def test_a_message_that_only_mentions_us_is_not_ours(kernel, downlink):
    await kernel.run(INSTALL)
    downlink.send(1, comm_id="rtc_widgets.downlink.other")
    downlink.send(2, msg_type="comm_msg_like")
    downlink.send(3)
    content = {"code": f"'{wire.DOWNLINK_ID} comm_msg'", "silent": True}
    kernel.client.control_channel.send(kernel.client.session.msg("execute_request", content))
    assert (await kernel.client.get_control_msg(timeout=60))["content"]["status"] == "ok"
    assert "[3]" in await kernel.run("wait_for(lambda: got)\nprint(got)")


async def test_forged_and_replayed_messages_are_not_delivered(kernel, downlink):
    await kernel.run(INSTALL)
    forger = Downlink(kernel.manager, key=b"guessed")
    forger.send(1)
    forger.close()
    message = downlink.session.serialize(
        downlink.session.msg("comm_msg", {"comm_id": wire.DOWNLINK_ID, "data": {"n": 2}})
    )
    downlink.socket.send_multipart(message)
    downlink.socket.send_multipart(message)
    downlink.socket.send_multipart([b"<IDS|MSG>", b"comm_msg", b"comm_msg"])
    downlink.send(3)
    assert "[2, 3]" in await kernel.run("wait_for(lambda: 3 in got)\nprint(got)")


async def test_after_removal_the_stream_is_as_before(kernel, downlink):
    await kernel.run("before = get_ipython().kernel.control_stream._recv_callback\n" + INSTALL)
    await kernel.run("taken.remove()\nassert kernel.control_stream._recv_callback == before")
    downlink.send(1)
    kernel.client.control_channel.send(kernel.client.session.msg("kernel_info_request"))
    assert (await kernel.client.get_control_msg(timeout=60))["msg_type"] == "kernel_info_reply"
    assert "[]" in await kernel.run("print(got)")


async def test_others_may_intercept_before_and_after_us(kernel, downlink):
    await kernel.run(
        "seen = []\nstream = get_ipython().kernel.control_stream\nfirst = stream._recv_callback\n"
        "def early(frames): seen.append('early'); return first(frames)\n"
        "stream.on_recv(early, copy=False)\n" + INSTALL + "second = stream._recv_callback\n"
        "def late(frames): seen.append('late'); return second(frames)\n"
        "stream.on_recv(late, copy=False)"
    )
    downlink.send(1)
    assert "['late'] [1]" in await kernel.run("wait_for(lambda: got)\nprint(seen, got)")
    kernel.client.control_channel.send(kernel.client.session.msg("kernel_info_request"))
    await kernel.client.get_control_msg(timeout=60)
    assert "['late', 'late', 'early']" in await kernel.run("print(seen)")
    await kernel.run("taken.remove()\nseen.clear()\nassert stream._recv_callback is late")
    kernel.client.control_channel.send(kernel.client.session.msg("kernel_info_request"))
    await kernel.client.get_control_msg(timeout=60)
    assert "['late', 'early']" in await kernel.run("print(seen)")


async def test_without_a_control_stream_messages_wait_for_the_cell_to_end(kernel):
    await kernel.run(
        "from rtc_widgets.kernel.intercept import CommIntercept, intercept\n"
        "kernel = get_ipython().kernel\nkernel_stream, kernel.control_stream = kernel.control_stream, None\n"
        "got = []\ntaken = intercept(kernel, lambda message: got.append(message['content']['data']['n']))\n"
        "assert isinstance(taken, CommIntercept) and taken.way == 'shell' and not taken.during_cells"
    )
    shell = kernel.manager.connect_shell()
    session = Session(key=kernel.manager.session.key)
    session.send(shell, "comm_msg", {"comm_id": wire.DOWNLINK_ID, "data": {"n": 1}})
    deadline = time.monotonic() + 60
    while "[1]" not in await kernel.run("print(got)"):
        assert time.monotonic() < deadline
    assert "None" in await kernel.run("taken.remove()\nprint(kernel.comm_manager.comms.get(taken.comm_id))")
    shell.close(linger=0)


async def test_a_kernel_with_neither_is_named(kernel):
    assert "None" in await kernel.run(
        "from rtc_widgets.kernel.intercept import intercept\nprint(intercept(object(), print))"
    )
