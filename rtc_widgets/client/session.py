"""This process' connection to one server: its WebSocket, and the documents on it."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import posixpath
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from rtc_widgets._version import __version__
from rtc_widgets.channels.channel import Opened, Opener
from rtc_widgets.channels.websocket import Connection
from rtc_widgets.client import loop
from rtc_widgets.client.address import Address
from rtc_widgets.client.rooms import Rooms
from rtc_widgets.documents.datafile import LiveData, handle_of
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.link import LinkState
from rtc_widgets.documents.marks import ReadMarks
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.presence import DocumentPresence
from rtc_widgets.protocol import event
from rtc_widgets.protocol.version import VERSIONS
from rtc_widgets.provider import Provider
from rtc_widgets.roles import Role

__all__ = ["Handle", "RemoteLink", "Session", "current"]

# Seconds that the end of the process waits for what was written last.
LAST_WORDS = 10.0
Handle = Notebook | LiveText | LiveData
Dispatcher = Callable[[Callable[[], None]], None]

_FORKED = (
    "This process was forked from the one that is connected, and cannot use its connection. Connect from here: "
    "rtc_widgets.connect(…)."
)
_log = logging.getLogger(__name__)


class RemoteLink:
    """Be a document's way to its file on a server."""

    def __init__(self, session: Session, provider: Provider, type_: str) -> None:
        self.provider = provider
        self.handle: Handle = handle_of(provider.document, type_)
        self._session = session
        self._pid = os.getpid()
        self._notes: Provider | None = None
        self._coming: Future[LiveDocument] | None = None
        self._asking: set[asyncio.Task[Any]] = set()
        provider.on_event(self._on_event)
        provider.on_state(self._on_state)

    @property
    def state(self) -> LinkState:
        """Tell how the document stands."""
        return self.provider.state if os.getpid() == self._pid else LinkState.CLOSED

    @property
    def path(self) -> str:
        """Return the file's path on the server."""
        return self.provider.path

    @property
    def lineage(self) -> str | None:
        """Tell documents apart that share no history."""
        return self.provider.lineage

    @property
    def role(self) -> Role | None:
        """Return what this user may do; None before the server has answered."""
        return self.provider.role

    def save(self) -> Future[Any]:
        """Have the server write the file."""
        self._check()
        return loop.submit(self.provider.save())

    def sync(self) -> Future[None]:
        """Wait for the server's log."""
        self._check()
        return loop.submit(self.provider.synced())

    def annotations(self) -> Future[LiveDocument]:
        """Return a future of the replica of the annotations, which is opened at the first call."""
        self._check()
        if self._coming is None or (self._coming.done() and not self._has_notes()):
            self._coming = loop.submit(self._annotations())
        return self._coming

    def ask(self, method: str, params: dict[str, Any]) -> Future[Any]:
        """Ask for something of the annotations; asked again, the same, where the connection broke."""
        self._check()
        return loop.submit(self._ask(method, params))

    @property
    def server(self) -> str | None:
        """Return the server's address."""
        return self._session.address.base

    def close(self) -> Future[None]:
        """Leave, after what was written has arrived."""
        self._check()
        return loop.submit(self.leave())

    def abandon(self) -> Future[None]:
        """Leave after an error of the caller's; what was written stays written."""
        return self.close()

    async def leave(self) -> None:
        """Leave the document, and the server with the last one."""
        try:
            if self._asking:
                await asyncio.wait(self._asking)
            await self.provider.synced()
        except ChannelClosed:
            if self.provider.unsaved:
                raise
        finally:
            # Cancelled, or out of time, it stays open: what was written may still arrive.
            if not self.provider.unsaved or self.provider.closed is not None:
                await self.provider.aclose()
                await self._session.forget(self)

    async def leave_notes(self) -> None:
        """Let go of the annotations."""
        if self._notes is not None:
            await self._notes.aclose()

    def _has_notes(self) -> bool:
        return self._notes is not None and self._notes.closed is None

    async def _annotations(self) -> LiveDocument:
        """Open the annotations; where the server is away, when it is back."""
        replica = LiveDocument() if self._notes is None else self._notes.document
        type_ = self.provider.type
        while True:
            opener = self._session.opener(type_, "annotations")
            notes = Provider(replica, self.provider.path, type_, opener, writable=False)
            try:
                await notes.start()
            except NotConnected:
                if self.provider.state is not LinkState.OFFLINE:
                    raise
                await self._back()
            else:
                self._notes = notes
                return replica

    async def _back(self) -> None:
        """Wait until the server is there again, or the document is closed."""
        news = asyncio.Event()
        with self.provider.on_state(lambda _: news.set()):
            while self.provider.state is LinkState.OFFLINE:
                news.clear()
                await news.wait()
        if self.provider.closed is not None:
            raise ChannelClosed(self.provider.closed.code, self.provider.closed.reason)

    def _on_event(self, told: event.Event) -> None:
        if told.name == "private":
            self.provider.document.part(ReadMarks).know(told.params)

    def _on_state(self, state: LinkState) -> None:
        if state is LinkState.OFFLINE:
            self.provider.document.part(ReadMarks).doubt()

    async def _ask(self, method: str, params: dict[str, Any]) -> Any:
        task = asyncio.ensure_future(self.provider.ask(method, params))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        # Who waits may give up; what was asked for is asked for all the same.
        return await asyncio.shield(task)

    def _check(self) -> None:
        if os.getpid() != self._pid:
            raise NotConnected(_FORKED)


class Session:
    """Hold one WebSocket to a server and the documents that are open on it. Lives on the loop.

    Args:
        address: of the server, with the token.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._rooms = Rooms(address)
        self._connection = Connection(address.websocket, self._rooms.headers)
        self._links: dict[tuple[str, str], RemoteLink] = {}
        self._opening = asyncio.Lock()
        self._me: dict[str, Any] | None = None

    @property
    def links(self) -> list[RemoteLink]:
        """Return the documents that are open."""
        return list(self._links.values())

    async def open(self, path: str, type_: str, dispatch: Dispatcher) -> Handle:
        """Return the live handle of a file, ready; the same one for a file that is open already.

        Raises:
            NotConnected: no relay answers.
            ChannelClosed: it refuses.
        """
        path = posixpath.normpath(path.strip("/"))
        async with self._opening:
            for link in self.links:
                if link.path == path and link.provider.type == type_ and link.provider.closed is None:
                    return link.handle
            document = LiveDocument()
            document.dispatcher = dispatch
            presence = DocumentPresence(document)
            provider = Provider(document, path, type_, self.opener(type_), presence=presence)
            try:
                await provider.start()
                await self._introduce(provider, presence)
            except BaseException:
                await provider.aclose()
                await self._close_if_empty()
                raise
            link = RemoteLink(self, provider, type_)
            document.link = link
            self._links[path, type_] = link
            if self not in _sessions:
                _sessions.append(self)
            return link.handle

    async def _introduce(self, provider: Provider, presence: DocumentPresence) -> None:
        """Say who this is, to everybody who has the document open, and whatever is said here later."""
        if self._me is None:
            self._me = await loop.in_thread(self._rooms.me)
        running = asyncio.get_running_loop()

        def tell() -> None:
            said = presence.introduce()
            if said is not None and provider.closed is None:
                provider.tell(said)

        def said_something() -> None:
            running.call_soon_threadsafe(tell)

        presence.people.on_said(said_something)
        if self._me:
            presence.people.say(user=self._me)

    async def forget(self, link: RemoteLink) -> None:
        """Drop a document that was left, and the connection with the last one."""
        self._links = {key: other for key, other in self._links.items() if other is not link}
        await link.leave_notes()
        await self._close_if_empty()

    async def finish(self) -> None:
        """Leave all documents, for the process ends; say so where something could not be saved."""
        for link in self.links:
            try:
                async with asyncio.timeout(LAST_WORDS):
                    await link.leave()
            except (ChannelClosed, NotConnected, TimeoutError) as error:
                if count := link.provider.unsaved:
                    _log.warning("%d changes of %s did not reach the server: %s", count, link.path, error)
        await self._connection.aclose()

    async def _close_if_empty(self) -> None:
        if not self._links:
            await self._connection.aclose()
            if self in _sessions:
                _sessions.remove(self)

    def opener(self, type_: str, document: str = "content") -> Opener:
        """Return what opens channels for one document of files of a type."""
        known: str | None = None

        async def open_(path: str, lineage: str | None, frames: Sequence[bytes], compares: bool) -> Opened:
            nonlocal known
            room = await loop.in_thread(lambda: self._rooms.join(path, type_, known))
            known = room.id
            data = {
                "versions": list(VERSIONS),
                "release": __version__,
                "ticket": room.ticket,
                "lineage": lineage,
                **({"compares": True} if compares else {}),
            }
            channel = await self._connection.open(room.comm_ids[document], data, frames)
            return Opened(channel, channel.welcome.result())

        return open_


_sessions: list[Session] = []


def current() -> Session | None:
    """Return the session of the last `connect` whose documents are not all closed."""
    return _sessions[-1] if _sessions else None


def _at_exit() -> None:
    if _sessions:
        future = loop.submit(_finish_all())
        try:
            future.result(LAST_WORDS + 2.0)
        except TimeoutError:
            _log.warning("The server does not answer; what was written last may not have reached it.")
        loop.stop()


async def _finish_all() -> None:
    await asyncio.gather(*(session.finish() for session in list(_sessions)))


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_sessions.clear)
