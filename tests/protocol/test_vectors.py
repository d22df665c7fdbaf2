"""Sit the vectors that the TypeScript suite sits too; section numbers are docs/protocol.md's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widgets import ids
from rtc_widgets.errors import ChannelClosed, FrameError
from rtc_widgets.protocol import (
    auth,
    awareness,
    envelope,
    event,
    kernel,
    parts,
    query_awareness,
    request,
    status,
    sync,
    version,
)
from rtc_widgets.protocol.codec import Reader, varbytes, varstring, varuint
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.peer import FrameReader, FrameWriter, Unknown, decode
from rtc_widgets.protocol.welcome import Welcome

VECTORS = Path(__file__).parent.parent / "vectors"


def vectors(name: str, key: str) -> list[Any]:
    """Return parameters, one for each case of a vector file."""
    cases = json.loads((VECTORS / f"{name}.json").read_text())[key]
    assert cases, f"{name}.json has no case under {key!r}"
    return [pytest.param(case, id=_id(case, index)) for index, case in enumerate(cases)]


def _id(case: Any, index: int) -> str:
    return str(case.get("name", index)) if isinstance(case, dict) else str(index)


@pytest.mark.parametrize("case", vectors("codec", "varuint"))
def test_varuint(case):
    assert varuint(case["value"]).hex() == case["hex"]
    assert Reader(bytes.fromhex(case["hex"])).varuint() == case["value"]


@pytest.mark.parametrize("case", vectors("codec", "varstring"))
def test_varstring(case):
    assert varstring(case["value"]).hex() == case["hex"]
    assert Reader(bytes.fromhex(case["hex"])).varstring() == case["value"]


@pytest.mark.parametrize("case", vectors("codec", "varbytes"))
def test_varbytes(case):
    assert varbytes(bytes.fromhex(case["value"])).hex() == case["hex"]
    assert Reader(bytes.fromhex(case["hex"])).varbytes().hex() == case["value"]


@pytest.mark.parametrize("case", vectors("codec", "invalid_varuint"))
def test_malformed_varuint(case):
    with pytest.raises(FrameError):
        Reader(bytes.fromhex(case["hex"])).varuint()


@pytest.mark.parametrize("case", vectors("codec", "invalid_varstring"))
def test_malformed_varstring(case):
    with pytest.raises(FrameError):
        Reader(bytes.fromhex(case["hex"])).varstring()


def test_a_number_over_the_limit_is_not_encoded():
    with pytest.raises(ValueError, match="2\\^53"):
        varuint(2**53)


@pytest.mark.parametrize("case", vectors("sync", "valid"))
def test_sync(case):
    kind, payload = case["value"]["kind"], bytes.fromhex(case["value"]["payload"])
    encode = {"step1": sync.step1, "step2": sync.step2, "update": sync.update}[kind]
    value = {"step1": sync.Step1, "step2": sync.Step2, "update": sync.Update}[kind](payload)
    assert encode(payload).hex() == case["hex"]
    assert decode(bytes.fromhex(case["hex"])) == value


@pytest.mark.parametrize("case", vectors("sync", "state_vectors"))
def test_state_vectors(case):
    assert sync.state_clients(bytes.fromhex(case["hex"])) == dict(case["clients"])


@pytest.mark.parametrize("case", vectors("awareness", "valid"))
def test_awareness(case):
    frame = decode(bytes.fromhex(case["hex"]))
    assert isinstance(frame, awareness.Awareness)
    states = awareness.decode_states(frame.update)
    assert [{"client": s.client, "clock": s.clock, "state": s.value} for s in states] == case["states"]
    assert awareness.encode(awareness.encode_states(states)).hex() == case["hex"]


@pytest.mark.parametrize("case", vectors("awareness", "invalid"))
def test_malformed_awareness(case):
    with pytest.raises(FrameError):
        awareness.decode_states(decode(bytes.fromhex(case["hex"])).update)


@pytest.mark.parametrize("case", vectors("auth", "valid"))
def test_auth(case):
    assert auth.encode(case["reason"]).hex() == case["hex"]
    assert decode(bytes.fromhex(case["hex"])) == auth.Denied(case["reason"])


@pytest.mark.parametrize("case", vectors("query_awareness", "valid"))
def test_query_awareness(case):
    assert query_awareness.encode().hex() == case["hex"]
    assert decode(bytes.fromhex(case["hex"])) == query_awareness.QueryAwareness()


@pytest.mark.parametrize("case", vectors("status", "valid"))
def test_status(case):
    assert status.encode(case["seq"]).hex() == case["hex"]
    assert decode(bytes.fromhex(case["hex"])) == status.Status(case["seq"])


@pytest.mark.parametrize("case", vectors("request", "requests"))
def test_requests(case):
    value = request.Request(**case["value"])
    assert request.encode_request(value.id, value.method, value.params).hex() == case["hex"]
    assert decode(bytes.fromhex(case["hex"])) == value


@pytest.mark.parametrize("case", vectors("request", "responses"))
def test_responses(case):
    value = request.Response(**case["value"])
    assert request.encode_response(value.id, value.ok, value.result).hex() == case["hex"]
    assert decode(bytes.fromhex(case["hex"])) == value


@pytest.mark.parametrize("case", vectors("event", "valid"))
def test_events(case):
    value = event.Event(**case["value"])
    assert event.encode(value.name, value.params).hex() == case["hex"]
    assert decode(bytes.fromhex(case["hex"])) == value


@pytest.mark.parametrize(
    "case",
    [
        case
        for name in ("sync", "auth", "query_awareness", "status", "request", "event", "parts", "peer")
        for case in vectors(name, "invalid")
    ],
)
def test_malformed_frames(case):
    with pytest.raises(FrameError):
        decode(bytes.fromhex(case["hex"]))


@pytest.mark.parametrize("case", vectors("peer", "unknown"))
def test_unknown_types_are_not_an_error(case):
    assert isinstance(decode(bytes.fromhex(case["hex"])), Unknown)


@pytest.mark.parametrize("case", vectors("parts", "split"))
def test_parts(case):
    frame = bytes.fromhex(case["frame"])
    pieces = parts.split(frame, case["limit"], case["id"])
    assert [piece.hex() for piece in pieces] == case["parts"]
    if len(pieces) > 1:
        assembler = parts.Assembler(limit=1000)
        wholes = [assembler.receive(decode(piece)) for piece in pieces]
        assert wholes == [None] * (len(pieces) - 1) + [frame]


@pytest.mark.parametrize("case", vectors("parts", "out_of_order"))
def test_parts_out_of_order(case):
    assembler = parts.Assembler(limit=1000)
    *first, last = (decode(bytes.fromhex(piece)) for piece in case["parts"])
    for piece in first:
        assembler.receive(piece)
    with pytest.raises(FrameError):
        assembler.receive(last)


def test_parts_of_too_large_a_frame():
    case = json.loads((VECTORS / "parts.json").read_text())["too_large"]
    assembler = parts.Assembler(limit=case["limit"])
    *first, last = (decode(bytes.fromhex(piece)) for piece in case["parts"])
    for piece in first:
        assembler.receive(piece)
    with pytest.raises(parts.FrameTooLarge):
        assembler.receive(last)


def test_a_writer_and_a_reader_carry_any_frame():
    writer, reader = FrameWriter(limit=10), FrameReader()
    for length in (0, 5, 50, 500):
        frame = sync.update(bytes(length))
        received = [reader.receive(piece) for piece in writer.split(frame)]
        assert received[-1] == sync.Update(bytes(length))
        assert set(received[:-1]) <= {None}


@pytest.mark.parametrize("case", vectors("envelope", "valid"))
def test_envelopes(case):
    message = envelope.Message(case["msg_type"], case["content"], [bytes.fromhex(b) for b in case["buffers"]])
    assert envelope.unpack(bytes.fromhex(case["hex"])) == message
    assert envelope.unpack(envelope.pack(message)) == message


@pytest.mark.parametrize("case", vectors("envelope", "invalid"))
def test_malformed_envelopes(case):
    with pytest.raises(FrameError):
        envelope.unpack(bytes.fromhex(case["hex"]))


def test_envelopes_are_what_jupyter_server_reads():
    base = pytest.importorskip("jupyter_server.services.kernels.connection.base")
    packed = envelope.pack(envelope.comm("r.content", [b"frame"], {"seq": 1}))
    channel, parts_ = base.deserialize_msg_from_ws_v1(packed)
    assert channel == "shell"
    assert json.loads(bytes(parts_[3])) == {"comm_id": "r.content", "data": {"seq": 1}}
    assert bytes(parts_[4]) == b"frame"


def test_close_codes():
    listed = json.loads((VECTORS / "codes.json").read_text())["codes"]
    assert listed == [{"code": c, "websocket": c.websocket, "sentence": c.sentence} for c in CloseCode]


@pytest.mark.parametrize("case", vectors("version", "choose"))
def test_versions(case):
    def choose() -> int:
        return version.choose(case["theirs"], peer="the kernel", peer_release="9.0", our_release="0.1.0")

    if case["chosen"] is not None:
        assert choose() == case["chosen"]
    else:
        with pytest.raises(ChannelClosed, match=r"9\.0.*0\.1\.0.*Upgrade") as caught:
            choose()
        assert caught.value.code == CloseCode.VERSION_MISMATCH


def test_the_older_side_is_told_to_upgrade():
    with pytest.raises(ChannelClosed, match="Upgrade the server"):
        version.choose([7], peer="the page", peer_release="9.0", our_release="0.1.0")
    with pytest.raises(ChannelClosed, match="Upgrade the page: reload"):
        version.choose([], peer="the page", peer_release="0.0.1", our_release="0.1.0")


@pytest.mark.parametrize("case", vectors("welcome", "valid"))
def test_welcomes(case):
    known = {key: value for key, value in case["value"].items() if key != "later"}
    assert Welcome.from_json(case["value"]).to_json() == known


@pytest.mark.parametrize("case", vectors("welcome", "invalid"))
def test_malformed_welcomes(case):
    with pytest.raises(FrameError):
        Welcome.from_json(case["value"])


def test_the_names_on_a_kernels_channels():
    named = json.loads((VECTORS / "kernel.json").read_text())
    assert named["uplink_id"] == kernel.UPLINK_ID
    assert named["uplink_topic"].encode() == kernel.UPLINK_TOPIC
    assert named["downlink_id"] == kernel.DOWNLINK_ID
    assert named["comm_target"] == kernel.COMM_TARGET


@pytest.mark.parametrize("data", vectors("kernel", "valid"))
def test_kernel_messages(data):
    assert kernel.parse({"comm_id": kernel.UPLINK_ID, "data": data}) == data


@pytest.mark.parametrize("data", vectors("kernel", "unknown"))
def test_unknown_kernel_messages_are_ignored(data):
    assert kernel.parse({"data": data}) is None


@pytest.mark.parametrize("data", vectors("kernel", "invalid"))
def test_malformed_kernel_messages(data):
    with pytest.raises(FrameError):
        kernel.parse({"data": data})


@pytest.mark.parametrize("case", vectors("lineage", "seeds"))
def test_seed_client_ids(case):
    assert ids.seed_client_id(case["lineage"]) == case["client_id"]
    assert ids.is_seed(case["client_id"])
    assert ids.SEED_MARK in varuint(case["client_id"])
    assert not ids.is_seed(ids.new_client_id())
