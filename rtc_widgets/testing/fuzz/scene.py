"""What every attack has around it: two others in the room, the loop that it runs on, and what holds afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from pycrdt import Array, Doc

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.state_hash import state_hash
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.protocol.yjs_update import read_update
from rtc_widgets.roles import Role
from rtc_widgets.stores.entry import Entry
from rtc_widgets.testing.fuzz.house import ANNOTATIONS, CONTENT, Broken, House, Person

__all__ = ["ADA", "BEN", "EVE", "LIMITS", "judge", "leap", "run", "two"]

LIMITS = Limits(frame=4096, message=2**16, awareness=1000, rate=1000)
"""Those of the relay, small enough to be reached."""

ADA, BEN, EVE = 11, 12, 13
_WHOLE = 10.0  # seconds in which each timer of the relay's has rung


class _Loop(asyncio.SelectorEventLoop):
    """Have a clock that can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


_loop: _Loop | None = None


class _Errors(logging.Handler):
    """Keep what is logged as an error: somebody's bad message is none of the server's."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


def run(work: Coroutine[Any, Any, list[str]]) -> list[str]:
    """Do *work* on the loop that all have.

    Raises:
        Broken: something was logged as an error, nobody took an exception, or a task is left.
    """
    global _loop  # noqa: PLW0603 - one for all, since thousands a second are not made
    if _loop is None or _loop.is_closed():
        _loop = _Loop()
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
        _loop = None  # the next begins without what is left in this one
        raise Broken(f"logged: {errors.said}; unhandled: {problems}; left behind: {left}")
    return result


def leap(seconds: float = _WHOLE) -> None:
    """Put the clock of the loop forward, so that timers ring."""
    assert _loop is not None
    _loop.ahead += seconds


async def two(house: House) -> tuple[Person, Person]:
    """Have two others come in, one of whom writes something, if the file may be written."""
    ada, ben = Person(house, "ada", Role.EDITOR, ADA), Person(house, "ben", Role.RUNNER, BEN)
    for person in (ada, ben):
        person.open()
    await house.turn()
    if house.writable:
        ada.source.insert(0, "# ")
        await house.turn()
    return ada, ben


async def judge(house: House, ada: Person, ben: Person) -> list[str]:
    """Return how everybody was closed who was.

    Raises:
        Broken: somebody else noticed, or something is there that must not be.
    """
    content = house.room.content
    for person in (ada, ben):
        if person.closed or person.hung_up or not person.is_in:
            raise Broken(f"{person.user} was closed: {person.closed} {person.hung_up}")
    await _check_log(house)
    if house.writable:
        await _go_on(house, ada, ben)
    replayed = await house.replayed()
    if _hash(replayed) != content.state_hash():
        raise Broken("the log has another state than the room")
    return [code for person in house.people for _, code in person.closed]


async def _go_on(house: House, ada: Person, ben: Person) -> None:
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


def _is_hers(entry: Entry) -> bool:
    return entry.author == "eve" or entry.by == "kernel"


async def _check_log(house: House) -> None:
    for name in (CONTENT, ANNOTATIONS):
        for entry in await house.log(name):
            may = any(one.may_write if name == CONTENT else one.may_annotate for one in house.hostile)
            if _is_hers(entry) and not may:
                raise Broken(f"{house.hostile} changed {name}")


async def _taken_over(house: House) -> bool:
    for entry in await house.log(CONTENT):
        if _is_hers(entry):
            try:
                if any(one.client in {ADA, BEN} for one in read_update(entry.update, ours=True)):
                    return True
            except FrameError as error:
                raise Broken(f"what was logged of her is no update: {error}") from error
    return False


def _hash(doc: Doc[Any]) -> str:
    vector = doc.get_state()
    return state_hash(vector, doc.get_update(vector))
