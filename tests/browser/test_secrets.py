"""A page's requests to the relay say who asks by a cookie, and by nothing in their addresses."""

from __future__ import annotations


def test_no_address_of_a_request_to_the_relay_has_the_token(lab, visit):
    path = lab.notebook("addresses.ipynb", "x = 1")
    person = visit(lab)
    asked: list[str] = []
    person.page.on("request", lambda request: asked.append(request.url))
    person.page.on("websocket", lambda socket: asked.append(socket.url))
    person.open(path)
    person.type(" + 1")
    person.save()
    ours = [address for address in asked if "/api/rtc_widgets/" in address]
    assert any("/rooms/" in address for address in ours) and any("/comms" in address for address in ours)
    assert not [address for address in ours if lab.token in address or "token" in address]
