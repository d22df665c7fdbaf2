"""Publish our messages on the kernel's iopub channel (docs/protocol.md, section 8)."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Sequence
from typing import Any

from rtc_widgets.protocol import kernel as wire

__all__ = ["Uplink"]


class Uplink:
    """Publish ``comm_msg``s on a comm id that nobody opened: no frontend lists, answers or closes it.

    They have no parent: a message parented to a cell would be counted, kept and forwarded as that cell's
    output by clients that collect by parent (nbclient, JupyterLab's futures). What a thread sends belongs to
    no cell.

    Args:
        kernel: an ipykernel kernel; its iopub socket may be used from any thread.
        session: the id that every message carries.
    """

    def __init__(self, kernel: Any, session: str) -> None:
        from jupyter_client.session import msg_header  # noqa: PLC0415 - loads tornado

        self._kernel = kernel
        self._session = session
        self._pid = os.getpid()
        self._numbers = itertools.count(1)
        self._header = msg_header

    def publish(self, kind: wire.Kind, buffers: Sequence[bytes] = (), **keys: Any) -> None:
        """Publish one message; nothing from a forked child, whose sockets are its parent's."""
        if os.getpid() != self._pid:
            return
        content = wire.content(wire.UPLINK_ID, kind, self._session)
        content["data"] |= keys
        session = self._kernel.session
        # A header of our own: the session counts its ids without a lock, and we are in a thread of ours.
        header = self._header(
            f"{session.session}_rtc{self._session}_{next(self._numbers)}",
            "comm_msg",
            session.username,
            session.session,
        )
        session.send(
            self._kernel.iopub_socket,
            "comm_msg",
            content,
            ident=wire.UPLINK_TOPIC,
            buffers=list(buffers),
            header=header,
        )

    def hasty(self, _now: float) -> bool:
        """Tell that messages are paced: the session's thread comes back for the next."""
        return False

    def flush(self, timeout: float) -> None:
        """Wait until the iopub thread has handed everything over, for at most *timeout* seconds."""
        thread = getattr(self._kernel, "iopub_thread", None)
        if thread is None or os.getpid() != self._pid:
            return
        done = threading.Event()
        thread.schedule(done.set)
        done.wait(timeout)
