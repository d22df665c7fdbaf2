"""The kernels of one server, each linked to the rooms of its notebooks."""

from __future__ import annotations

import asyncio
import logging
import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_server.utils import ensure_async
from pycrdt import Doc
from tornado.web import HTTPError

from rtc_widgets._version import __version__
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.kernel_link import KernelLink
from rtc_widgets.logged import fields
from rtc_widgets.protocol import kernel, sync, version
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.relay.connection import min_role
from rtc_widgets.relay.runners import Runners
from rtc_widgets.roles import Role
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.manager import RoomKey
from rtc_widgets.rooms.peer import Outgoing
from rtc_widgets.rooms.room import Room

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from rtc_widgets.relay.relay import Relay

__all__ = ["KernelPeer", "Kernels"]

_KERNEL_EVENTS = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"
# A tab that is about to join (a reload, a reconnect) gets this long, in seconds, before the notebook counts as one
# that is open without collaboration.
_TAB_PATIENCE = 1.5
# The step 1 of an empty replica: a hello has no state vector, so the welcome brings everything.
_EVERYTHING = sync.step1(b"\0")
_NO_FILES = (
    "This server lets kernels edit the notebook that they run, and open no other file as a live document. Its owner "
    "can allow it for kernels on the server's own machine: c.RelayApp.kernels_open_files = True"
)
_log = logging.getLogger(__name__)


class KernelPeer:
    """Be one kernel's participation in one document of a room."""

    def __init__(self, kernels: Kernels, link: KernelLink, room: Room, document: RoomDocument) -> None:
        self.room = room
        self.document = document
        self._kernels = kernels
        self._link = link

    @property
    def user(self) -> str:
        """Return ``kernel``, and by whom it is run where only one person can have done it."""
        runner = self._kernels.runner(self._link)
        return f"kernel, run by {runner['username']}" if runner else "kernel"

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return who speaks: the kernel, and whose it is where only one person can have run the cell."""
        runner = self._kernels.runner(self._link) or {}
        name = runner.get("display_name") or runner.get("username")
        return {
            "kind": "kernel",
            "username": runner.get("username", ""),
            "display_name": f"Kernel, run by {name}" if name else "Kernel",
            "runner": name,
        }

    @property
    def role(self) -> Role:
        """Return what code may do: edit, unless the file is read-only."""
        return Role.EDITOR if self.room.writable else min_role(Role.EDITOR)

    @property
    def unsent(self) -> int:
        """Return how many bytes wait for the kernel, about all its documents."""
        return self._link.unsent

    def send(self, outgoing: Outgoing) -> None:
        """Send frames to the kernel."""
        self._link.send(outgoing.comm_id, outgoing.frames)

    def close(self, code: str, reason: str) -> None:
        """Tell the kernel that the document is closed for it."""
        self._kernels.forget(self._link, self)
        self._link.close(self.document.comm_id, CloseCode(code), reason)


class Kernels:
    """Link every kernel of the server, and answer them for their notebooks.

    Args:
        relay: the rooms.
        serverapp: the kernels and the sessions that tie them to files.
    """

    def __init__(self, relay: Relay, serverapp: ServerApp) -> None:
        self._relay = relay
        self._serverapp = serverapp
        self._events: Any = serverapp.event_logger
        self._links: dict[str, KernelLink] = {}
        self._peers: dict[KernelLink, dict[str, KernelPeer]] = {}
        self._greeting: dict[str, asyncio.Task[None]] = {}
        self._opening: set[tuple[KernelLink, int]] = set()
        self._runners = Runners()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Link the kernels that run, and each that starts."""
        self._events.add_listener(schema_id=_KERNEL_EVENTS, listener=self._on_kernel)
        self._runners.watch(self._serverapp.web_app.settings)
        for kernel_id in self._serverapp.kernel_manager.list_kernel_ids():
            self._runners.strange(kernel_id)
            self._attach(kernel_id)

    async def aclose(self) -> None:
        """Let go of every kernel."""
        self._events.remove_listener(schema_id=_KERNEL_EVENTS, listener=self._on_kernel)
        for task in [*self._greeting.values(), *self._tasks]:
            task.cancel()
        for kernel_id in list(self._links):
            await self._detach(kernel_id)

    def runner(self, link: KernelLink) -> Mapping[str, Any] | None:
        """Return the identity of the only person who has run code in a kernel, None where it is not known."""
        kernel_id = next((id_ for id_, known in self._links.items() if known is link), None)
        return None if kernel_id is None else self._runners.only(kernel_id)

    def forget(self, link: KernelLink, peer: KernelPeer) -> None:
        """Drop *peer*, which has left its document."""
        self._peers.get(link, {}).pop(peer.document.comm_id, None)
        self._relay.rooms.settle(peer.room)

    # What the server says of its kernels

    async def _on_kernel(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        kernel_id, action = data.get("kernel_id"), data.get("action")
        if data.get("status") != "success" or not kernel_id:
            return
        if action == "start":
            self._attach(kernel_id)
        elif action == "restart" and kernel_id in self._links:
            link = self._links[kernel_id]
            self._leave(link)
            link.restarted()
        elif action == "restart":
            self._attach(kernel_id)
        elif action == "shutdown":
            self._runners.forget(kernel_id)
            await self._detach(kernel_id)

    def _attach(self, kernel_id: str) -> None:
        if kernel_id in self._links or kernel_id not in self._serverapp.kernel_manager:
            return
        manager = self._serverapp.kernel_manager.get_kernel(kernel_id)
        try:
            link = KernelLink(
                manager,
                self,
                log=_log,
                limits=self._relay.limits,
                bound=self._relay.max_unsent,
                opens=self.on_open,
            )
        except (NotConnected, AttributeError, NotImplementedError) as error:
            # A kernel manager of another kind (a gateway, another server) may have no connection info at all.
            _log.info(
                "Kernel %s is not linked: %s",
                kernel_id,
                error,
                extra=fields("kernel.not-linked", kernel=kernel_id),
            )
            return
        self._links[kernel_id] = link
        self._peers[link] = {}

    async def _detach(self, kernel_id: str) -> None:
        link = self._links.pop(kernel_id, None)
        if link is not None:
            self._leave(link)
            del self._peers[link]
            await link.aclose()

    def _leave(self, link: KernelLink) -> None:
        for peer in list(self._peers.get(link, {}).values()):
            peer.document.leave(peer)
            self.forget(link, peer)

    # What the kernels say (`LinkHandler`)

    def on_hello(self, link: KernelLink, hello: kernel.Hello) -> None:
        """Find the kernel's notebooks and welcome it to them."""
        for comm_id, peer in list(self._peers.get(link, {}).items()):
            if comm_id not in link.documents:  # of a session that ended without a word
                peer.document.leave(peer)
                self.forget(link, peer)
        kernel_id = next((id_ for id_, known in self._links.items() if known is link), None)
        if kernel_id is None or kernel_id in self._greeting:
            return
        task = asyncio.get_running_loop().create_task(self._greet(kernel_id, link, hello))
        self._greeting[kernel_id] = task
        task.add_done_callback(lambda _: self._greeting.pop(kernel_id, None))

    def on_open(self, link: KernelLink, opening: kernel.Opening) -> None:
        """Welcome the kernel to another file, if it may have it."""
        if (link, opening.number) in self._opening:
            return  # repeated while it is being opened
        self._opening.add((link, opening.number))
        task = asyncio.get_running_loop().create_task(self._open(link, opening, link.session))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def on_frames(self, link: KernelLink, comm_id: str, seq: int, frames: list[bytes]) -> None:
        """Hand frames to the document; a peer whose frames are not acceptable is expelled there."""
        peer = self._peers[link].get(comm_id)
        if peer is not None:
            peer.document.receive(peer, frames, seq)

    def on_close(self, link: KernelLink, comm_id: str, code: str, reason: str) -> None:
        """Let the kernel leave one document."""
        peer = self._peers[link].get(comm_id)
        if peer is not None:
            peer.document.leave(peer)
            self.forget(link, peer)

    def on_bye(self, link: KernelLink, code: str, reason: str) -> None:
        """Let the kernel leave all its documents."""
        self._leave(link)

    def state_vector(self, comm_id: str) -> bytes | None:
        """Return the document's state vector, or None where the kernel may not write."""
        found = self._relay.rooms.document(comm_id)
        if found is None or not found[0].writable or found[1] is not found[0].content:
            return None
        doc: Doc[Any] = found[1].doc
        return doc.get_state()

    # The greeting

    async def _greet(self, kernel_id: str, link: KernelLink, hello: kernel.Hello) -> None:
        try:
            chosen = version.choose(
                hello.versions, peer="the kernel", peer_release=hello.release, our_release=__version__
            )
            rooms = await self._rooms_of(kernel_id)
            await self._expect_tabs(kernel_id, rooms)
            # Empty ones may have closed meanwhile, and their files may be open in new ones.
            rooms = await self._rooms_of(kernel_id)
        except ChannelClosed as refused:
            link.refuse(CloseCode(refused.code), refused.reason)
            return
        except Exception as error:  # noqa: BLE001 - see below
            # A bug here must answer the kernel, which waits, and not end the link.
            _log.exception(
                "Kernel %s could not be welcomed",
                kernel_id,
                extra=fields("kernel.failed", kernel=kernel_id, code=CloseCode.INTERNAL_ERROR),
            )
            link.refuse(CloseCode.INTERNAL_ERROR, f"{CloseCode.INTERNAL_ERROR.sentence} ({error})")
            return
        if link.session != hello.session:
            return  # restarted, or unloaded and loaded again, meanwhile
        here = [room for room in rooms if hello.cell_id in room.cell_ids] if hello.cell_id else []
        primary = (here or rooms)[0]
        for room in rooms:
            self._welcome(link, room, chosen, hello, primary=room is primary)

    async def _rooms_of(self, kernel_id: str) -> list[Room]:
        sessions = await ensure_async(self._serverapp.session_manager.list_sessions())
        mine = [session for session in sessions if session["kernel"]["id"] == kernel_id]
        paths = list(dict.fromkeys(s["path"].strip("/") for s in mine if s["type"] == "notebook"))
        if not paths:
            raise ChannelClosed(CloseCode.NO_DOCUMENT, CloseCode.NO_DOCUMENT.sentence)
        return [await self._relay.open(RoomKey(path, "json", "notebook")) for path in paths]

    async def _expect_tabs(self, kernel_id: str, rooms: list[Room]) -> None:
        """Refuse where the notebook is open in tabs none of which collaborates: they would overwrite each other."""
        connections = self._serverapp.kernel_manager.kernel_model(kernel_id).get("connections", 0)
        loop = asyncio.get_running_loop()
        end = loop.time() + _TAB_PATIENCE
        while connections and not any(self._somebody_at(room.path) for room in rooms):
            if loop.time() > end:
                raise ChannelClosed(CloseCode.NOT_COLLABORATIVE, CloseCode.NOT_COLLABORATIVE.sentence)
            await asyncio.sleep(0.05)
            connections = self._serverapp.kernel_manager.kernel_model(kernel_id).get("connections", 0)

    def _somebody_at(self, path: str) -> bool:
        room = self._relay.rooms.get(path)
        return room is not None and not room.empty

    def _welcome(
        self, link: KernelLink, room: Room, chosen: int, hello: kernel.Hello, *, primary: bool
    ) -> None:
        comm_id = room.content.comm_id
        known = self._peers[link].get(comm_id)
        if known is not None and comm_id in link.documents and hello.lineages.get(comm_id):
            return
        try:
            welcome, frames = self._join(link, room, room.content, chosen, hello.lineages.get(comm_id))
        except ChannelClosed as refused:
            link.refuse(CloseCode(refused.code), refused.reason)
            return
        link.welcome(comm_id, welcome, frames, primary=primary)

    def _join(
        self, link: KernelLink, room: Room, document: RoomDocument, chosen: int, lineage: str | None
    ) -> tuple[Welcome, list[bytes]]:
        """Let the kernel into a document of a room, again if it was in, and return what to tell it."""
        known = self._peers[link].get(document.comm_id)
        if known is not None:
            document.leave(known)
        peer = KernelPeer(self, link, room, document)
        frames = document.join(peer, [_EVERYTHING], lineage)
        self._peers[link][document.comm_id] = peer
        self._relay.rooms.settle(room)
        welcome = Welcome(
            chosen,
            __version__,
            peer.role,
            document.lineage,
            document.name,
            room.path,
            room.id,
            document.limits,
        )
        return welcome, frames

    # Other files

    async def _open(self, link: KernelLink, opening: kernel.Opening, session: str | None) -> None:
        try:
            path = posixpath.normpath(opening.path.strip("/"))
            room = self._joined(link, path, opening) if opening.document == "annotations" else None
            if room is None:
                room = await self._open_file(link, path, opening)
            if link.session != session or link not in self._peers:
                return  # restarted, or unloaded and loaded again, meanwhile
            document = room.documents.get(opening.document)
            if document is None:
                raise ChannelClosed(CloseCode.NO_DOCUMENT, f"A file has no document {opening.document!r}.")
            welcome, frames = self._join(link, room, document, max(version.VERSIONS), opening.lineage)
            link.welcome(document.comm_id, welcome, frames, primary=False, opening=opening.number)
        except ChannelClosed as refused:
            reason = _missing(opening.path, refused)
            link.refuse(CloseCode(refused.code), reason, opening=opening.number)
        except HTTPError as error:
            # The contents manager's own words: a hidden file, a name that it does not allow.
            reason = (
                f"The server does not open {opening.path!r}: {error.log_message or error.reason or error}."
            )
            link.refuse(CloseCode.NOT_FOUND, reason, opening=opening.number)
        except Exception as error:  # noqa: BLE001 - as in `_greet`
            _log.exception(
                "A kernel could not open %s",
                opening.path,
                extra=fields("kernel.failed", path=opening.path, code=CloseCode.INTERNAL_ERROR),
            )
            reason = f"{CloseCode.INTERNAL_ERROR.sentence} ({error})"
            link.refuse(CloseCode.INTERNAL_ERROR, reason, opening=opening.number)
        finally:
            self._opening.discard((link, opening.number))

    def _joined(self, link: KernelLink, path: str, opening: kernel.Opening) -> Room | None:
        """Return the room of that file whose content the kernel has, if it has."""
        peers = self._peers.get(link, {}).values()
        rooms = (peer.room for peer in peers if peer.document is peer.room.content)
        wanted = (path, opening.format, opening.type)
        return next((room for room in rooms if (room.path, room.format, room.type) == wanted), None)

    async def _open_file(self, link: KernelLink, path: str, opening: kernel.Opening) -> Room:
        if not (self._relay.kernels_open_files and link.local):
            raise ChannelClosed(CloseCode.UNAUTHORIZED, _NO_FILES)
        if path.split("/", maxsplit=1)[0] in {"", ".", ".."}:
            raise ChannelClosed(
                CloseCode.NOT_FOUND, f"{opening.path!r} is no file below the server's root folder."
            )
        return await self._relay.open(RoomKey(path, opening.format, opening.type))


def _missing(path: str, refused: ChannelClosed) -> str:
    if refused.code == CloseCode.NOT_FOUND and refused.reason == CloseCode.NOT_FOUND.sentence:
        return (
            f"There is no file {path!r} on the server. A path begins at the notebook's folder, or with a slash at the "
            "server's root folder."
        )
    return refused.reason
