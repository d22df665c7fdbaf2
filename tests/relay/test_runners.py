"""Whose code ran in a kernel is known where one person's messages reached it, and of the rest nobody says anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jupyter_server.auth import User
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1

from rtc_widgets.relay.runners import Runners, message_type

ADA, BOB = User("ada", display_name="Ada"), User("bob")
V1 = "v1.kernel.websocket.jupyter.org"


class Connection:
    """What jupyter_server carries a WebSocket's messages with, as far as it matters here."""

    kernel_id = "k"
    subprotocol: str | None = None

    def __init__(self, user: User | None, subprotocol: str | None) -> None:
        self.websocket_handler = self
        self.current_user = user
        self.subprotocol = subprotocol
        self.passed: list[Any] = []

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        self.passed.append(incoming_msg)


def message(type_: str, subprotocol: str | None, buffers: int = 0) -> Any:
    parts = {"header": {"msg_type": type_}, "parent_header": {}, "metadata": {}, "content": {"code": "1"}}
    if subprotocol is None:
        return json.dumps({**parts, "channel": "shell", "buffers": []})
    packed = {**parts, "buffers": [b"x" * 1_000_000] * buffers}
    return serialize_msg_to_ws_v1(packed, "shell", lambda part: json.dumps(part).encode())


@pytest.mark.parametrize("subprotocol", [None, V1])
def test_who_runs_code_is_noted_and_all_passes(subprotocol: str | None) -> None:
    runners, settings = Runners(), {"kernel_websocket_connection_class": Connection}
    runners.watch(settings)
    watched: Any = settings["kernel_websocket_connection_class"]
    assert watched.__name__ == "Connection", "its configuration is found by its name"
    ada, bob = watched(ADA, subprotocol), watched(BOB, subprotocol)
    for type_ in ("kernel_info_request", "complete_request", "comm_info_request"):
        bob.handle_incoming_message(message(type_, subprotocol))
    assert len(bob.passed) == 3 and runners.only("k") is None
    ada.handle_incoming_message(message("execute_request", subprotocol))
    only = runners.only("k")
    assert only is not None and (only["username"], only["display_name"]) == ("ada", "Ada")
    bob.handle_incoming_message(message("comm_msg", subprotocol, buffers=2))
    assert runners.only("k") is None, "a click runs code, too"
    assert runners.only("other") is None
    runners.forget("k")
    ada.handle_incoming_message(message("execute_request", subprotocol))
    assert runners.only("k") is not None


def test_what_cannot_be_read_may_have_run_code() -> None:
    for damaged in ("", "x", "[]", "{}", '{"header": 7}', b"", b"\1", b"\xff" * 40, 7, None):
        assert message_type(damaged, None) == message_type(damaged, V1) == ""
    assert message_type(b"legacy, with buffers", None) == ""


def test_of_a_kernel_that_is_older_or_heard_a_stranger_nobody_is_named() -> None:
    runners = Runners()
    runners.strange("old")
    runners.note("old", ADA)
    runners.note("new", ADA)
    runners.note("new", None)
    assert runners.only("old") is runners.only("new") is None
    runners.watch({})  # a server without kernels
