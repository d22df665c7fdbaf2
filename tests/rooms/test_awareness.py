"""What peers say of themselves: their own clients only, under the names that the server knows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.conversation import Peer, make_document, turn

from rtc_widgets.protocol import awareness
from rtc_widgets.protocol.awareness import State, encode_states
from rtc_widgets.rooms.awareness import signed

ADA = {
    "kind": "person",
    "username": "ada",
    "name": "Ada",
    "display_name": "Ada Lovelace",
    "initials": "AL",
    "avatar_url": "/ada.png",
    "color": "#102030",
}
KERNEL = {"kind": "kernel", "username": "ada", "display_name": "Kernel, run by Ada", "runner": "Ada"}


def told(said: Any, identity: dict[str, Any]) -> dict[str, Any]:
    value = signed(State(1, 1, json.dumps(said)), identity).value
    assert value is not None
    return value


async def test_who_calls_himself_another_is_told_by_his_own_name():
    document, _, _ = make_document()
    ada, mallory = Peer(document, "ada").join(), Peer(document, "mallory").join()
    lie = {"username": "ada", "name": "Ada", "display_name": "Ada", "initials": "A", "avatar_url": "/ada.png"}
    said = json.dumps({"user": lie, "cursors": [1], "status": "training", "other": {"x": None}})
    mallory.say(awareness.encode(encode_states([State(7, 1, said)])))
    await turn()
    late = Peer(document, "late").join()
    for peer in (ada, late):
        (state,) = peer.states.values()
        user = state.pop("user")
        assert (user["username"], user["name"], user["display_name"]) == ("mallory", "Mallory", "Mallory")
        assert user["avatar_url"] is None
        assert state == {"cursors": [1], "status": "training", "other": {"x": None}}


def test_what_is_right_stays_to_the_letter():
    user = {key: value for key, value in ADA.items() if key != "kind"}
    for said in ({"user": user, "cursors": [{"anchor": 1.0}]}, {"cursors": []}, {}, {"user": None}):
        state = State(1, 1, json.dumps(said, indent=3))
        assert signed(state, ADA) is state
    gone = State(1, 1, "null")
    assert signed(gone, ADA) is gone


def test_a_colour_is_ones_own_choice_and_a_picture_is_not():
    user = told({"user": {"color": "#ff0000", "colorLight": "#ff000033", "avatar_url": "/eve.png"}}, ADA)[
        "user"
    ]
    assert (user["color"], user["colorLight"], user["avatar_url"]) == ("#ff0000", "#ff000033", "/ada.png")
    assert told({"user": {}}, ADA)["user"]["color"] == "#102030"
    assert told({"user": {"color": "x" * 101}}, ADA)["user"]["color"] == "#102030"


def test_initials_are_the_servers_where_it_knows_any():
    assert told({"user": {"initials": "EV"}}, ADA)["user"]["initials"] == "AL"
    unknown = {**ADA, "initials": None}
    assert told({"user": {"initials": "EV"}}, unknown)["user"]["initials"] == "EV"
    assert told({"user": {"initials": "Ada Lovelace"}}, unknown)["user"]["initials"] is None


@pytest.mark.parametrize("user", ["ada", 3, [], {"username": {}}, {"name": None}, True])
def test_a_user_of_any_shape_becomes_the_one_that_is_known(user):
    assert told({"user": user}, ADA)["user"]["username"] == "ada"


def test_escapes_and_doubled_keys_hide_nothing():
    for said in ('{"\\u0075ser": {"username": "eve"}}', '{"user": null, "user": {"username": "eve"}}'):
        value = signed(State(1, 1, said), ADA).value
        assert value is not None and value["user"]["username"] == "ada"


def test_half_a_letter_elsewhere_does_no_harm():
    state = signed(State(1, 1, '{"user": {}, "status": "\\ud83d"}'), ADA)
    assert awareness.decode_states(encode_states([state])) == [state]


def test_a_person_is_no_kernel_and_a_kernel_no_person():
    assert "kind" not in told({"kind": "kernel"}, ADA)
    assert told({"kind": "bot"}, ADA) == {"kind": "bot"}
    assert told({"kind": "person"}, KERNEL) == {"kind": "kernel"}
    lie = {"username": "ada", "name": "Ada", "display_name": "Ada", "avatar_url": "/ada.png"}
    for said, runner, name in (
        (lie, "Ben", "Kernel (Ben)"),
        (lie, None, "Kernel"),
        ({**lie, "name": "Kernel (Zoë)"}, None, "Kernel (Zoë)"),
    ):
        state = told({"user": said, "cell": "one"}, {**KERNEL, "runner": runner})
        user = state["user"]
        assert (user["username"], user["name"], user["display_name"]) == ("kernel", name, name)
        assert (state["kind"], state["cell"], user["avatar_url"]) == ("kernel", "one", None)
