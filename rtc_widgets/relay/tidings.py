"""What happens to documents, as events of jupyter_server's event bus, for whoever listens there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtc_widgets.rooms.room import Room

__all__ = ["SCHEMA_ID", "Tidings"]

SCHEMA_ID = "https://events.jupyter.org/rtc_widgets/documents/v1"
_TEXT = {"type": "string"}
_SCHEMA = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "Shared documents",
    "personal-data": True,
    "description": "What happened to a document that rtc_widgets shares.",
    "type": "object",
    "required": ["action"],
    "properties": {
        "action": {
            "enum": ["opened", "closed", "conflict", "notice", "dropped", "damaged"],
            "description": "A document was opened, or closed by its last participant; it was changed in the same "
            "places as its file, and holds both; everybody in it was told something else; a peer, or a whole "
            "connection, was dropped; the log is damaged.",
        },
        "path": {**_TEXT, "description": "The file's, as the contents manager has it."},
        "room": {**_TEXT, "description": "Names the document over renames."},
        "code": {**_TEXT, "description": "Of docs/protocol.md, sections 3.5 and 5."},
        "message": {**_TEXT, "description": "The sentence that people are shown."},
        "user": {**_TEXT, "description": "Whose connection it was, where that is known."},
    },
}


class Tidings:
    """Tell the server's event bus.

    Args:
        bus: jupyter_server's ``event_logger``.
    """

    def __init__(self, bus: Any) -> None:
        self._bus = bus
        if SCHEMA_ID not in bus.schemas:
            bus.register_event_schema(_SCHEMA)

    def tell(self, action: str, room: Room | None = None, **more: str) -> None:
        """Tell what happened; costs nothing where nobody listens."""
        where = {} if room is None else {"path": room.path, "room": room.id}
        self._bus.emit(schema_id=SCHEMA_ID, data={"action": action, **where, **more})

    def dropped(self, code: str, user: str) -> None:
        """Tell that a peer of *user* was dropped."""
        self.tell("dropped", code=str(code), user=user)

    def told(self, room: Room, level: str, code: str, message: str) -> None:
        """Tell what everybody in *room* is told."""
        self.tell("conflict" if code == "merged" else "notice", room, code=code, message=message)
