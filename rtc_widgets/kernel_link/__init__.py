"""The hub's end of one kernel: hello, downlink and uplink over the kernel's own channels.

`flow` is pure and serves both ends. `link` needs jupyter_client and an asyncio loop, so it is loaded on first
use
only: a kernel imports `flow` and must not pay for the rest. docs/protocol.md, section 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtc_widgets.kernel_link.link import KernelLink, KernelManagerLike, LinkHandler

__all__ = ["KernelLink", "KernelManagerLike", "LinkHandler"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from rtc_widgets.kernel_link import link  # noqa: PLC0415 - the point of this function

        return getattr(link, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
