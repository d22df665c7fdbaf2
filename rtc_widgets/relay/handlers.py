"""The relay's HTTP requests and WebSockets: thin drivers over rooms, grants and connections."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import ensure_async
from tornado import web
from tornado.websocket import WebSocketHandler

from rtc_widgets._version import __version__
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.logged import fields
from rtc_widgets.protocol import envelope, version
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.relay.access import Grant, identity_of, path_of, role_now, role_of
from rtc_widgets.relay.connection import TabConnection, min_role
from rtc_widgets.relay.socket import Pinger, SocketReader, SocketWriter
from rtc_widgets.relay.status import status_of
from rtc_widgets.relay.ticking import Ticking
from rtc_widgets.relay.yjs import YjsPeer
from rtc_widgets.rooms.manager import RoomKey

if TYPE_CHECKING:
    from rtc_widgets.relay.relay import Relay
    from rtc_widgets.roles import Role

__all__ = ["CommsHandler", "InfoHandler", "RoomsHandler", "StatusHandler", "YjsHandler", "routes"]

_log = logging.getLogger(__name__)
_PING = 20.0  # seconds


class _RelayHandler(JupyterHandler):
    # The resource that jupyter_server's `authorized` decorator asks the Authorizer about.
    auth_resource = "contents"

    @property
    def relay(self) -> Relay:
        """Return the relay of this server."""
        relay: Relay = self.settings["rtc_widgets"]
        return relay

    async def prepare(self, **options: Any) -> None:
        """Find out who asks; of JupyterHub's users the Hub says it now."""
        try:
            await self.relay.hub.renew(self)
        except (web.HTTPError, TimeoutError):
            _log.warning("JupyterHub does not answer, so what it said last holds.", extra=fields("hub.away"))
        await super().prepare(**options)

    async def role(self, path: str) -> Role | None:
        """Return the role of the request's user for the file at *path*, or None for no access."""
        return await role_of(self, path, self.relay.role_hook)

    async def role_now(self, path: str) -> Role | None:
        """Return what it is now, when the request is long answered."""
        return await role_now(self, path, self.relay.role_hook, self.relay.hub)


class _AnsweringHandler(_RelayHandler, APIHandler):
    """Tell who is not let in whether the server does not know them, or knows them and will not have them."""

    async def prepare(self, **options: Any) -> None:
        """Refuse whom JupyterHub knows and does not let in: its identity provider takes them for nobody."""
        try:
            await super().prepare(**options)
        except web.HTTPError as refused:
            if refused.status_code != 403 or not await self._bar():
                raise
        else:
            await self._bar()

    async def _bar(self) -> bool:
        is_barred = self.current_user is None and await self.relay.hub.bars(self)
        if is_barred:
            self.refuse(CloseCode.NO_ACCESS, CloseCode.NO_ACCESS.sentence)
        return is_barred

    def refuse(self, code: str, reason: str, **more: str) -> None:
        """Answer with a code (docs/protocol.md, section 6)."""
        self.set_status(_status(code))
        self.finish({"code": code, "message": reason, **more})


class InfoHandler(_AnsweringHandler):
    """Say that there is a relay, and whether it owns the documents."""

    @web.authenticated
    async def get(self) -> None:
        """Answer ``{release, versions, provider, other}``."""
        authorizer, user = self.authorizer, self.current_user
        if not await ensure_async(authorizer.is_authorized(self, user, "read", self.auth_resource)):
            self.refuse(CloseCode.NO_ACCESS, CloseCode.NO_ACCESS.sentence)
            return
        other = self.relay.other_provider
        self.finish(
            {
                "release": __version__,
                "versions": list(version.VERSIONS),
                "provider": "other" if other else "rtc_widgets",
                "other": other,
            }
        )


class StatusHandler(_RelayHandler, APIHandler):
    """Tell who watches over the server what there is (docs/operations.md)."""

    # Whom the server lets in is told who is where; an Authorizer may tell it only some.
    auth_resource = "rtc_widgets_status"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with the rooms, their peers, and how far the log and the files are."""
        self.finish(status_of(self.relay))


class _Moved(Exception):
    """The file of a room that a client had was renamed while it was away."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class RoomsHandler(_AnsweringHandler):
    """Open a room and grant a ticket to its documents (docs/protocol.md, section 6)."""

    @web.authenticated
    async def put(self, path: str) -> None:
        """Answer with the room's documents and a ticket."""
        try:
            self.finish(await self._grant(path_of(self, path)))
        except _Moved as moved:
            self.refuse(CloseCode.NOT_FOUND, CloseCode.NOT_FOUND.sentence, path=moved.path)
        except ChannelClosed as closed:
            self.refuse(closed.code, closed.reason)

    async def _grant(self, path: str) -> dict[str, Any]:
        body = self.get_json_body()
        if not isinstance(body, dict):
            body = {}
        format_, type_ = body.get("format"), body.get("type")
        if not isinstance(format_, str) or not isinstance(type_, str):
            raise web.HTTPError(400, "The body needs a 'format' and a 'type', both strings.")
        role = await self.role(path)
        if role is None:
            raise ChannelClosed(CloseCode.NO_ACCESS, CloseCode.NO_ACCESS.sentence)
        known = body.get("room")
        if isinstance(known, str):
            now = await self.relay.index.path_of(known)
            # Not opened here: the server decides about rights by the path in the URL.
            if now not in {None, path}:
                raise _Moved(str(now))
        room = await self.relay.open(RoomKey(path, format_, type_))
        comm_ids = {name: document.comm_id for name, document in room.documents.items()}
        user = self.current_user.username
        grant = Grant(user, identity_of(self), set(comm_ids.values()), role, self.role_now)
        self.relay.directory.note(grant.identity)
        return {
            "room": room.id,
            "path": room.path,
            "format": room.format,
            "type": room.type,
            "role": role if room.writable else min_role(role),
            "lineage": room.content.lineage,
            "ticket": self.relay.grants.issue(grant),
            "versions": list(version.VERSIONS),
            "release": __version__,
            "documents": {name: {"comm_id": comm_id} for name, comm_id in comm_ids.items()},
        }


class _SocketHandler(WebSocketMixin, WebSocketHandler, _RelayHandler):
    @property
    def max_message_size(self) -> int:
        """Return how many bytes one WebSocket message may have (section 11)."""
        return self.relay.max_websocket_message

    # Neither Tornado's own pings, which take who is slow for gone, nor the mixin's, whose `open` is passed over.
    @property
    def ping_interval(self) -> float:
        """Return 0: who is there is found out by a `Pinger`."""
        return 0

    def begin(self) -> SocketWriter:
        """Return what sends on the WebSocket, now that it is open."""
        # Without this the second of two quick messages waits for the first one's delayed acknowledgement.
        self.set_nodelay(True)
        self.writer = SocketWriter(self, self.relay.max_unsent, self._give_up)
        self._pinger = Pinger(self, self.writer, _PING)
        self.relay.connections.add(self)
        return self.writer

    def leave(self) -> None:
        """Leave every document."""
        raise NotImplementedError

    def on_pong(self, data: bytes) -> None:
        """Note that the peer is there."""
        self._pinger.heard()

    def on_close(self) -> None:
        """Let go."""
        super().on_close()
        if hasattr(self, "_pinger"):
            self._pinger.stop()
            self.relay.connections.discard(self)

    def _give_up(self) -> None:
        """Drop a peer that does not take what it is sent; what it lacks it gets when it comes again."""
        _log.warning(
            "A connection of %s was dropped, too slow: over %d bytes waited for it (RelayApp.max_unsent).",
            self.current_user.username,
            self.relay.max_unsent,
            extra=fields("peer.dropped", user=self.current_user.username, code=CloseCode.TOO_SLOW),
        )
        self.relay.counts.drop(CloseCode.TOO_SLOW, self.current_user.username)
        self.close(CloseCode.TOO_SLOW.websocket, CloseCode.TOO_SLOW)
        # Not in the midst of what is being sent to everybody.
        asyncio.get_running_loop().call_soon(self.leave)

    def set_default_headers(self) -> None:
        """Set none: the answer to an upgrade has no body."""

    @ws_authenticated
    async def get(self, *args: str) -> None:
        """Upgrade to a WebSocket, for a signed-in user and from an origin that the server allows."""
        await super().get(*args)

    def get_compression_options(self) -> None:
        """Compress nothing: frames are small, and images do not shrink."""
        return


class CommsHandler(_SocketHandler):
    """Carry all documents of one tab (section 2)."""

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Choose the envelope's layout."""
        return envelope.SUBPROTOCOL if envelope.SUBPROTOCOL in subprotocols else None

    def open(self, *args: str, **kwargs: str) -> None:
        """Begin; documents are opened by messages."""
        by_token = self.identity_provider.is_token_authenticated(self)
        user = None if by_token else self.current_user.username
        SocketReader(self)
        self._connection = TabConnection(self.relay, user, self.begin(), self.close)
        self._rechecking = Ticking(self._connection.recheck, self.relay.recheck_interval)

    def on_message(self, message: str | bytes) -> None:
        """Hand a message on."""
        if not self.writer.over:
            self._connection.receive(message)

    def on_close(self) -> None:
        """Leave every document."""
        super().on_close()
        if hasattr(self, "_connection"):
            self._rechecking.stop()
            self.leave()

    def leave(self) -> None:
        """Leave every document."""
        self._connection.drop()


class YjsHandler(_SocketHandler):
    """Serve one document to any y-websocket client (section 10)."""

    async def open(self, path: str, **kwargs: str) -> None:
        """Join the document that the URL names; Tornado reads nothing before that is done."""
        self.begin()
        try:
            self._peer = await self._join(path_of(self, path))
        except ChannelClosed as closed:
            self.close(CloseCode(closed.code).websocket, closed.code)
            return
        self._rechecking = Ticking(self._peer.recheck, self.relay.recheck_interval)

    def on_message(self, message: str | bytes) -> None:
        """Hand a frame on."""
        if isinstance(message, str):
            self.close(CloseCode.BAD_FRAME.websocket, CloseCode.BAD_FRAME)
        elif not self.writer.over:
            self._peer.receive(message)

    def on_close(self) -> None:
        """Leave the document."""
        super().on_close()
        self.leave()

    def leave(self) -> None:
        """Leave the document, and let go of it: Python's collector may not find a handler for long."""
        if hasattr(self, "_peer"):
            self._rechecking.stop()
            self._peer.leave()
            del self._rechecking, self._peer

    async def _join(self, path: str) -> YjsPeer:
        role = await self.role(path)
        if role is None:
            raise ChannelClosed(CloseCode.UNAUTHORIZED, CloseCode.UNAUTHORIZED.sentence)
        type_ = self.get_query_argument("type", "notebook" if path.endswith(".ipynb") else "file")
        format_ = self.get_query_argument("format", "json" if type_ == "notebook" else "text")
        name = self.get_query_argument("document", "content")
        room = await self.relay.open(RoomKey(path, format_, type_))
        document = room.documents.get(name)
        if document is None:
            raise ChannelClosed(CloseCode.NOT_FOUND, f"A room has no document {name!r}.")
        user = self.current_user.username
        grant = Grant(user, identity_of(self), set(), role, self.role_now)
        self.relay.directory.note(grant.identity)
        peer = YjsPeer(self.relay, room, document, grant, self.writer, self.close)
        peer.join()
        return peer


def _status(code: str) -> int:
    return CloseCode(code).http if code in set(CloseCode) else 400


def routes() -> list[tuple[str, type[JupyterHandler]]]:
    """Return the relay's URL patterns, below the server's base URL."""
    return [
        (r"/api/rtc_widgets/?", InfoHandler),
        (r"/api/rtc_widgets/status/?", StatusHandler),
        (r"/api/rtc_widgets/rooms/(.+)", RoomsHandler),
        (r"/api/rtc_widgets/comms", CommsHandler),
        (r"/api/rtc_widgets/yjs/(.+)", YjsHandler),
    ]
