"""For the tests of those who build on this package: the exams that implementations of its seams must pass."""

from __future__ import annotations

from rtc_widgets.testing.channel_exam import ChannelExam
from rtc_widgets.testing.store_exam import StoreExam

__all__ = ["ChannelExam", "StoreExam"]
