"""The quick ways through the envelope do what the slow ones do."""

from __future__ import annotations

import json

import pytest

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol import envelope


@pytest.mark.parametrize("comm_id", ["room.content", 'Zoë\'s "room" 🦉'])
def test_a_frame_is_carried_by_the_same_bytes_however_it_is_packed(comm_id):
    for frame in (b"", b"\0", bytes(range(256)) * 5):
        carried = envelope.carry(comm_id, frame)
        assert carried == envelope.pack(envelope.comm(comm_id, [frame]), "iopub")
        assert envelope.unpack(carried).buffers == [frame]


def test_a_header_of_any_length_is_read_each_time():
    for more in ("", "x" * 1000):
        data = envelope.pack(envelope.comm("a", []), header={"more": more})
        assert [envelope.unpack(data).msg_type for _ in range(2)] == ["comm_msg"] * 2
        bad = data.replace(b"comm_msg", b"comm_bad")
        for _ in range(2):
            with pytest.raises(FrameError, match="comm_bad"):
                envelope.unpack(bad)
    data = envelope.pack(envelope.comm("a", [])).replace(json.dumps("comm_msg").encode(), b'["comm_ms]')
    with pytest.raises(FrameError):
        envelope.unpack(data)
