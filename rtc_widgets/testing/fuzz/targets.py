"""The targets: each takes bytes and returns what was made of them, or raises where something does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtc_widgets.errors import ChannelClosed, ProtocolError
from rtc_widgets.protocol import awareness, envelope, kernel, sync, version
from rtc_widgets.protocol.codec import Reader
from rtc_widgets.protocol.json_text import load
from rtc_widgets.protocol.peer import FrameReader, decode
from rtc_widgets.protocol.state_hash import state_hash
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.protocol.yjs_update import read_update
from rtc_widgets.testing.fuzz.attack import attack, bring
from rtc_widgets.testing.fuzz.house import Broken
from rtc_widgets.testing.fuzz.kernels import attack_from_kernel
from rtc_widgets.testing.fuzz.stock import attack_as_stock

__all__ = ["TARGETS", "Broken", "pieces"]

REFUSED = "refused"


def frame(data: bytes) -> Any:
    """Decode one frame, and what is in it."""
    value: Any = decode(data)
    if isinstance(value, awareness.Awareness):
        return [(one.client, one.clock, one.value) for one in awareness.decode_states(value.update)]
    if isinstance(value, sync.Step1):
        return sync.state_clients(value.state_vector)
    if isinstance(value, sync.Step2 | sync.Update):
        return len(read_update(value.update))
    return value


def frames(data: bytes) -> Any:
    """Put the frames of one sender together from parts."""
    reader = FrameReader(limit=1000)
    return [reader.receive(piece) for piece in pieces(data)]


def message(data: bytes) -> Any:
    """Decode a message of the WebSocket, and pack it again."""
    value = envelope.unpack(data)
    if envelope.unpack(envelope.pack(value)) != value:
        raise Broken("what was packed is another message")
    return value


def link(data: bytes) -> Any:
    """Read what a kernel and its relay tell each other, and the welcome in it."""
    said = kernel.parse({"data": load(data, "A message")})
    if said is None:
        return None
    match said["kind"]:
        case "hello":
            return kernel.Hello.from_data(said).to_data()
        case "open":
            return kernel.Opening.from_data(said).keys()
        case "welcome":
            return Welcome.from_json(said["welcome"]).to_json()
    return said


def versions(data: bytes) -> Any:
    """Choose a version."""
    theirs = load(data, "A message")
    known = [one for one in theirs if isinstance(one, int)] if isinstance(theirs, list) else []
    return version.choose(known, peer="the page", peer_release="0", our_release="0")


def vectors(data: bytes) -> Any:
    """Make the hash of a state out of a vector and deletions."""
    vector, deletions, *_ = [*pieces(data), b"", b""]
    return state_hash(vector, deletions)


def pieces(data: bytes) -> list[bytes]:
    """Cut *data* into what stands behind its length; the last piece is what is left."""
    reader = Reader(data)
    found: list[bytes] = []
    while True:
        before = reader.rest()
        if not before:
            return found
        reader = Reader(before)
        try:
            found.append(reader.varbytes())
        except ProtocolError:
            return [*found, before]


def _refusing(target: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def run(data: bytes) -> Any:
        try:
            return target(data)
        except (ProtocolError, ChannelClosed):
            return REFUSED

    run.__doc__ = target.__doc__
    return run


def updates(data: bytes) -> Any:
    """Bring one update after the other into a room's notebook."""
    return bring(pieces(data))


def room(data: bytes) -> Any:
    """Have somebody in a room send what *data* says, in the midst of others."""
    return attack(pieces(data))


def stock(data: bytes) -> Any:
    """Have a stock Yjs client in a room send what *data* says, in the midst of others."""
    return attack_as_stock(pieces(data))


def kernels(data: bytes) -> Any:
    """Have a kernel publish what *data* says, in the midst of others."""
    return attack_from_kernel(pieces(data))


TARGETS: dict[str, Callable[[bytes], Any]] = {
    **{one.__name__: _refusing(one) for one in (frame, frames, message, link, versions, vectors)},
    "updates": updates,
    "room": room,
    "stock": stock,
    "kernels": kernels,
}
"""What takes bytes, by name. Each raises only where something does not hold that must."""
