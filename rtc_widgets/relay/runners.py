"""Who has run code in a kernel: noted as it passes the server, so that nobody has to guess whose a cell was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

__all__ = ["Runners"]

_V1 = "v1.kernel.websocket.jupyter.org"
# What pages ask a kernel by themselves, or as one types. All else may run code: a click on a widget, a debugger, an
# answer to input(), and whatever a later release sends.
_HARMLESS = frozenset(
    {
        "comm_info_request",
        "complete_request",
        "history_request",
        "inspect_request",
        "is_complete_request",
        "kernel_info_request",
    }
)


class Runners:
    """Know of each kernel who has run code in it since it was started, by the identity of their WebSocket's request.

    Code leaves threads, hooks and functions behind. So who runs a cell is known only where nobody else has ever run
    one in that kernel; a restart does not change that, for what was sent then may be on either side of it.
    """

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._strange: set[str] = set()

    def watch(self, settings: dict[str, Any]) -> None:
        """Have all that goes to kernels from now on noted.

        Args:
            settings: the web application's, in which jupyter_server looks up what carries a WebSocket's messages.
        """
        base: Any = settings.get("kernel_websocket_connection_class")
        if base is None:
            return
        runners = self

        class Watched(base):  # type: ignore[misc] # the server's owner may configure another
            def handle_incoming_message(self, incoming_msg: Any) -> None:
                if message_type(incoming_msg, self.subprotocol) not in _HARMLESS:
                    runners.note(self.kernel_id, self.websocket_handler.current_user)
                super().handle_incoming_message(incoming_msg)

        Watched.__name__, Watched.__qualname__ = base.__name__, base.__qualname__
        settings["kernel_websocket_connection_class"] = Watched

    def note(self, kernel_id: str, user: Any) -> None:
        """Note that *user*, of jupyter_server's identity model, sends something that may run code."""
        if user is None:
            self._strange.add(kernel_id)
        else:
            self._seen.setdefault(kernel_id, {})[user.username] = asdict(user)

    def strange(self, kernel_id: str) -> None:
        """Note that nobody knows who has run code in a kernel: it is older than this server."""
        self._strange.add(kernel_id)

    def forget(self, kernel_id: str) -> None:
        """Forget a kernel that has ended."""
        self._seen.pop(kernel_id, None)
        self._strange.discard(kernel_id)

    def only(self, kernel_id: str) -> Mapping[str, Any] | None:
        """Return the identity of the one person who has run code in a kernel; None for nobody, or several."""
        seen = self._seen.get(kernel_id, {})
        return next(iter(seen.values())) if len(seen) == 1 and kernel_id not in self._strange else None


def message_type(message: Any, subprotocol: str | None) -> str:
    """Return the type of a message to a kernel, empty where it cannot be read."""
    try:
        if subprotocol == _V1:
            # channel, header, …, each between two offsets; read no further, for buffers may be large
            start, end = (int.from_bytes(message[8 * n : 8 * (n + 1)], "little") for n in (2, 3))
            header = json.loads(message[start:end])
        elif isinstance(message, str):
            header = json.loads(message)["header"]
        else:
            return ""
        return str(header["msg_type"])
    except (ValueError, TypeError, KeyError):
        return ""
