"""Requests to the relay and its responses (section 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol.codec import Reader, varbytes, varstring, varuint
from rtc_widgets.protocol.json_text import dump, load

__all__ = [
    "REQUEST",
    "RESPONSE",
    "Request",
    "Response",
    "decode_request",
    "decode_response",
    "encode_request",
    "encode_response",
]

REQUEST = 65
RESPONSE = 66


@dataclass(frozen=True, slots=True)
class Request:
    """Ask the relay to do something."""

    id: int
    method: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Response:
    """Answer a `Request`: the result, or ``{code, reason}`` where it is not ok."""

    id: int
    ok: bool
    result: Any


def encode_request(id_: int, method: str, params: Mapping[str, Any] | None = None) -> bytes:
    """Encode a request."""
    return varuint(REQUEST) + varuint(id_) + varstring(method) + varbytes(dump(dict(params or {})))


def decode_request(reader: Reader) -> Request:
    """Decode what follows the type of a request."""
    request = Request(reader.varuint(), reader.varstring(), _object(reader.varstring()))
    reader.end()
    return request


def encode_response(id_: int, ok: bool, result: Any) -> bytes:
    """Encode a response; *result* is anything that JSON can hold."""
    return varuint(RESPONSE) + varuint(id_) + varuint(int(ok)) + varbytes(dump(result))


def decode_response(reader: Reader) -> Response:
    """Decode what follows the type of a response."""
    id_, ok, text = reader.varuint(), reader.varuint(), reader.varstring()
    reader.end()
    if ok > 1:
        raise FrameError("A response is neither ok nor not ok.")
    return Response(id_, bool(ok), load(text, "A response's text"))


def _object(text: str) -> dict[str, Any]:
    value = load(text, "A request's text")
    if not isinstance(value, dict):
        raise FrameError("The frame's JSON is not an object.")
    return value
