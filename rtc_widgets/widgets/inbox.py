"""What people do in widgets, heard while a cell runs: a comm that is only received on (docs/design.md).

A widget's own comm is deaf then: its messages wait on the shell channel, and where the kernel has subshells they go
where the kernel last published from, which is the running cell. So a page that can reach the control channel speaks
there.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from rtc_widgets.channels.control import ControlIntercept
from rtc_widgets.widgets.worker import kernel_of_process

__all__ = ["COMM_ID", "hear"]

COMM_ID = "rtc_widgets.widgets"


# Takes what is said to one widget, in the control thread: must only enqueue.
Hearer = Callable[[Mapping[str, Any]], None]
_hearers: dict[str, weakref.WeakMethod[Hearer]] = {}
_intercept: ControlIntercept | None = None


def hear(name: str, hearer: Hearer) -> bool:
    """Have what is said to a widget of this *name* delivered; tell whether it is, also while a cell runs.

    Args:
        name: of the widget.
        hearer: a method; the widget may go at any time.
    """
    global _intercept  # noqa: PLW0603 (a process has one kernel)
    kernel = kernel_of_process()
    if not hasattr(getattr(kernel, "control_stream", None), "on_recv"):
        return False
    if _intercept is None:
        _intercept = ControlIntercept(kernel, _deliver, COMM_ID)
    _intercept.ensure()
    _hearers[name] = weakref.WeakMethod(hearer, lambda _: _hearers.pop(name, None))
    return _intercept.during_cells


def _deliver(message: dict[str, Any]) -> None:
    data = message["content"].get("data")
    if isinstance(data, Mapping):
        found = _hearers.get(str(data.get("widget")))
        hearer = None if found is None else found()
        if hearer is not None:
            hearer(data)
