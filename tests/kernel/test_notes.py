"""The annotations in a kernel, from a hub that loses messages, refuses, and starts them anew."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pycrdt import Doc
from support.kernels import Hub, Notebook, until

from rtc_widgets.documents.threads import Author
from rtc_widgets.protocol import peer, request, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.roles import Role
from rtc_widgets.rooms.annotate import Actor, Annotator

LOAD = "%load_ext rtc_widgets\nimport rtc_widgets, time\nnb = rtc_widgets.notebook(timeout=20)\n"
WAIT = """
def wait_for(condition, seconds=20):
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, 'it did not become true'
        time.sleep(.005)
"""
ADA = Actor(Author("ada", "person", "Ada"), Role.EDITOR)
KERNEL = Actor(Author("ada", "kernel", "Kernel, run by Ada"), Role.EDITOR)


class Desk:
    """What the relay is for the annotations of the hub's notebook."""

    def __init__(self, hub: Hub, notebook: Notebook) -> None:
        self.hub, self.path = hub, notebook.path
        self.comm_id = f"{notebook.path}.annotations"
        self.content = notebook.comm_id
        self.openings: list[Any] = []
        self.asked: list[request.Request] = []
        self.refusal: tuple[CloseCode, str] | None = None
        self.lineage = "room"
        self.renew()
        self._on_frames, self._state_vector = hub.on_frames, hub.state_vector
        hub.on_frames, hub.state_vector = self.on_frames, self.state_vector
        hub.link._opens = self.on_open

    def renew(self) -> None:
        self.doc: Doc[Any] = Doc()
        self.annotator = Annotator(self.doc, lambda _: True)
        self._subscription = self.doc.observe(self._changed)

    def _changed(self, event: Any) -> None:
        self.hub.link.send(self.comm_id, [sync.update(event.update)])

    def say(self, thread: str, comment: str) -> None:
        params = {"thread": thread, "comment": comment, "body": comment, "anchor": {"kind": "document"}}
        self.annotator.carry_out(ADA, "comments.add", params)

    def on_open(self, link: Any, opening: Any) -> None:
        # It is asked again, by the same number, where the answer takes more than a tenth of a second.
        if opening.number not in {one.number for one in self.openings}:
            self.openings.append(opening)
        if self.refusal is not None:
            link.refuse(*self.refusal, opening=opening.number)
            return
        if opening.lineage not in {None, self.lineage}:
            link.refuse(CloseCode.LINEAGE_MISMATCH, opening=opening.number)
            return
        welcome = Welcome(1, "0", Role.EDITOR, self.lineage, "annotations", self.path, "room")
        frames = [sync.step2(self.doc.get_update())]
        link.welcome(self.comm_id, welcome, frames, primary=False, opening=opening.number)

    def on_frames(self, link: Any, comm_id: str, seq: int, frames: list[bytes]) -> None:
        for frame in frames:
            value = peer.decode(frame)
            if comm_id == self.comm_id:
                assert isinstance(value, sync.Step1), "a kernel writes nothing here"
                link.send(comm_id, [sync.step2(self.doc.get_update(value.state_vector))])
            elif isinstance(value, request.Request):
                self.asked.append(value)
                answer = self.annotator.carry_out(KERNEL, value.method, value.params)
                link.send(comm_id, [request.encode_response(value.id, True, answer)])
            else:
                self._on_frames(link, comm_id, seq, [frame])

    def state_vector(self, comm_id: str) -> bytes | None:
        return None if comm_id == self.comm_id else self._state_vector(comm_id)


@pytest.fixture
def desk(hub: Hub, notebook: Notebook) -> Desk:
    return Desk(hub, notebook)


async def test_they_are_asked_for_once_and_when_they_are_used(kernel: Any, hub: Hub, desk: Desk) -> None:
    desk.say("t", "first")
    await kernel.run(LOAD + WAIT)
    assert desk.openings == []
    assert (
        await kernel.run("print(len(nb.comments), len(nb.comments.open), nb.comments[1].body)")
        == "1 1 first\n"
    )
    desk.say("t", "second")
    await kernel.run("wait_for(lambda: len(nb.comments[1].comments) == 2)")
    (opening,) = desk.openings
    assert (opening.document, opening.path, opening.lineage) == ("annotations", desk.path, None)


async def test_what_was_lost_on_the_way_is_asked_for(kernel: Any, hub: Hub, desk: Desk) -> None:
    await kernel.run(LOAD + WAIT + "len(nb.comments)")
    hub.link.lose_down = lambda data: data["kind"] == "frame" and data["comm_id"] == desk.comm_id
    desk.say("t", "lost")
    await until(lambda: hub.link._flows[desk.comm_id].sender.seq > 1)
    hub.link.lose_down = lambda data: False
    await kernel.run("wait_for(lambda: len(nb.comments) == 1)")  # the tail, by its head
    hub.link.lose_down = lambda data: data["kind"] == "frame" and data["comm_id"] == desk.comm_id
    before = hub.link._flows[desk.comm_id].sender.seq
    desk.say("u", "lost-too")
    await until(lambda: hub.link._flows[desk.comm_id].sender.seq > before)
    hub.link.lose_down = lambda data: False
    desk.say("v", "not-lost")
    await kernel.run("wait_for(lambda: len(nb.comments) == 3)")


@pytest.mark.parametrize("lost", ["question", "answer"])
async def test_a_comment_whose_question_or_answer_is_lost_is_there_once(
    kernel: Any, hub: Hub, desk: Desk, lost: str
) -> None:
    await kernel.run(LOAD + WAIT + "len(nb.comments)")
    # The kernel tells a moment later that the cell has ended: that is not to be what gets lost.
    await until(lambda: [entry["kind"] for entry in kernel.uplink()][-2:] == ["head", "head"])
    missing = 1

    def once(data: dict[str, Any]) -> bool:
        nonlocal missing
        missing -= data["kind"] == "frame" and data["comm_id"] == desk.content
        return missing == 0 and data["kind"] == "frame" and data["comm_id"] == desk.content

    if lost == "question":
        hub.link.lose_up = once
    else:
        hub.link.lose_down = once
    printed = await kernel.run("thread = nb[0].comment('Once?'); print(thread.number, len(nb.comments))")
    assert printed == "1 1\n"
    assert len({asked.params["comment"] for asked in desk.asked}) == 1
    assert len(desk.asked) == (1 if lost == "question" else 2)


async def test_what_is_refused_is_told_and_asked_for_again(kernel: Any, hub: Hub, desk: Desk) -> None:
    desk.refusal = (CloseCode.UNAUTHORIZED, "Not for you.")
    await kernel.run(LOAD)
    printed = await kernel.run("try: len(nb.comments)\nexcept rtc_widgets.RtcError as error: print(error)")
    assert printed == "Not for you. [unauthorized]\n"
    desk.refusal = None
    assert await kernel.run("print(len(nb.comments))") == "0\n"


async def test_a_server_that_starts_them_anew(kernel: Any, hub: Hub, desk: Desk, notebook: Notebook) -> None:
    desk.say("t", "old")
    await kernel.run(
        LOAD + WAIT + "heard = []\nthread = nb.comments[1]\nnb.comments.on_change(heard.append, thread='any')"
    )
    desk.renew()
    desk.lineage = "another room"
    desk.say("u", "new")
    hub.link.bye(CloseCode.GOING_AWAY)
    await kernel.run("wait_for(lambda: nb.comments and nb.comments[1].body == 'new')")
    assert [opening.lineage for opening in desk.openings] == [None, "room", None]
    while await kernel.run("print(len(heard))") == "0\n":
        pass  # callbacks run between cells
    printed = await kernel.run(
        "print([c.comment.body for c in heard])\ntry: thread.body\nexcept LookupError as error: print(error)"
    )
    assert printed.startswith("['new']\nThere is no such thread here")


async def test_nobody_waits_for_ever(kernel: Any, hub: Hub, desk: Desk) -> None:
    hub.link._opens = lambda link, opening: None  # a server that says nothing
    await kernel.run(LOAD)
    start = time.monotonic()
    printed = await kernel.run(
        "from rtc_widgets.documents.annotations import Annotations\n"
        "try: nb.document.part(Annotations).threads(0.2)\nexcept rtc_widgets.NotConnected as error: print(error)"
    )
    assert "have not arrived within 0.2 s" in printed and time.monotonic() - start < 30
    assert "not arrived" not in await kernel.run("print(repr(nb[0]))")
