"""Talk with one kernel from outside: its hello, the uplink on iopub, the downlink on control (section 8).

Everything runs on one asyncio loop. The link knows numbers and sessions, not documents: a `LinkHandler`
answers for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, Unpack, cast

import zmq
import zmq.asyncio
from jupyter_client.localinterfaces import is_local_ip
from jupyter_client.session import Session

from rtc_widgets.errors import FrameError, NotConnected, ProtocolError
from rtc_widgets.kernel_link.flow import PAUSE, Receiver, Sender
from rtc_widgets.kernel_link.in_flight import InFlight
from rtc_widgets.logged import Fields, fields
from rtc_widgets.protocol import kernel, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.parts import FrameTooLarge
from rtc_widgets.protocol.welcome import Limits, Welcome

__all__ = ["NO_OTHERS", "KernelLink", "KernelManagerLike", "LinkHandler"]

NO_OTHERS = "Here a kernel gets the notebook that it runs, and no other file."

# Where each message to the kernel costs two status broadcasts to every tab (the shell channel), seconds.
SLOW_PAUSE = 0.05
# The topics of xeus, the library under kernels that offer Python nothing but comms, begin so; then comes an id of the
# kernel's own, then the type of the message.
XEUS_TOPIC = b"kernel_core."
# Bytes that may wait for a kernel that does not take them; see `KernelLink`.
BOUND = 16 * 2**20
# Seconds until it is looked again whether it does: ZeroMQ does not tell.
LOOK_AGAIN = 0.1
# What a kernel says about one document.
_ABOUT_ONE = frozenset({"frame", "head", "resync", "close"})
# Messages received before other tasks of the loop get their turn.
TURN = 64


class KernelManagerLike(Protocol):
    """Name what a link needs of a jupyter_client ``KernelManager``."""

    session: Any

    def get_connection_info(self, session: bool = False) -> Any:
        """Return transport, ip, ports and keys."""


class LinkHandler(Protocol):
    """Answer a kernel for its documents; all methods are called on the link's loop and must not block."""

    def on_hello(self, link: KernelLink, hello: kernel.Hello) -> None:
        """Answer with `KernelLink.welcome`, once for each notebook, or with `KernelLink.refuse`.

        Called again for the same session while the kernel has heard nothing (an answer may be on its way),
        when it moved to another cell, or after a refusal. `KernelLink.documents` names those that were
        welcomed.
        """

    def on_frames(self, link: KernelLink, comm_id: str, seq: int, frames: list[bytes]) -> None:
        """Take the whole frames that came with message *seq* (what a sync status acknowledges).

        Raises:
            ProtocolError: the link closes the document with the code ``bad-frame``.
        """

    def on_close(self, link: KernelLink, comm_id: str, code: str, reason: str) -> None:
        """Learn that the kernel has ended one document, or that the link had to."""

    def on_bye(self, link: KernelLink, code: str, reason: str) -> None:
        """Learn that the kernel's session ended, with all its documents."""

    def state_vector(self, comm_id: str) -> bytes | None:
        """Return the document's state vector, for a resync; None where the kernel may not write."""


class _Flow:
    """Hold both directions of one document."""

    def __init__(self, sender: Sender, receiver: Receiver, welcome: dict[str, Any]) -> None:
        self.sender = sender
        self.receiver = receiver
        self.welcome: dict[str, Any] | None = welcome
        self.heard = False


class KernelLink:
    """Link one kernel; connected when constructed.

    Args:
        manager: the kernel's ``KernelManager``: connection info, and the session whose key signs messages.
        handler: answers for the documents.
        log: where what goes wrong is told.
        limits: those of section 11, towards the kernel.
        bound: bytes that may wait in the channel, and as many again here, besides a large frame under way and an answer
            to a resync for each document. What comes when more waits is dropped, and made good by a resync.
        opens: answers a kernel that asks for another file, as `LinkHandler.on_hello` does, with the number of what it
            asked for; None refuses.

    Raises:
        NotConnected: the kernel has no channels to connect to from here.
    """

    def __init__(
        self,
        manager: KernelManagerLike,
        handler: LinkHandler,
        *,
        log: logging.Logger | logging.LoggerAdapter[Any] | None = None,
        limits: Limits | None = None,
        bound: int = BOUND,
        opens: Callable[[KernelLink, kernel.Opening], None] | None = None,
    ) -> None:
        self._manager = manager
        self._opens = opens
        self._handler = handler
        self._log = log or logging.getLogger(__name__)
        self._limits = limits or Limits()
        self._bound = bound
        self._in_flight = InFlight()
        self._behind = False
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._soon: asyncio.Handle | None = None
        self._reader: asyncio.Task[None] | None = None
        self._sockets: dict[str, zmq.Socket[Any]] = {}
        self._flows: dict[str, _Flow] = {}
        self._hello: kernel.Hello | None = None
        self._refused = False
        self._closed = False
        # Of the comm that the kernel opened, where it has no other channels.
        self._comm_id: str | None = None
        self._connect()

    @property
    def session(self) -> str | None:
        """Return the current session of the kernel's, None before its hello."""
        return None if self._hello is None else self._hello.session

    @property
    def documents(self) -> frozenset[str]:
        """Return the comm ids of the documents that the current session was welcomed to."""
        return frozenset(self._flows)

    @property
    def local(self) -> bool:
        """Tell whether the kernel runs on this machine."""
        return self._info.get("transport") == "ipc" or is_local_ip(str(self._info.get("ip")))

    @property
    def unsent(self) -> int:
        """Return how many bytes wait for the kernel, here and in the channel."""
        return self._in_flight.size + sum(flow.sender.size for flow in self._flows.values())

    def welcome(
        self,
        comm_id: str,
        welcome: Welcome,
        frames: Iterable[bytes],
        *,
        primary: bool,
        opening: int | None = None,
    ) -> None:
        """Give the kernel a document: `[step 2, step 1]`, without the step 1 for a role that may not write.

        A document given a second time starts anew; that happens when the kernel has not heard of the first.

        Args:
            opening: the number of what is answered, where the kernel asked for another file.
        """
        if self._hello is None:
            return
        keys: dict[str, Any] = {"welcome": welcome.to_json(), "primary": primary}
        if opening is None:
            self._refused = False
        else:
            keys["open"] = opening
        pause = PAUSE if "control" in self._hello.ways else SLOW_PAUSE
        sender = Sender(self._limits.frame, pause=pause)
        flow = self._flows[comm_id] = _Flow(sender, Receiver(self._limits.message), keys)
        for frame in frames:
            flow.sender.put(frame)
        self._flush()

    def refuse(self, code: CloseCode, reason: str | None = None, *, opening: int | None = None) -> None:
        """Tell the kernel that it gets no document, and why; the sentence is shown to the person."""
        if self._hello is None:
            return
        keys: dict[str, Any] = {"code": str(code), "reason": reason or code.sentence}
        if opening is None:
            self._refused = True
            self._transmit("refused", **keys)
        else:
            self._transmit("refused", open=opening, **keys)

    def send(self, comm_id: str, frames: Iterable[bytes]) -> None:
        """Send frames about a document, if it is open; updates within 20 ms are merged."""
        flow = self._flows.get(comm_id)
        if flow is None:
            return
        for frame in frames:
            flow.sender.put(frame)
        if self._waiting() > self._bound:
            self._make_room()
        # At the end of this turn of the loop, so that what is sent in one turn shares a message.
        if self._soon is None:
            self._soon = self._loop.call_soon(self._flush)

    def close(self, comm_id: str, code: CloseCode, reason: str | None = None) -> None:
        """End one document for the kernel, after what was sent about it as far as the kernel takes it."""
        flow = self._flows.pop(comm_id, None)
        if flow is not None:
            self._deliver(comm_id, flow, hurry=True)
            self._transmit("close", comm_id=comm_id, code=str(code), reason=reason or code.sentence)

    def bye(self, code: CloseCode, reason: str | None = None) -> None:
        """End the session; a kernel that is told ``going-away`` says hello again."""
        if self._hello is not None:
            self._transmit("bye", code=str(code), reason=reason or code.sentence)
        self._forget()

    def restarted(self) -> None:
        """Forget the session and connect anew: the kernel was restarted, perhaps on other ports.

        New sockets even on the same ports: what still waits in the old ones must not reach the new kernel,
        which has not loaded the extension and would log each message as unknown.
        """
        self._forget()
        self._comm_id = None
        self._disconnect(linger=0)
        self._connect()

    async def aclose(self) -> None:
        """Say bye and let go of the kernel's channels."""
        if self._closed:
            return
        self.bye(CloseCode.GOING_AWAY)
        self._closed = True
        reader = self._reader
        self._disconnect(linger=100)  # long enough for a bye
        if reader is not None:
            await asyncio.gather(reader, return_exceptions=True)

    # Channels

    def _connect(self) -> None:
        info = self._manager.get_connection_info()
        if not info.get("iopub_port") or not info.get("control_port"):
            raise NotConnected(
                "This kernel runs behind a gateway or another server, whose channels cannot be reached from "
                "here: its code cannot use the live notebook. Collaboration between people is not affected."
            )
        self._info = dict(info)
        # An own Session: a shared one would see each message twice and take it for a replay.
        theirs = self._manager.session
        self._session = Session(
            config=getattr(theirs, "config", None), key=theirs.key, signature_scheme=theirs.signature_scheme
        )
        # zmq.asyncio only for the receiving socket. What sends is never waited for: a kernel that does not
        # take its messages must not stop the server, and gets a resync later.
        context = zmq.asyncio.Context.instance()
        iopub: zmq.asyncio.Socket = context.socket(zmq.SUB)
        iopub.rcvhwm = 0
        self._open("iopub", iopub)
        iopub.subscribe(kernel.UPLINK_TOPIC)
        iopub.subscribe(XEUS_TOPIC)
        self._open("control", zmq.Socket(context, zmq.DEALER))
        self._reader = self._loop.create_task(self._receive(iopub))

    def _open(self, channel: str, socket: zmq.Socket[Any]) -> None:
        info = self._info
        socket.linger = 0
        socket.sndtimeo = 0
        if "curve_publickey" in info:
            socket.curve_publickey = socket.curve_serverkey = info["curve_publickey"].encode()
            socket.curve_secretkey = info["curve_secretkey"].encode()
        separator = ":" if info["transport"] == "tcp" else "-"
        socket.connect(f"{info['transport']}://{info['ip']}{separator}{info[f'{channel}_port']}")
        self._sockets[channel] = socket

    def _disconnect(self, *, linger: int) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None
        for socket in self._sockets.values():
            socket.close(linger=linger)
        self._sockets.clear()
        self._in_flight = InFlight()
        self._behind = False

    def _forget(self) -> None:
        self._flows.clear()
        self._hello = None
        self._refused = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Uplink

    async def _receive(self, iopub: zmq.asyncio.Socket) -> None:
        count = 0
        broad = True
        while not iopub.closed:
            wire = await iopub.recv_multipart()
            try:
                topic, parts = self._parts(wire)
                xeus = topic.startswith(XEUS_TOPIC)
                if xeus and broad:
                    # Now the kernel's id is known: none of what it prints concerns us.
                    iopub.subscribe(topic.rpartition(b".")[0] + b".comm_")
                    iopub.unsubscribe(XEUS_TOPIC)
                    broad = False
                if not xeus or _may_be_ours(topic, parts[4]):
                    self._on_comm(self._read(parts))
            except FrameError as error:
                self._log.warning(
                    "A message of the kernel was not understood: %s",
                    error,
                    extra=self._fields("kernel.malformed"),
                )
            except Exception:  # noqa: BLE001 - see below
                # What a kernel sends is not ours to trust, and one bad message must not end the link.
                self._log.exception(
                    "A message of the kernel could not be handled.", extra=self._fields("kernel.failed")
                )
            count += 1
            if count % TURN == 0:
                await asyncio.sleep(0)

    def _parts(self, wire: list[bytes]) -> tuple[bytes, list[bytes]]:
        """Return the topic, and what is behind the delimiter: a signature and four parts at least."""
        try:
            _, parts = self._session.feed_identities(wire)
        except ValueError:
            parts = []
        if len(parts) < 5:
            raise FrameError("It is no message of Jupyter's.")
        return wire[0], cast("list[bytes]", parts)

    def _read(self, parts: list[bytes]) -> Mapping[str, Any]:
        try:
            return self._session.deserialize(parts)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            # Unsigned, doubled, no JSON, nested too deep, without a header: jupyter_client has no error of its own.
            raise FrameError(str(error)) from error

    def _on_comm(self, message: Mapping[str, Any]) -> None:
        """Take a message of our uplink's, or of the comm of a kernel that has no other."""
        content, type_ = message["content"], message["msg_type"]
        if type_ not in {"comm_open", "comm_msg"}:
            return
        if not isinstance(content, dict) or not kernel.is_text(content.get("comm_id")):
            raise FrameError("It names no comm.")
        if type_ == "comm_open":
            self._forget()  # the kernel has lost the comm before
            self._comm_id = content["comm_id"]
        elif content["comm_id"] not in {kernel.UPLINK_ID, self._comm_id}:
            # A widget's, unless the kernel outlived the server that it opened the comm for.
            if self._hello is not None or not _ours(content):
                return
            self._comm_id = content["comm_id"]
        self._on_message(content, [bytes(buffer) for buffer in message["buffers"]])

    def _on_message(self, content: Mapping[str, Any], buffers: list[bytes]) -> None:
        data = kernel.parse(content)
        if data is None:
            return
        if data["kind"] == "hello":
            self._on_hello(kernel.Hello.from_data(data))
        elif data["session"] != self.session:
            if self.session is None and data["kind"] != "bye":
                # A kernel outlived the server that it was welcomed by.
                self._tell(data["session"], "bye", code="going-away", reason=CloseCode.GOING_AWAY.sentence)
        elif data["kind"] == "bye":
            self._forget()
            self._handler.on_bye(self, data["code"], data["reason"])
        elif data["kind"] == "open":
            self._on_open(kernel.Opening.from_data(data))
        elif data["kind"] in _ABOUT_ONE and (flow := self._flows.get(data["comm_id"])) is not None:
            self._on_document(data, flow, buffers)
        self._flush()

    def _on_hello(self, hello: kernel.Hello) -> None:
        known = self._hello
        if known is None or known.session != hello.session:
            self._forget()
            self._hello = hello
            self._handler.on_hello(self, hello)
            return
        self._hello = hello
        unheard = not any(flow.heard for flow in self._flows.values())
        if unheard or self._refused or hello.cell_id != known.cell_id:
            self._handler.on_hello(self, hello)
        else:
            for comm_id in self._flows:
                self._resync(comm_id)

    def _on_open(self, opening: kernel.Opening) -> None:
        if self._opens is None:
            self.refuse(CloseCode.NO_DOCUMENT, NO_OTHERS, opening=opening.number)
        else:
            self._opens(self, opening)

    def _on_document(self, data: dict[str, Any], flow: _Flow, buffers: list[bytes]) -> None:
        kind, comm_id, now = data["kind"], data["comm_id"], self._loop.time()
        flow.heard = True
        try:
            if kind == "frame":
                frames = flow.receiver.message(data["seq"], buffers, now)
                if frames:
                    self._handler.on_frames(self, comm_id, data["seq"], frames)
            elif kind == "resync":
                self._handler.on_frames(self, comm_id, flow.receiver.seq, buffers)
                if (vector := self._handler.state_vector(comm_id)) is not None:
                    flow.sender.put(sync.step1(vector))
            elif kind == "head":
                flow.receiver.head(data["seq"], now)
            elif kind == "close":
                del self._flows[comm_id]
                self._handler.on_close(self, comm_id, data["code"], data["reason"])
        except ProtocolError as error:
            code = CloseCode.TOO_LARGE if isinstance(error, FrameTooLarge) else CloseCode.BAD_FRAME
            self._log.warning(
                "Closed a kernel's document: %s",
                error,
                extra=self._fields("peer.dropped", document=comm_id, code=code),
            )
            self.close(comm_id, code, f"{code.sentence} ({error})")
            self._handler.on_close(self, comm_id, str(code), str(error))

    # Downlink

    def _flush(self) -> None:
        """Send what is due, and come back for what is due later."""
        self._soon = None
        if self._closed or self._hello is None:
            return
        now = self._loop.time()
        due = []
        for comm_id, flow in list(self._flows.items()):
            self._deliver(comm_id, flow)
            if flow.receiver.ask(now):
                self._resync(comm_id)
            if (send_at := flow.sender.due()) is not None:
                due.append(max(send_at, now + LOOK_AGAIN) if self._held else send_at)
            if (ask_at := flow.receiver.due()) is not None:
                due.append(ask_at)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(min(due), self._flush) if due else None

    @property
    def _held(self) -> bool:
        """Tell whether so much waits in the channel that it gets no more."""
        return self._in_flight.size > self._bound

    def _waiting(self) -> int:
        return sum(flow.sender.waiting for flow in self._flows.values())

    def _make_room(self) -> None:
        """Have no more waiting here than may: first the channel gets it, then the largest is dropped."""
        for comm_id, flow in list(self._flows.items()):
            self._deliver(comm_id, flow, hurry=True)
        while self._waiting() > self._bound:
            max((flow.sender for flow in self._flows.values()), key=lambda sender: sender.waiting).shed()
            self._fell_behind()

    def _deliver(self, comm_id: str, flow: _Flow, *, hurry: bool = False) -> None:
        """Send what is due; in a *hurry* all that the channel gets."""
        now = self._loop.time()
        while not self._held and (messages := flow.sender.take(now, hurry=hurry)):
            for message in messages:
                kind: kernel.Kind = message.kind
                keys: dict[str, Any] = {"comm_id": comm_id, "seq": message.seq}
                if flow.welcome is not None:
                    keys |= flow.welcome
                    kind, flow.welcome = "welcome", None
                if not self._transmit(kind, message.buffers, **keys):
                    flow.sender.unsent(now)

    def _resync(self, comm_id: str) -> None:
        if (vector := self._handler.state_vector(comm_id)) is not None:
            self._transmit("resync", [sync.step1(vector)], comm_id=comm_id)

    def _transmit(self, kind: kernel.Kind, buffers: list[bytes] | None = None, **keys: Any) -> bool:
        """Send to the current session; tell whether the channel took it."""
        session = self.session
        return session is not None and self._tell(session, kind, buffers, **keys)

    def _tell(self, session: str, kind: kernel.Kind, buffers: list[bytes] | None = None, **keys: Any) -> bool:
        content = kernel.content(self._comm_id or kernel.DOWNLINK_ID, kind, session)
        content["data"] |= keys
        try:
            with self._in_flight.counted(buffers or []) as counted:
                self._session.send(self._downlink(), "comm_msg", content, buffers=counted)
        except zmq.Again:
            self._fell_behind()
            return False
        if not self._in_flight.size:
            self._behind = False
        return True

    def _fell_behind(self) -> None:
        """Say once that something is lost, until all is taken again."""
        if not self._behind:
            self._behind = True
            self._log.warning(
                "The kernel does not take messages at the moment; it will be resynced.",
                extra=self._fields("kernel.behind"),
            )

    def _fields(self, event: str, **named: Unpack[Fields]) -> dict[str, object]:
        named["kernel"] = getattr(self._manager, "kernel_id", None)
        return fields(event, **named)

    def _downlink(self) -> zmq.Socket[Any]:
        """Return the channel on which the kernel hears us."""
        if self._comm_id is None and (self._hello is None or "control" in self._hello.ways):
            return self._sockets["control"]
        if "shell" not in self._sockets:
            self._open("shell", zmq.Socket(zmq.asyncio.Context.instance(), zmq.DEALER))
        return self._sockets["shell"]


def _may_be_ours(topic: bytes, content: bytes) -> bool:
    """Look at a message of a xeus kernel before it is read: all its widgets' messages come by here, too."""
    if topic.endswith(b".comm_open"):
        return f'"{kernel.COMM_TARGET}"'.encode() in content
    return topic.endswith(b".comm_msg") and b'"session"' in content and b'"kind"' in content


def _ours(content: Mapping[str, Any]) -> bool:
    try:
        return kernel.parse(content) is not None
    except FrameError:
        return False
