"""Several people comment at once, while the relay is killed and connections break: each thing happens once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.names import CONFIG
from support.server import Server
from support.tab import Refused, Tab
from websockets.exceptions import WebSocketException

from rtc_widgets.documents.threads import ThreadValue, read_threads

# A file beside the configuration has the server killed by its next request: before it is done, or when it is in the
# log and not answered.
DEADLY = """
import os, signal
from pathlib import Path
from rtc_widgets.rooms.room import Room

def die(when):
    flag = Path(__file__).with_name(when)
    if flag.exists():
        flag.unlink()
        os.kill(os.getpid(), signal.SIGKILL)

annotate = Room._annotate

async def annotate_and_die(room, peer, asked):
    die("before")
    answer = await annotate(room, peer, asked)
    die("after")
    return answer

Room._annotate = annotate_and_die
"""
WHO = {"ada": None, "bob": "bob"}
FAULTS = ["none", "none", "twice", "cut", "before", "after"]
_notebooks = itertools.count()


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("mortal"), config=CONFIG + DEADLY)
    yield server
    server.close()


@dataclass
class Asked:
    """Hold one request and what came of it."""

    who: str
    method: str
    params: dict[str, Any]
    fault: str
    answer: dict[str, Any] | None = None
    refused: str | None = None


@dataclass
class Person:
    """Ask one thing after the other, each until it is answered, as the clients do."""

    server: Server
    path: str
    who: str
    plan: list[Asked]
    tab: Tab | None = None

    async def work(self) -> None:
        for asked in self.plan:
            await self.ask(asked, asked.fault)

    async def ask(self, asked: Asked, fault: str = "none") -> None:
        if fault in {"before", "after"}:
            (self.server.work / "config" / fault).touch()
        while True:
            tab = await self._there()
            number = tab.ask_for(f"comments.{asked.method}", **asked.params)
            if fault == "twice":
                tab.ask_for(f"comments.{asked.method}", **asked.params)
            if fault == "cut":
                await tab.drop()
                tab.hung_up = 1006
            fault = "none"
            await tab.until(
                lambda tab=tab, number=number: number in tab.responses or tab.hung_up or tab.closed,
                "it is answered, or the connection breaks",
            )
            if number in tab.responses:
                asked.answer = asked.refused = None
                try:
                    asked.answer = await tab.answer(number)
                except Refused as refused:
                    asked.refused = refused.code
                return

    async def leave(self) -> None:
        if self.tab is not None:
            await self.tab.drop()

    async def _there(self) -> Tab:
        while self.tab is None or self.tab.hung_up or self.tab.closed:
            await self.leave()
            try:
                self.tab = await Tab(self.server, self.path, token=WHO[self.who]).__aenter__()
            except (OSError, WebSocketException):
                await asyncio.sleep(0.05)  # the server is away
        return self.tab


@st.composite
def plans(draw: st.DrawFn, who: str) -> list[Asked]:
    """Return what one person does: begin, answer, change and delete what is theirs, resolve."""
    mine: list[tuple[str, str]] = []
    plan = []
    for number in range(draw(st.integers(2, 5))):
        id_, op = f"{who}{number}", f"{who}-op{number}"
        method = draw(st.sampled_from(["add", "add", "reply", "edit", "delete", "resolve", "reopen"]))
        params: dict[str, Any]
        if method == "add" or not mine:
            method, params = "add", {"thread": id_, "anchor": {"kind": "document"}}
        elif method == "reply":
            method, params = "add", {"thread": draw(st.sampled_from(["ada0", "bob0", mine[-1][0]]))}
        else:
            thread, comment = draw(st.sampled_from(mine))
            params = {"thread": thread, "op": op}
            if method in {"edit", "delete"}:
                params["comment"] = comment
        if method == "add":
            params |= {"comment": id_}
            mine.append((params["thread"], id_))
        if method in {"add", "edit"}:
            params["body"] = f"{id_} says"
        plan.append(Asked(who, method, params, draw(st.sampled_from(FAULTS))))
    return plan


@pytest.mark.timeout(280)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(ada=plans("ada"), bob=plans("bob"))
def test_what_was_answered_happened_once_and_what_was_not_is_asked_until_it_did(
    mortal: Server, ada: list[Asked], bob: list[Asked]
) -> None:
    path = mortal.notebook(f"retries{next(_notebooks)}.ipynb", "x = 1")
    # Hypothesis may try a plan again.
    asyncio.run(_play(mortal, path, [_fresh(ada), _fresh(bob)]))


@pytest.mark.timeout(200)
def test_a_relay_that_dies_between_the_log_and_the_answer_has_done_it_once(mortal: Server) -> None:
    path = mortal.notebook("between.ipynb", "x = 1")
    begin = {"thread": "ada0", "comment": "ada0", "anchor": {"kind": "document"}, "body": "Once?"}
    plan = [
        Asked("ada", "add", begin, "after"),
        Asked("ada", "add", {"thread": "ada0", "comment": "ada1", "body": "Twice?"}, "before"),
        Asked(
            "ada", "edit", {"thread": "ada0", "comment": "ada0", "body": "Once!", "op": "ada-op2"}, "after"
        ),
        Asked("ada", "resolve", {"thread": "ada0", "op": "ada-op3"}, "after"),
        Asked("ada", "delete", {"thread": "ada0", "comment": "ada1", "op": "ada-op4"}, "after"),
    ]
    thread = asyncio.run(_play(mortal, path, [plan]))["ada0"]
    assert (thread.number, thread.state) == (1, "resolved")
    assert [(one.body, one.deleted is None) for one in thread.comments] == [("Once!", True), ("", False)]
    assert [one.op for one in thread.happenings] == ["ada-op3"]
    assert not list((mortal.work / "config").glob("before")), "it died each time"
    assert not list((mortal.work / "config").glob("after"))


def _fresh(plan: list[Asked]) -> list[Asked]:
    return [Asked(one.who, one.method, one.params, one.fault) for one in plan]


async def _play(server: Server, path: str, plans: list[list[Asked]]) -> dict[str, ThreadValue]:
    """Have everybody do their plan at once, check what is there, and return it."""
    people = [Person(server, path, plan[0].who, plan) for plan in plans]
    nurse = asyncio.create_task(_restart(server))
    try:
        await asyncio.gather(*(person.work() for person in people))
        for when in ("before", "after"):
            (server.work / "config" / when).unlink(missing_ok=True)  # of one who had nothing to ask any more
        found = await _threads(server, path)
        _check(found, [asked for plan in plans for asked in plan])
        # Whoever heard no answer asks once more, however late.
        for person in people:
            for asked in [one for one in person.plan if one.answer is not None]:
                answer = asked.answer
                await person.ask(asked)
                # What was deleted meanwhile is not there to be changed, and that is told.
                assert asked.answer == answer or asked.refused == "no-thread"
        assert await _threads(server, path) == found
        return found
    finally:
        nurse.cancel()
        for person in people:
            await person.leave()


async def _restart(server: Server) -> None:
    while True:
        if not server.running:
            with contextlib.suppress(AssertionError):  # killed again before it answered the test
                await asyncio.to_thread(server.start)
        await asyncio.sleep(0.02)


async def _threads(server: Server, path: str) -> dict[str, ThreadValue]:
    async with Tab(server, path, document="annotations") as notes:
        return read_threads(notes.doc)


def _check(found: dict[str, ThreadValue], asked: list[Asked]) -> None:
    comments = {one.id: one for thread in found.values() for one in thread.comments}
    assert len(comments) == sum(len(thread.comments) for thread in found.values()), (
        "nobody's words are there twice"
    )
    added = {one.params["comment"]: one for one in asked if one.method == "add" and one.answer}
    assert set(comments) == set(added), "all that was answered is there, and nothing that was refused"
    for id_, one in added.items():
        assert comments[id_].by.user == one.who
        # Whoever edits says it in their own words; nobody else's are there.
        assert comments[id_].deleted or comments[id_].body in {
            other.params["body"]
            for other in asked
            if other.params.get("comment") == id_ and other.params.get("body") and other.who == one.who
        }
    assert [thread.number for thread in found.values()] == list(range(1, len(found) + 1))
    for thread in found.values():
        assert [one.n for one in thread.comments] == list(range(len(thread.comments)))
        ops = [one.op for one in thread.happenings]
        assert len(ops) == len(set(ops)), "nothing happened twice"
    for one in asked:
        if one.method == "delete" and one.answer:
            assert comments[one.params["comment"]].deleted
