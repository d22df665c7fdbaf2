"""The heartbeat: a message of no document, which comes back as it was sent (section 2)."""

from __future__ import annotations

__all__ = ["HEARTBEAT"]

HEARTBEAT = "rtc_widgets.heartbeat"
