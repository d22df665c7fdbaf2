"""One simulation: people, a server that fails, and a file that others edit, from a seed and a list of steps."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pycrdt import Doc

from rtc_widgets import ids
from rtc_widgets.channels.backoff import Backoff
from rtc_widgets.channels.channel import Opened, Opener
from rtc_widgets.documents.link import LinkState
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.provider import Provider
from rtc_widgets.rooms.log import load
from rtc_widgets.rooms.room import Room, comm_id
from rtc_widgets.stores.entry import Store
from rtc_widgets.stores.sqlite import SqliteStore
from rtc_widgets.testing.simulator import judge
from rtc_widgets.testing.simulator.clock import VirtualLoop, running
from rtc_widgets.testing.simulator.file import NotebookFile
from rtc_widgets.testing.simulator.line import Trouble
from rtc_widgets.testing.simulator.person import Person, Tokens
from rtc_widgets.testing.simulator.script import FAULTS, PEOPLE, Step
from rtc_widgets.testing.simulator.server import KEY, SimulatedServer, open_index

__all__ = ["OpenStore", "Report", "simulate"]

_LONGEST = 120.0  # virtual seconds after the last step in which everything has to come to rest
# A disk in memory, where there is one: fsync is nothing that a simulation learns from.
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder of its own is made there

OpenStore = Callable[[Path], Store]


@dataclass(slots=True)
class Report:
    """Tell what a simulation did.

    Args:
        seed: of it.
        steps: how many of each.
        updates: what people wrote, as updates of the document.
        acknowledged: how many of them the server had said to be safe.
        comments: how many comments were answered.
        seconds: that passed, virtual ones.
        overwritten: how often the server wrote the file in the moment after somebody else had.
        conflicts: how many texts that were changed here and in the file people were told of.
        digest: of what came out: the same for the same seed and steps.
    """

    seed: int
    steps: Counter[str] = field(default_factory=Counter)
    updates: int = 0
    acknowledged: int = 0
    comments: int = 0
    seconds: float = 0.0
    overwritten: int = 0
    conflicts: int = 0
    digest: str = ""


def simulate(seed: int, steps: Sequence[Step], *, open_store: OpenStore | None = None) -> Report:
    """Run *steps*, let everything come to rest, and see that nothing was lost or doubled.

    Args:
        seed: of all that chance decides, besides the steps.
        steps: what happens.
        open_store: opens the log in a folder, over and over; the relay's own, if nothing is said.

    Raises:
        AssertionError: what was promised does not hold; the message says what.
    """
    dice = random.Random(f"ids {seed}")  # noqa: S311 - to be repeated, not to be guessed
    loop = VirtualLoop(random.Random(f"threads {seed}"))  # noqa: S311
    try:
        with (
            tempfile.TemporaryDirectory(prefix="rtc_widgets-", dir=_MEMORY) as folder,
            ids.drawn(dice.getrandbits),
        ):
            return loop.run_until_complete(_run(Path(folder), seed, open_store or _sqlite, steps))
    finally:
        loop.close()


async def _run(folder: Path, seed: int, open_store: OpenStore, steps: Sequence[Step]) -> Report:
    world = _World(folder, seed, open_store)
    try:
        return await world.run(steps)
    finally:
        await world.aclose()


def _sqlite(folder: Path) -> Store:
    return SqliteStore(folder / "log.sqlite")


class _World:
    """Hold what is in a simulation. Chance has dice for each thing, so that one more of it changes little else."""

    def __init__(self, folder: Path, seed: int, open_store: OpenStore) -> None:
        self._seed = seed
        self._folder = folder
        self._open_store = open_store
        self._tokens = Tokens()
        self._file = NotebookFile(folder / KEY.path, self._tokens)
        self._server = SimulatedServer(
            folder, self._dice("server"), open_store, self._file.read, self._file.about_to_be_written
        )
        self._people = [Person(f"p{number}", self._tokens) for number in range(PEOPLE)]
        self._guests = PEOPLE
        self._away: dict[str, float] = {}
        self._lines: Counter[str] = Counter()
        self._left: list[tuple[str, list[bytes]]] = []  # and what was acknowledged to them
        self._promised: list[tuple[str, str]] = []  # comments that were answered
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._report = Report(seed)

    def _dice(self, *name: object) -> random.Random:
        return random.Random(f"{self._seed} {' '.join(map(str, name))}")  # noqa: S311 - to be repeated

    async def run(self, steps: Sequence[Step]) -> Report:
        """Run it all."""
        self._server.start()
        for person in self._people:
            await self._join(person)
        for step in steps:
            await asyncio.sleep(step.wait)
            self._report.steps[step.what] += 1
            await self._take(step)
        await self._rest()
        report = self._report
        cells = self._judge()
        report.updates += sum(len(person.updates) for person in self._people)
        report.acknowledged = sum(len(person.acknowledged) for person in self._people)
        report.acknowledged += sum(len(updates) for _, updates in self._left)
        await self._server.stop()
        judge.same(judge.in_document(self._logged()), cells, "The log and the replicas")
        judge.same(judge.in_file(self._file), cells, "The file of the stopped server and the replicas")
        report.digest, report.comments = judge.digest(cells), len(self._promised)
        report.seconds, report.overwritten = running().time(), self._file.overwritten
        report.conflicts = len(self._tokens.conflicts)
        return report

    async def aclose(self) -> None:
        """Let go of everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for person in self._people:
            if person.provider is not None:
                await person.provider.aclose()
        await self._server.kill()

    # ------------------------------------------------------------------------------------------------- people

    async def _join(self, person: Person) -> None:
        """Have somebody open the notebook; they try again later where nobody answers."""
        provider = Provider(
            person.notebook.document,
            KEY.path,
            KEY.type,
            self._opener(person.name),
            backoff=Backoff(0.1, 2.0, self._dice("backoff", person.name).random),
        )
        provider.on_event(person.hear)
        with suppress(NotConnected):
            await provider.start()
            person.provider = provider

    def _opener(self, name: str) -> Opener:
        async def open_(_path: str, lineage: str | None, frames: Sequence[bytes], compares: bool) -> Opened:
            if self._away.get(name, 0.0) > running().time():
                raise NotConnected("There is no network.")
            self._lines[name] += 1
            trouble = Trouble(self._dice("line", name, self._lines[name]))
            return await self._server.open(name, "content", lineage, frames, trouble, compares)

        return open_

    async def _take(self, step: Step) -> None:
        person = self._people[step.who]
        if step.what in FAULTS:
            await getattr(self, f"_{step.what}")(step, person)
        elif person.provider is None:
            await self._join(person)
        elif step.what == "save":
            self._begin(self._save(person.provider))
        elif step.what == "comment":
            self._begin(self._comment(person, person.provider, step))
        else:
            person.act(step)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = running().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def _save(self, provider: Provider) -> None:
        with suppress(NotConnected, ChannelClosed):
            await provider.save(timeout=20.0)

    async def _comment(self, person: Person, provider: Provider, step: Step) -> None:
        """Ask for a comment on a cell that stays, until there is an answer."""
        kept = [cell.id for cell in person.notebook if cell.id[:2] in {"t-", "m-"}]
        if not kept:
            return
        thread, comment = ids.new_id(), ids.new_id()
        quote = {"exact": "", "prefix": "", "suffix": ""}
        anchor = {"kind": "cell", "cell": kept[step.n % len(kept)], "near": [None, None], "quote": quote}
        with suppress(ChannelClosed):  # who left does not hear the answer
            asked = {"thread": thread, "comment": comment, "body": f"{step.m}?", "anchor": anchor}
            await provider.ask("comments.add", asked)
            self._promised.append((thread, comment))

    # ------------------------------------------------------------------------------------------------- faults

    async def _drop(self, step: Step, person: Person) -> None:
        """Cut somebody off; either end notices later, the server perhaps after the reconnect."""
        self._server.cut(person.name, step.n * 0.02, step.m * 0.1)

    async def _offline(self, step: Step, person: Person) -> None:
        self._away[person.name] = running().time() + 0.5 + step.n * 0.2
        await self._drop(step, person)

    async def _leave(self, _: Step, person: Person) -> None:
        """Have a guest leave for good, with what the server has not, and another one come."""
        if person is not self._people[-1] or person.provider is None:
            return
        self._left.append((person.name, person.acknowledged))
        self._report.updates += len(person.updates)
        await person.provider.aclose()
        self._people[-1] = Person(f"p{self._guests}", self._tokens)
        self._guests += 1
        await self._join(self._people[-1])

    async def _kill(self, step: Step, _: Person) -> None:
        if self._server.up:
            await self._server.kill()
            self._logged()
            running().call_later(step.n * 0.05, self._server.start)

    async def _restart(self, step: Step, _: Person) -> None:
        if self._server.up:
            await self._server.stop()
            self._logged()
            running().call_later(step.n * 0.02, self._server.start)

    async def _compact(self, step: Step, _: Person) -> None:
        """Put one entry in the place of the beginning of the log, or of all of it."""
        room = self._room()
        if room is None:
            return
        store, name = self._server.store, room.content.comm_id

        async def compact() -> None:
            entries = [entry async for entry in store.read(name)]
            upto = entries[step.n * len(entries) // 40 :][0].seq
            doc: Doc[Any] = Doc()
            for entry in entries:
                if entry.seq <= upto:
                    doc.apply_update(entry.update)
            await store.compact(name, upto=upto, snapshot=doc.get_update())

        running().at_once(compact())

    async def _outside(self, step: Step, _: Person) -> None:
        self._file.edit(step)

    # ------------------------------------------------------------------------------------------------- the end

    def _room(self) -> Room | None:
        return self._server.rooms.get(KEY.path) if self._server.up else None

    async def _rest(self) -> None:
        """Mend everything, and wait until nothing moves any more."""
        self._away.clear()
        end = running().time() + _LONGEST
        restful = 0
        while restful < 3:
            assert running().time() < end, f"It does not come to rest: {self._unrest()}."
            await asyncio.sleep(1.0)
            for person in self._people:
                if person.provider is None and self._server.up:
                    await self._join(person)
            restful = 0 if self._unrest() else restful + 1

    def _unrest(self) -> list[str]:
        """Return what is not done yet."""
        room = self._room()
        if room is None:
            return ["there is no room"]
        file: Any = room.backing
        found = ["the file is not saved"] if file.unsaved else []
        found += [str(file.problem)] if file.problem is not None else []
        found += ["requests are not answered"] if self._tasks else []
        for person in self._people:
            provider = person.provider
            if provider is None or provider.state is not LinkState.LIVE:
                closed = None if provider is None else provider.closed
                found.append(f"{person.name} is not connected ({closed})")
            elif provider.unsaved:
                found.append(f"{provider.unsaved} updates of {person.name} are not acknowledged")
        return found

    def _judge(self) -> list[dict[str, Any]]:
        """See that all agree, and that all is there; return the cells."""
        room = self._room()
        assert room is not None
        cells = judge.in_document(room.content.doc)
        for person in self._people:
            assert person.provider is not None
            assert not person.provider.recoveries, f"The document began anew for {person.name}."
            with person.notebook.document.reading() as replica:
                judge.same(
                    judge.in_document(replica.doc), cells, f"The replica of {person.name} and the server's"
                )
        judge.whole(cells, self._people, self._file, self._tokens)
        judge.same(judge.in_file(self._file), cells, "The file and the replicas")
        return cells

    def _logged(self) -> Doc[Any]:
        """Return the document as the log of the server that ended has it, which has all that was acknowledged."""
        return running().at_once(self._read_log())

    async def _read_log(self) -> Doc[Any]:
        store, index = self._open_store(self._folder), open_index(self._folder)
        doc: Doc[Any] = Doc()
        notes: Doc[Any] = Doc()
        try:
            record = await index.find(KEY.path, KEY.format, KEY.type)
            if record is not None:
                await load(store, comm_id(record.room, "content"), doc, record.lineage)
                await load(store, comm_id(record.room, "annotations"), notes, record.room, seeded=False)
        finally:
            await store.aclose()
            await index.aclose()
        for person in self._people:
            judge.has_updates(doc, person.acknowledged, person.name)
        for name, updates in self._left:
            judge.has_updates(doc, updates, name)
        judge.has_comments(notes, self._promised)
        return doc
