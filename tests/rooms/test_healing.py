"""Where comments are is written down a few at a time, and what is lost is looked for rarely, by the test's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from pycrdt import Doc, Text
from support.conversation import make_document

from rtc_widgets.documents.anchors import make_anchor
from rtc_widgets.documents.threads import Author, read_threads
from rtc_widgets.roles import Role
from rtc_widgets.rooms.annotate import Actor, Annotator
from rtc_widgets.rooms.healing import Healer
from rtc_widgets.stores.entry import Signature

ADA = Actor(Author("ada", "person", "Ada"), Role.EDITOR)


class Desk:
    """A text with comments, and a healer whose clock moves as the test says."""

    def __init__(self, text: str, tick: float = 0.0) -> None:
        self.now, self._tick = 0.0, tick
        self.content, _, _ = make_document(text)
        doc: Doc[Any] = Doc()
        self.notes = doc
        annotator = Annotator(doc, lambda _: True)
        self._annotator = annotator
        self.healer = Healer(self.content, annotator, pause=0, clock=self._clock)

    def _clock(self) -> float:
        self.now += self._tick
        return self.now

    @property
    def text(self) -> Text:
        text: Text = self.content.doc.get("source", type=Text)
        return text

    def comment(self, thread: str, words: str) -> None:
        start = str(self.text).index(words)
        anchor = make_anchor(self.content.doc, {"kind": "range", "start": start, "end": start + len(words)})
        asked = {"thread": thread, "comment": f"{thread}-1", "body": "Hm?", "anchor": anchor}
        self._annotator.carry_out(ADA, "comments.add", asked)

    def attach(self, thread: str, words: str) -> None:
        start = str(self.text).index(words)
        anchor = make_anchor(self.content.doc, {"kind": "range", "start": start, "end": start + len(words)})
        self._annotator.carry_out(
            ADA, "comments.attach", {"thread": thread, "anchor": anchor, "op": words[:5]}
        )

    def write_anew(self, text: str) -> None:
        """Leave nothing of the old text for a position to hold on to."""
        update = Doc[Any]()
        update.apply_update(self.content.doc.get_update())
        before = update.get_state()
        source = update.get("source", type=Text)
        with update.transaction():
            source.clear()
            source.insert(0, text)
        self.content.write(update.get_update(before), Signature("ada", "person"))

    def anchor(self, thread: str) -> Mapping[str, Any]:
        return read_threads(self.notes)[thread].anchor


async def until(condition: Callable[[], Any], what: str) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), what


async def test_what_is_lost_is_looked_for_once_a_minute_and_all_else_at_each_change() -> None:
    desk = Desk("alpha beta, gamma delta")
    desk.comment("kept", "gamma delta")
    desk.comment("lost", "alpha beta")
    first = desk.anchor("lost")

    async def passed(text: str) -> None:
        """Write the text anew, and wait until the healer has been there."""
        before = desk.anchor("kept")
        desk.write_anew(text)
        await until(lambda: desk.anchor("kept") != before, "what is there is found each time")
        await asyncio.sleep(0)

    await passed("nothing, gamma delta")
    desk.now = 59.0
    await passed("alpha beta is back, gamma delta")
    assert desk.anchor("lost") == first, "not looked for again yet"
    desk.now = 60.0
    await passed("alpha beta is still here, gamma delta")
    assert desk.anchor("lost")["quote"]["suffix"].startswith(" is still here")
    # Found, it is one like all others.
    await passed("and alpha beta, gamma delta")
    assert desk.anchor("lost")["quote"]["prefix"] == "and "
    desk.healer.close()


async def test_the_server_has_its_turn_after_each_few() -> None:
    words = [f"number {number:02}" for number in range(12)]
    desk = Desk("; ".join(words), tick=0.008)  # a stretch is 20 ms: as long as two anchors take
    for number, one in enumerate(words):
        desk.comment(f"t{number}", one)
    anchors = {f"t{number}": desk.anchor(f"t{number}") for number in range(12)}
    written: list[int] = []

    async def others() -> None:
        """Be all else that the server does: see at each turn of the loop what was written since the last."""
        while sum(written) < 12:
            await asyncio.sleep(0)
            new = {id_: thread.anchor for id_, thread in read_threads(desk.notes).items()}
            written.append(sum(new[id_] != anchors[id_] for id_ in anchors))
            anchors.update(new)

    desk.write_anew("# first\n" + "; ".join(words))
    async with asyncio.timeout(20):
        await others()
    assert [count for count in written if count] == [2] * 6
    assert len(written) > 12, "with turns in between"
    desk.healer.close()


async def test_who_leaves_waits_for_one_stretch_and_no_further() -> None:
    words = [f"number {number:02}" for number in range(12)]
    desk = Desk("; ".join(words), tick=0.008)
    for number, one in enumerate(words):
        desk.comment(f"t{number}", one)
    before = {f"t{number}": desk.anchor(f"t{number}") for number in range(12)}
    desk.write_anew("# first\n" + "; ".join(words))
    desk.content.flush()
    desk.healer.close()
    healed = [id_ for id_, anchor in before.items() if desk.anchor(id_) != anchor]
    assert len(healed) == 2


async def test_what_somebody_attaches_anew_is_looked_after_at_once() -> None:
    desk = Desk("alpha beta, gamma delta")
    desk.comment("moved", "alpha beta")
    desk.write_anew("nothing, gamma delta")
    await until(lambda: desk.healer._missed, "it is not found")
    desk.attach("moved", "gamma delta")
    first = desk.anchor("moved")
    desk.write_anew("and gamma delta")
    await until(lambda: desk.anchor("moved") != first, "it is, in the same minute")
    desk.healer.close()


async def test_what_was_attached_while_others_were_looked_for_stays_where_it_was_put() -> None:
    words = [f"number {number:02}" for number in range(12)]
    desk = Desk("; ".join(words), tick=0.008)
    for number, one in enumerate(words):
        desk.comment(f"t{number}", one)
    desk.write_anew("# first\n" + "; ".join(words))
    await until(lambda: desk.healer._left, "a few have been looked for")
    assert "t11" in desk.healer._left
    desk.attach("t11", "first")
    await until(lambda: not desk.healer._left, "all have")
    assert desk.anchor("t11")["quote"]["exact"] == "first"
    desk.healer.close()
