"""How often a property is tried: a little in every run, and for hours where one wants to know."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

__all__ = ["patience", "tries"]

MORE = int(os.environ.get("RTC_WIDGETS_EXAMPLES", "1"))
"""How many times as many examples as usual are tried."""


def tries(examples: int, steps: int = 50) -> settings:
    """Return settings for about *examples* examples, of a state machine each of at most *steps* steps."""
    return settings(
        max_examples=examples * MORE,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=set(Phase) - {Phase.explain},  # it traces every line, which takes minutes
    )


patience = pytest.mark.timeout(60 * MORE)
