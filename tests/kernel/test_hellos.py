"""When hellos are due, by the test's clock."""

from __future__ import annotations

from rtc_widgets.kernel.hellos import Hellos


def said(hellos: Hellos, until: float, *, missed: bool) -> list[float]:
    """Say each hello when it is due, and return when that was."""
    times = []
    while hellos.at is not None and hellos.at < until:
        times.append(round(now := hellos.at, 3))
        hellos.said(now, missed=missed)
    return times


def test_where_no_relay_ever_was_it_ends_after_eight() -> None:
    hellos = Hellos()
    hellos.begin(0.0)
    assert said(hellos, 1e9, missed=False) == [0, 0.1, 0.3, 0.7, 1.5, 3.1, 5.1, 7.1]
    assert hellos.at is None


def test_to_one_that_went_away_it_is_said_ever_more_rarely_and_not_for_ever() -> None:
    hellos = Hellos()
    hellos.begin(0.0)
    times = said(hellos, 1e9, missed=True)
    assert times[7:14] == [7.1, 9.1, 13.1, 21.1, 37.1, 67.1, 97.1]
    assert hellos.at is None and 12 * 3600 - 30 <= times[-1] <= 12 * 3600 + 30
    assert len(times) < 1500, "a line of the server's log each, if it were to log them"


def test_who_asks_meanwhile_is_heard_at_once() -> None:
    hellos = Hellos()
    hellos.begin(0.0)
    said(hellos, 50.0, missed=True)
    hellos.begin(50.0)
    assert said(hellos, 50.25, missed=True) == [50, 50.1]
    hellos.begin(50.25)
    assert said(hellos, 51.0, missed=True) == [50.3, 50.7], "it is at it"


def test_a_relay_that_does_not_know_the_notebook_yet_is_asked_for_some_minutes() -> None:
    hellos = Hellos()
    hellos.begin(0.0)
    said(hellos, 100.0, missed=True)
    times = []
    while hellos.at is not None:
        times.append(hellos.at)
        hellos.said(hellos.at, missed=True)
        hellos.put_off(times[-1])
    assert 5 <= len(times) <= 12 and times[-1] - times[0] <= 330
    hellos.put_off(1000.0)
    assert hellos.at is None, "what is at an end is not begun by an answer"
