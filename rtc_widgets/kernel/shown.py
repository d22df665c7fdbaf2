"""Show what a person's callbacks raise, in the output of the cell that registered them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

__all__ = ["parent_of", "shower"]

_INTRODUCTION = "A callback of rtc_widgets failed. It stays registered; this error is shown once.\n\n"


def parent_of(kernel: Any) -> dict[str, Any]:
    """Return the message whose cell runs, empty where the kernel does not say."""
    if not hasattr(kernel, "get_parent"):
        return {}
    # xeus-python has one channel to ask about, and takes no argument.
    parent: dict[str, Any] = kernel.get_parent("shell") if hasattr(kernel, "session") else kernel.get_parent()
    return parent or {}


def shower(
    kernel: Any, log: Any, later: Callable[[str], None]
) -> Callable[[], Callable[[BaseException], None]]:
    """Return what `LiveDocument.show` is: called in a cell, it returns what shows errors in that cell.

    Args:
        later: shows a text in the next cell, where the kernel cannot show it in one that has ended.
    """

    def subscribe() -> Callable[[BaseException], None]:
        # By the time that it fails another cell may run, or none.
        parent = parent_of(kernel)
        shown: set[str] = set()

        def show(error: BaseException) -> None:
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next  # the first frame is ours
            text = "".join(traceback.format_exception(error))
            if text in shown:
                return
            shown.add(text)
            log.warning("A callback of a notebook's code failed:\n%s", text)
            if hasattr(kernel, "session"):
                _publish(kernel, parent, _INTRODUCTION + text)
            else:
                later(_INTRODUCTION + text)

        return show

    return subscribe


def _publish(kernel: Any, parent: dict[str, Any], text: str) -> None:
    from jupyter_client.session import msg_header  # noqa: PLC0415 - loads tornado

    session = kernel.session
    # A header of our own, as in `Uplink`: the session counts its ids without a lock.
    header = msg_header(
        f"{session.session}_rtc_error_{id(text)}", "stream", session.username, session.session
    )
    content = {"name": "stderr", "text": text}
    session.send(kernel.iopub_socket, "stream", content, parent=parent, ident=b"stream.stderr", header=header)
