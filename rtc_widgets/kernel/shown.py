"""Show what a person's callbacks raise, in the output of the cell that registered them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

__all__ = ["shower"]

_INTRODUCTION = "A callback of rtc_widgets failed. It stays registered; this error is shown once.\n\n"


def shower(kernel: Any, log: Any) -> Callable[[], Callable[[BaseException], None]]:
    """Return what `LiveDocument.show` is: called in a cell, it returns what shows errors in that cell."""

    def subscribe() -> Callable[[BaseException], None]:
        # By the time that it fails another cell may run, or none.
        parent = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else {}
        shown: set[str] = set()

        def show(error: BaseException) -> None:
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next  # the first frame is ours
            text = "".join(traceback.format_exception(error))
            if text in shown:
                return
            shown.add(text)
            log.warning("A callback of a notebook's code failed:\n%s", text)
            _publish(kernel, parent, _INTRODUCTION + text)

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
