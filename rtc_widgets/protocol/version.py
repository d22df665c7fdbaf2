"""Which version of the protocol two releases speak (section 9)."""

from __future__ import annotations

from collections.abc import Iterable

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.protocol.codes import CloseCode

__all__ = ["VERSIONS", "choose"]

VERSIONS = (1,)


def choose(
    theirs: Iterable[int], *, peer: str, peer_release: str, our_release: str, us: str = "the server"
) -> int:
    """Return the highest version that both sides speak.

    Args:
        theirs: the versions that the other side names.
        peer: what the other side is, for the sentence: "the page", "the kernel".
        peer_release: its release of this package.
        our_release: ours.
        us: what this side is, for the sentence.

    Raises:
        ChannelClosed: there is none; the sentence names both releases and the side to upgrade.
    """
    offered = set(theirs)
    common = offered & set(VERSIONS)
    if common:
        return max(common)
    older = peer if max(offered, default=0) < min(VERSIONS) else us
    cure = "reload the page" if older == "the page" else "pip install -U rtc_widgets"
    raise ChannelClosed(
        CloseCode.VERSION_MISMATCH,
        f"{peer.capitalize()} has rtc_widgets {peer_release} and {us} has {our_release}, "
        f"which speak no common version of the protocol. Upgrade {older}: {cure}.",
    )
