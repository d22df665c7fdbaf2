"""A transaction is one update or no trace, and an interrupt never wedges the document."""
# ruff: noqa: PT012 (what a transaction rolls back is more than one statement)

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from support.notebooks import two

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.errors import CellGone, DocumentError, FrameError, NotConnected
from rtc_widgets.origins import Origin
from rtc_widgets.testing.hub import Hub


def pair() -> tuple[Notebook, Notebook]:
    ada, bob, hub = Notebook.new(), Notebook(LiveDocument()), Hub()
    hub.join(ada.document, "ada")
    hub.join(bob.document, "bob")
    ada.append("one")
    ada.append("two")
    return ada, bob


def sent_by(nb: Notebook) -> list[Origin]:
    origins: list[Origin] = []
    nb.document.on_update(lambda _, origin: origins.append(origin))
    return origins


def sources(nb: Notebook) -> list[str]:
    return [cell.source for cell in nb]


# ----------------------------------------------------------------------------------------------- one or none


def test_a_transaction_is_one_update_with_its_label() -> None:
    ada, bob = pair()
    sent = sent_by(ada)

    with ada.transaction("tidy up"):
        ada[0].source = "ONE"
        ada.append("three")
        ada[1].move(before=0)
        assert sources(ada) == ["two", "ONE", "three"]
        assert sources(bob) == ["one", "two"]

    assert sources(bob) == sources(ada) == ["two", "ONE", "three"]
    assert sent == [Origin("local", detail="tidy up")]


def test_an_exception_leaves_no_trace() -> None:
    ada, bob = pair()
    sent, before = sent_by(ada), ada.document.state_vector()
    cell = ada[0]

    with pytest.raises(ZeroDivisionError), ada.transaction():
        cell.source = "changed"
        new = ada.append("new")
        del ada[1]
        1 / 0  # noqa: B018

    assert cell.source == "one"
    assert sources(ada) == sources(bob) == ["one", "two"]
    assert not new.exists
    assert sent == []
    assert ada.document.state_vector() == before


def test_work_goes_on_after_each_kind_of_end() -> None:
    ada, bob = pair()
    for turn in range(3):
        with pytest.raises(KeyError), ada.transaction():
            ada[0].source = f"lost {turn}"
            raise KeyError
        with ada.transaction():
            ada[0].source = f"kept {turn}"
        ada[1].source = f"single {turn}"
        bob.append(f"his {turn}")

    assert sources(ada) == sources(bob) == ["kept 2", "single 2", "his 0", "his 1", "his 2"]


def test_an_empty_transaction_sends_nothing() -> None:
    ada, _ = pair()
    sent = sent_by(ada)
    with ada.transaction("nothing"):
        ada[0].source = ada[0].source

    assert sent == []


def test_what_others_do_meanwhile_is_seen_afterwards_and_both_stay() -> None:
    ada, bob = pair()

    with ada.transaction():
        ada[0].source = "one of hers"
        bob[0].source = "his one"
        bob.append("his")
        assert sources(ada) == ["one of hers", "two"]

    assert sources(ada) == sources(bob) == ["his one of hers", "two", "his"]


def test_inner_transactions_join() -> None:
    ada, bob = pair()
    sent = sent_by(ada)
    with ada.transaction("outer"):
        ada.append("a")
        with ada.transaction("inner"):
            ada.append("b")
        assert sources(bob) == ["one", "two"]

    assert sources(bob) == ["one", "two", "a", "b"]
    assert sent == [Origin("local", detail="outer")]


def test_an_inner_failure_that_is_caught_takes_back_the_inner_part_alone() -> None:
    ada, bob = pair()
    with ada.transaction():
        ada[0].source = "kept"
        try:
            with ada.transaction():
                ada[0].source = "inner"
                ada.append("inner")
                raise LookupError
        except LookupError:
            pass
        assert sources(ada) == ["kept", "two"]
        ada.append("after")

    assert sources(ada) == sources(bob) == ["kept", "two", "after"]


def test_an_inner_failure_that_is_not_caught_takes_back_all() -> None:
    ada, bob = pair()
    with pytest.raises(LookupError), ada.transaction():
        ada.append("a")
        with ada.transaction():
            ada.append("b")
            raise LookupError

    assert sources(ada) == sources(bob) == ["one", "two"]


def test_a_refused_value_inside_can_be_caught() -> None:
    ada, bob = pair()
    with ada.transaction():
        with pytest.raises(DocumentError):
            ada.append("x", type="wrong")
        with pytest.raises(CellGone):
            ada.cell("none").source = "x"
        ada.append("right")

    assert sources(bob) == ["one", "two", "right"]


def test_a_document_detached_meanwhile_takes_nothing() -> None:
    ada, bob = pair()
    with pytest.raises(NotConnected, match="read only"), ada.transaction():
        ada.append("x")
        ada.document.detach("You may read only.")

    assert sources(ada) == sources(bob) == ["one", "two"]
    ada.document.attach()
    ada.append("y")
    assert sources(bob)[-1] == "y"


def test_a_document_rebuilt_meanwhile_takes_nothing() -> None:
    ada, _ = pair()
    with pytest.raises(DocumentError, match="Run it again"), ada.transaction():
        ada.append("x")
        ada.document.rebuild()
        ada.append("y")

    assert sources(ada) == []
    ada.append("z")
    assert sources(ada) == ["z"]


# ----------------------------------------------------------------------------------------- threads and tasks


def test_another_threads_write_waits_and_its_reads_do_not() -> None:
    ada, bob = pair()
    entered, seen = threading.Event(), []

    def other() -> None:
        entered.wait()
        seen.append(sources(ada))
        ada.append("theirs")

    thread = threading.Thread(target=other)
    thread.start()
    with ada.transaction():
        ada.append("mine")
        entered.set()
        until(lambda: bool(seen))
        bob.append("his")  # arrives in this thread, as from an I/O thread, without waiting
    thread.join()

    assert seen == [["one", "two"]]
    assert sources(ada) == sources(bob)
    assert sorted(sources(ada)) == ["his", "mine", "one", "theirs", "two"]


async def test_a_worker_thread_of_the_same_task_joins() -> None:
    ada, bob = pair()
    with ada.transaction():
        ada.append("a")
        await asyncio.to_thread(ada.append, "b")
        assert sources(bob) == ["one", "two"]

    assert sources(bob) == ["one", "two", "a", "b"]


async def test_another_task_of_the_thread_is_refused_while_one_waits() -> None:
    ada, bob = pair()
    opened, go_on = asyncio.Event(), asyncio.Event()

    async def long() -> None:
        with ada.transaction():
            ada.append("a")
            opened.set()
            await go_on.wait()

    task = asyncio.create_task(long())
    await opened.wait()
    assert sources(ada) == ["one", "two"]
    with pytest.raises(DocumentError, match="Another task"):
        ada.append("b")
    with pytest.raises(DocumentError, match="Another task"), ada.transaction():
        pass
    go_on.set()
    await task
    ada.append("b")

    assert sources(bob) == ["one", "two", "a", "b"]


# ------------------------------------------------------------------------------------------- with a provider


def test_bytes_that_are_no_update_are_refused_and_change_nothing() -> None:
    ada, _ = pair()
    before = ada.to_dict()
    for data in (b"", b"\xff\xff", b"garbage"):
        with pytest.raises(FrameError):
            ada.document.apply_remote(data, Origin("remote"))
    with pytest.raises(FrameError):
        ada.document.diff_update(b"\xff\xff\xff")
    ada.append("fine")
    assert ada.to_dict()["cells"][:2] == before["cells"]


def test_updates_come_in_order_after_the_transaction_even_from_within_one() -> None:
    nb = Notebook.new()
    told: list[str] = []

    def listener(_: bytes, __: Origin) -> None:
        told.append(nb[-1].source)  # reading is fine: no lock is held
        if len(nb) < 3:
            nb.append(f"{len(nb)}")
            told.append("after")

    subscription = nb.document.on_update(listener)
    nb.append("0")
    assert told == ["0", "after", "1", "after", "2"]
    subscription.close()
    nb.append("untold")
    assert len(told) == 5


def test_a_listener_that_fails_does_not_keep_the_others_from_the_update(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_: bytes, __: Origin) -> None:
        raise ValueError("my fault")

    nb = Notebook.new()
    nb.document.on_update(broken)
    sent = sent_by(nb)
    nb.append("x")

    assert len(sent) == 1
    assert "failed to take an update" in caplog.text


def test_a_detached_document_reads_hears_and_refuses_to_write() -> None:
    ada, bob = pair()
    ada.document.detach("The relay is gone. Reload the page.")

    with pytest.raises(NotConnected, match="Reload the page"):
        ada[0].source = "x"
    with pytest.raises(NotConnected, match="Reload the page"), ada.transaction():
        pass
    bob[0].source = "his"
    assert ada[0].source == "his"


def test_a_rebuilt_document_keeps_its_handles() -> None:
    ada, bob = pair()
    content, cell, old = bob.document.diff_update(b"\0"), ada[1], ada.document.client_id
    ada.document.rebuild()

    assert not cell.exists
    ada.document.apply_remote(content, Origin("remote"))
    assert cell.source == "two"
    assert ada.document.client_id != old


def test_a_document_that_nobody_holds_leaves_memory() -> None:
    nb = Notebook.new()
    nb.append("x")
    nb.on_change("source", print)
    nb.on_change("cells", print)
    document = weakref.ref(nb.document)
    doc = weakref.ref(nb.document.replica.doc)
    del nb
    gc.collect()
    assert document() is None
    gc.collect()  # its end let go of the observers, and so of the rest
    assert doc() is None


def test_transactions_do_not_pile_up_in_memory() -> None:
    nb = Notebook.new()
    nb.append("x" * 1_000_000)

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def some() -> None:
        for _ in range(30):
            with pytest.raises(ZeroDivisionError), nb.transaction():
                nb[0].metadata = {"a": 1}
                1 / 0  # noqa: B018

    some()
    before = resident()
    some()
    assert resident() - before < 15_000_000


# ---------------------------------------------------------------------------------- interrupts, with signals


def run(script: str) -> str:
    """Run *script* in an interpreter of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


PRELUDE = textwrap.dedent("""
    import os, random, signal, threading, time
    from rtc_widgets.documents.document import LiveDocument
    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.origins import Origin
    from rtc_widgets.testing.hub import Hub

    def interrupt_soon(most=0.03):
        threading.Timer(random.uniform(0.001, most), os.kill, (os.getpid(), signal.SIGINT)).start()

    ada, bob, hub = Notebook.new(), Notebook(LiveDocument()), Hub()
    hub.join(ada.document)
    hub.join(bob.document)
    handler = signal.getsignal(signal.SIGINT)
""")


def test_interrupts_in_the_middle_of_edits_leave_the_document_usable() -> None:
    out = run("""
        count = 0
        for turn in range(25):
            try:
                interrupt_soon()
                while True:
                    cell = ada.append(f"x = {count}é")
                    cell.source = cell.source.replace("x", "value")
                    cell.metadata = {"n": count}
                    ada[0].move(after=-1)
                    if len(ada) > 20:
                        del ada[0]
                    count += 1
            except KeyboardInterrupt:
                pass
            assert signal.getsignal(signal.SIGINT) is handler
            assert [c.source for c in ada] == [c.source for c in bob]
            assert ada.to_dict() == bob.to_dict()
            bob.append(f"bob {turn}")
            assert ada[-1].source == f"bob {turn}"
        print("edits", count)
    """)
    assert int(out.split()[1]) > 25


def test_interrupts_in_and_around_transactions_leave_all_or_nothing() -> None:
    out = run("""
        ada.append("0"), ada.append("0")
        kept = lost = 0
        for turn in range(60):
            try:
                interrupt_soon(0.02)
                while True:
                    number = str(int(ada[0].source) + 1)
                    with ada.transaction("both"):
                        ada[0].source = number
                        with ada.transaction("inner"):
                            ada[1].source = number
                    kept += 1
            except KeyboardInterrupt:
                lost += 1
            assert signal.getsignal(signal.SIGINT) is handler, signal.getsignal(signal.SIGINT)
            assert ada[0].source == ada[1].source, turn
            assert bob[0].source == bob[1].source == ada[0].source, turn
            thread = threading.Thread(target=ada.append, args=("other thread",))
            thread.start()
            thread.join(5)
            assert not thread.is_alive(), "the transaction was never ended"
        print("kept", kept, lost)
    """)
    assert int(out.split()[2]) == 60


def test_interrupts_in_callbacks_reach_the_callback_and_no_update_is_lost() -> None:
    run("""
        spins = 0
        @ada.on_change("source")
        def slow(change):
            global spins
            end = time.monotonic() + 5
            while time.monotonic() < end:
                spins += 1

        ada.append("x")
        for turn in range(15):
            began = time.monotonic()
            try:
                interrupt_soon()
                ada[0].source = f"y {turn}"
                raise SystemExit("not interrupted")
            except KeyboardInterrupt:
                pass
            assert time.monotonic() - began < 4
            assert ada[0].source == bob[0].source
        assert spins
    """)


def test_an_interrupt_while_another_thread_holds_a_transaction() -> None:
    run("""
        entered, leave = threading.Event(), threading.Event()
        def other():
            with ada.transaction():
                ada.append("theirs")
                entered.set()
                leave.wait()
        thread = threading.Thread(target=other)
        thread.start()
        entered.wait()
        for write in (lambda: ada.append("mine"), lambda: ada.transaction().__enter__()):
            try:
                interrupt_soon()
                write()
                raise SystemExit("did not wait")
            except KeyboardInterrupt:
                pass
        leave.set()
        thread.join()
        with ada.transaction():
            ada.append("mine")
        assert [c.source for c in ada] == [c.source for c in bob] == ["theirs", "mine"]
        assert signal.getsignal(signal.SIGINT) is handler
    """)


def test_a_handler_of_the_users_own_is_called_after_the_operation() -> None:
    called: list[int] = []
    nb = Notebook.new()
    previous = signal.signal(signal.SIGINT, lambda number, _: called.append(number))
    try:
        with nb.document.writing():
            signal.raise_signal(signal.SIGINT)
            assert called == []
        assert called == [signal.SIGINT]
        with nb.transaction():
            signal.raise_signal(signal.SIGINT)
            assert len(called) == 2
    finally:
        signal.signal(signal.SIGINT, previous)


def test_ignored_interrupts_stay_ignored() -> None:
    nb = Notebook.new()
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with nb.transaction():
            nb.append("x")
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, previous)


# ----------------------------------------------------------------------------------------------------- forks


def test_a_forked_child_reads_and_is_told_why_it_cannot_write() -> None:
    out = run("""
        from rtc_widgets.errors import NotConnected
        ada.append("x")
        stop = threading.Event()
        def io():
            doc = bob
            while not stop.is_set():
                bob[0].source = "y" * random.randrange(50)
        thread = threading.Thread(target=io)
        thread.start()
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                try:
                    assert set(ada[0].source) <= {"x", "y"}
                    for write in (lambda: ada.append("child"), lambda: ada.transaction().__enter__()):
                        try:
                            write()
                            os._exit(3)
                        except NotConnected as error:
                            assert "forked child" in str(error)
                    os._exit(0)
                except BaseException as error:
                    print(repr(error), flush=True)
                    os._exit(4)
            _, status = os.waitpid(pid, 0)
            assert status == 0, status
        stop.set()
        thread.join()
        pid = None
        with ada.transaction():
            ada.append("parent")
            pid = os.fork()
            if pid == 0:
                signal.alarm(5)
                try:
                    ada.append("child")
                except NotConnected:
                    os._exit(0)
                os._exit(3)
            assert os.waitpid(pid, 0)[1] == 0
        assert bob[-1].source == "parent"
        assert len(bob) == 2
        print("fine")
    """)
    assert out.strip() == "fine"


def until(fact: Callable[[], bool]) -> None:
    """Wait until *fact* holds."""
    pause = threading.Event()
    for _ in range(2_000):
        if fact():
            return
        pause.wait(0.005)
    raise AssertionError("It did not happen within 10 s.")


def test_the_copy_that_is_kept_for_the_next_transaction_follows_what_happened_since() -> None:
    ada, bob, _ = two()
    with ada.transaction():
        ada[0].source = "a"
    bob[0].text.append("b")
    del bob[1]
    ada.append("alone")
    with ada.transaction():
        assert sources(ada) == sources(bob) == ["ab", "", "<b>", "alone"]
        with pytest.raises(RuntimeError), ada.transaction():
            ada[0].source = "never"
            raise RuntimeError
        ada[0].text.append("c")
    with pytest.raises(RuntimeError), ada.transaction():
        ada.clear()
        raise RuntimeError
    bob[0].text.append("d")
    with ada.transaction():
        assert sources(ada) == ["abcd", "", "<b>", "alone"]
        ada.pop()
    assert ada.to_dict() == bob.to_dict()
    assert sources(bob) == ["abcd", "", "<b>"]
    ada.undo()
    assert sources(bob) == ["abcd", "", "<b>", "alone"]
