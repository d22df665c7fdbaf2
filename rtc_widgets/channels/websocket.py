"""Many documents on one WebSocket of ``api/rtc_widgets/comms`` (docs/protocol.md, section 2)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rtc_widgets.channels.inbox import Inbox
from rtc_widgets.errors import ChannelClosed, FrameError, NotConnected
from rtc_widgets.protocol import envelope
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Welcome

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection
    from websockets.exceptions import ConnectionClosed

__all__ = ["Connection", "WebSocketChannel", "require_websockets"]

_NO_WEBSOCKETS = (
    "Connecting to a server needs the package websockets, which is not installed here. "
    'Install it with: pip install "rtc_widgets[client]"'
)
_CODES = {code.websocket: code for code in CloseCode}
_log = logging.getLogger(__name__)


def require_websockets() -> None:
    """Check that the package is there.

    Raises:
        NotConnected: it is not; the message names the cure.
    """
    try:
        import websockets.asyncio.client  # noqa: F401, PLC0415 (an optional dependency)
    except ImportError as error:
        raise NotConnected(_NO_WEBSOCKETS) from error


class WebSocketChannel:
    """Be one document's channel on a `Connection`."""

    def __init__(self, connection: Connection, comm_id: str) -> None:
        self.comm_id = comm_id
        self.welcome: asyncio.Future[Welcome] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._inbox = Inbox()
        self._seq = 0

    async def send(self, frame: bytes) -> None:
        """Send one frame as one numbered message."""
        if self._inbox.closed is not None:
            raise ChannelClosed(self._inbox.closed.code, self._inbox.closed.reason)
        self._seq += 1
        await self._connection.transmit(envelope.comm(self.comm_id, [frame], {"seq": self._seq}))

    async def receive(self) -> bytes:
        """Return the next frame."""
        return await self._inbox.get()

    async def aclose(self) -> None:
        """Tell the relay that this peer is done with the document."""
        await self._connection.leave(self, CloseCode.NORMAL)

    def take(self, message: envelope.Message) -> None:
        """Take one message of the relay's.

        Raises:
            FrameError: its welcome does not parse.
        """
        if not self.welcome.done():
            if "welcome" not in message.data:
                return  # of an earlier opening of the same document
            self.welcome.set_result(Welcome.from_json(message.data["welcome"]))
        for frame in message.buffers:
            self._inbox.put(frame)

    def end(self, code: str, reason: str) -> None:
        """Note that nothing follows."""
        self._inbox.end(ChannelClosed(code, reason))
        if not self.welcome.done():
            self.welcome.set_exception(ChannelClosed(code, reason))
            self.welcome.exception()  # it may be that nobody waits any more


class Connection:
    """Carry many documents on one WebSocket, which is opened with the first of them, and again when it broke.

    Args:
        url: of the WebSocket, ``ws://…/api/rtc_widgets/comms``.
        headers: returns those that say who this is, each time that the WebSocket is opened.
        timeout: seconds for the WebSocket to open, and for a document to be welcomed.
    """

    def __init__(
        self, url: str, headers: Callable[[], Mapping[str, str]] = dict, timeout: float = 20.0
    ) -> None:
        self._url = url
        self._headers = headers
        self._timeout = timeout
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._channels: dict[str, WebSocketChannel] = {}
        self._connecting = asyncio.Lock()
        self._closed = False

    async def open(
        self, comm_id: str, data: Mapping[str, Any], frames: Sequence[bytes] = ()
    ) -> WebSocketChannel:
        """Open a document and return its channel, welcomed.

        Args:
            comm_id: names the document.
            data: ``Open`` of docs/protocol.md, section 2.
            frames: the first ones; they have no number.

        Raises:
            NotConnected: the server does not answer.
            ChannelClosed: it refuses.
        """
        await self._connect()
        if comm_id in self._channels:
            raise ChannelClosed(CloseCode.CONFLICT, "This document is already open on this connection.")
        channel = self._channels[comm_id] = WebSocketChannel(self, comm_id)
        try:
            await self.transmit(envelope.open_(comm_id, data, frames))
            async with asyncio.timeout(self._timeout):
                await asyncio.shield(channel.welcome)
        except TimeoutError:
            await self.leave(channel, CloseCode.NORMAL)
            raise NotConnected(
                f"The server did not welcome the document within {self._timeout:g} s."
            ) from None
        except BaseException:
            self._channels.pop(comm_id, None)
            raise
        return channel

    async def transmit(self, message: envelope.Message) -> None:
        """Send one message; waits where the other side is slow to read.

        Raises:
            ChannelClosed: the connection is gone.
        """
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 (an optional dependency)

        if self._socket is None:
            raise ChannelClosed(CloseCode.GONE, CloseCode.GONE.sentence)
        try:
            await self._socket.send(envelope.pack(message))
        except ConnectionClosed as closed:
            raise ChannelClosed(*_why(closed)) from closed

    async def leave(self, channel: WebSocketChannel, code: CloseCode) -> None:
        """End one document's channel, and tell the relay."""
        if self._channels.get(channel.comm_id) is channel:
            del self._channels[channel.comm_id]
            channel.end(code, code.sentence)
            with contextlib.suppress(ChannelClosed):
                await self.transmit(envelope.close(channel.comm_id, code, code.sentence))

    async def aclose(self) -> None:
        """Close the WebSocket and all channels for good. Idempotent."""
        self._closed = True
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _connect(self) -> None:
        async with self._connecting:
            self._refuse_if_closed()
            if self._socket is None:
                socket = await self._dial()
                try:
                    self._refuse_if_closed()  # meanwhile, when there was no socket to close
                except NotConnected:
                    await socket.close()
                    raise
                self._socket = socket
                self._reader = asyncio.create_task(self._read(socket))

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise NotConnected("The connection was closed.")

    async def _dial(self) -> ClientConnection:
        require_websockets()
        from websockets.asyncio.client import connect  # noqa: PLC0415 (an optional dependency)
        from websockets.exceptions import InvalidStatus, WebSocketException  # noqa: PLC0415
        from websockets.typing import Subprotocol  # noqa: PLC0415

        try:
            return await connect(
                self._url,
                subprotocols=[Subprotocol(envelope.SUBPROTOCOL)],
                additional_headers=self._headers(),
                open_timeout=self._timeout,
                max_size=None,  # what the relay sends is what it was asked for
                compression=None,
            )
        except InvalidStatus as refused:
            status = refused.response.status_code
            if status in {401, 403}:
                raise ChannelClosed(CloseCode.UNAUTHORIZED, CloseCode.UNAUTHORIZED.sentence) from refused
            raise NotConnected(f"The server answers {status} where its WebSocket should be.") from refused
        except (OSError, TimeoutError, WebSocketException) as error:
            reason = str(error) or type(error).__name__
            raise NotConnected(f"The server does not answer ({reason}).") from error

    async def _read(self, socket: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 (an optional dependency)

        code, reason = str(CloseCode.GONE), CloseCode.GONE.sentence
        try:
            while True:
                data = await socket.recv()
                await self._dispatch(envelope.unpack(data if isinstance(data, bytes) else data.encode()))
        except ConnectionClosed as closed:
            code, reason = _why(closed)
        except FrameError as error:
            # Section 2: "A message that does not parse as an envelope closes the connection".
            _log.warning("The server sent a message that does not parse: %s", error)
            code, reason = CloseCode.BAD_FRAME, CloseCode.BAD_FRAME.sentence
            await socket.close(CloseCode.BAD_FRAME.websocket)
        finally:
            self._socket = None
            channels, self._channels = self._channels, {}
            for channel in channels.values():
                channel.end(code, reason)

    async def _dispatch(self, message: envelope.Message) -> None:
        channel = self._channels.get(message.comm_id)
        if channel is None:
            return
        if message.msg_type == "comm_close":
            del self._channels[message.comm_id]
            code = str(message.data.get("code", CloseCode.GONE))
            channel.end(code, str(message.data.get("reason", "")) or CloseCode.GONE.sentence)
        elif message.msg_type == "comm_msg":
            try:
                channel.take(message)
            except FrameError as error:
                _log.warning("The server's welcome does not parse: %s", error)
                await self.leave(channel, CloseCode.BAD_FRAME)


def _why(closed: ConnectionClosed) -> tuple[str, str]:
    """Return the code and the sentence for the end of a WebSocket; what is not known may come again."""
    code = _CODES.get(closed.rcvd.code) if closed.rcvd is not None else None
    code = CloseCode.GONE if code in {None, CloseCode.NORMAL} else code
    assert code is not None
    return str(code), code.sentence
