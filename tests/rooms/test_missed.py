"""Who was not here is told when they come; who comes much later is not."""

from __future__ import annotations

from rtc_widgets.rooms.missed import LINGER, Missed


def test_what_nobody_has_heard_waits_for_as_long_as_it_takes() -> None:
    missed = Missed()
    missed.keep({"code": "merged"}, 0.0, heard=False)
    assert missed.of(1e6) == [{"code": "merged"}], "the first who comes is told"
    assert missed.of(1e6 + LINGER / 2) == [{"code": "merged"}], "and those who come soon after"
    assert missed.of(1e6 + LINGER) == []


def test_what_was_heard_is_told_for_some_minutes_to_those_who_come_back() -> None:
    missed = Missed()
    missed.keep({"n": 1}, 0.0, heard=True)
    missed.keep({"n": 2}, 100.0, heard=True)
    assert missed.of(150.0) == [{"n": 1}, {"n": 2}]
    assert missed.of(LINGER + 50.0) == [{"n": 2}]
    assert missed.of(LINGER + 100.0) == []


def test_a_program_that_fights_with_people_fills_no_memory() -> None:
    missed = Missed()
    for n in range(100):
        missed.keep({"n": n}, 0.0, heard=False)
    assert [notice["n"] for notice in missed.of(0.0)] == list(range(92, 100))
