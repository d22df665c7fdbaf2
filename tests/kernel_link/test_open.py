"""What a kernel says when it asks for another file."""

from __future__ import annotations

import pytest

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol import kernel
from rtc_widgets.protocol.kernel import Opening


def test_an_opening_comes_back_as_it_went() -> None:
    for lineage in (None, "l"):
        opening = Opening(7, "Zoë 🦉.md", "text", "file", lineage)
        content = kernel.content(kernel.UPLINK_ID, "open", "s", **opening.keys())
        data = kernel.parse(content)
        assert data is not None and Opening.from_data(data) == opening


@pytest.mark.parametrize("missing", ["open", "path", "format", "type"])
def test_a_key_that_is_missing_is_malformed(missing: str) -> None:
    keys = Opening(7, "a", "text", "file").keys()
    del keys[missing]
    with pytest.raises(FrameError, match=missing):
        kernel.parse(kernel.content(kernel.UPLINK_ID, "open", "s", **keys))
