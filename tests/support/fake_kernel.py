"""A kernel that is only two sockets, and who answers its link."""

from __future__ import annotations

import asyncio
import contextlib
import time

import zmq
import zmq.asyncio
from jupyter_client.session import Session
from pycrdt import Doc, Text

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol import kernel, peer, sync

__all__ = ["FakeKernel", "Handler", "until"]


async def until(condition, seconds=20.0):
    """Wait for a fact."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become true"
        await asyncio.sleep(0.005)


class FakeKernel:
    """A kernel's iopub and control, with nobody behind; also the manager that knows where they are."""

    def __init__(self, *, backlog=1000):
        self.session = Session(key=b"secret")
        self.context = zmq.asyncio.Context()
        self.iopub = self.context.socket(zmq.PUB)
        self.control = self.context.socket(zmq.ROUTER)
        # Messages that it takes without reading them; and as many bytes as the system's buffers hold.
        self.control.rcvhwm = backlog
        self.ports = {
            "iopub_port": self.iopub.bind_to_random_port("tcp://127.0.0.1"),
            "control_port": self.control.bind_to_random_port("tcp://127.0.0.1"),
        }
        self.heard = []
        self.id = "s1"
        self.reading = asyncio.create_task(self._read())

    def get_connection_info(self, session=False):
        return {"transport": "tcp", "ip": "127.0.0.1", **self.ports}

    async def _read(self):
        session = Session(key=b"secret")
        while True:
            _, parts = session.feed_identities(await self.control.recv_multipart())
            message = session.deserialize(parts)
            assert message["content"]["comm_id"] == kernel.DOWNLINK_ID
            data = message["content"]["data"]
            self.heard.append((data["kind"], data, [bytes(buffer) for buffer in message["buffers"]]))

    def kinds(self):
        return [kind for kind, _, _ in self.heard]

    def publish(self, kind, buffers=(), **keys):
        content = kernel.content(kernel.UPLINK_ID, kind, self.id)
        content["data"] |= keys
        self.raw(content, buffers)

    def raw(self, content, buffers=(), msg_type="comm_msg"):
        self.session.send(
            self.iopub, msg_type, content, ident=kernel.UPLINK_TOPIC, buffers=list(buffers) or None
        )

    def say_hello(self, **keys):
        data = kernel.Hello(session=self.id, versions=[1], release="0", **keys).to_data()
        self.publish("hello", **{key: data[key] for key in data if key not in {"kind", "session"}})

    async def hello(self, until_heard, **keys):
        """Say hello as a kernel does, again until the link's subscription is live."""
        deadline = time.monotonic() + 20
        while not until_heard():
            assert time.monotonic() < deadline
            self.say_hello(**keys)
            # One that was not lost may take its time, and would be heard twice.
            with contextlib.suppress(AssertionError):
                await until(until_heard, 0.5)

    def frame(self, seq, *frames):
        self.publish("frame", frames, comm_id="d", seq=seq)

    async def aclose(self):
        self.reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.reading
        self.context.destroy(linger=0)


class Handler:
    """Note what the link says, and answer for one document."""

    def __init__(self):
        self.said = []
        self.doc = Doc({"text": Text()})

    def on_hello(self, link, hello):
        self.said.append(("hello", hello.session, hello.cell_id))

    def on_frames(self, link, comm_id, seq, frames):
        self.said.append(("frames", seq, frames))
        for frame in frames:
            if frame == b"bad":
                raise FrameError("bad")
            value = peer.decode(frame)
            if isinstance(value, sync.Step1):
                link.send(comm_id, [sync.step2(self.doc.get_update(value.state_vector))])
            elif isinstance(value, sync.Step2 | sync.Update):
                self.doc.apply_update(value.update)

    def on_close(self, link, comm_id, code, reason):
        self.said.append(("close", comm_id, code))

    def on_bye(self, link, code, reason):
        self.said.append(("bye", code))

    def state_vector(self, comm_id):
        return self.doc.get_state()

    def kinds(self):
        return [entry[0] for entry in self.said]
