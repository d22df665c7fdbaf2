"""One client for all servers: it speaks Yjs in the dialect of each, and does as little else as it can.

Ours is spoken to as its browsers do it, over the comm endpoint. The others frame a Yjs message with less, or with
nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from pycrdt import Doc

from benchmarks.contenders import TOKEN, Server
from benchmarks.wire import Wire, connect
from rtc_widgets._version import __version__
from rtc_widgets.protocol import awareness, envelope, parts, sync
from rtc_widgets.protocol.codec import Reader, varbytes

__all__ = ["Client"]

_HEADERS = {"Authorization": f"token {TOKEN}"}


class Client:
    """Take part in one document.

    Args:
        server: whose.
        path: the notebook's, which names the room.
        doc: a replica to keep up to date; without one, only the clocks of what arrives are looked at, in `until`.
    """

    def __init__(self, server: Server, path: str, doc: Doc[Any] | None = None) -> None:
        self.server = server
        self.path = path
        self.doc = doc
        self.client_id = random.getrandbits(31)
        self.arrived: list[tuple[float, int]] = []
        """When something of `watched` arrived, and up to which clock."""
        self.watched = 0
        self.state = b""
        """The answer to our sync step 1."""
        self.synced_at = 0.0
        self.applied: Callable[[float], None] | None = None
        """Called once something that arrived is in the replica, with the time at which it arrived."""
        self._synced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._numbers = itertools.count(1)
        self._assembler = parts.Assembler(2**30)
        self._clock = 0
        self._wire: Wire
        self._say: Callable[[bytes], None]

    @property
    def received(self) -> int:
        """Return the bytes that arrived."""
        return self._wire.received

    @property
    def clock(self) -> int:
        """Return the clock up to which the writer's changes are here."""
        return self._clock

    async def open(self) -> None:
        """Join, and wait until what the server has is here."""
        ask = sync.step1(self.doc.get_state() if self.doc is not None else b"\0")
        match self.server.dialect:
            case "comms":
                await self._open_comm(ask)
            case "collaboration":
                # The server decides who seeds, so there is a request before the WebSocket here, too.
                body = {"format": "json", "type": "notebook"}
                session = await self._ask(f"/api/collaboration/session/{quote(self.path)}", body)
                room = f"json:notebook:{session['fileId']}?sessionId={session['sessionId']}"
                await self._open_bare(f"/api/collaboration/room/{room}", ask)
            case "hocuspocus":
                self._wire = await connect(self.server.port, "/")
                prefix = varbytes(self.path.encode())
                self._say = lambda frame: self._wire.send(prefix + frame)
                self._wire.listen(self._hear_hocuspocus)
                self._say(b"\x02\x00" + varbytes(b"x"))  # whoever it is, without a hook that asks
                self._say(ask)
            case _:
                await self._open_bare(f"/{quote(self.path)}", ask)
        if self.server.dialect != "floor":
            async with asyncio.timeout(120):
                await self._synced
        self._wire.patient = self.doc is None

    def update(self, update: bytes) -> None:
        """Send a change."""
        self._say(sync.update(update))

    def point(self, clock: int) -> None:
        """Send a cursor, as the cursor of JupyterLab looks: about 280 bytes."""
        user = {"username": f"u{self.client_id}", "name": "Anonymous Io", "display_name": "Anonymous Io"}
        user |= {"initials": "AI", "color": "var(--jp-collaborator-color1)"}
        place = {"type": None, "tname": None, "item": {"client": self.client_id, "clock": clock}, "assoc": 0}
        cursors = [{"anchor": place, "head": place, "primary": True, "empty": True}]
        state = json.dumps({"user": user, "cursors": cursors}, separators=(",", ":"))
        states = awareness.encode_states([awareness.State(self.client_id, clock, state)])
        self._say(awareness.encode(states))

    async def until(self, clock: int, seconds: float = 60.0) -> None:
        """Wait until the writer's changes are here up to *clock*."""
        end = time.monotonic() + seconds
        while True:
            self._wire.catch_up()
            if self._clock >= clock:
                return
            if self._wire.closed is not None:
                raise ConnectionError(f"{self.server.name}: {self._wire.closed}")
            if time.monotonic() > end:
                raise TimeoutError(f"{self.server.name} lost changes: {self._clock} of {clock} arrived")
            await asyncio.sleep(0.002)

    def close(self) -> None:
        """Leave."""
        self._wire.close()

    async def _ask(self, path: str, body: Any) -> Any:
        return await asyncio.to_thread(self.server.api, path, "PUT", body)

    async def _open_bare(self, path: str, ask: bytes) -> None:
        self._wire = await connect(self.server.port, path, _HEADERS)
        self._say = self._wire.send
        self._wire.listen(self._take)
        if self.server.dialect != "floor":
            self._say(ask)

    async def _open_comm(self, ask: bytes) -> None:
        body = {"format": "json", "type": "notebook"}
        grant = await self._ask(f"/api/rtc_widgets/rooms/{quote(self.path)}", body)
        comm_id = grant["documents"]["content"]["comm_id"]
        headers = _HEADERS | {"Sec-WebSocket-Protocol": envelope.SUBPROTOCOL}
        self._wire = await connect(self.server.port, "/api/rtc_widgets/comms", headers)

        def say(frame: bytes) -> None:
            for piece in parts.split(frame, 2**20, next(self._numbers)):
                self._seq += 1
                self._wire.send(envelope.pack(envelope.comm(comm_id, [piece], {"seq": self._seq})))

        self._say = say
        self._wire.listen(self._hear_comm)
        data = {"versions": [1], "release": __version__, "ticket": grant["ticket"], "lineage": None}
        self._wire.send(envelope.pack(envelope.open_(comm_id, data, [ask])))

    _seq = 0

    def _hear_comm(self, now: float, message: bytes) -> None:
        if b'"comm_close"' in message[:200]:
            self._wire.closed = f"the relay closed the document: {message[100:]!r}"
            if not self._synced.done():
                self._synced.set_exception(ConnectionError(self._wire.closed))
            return
        count = int.from_bytes(message[:8], "little")
        ends = [int.from_bytes(message[at : at + 8], "little") for at in range(48, 8 * count + 1, 8)]
        for start, end in itertools.pairwise(ends):
            frame = message[start:end]
            if frame[0] == parts.TYPE:
                reader = Reader(frame)
                reader.varuint()
                whole = self._assembler.receive(parts.decode(reader))
                if whole is None:
                    continue
                frame = whole
            self._take(now, frame)

    def _hear_hocuspocus(self, now: float, message: bytes) -> None:
        reader = Reader(message)
        reader.varbytes()
        frame = reader.rest()
        # Its answers to a step 1 have a type of their own (SyncReply) that is otherwise a sync frame.
        self._take(now, b"\0" + frame[1:] if frame[0] == 4 else frame)

    def _take(self, now: float, frame: bytes) -> None:
        if frame[0] != sync.TYPE:
            return
        reader = Reader(frame)
        reader.varuint()
        kind, payload = reader.varuint(), reader.varbytes()
        if kind == 0:
            self._say(sync.step2(sync.EMPTY_UPDATE if self.doc is None else self.doc.get_update(payload)))
            return
        if kind == 1 and not self._synced.done():
            self.state, self.synced_at = payload, now
            self._synced.set_result(None)
        elif self.watched:
            clock = _typed(payload, self.watched)
            if clock > self._clock:
                self._clock = clock
                self.arrived.append((now, clock))
        if self.doc is not None:
            self.doc.apply_update(payload)
            if self.applied is not None:
                self.applied(now)


def _typed(update: bytes, writer: int) -> int:
    """Return the clock after what *writer* typed in *update*, where that is what it holds; else 0.

    Decoding it all the way would cost more than some of the servers do.
    """
    clients, at = _varuint(update, 0)
    if not clients:
        return 0
    count, at = _varuint(update, at)
    client, at = _varuint(update, at)
    if client != writer:
        return 0
    clock, at = _varuint(update, at)
    for _ in range(count):
        info = update[at]
        assert info & 0xC0, "what is typed stands next to other text"
        assert info & 0x1F == 4, "and is text"
        at += 1
        for _ in range(2 * ((info >> 7) + (info >> 6 & 1))):  # the neighbours, a client and a clock each
            _, at = _varuint(update, at)
        length, at = _varuint(update, at)
        clock += length
        at += length
    return clock


def _varuint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
