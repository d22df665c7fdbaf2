"""One document in this kernel: its live replica, and both directions of its traffic with the relay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.kernel_link.flow import Receiver, Sender
from rtc_widgets.origins import Origin
from rtc_widgets.protocol import auth, event, peer, request, status, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.roles import Role

__all__ = ["LinkedDocument"]

_REMOTE = Origin("remote", detail="relay")


class LinkedDocument:
    """Hold one document that the relay gave this kernel.

    All methods but `on_update`'s callback run in the session's thread, so nothing here needs a lock.

    Args:
        comm_id: names the document.
        welcome: what the relay said of it.
        primary: whether it is the notebook that the code runs in.
        wake: puts a call into the session's queue; from any thread.
    """

    def __init__(
        self, comm_id: str, welcome: Welcome, *, primary: bool, wake: Callable[[Callable[[], None]], None]
    ) -> None:
        self.comm_id = comm_id
        self.live = LiveDocument()
        self.notebook = Notebook(self.live)
        self.synced = threading.Event()
        self.receiver = Receiver(welcome.limits.message)
        self.sender = Sender(welcome.limits.frame)
        self.acknowledged = 0
        self._wake = wake
        self._requests: dict[int, Future[Any]] = {}
        self._last_request = 0
        self._subscription = self.live.on_update(self._on_update)
        self.meet(welcome, primary=primary)

    def meet(self, welcome: Welcome, *, primary: bool) -> None:
        """Take a welcome, the first or a later one; its message is the relay's first."""
        self.welcome = welcome
        self.path = welcome.path
        self.primary = primary
        self.receiver.restart()
        self.obey(welcome.role)

    def obey(self, role: Role) -> None:
        """Take writes from now on, or refuse them here: the relay would close the document."""
        if role.may_write:
            self.live.attach()
        else:
            self.live.detach(CloseCode.READ_ONLY.sentence)

    def receive(self, seq: int, buffers: Sequence[bytes], now: float) -> None:
        """Take one numbered message of the relay's.

        Raises:
            ProtocolError: it does not parse.
        """
        for frame in self.receiver.message(seq, buffers, now):
            self.take(frame)

    def take(self, frame: bytes) -> None:
        """Take one whole frame of the relay's.

        Raises:
            ProtocolError: it does not parse.
        """
        value = peer.decode(frame)
        match value:
            case sync.Step1(vector):
                self.sender.put(sync.step2(self.live.diff_update(vector)))
            case sync.Step2(update):
                self.live.apply_remote(update, _REMOTE)
                self.synced.set()
            case sync.Update(update):
                self.live.apply_remote(update, _REMOTE)
            case status.Status(seq):
                self.acknowledged = max(self.acknowledged, seq)
            case event.Event("renamed", params):
                self.path = str(params.get("path", self.path))
            case event.Event("role", params) if params.get("role") in set(Role):
                self.obey(Role(params["role"]))
            case request.Response(id_, ok, result):
                self._answered(id_, ok=ok, result=result)
            case auth.Denied():
                pass  # the close that follows says it all

    def resync(self) -> bytes:
        """Return the frame that asks for what is missing here."""
        return sync.step1(self.live.state_vector())

    def request(self, method: str, params: dict[str, Any]) -> Future[Any]:
        """Ask the relay for something; from any thread. The future raises `ChannelClosed` for a refusal."""
        future: Future[Any] = Future()

        def put() -> None:
            self._last_request += 1
            self._requests[self._last_request] = future
            self.sender.put(request.encode_request(self._last_request, method, params))

        self._wake(put)
        return future

    def end(self, reason: str) -> None:
        """Detach the replica: whoever uses it from now on is told *reason*."""
        self._subscription.close()
        self.live.detach(reason)
        for future in self._requests.values():
            future.set_exception(ChannelClosed("gone", reason))
        self._requests.clear()

    def _on_update(self, update: bytes, _origin: Origin) -> None:
        """Hand a change made here to the session's thread; the thread that made it waits for us."""
        self._wake(lambda: self.sender.put_update(update))

    def _answered(self, id_: int, *, ok: bool, result: Any) -> None:
        future = self._requests.pop(id_, None)
        if future is None or future.cancelled():
            return
        if ok:
            future.set_result(result)
        else:
            future.set_exception(ChannelClosed(str(result.get("code")), str(result.get("reason"))))
