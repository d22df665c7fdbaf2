"""A relay in memory: a real room's document, and openers of channels to it that a test may break."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pycrdt import Doc, Text

from rtc_widgets.channels.channel import Opened
from rtc_widgets.channels.memory import MemoryChannel, pair
from rtc_widgets.documents.seed import seed
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.protocol import event
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.peer import FrameWriter
from rtc_widgets.protocol.welcome import Limits, Welcome
from rtc_widgets.roles import Role
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.peer import Outgoing
from rtc_widgets.stores.memory import MemoryStore

__all__ = ["MemoryPeer", "MemoryRelay"]


class MemoryPeer:
    """The relay's end of one channel."""

    def __init__(self, relay: MemoryRelay, channel: MemoryChannel, user: str) -> None:
        self.relay = relay
        self.channel = channel
        self.user = user
        self.received: list[bytes] = []
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._writer = FrameWriter(relay.limits.frame)
        self.tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._read())]

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "person", "username": self.user}

    @property
    def role(self) -> Role:
        return self.relay.role

    def send(self, outgoing: Outgoing) -> None:
        for frame in outgoing.frames:
            for piece in self._writer.split(frame):
                self._outbox.put_nowait(piece)

    def say_first(self, frame: bytes) -> None:
        """Say something before all that waits for the gate."""
        waiting = [frame]
        while not self._outbox.empty():
            waiting.append(self._outbox.get_nowait())
        for each in waiting:
            self._outbox.put_nowait(each)

    def close(self, code: str, reason: str) -> None:
        self.channel.end(code, reason)
        self.relay.peers.remove(self)

    async def _write(self) -> None:
        while True:
            frame = await self._outbox.get()
            await self.relay.open_gate.wait()
            try:
                await self.channel.send(frame)
            except ChannelClosed:
                return

    async def _read(self) -> None:
        for seq in range(1, 2**31):
            try:
                frame = await self.channel.receive()
            except ChannelClosed:
                self.relay.document.leave(self)
                return
            self.received.append(frame)
            self.relay.document.receive(self, [frame], seq)


class MemoryRelay:
    """Hold one document and be its opener: ``Provider(..., relay.opener("ada"))``."""

    def __init__(self, type_: str, content: Any, *, limits: Limits | None = None) -> None:
        self.type = type_
        self.limits = limits or Limits()
        self.role = Role.EDITOR
        self.store: Any = MemoryStore()
        self.path = "a.ipynb"
        self.peers: list[MemoryPeer] = []
        self.away = False
        self.refusal: ChannelClosed | None = None
        self.opened: list[str | None] = []  # the lineages that were named
        self.open_gate = asyncio.Event()  # closed, the relay answers nothing
        self.open_gate.set()
        self.seed(content)

    def seed(self, content: Any) -> None:
        """Start the document anew: another lineage, and everybody's connection is gone."""
        self.drop()
        seeded = seed(self.type, content)
        doc: Doc[Any] = Doc()
        doc.apply_update(seeded.update)
        self.document = RoomDocument(
            f"{len(self.opened)}.content", "content", doc, seeded.lineage, self.store, limits=self.limits
        )

    def drop(self) -> None:
        """Break every connection without a word."""
        peers, self.peers = self.peers, []
        for peer in peers:
            self.document.leave(peer)
            peer.channel.end(CloseCode.GONE, CloseCode.GONE.sentence)

    @property
    def text(self) -> str:
        """What a text file's document holds."""
        return str(self.document.doc.get("source", type=Text))

    def tell_role(self, role: Role) -> None:
        self.role = role
        for peer in self.peers:
            peer.send(self.document.outgoing(event.encode("role", {"role": role})))

    def opener(self, user: str) -> Any:
        async def open_(path: str, lineage: str | None, frames: Sequence[bytes], compares: bool) -> Opened:
            await asyncio.sleep(0)
            if self.away:
                raise NotConnected("The server does not answer.")
            if self.refusal is not None:
                raise ChannelClosed(self.refusal.code, self.refusal.reason)
            self.opened.append(lineage)
            mine, theirs = pair()
            peer = MemoryPeer(self, theirs, user)
            answers = self.document.join(peer, frames, lineage, compares=compares)
            self.peers.append(peer)
            peer.send(self.document.outgoing(*answers))
            name, document = self.document.name, self.document
            welcome = Welcome(1, "0", self.role, document.lineage, name, self.path, "room", self.limits)
            return Opened(mine, welcome)

        return open_

    async def aclose(self) -> None:
        for peer in self.peers:
            for task in peer.tasks:
                task.cancel()
        self.drop()
        await self.document.aclose()
