"""A room: one file, its two documents, and what keeps the file in step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from weakref import WeakSet

from rtc_widgets._version import __version__
from rtc_widgets.documents.threads import Author
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.protocol import event
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.request import Request
from rtc_widgets.rooms.annotate import METHODS, Actor, Annotator
from rtc_widgets.rooms.cell_ids import CellIds
from rtc_widgets.rooms.directory import FIND, IDENTITY, PeopleDirectory, find_people
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.healing import Healer
from rtc_widgets.rooms.missed import Missed
from rtc_widgets.rooms.peer import RoomPeer, signature
from rtc_widgets.rooms.private import PRIVATE, PrivateNotes, carry_out
from rtc_widgets.rooms.trust import TrustMarks

__all__ = ["Backing", "Room", "comm_id"]


class Backing(Protocol):
    """Keep a file in step with the content document; the relay brings one."""

    @property
    def writable(self) -> bool:
        """Tell whether the file may be written."""
        ...

    @property
    def problem(self) -> ChannelClosed | None:
        """Tell why the document is not being written to its file at present, if it is not."""
        ...

    @property
    def removed(self) -> bool:
        """Tell whether somebody deleted the file here, and it was not made anew."""
        ...

    @property
    def unsaved(self) -> bool:
        """Tell whether the document has something that the file has not."""
        ...

    @property
    def saved_at(self) -> str | None:
        """Return when the file was last changed, by us or by others, in ISO 8601; None where there is none."""
        ...

    def remove(self) -> None:
        """Learn that somebody deleted the file here."""
        ...

    def trusted_cells(self) -> list[str]:
        """Return the ids of the cells whose outputs the server trusts, for a notebook."""
        ...

    def changed(self) -> None:
        """Note that the content changed; cheap, and called once a turn of the event loop."""
        ...

    async def save(self) -> dict[str, Any]:
        """Write the file now and return ``{hash, last_modified}``.

        Raises:
            ChannelClosed: the file was not written; code and sentence say why.
        """
        ...

    async def renamed(self, path: str) -> None:
        """Follow the file to *path*."""
        ...

    async def aclose(self) -> None:
        """Write what is unsaved and stop."""
        ...


def comm_id(room: str, document: str) -> str:
    """Return the comm id of a room's document: the same for every client, and the document's name in the store."""
    return f"{room}.{document}"


class Room:
    """Hold the documents of one file.

    Args:
        id_: survives renames and restarts of the server.
        path: the contents manager's.
        format_: ``json``, ``text`` or ``base64``.
        type_: a document type of the registry.
        content: peers write it.
        annotations: only the relay writes it.
        backing: keeps the file in step.
    """

    def __init__(
        self,
        id_: str,
        path: str,
        format_: str,
        type_: str,
        content: RoomDocument,
        annotations: RoomDocument,
        backing: Backing,
    ) -> None:
        self.id = id_
        self.path = path
        self.format = format_
        self.type = type_
        self.content = content
        self.annotations = annotations
        self.backing = backing
        self.documents = {"content": content, "annotations": annotations}
        self.views: list[Room] = []
        """Rooms that show this one's content in another form; open as long as this one is."""
        self.source: Room | None = None
        """The room that this one is a view of."""
        self.private: PrivateNotes | None = None
        """Where what is kept for single people is kept, where there is a place for it."""
        self.directory: PeopleDirectory | None = None
        """Knows whom one may mention, besides those who are in the documents."""
        self.undecided: Callable[[], bool] = _never
        """Tells whether somebody is to be asked about a copy of the comments in the file."""
        self.remarks: list[tuple[str, str, str]] = []
        """What each peer that joins is told: level, code and a sentence, as in ``tell``."""
        self.told: Callable[[Room, str, str, str], object] = _ignore
        """Called with each sentence for everybody: the room, its level, its code, and itself."""
        self._missed = Missed()
        self._greeted: WeakSet[RoomPeer] = WeakSet()
        self._keeping = asyncio.Lock()
        for document in self.documents.values():
            document.on_request = self._on_request
        content.on_changed(backing.changed)
        self._cells = CellIds(content.doc, type_)
        self.annotator = Annotator(annotations.doc, self._cells.have)
        self.annotator.identity_of = self._identity_of
        self._healer = Healer(content, self.annotator)
        self.trust = TrustMarks(content) if type_ == "notebook" else None
        """Keeps marks of trust out of a notebook."""

    @property
    def empty(self) -> bool:
        """Tell whether no peer is here, nor in a view."""
        return not any(document.peers for document in self.documents.values()) and all(
            view.empty for view in self.views
        )

    @property
    def hears(self) -> bool:
        """Tell whether somebody is here who was greeted, and is told what happens."""
        return any(peer in self._greeted for peer in self.content.peers)

    @property
    def cell_ids(self) -> set[str]:
        """Return the ids of the notebook's cells; none for another type."""
        return self._cells.all

    @property
    def writable(self) -> bool:
        """Tell whether the file may be written; where not, everybody is a viewer."""
        return self.backing.writable

    def view(self, format_: str, type_: str) -> Room | None:
        """Return the view that shows the content in this form, if there is one."""
        return next((view for view in self.views if (view.format, view.type) == (format_, type_)), None)

    async def refresh(self) -> None:
        """Bring a view up to date before somebody is let in; a room that has the file itself always is."""

    async def renamed(self, path: str) -> None:
        """Follow the file to *path* and tell everybody."""
        self.path = path
        await self.backing.renamed(path)
        for document in self.documents.values():
            document.flush()
            document.tell("renamed", {"path": path})
        for view in self.views:
            await view.renamed(path)

    def tell(
        self,
        level: str,
        code: str,
        message: str,
        conflicts: Sequence[Mapping[str, Any]] = (),
        *,
        writers: bool = False,
    ) -> None:
        """Show everybody, or only the *writers*, a sentence, and the conflicts that it is about."""
        self.told(self, level, code, message)
        notice: dict[str, Any] = {"level": level, "code": code, "message": message}
        if conflicts:
            notice["conflicts"] = list(conflicts)
            # Nothing but this says what both sides had changed: it waits for those who are away.
            heard = any(room.hears for room in (self, *self.views))
            self._missed.keep(notice, asyncio.get_running_loop().time(), heard=heard)
        for room in (self, *self.views):
            room.content.tell("notice", notice, writers=writers)

    def greet(self, peer: RoomPeer) -> None:
        """Tell a peer that has just joined what those who were here know already."""
        problem = self.backing.problem
        if problem is not None:
            notice = {"level": "warning", "code": problem.code, "message": problem.reason}
            peer.send(self.content.outgoing(event.encode("notice", notice)))
        missed = (self if self.source is None else self.source)._missed  # noqa: SLF001 - a room's, too
        for kept in missed.of(asyncio.get_running_loop().time()):
            peer.send(self.content.outgoing(event.encode("notice", kept)))
        self._greeted.add(peer)
        for level, code, message in self.remarks:
            remark = {"level": level, "code": code, "message": message}
            peer.send(self.content.outgoing(event.encode("notice", remark)))
        trusted = self.backing.trusted_cells()
        if self.trust is not None:
            trusted += sorted(self.trust.own(peer.user).difference(trusted))
        if trusted:
            # Told, not written into the document: a mark that everybody may write proves nothing.
            peer.send(self.content.outgoing(event.encode("trusted", {"cells": trusted})))

    def roles_changed(self) -> None:
        """Tell every peer what it may do now."""
        for document in self.documents.values():
            for peer in document.peers:
                peer.send(document.outgoing(event.encode("role", {"role": peer.role})))
        for view in self.views:
            view.roles_changed()

    async def aclose(
        self, code: str = CloseCode.GOING_AWAY, reason: str = CloseCode.GOING_AWAY.sentence
    ) -> None:
        """Write what is unsaved, close both documents for everybody, views first, and wait for their logs."""
        for document in self.documents.values():
            document.seal()
        for view in self.views:
            await view.aclose(code, reason)
        self.content.flush()
        self._healer.close()
        await self.backing.aclose()
        for document in self.documents.values():
            await document.aclose(code, reason)
        self._cells.close()
        if self.trust is not None:
            self.trust.close()
        self.views.clear()  # each leads back here
        self.undecided = _never  # so does this
        self.annotator.identity_of = lambda _: None  # and this

    async def _on_request(self, peer: RoomPeer, asked: Request) -> Any:
        if asked.method in METHODS:
            return await self._annotate(peer, asked)
        if asked.method in PRIVATE and self.private is not None:
            return await self._keep(self.private, peer, asked)
        if asked.method == FIND:
            return await find_people(self.directory, peer.role, asked.params)
        if asked.method == "state":
            self.content.flush()
            return {"hash": self.content.state_hash(), "release": __version__}
        answers = {"save": self._save, "take-back": self._take_back}
        if asked.method not in answers:
            raise ChannelClosed("unknown-method", f"This release answers no request {asked.method!r}.")
        if not self.content.may_write(peer):
            raise ChannelClosed(CloseCode.READ_ONLY, CloseCode.READ_ONLY.sentence)
        # What the peer sent before it asked is part of what it means.
        self.content.flush()
        return await answers[asked.method](asked.params)

    def _identity_of(self, username: str) -> Mapping[str, Any] | None:
        return None if self.directory is None else self.directory.get(username)

    async def _save(self, _: dict[str, Any]) -> dict[str, Any]:
        return await self.backing.save()

    async def _take_back(self, params: dict[str, Any]) -> dict[str, Any]:
        """Tell everybody, at one point between the changes, who takes back what the kernel did last."""
        client = params.get("client")
        if isinstance(client, bool) or not isinstance(client, int):
            raise ChannelClosed(CloseCode.BAD_FRAME, CloseCode.BAD_FRAME.sentence)
        self.content.tell("taken-back", {"client": client})
        return {}

    async def _annotate(self, peer: RoomPeer, asked: Request) -> dict[str, Any]:
        """Carry out what is asked of the annotations; it is answered when it is in the log."""
        # What is commented on may be in the same message.
        self.content.flush()
        with self.annotations.signed(signature(peer)):
            answer = self.annotator.carry_out(_actor(peer), asked.method, asked.params)
        await self.annotations.committed()
        begins = asked.method == "comments.add" and "anchor" in asked.params
        if begins and peer.role.may_write and self.undecided():
            answer["mirror"] = "ask"
        return answer

    async def _keep(self, notes: PrivateNotes, peer: RoomPeer, asked: Request) -> dict[str, Any]:
        """Keep something for one person, and tell that person's other peers."""
        whose = _whose(peer)
        async with self._keeping:
            private = await carry_out(notes, self.id, whose, asked.method, asked.params)
        kept = private.to_json()
        if asked.method != "private.get":
            for other in self.content.peers:
                if other is not peer and _whose(other) == whose:
                    other.send(self.content.outgoing(event.encode("private", kept)))
        return kept


def _never() -> bool:
    return False


def _ignore(*_: object) -> None:
    """Stand in for a callback."""


def _whose(peer: RoomPeer) -> str:
    """Return whose private notes a peer has: never a person's own in a kernel, which many may run code in."""
    return "kernel:" if peer.identity.get("kind") == "kernel" else peer.user


def _actor(peer: RoomPeer) -> Actor:
    who = peer.identity
    username, kind = str(who.get("username") or ""), str(who.get("kind") or "person")
    name = str(who.get("display_name") or who.get("name") or username)
    known = {key: who[key] for key in IDENTITY if who.get(key)} if kind == "person" else {}
    return Actor(Author(username, kind, name), peer.role, known)
