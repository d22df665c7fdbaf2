"""Take messages off the kernel's control channel before ipykernel sees them (design.md, decision 5).

ipykernel would answer each with two status broadcasts, and with a comm on a subshell steal the output of
people's threads. Taken here, a message costs neither, and it arrives while a cell runs. The same on ipykernel
6 and 7: in both, the control stream hands each message to one callback.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["ControlIntercept", "Deliver"]

Deliver = Callable[[dict[str, Any]], None]

# How long the control thread may take to change its callback, seconds.
_PATIENCE = 2.0


class ControlIntercept:
    """Deliver the messages of one comm from the control stream, and everything else to where it went before.

    Args:
        kernel: an ``ipykernel.kernelbase.Kernel``.
        deliver: called in the control thread with each message; must only enqueue.
        comm_id: of the messages; nobody else has a comm of that id.
    """

    way = "control"

    def __init__(self, kernel: Any, deliver: Deliver, comm_id: str) -> None:
        self._session = kernel.session
        self._stream = kernel.control_stream
        self._thread = getattr(kernel, "control_thread", None)
        self._deliver: Deliver | None = deliver
        self._comm_id = comm_id
        self._original: Callable[[Sequence[Any]], Any] = kernel.dispatch_control
        self.ensure()

    @property
    def during_cells(self) -> bool:
        """Tell whether messages arrive while a cell runs, for which the channel needs a thread of its own."""
        return self._thread is not None

    def ensure(self) -> None:
        """Be the stream's callback, also where ``Kernel.start`` set its own after we were loaded."""
        # Whoever intercepts already keeps getting its messages; and behind whom we stand already hands us ours.
        current = self._stream._recv_callback  # noqa: SLF001
        if not self._is_behind(current):
            self._original = current or self._original
            self._set(self._dispatch)

    def remove(self) -> None:
        """Give the stream back; if somebody intercepted after us, only step out of the way."""
        self._deliver = None
        if self._stream._recv_callback == self._dispatch:  # noqa: SLF001
            self._set(self._original)

    def _is_behind(self, callback: object) -> bool:
        """Tell whether messages that *callback* gets and does not take come here."""
        while True:
            owner = getattr(callback, "__self__", None)
            if not isinstance(owner, ControlIntercept):
                return False
            if owner is self:
                return True
            callback = owner._original  # noqa: SLF001 (of the same class)

    def _set(self, callback: Callable[[Sequence[Any]], Any]) -> None:
        """Change the callback in the thread that owns the stream: ZMQ sockets are not safe to share."""
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is threading.current_thread():
            self._stream.on_recv(callback, copy=False)
            return
        done = threading.Event()

        def change() -> None:
            self._stream.on_recv(callback, copy=False)
            done.set()

        self._stream.io_loop.add_callback(change)
        done.wait(_PATIENCE)

    def _dispatch(self, frames: Sequence[Any]) -> Any:
        deliver = self._deliver
        message = None if deliver is None else self._ours(frames)
        if deliver is None or message is None:
            return self._original(frames)
        deliver(message)
        return None

    def _ours(self, frames: Sequence[Any]) -> dict[str, Any] | None:
        """Return the message if it is ours and its signature is right.

        The first reading leaves the session's digest history alone: a message that turns out not to be ours
        is read again by ipykernel, which would take it for a replay.
        """
        try:
            _, parts = self._session.feed_identities(frames, copy=False)
            if len(parts) < 5 or b"comm_msg" not in parts[1].bytes:
                return None
            if self._comm_id.encode() not in parts[4].bytes:
                return None
            message = self._session.deserialize(parts, content=False, copy=False)
            content = self._session.unpack(message["content"])
            if message["msg_type"] != "comm_msg" or content.get("comm_id") != self._comm_id:
                return None
            taken: dict[str, Any] = self._session.deserialize(parts, content=True, copy=False)
            return taken
        except Exception:  # noqa: BLE001 - not ours to judge: ipykernel gets it and logs what is wrong
            return None
