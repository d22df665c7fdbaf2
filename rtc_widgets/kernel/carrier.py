"""Choose how a kernel speaks and hears: its own channels where Python has them, else one comm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from rtc_widgets.errors import NotConnected
from rtc_widgets.kernel.comms import CommCarrier
from rtc_widgets.kernel.intercept import Deliver, intercept
from rtc_widgets.kernel.uplink import Uplink
from rtc_widgets.protocol import kernel as wire

__all__ = ["Carrier", "Hears", "Speaks", "carrier_of"]

_NO_CHANNELS = (
    "This kernel ({kernel}) has no channels that rtc_widgets could use. Use a kernel that is made with ipykernel 6.31 "
    "or newer."
)


class Hears(Protocol):
    """Deliver what the relay says."""

    @property
    def way(self) -> str:
        """Return what the hello calls it."""

    @property
    def during_cells(self) -> bool:
        """Tell whether messages arrive while a cell runs."""

    def ensure(self) -> None:
        """Hear on, also where the kernel has set its channels anew."""

    def remove(self) -> None:
        """Give the channel back."""


class Speaks(Protocol):
    """Publish what the kernel says."""

    def publish(self, kind: wire.Kind, buffers: Sequence[bytes] = (), **keys: Any) -> None:
        """Publish one message."""

    def hasty(self, now: float) -> bool:
        """Tell whether messages leave at once, and are not paced."""

    def flush(self, timeout: float) -> None:
        """Wait until everything was handed over, for at most *timeout* seconds."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """Name both directions, and whether a thread of ours may use them."""

    uplink: Speaks
    hear: Callable[[Deliver], Hears]
    any_thread: bool


def carrier_of(kernel: Any, session: str) -> Carrier:
    """Return the best that *kernel* has.

    Raises:
        NotConnected: it has nothing; `Carrier.hear` raises it, too.
    """
    # Kernels that are not ipykernel's have an IPython too, but channels of their own making.
    if hasattr(kernel, "session") and hasattr(kernel, "iopub_socket"):
        return Carrier(Uplink(kernel, session), partial(_intercepted, kernel), any_thread=True)
    if not hasattr(kernel, "comm_manager"):
        raise NotConnected(_NO_CHANNELS.format(kernel=type(kernel).__module__))
    comm = CommCarrier(session)
    return Carrier(comm, comm.hear, any_thread=False)


def _intercepted(kernel: Any, deliver: Deliver) -> Hears:
    heard = intercept(kernel, deliver)
    if heard is None:
        raise NotConnected(_NO_CHANNELS.format(kernel=type(kernel).__module__))
    return heard
