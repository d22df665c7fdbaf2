"""Somebody hostile in a room with others: afterwards these go on, and nothing is there that must not be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from pycrdt import Array, Doc

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol import awareness, envelope, request, sync
from rtc_widgets.protocol.awareness import State, encode_states
from rtc_widgets.protocol.codec import varbytes, varuint
from rtc_widgets.protocol.state_hash import state_hash
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.protocol.yjs_update import read_update
from rtc_widgets.roles import Role
from rtc_widgets.rooms.annotate import METHODS
from rtc_widgets.testing.fuzz.house import ANNOTATIONS, CONTENT, Broken, House, Person

__all__ = ["attack", "bring"]

_LIMITS = Limits(frame=4096, message=2**16, awareness=1000, rate=1000)
_ROLES = (Role.EDITOR, Role.VIEWER, Role.COMMENTER, Role.RUNNER)
_METHODS = (*METHODS, "save", "state", "take-back", "people.find", "private.get", "discard", "nothing")
ADA, BEN, EVE = 11, 12, 13
_loop: asyncio.AbstractEventLoop | None = None


class _Errors(logging.Handler):
    """Keep what is logged as an error: somebody's bad message is none of the server's."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


def attack(pieces: Sequence[bytes]) -> list[str]:
    """Let Eve do what *pieces* say, each a byte for what it is and what it is done with; return how she was answered.

    Raises:
        Broken: somebody else noticed, or something is there that must not be.
    """
    return _run(_attack(pieces))


def bring(updates: Sequence[bytes]) -> list[str]:
    """Let Eve, an editor, bring one update after the other; each may be refused."""
    return _run(_bring(updates))


def _run(work: Coroutine[Any, Any, list[str]]) -> list[str]:
    global _loop  # noqa: PLW0603 - one for all, since thousands a second are not made
    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
    errors = _Errors()
    problems: list[str] = []
    _loop.set_exception_handler(lambda _, context: problems.append(str(context)))
    log = logging.getLogger("rtc_widgets")
    before = log.level, log.propagate
    log.setLevel(logging.ERROR)
    log.propagate = False
    log.addHandler(errors)
    try:
        result = _loop.run_until_complete(work)
        left = asyncio.all_tasks(_loop)
    finally:
        log.removeHandler(errors)
        log.level, log.propagate = before
    if errors.said or problems or left:
        raise Broken(f"logged: {errors.said}; unhandled: {problems}; left behind: {left}")
    return result


async def _bring(updates: Sequence[bytes]) -> list[str]:
    async with House(_LIMITS) as house:
        ada, ben = await _two(house)
        for update in updates:
            eve = Person(house, "eve", Role.EDITOR, EVE)
            eve.open()
            eve.say(sync.update(update))
            await house.turn()
        return await _judge(house, ada, ben)


async def _attack(pieces: Sequence[bytes]) -> list[str]:
    async with House(_LIMITS) as house:
        ada, ben = await _two(house)
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
        return await _judge(house, ada, ben)


async def _two(house: House) -> tuple[Person, Person]:
    ada, ben = Person(house, "ada", Role.EDITOR, ADA), Person(house, "ben", Role.RUNNER, BEN)
    for person in (ada, ben):
        person.open()
    await house.turn()
    ada.source.insert(0, "# ")
    await house.turn()
    return ada, ben


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


async def _judge(house: House, ada: Person, ben: Person) -> list[str]:
    content = house.room.content
    for person in (ada, ben):
        if person.closed or person.hung_up or not person.is_in:
            raise Broken(f"{person.user} was closed: {person.closed} {person.hung_up}")
    await _check_log(house)
    if await _taken_over(house):
        # Eve wrote as Ada or Ben: what they write next is taken for known. Whoever comes anew goes on.
        ada, ben = Person(house, "ada", Role.EDITOR, 21), Person(house, "ben", Role.EDITOR, 22)
        for person in (ada, ben):
            person.open()
        await house.turn()
    for person in (ada, ben):
        cells = person.doc.get("cells", type=Array)
        cells.insert(0, f"by {person.user}")
    await house.turn()
    for person in (ada, ben):
        here = str(person.doc.get("cells", type=Array))
        if "by ada" not in here or "by ben" not in here:
            raise Broken(f"{person.user} does not see what was written: {here}")
    replayed = await house.replayed()
    if _hash(replayed) != content.state_hash():
        raise Broken("the log has another state than the room")
    return [code for person in house.people for _, code in person.closed]


async def _check_log(house: House) -> None:
    for name in (CONTENT, ANNOTATIONS):
        for entry in await house.log(name):
            by_eve = entry.author == "eve"
            role = next((one.role for one in house.people if one.user == "eve"), Role.VIEWER)
            if by_eve and not (role.may_write if name == CONTENT else role.may_annotate):
                raise Broken(f"a {role} changed {name}")


async def _taken_over(house: House) -> bool:
    for entry in await house.log(CONTENT):
        if entry.author == "eve":
            try:
                if any(one.client in {ADA, BEN} for one in read_update(entry.update, ours=True)):
                    return True
            except FrameError as error:
                raise Broken(f"what was logged of her is no update: {error}") from error
    return False


def _hash(doc: Doc[Any]) -> str:
    vector = doc.get_state()
    return state_hash(vector, doc.get_update(vector))
