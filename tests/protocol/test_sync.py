"""The short way of a key through the decoder says what the long one says, or nothing."""

from __future__ import annotations

import pytest

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol import sync
from rtc_widgets.protocol.peer import decode


@pytest.mark.parametrize("length", [0, 1, 2, 29, 126, 127])
def test_a_short_update_is_read(length: int):
    update = bytes(range(length))
    assert sync.short_update(sync.update(update)) == update
    assert decode(sync.update(update)) == sync.Update(update)


@pytest.mark.parametrize(
    "frame",
    [
        sync.update(bytes(128)),
        sync.update(bytes(10_000)),
        sync.step1(b"\0"),
        sync.step2(b"\0\0"),
        b"\1\2\0",
        b"\x40\x02\x00",
    ],
)
def test_any_other_frame_goes_the_long_way(frame: bytes):
    assert sync.short_update(frame) is None


def test_what_is_malformed_is_left_to_the_decoder():
    frame = sync.update(b"abc")
    for bad in (*(frame[:length] for length in range(1, len(frame))), frame + b"x"):
        assert sync.short_update(bad) is None
        with pytest.raises(FrameError):
            decode(bad)
    assert sync.short_update(b"") is None
