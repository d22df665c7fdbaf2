"""One connection's share of the server's time."""

from __future__ import annotations

from rtc_widgets.relay.connection import Rate


async def test_ten_seconds_of_messages_may_come_at_once_and_not_one_more():
    now = 0.0
    rate = Rate(20, lambda: now)
    assert all(rate.take() for _ in range(200))
    assert not rate.take()


async def test_what_was_used_up_comes_back_with_time_and_no_more_than_was_there():
    now = 0.0
    rate = Rate(20, lambda: now)
    assert rate.take(200)
    now = 1.0
    assert rate.take(20) and not rate.take()
    now = 1000.0
    assert rate.take(200) and not rate.take()
