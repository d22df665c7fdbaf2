"""A kernel of a real server, run the way a tab does it: a session, and a WebSocket to the kernel's channels."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any, Self

from support.server import Server
from websockets.asyncio.client import ClientConnection, connect

__all__ = ["Kernel", "Result"]


class Result:
    """Hold what one cell did so far."""

    def __init__(self) -> None:
        self.stdout = ""
        self.error: str | None = None
        self.status: list[str] = []
        self.reply: dict[str, Any] = {}
        self.done = asyncio.Event()
        self._seen = {"reply": False, "idle": False}

    def see(self, part: str) -> None:
        self._seen[part] = True
        if all(self._seen.values()):
            self.done.set()


class Kernel:
    """Run cells of one notebook's kernel.

    >>> async with Kernel(server, "a.ipynb") as kernel:
    ...     assert await kernel.run("print(1)") == "1\\n"
    """

    def __init__(
        self,
        server: Server,
        path: str,
        type_: str = "notebook",
        name: str = "python3",
        token: str | None = None,
    ) -> None:
        self.server = server
        self.path = path
        self.culled = False
        """Whether somebody else ends the kernel."""
        self._token = token or server.token
        self._type = type_
        self._name = name
        self.messages: list[dict[str, Any]] = []
        self._session = uuid.uuid4().hex
        self._results: dict[str, Result] = {}

    async def __aenter__(self) -> Self:
        body = {"path": self.path, "name": self.path, "type": self._type, "kernel": {"name": self._name}}
        self.session = await asyncio.to_thread(self.server.api, "/api/sessions", "POST", body, self._token)
        self.id = self.session["kernel"]["id"]
        self._socket = await self._connect()
        self._task = asyncio.create_task(self._receive(self._socket))
        await self._heard()
        return self

    async def __aexit__(self, *args: object) -> None:
        self._task.cancel()
        await self._socket.close()
        if not self.culled:
            await asyncio.to_thread(self.server.api, f"/api/sessions/{self.session['id']}", "DELETE")

    @property
    def uplink(self) -> list[str]:
        """Return the kinds of our messages that the kernel sent and every tab got to see."""
        contents = [message.get("content", {}) for message in self.messages]
        return [
            content["data"]["kind"] for content in contents if content.get("comm_id") == "rtc_widgets.uplink"
        ]

    async def run(self, code: str, cell_id: str | None = None, subshell: str | None = None) -> str:
        """Run *code* and return what it printed; raises AssertionError with the traceback where it failed."""
        result = await self.start(code, cell_id, subshell)
        async with asyncio.timeout(50):
            await result.done.wait()
        assert result.error is None, result.error
        return result.stdout

    async def start(self, code: str, cell_id: str | None = None, subshell: str | None = None) -> Result:
        """Start *code*, and return what becomes of it."""
        result = Result()
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
        }
        metadata = {"cellId": cell_id} if cell_id else {}
        where = {"subshell_id": subshell} if subshell else {}
        await self._send("shell", "execute_request", content, metadata, result, **where)
        return result

    async def subshell(self) -> str:
        """Make a subshell, in which comm messages are handled while a cell runs, and return its id."""
        result = Result()
        await self._send("control", "create_subshell_request", {}, {}, result)
        async with asyncio.timeout(20):
            while not result.reply:
                await asyncio.sleep(0.01)
        return str(result.reply["subshell_id"])

    async def click(self, comm_id: str, subshell: str) -> None:
        """Click a button of ipywidgets, as JupyterLab does it while a cell runs.

        ipykernel 7.4 handles it where the button was last written to, whatever this says.
        """
        content = {"comm_id": comm_id, "data": {"method": "custom", "content": {"event": "click"}}}
        await self._send("shell", "comm_msg", content, {}, Result(), subshell_id=subshell)

    async def interrupt(self) -> None:
        """Interrupt the kernel."""
        await asyncio.to_thread(self.server.api, f"/api/kernels/{self.id}/interrupt", "POST")

    async def restart(self) -> None:
        """Restart the kernel."""
        await asyncio.to_thread(self.server.api, f"/api/kernels/{self.id}/restart", "POST")

    async def reconnect(self, dead: bool = False) -> None:
        """Connect anew, as a tab does after a restart; for a kernel that died once it was started again."""
        if dead:
            async with asyncio.timeout(30):
                while not any(
                    m.get("content", {}).get("execution_state") == "restarting" for m in self.messages
                ):
                    await asyncio.sleep(0.02)
        self._task.cancel()
        await self._socket.close()
        self._socket = await self._connect()
        self._task = asyncio.create_task(self._receive(self._socket))

    def model(self) -> dict[str, Any]:
        """Return what the server says of the kernel."""
        result: dict[str, Any] = self.server.api(f"/api/kernels/{self.id}")
        return result

    async def _heard(self) -> None:
        """Wait until the server hears the kernel.

        jupyter_server subscribes to a kernel's status without making sure that it is subscribed: it may miss that the
        first cell runs, and culls a kernel that it takes for idle.
        """
        async with asyncio.timeout(60):
            while (await asyncio.to_thread(self.model))["execution_state"] == "starting":
                await self._send("shell", "kernel_info_request", {}, {}, Result())
                await asyncio.sleep(0.05)

    async def _connect(self) -> ClientConnection:
        return await connect(
            f"ws://127.0.0.1:{self.server.port}/api/kernels/{self.id}/channels?session_id={self._session}",
            additional_headers={"Authorization": f"token {self._token}"},
            max_size=None,
        )

    async def _send(
        self,
        channel: str,
        type_: str,
        content: dict[str, Any],
        metadata: dict[str, Any],
        result: Result,
        **header_too: str,
    ) -> None:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": type_,
            "session": self._session,
            "username": "",
            "version": "5.3",
            "date": "2026-01-01T00:00:00Z",
            **header_too,
        }
        self._results[header["msg_id"]] = result
        message = {
            "channel": channel,
            "header": header,
            "parent_header": {},
            "metadata": metadata,
            "content": content,
        }
        await self._socket.send(json.dumps({**message, "buffers": []}))

    async def _receive(self, socket: ClientConnection) -> None:
        async for data in socket:
            if isinstance(data, bytes):
                # Comm messages with buffers: only their type matters here.
                self.messages.append({"msg_type": "binary"})
                continue
            message = json.loads(data)
            self.messages.append(message)
            # xeus sends null where ipykernel sends no parent.
            result = self._results.get((message["parent_header"] or {}).get("msg_id", ""))
            if result is None:
                continue
            content = message["content"]
            match message["header"]["msg_type"]:
                case "stream":
                    result.stdout += content["text"]
                case "error":
                    result.error = "\n".join(content["traceback"])
                case "status":
                    result.status.append(content["execution_state"])
                    if content["execution_state"] == "idle":
                        result.see("idle")
                case "create_subshell_reply":
                    result.reply = content
                case "execute_reply":
                    result.see("reply")
