"""What is kept of comments between two changes is what reading all of them anew would give, whatever happens."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc
from support.tries import tries

from rtc_widgets.documents.anchors import make_anchor
from rtc_widgets.documents.mirror import MirrorWriter, to_mirror
from rtc_widgets.documents.seed import seed
from rtc_widgets.documents.threads import Author, ThreadValue, read_threads
from rtc_widgets.documents.ycells import new_ycell
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.roles import Role
from rtc_widgets.rooms.annotate import Actor, Annotator
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.healing import Healer
from rtc_widgets.stores.memory import MemoryStore

ADA = Actor(Author("ada", "person", "Ada"), Role.EDITOR)
SOURCES = ("alpha = beta\ngamma(delta)", "é 🦉 alpha\nomega", "for x in alpha:\n    beta(x)", "")
WORDS = ("alpha", "beta(", "# a line\n", "🦉", "omega = 1\n", "")


class Counted(Healer):
    """Tells how many anchors it was to look for last."""

    due = 0

    def _due(self) -> deque[str]:
        found = super()._due()
        self.due = len(found)
        return found


class Anew(Counted):
    """Looks for everything each time."""

    def _due(self) -> deque[str]:
        self._found.clear()
        return super()._due()


def new_cell(name: str, source: str) -> dict[str, Any]:
    return {
        "id": name,
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }


class Room:
    """A notebook whose comments two healers look after, each those of an annotations document of its own."""

    def __init__(self, sources: tuple[str, ...] = SOURCES) -> None:
        cells = [new_cell(f"c{number}", source) for number, source in enumerate(sources)]
        seeded = seed("notebook", {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        self.doc: Doc[Any] = Doc()
        self.doc.apply_update(seeded.update)
        self.content = RoomDocument("r.content", "content", self.doc, seeded.lineage, MemoryStore())
        self.now = 0.0
        self.notes: list[Doc[Any]] = [Doc(), Doc()]
        self.annotators = [Annotator(doc, lambda _: True, clock=lambda: 7.0) for doc in self.notes]
        self.healers = [
            kind(self.content, annotator, pause=0, clock=self._clock)
            for kind, annotator in zip((Counted, Anew), self.annotators, strict=True)
        ]
        self.writer = MirrorWriter()
        self.number = 0

    def _clock(self) -> float:
        return self.now

    @property
    def cells(self) -> Any:
        return self.doc.get("cells", type=Array)

    def ask(self, method: str, **params: Any) -> None:
        """Ask the same of both."""
        for annotator in self.annotators:
            try:
                annotator.carry_out(ADA, f"comments.{method}", params)
            except ChannelClosed:
                assert annotator.threads.all[params["thread"]].deleted, (
                    "but for what is deleted nothing is refused"
                )

    def comment(self, where: int, start: int, size: int, kind: str) -> None:
        name = str(self.cells[where]["id"])
        # Of two that have one id, it is about the first.
        source = next(str(cell["source"]) for cell in self.cells if str(cell["id"]) == name)
        start = min(start, len(source))
        target = {"cell": name, "kind": kind}
        if kind == "range":
            target |= {"start": start, "end": min(start + size, len(source))}
        elif kind == "line":
            target |= {"line": source.count("\n", 0, start)}
        self.number += 1
        anchor = make_anchor(self.doc, target)
        self.ask("add", thread=f"t{self.number}", comment=f"t{self.number}-0", body="Hm?", anchor=anchor)

    async def healed(self) -> None:
        """Let both healers come to an end."""
        self.content.flush()
        async with asyncio.timeout(20):
            while any(healer._timer is not None for healer in self.healers):
                await asyncio.sleep(0)

    def check(self) -> None:
        mine, theirs = (read_threads(doc) for doc in self.notes)
        assert mine == theirs
        threads = self.annotators[0].threads.all
        assert threads == mine and list(threads) == list(mine)
        assert self.writer.page(threads) == to_mirror(mine.values())

    def close(self) -> None:
        for healer in self.healers:
            healer.close()


def edit_text(room: Room, what: str, a: int, b: int, word: str) -> None:
    """Do one thing that people do in a cell."""
    cell = room.cells[a % len(room.cells)]
    text, source = cell["source"], str(cell["source"])
    start = b % (len(source) + 1)
    place = len(source[:start].encode())
    if what == "type":
        text.insert(place, word)
    elif what == "delete":
        del text[place : len(source[: start + 1 + a % 7].encode())]
    elif what == "write anew":
        text.clear()
        text.insert(0, word + source)
    elif what == "paste":
        text.insert(place, str(room.cells[b % len(room.cells)]["source"]))
    elif what == "run":
        cell["outputs"].append({"output_type": "stream", "name": "stdout", "text": word})
        cell["execution_count"] = a


def edit_cells(room: Room, what: str, a: int, b: int, word: str) -> None:
    """Do one thing that people do with cells."""
    cells = room.cells
    at, other = a % len(cells), b % len(cells)
    copied = cells[at].to_py()
    if what in {"another text", "move"} or (what == "remove" and len(cells) > 1):
        del cells[at]
    if what == "another text":
        cells.insert(at, new_ycell(copied | {"source": word + copied["source"]}))
    elif what in {"move", "twin"}:
        cells.insert(other, new_ycell(copied))
    elif what == "insert":
        cells.insert(other, new_ycell(new_cell(f"n{a % 5}", word + "alpha = beta\n")))
    elif what == "rename":
        cells[at]["id"] = f"r{b % 3}"


def say(room: Room, what: str, a: int, b: int) -> None:
    """Say something about it."""
    thread = f"t{1 + a % room.number}" if room.number else ""
    if what in {"range", "line", "cell"}:
        room.comment(a % len(room.cells), b, 1 + b % 9, what)
    elif not thread or room.annotators[0].threads.all[thread].deleted is not None:
        return
    elif what == "reply":
        room.ask("add", thread=thread, comment=f"{thread}-{b}", body="And?")
    elif what == "resolve":
        room.ask("resolve", thread=thread, op=f"o{b}")
    elif what == "forget":
        room.ask("delete", thread=thread)
    elif what == "attach":
        anchor = make_anchor(room.doc, {"kind": "cell", "cell": str(room.cells[b % len(room.cells)]["id"])})
        room.ask("attach", thread=thread, anchor=anchor, op=f"a{b}")


IN_CELLS = ["type", "delete", "write anew", "paste", "run"]
OF_CELLS = ["another text", "move", "twin", "insert", "rename", "remove"]
SAID = ["range", "range", "line", "cell", "reply", "resolve", "forget", "attach"]
NUMBERS = st.integers(0, 60)


def steps(kind: str, what: list[str], words: tuple[str, ...] = ("",)) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(kind), st.sampled_from(what), NUMBERS, NUMBERS, st.sampled_from(words))


STEPS = st.one_of(
    steps("text", IN_CELLS, WORDS),
    steps("cells", OF_CELLS, WORDS),
    steps("say", SAID),
    steps("wait", ["1", "7", "61"]),
)


@tries(60)
@given(st.lists(STEPS, min_size=5, max_size=30), st.integers(1, 3))
def test_whatever_happens_it_is_what_looking_for_everything_gives(done: list[Any], often: int) -> None:
    async def run() -> None:
        room = Room()
        for number in range(4):
            room.comment(number, number * 3, 6, "range")
        for number, (kind, what, a, b, word) in enumerate(done):
            if kind in {"text", "cells"}:
                with room.doc.transaction():
                    (edit_text if kind == "text" else edit_cells)(room, what, a, b, word)
            elif kind == "say":
                say(room, what, a, b)
            else:
                room.now += float(what)
            if number % often == 0:  # several things happen between two rounds
                await room.healed()
                room.check()
        await room.healed()
        room.check()
        room.close()

    asyncio.run(run())


async def test_only_what_is_in_a_cell_that_changed_is_looked_for_again() -> None:
    room = Room(tuple(f"value_{number} = compute({number})" + 60 * "." for number in range(20)))
    for number in range(200):
        room.comment(number % 20, 0, 5, "range")

    async def looked_for(edit: Callable[[], object]) -> int:
        """Return how many anchors are looked for after an edit."""
        edit()
        await room.healed()
        return room.healers[0].due

    assert await looked_for(lambda: room.cells[0]["source"].insert(0, "# ")) == 200, "for the first time"
    assert await looked_for(lambda: room.cells[3]["source"].insert(70, "!")) == 20, "and what was healed then"
    assert await looked_for(lambda: room.cells[3]["source"].insert(70, "!")) == 10
    assert await looked_for(lambda: room.cells[3]["outputs"].append({"output_type": "stream"})) == 10
    assert await looked_for(lambda: room.cells.insert(0, new_ycell(new_cell("new", "x")))) == 0
    assert await looked_for(lambda: room.cells[4]["source"].insert(70, "!")) == 10, "it stands elsewhere"
    room.close()


async def test_a_text_that_is_gone_from_its_cell_is_looked_for_after_twice_as_long_each_time() -> None:
    room = Room(("alpha beta", "other"))
    room.comment(0, 0, 10, "range")
    room.cells[0]["source"].clear()
    looked: list[float] = []
    while room.now < 200:
        room.now += 1
        room.cells[1]["source"].insert(0, "!")
        await room.healed()
        looked += [room.now] * room.healers[0].due
    assert looked == [1, 6, 16, 36, 76, 136, 196], "5, 10, 20 and 40 seconds, and from then on 60"
    room.cells[0]["source"].insert(0, "alpha beta")
    for _ in range(60):
        room.now += 1
        room.cells[1]["source"].insert(0, "!")
        await room.healed()
    assert read_threads(room.notes[0])["t1"].anchor["quote"] == {
        "exact": "alpha beta",
        "prefix": "",
        "suffix": "",
    }
    assert not room.healers[0]._missed, "it is found when it is back"
    room.close()


async def test_a_thread_that_has_not_changed_is_the_same_object() -> None:
    room = Room()
    for number in range(8):
        room.comment(number % 3, 0, 5, "range")
    threads = room.annotators[0].threads
    before: dict[str, ThreadValue] = dict(threads.all)
    room.ask("add", thread="t3", comment="more", body="More.")
    assert [id_ for id_, thread in threads.all.items() if before[id_] is not thread] == ["t3"]
    for number in range(1, 9):
        room.ask("resolve", thread=f"t{number}", op="o")
    assert all(before[id_] is not thread for id_, thread in threads.all.items())
    room.close()
