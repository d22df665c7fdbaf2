"""For the tests of those who build on this package: the exams of its seams, and a simulator of everything together."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtc_widgets.testing.channel_exam import ChannelExam
    from rtc_widgets.testing.simulator import attempt, soak
    from rtc_widgets.testing.store_exam import StoreExam

__all__ = ["ChannelExam", "StoreExam", "attempt", "soak"]

# Loaded when they are used: the exams need pytest, the simulator a server's environment.
_HOMES = {
    "ChannelExam": "rtc_widgets.testing.channel_exam",
    "StoreExam": "rtc_widgets.testing.store_exam",
    "attempt": "rtc_widgets.testing.simulator",
    "soak": "rtc_widgets.testing.simulator",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
