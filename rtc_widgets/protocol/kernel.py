"""How a kernel and its relay address each other (section 8).

Mostly neither side opens a comm there, so what would be a ``comm_open`` or ``comm_close`` is a *kind* in
``content.data``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.codec import MAX_VARUINT

__all__ = [
    "COMM_TARGET",
    "DOWNLINK_ID",
    "UPLINK_ID",
    "UPLINK_TOPIC",
    "Hello",
    "Kind",
    "Opening",
    "content",
    "is_text",
    "parse",
]

UPLINK_ID = "rtc_widgets.uplink"
UPLINK_TOPIC = f"comm-{UPLINK_ID}".encode()
DOWNLINK_ID = "rtc_widgets.downlink"
# Of the comm that a kernel opens which offers nothing but comms; its id then stands for both of the above.
COMM_TARGET = "rtc_widgets.kernel"

Kind = Literal["hello", "welcome", "refused", "open", "frame", "head", "resync", "close", "bye"]
# The keys each kind must have besides "kind" and "session", and their types.
_REQUIRED: dict[str, dict[str, type]] = {
    "hello": {"versions": list, "release": str, "ways": list},
    "welcome": {"comm_id": str, "seq": int, "welcome": dict},
    "refused": {"code": str, "reason": str},
    "open": {"open": int, "path": str, "format": str, "type": str},
    "frame": {"comm_id": str, "seq": int},
    "head": {"comm_id": str, "seq": int},
    "resync": {"comm_id": str},
    "close": {"comm_id": str, "code": str, "reason": str},
    "bye": {"code": str, "reason": str},
}


@dataclass(frozen=True, slots=True)
class Hello:
    """Say that a kernel wants its notebooks."""

    session: str
    versions: list[int]
    release: str
    implementation: str = ""
    ways: list[str] = field(default_factory=lambda: ["control"])
    cell_id: str | None = None
    path: str | None = None
    lineages: dict[str, str] = field(default_factory=dict)

    def to_data(self) -> dict[str, Any]:
        """Return ``content.data`` of the hello."""
        return {
            "kind": "hello",
            "session": self.session,
            "versions": self.versions,
            "release": self.release,
            "implementation": self.implementation,
            "ways": self.ways,
            "cell_id": self.cell_id,
            "path": self.path,
            "lineages": self.lineages,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Hello:
        """Read ``content.data`` that `parse` has checked; of what it has not, what is of another type is left out."""
        cell_id, path, lineages = (data.get(key) for key in ("cell_id", "path", "lineages"))
        return cls(
            session=data["session"],
            versions=[one for one in data["versions"] if isinstance(one, int)],
            release=data["release"],
            implementation=str(data.get("implementation", "")),
            ways=data["ways"],
            cell_id=cell_id if isinstance(cell_id, str) else None,
            path=path if isinstance(path, str) else None,
            lineages=lineages if isinstance(lineages, dict) else {},
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """Ask for a file besides the kernel's notebooks, or for its annotations; ``number`` stands in the answer."""

    number: int
    path: str
    format: str
    type: str
    lineage: str | None = None
    document: str = "content"

    def keys(self) -> dict[str, Any]:
        """Return ``content.data`` of the message, less what every message has."""
        return {
            "open": self.number,
            "path": self.path,
            "format": self.format,
            "type": self.type,
            "lineage": self.lineage,
            "document": self.document,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Opening:
        """Read ``content.data`` that `parse` has checked."""
        lineage = data.get("lineage")
        return cls(
            data["open"],
            data["path"],
            data["format"],
            data["type"],
            lineage if isinstance(lineage, str) else None,
            str(data.get("document", "content")),
        )


def content(comm_id: str, kind: Kind, session: str, **keys: Any) -> dict[str, Any]:
    """Return the content of an uplink or downlink message."""
    return {"comm_id": comm_id, "data": {"kind": kind, "session": session, **keys}}


def parse(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return ``content.data`` of an uplink or downlink message, checked, or None for a kind not known here.

    Raises:
        FrameError: a key is missing or has a wrong type, a number is none that a frame can hold, or text is none.
    """
    data = content.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("session"), str):
        raise FrameError("A message of the kernel link has no session.")
    kind = data.get("kind")
    required = _REQUIRED.get(kind) if isinstance(kind, str) else None
    if required is None:
        return None
    for key, type_ in required.items():
        if not isinstance(data.get(key), type_):
            raise FrameError(f"A {data['kind']!r} of the kernel link has no valid {key!r}.")
    for key, value in data.items():
        # A number comes back in a status, where it is a varuint.
        if key in required and isinstance(value, int) and not 0 <= value <= MAX_VARUINT:
            raise FrameError(f"A {kind!r} of the kernel link has no valid {key!r}.")
        # Text comes back in an answer, and half of a surrogate pair, as JSON may hold it, could not be encoded.
        if isinstance(value, str) and not is_text(value):
            raise FrameError(f"A {kind!r} of the kernel link has a {key!r} that is no text.")
    return data


def is_text(value: object) -> bool:
    """Tell whether *value* is text that can be encoded."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
