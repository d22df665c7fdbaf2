"""A network between one person and a server: it can be cut, swallow everything, be slow, stand still, and recover."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from support.server import Server

__all__ = ["Proxy"]


class Proxy:
    """Carry TCP to *server*; give it to `visit` in the server's place."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._delay = 0.0
        self._mute = False
        self._refuse = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener = self._run(self._listen())
        self.port: int = self._listener.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """Return the base URL of the server as it is seen through this."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """Return the server's token."""
        return self._server.token

    def cut(self) -> None:
        """Break every connection, and let no new one come about."""
        self._do(self._cut)

    def swallow(self) -> None:
        """Let everything vanish: what is connected stays so, new connections come about, and nothing ever arrives."""
        self._do(lambda: setattr(self, "_mute", True))

    def slow(self, seconds: float) -> None:
        """Let everything arrive so much later, in each direction."""
        self._do(lambda: setattr(self, "_delay", seconds))

    def hold(self) -> None:
        """Take nothing more of what the server sends to anybody, as somebody who does not read."""
        self._do(self._flows.clear)

    def restore(self) -> None:
        """Carry new connections again; those whose bytes vanished stay dead, as after a change of the network."""
        self._do(self._restore)

    def close(self) -> None:
        """Stop."""
        self._run(self._aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _aclose(self) -> None:
        # asyncio never closes a connection that it has just accepted when its listener closes: the listener goes last.
        for listening in self._listener.sockets:
            self._loop.remove_reader(listening.fileno())
        self._cut()
        # A connection that is just being accepted becomes another task at the end of that.
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*tasks, return_exceptions=True)
        self._listener.close()

    def _cut(self) -> None:
        self._refuse = True
        self._flows.set()
        for link in list(self._links):
            link.end()

    def _restore(self) -> None:
        self._refuse = self._mute = False
        self._delay = 0.0
        self._flows.set()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def _do(self, action: Callable[[], None]) -> None:
        async def _act() -> None:
            action()

        self._run(_act())

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1")

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            if not self._refuse:
                there = await asyncio.open_connection("127.0.0.1", self._server.port)
                ends.append(there[1])
            if not self._refuse:  # meanwhile it may have been cut
                await self._carry_both(_Link(*ends), reader, there[0])
        except OSError:
            pass  # the server is away: the person's end is broken, too
        finally:
            for end in ends:
                end.transport.abort()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _carry_both(self, link: _Link, here: asyncio.StreamReader, there: asyncio.StreamReader) -> None:
        self._links.add(link)
        try:
            await asyncio.gather(self._carry(link, here, link.server), self._carry(link, there, link.person))
        finally:
            link.end()
            self._links.discard(link)

    async def _carry(self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        waiting: deque[bytes] = deque()
        due = 0.0
        while data := await reader.read(2**16):
            if writer is link.person:
                await self._flows.wait()
            link.is_mute = link.is_mute or self._mute
            if not link.is_mute and not writer.is_closing():
                # Later or at once, and in order, also behind what waits still when the delay is another.
                if self._delay or waiting:
                    waiting.append(data)
                    due = max(due, loop.time() + self._delay)
                    loop.call_at(due, lambda: writer.write(waiting.popleft()))
                else:
                    writer.write(data)
        if not link.is_mute:
            link.end()


class _Link:
    """Be one connection, from the person to the server."""

    def __init__(self, person: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.person = person
        self.server = server
        self.is_mute = False

    def end(self) -> None:
        """Break it."""
        self.person.transport.abort()
        self.server.transport.abort()
