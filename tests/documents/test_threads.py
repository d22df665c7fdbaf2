"""Two threads on one document, and any number of people on one notebook, lose nothing."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.errors import CellGone
from rtc_widgets.origins import Origin
from rtc_widgets.testing.hub import Hub

EDITS = 3_000


@pytest.fixture
def switching() -> Iterator[None]:
    """Have threads switch as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


class InThread(threading.Thread):
    """Run a function in a thread, and raise what it raised when joined."""

    def __init__(self, run: Any) -> None:
        super().__init__()
        self._call = run
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._call()
        except BaseException as error:  # noqa: BLE001 (raised again by the test's own thread)
            self._error = error

    def end(self) -> None:
        self.join(50)
        assert not self.is_alive()
        if self._error is not None:
            raise self._error


def typed(count: int) -> tuple[list[bytes], Notebook]:
    """Return the updates of somebody who typed *count* letters into a cell of their own."""
    nb, updates = Notebook.new(), []
    nb.document.on_update(lambda update, _: updates.append(update))
    cell = nb.append()
    for i in range(count):
        cell.source += "ré"[i % 2]
    return updates, nb


@pytest.mark.usefixtures("switching")
def test_an_io_thread_applies_while_the_main_thread_edits() -> None:
    updates, _ = typed(EDITS)
    nb, peer = Notebook(LiveDocument()), Notebook(LiveDocument())
    sent: list[bytes] = []
    nb.document.on_update(lambda update, _: sent.append(update))
    told: list[Any] = []
    nb.on_change("cells", told.append)
    mine = nb.append()

    def io() -> None:
        for update in updates:
            nb.document.apply_remote(update, Origin("remote"))

    thread = InThread(io)
    for _ in range(EDITS):
        mine.source += "m"
    thread.end()

    (theirs,) = (cell for cell in nb if cell != mine)
    assert mine.source == "m" * EDITS
    assert theirs.source == "ré" * (EDITS // 2)
    assert len(sent) == EDITS + 1  # and nothing of theirs is sent back
    for update in (*sent, *updates):
        peer.document.apply_remote(update, Origin("remote"))
    assert peer[mine.id].source == mine.source
    assert sorted(cell.source for cell in peer) == sorted(cell.source for cell in nb)


@pytest.mark.usefixtures("switching")
def test_many_threads_edit_one_notebook_and_all_updates_come_in_order() -> None:
    ada, bob, hub = Notebook(LiveDocument()), Notebook(LiveDocument()), Hub()
    hub.join(ada.document)
    hub.join(bob.document)

    def work(name: int) -> None:
        cell = ada.append(str(name))
        for i in range(150):
            if i % 30 == 0:
                with ada.transaction(f"{name}"):
                    cell.source += "t"
                    ada.append("extra").delete()
                    cell.move(before=0)
            else:
                cell.source += "x"
                assert len(list(ada)) >= 1

    threads = [InThread(lambda name=name: work(name)) for name in range(6)]
    for _ in range(150):
        bob.append("his")
    for thread in threads:
        thread.end()

    assert ada.to_dict() == bob.to_dict()
    assert len(ada) == 6 + 150
    for name in range(6):
        (cell,) = (cell for cell in ada if cell.source.startswith(f"{name}"))
        assert (cell.source.count("t"), cell.source.count("x")) == (5, 145)


@pytest.mark.usefixtures("switching")
def test_transactions_here_and_typing_there() -> None:
    updates, _ = typed(EDITS)
    nb = Notebook(LiveDocument())
    one, two = nb.append("0"), nb.append("0")
    seen: list[tuple[str, str]] = []

    def io() -> None:
        for update in updates:
            nb.document.apply_remote(update, Origin("remote"))
            with nb.document.reading():
                seen.append((one.source, two.source))

    thread = InThread(io)
    rounds = 0
    while thread.is_alive():
        with nb.transaction():
            one.source = f"{rounds}"
            two.source = f"{rounds}"
        rounds += 1
    thread.end()

    assert rounds > 1
    assert all(a == b for a, b in seen)
    assert [cell.source for cell in nb if cell not in (one, two)] == ["ré" * (EDITS // 2)]


@pytest.mark.usefixtures("switching")
def test_threads_tasks_callbacks_and_a_long_transaction_at_once() -> None:  # noqa: C901 (one crowd)
    """Each writes marks of its own, into a cell of its own and into one that all share; each mark is there once."""
    ada, bob, hub = Notebook(LiveDocument()), Notebook(LiveDocument()), Hub()
    hub.join(ada.document, "ada")
    hub.join(bob.document, "bob")
    for cell_id in ("shared", "log", *(f"own-{name}" for name in range(12))):
        ada.append({"cell_type": "code", "id": cell_id, "source": ""})
    shared = ada["shared"]
    heard: list[int] = []

    def log(change: Any) -> None:
        heard.append(len(change.cell.source))  # it reads,
        ada["log"].text.append(f"[log-{len(heard)}]")  # and it writes

    def write(name: int, number: int) -> None:
        mark = f"[{name}-{number}]"
        ada[f"own-{name}"].source += mark
        if number % 3:
            shared.text.append(mark)
        else:
            with ada.transaction("both"):
                shared.text.insert(0, mark)
                ada[f"own-{name}"].tags.add(f"t{number}")

    async def task(name: int) -> None:
        for number in range(40):
            write(name, number)
            await asyncio.sleep(0)

    async def tasks() -> None:
        await asyncio.gather(*(task(name) for name in range(8, 11)))

    def hold() -> None:
        for number in range(40):
            with ada.transaction("held"):
                shared.text.append(f"[11-{number}]")
                for _ in range(20):
                    assert f"[11-{number}]" in shared.text
                ada["own-11"].lines.append(f"[11-{number}]")

    def bobs() -> None:
        for number in range(40):
            bob["shared"].text.insert(0, f"[bob-{number}]")

    with ada.on_change("source", log, cell=shared, thread="any"):
        threads = [
            InThread(lambda name=name: [write(name, number) for number in range(40)]) for name in range(8)
        ]
        threads += [InThread(hold), InThread(bobs)]
        asyncio.run(tasks())
        for thread in threads:
            thread.end()
        ada.wait_for(lambda: heard and heard[-1] == len(shared.source), 20).result()

    assert ada.to_dict() == bob.to_dict()
    marks = [f"{name}-{number}" for name in range(12) for number in range(40)]
    found = re.findall(r"\[([^\[\]]*)\]", shared.source)
    assert sorted(found) == sorted([*marks, *(f"bob-{number}" for number in range(40))])
    for name in range(12):
        assert re.findall(r"\[([^\[\]]*)\]", ada[f"own-{name}"].source) == marks[name * 40 : name * 40 + 40]
    logged = re.findall(r"\[log-(\d+)\]", ada["log"].source)
    assert logged == [str(number) for number in range(1, len(heard) + 1)]


def test_who_reads_does_not_wait_for_a_transaction_and_who_writes_does() -> None:
    nb = Notebook(LiveDocument())
    nb += ["a", "b"]
    cell = nb[0]
    entered, leave, written = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        with nb.transaction("long"):
            cell.source = "held"
            nb.append("c")
            entered.set()
            assert leave.wait(40)

    def write() -> None:
        cell.text.append(", and then")
        written.set()

    holder = InThread(hold)
    assert entered.wait(40)
    writer = InThread(write)
    # All of this while the transaction is open, of which it shows nothing.
    assert (cell.source, len(nb), cell.index) == ("a", 2, 0)
    assert nb.find("held") is None and len(nb.code) == 2
    assert nb.to_dict()["cells"][0]["source"] == "a"
    nb.document.apply_remote(nb.document.diff_update(b"\0"), Origin("remote"))
    with nb.on_change("source", lambda change: None):
        assert not written.is_set()
    leave.set()
    holder.end()
    writer.end()
    assert [cell.source for cell in nb] == ["held, and then", "b", "c"]


# -------------------------------------------------------------------------------------- any number of people

STEPS = st.tuples(
    st.integers(0, 2),
    st.sampled_from(
        ["append", "insert", "source", "delete", "retype", "metadata", "deliver", "lose", "group"]
    ),
    st.integers(0, 5),
    st.text("ab é😀\n", max_size=6),
)


def act(nb: Notebook, what: str, number: int, text: str) -> int:
    """Do something to the notebook, and return by how many cells it grew."""
    cell = nb[number % len(nb)] if len(nb) else None
    if what == "append" or cell is None:
        nb.append(text)
        return 1
    match what:
        case "insert":
            nb.insert(number, text, type="markdown")
            return 1
        case "source":
            cell.source = text + cell.source[number:]
        case "retype":
            cell.cell_type = ("code", "markdown", "raw")[number % 3]
        case "metadata":
            cell.metadata = {"k": text, str(number): number}
        case "delete":
            cell.delete()
            return -1
        case "lose":
            with pytest.raises(CellGone), nb.transaction():  # noqa: PT012
                nb.append("lost")
                cell.delete()
                cell.source = "lost"
        case "group":
            with nb.transaction():
                cell.source += text
                nb.append(text)
            return 1
    return 0


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), st.randoms(use_true_random=False))
def test_people_converge_whatever_the_order_of_delivery(
    steps: list[tuple[int, str, int, str]], random: Any
) -> None:
    hub, people = Hub(instantly=False), [Notebook(LiveDocument()) for _ in range(3)]
    for nb in people:
        hub.join(nb.document)
    models = [len(nb) for nb in people]
    for who, what, number, text in steps:
        if what == "deliver":
            hub.deliver_one(number)
            models = [len(nb) for nb in people]
        else:
            models[who] += act(people[who], what, number, text)
        assert [len(nb) for nb in people] == models
        for nb in people:
            cells = nb.to_dict()["cells"]
            assert [cell.id for cell in nb] == [cell["id"] for cell in cells]
            # Two who retype one cell at once make twins, of which the handle finds the first.
            if len({cell["id"] for cell in cells}) == len(cells):
                assert [cell.source for cell in nb] == [cell["source"] for cell in cells]
    hub.deliver(random.randrange)

    assert people[0].to_dict() == people[1].to_dict() == people[2].to_dict()
    assert hub.under_way == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=25))
def test_one_persons_moves_lose_and_double_no_cell(moves: list[tuple[int, int]]) -> None:
    ada, bob, hub = Notebook.new(), Notebook(LiveDocument()), Hub()
    hub.join(ada.document)
    hub.join(bob.document)
    model = [ada.append(f"{i}").id for i in range(6)]
    for source, target in moves:
        handle, other = ada[source], ada[target]
        handle.move(after=other)
        if source != target:
            model.remove(handle.id)
            model.insert(model.index(other.id) + 1, handle.id)

    assert [cell.id for cell in ada] == [cell.id for cell in bob] == model
