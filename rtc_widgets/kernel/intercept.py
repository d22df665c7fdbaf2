"""Hear the relay in the best way that a kernel has: on the control channel, or as a comm."""

from __future__ import annotations

from typing import Any

from rtc_widgets.channels.control import ControlIntercept, Deliver
from rtc_widgets.protocol.kernel import DOWNLINK_ID

__all__ = ["CommIntercept", "ControlIntercept", "Deliver", "intercept"]


def intercept(kernel: Any, deliver: Deliver) -> ControlIntercept | CommIntercept | None:
    """Hear the downlink in the best way that *kernel* has; None where it has none."""
    stream = getattr(kernel, "control_stream", None)
    if hasattr(stream, "on_recv") and hasattr(kernel, "dispatch_control"):
        return ControlIntercept(kernel, deliver, DOWNLINK_ID)
    manager = getattr(kernel, "comm_manager", None)
    if hasattr(manager, "register_comm"):
        return CommIntercept(manager, deliver)
    return None


class CommIntercept:
    """Deliver our messages from the shell channel, as a comm that nobody opened.

    For kernels without a control stream. A message waits there for the running cell to end.
    """

    way = "shell"
    during_cells = False

    def __init__(self, manager: Any, deliver: Deliver) -> None:
        self.comm_id = DOWNLINK_ID
        self.target_name = "rtc_widgets.document"
        self._manager = manager
        self._deliver = deliver
        manager.register_comm(self)

    def ensure(self) -> None:
        """Stay registered."""

    def remove(self) -> None:
        """Leave the comm manager."""
        if self._manager.get_comm(self.comm_id) is self:
            self._manager.unregister_comm(self)

    def handle_msg(self, message: dict[str, Any]) -> None:
        """Deliver one message."""
        self._deliver(message)
