"""Both directions over one comm, in a kernel that offers nothing but comms (docs/protocol.md, section 8).

xeus-python is such a kernel: it has IPython's shell, but no session that signs messages and no sockets that Python
could use. Its comm is spoken to on the shell channel, so a message waits for the running cell to end.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

from rtc_widgets.kernel.intercept import Deliver
from rtc_widgets.protocol import kernel as wire
from rtc_widgets.protocol.codes import CloseCode

__all__ = ["CommCarrier"]

# Messages a second that leave at once; above 1,000 JupyterLab's server mutes a kernel's iopub.
HASTE = 200


class CommCarrier:
    """Say hello by opening a comm, and speak and hear on it from then on.

    Args:
        session: the id that every message carries.
    """

    way = "comm"
    during_cells = False

    def __init__(self, session: str) -> None:
        self._session = session
        self._deliver: Deliver | None = None
        self._comm: Any = None
        self._lost = False
        self._pid = os.getpid()
        self._second = 0.0
        self._sent = 0

    def hear(self, deliver: Deliver) -> CommCarrier:
        """Hand each message to *deliver*, on the main thread, between cells."""
        self._deliver = deliver
        return self

    def publish(self, kind: wire.Kind, buffers: Sequence[bytes] = (), **keys: Any) -> None:
        """Publish one message; nothing from a forked child, whose sockets are its parent's.

        On the main thread only: the kernel itself publishes there without asking Python for anything, and two threads
        in one ZMQ socket crash the process.
        """
        if os.getpid() != self._pid:
            return
        assert threading.current_thread() is threading.main_thread()
        data = wire.content("", kind, self._session)["data"] | keys
        if self._comm is None:
            if kind == "hello":
                self._open(data)
            return
        self._sent += 1
        self._comm.send(data=data, buffers=[bytes(buffer) for buffer in buffers])

    def hasty(self, now: float) -> bool:
        """Tell whether what is written leaves at once: nobody comes back for it before the next write.

        Only a loop that writes without end is paced.
        """
        if now - self._second >= 1.0:
            self._second, self._sent = now, 0
        return self._sent < HASTE

    def flush(self, _timeout: float) -> None:
        """Nothing waits here: the kernel sends at once."""

    def ensure(self) -> None:
        """Have the session say hello again where a frontend that does not know the target has closed the comm.

        Asked once a cell, so that this never becomes a quarrel.
        """
        if self._lost and self._deliver is not None:
            self._lost = False
            code = CloseCode.GOING_AWAY
            self._deliver(
                {
                    "content": wire.content("", "bye", self._session, code=str(code), reason=code.sentence),
                    "buffers": [],
                }
            )

    def remove(self) -> None:
        """Close the comm."""
        self._deliver = None
        comm, self._comm = self._comm, None
        if comm is not None and os.getpid() == self._pid:
            comm.close()

    def _open(self, hello: dict[str, Any]) -> None:
        from comm import create_comm  # noqa: PLC0415 - the kernel puts its own in place of the package's

        self._comm = create_comm(target_name=wire.COMM_TARGET, data=hello)
        self._comm.on_msg(self._on_message)
        self._comm.on_close(self._on_close)

    def _on_message(self, message: dict[str, Any]) -> None:
        if self._deliver is not None:
            self._deliver(message)

    def _on_close(self, _message: Any = None) -> None:
        self._comm, self._lost = None, self._deliver is not None
