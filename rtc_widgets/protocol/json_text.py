"""JSON as a browser reads and writes it: Python's own reader takes more, which would break every page."""

from __future__ import annotations

import json
from typing import Any

from rtc_widgets.errors import FrameError

__all__ = ["dump", "load"]


def dump(value: Any) -> bytes:
    """Return *value* as JSON in UTF-8; half of a surrogate pair, which JSON may hold and UTF-8 may not, is escaped."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def load(text: str | bytes, what: str) -> Any:
    """Return what JSON says.

    Args:
        text: of a frame; bytes are UTF-8.
        what: what it is, for the error.

    Raises:
        FrameError: it does not parse, is nested too deep, or holds NaN or an infinity.
    """
    try:
        return json.loads(text if isinstance(text, str) else text.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"{what} is not JSON.") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
