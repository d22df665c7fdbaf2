"""A connection of one participant to one document: late, in order, with doubles, and cut without a word."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rtc_widgets.channels.channel import Opened
from rtc_widgets.channels.inbox import Inbox
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.peer import FrameWriter
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.roles import Role
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.peer import Outgoing
from rtc_widgets.rooms.room import Room
from rtc_widgets.testing.simulator.clock import running
from rtc_widgets.testing.simulator.life import Life

__all__ = ["Line", "Trouble"]

_UPDATE = b"\0\2"  # a frame of docs/protocol.md, 3.2, that may come twice: requests have ids for that

_MOMENT = 1e-6  # seconds: for what has to come after all that was sent


class Trouble:
    """Decide what befalls a message: mostly little.

    Args:
        dice: decides.
        slow: seconds that a message takes at most, as a rule.
    """

    def __init__(self, dice: random.Random, slow: float = 0.05) -> None:
        self._dice = dice
        self._slow = slow

    def delay(self) -> float:
        """Return how long a message takes, in seconds; one in fifty takes ten times as long."""
        return self._dice.random() * self._slow * (10 if self._dice.random() < 0.02 else 1)

    def twice(self, frame: bytes) -> bool:
        """Tell whether a frame comes twice."""
        return frame[:2] == _UPDATE and self._dice.random() < 0.05


class _Peer:
    """Be the room's end of a line."""

    role = Role.EDITOR

    def __init__(self, line: Line, user: str) -> None:
        self.user = user
        self._line = line

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return who signs comments."""
        return {"kind": "person", "username": self.user, "name": self.user, "display_name": self.user}

    def send(self, outgoing: Outgoing) -> None:
        """Send frames to the participant."""
        self._line.tell(outgoing.frames)

    def close(self, code: str, reason: str) -> None:
        """Tell the participant that the document is closed."""
        self._line.close(code, reason)


class Line:
    """Be the channel of a participant, to a room's document.

    Args:
        room: of the document.
        document: which the participant opens.
        user: who that is.
        life: of the server.
        trouble: what happens on the way.
        on_end: called when the server's end is done with.
    """

    def __init__(
        self,
        room: Room,
        document: RoomDocument,
        user: str,
        life: Life,
        trouble: Trouble,
        on_end: Callable[[], None],
    ) -> None:
        self.user = user
        self._peer = _Peer(self, user)
        self._room = room
        self._document = document
        self._life = life
        self._trouble = trouble
        self._on_end = on_end
        self._inbox = Inbox()
        self._writer = FrameWriter(document.limits.frame)
        self._received = 0
        # What is under way, and when the last of it arrives. Timers of one moment ring in any order, so they name none.
        self._going: deque[bytes] = deque()
        self._coming: deque[bytes] = deque()
        self._there = self._here = 0.0
        self._cut = False
        self._joined = False

    # ------------------------------------------------------------------------------------- for the participant

    async def send(self, frame: bytes) -> None:
        """Send a frame to the server."""
        if self._inbox.closed is not None:
            raise ChannelClosed(self._inbox.closed.code, self._inbox.closed.reason)
        loop = running()
        self._there = max(self._there, loop.time() + self._trouble.delay())
        self._going.append(frame)
        loop.call_at(self._there, self._arrive)

    async def receive(self) -> bytes:
        """Return the next frame from the server."""
        return await self._inbox.get()

    async def aclose(self) -> None:
        """Leave; the server hears of it after all that was sent."""
        self._inbox.end(ChannelClosed(CloseCode.NORMAL, CloseCode.NORMAL.sentence))
        loop = running()
        self._there = max(self._there, loop.time()) + _MOMENT
        loop.call_at(self._there, self._leave)

    def cut(self, noticed_here: float = 0.0, noticed_there: float = 0.0) -> None:
        """Break in the middle: what is under way is lost, and either end notices some seconds later."""
        if not self._cut:
            self._cut = True
            loop = running()
            loop.call_later(
                noticed_here, self._inbox.end, ChannelClosed(CloseCode.GONE, CloseCode.GONE.sentence)
            )
            loop.call_later(noticed_there, self._leave)

    # --------------------------------------------------------------------------------------------- for the room

    def join(self, frames: Sequence[bytes], lineage: str | None, compares: bool) -> Opened:
        """Enter the document.

        Raises:
            ChannelClosed: it refuses.
        """
        answers = self._document.join(self._peer, frames, lineage, compares=compares)
        self._joined = True
        self.tell(answers)
        document, room = self._document, self._room
        if document is room.content:
            room.greet(self._peer)
        welcome = Welcome(
            1, "0", self._peer.role, document.lineage, document.name, room.path, room.id, document.limits
        )
        return Opened(self, welcome)

    def tell(self, frames: Sequence[bytes]) -> None:
        """Send frames to the participant."""
        loop = running()
        for frame in frames:
            for piece in self._writer.split(frame):
                self._here = max(self._here, loop.time() + self._trouble.delay())
                self._coming.append(piece)
                loop.call_at(self._here, self._hear)

    def close(self, code: str, reason: str) -> None:
        """Tell the participant that the document is closed, after all that was sent."""
        self._joined = False
        loop = running()
        self._here = max(self._here, loop.time()) + _MOMENT
        if not self._cut:
            loop.call_at(self._here, self._inbox.end, ChannelClosed(code, reason))

    # -------------------------------------------------------------------------------------------------- between

    def _arrive(self) -> None:
        frame = self._going.popleft()
        if not self._cut and self._life.alive and self._joined:
            self._received += 1
            frames = [frame] * (1 + self._trouble.twice(frame))
            self._life.run(self._document.receive, self._peer, frames, self._received)

    def _hear(self) -> None:
        frame = self._coming.popleft()
        if not self._cut:
            for _ in range(1 + self._trouble.twice(frame)):
                self._inbox.put(frame)

    def _leave(self) -> None:
        if self._life.alive and self._joined:
            self._joined = False
            self._life.run(self._document.leave, self._peer)
            self._life.run(self._on_end)
