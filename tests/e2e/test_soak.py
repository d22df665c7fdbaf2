"""A random day's work on a real server, after which nothing may be lost, doubled or garbled.

``RTC_WIDGETS_SOAK=10 pytest tests/e2e/test_soak.py`` runs for ten minutes with random seeds; what fails is said with
its seed and a diary of what was done. ``RTC_WIDGETS_SOAK_SEEDS=1,2`` runs those seeds.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from support.server import Server
from support.soak import Operator, Outside, Person, Runner, World, tokens_of

SEEDS = [int(seed) for seed in os.environ.get("RTC_WIDGETS_SOAK_SEEDS", "1").split(",")]
MINUTES = float(os.environ.get("RTC_WIDGETS_SOAK", "0"))
DAY = 9.0  # seconds of work a seed
# On SIGUSR2 the server says in its log what each of its tasks waits for.
CONFIG = """
import asyncio, signal
signal.signal(signal.SIGUSR2, lambda *_: [task.print_stack() for task in asyncio.all_tasks()])
c.RelayApp.save_delay = 0.2
c.RelayApp.save_max_wait = 0.8
c.RelayApp.poll_interval = 0.15
c.RelayApp.close_delay = 0.1
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_or_doubled(tmp_path, seed):
    await live(tmp_path, seed, DAY)


@pytest.mark.skipif(not MINUTES, reason="runs for RTC_WIDGETS_SOAK minutes")
@pytest.mark.timeout(60 * MINUTES + 300)
async def test_nothing_is_lost_or_doubled_for_long(tmp_path):
    end = time.monotonic() + 60 * MINUTES
    failures = []
    while time.monotonic() < end:
        seed = random.SystemRandom().randrange(10**6)
        try:
            say(await live(tmp_path / str(seed), seed, DAY * random.choice([1, 2, 3])))
        except Exception as error:  # noqa: BLE001
            say(f"seed {seed} FAILED: {error!r}"[:3000])
            failures.append(seed)
    assert not failures


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def live(work: Path, seed: int, seconds: float) -> str:
    server = Server(work / "server", config=CONFIG)
    world = World(server, server.notebook("soak.ipynb", *[""] * 5), seed)
    notebook = server.read(world.path)
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"t-seed-{number}"
    (server.root / world.path).write_text(nbformat.writes(nbformat.from_dict(notebook)))
    people = [Person(world, "ada"), Person(world, "ben"), Person(world, "guest", guest=True)]
    runner = Runner(world)
    operator = Operator(world, runner)
    actors = [*people, Outside(world, people), runner, operator]
    try:
        tasks = [asyncio.create_task(actor.run()) for actor in actors]
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        world.over = True
        await asyncio.gather(*tasks)
        await agree(world, people)
        await operator.restart(kill=seed % 2 == 0)
        await agree(world, people)
    except BaseException:
        world.over = True
        for task in tasks:
            task.cancel()
        server.signal(signal.SIGUSR2)
        (work / "diary.txt").write_text("\n".join([*world.diary, *map(repr, people)]))
        say(f"seed {seed}; diary and log in {work}")
        raise
    finally:
        for person in people:
            await person.drop()
        runner.end()
        server.close()
    return (
        f"seed {seed}: {world.operations} operations, {runner.edits} kernel edits, {operator.renames} renames, "
        f"{operator.restarts} restarts, {world.overwritten} outside changes overwritten"
    )


def told(cells):
    return [(cell["id"], cell["cell_type"], "".join(cell["source"])) for cell in cells]


async def agree(world: World, people: list[Person]) -> None:
    """Bring everybody back, and check that all replicas and the file hold the same, and that it is everything."""
    ada = people[0]
    for person in people:
        end = time.monotonic() + 20
        while not (person.online or await person.connect()):
            assert time.monotonic() < end, f"{person.name} does not get in"
            await asyncio.sleep(0.05)

    def quiet() -> bool:
        assert all(person.online for person in people)
        return len({str(told(person.cells)) for person in people}) == 1 and all(
            person.tab.acknowledged >= person.tab.written for person in people
        )

    for _ in range(2):  # what the save brings in from the file is to be in it, too
        await ada.tab.until(quiet, "all replicas hold the same")
        await ada.tab.save()
    await ada.tab.until(quiet, "all replicas hold the same")
    for person in people:
        person.look()

    file = world.server.read(world.path)
    nbformat.validate(nbformat.from_dict(file))
    live = told(ada.cells)
    assert told(file["cells"]) == live, "the file holds what is live"
    fresh = Person(world, "fresh")
    assert await fresh.connect()
    assert told(fresh.cells) == live, "who comes anew sees the same"
    await fresh.drop()
    assert not [name for name, count in Counter(id_ for id_, *_ in live).items() if count > 1], (
        "ids are unique"
    )
    have = Counter(tokens_of(ada.cells))
    assert not {token for token, count in have.items() if count > 1}, "nothing is doubled"
    expected = world.promised.union(*(person.ever for person in people))
    assert not {token for token in expected - have.keys() if not world.excused(token)}, "nothing is lost"
    files = [file for file in world.server.root.rglob("*.ipynb") if ".ipynb_checkpoints" not in file.parts]
    assert [str(file.relative_to(world.server.root)) for file in files] == [world.path], "there is one file"
