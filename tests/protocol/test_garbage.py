"""Whatever comes in is decoded or refused by the one exception that the trust boundary catches."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc_widgets.errors import FrameError, ProtocolError
from rtc_widgets.protocol import awareness, envelope, event, kernel, request, sync
from rtc_widgets.protocol.codec import varstring, varuint
from rtc_widgets.protocol.peer import FrameReader, decode
from rtc_widgets.protocol.welcome import Welcome

KNOWN_TYPES = [0, 1, 2, 3, 64, 65, 66, 67, 68]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(KNOWN_TYPES), st.binary(max_size=60))
def test_frames(type_, payload):
    with contextlib.suppress(FrameError):
        value = decode(bytes([type_]) + payload)
        if isinstance(value, awareness.Awareness):
            awareness.decode_states(value.update)
        if isinstance(value, sync.Step1):
            sync.state_clients(value.state_vector)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"x": NaN}', '{"x": -Infinity}', "1" * 10_000, "\ufeff{}"]
)
def test_json_that_no_browser_reads_or_that_is_nested_without_end(text):
    # What passed here would go on to every page, and close each of them.
    for refuse in (
        lambda: awareness.decode_states(varuint(1) + varuint(7) + varuint(1) + varstring(text)),
        lambda: decode(varuint(request.REQUEST) + varuint(1) + varstring("save") + varstring(text)),
        lambda: decode(varuint(request.RESPONSE) + varuint(1) + varuint(1) + varstring(text)),
        lambda: decode(varuint(event.TYPE) + varstring("notice") + varstring(text)),
    ):
        with pytest.raises(FrameError):
            refuse()


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_readers(frames):
    reader = FrameReader(limit=50)
    for frame in frames:
        with contextlib.suppress(ProtocolError):
            reader.receive(b"\x44" + frame)


@given(st.binary(max_size=200))
def test_envelopes(data):
    with contextlib.suppress(FrameError):
        envelope.unpack(data)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_damaged_envelopes(at, damage):
    good = envelope.pack(envelope.comm("room.content", [sync.update(b"\1\2\3")], {"seq": 1}))
    with contextlib.suppress(FrameError):
        envelope.unpack(good[:at] + damage + good[at + len(damage) :])


@given(st.dictionaries(st.sampled_from(["version", "release", "role", "limits", "path", "room"]), JSON))
def test_welcomes(value):
    with contextlib.suppress(FrameError):
        Welcome.from_json(value)


@given(st.dictionaries(st.sampled_from(["kind", "session", "comm_id", "seq", "welcome"]), JSON), JSON)
def test_kernel_messages(data, anything):
    for content in ({"data": data}, {"data": anything}, {"data": {**data, "session": "s", "kind": "frame"}}):
        with contextlib.suppress(FrameError):
            kernel.parse(content)
