"""The hub's end of a kernel, talking with a kernel that is only two sockets."""

from __future__ import annotations

import asyncio
import time

import pytest
import zmq
from pycrdt import Doc, Text
from support.fake_kernel import FakeKernel, Handler, until

from rtc_widgets.errors import NotConnected
from rtc_widgets.kernel_link import KernelLink
from rtc_widgets.protocol import event, kernel, peer, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.roles import Role

WELCOME = Welcome(
    version=1, release="0", role=Role.EDITOR, lineage="L", document="content", path="a.ipynb", room="r"
)
STEP1 = sync.step1(b"\0")


@pytest.fixture
async def fake():
    fake = FakeKernel()
    yield fake
    await fake.aclose()


@pytest.fixture
async def handler():
    return Handler()


@pytest.fixture
async def link(fake, handler):
    link = KernelLink(fake, handler)
    yield link
    await link.aclose()


@pytest.fixture
async def welcomed(fake, handler, link):
    """A link whose kernel has the document "d"."""
    await fake.hello(lambda: handler.said, cell_id="c1")
    link.welcome("d", WELCOME, [STEP1], primary=True)
    await until(lambda: "welcome" in fake.kinds())
    fake.frame(1, sync.step2(b"\0\0"))
    await until(lambda: "frames" in handler.kinds())
    fake.heard.clear()
    handler.said.clear()
    return link


async def test_a_hello_is_answered_with_a_welcome(fake, handler, link):
    await fake.hello(lambda: handler.said, cell_id="c1")
    assert handler.said == [("hello", "s1", "c1")]
    assert link.session == "s1" and link.documents == frozenset()
    link.welcome("d", WELCOME, [STEP1], primary=True)
    await until(lambda: fake.heard)
    kind, data, buffers = fake.heard[0]
    assert (kind, data["comm_id"], data["seq"], data["primary"]) == ("welcome", "d", 1, True)
    assert Welcome.from_json(data["welcome"]) == WELCOME
    assert buffers == [STEP1]
    assert link.documents == {"d"}


async def test_a_hello_is_passed_on_until_it_was_answered(fake, handler, link):
    """The handler may have dropped the first one, busy with the session before."""
    await fake.hello(lambda: handler.said)
    fake.say_hello()
    await until(lambda: handler.kinds() == ["hello", "hello"])


async def test_a_repeated_hello_is_answered_with_a_resync(fake, handler, welcomed):
    fake.say_hello(cell_id="c1")
    await until(lambda: "resync" in fake.kinds())
    assert handler.said == []
    assert "welcome" not in fake.kinds()


async def test_a_kernel_that_has_heard_nothing_is_welcomed_again(fake, handler, link):
    await fake.hello(lambda: handler.said)
    link.welcome("d", WELCOME, [STEP1], primary=True)
    fake.say_hello()
    await until(lambda: len(handler.said) == 2)
    link.welcome("d", WELCOME, [STEP1], primary=True)
    await until(lambda: fake.kinds().count("welcome") == 2)
    assert [data["seq"] for kind, data, _ in fake.heard if kind == "welcome"] == [1, 1]


async def test_a_hello_from_another_cell_may_bring_another_notebook(fake, handler, welcomed):
    fake.say_hello(cell_id="elsewhere")
    await until(lambda: handler.said)
    assert handler.said == [("hello", "s1", "elsewhere")]


async def test_a_refusal_is_told_and_a_new_hello_asks_again(fake, handler, link):
    await fake.hello(lambda: handler.said)
    link.refuse(CloseCode.NOT_COLLABORATIVE)
    await until(lambda: fake.heard)
    kind, data, _ = fake.heard[0]
    assert (kind, data["code"], data["reason"]) == (
        "refused",
        "not-collaborative",
        CloseCode.NOT_COLLABORATIVE.sentence,
    )
    fake.say_hello()
    await until(lambda: handler.kinds() == ["hello", "hello"])


async def test_a_new_session_starts_anew_and_the_old_one_is_ignored(fake, handler, welcomed):
    fake.id = "s2"
    fake.say_hello()
    await until(lambda: handler.said)
    assert welcomed.session == "s2" and welcomed.documents == frozenset()
    fake.id = "s1"
    fake.frame(2, sync.update(b"\0\0"))
    fake.id = "s2"
    fake.publish("bye", code="normal", reason="")
    await until(lambda: "bye" in handler.kinds())
    assert handler.kinds() == ["hello", "bye"]


async def test_frames_of_one_turn_share_a_message_and_updates_are_merged(fake, handler, welcomed):
    made = []
    subscription = handler.doc.observe(lambda event: made.append(event.update))
    for number in range(50):
        handler.doc["text"] += f"{number}"
    handler.doc.unobserve(subscription)
    for update in made:
        welcomed.send("d", [sync.update(update)])
    # Not the welcome's head, which may have been under way.
    await until(lambda: any(kind == "head" and data["seq"] == 2 for kind, data, _ in fake.heard))
    frames = [entry for entry in fake.heard if entry[0] == "frame"]
    assert len(frames) == 1
    _, data, [frame] = frames[0]
    assert data["seq"] == 2
    copy = Doc({"text": Text()})
    copy.apply_update(peer.decode(frame).update)
    assert str(copy["text"]) == str(handler.doc["text"])


async def test_a_gap_in_what_the_kernel_says_is_resynced(fake, handler, welcomed):
    fake.frame(3, event.encode("x", {}))
    await until(lambda: "resync" in fake.kinds())
    _, data, [frame] = next(entry for entry in fake.heard if entry[0] == "resync")
    assert data["comm_id"] == "d"
    assert peer.decode(frame) == sync.Step1(handler.doc.get_state())
    assert ("frames", 3, [event.encode("x", {})]) in handler.said, "what came is used"


async def test_a_lost_tail_is_resynced_after_the_head(fake, handler, welcomed):
    fake.publish("head", comm_id="d", seq=2)
    await until(lambda: "resync" in fake.kinds())


async def test_a_resync_is_answered_with_step_2_and_our_step_1(fake, handler, welcomed):
    handler.doc["text"] += "here"
    fake.publish("resync", [sync.step1(b"\0")], comm_id="d")
    await until(lambda: "frame" in fake.kinds())
    frames = [peer.decode(frame) for kind, _, frames in fake.heard if kind == "frame" for frame in frames]
    assert [type(frame) for frame in frames] == [sync.Step2, sync.Step1]


async def test_parts_are_put_together(fake, handler, welcomed):
    frame = event.encode("large", {"x": "x" * 3_000_000})
    for seq, piece in enumerate(peer.FrameWriter(2**20).split(frame), start=2):
        fake.frame(seq, piece)
    await until(lambda: handler.said)
    assert handler.said == [("frames", 4, [frame])]


@pytest.mark.parametrize("frame", [b"bad", b"\xff", b"\0\2\5"])
async def test_a_malformed_frame_closes_the_document_and_nothing_else(fake, handler, welcomed, frame):
    welcomed.welcome("other", WELCOME, [STEP1], primary=False)
    fake.frame(2, frame)
    await until(lambda: "close" in fake.kinds() and "close" in handler.kinds())
    assert ("close", "d", "bad-frame") in handler.said
    assert welcomed.documents == {"other"}


async def test_nonsense_is_ignored_and_no_bug_of_ours(fake, handler, welcomed, caplog):
    fake.raw({"comm_id": kernel.UPLINK_ID, "data": None})
    fake.raw({"comm_id": kernel.UPLINK_ID, "data": {"kind": "frame", "session": "s1", "comm_id": "d"}})
    fake.raw({"comm_id": kernel.UPLINK_ID, "data": {"kind": "later", "session": "s1"}})
    fake.raw({"comm_id": []})
    fake.publish("frame", [b"\0\2\0"], comm_id="d", seq=2**64)
    fake.publish("head", comm_id="d", seq=-1)
    fake.raw({}, msg_type="iopub_welcome")
    fake.iopub.send_multipart([kernel.UPLINK_TOPIC, b"<IDS|MSG>", b"forged", b"{}", b"{}", b"{}", b"{}"])
    fake.frame(2, event.encode("x", {}))
    await until(lambda: handler.said)
    assert handler.kinds() == ["frames"] and welcomed.documents == {"d"}
    assert [record.event for record in caplog.records] == ["kernel.malformed"] * 6
    assert {record.levelname for record in caplog.records} == {"WARNING"}


async def test_closing_sends_what_is_left_first(fake, handler, welcomed):
    welcomed.send("d", [event.encode("notice", {})])
    welcomed.close("d", CloseCode.NOT_FOUND)
    await until(lambda: "close" in fake.kinds())
    # The welcome's head may have been under way.
    assert [kind for kind in fake.kinds() if kind != "head"] == ["frame", "close"]
    assert welcomed.documents == frozenset()
    welcomed.send("d", [event.encode("notice", {})])


async def test_a_kernel_closes_a_document(fake, handler, welcomed):
    fake.publish("close", comm_id="d", code="normal", reason="done")
    await until(lambda: handler.said)
    assert handler.said == [("close", "d", "normal")]
    assert welcomed.documents == frozenset()


async def test_a_kernel_that_outlived_its_server_is_asked_to_say_hello_again(fake, handler, link):
    deadline = time.monotonic() + 20
    while "bye" not in fake.kinds():
        assert time.monotonic() < deadline
        fake.frame(57, STEP1)
        await asyncio.sleep(0.05)
    assert fake.heard[0][1]["code"] == "going-away"
    assert handler.said == []


async def test_leaving_says_bye(fake, handler, welcomed):
    await welcomed.aclose()
    await until(lambda: "bye" in fake.kinds())
    await welcomed.aclose()


async def test_a_restarted_kernel_gets_nothing_that_was_meant_for_the_old_one(fake, handler, welcomed):
    old = dict(fake.ports)
    fake.ports = {"iopub_port": 1, "control_port": 1}
    welcomed.restarted()
    welcomed.send("d", [event.encode("notice", {})])
    fake.ports = old
    welcomed.restarted()
    assert welcomed.session is None
    fake.id = "s2"
    await fake.hello(lambda: handler.said)
    assert handler.said == [("hello", "s2", None)]


async def test_a_kernel_that_takes_nothing_never_stops_the_server(handler, caplog):
    """A stopped kernel: messages are dropped at the high-water mark, and a later head tells it."""
    fake = FakeKernel()
    link = KernelLink(fake, handler)
    await fake.hello(lambda: handler.said)
    link.welcome("d", WELCOME, [STEP1], primary=True)
    await until(lambda: "welcome" in fake.kinds())
    control = link._sockets["control"]
    sndhwm = control.sndhwm
    port = fake.ports["control_port"]
    fake.reading.cancel()
    fake.control.close(linger=0)
    start = time.monotonic()
    for _ in range(sndhwm + 50):
        link._transmit("head", comm_id="d", seq=1)
    assert time.monotonic() - start < 5
    link.send("d", [event.encode("notice", {})])
    fake.control = fake.context.socket(zmq.ROUTER)
    fake.control.bind(f"tcp://127.0.0.1:{port}")
    fake.heard.clear()
    fake.reading = asyncio.create_task(fake._read())
    await until(lambda: fake.heard and fake.heard[-1][:1] == ("head",) and fake.heard[-1][1]["seq"] == 2)
    await link.aclose()
    await fake.aclose()


async def test_a_kernel_without_the_control_way_is_reached_through_the_shell(fake, handler, link):
    shell = fake.context.socket(zmq.ROUTER)
    fake.ports["shell_port"] = shell.bind_to_random_port("tcp://127.0.0.1")
    link.restarted()
    await fake.hello(lambda: handler.said, ways=["shell"])
    link.welcome("d", WELCOME, [STEP1], primary=True)
    parts = await asyncio.wait_for(shell.recv_multipart(), 30)
    shell.close(linger=0)
    assert parts[-1] == STEP1
    assert fake.heard == []


async def test_a_kernel_behind_a_gateway_is_refused_plainly(fake, handler):
    fake.ports = {"iopub_port": 0, "control_port": 0}
    with pytest.raises(NotConnected, match="gateway"):
        KernelLink(fake, handler)
