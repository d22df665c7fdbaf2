"""A tab without a browser: a replica that speaks the protocol over a real WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Self

from pycrdt import Array, Doc
from support.server import Server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtc_widgets._version import __version__
from rtc_widgets.ids import new_client_id
from rtc_widgets.protocol import awareness, envelope, event, request, status, sync
from rtc_widgets.protocol.peer import FrameReader, FrameWriter
from rtc_widgets.protocol.welcome import Welcome

__all__ = ["Refused", "Tab"]


class Refused(Exception):
    """The relay answered with an error status."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        super().__init__(f"{status} {answer}")
        self.status = status
        self.code = answer.get("code")
        self.message = answer.get("message", "")


class Tab:
    """Hold one document open.

    >>> async with Tab(server, "a.ipynb") as tab:
    ...     tab.cells[0]["source"] += "..."
    """

    def __init__(
        self,
        server: Server,
        path: str,
        *,
        type_: str = "notebook",
        format_: str = "json",
        document: str = "content",
        token: str | None = None,
        doc: Doc[Any] | None = None,
        lineage: str | None = None,
    ) -> None:
        self.server = server
        self.path = path
        self.token = token or server.token
        self.doc: Doc[Any] = doc or Doc(client_id=new_client_id())
        self.grant: dict[str, Any] = {}
        self.welcome: Welcome | None = None
        self.acknowledged = 0
        self.sent = 0
        self.written = 0
        """The last message that changed the document; others need not be acknowledged."""
        self.events: list[event.Event] = []
        self.states: dict[int, Any] = {}
        self.closed: dict[str, str] | None = None
        self.refused: dict[str, dict[str, str]] = {}
        self.hung_up: int | None = None
        self._body = {"format": format_, "type": type_}
        self._document = document
        self._lineage = lineage
        self._numbers = itertools.count(1)
        self._requests = itertools.count(1)
        self.responses: dict[int, request.Response] = {}
        self._remote = False
        self._observer = self.doc.observe(self._on_update)
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._socket: ClientConnection | None = None

    @property
    def comm_id(self) -> str:
        return str(self.grant["documents"][self._document]["comm_id"])

    @property
    def cells(self) -> list[dict[str, Any]]:
        """Return the cells as they are live, ids included, whatever the file's format keeps."""
        cells: list[dict[str, Any]] = self.doc.get("cells", type=Array).to_py()
        return cells

    @property
    def sources(self) -> list[str]:
        return [cell["source"] for cell in self.cells]

    def cell(self, index: int) -> Any:
        return self.doc.get("cells", type=Array)[index]

    async def __aenter__(self) -> Self:
        self.grant = await asyncio.to_thread(self.ask)
        self._socket = await connect(
            f"ws{self.server.url.removeprefix('http')}/api/rtc_widgets/comms",
            subprotocols=[envelope.SUBPROTOCOL],  # type: ignore[list-item]
            additional_headers={"Authorization": f"token {self.token}"},
            max_size=None,
        )
        self._reader, self._writer = FrameReader(), FrameWriter()
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._drain())]
        data = {
            "versions": [1],
            "release": __version__,
            "ticket": self.grant["ticket"],
            "lineage": self._lineage,
        }
        self._outbox.put_nowait(
            envelope.pack(envelope.open_(self.comm_id, data, [sync.step1(self.doc.get_state())]))
        )
        await self.until(lambda: self.synced or self.closed or self.hung_up, "the tab is synced")
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.drop()

    synced = False

    async def drop(self) -> None:
        """Cut the connection."""
        for task in self._tasks:
            task.cancel()
        if self._socket is not None:
            await self._socket.close()

    def forget(self) -> None:
        """Send no more of what happens to the replica, which goes on in another tab."""
        self.doc.unobserve(self._observer)

    def ask(self) -> dict[str, Any]:
        """Ask for a ticket."""
        try:
            answer: dict[str, Any] = self.server.api(
                f"/api/rtc_widgets/rooms/{self.path}", "PUT", self._body, token=self.token
            )
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, json.loads(error.read() or b"{}")) from None
        return answer

    def say(self, *frames: bytes) -> None:
        """Send frames."""
        for frame in frames:
            for piece in self._writer.split(frame):
                self.sent = next(self._numbers)
                message = envelope.comm(self.comm_id, [piece], {"seq": self.sent})
                self._outbox.put_nowait(envelope.pack(message))

    def say_raw(self, data: bytes) -> None:
        """Send one WebSocket message as it is."""
        self._outbox.put_nowait(data)

    async def save(self) -> dict[str, Any]:
        """Ask the relay to save; raises what it answers when it refuses."""
        return await self.answer(self.ask_to_save())

    async def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the relay for something; raises what it answers when it refuses."""
        return await self.answer(self.ask_for(method, **params))

    async def answer(self, number: int) -> dict[str, Any]:
        """Wait for the answer to a request."""
        await self.until(lambda: number in self.responses, "the request is answered")
        answer = self.responses.pop(number)
        if not answer.ok:
            raise Refused(0, {"code": answer.result["code"], "message": answer.result["reason"]})
        result: dict[str, Any] = answer.result
        return result

    def ask_to_save(self) -> int:
        """Ask the relay to save, and return the number that the answer will have."""
        return self.ask_for("save")

    def ask_for(self, method: str, **params: Any) -> int:
        """Ask the relay for something, and return the number that the answer will have."""
        number = next(self._requests)
        self.say(request.encode_request(number, method, params))
        return number

    async def committed(self) -> None:
        """Wait until everything sent is in the log."""
        await self.until(lambda: self.acknowledged == self.sent, "what was sent is acknowledged")

    async def until(
        self, condition: Callable[[], Any], what: str | Callable[[], str], timeout: float = 20.0
    ) -> Any:
        """Wait for *condition*; each frame is an occasion to look again."""
        end = asyncio.get_running_loop().time() + timeout
        while True:
            result = condition()
            if result:
                return result
            for task in self._tasks:
                if task.done() and not task.cancelled() and task.exception():
                    raise AssertionError(f"the tab failed while waiting: {what}") from task.exception()
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"not so within {timeout} s: {what() if callable(what) else what}")
            await asyncio.sleep(0.005)

    def _on_update(self, happened: Any) -> None:
        if not self._remote and self._socket is not None:
            self.say(sync.update(happened.update))
            self.written = self.sent

    async def _drain(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._socket.send(await self._outbox.get())

    async def _receive(self) -> None:
        assert self._socket is not None
        try:
            await self._read(self._socket)
        except ConnectionClosed as closed:
            self.hung_up = closed.rcvd.code if closed.rcvd else 1006

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            data = await socket.recv()
            message = envelope.unpack(data if isinstance(data, bytes) else data.encode())
            if message.comm_id != self.comm_id:
                self.refused[message.comm_id] = message.data
                continue
            if message.msg_type == "comm_close":
                self.closed = message.data
                continue
            if "welcome" in message.data:
                self.welcome = Welcome.from_json(message.data["welcome"])
                self._writer.limit = self.welcome.limits.frame
            for frame in message.buffers:
                self._take(frame)

    def _take(self, frame: bytes) -> None:
        match self._reader.receive(frame):
            case sync.Step1(state_vector):
                self.say(sync.step2(self.doc.get_update(state_vector)))
                self.written = self.sent
            case sync.Step2(update) | sync.Update(update) as received:
                self._remote = True
                try:
                    self.doc.apply_update(update)
                finally:
                    self._remote = False
                self.synced = self.synced or isinstance(received, sync.Step2)
            case status.Status(seq):
                self.acknowledged = seq
            case awareness.Awareness(update):
                self.states |= {state.client: state.value for state in awareness.decode_states(update)}
            case event.Event() as told:
                self.events.append(told)
            case request.Response() as answer:
                self.responses[answer.id] = answer
