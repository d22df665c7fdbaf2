"""A room with its log and the relay's own end of WebSockets, and people in it, all in one process."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any, Self

from pycrdt import Array, Doc, Map, Text

from rtc_widgets.documents.seed import seed
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.protocol import envelope, request, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.peer import FrameReader
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.relay.access import Grant, Grants
from rtc_widgets.relay.connection import TabConnection
from rtc_widgets.roles import Role
from rtc_widgets.rooms.counts import Counts
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.log import load
from rtc_widgets.rooms.manager import RoomKey, RoomManager
from rtc_widgets.rooms.room import Room
from rtc_widgets.stores.entry import Entry
from rtc_widgets.stores.memory import MemoryStore

__all__ = ["ANNOTATIONS", "CONTENT", "Broken", "House", "Person", "unframed"]

CONTENT, ANNOTATIONS = "r.content", "r.annotations"
_KEY, _OTHER = RoomKey("a.ipynb", "json", "notebook"), RoomKey("b.ipynb", "json", "notebook")
_CELL = {"id": "x", "cell_type": "code", "source": "abcé😀", "metadata": {"k": [1]}, "outputs": []}
_NOTEBOOK = {"cells": [_CELL | {"execution_count": None}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


class Broken(AssertionError):
    """Something does not hold that must."""


class _Backing:
    """Be a file that needs no keeping."""

    problem = None
    removed = unsaved = False
    saved_at = None

    def __init__(self, writable: bool) -> None:
        self.writable = writable

    def remove(self) -> None: ...

    def trusted_cells(self) -> list[str]:
        return []

    def changed(self) -> None: ...

    async def save(self) -> dict[str, Any]:
        return {"hash": None, "last_modified": ""}

    async def renamed(self, path: str) -> None: ...

    async def aclose(self) -> None: ...


class House:
    """Have one room, of a notebook of one cell, and another.

    Args:
        limits: of the relay; small ones are reached.
        writable: whether the files may be written; where not, everybody is a viewer.
    """

    kernels_open_files = True

    def __init__(self, limits: Limits, *, writable: bool = True) -> None:
        self.limits = limits
        self.writable = writable
        self.hostile: set[Role] = set()  # what she who means harm may have done
        self.max_documents = 4
        self.max_unsent = 2**14
        self.counts = Counts()
        self.grants = Grants()
        self.store = MemoryStore()
        self.rooms = RoomManager(self._make, 0.0)
        self.people: list[Person] = []
        self.room: Room

    async def open(self, key: RoomKey) -> Room:
        """Return the room of a file."""
        return await self.rooms.open(key)

    async def _make(self, key: RoomKey) -> Room:
        if key not in {_KEY, _OTHER}:
            raise ChannelClosed(CloseCode.NOT_FOUND, CloseCode.NOT_FOUND.sentence)
        id_ = "r" if key == _KEY else "s"
        seeded = seed("notebook", _NOTEBOOK)
        content_doc: Doc[Any] = Doc()
        content_doc.apply_update(seeded.update)
        name = f"{id_}.content"
        if not await self.log(name):
            await self.store.append(name, [Entry(seeded.update, None, 0.0, "seed", seeded.lineage)])
        else:
            await load(self.store, name, content_doc, seeded.lineage)
        content, annotations = (
            RoomDocument(
                name,
                name[2:],
                doc,
                seeded.lineage,
                self.store,
                writable=name.endswith("content"),
                limits=self.limits,
            )
            for name, doc in ((f"{id_}.content", content_doc), (f"{id_}.annotations", Doc[Any](client_id=5)))
        )
        backing = _Backing(self.writable)
        return Room(id_, key.path, key.format, key.type, content, annotations, backing)

    async def __aenter__(self) -> Self:
        self.room = await self.rooms.open(_KEY)
        return self

    async def __aexit__(self, *_: object) -> None:
        for person in self.people:
            person.go()
        if self.room.content.peers or self.room.annotations.peers:
            raise Broken("somebody who went is still there")
        await self.rooms.aclose()

    async def turn(self) -> None:
        """Let all that was begun end."""
        for _ in range(3):
            await asyncio.sleep(0)
        await self.room.content.committed()
        await self.room.annotations.committed()
        for _ in range(3):
            await asyncio.sleep(0)

    async def replayed(self) -> Doc[Any]:
        """Return the content as its log has it."""
        doc: Doc[Any] = Doc()
        await load(self.store, CONTENT, doc, self.room.content.lineage)
        return doc

    async def log(self, name: str) -> list[Entry]:
        """Return the log of a document."""
        return [entry async for entry in self.store.read(name)]


class _Wire:
    """Be the relay's `SocketWriter` for somebody who reads at once."""

    unsent = 0
    crowded = over = False

    def __init__(self, person: Person) -> None:
        self._person = person

    def __call__(self, frames: bytes, asked: bool = False) -> None:
        for message in unframed(frames):
            self._person.heard(envelope.unpack(message))


def unframed(frames: bytes) -> list[bytes]:
    """Return what is in the WebSocket frames of a server."""
    found, at = [], 0
    while at < len(frames):
        length, head = frames[at + 1], 2
        if length >= 126:
            head += 2 if length == 126 else 8
            length = int.from_bytes(frames[at + 2 : at + head], "big")
        at += head
        found.append(frames[at : at + length])
        at += length
    return found


class Person:
    """Be one tab, with a replica.

    Args:
        house: whose room it joins.
        user: the name.
        role: what the user may do.
        client: the id that it writes with.
    """

    def __init__(self, house: House, user: str, role: Role, client: int) -> None:
        self.house = house
        self.user = user
        self.role = role
        self.doc: Doc[Any] = Doc(client_id=client)
        self.closed: list[tuple[str, str]] = []
        self.hung_up: list[int] = []
        self.answers: list[request.Response] = []
        self._connect()
        house.people.append(self)
        if user == "eve":
            house.hostile.add(role)
        self._subscription = self.doc.observe(self._on_update)

    def _connect(self) -> None:
        wire: Any = _Wire(self)
        relay: Any = self.house
        self.connection = TabConnection(relay, self.user, wire, lambda code, _: self._hang_up(code))
        self._numbers = {name: itertools.count(1) for name in (CONTENT, ANNOTATIONS)}
        self._readers = {name: FrameReader() for name in (CONTENT, ANNOTATIONS)}
        self._remote = False

    def _hang_up(self, code: int) -> None:
        self.hung_up.append(code)
        self.connection.drop()

    @property
    def is_in(self) -> bool:
        """Tell whether it is in the content document."""
        return any(peer.connection is self.connection for peer in self.house.room.content.peers)  # type: ignore[attr-defined]

    @property
    def source(self) -> Text:
        """Return the text of the first cell that has one."""
        cells = self.doc.get("cells", type=Array)
        found = (cell.get("source") for cell in cells if isinstance(cell, Map))
        return next((text for text in found if isinstance(text, Text)), Text())

    def open(self, name: str = CONTENT, **more: Any) -> None:
        """Open a document."""
        identity: Mapping[str, Any] = {"kind": "person", "username": self.user, "name": self.user}
        ticket = self.house.grants.issue(Grant(self.user, identity, {name}, self.role, self._recheck))
        data = {"versions": [1], "release": "0", "ticket": ticket, "lineage": None, **more}
        frames = [sync.step1(self.doc.get_state() if name == CONTENT else b"\0")]
        self.connection.receive(envelope.pack(envelope.open_(name, data, frames)))

    async def _recheck(self, _: str) -> Role:
        return self.role

    def say(self, *frames: bytes, name: str = CONTENT) -> None:
        """Send frames in one message."""
        data = {"seq": next(self._numbers[name])}
        self.connection.receive(envelope.pack(envelope.comm(name, frames, data)))

    def leave(self) -> None:
        """Cut the connection, and make another."""
        self.connection.drop()
        self._connect()

    def go(self) -> None:
        """Leave for good, and let go of the replica, which Python's collector would not find."""
        self.connection.drop()
        self.doc.unobserve(self._subscription)

    def heard(self, message: envelope.Message) -> None:
        """Take what the relay sends."""
        if message.msg_type == "comm_close":
            self.closed.append((message.comm_id, str(message.data["code"])))
            if message.data["code"] not in set(CloseCode):
                raise Broken(f"closed with {message.data['code']!r}, which is no code")
            return
        for frame in message.buffers:
            value = self._readers[message.comm_id].receive(frame)
            if isinstance(value, request.Response):
                self.answers.append(value)
            if message.comm_id == CONTENT:
                self._take(value)

    def _take(self, value: object) -> None:
        match value:
            case sync.Step1(state_vector):
                asyncio.get_running_loop().call_soon(self._answer, self.connection, state_vector)
            case sync.Step2(update) | sync.Update(update):
                self._remote = True
                try:
                    self.doc.apply_update(update)
                finally:
                    self._remote = False

    def _answer(self, connection: TabConnection, state_vector: bytes) -> None:
        if connection is self.connection:
            self.say(sync.step2(self.doc.get_update(state_vector)))

    def _on_update(self, happened: Any) -> None:
        if not self._remote:
            self.say(sync.update(happened.update))
