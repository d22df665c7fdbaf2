"""A session's thread: what is put there runs in order, and soon also while a cell computes."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from support.server import until

from rtc_widgets.kernel.worker import ThreadWorker

THEIRS = 0.004  # seconds; not Python's own, so that giving back is told from setting the usual
LOG = logging.getLogger(__name__)


@pytest.fixture(autouse=True)
def interval() -> Iterator[None]:
    """Have a switch interval that somebody chose."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(THEIRS)
    yield
    sys.setswitchinterval(usual)


def given_back() -> bool:
    return sys.getswitchinterval() == pytest.approx(THEIRS)


def test_while_a_message_is_under_way_threads_switch_sooner_and_then_as_before():
    worker = ThreadWorker(lambda: None, LOG)
    during: list[float] = []
    heard = threading.Event()
    worker.start()
    worker.put(lambda: during.append(sys.getswitchinterval()))
    worker.put(heard.set)
    assert heard.wait(60)
    until(given_back, "the interval is given back when nothing more follows")
    assert during[0] <= THEIRS / 2
    worker.end(lambda: during.append(sys.getswitchinterval()), timeout=60)
    assert len(during) == 2
    assert given_back()


def test_an_interval_that_was_set_meanwhile_stays():
    worker = ThreadWorker(lambda: None, LOG)
    chosen = threading.Event()

    def choose() -> None:
        sys.setswitchinterval(THEIRS * 3)
        chosen.set()

    worker.start()
    worker.put(choose)
    assert chosen.wait(60)
    worker.end(lambda: None, timeout=60)
    # What is put while it ends is short again for a moment, but of what was chosen.
    assert sys.getswitchinterval() == pytest.approx(THEIRS * 3)


def test_a_forked_child_gets_the_interval_back_without_the_thread():
    worker = ThreadWorker(lambda: None, LOG)  # not started: as in a child, nobody takes what is put
    worker.put(lambda: None)
    assert not given_back()
    worker.abandon()
    assert given_back()


def test_calls_run_in_order_and_one_that_fails_stops_none(caplog: pytest.LogCaptureFixture):
    worker = ThreadWorker(lambda: None, LOG)
    ran: list[int] = []
    worker.start()
    for number in range(100):
        worker.put(lambda number=number: ran.append(number))
        if number == 50:
            worker.put(lambda: ran[-1] // 0)
    worker.end(lambda: ran.append(100), timeout=60)
    assert ran == [*range(101)]
