"""A stock Yjs client that means harm, on the relay's own end of its WebSocket (section 10 of the protocol)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pycrdt import Array, Doc, Map, Text

from rtc_widgets.protocol import auth, awareness, query_awareness, sync
from rtc_widgets.protocol.awareness import State, encode_states
from rtc_widgets.protocol.codec import varuint
from rtc_widgets.protocol.peer import Unknown, decode
from rtc_widgets.relay.access import Grant
from rtc_widgets.relay.yjs import YjsPeer
from rtc_widgets.roles import Role
from rtc_widgets.testing.fuzz.house import Broken, House, unframed
from rtc_widgets.testing.fuzz.scene import EVE, LIMITS, judge, leap, run, two

__all__ = ["attack_as_stock"]

_ROLES = (Role.EDITOR, Role.VIEWER, Role.COMMENTER, Role.RUNNER)
_CODES = range(4400, 4500)


def attack_as_stock(pieces: Sequence[bytes]) -> list[str]:
    """Let a stock client do what *pieces* say, each a byte for what it is and what is in it; return how it was closed.

    Raises:
        Broken: somebody else noticed, or something is there that must not be.
    """
    return run(_attack(pieces))


async def _attack(pieces: Sequence[bytes]) -> list[str]:
    how = pieces[0][0] if pieces and pieces[0] else 0
    async with House(LIMITS, writable=not how & 8) as house:
        ada, ben = await two(house)
        eve = _Stock(house, _ROLES[how % 4], "annotations" if how & 4 else "content")
        await house.turn()
        for piece in pieces[1:]:
            if piece:
                await eve.do(piece[0], piece[1:])
                if not piece[0] & 0x80:
                    await house.turn()
        leap()
        await house.turn()
        closed = await judge(house, ada, ben)
        eve.go()
        return closed + eve.closed


class _Stock:
    """Be a client as y-websocket is, which can do worse."""

    def __init__(self, house: House, role: Role, document: str) -> None:
        self._house = house
        self._role: Role | None = role
        self._document = document
        self._last = b""
        self._remote = False
        self._doc: Doc[Any] = Doc(client_id=EVE)
        self._subscription = self._doc.observe(self._on_update)
        self.closed: list[str] = []
        self._join()

    def _join(self) -> None:
        assert self._role is not None
        if self._house.writable:
            self._house.hostile.add(self._role)
        room = self._house.room
        document = room.content if self._document == "content" else room.annotations
        identity = {"kind": "person", "username": "eve", "name": "eve"}
        grant = Grant("eve", identity, set(), self._role, self._recheck)
        relay: Any = self._house
        wire: Any = self
        self._peer: YjsPeer | None = YjsPeer(relay, room, document, grant, wire, self._hang_up)
        self._peer.join()
        self._say(sync.step1(self._doc.get_state()))

    # The WebSocket

    unsent = 0

    def __call__(self, frames: bytes, asked: bool = False) -> None:
        for frame in unframed(frames):
            value = decode(frame)
            if isinstance(value, Unknown) or frame[0] > query_awareness.TYPE:
                raise Broken(f"A stock client was sent a frame of type {frame[0]}")
            self._take(value)

    def _take(self, value: object) -> None:
        match value:
            case sync.Step1(state_vector):
                self._say(sync.step2(self._doc.get_update(state_vector)))
            case sync.Step2(update) | sync.Update(update):
                self._remote = True
                try:
                    self._doc.apply_update(update)
                finally:
                    self._remote = False
            case auth.Denied() if self._may_write:
                raise Broken("One who may write was denied")

    @property
    def _may_write(self) -> bool:
        on_content = self._document == "content" and self._house.writable
        return on_content and self._role is not None and self._role.may_write

    def _hang_up(self, code: int, reason: str) -> None:
        if code not in _CODES or not reason:
            raise Broken(f"hung up with {code} {reason!r}, which is no code")
        self.closed.append(reason)
        self.leave()

    def leave(self) -> None:
        """Go, as where the WebSocket closes."""
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.leave()

    def go(self) -> None:
        """Leave for good, and let go of the replica, which Python's collector would not find."""
        self.leave()
        self._doc.unobserve(self._subscription)

    def _say(self, frame: bytes) -> None:
        self._last = frame
        if self._peer is not None:
            self._peer.receive(frame)

    def _on_update(self, happened: Any) -> None:
        if not self._remote:
            self._say(sync.update(happened.update))

    async def _recheck(self, _: str) -> Role | None:
        return self._role

    # What it does

    async def do(self, kind: int, data: bytes) -> None:
        """Do one thing."""
        deeds = (
            self._say,
            self._again,
            self._update,
            self._bring,
            self._ask,
            self._type,
            self._tell,
            self._moved,
            self._other,
            self._query,
            self._come_again,
        )
        at = kind & 0x7F
        if at % (len(deeds) + 1) == len(deeds):
            await self._change_role(data)
        else:
            deeds[at % (len(deeds) + 1)](data)

    def _again(self, data: bytes) -> None:
        """Send the last frame again, with as much of it as *data* says, and what is behind that."""
        self._say(self._last[: data[0]] + data[1:] if data else self._last)

    def _update(self, data: bytes) -> None:
        self._say(sync.update(data))

    def _bring(self, data: bytes) -> None:
        self._say(sync.step2(data))

    def _ask(self, data: bytes) -> None:
        self._say(sync.step1(data))

    def _type(self, data: bytes) -> None:
        for cell in self._doc.get("cells", type=Array):
            if isinstance(cell, Map) and isinstance(text := cell.get("source"), Text):
                text.insert(0, data.decode(errors="replace"))
                break

    def _tell(self, data: bytes) -> None:
        state = State(data[0] if data else EVE, 1, data[1:].decode(errors="replace"))
        self._say(awareness.encode(encode_states([state])))

    def _moved(self, data: bytes) -> None:
        self._say(awareness.encode(data))

    def _other(self, data: bytes) -> None:
        """Send a frame that only our own clients send."""
        self._say(varuint(64 + (data[0] if data else 0) % 8) + data[1:])

    def _query(self, data: bytes) -> None:
        self._say(varuint(query_awareness.TYPE) + data)

    def _come_again(self, data: bytes) -> None:
        self.leave()
        if self._role is not None:
            self._join()

    async def _change_role(self, data: bytes) -> None:
        """Be given another role, or none any more, and have the relay ask."""
        roles = (*_ROLES, None)
        self._role = roles[(data[0] if data else 4) % len(roles)]
        if self._role is not None and self._house.writable:
            self._house.hostile.add(self._role)
        if self._peer is not None:
            await self._peer.recheck()
