"""Somebody hostile in a room with others: afterwards these go on, and nothing is there that must not be."""

from __future__ import annotations

from collections.abc import Sequence

from rtc_widgets.protocol import awareness, envelope, request, sync
from rtc_widgets.protocol.awareness import State, encode_states
from rtc_widgets.protocol.codec import varbytes, varuint
from rtc_widgets.roles import Role
from rtc_widgets.rooms.annotate import METHODS
from rtc_widgets.testing.fuzz.house import ANNOTATIONS, CONTENT, House, Person
from rtc_widgets.testing.fuzz.scene import EVE, LIMITS, judge, run, two

__all__ = ["attack", "bring"]

_ROLES = (Role.EDITOR, Role.VIEWER, Role.COMMENTER, Role.RUNNER)
_METHODS = (*METHODS, "save", "state", "take-back", "people.find", "private.get", "discard", "nothing")


def attack(pieces: Sequence[bytes]) -> list[str]:
    """Let Eve do what *pieces* say, each a byte for what it is and what it is done with; return how she was answered.

    Raises:
        Broken: somebody else noticed, or something is there that must not be.
    """
    return run(_attack(pieces))


def bring(updates: Sequence[bytes]) -> list[str]:
    """Let Eve, an editor, bring one update after the other; each may be refused."""
    return run(_bring(updates))


async def _bring(updates: Sequence[bytes]) -> list[str]:
    async with House(LIMITS) as house:
        ada, ben = await two(house)
        for update in updates:
            eve = Person(house, "eve", Role.EDITOR, EVE)
            eve.open()
            eve.say(sync.update(update))
            await house.turn()
        return await judge(house, ada, ben)


async def _attack(pieces: Sequence[bytes]) -> list[str]:
    async with House(LIMITS) as house:
        ada, ben = await two(house)
        role = _ROLES[pieces[0][0] % len(_ROLES)] if pieces and pieces[0] else Role.EDITOR
        eve = _Eve(house, "eve", role, EVE)
        eve.open()
        eve.open(ANNOTATIONS)
        await house.turn()
        for piece in pieces[1:]:
            if piece:
                eve.do(piece[0], piece[1:])
                if not piece[0] & 0x80:
                    await house.turn()
            if piece[:1] == b"\x0e":
                ada.source.insert(0, "a")
        await house.turn()
        return await judge(house, ada, ben)


class _Eve(Person):
    """Be somebody hostile, who can also do what others do."""

    last = b""

    def do(self, kind: int, data: bytes) -> None:
        """Do one thing."""
        deeds = (
            self._frame,
            self._message,
            self._again,
            self._update,
            self._type,
            self._ask,
            self._comment,
            self._tell,
            self._part,
            self._open_with,
            self._frame_there,
            self._bring,
            self._twice,
            self._leave,
        )
        deeds[kind % len(deeds)](data)

    def say(self, *frames: bytes, name: str = CONTENT) -> None:
        self.last = frames[-1]
        super().say(*frames, name=name)

    def _frame(self, data: bytes) -> None:
        self.say(data)

    def _frame_there(self, data: bytes) -> None:
        self.say(data, name=ANNOTATIONS)

    def _message(self, data: bytes) -> None:
        self.connection.receive(data)

    def _again(self, data: bytes) -> None:
        """Send the last frame again, with as much of it as *data* says, and what is behind that."""
        self.say(self.last[: data[0]] + data[1:] if data else self.last)

    def _twice(self, data: bytes) -> None:
        self.say(data, data)

    def _update(self, data: bytes) -> None:
        self.say(sync.update(data))

    def _bring(self, data: bytes) -> None:
        self.say(sync.step2(data))

    def _type(self, data: bytes) -> None:
        if self.role.may_write and self.is_in:
            text = self.source
            if text.is_integrated:
                text.insert(0, data.decode(errors="replace"))

    def _ask(self, data: bytes) -> None:
        method = _METHODS[data[0] % len(_METHODS)] if data else ""
        self.say(varuint(request.REQUEST) + varuint(1) + varbytes(method.encode()) + varbytes(data[1:]))

    def _comment(self, data: bytes) -> None:
        words = data.decode(errors="replace")
        asked = {"thread": "t", "comment": words[:9], "body": words, "anchor": {"kind": "cell", "cell": "x"}}
        self.say(request.encode_request(2, "comments.add", asked), name=ANNOTATIONS)

    def _tell(self, data: bytes) -> None:
        state = State(data[0] if data else EVE, 1, data[1:].decode(errors="replace"))
        self.say(awareness.encode(encode_states([state])))

    def _part(self, data: bytes) -> None:
        self.say(varuint(68) + data)

    def _open_with(self, data: bytes) -> None:
        self.connection.receive(envelope.pack(envelope.Message("comm_open", {"comm_id": CONTENT}, [data])))

    def _leave(self, data: bytes) -> None:
        self.leave()
        self.open(compares=bool(data))
