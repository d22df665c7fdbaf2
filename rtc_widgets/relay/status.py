"""What there is on a server now, for who watches over it (docs/operations.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtc_widgets._version import __version__
from rtc_widgets.errors import FrameError

if TYPE_CHECKING:
    from rtc_widgets.relay.relay import Relay
    from rtc_widgets.rooms.document import RoomDocument
    from rtc_widgets.rooms.peer import RoomPeer
    from rtc_widgets.rooms.room import Room

__all__ = ["status_of"]


def status_of(relay: Relay) -> dict[str, Any]:
    """Return the status of *relay*, as JSON can hold it."""
    counts = relay.counts
    return {
        "release": __version__,
        "store": {"path": str(relay.store_path), "bytes": relay.store_bytes},
        "connections": len(relay.connections),
        "updates": counts.updates,
        "bytes": counts.bytes,
        "dropped": {str(code): count for code, count in counts.dropped.items()},
        "rooms": [_room(room) for room in relay.rooms.all],
    }


def _room(room: Room) -> dict[str, Any]:
    problem = room.backing.problem
    return {
        "path": room.path,
        "format": room.format,
        "type": room.type,
        "room": room.id,
        "view": room.source is not None,
        "unsaved": room.backing.unsaved,
        "last_saved": room.backing.saved_at,
        "problem": None if problem is None else {"code": problem.code, "message": problem.reason},
        "documents": {name: _document(document) for name, document in room.documents.items()},
    }


def _document(document: RoomDocument) -> dict[str, Any]:
    try:
        state = document.state_hash()
    except FrameError:  # updates that wait for others, which never came
        state = None
    return {
        "state": state,
        "lag_ms": round(document.lag * 1000, 1),
        "uncommitted": document.uncommitted,
        "peers": [_peer(peer) for peer in document.peers],
    }


def _peer(peer: RoomPeer) -> dict[str, Any]:
    return {
        "user": peer.user,
        "kind": peer.identity.get("kind", "person"),
        "role": str(peer.role),
        "unsent": getattr(peer, "unsent", 0),
    }
