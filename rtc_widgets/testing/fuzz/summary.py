"""What a frame or a message of the corpus decodes to, in a form that the TypeScript suite has, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol import (
    auth,
    awareness,
    envelope,
    event,
    parts,
    query_awareness,
    request,
    status,
    sync,
)
from rtc_widgets.protocol.peer import Unknown, decode

__all__ = ["summaries", "summary"]


def summary(target: str, data: bytes) -> Any:
    """Return what *data* decodes to, ``refused`` where it does not."""
    try:
        return _frame(data) if target == "frame" else _message(data)
    except FrameError:
        return "refused"


def summaries(corpus: Path) -> str:
    """Return the summaries of a corpus, as ``tests/corpus/decoded.json`` has them."""
    found = {
        f"{target}/{file.name}": summary(target, file.read_bytes())
        for target in ("frame", "message")
        for file in sorted((corpus / target).iterdir())
    }
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def _message(data: bytes) -> Any:
    message = envelope.unpack(data)
    return [message.msg_type, message.comm_id, *(buffer.hex() for buffer in message.buffers)]


def _frame(data: bytes) -> Any:
    value = decode(data)
    if isinstance(value, awareness.Awareness):
        return ["awareness", *([one.client, one.clock] for one in awareness.decode_states(value.update))]
    name, *fields = _FIELDS[type(value)]
    return [name, *(_plain(getattr(value, field)) for field in fields)]


def _plain(value: Any) -> Any:
    """Return bytes in hexadecimal, and of JSON only how much it is: numbers are not the same in both languages."""
    if isinstance(value, bytes):
        return value.hex()
    return len(value) if isinstance(value, dict) else value


_FIELDS: dict[type, tuple[str, ...]] = {
    sync.Step1: ("step1", "state_vector"),
    sync.Step2: ("step2", "update"),
    sync.Update: ("update", "update"),
    auth.Denied: ("denied", "reason"),
    query_awareness.QueryAwareness: ("query-awareness",),
    status.Status: ("status", "seq"),
    request.Request: ("request", "id", "method", "params"),
    request.Response: ("response", "id", "ok"),
    event.Event: ("event", "name", "params"),
    parts.Part: ("part", "id", "index", "count", "piece"),
    Unknown: ("unknown", "type"),
}
