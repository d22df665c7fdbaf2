"""What is kept for one person has bounds, and nothing in it breaks what comes later."""

from __future__ import annotations

from typing import Any

import pytest

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.rooms.private import Private, carry_out


class Notes:
    """Keep it in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Private] = {}

    async def get(self, room: str, user: str) -> Private:
        return self.kept.get((room, user), Private())

    async def put(self, room: str, user: str, private: Private) -> None:
        self.kept[room, user] = private


async def test_of_too_many_the_oldest_is_forgotten() -> None:
    notes = Notes()
    for start in range(0, 30_000, 10_000):
        read = {f"t{number}": 1 for number in range(start, start + 10_000)}
        kept = await carry_out(notes, "r", "ada", "private.read", {"threads": read})
    assert len(kept.read) == 20_000 and "t29999" in kept.read and "t0" not in kept.read
    for number in range(101):
        kept = await carry_out(notes, "r", "ada", "private.draft", {"key": f"k{number}", "text": "x"})
    assert len(kept.drafts) == 100 and "k0" not in kept.drafts


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("private.read", {"threads": {"t": -1}}),
        ("private.read", {"threads": {"t": 2**31}}),
        ("private.read", {"threads": {"t" * 200: 1}}),
        ("private.read", {"threads": {"\udfff": 1}}),
        ("private.draft", {"key": "t", "text": "half \ud83d"}),
        ("private.draft", {"key": "\ud83d", "text": "x"}),
    ],
)
async def test_what_would_spoil_it_is_refused(method: str, params: dict[str, Any]) -> None:
    notes = Notes()
    with pytest.raises(ChannelClosed) as refused:
        await carry_out(notes, "r", "ada", method, params)
    assert refused.value.code == "bad-request"
    assert notes.kept == {}
