"""A kernel that means harm, or is broken: what it publishes comes to the server's own link, over its channels."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Sequence
from types import SimpleNamespace
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.session import Session
from pycrdt import Array, Doc, Map, Text

from rtc_widgets.protocol import kernel, sync
from rtc_widgets.protocol.codec import varuint
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.peer import FrameReader
from rtc_widgets.relay.kernels import Kernels
from rtc_widgets.roles import Role
from rtc_widgets.testing.fuzz.house import ANNOTATIONS, CONTENT, Broken, House
from rtc_widgets.testing.fuzz.scene import EVE, LIMITS, judge, leap, run, two

__all__ = ["attack_from_kernel"]

_KEY = b"secret"
_SESSION = "s"
_IDS = (CONTENT, ANNOTATIONS, "s.content", "nothing")
_PATHS = ("b.ipynb", "a.ipynb", "nothing.ipynb", "../b.ipynb", "")
_MOST = 4  # documents that it can have been given
_numbers = itertools.count(1)


def attack_from_kernel(pieces: Sequence[bytes]) -> list[str]:
    """Let a kernel publish what *pieces* say, each a byte for what it is and what is in it; return what it was told.

    Raises:
        Broken: somebody else noticed, or something is there that must not be.
    """
    return run(_attack(pieces))


async def _attack(pieces: Sequence[bytes]) -> list[str]:
    how = pieces[0][0] if pieces and pieces[0] else 0
    async with House(LIMITS, writable=not how & 1) as house:
        house.hostile.add(Role.EDITOR if house.writable else Role.VIEWER)
        ada, ben = await two(house)
        eve = _Kernel(house)
        try:
            eve.kernels.start()
            if not how & 2:
                eve.hello({})
            await eve.turn()
            for piece in pieces[1:]:
                if piece:
                    await eve.do(piece[0], piece[1:])
            for _ in range(2):
                leap()
                await eve.turn()
            told = eve.check()
        finally:
            await eve.aclose()
        return await judge(house, ada, ben) + told


class _Kernel:
    """Be a kernel's channels, and the server that knows of it: what `Kernels` asks a ``ServerApp`` for."""

    kernel_id = "k"

    def __init__(self, house: House) -> None:
        self.house = house
        number = next(_numbers)
        self._ports = {"iopub_port": 3 * number, "control_port": 3 * number + 1, "shell_port": 3 * number + 2}
        context = zmq.asyncio.Context.instance()
        self.session = Session(key=_KEY)
        self._iopub = zmq.Socket(context, zmq.XPUB)
        self._hears = [zmq.Socket(context, zmq.ROUTER), zmq.Socket(context, zmq.ROUTER)]
        self._sockets = [self._iopub, *self._hears]
        for socket, port in zip(self._sockets, self._ports.values(), strict=True):
            socket.linger = 0
            socket.bind(f"inproc://127.0.0.1-{port}")
        self.doc: Doc[Any] = Doc(client_id=EVE)
        self._readers: dict[str, FrameReader] = {}
        self._sent: dict[str, int] = {}
        self._remote = False
        self._last: list[bytes] = []
        self.told: list[str] = []
        server: Any = SimpleNamespace(
            event_logger=self, web_app=SimpleNamespace(settings={}), kernel_manager=self, session_manager=self
        )
        relay: Any = house
        self.kernels = Kernels(relay, server)
        self._subscription = self.doc.observe(self._on_update)

    # What the server knows

    def get_connection_info(self, session: bool = False) -> dict[str, Any]:
        return {"transport": "inproc", "ip": "127.0.0.1", **self._ports}

    def add_listener(self, *, schema_id: str, listener: Any) -> None:
        self._listener = listener

    def remove_listener(self, *, schema_id: str, listener: Any) -> None: ...

    def list_kernel_ids(self) -> list[str]:
        return [self.kernel_id]

    def __contains__(self, kernel_id: str) -> bool:
        return kernel_id == self.kernel_id

    def get_kernel(self, kernel_id: str) -> Any:
        return self

    def kernel_model(self, kernel_id: str) -> dict[str, Any]:
        return {"connections": 0}

    async def list_sessions(self) -> list[dict[str, Any]]:
        return [{"kernel": {"id": self.kernel_id}, "path": "a.ipynb", "type": "notebook"}]

    # Its channels

    async def turn(self) -> None:
        """Let all that was begun end, and hear of it."""
        for _ in range(3):
            await asyncio.sleep(0)
            while _waits(self._link._sockets["iopub"]):  # noqa: ASYNC110, SLF001 - the fact to wait for
                await asyncio.sleep(0)
        await self.house.turn()
        for socket in self._hears:
            while _waits(socket):
                _, parts = self.session.feed_identities(socket.recv_multipart())
                message = Session(key=_KEY).deserialize(parts)
                self._heard(message["content"], [bytes(buffer) for buffer in message["buffers"]])
        await self.house.turn()

    @property
    def _link(self) -> Any:
        return self.kernels._links[self.kernel_id]  # noqa: SLF001 - whose channels these are

    def check(self) -> list[str]:
        """See that nothing is kept for it that was not asked for in the end; return what it was told."""
        kept = self.kernels._opening or self.kernels._tasks or self.kernels._greeting  # noqa: SLF001
        if kept or len(self._link.documents) > _MOST:
            raise Broken(f"kept for the kernel: {kept} {self._link.documents}")
        return self.told

    async def aclose(self) -> None:
        """End it, and the server's end of it."""
        self.doc.unobserve(self._subscription)
        await self.kernels.aclose()
        for socket in self._sockets:
            socket.close(linger=0)

    def _heard(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        data = content["data"]
        kind, comm_id = data["kind"], data.get("comm_id")
        if "code" in data:
            self.told.append(data["code"])
            if data["code"] not in set(CloseCode):
                raise Broken(f"told {data['code']!r}, which is no code")
        if kind == "welcome":
            self._readers[comm_id], self._sent[comm_id] = FrameReader(), 0
        if comm_id not in self._readers:
            return
        for buffer in buffers:
            value = self._readers[comm_id].receive(buffer)
            if comm_id == CONTENT:
                self._take(value)

    def _take(self, value: object) -> None:
        match value:
            case sync.Step1(state_vector):
                self._frames(CONTENT, sync.step2(self.doc.get_update(state_vector)))
            case sync.Step2(update) | sync.Update(update):
                self._remote = True
                try:
                    self.doc.apply_update(update)
                finally:
                    self._remote = False

    def _on_update(self, happened: Any) -> None:
        if not self._remote:
            self._frames(CONTENT, sync.update(happened.update))

    def _publish(self, content: bytes, buffers: Sequence[bytes] = (), type_: str = "comm_msg") -> None:
        head = self.session.msg(type_)["header"]
        parts = [self.session.pack(head), b"{}", b"{}", content]
        self._put([kernel.UPLINK_TOPIC, b"<IDS|MSG>", self.session.sign(parts), *parts, *buffers])

    def _put(self, wire: list[bytes]) -> None:
        while _waits(self._iopub):
            self._iopub.recv()  # what the link subscribes to: zmq looks at it only now and then
        self._last = wire
        self._iopub.send_multipart(wire)

    def _say(self, kind: str, buffers: Sequence[bytes] = (), **keys: Any) -> None:
        data = {"kind": kind, "session": _SESSION} | keys
        self._publish(json.dumps({"comm_id": kernel.UPLINK_ID, "data": data}).encode(), buffers)

    def _frames(self, comm_id: str, *frames: bytes) -> None:
        self._sent[comm_id] = self._sent.get(comm_id, 0) + 1
        self._say("frame", frames, comm_id=comm_id, seq=self._sent[comm_id])

    # What it does

    async def do(self, kind: int, data: bytes) -> None:
        """Do one thing; with the highest bit of *kind* the next comes at once."""
        deeds = (
            self._data,
            self._content,
            self._wire,
            self._own_hello,
            self._frame,
            self._update,
            self._type,
            self._resync,
            self._head,
            self._open,
            self._close,
            self._bye,
            self._again,
            self._restart,
            self._comm,
            self._wait,
            self._part,
        )
        at = kind & 0x7F
        done: Awaitable[None] | None = deeds[at % len(deeds)](data)
        if done is not None:
            await done
        if not kind & 0x80:
            await self.turn()

    def hello(self, keys: dict[str, Any]) -> None:
        """Say hello as a kernel does, but for *keys*."""
        data = kernel.Hello(_SESSION, [1], "0", cell_id="x").to_data() | keys
        self._publish(json.dumps({"comm_id": kernel.UPLINK_ID, "data": data}).encode())

    def _data(self, data: bytes) -> None:
        """Publish any ``content.data``, a line of JSON, and behind it a buffer."""
        text, _, rest = data.partition(b"\n")
        self._publish(b'{"comm_id":"rtc_widgets.uplink","data":' + text + b"}", [rest] if rest else ())

    def _content(self, data: bytes) -> None:
        self._publish(data, type_="comm_msg")

    def _wire(self, data: bytes) -> None:
        """Publish any parts, each of them a line, signed if the first of these is empty."""
        parts = data.split(b"\n")
        sign = parts[0] or self.session.sign(parts[1:5])
        self._put([kernel.UPLINK_TOPIC, b"<IDS|MSG>", sign, *parts[1:]])

    def _own_hello(self, data: bytes) -> None:
        self.hello(_object(data))

    def _frame(self, data: bytes) -> None:
        self._frames(_IDS[data[0] % len(_IDS)] if data else CONTENT, data[1:])

    def _update(self, data: bytes) -> None:
        self._frames(CONTENT, sync.update(data))

    def _type(self, data: bytes) -> None:
        for cell in self.doc.get("cells", type=Array):
            if isinstance(cell, Map) and isinstance(text := cell.get("source"), Text):
                text.insert(0, data.decode(errors="replace"))
                break

    def _resync(self, data: bytes) -> None:
        self._say("resync", [data], comm_id=CONTENT)

    def _head(self, data: bytes) -> None:
        seq = int.from_bytes(data, "big", signed=True)
        self._sent[CONTENT] = seq
        self._say("head", comm_id=CONTENT, seq=seq)

    def _open(self, data: bytes) -> None:
        number, path = (data[0], data[1]) if len(data) > 1 else (0, 0)
        keys = {"kind": "open", "session": _SESSION, "open": number, "path": _PATHS[path % len(_PATHS)]}
        keys |= {"format": "json", "type": "notebook", "document": "annotations" if number & 1 else "content"}
        content = {"comm_id": kernel.UPLINK_ID, "data": keys | _object(data[2:])}
        self._publish(json.dumps(content).encode())

    def _close(self, data: bytes) -> None:
        self._say("close", comm_id=CONTENT, code=data.decode(errors="replace"), reason="")

    def _bye(self, data: bytes) -> None:
        self._say("bye", code=data.decode(errors="replace"), reason="")

    def _again(self, data: bytes) -> None:
        """Send the last message again: as it was, or its contents under a signature of its own."""
        if self._last and data:
            self._put(self._last)
        elif len(self._last) > 6:
            self._publish(self._last[6], self._last[7:])

    async def _restart(self, data: bytes) -> None:
        change = {"kernel_id": self.kernel_id, "action": "restart", "status": "success"}
        await self._listener(None, "", change)

    def _comm(self, data: bytes) -> None:
        """Open a comm, as kernels do that have nothing else, or speak on it."""
        hello = kernel.Hello(_SESSION, [1], "0", ways=["comm"]).to_data()
        content = {"comm_id": "c", "target_name": kernel.COMM_TARGET, "data": hello | _object(data[1:])}
        self._publish(json.dumps(content).encode(), type_="comm_msg" if data[:1] == b"m" else "comm_open")

    def _wait(self, data: bytes) -> None:
        leap((data[0] if data else 1) / 16)

    def _part(self, data: bytes) -> None:
        self._frames(CONTENT, varuint(68) + data)


def _waits(socket: zmq.Socket[Any]) -> bool:
    return bool(int(socket.get(zmq.EVENTS)) & zmq.POLLIN)


def _object(data: bytes) -> dict[str, Any]:
    """Return the object that *data* says as JSON, if it does."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
