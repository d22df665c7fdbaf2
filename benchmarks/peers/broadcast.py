"""The floor of the relays: ``python broadcast.py PORT`` hands each WebSocket message to everybody else, unread."""

from __future__ import annotations

import asyncio
import sys

from tornado.web import Application
from tornado.websocket import WebSocketHandler

here: set[Broadcast] = set()


class Broadcast(WebSocketHandler):
    """Be one connection."""

    def check_origin(self, origin: str) -> bool:
        return True

    def open(self, *args: str, **kwargs: str) -> None:
        self.set_nodelay(True)
        here.add(self)

    def on_message(self, message: str | bytes) -> None:
        for other in here:
            if other is not self:
                other.write_message(message, binary=True)

    def on_close(self) -> None:
        here.discard(self)


async def main() -> None:
    Application([(r"/.*", Broadcast)]).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
