"""The relay's welcome: role, lineage and limits of a document (section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rtc_widgets.errors import FrameError
from rtc_widgets.roles import Role

__all__ = ["Limits", "Welcome"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold the limits of section 11: bytes, and messages a second."""

    frame: int = 2**20
    message: int = 2**28
    awareness: int = 2**16
    rate: int = 1000


@dataclass(frozen=True, slots=True)
class Welcome:
    """Tell a peer what it joined."""

    version: int
    release: str
    role: Role
    lineage: str
    document: str
    path: str
    room: str
    limits: Limits = field(default_factory=Limits)

    def to_json(self) -> dict[str, Any]:
        """Return the welcome as JSON can hold it."""
        return asdict(self) | {"role": str(self.role)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Welcome:
        """Read a welcome; keys that are not known are ignored.

        Raises:
            FrameError: a key is missing or has a wrong type.
        """
        try:
            known = {name: int(number) for name, number in value.get("limits", {}).items() if name in _LIMITS}
            return cls(
                version=int(value["version"]),
                release=str(value["release"]),
                role=Role(value["role"]),
                lineage=str(value["lineage"]),
                document=str(value["document"]),
                path=str(value["path"]),
                room=str(value["room"]),
                limits=Limits(**known),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FrameError(f"The welcome does not parse: {error!r}.") from error


_LIMITS = frozenset(Limits.__dataclass_fields__)
