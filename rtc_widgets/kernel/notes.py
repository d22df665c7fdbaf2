"""The annotations of one document in this kernel: a replica that only the relay writes, asked for when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.kernel_link.flow import Receiver
from rtc_widgets.origins import Origin
from rtc_widgets.protocol import peer, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Welcome

__all__ = ["LinkedNotes"]

_REMOTE = Origin("remote", detail="relay")
_READ_ONLY = "Only the server writes what is said about a document: ask it, as cell.comment() does."


class LinkedNotes:
    """Hold the annotations of one file; all methods run in the session's thread.

    It is there once it was asked for, also while the relay is away: what was heard can be read.
    """

    def __init__(self) -> None:
        self.live = LiveDocument()
        self.live.detach(_READ_ONLY)
        self.arrived: Future[LiveDocument] = Future()
        self.comm_id: str | None = None  # while the relay has us in
        self.lineage: str | None = None
        self.receiver = Receiver()

    def meet(self, comm_id: str, welcome: Welcome) -> None:
        """Take a welcome, the first or a later one; its message is the relay's first."""
        if self.lineage not in {None, welcome.lineage}:
            self.live.rebuild()
        self.comm_id, self.lineage = comm_id, welcome.lineage
        self.receiver = Receiver(welcome.limits.message)

    def receive(self, seq: int, buffers: Sequence[bytes], now: float) -> None:
        """Take one numbered message of the relay's.

        Raises:
            ProtocolError: it does not parse.
        """
        for frame in self.receiver.message(seq, buffers, now):
            match peer.decode(frame):
                case sync.Step2(update):
                    self.live.apply_remote(update, _REMOTE)
                    if not self.arrived.done():
                        self.arrived.set_result(self.live)
                case sync.Update(update):
                    self.live.apply_remote(update, _REMOTE)
                case _:
                    pass  # nobody says anything of themselves here, and nothing is asked for

    def resync(self) -> bytes:
        """Return the frame that asks for what is missing here."""
        return sync.step1(self.live.state_vector())

    def away(self) -> None:
        """Note that the relay has us in no longer."""
        self.comm_id = None

    def refuse(self, code: str, reason: str) -> None:
        """Tell whoever waits that they do not come."""
        self.away()
        if not self.arrived.done():
            self.arrived.set_exception(ChannelClosed(code, reason))

    def end(self, reason: str) -> None:
        """End for good, with the document that they are about."""
        self.refuse(CloseCode.GONE, reason)
