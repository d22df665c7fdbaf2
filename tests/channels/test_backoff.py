"""Waits double, up to a limit, with jitter."""

from __future__ import annotations

import pytest

from rtc_widgets.channels.backoff import Backoff


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.5), (0.5, 0.75), (0.999999, 1.0)])
def test_waits_double_up_to_a_limit(chance: float, factor: float) -> None:
    backoff = Backoff(0.5, 15.0, lambda: chance)
    waits = [backoff.next() for _ in range(100)]
    assert waits[:6] == pytest.approx([factor * wait for wait in (0.5, 1, 2, 4, 8, 15)], rel=1e-5)
    assert waits[-1] == pytest.approx(factor * 15.0, rel=1e-5)
    backoff.reset()
    assert backoff.next() == pytest.approx(factor * 0.5, rel=1e-5)
