"""Events: what the relay tells without being asked (section 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.codec import Reader, varbytes, varstring, varuint
from rtc_widgets.protocol.json_text import dump, load

__all__ = ["TYPE", "Event", "decode", "encode"]

TYPE = 67


@dataclass(frozen=True, slots=True)
class Event:
    """Tell something by name."""

    name: str
    params: dict[str, Any]


def encode(name: str, params: Mapping[str, Any]) -> bytes:
    """Encode an event."""
    return varuint(TYPE) + varstring(name) + varbytes(dump(dict(params)))


def decode(reader: Reader) -> Event:
    """Decode what follows the type of an event."""
    name, text = reader.varstring(), reader.varstring()
    reader.end()
    params = load(text, "An event's text")
    if not isinstance(params, dict):
        raise FrameError("The event's JSON is not an object.")
    return Event(name, params)
