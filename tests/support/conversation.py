"""A room's document and some peers with replicas of their own, for tests that read like conversations."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from pycrdt import Doc, Text

from rtc_widgets.documents.seed import Seed, seed
from rtc_widgets.protocol import awareness, event, request, status, sync
from rtc_widgets.protocol.peer import FrameReader, FrameWriter
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.roles import Role
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.peer import Outgoing
from rtc_widgets.stores.entry import Entry
from rtc_widgets.stores.memory import MemoryStore


async def turn() -> None:
    """Let the room's turn of the event loop end."""
    for _ in range(5):
        await asyncio.sleep(0)


class Peer:
    """A peer with a replica: what a tab is, without a socket."""

    def __init__(self, document: RoomDocument, user: str = "ada", role: Role = Role.EDITOR) -> None:
        self.document = document
        self.user = user
        self.role = role
        self.kind = "person"
        self.doc: Doc[Any] = Doc()
        self.text = self.doc.get("source", type=Text)
        self.acknowledged = 0
        self.events: list[event.Event] = []
        self.responses: dict[int, request.Response] = {}
        self.states: dict[int, Any] = {}
        self.closed: tuple[str, str] | None = None
        self.updates: list[bytes] = []
        self.answers: list[bytes] = []
        """The updates of the document's sync steps 2."""
        self.heard: list[tuple[str, Any]] = []
        """The events and updates in their order, by name and parameters or text."""
        self._numbers = itertools.count(1)
        self._reader = FrameReader()
        self._writer = FrameWriter(document.limits.frame)
        self._remote = False
        self._observer = self.doc.observe(self._on_update)

    @property
    def identity(self) -> dict[str, Any]:
        name = self.user.title()
        return {"kind": self.kind, "username": self.user, "name": name, "display_name": name, "color": None}

    def join(self, lineage: str | None = None, *, compares: bool = False) -> Peer:
        known = b"\0" if compares else self.doc.get_state()
        for frame in self.document.join(self, [sync.step1(known)], lineage, compares=compares):
            self._take(frame)
        return self

    def type(self, text: str, at: int = 0) -> None:
        self.text.insert(at, text)

    def say(self, *frames: bytes) -> int:
        seq = 0
        for frame in frames:
            for piece in self._writer.split(frame):
                seq = next(self._numbers)
                self.document.receive(self, [piece], seq)
        return seq

    def send(self, outgoing: Outgoing) -> None:
        for frame in outgoing.frames:
            self._take(frame)

    def close(self, code: str, reason: str) -> None:
        self.closed = (code, reason)

    def _on_update(self, happened: Any) -> None:
        if not self._remote:
            self.say(sync.update(happened.update))

    def _take(self, frame: bytes) -> None:
        match self._reader.receive(frame):
            case sync.Step1(state_vector):
                self.say(sync.step2(self.doc.get_update(state_vector)))
            case sync.Step2(update) | sync.Update(update) as received:
                (self.updates if isinstance(received, sync.Update) else self.answers).append(update)
                self._remote = True
                try:
                    self.doc.apply_update(update)
                finally:
                    self._remote = False
                self.heard.append(("text", str(self.text)))
            case status.Status(seq):
                self.acknowledged = seq
            case awareness.Awareness(update):
                self.states |= {state.client: state.value for state in awareness.decode_states(update)}
            case event.Event() as told:
                self.events.append(told)
                self.heard.append((told.name, told.params))
            case request.Response() as answer:
                self.responses[answer.id] = answer


def make_document(
    text: str = "", store: Any = None, limits: Limits | None = None, **options: Any
) -> tuple[RoomDocument, MemoryStore, Seed]:
    """Return a document of the type ``file`` seeded with *text*, its store and its seed."""
    seeded = seed("file", text)
    doc: Doc[Any] = Doc()
    doc.apply_update(seeded.update)
    store = store or MemoryStore()
    return (
        RoomDocument("r.content", "content", doc, seeded.lineage, store, limits=limits, **options),
        store,
        seeded,
    )


async def log_of(store: MemoryStore) -> list[Entry]:
    """Return everything in the log of the document."""
    return [entry async for entry in store.read("r.content")]
