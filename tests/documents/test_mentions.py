"""Who is mentioned in a text; TypeScript sits the same vectors: labextension/test/comments/mentions.test.ts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtc_widgets.documents.mentions import mentioned, words_behind_at

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "mentions.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_who_is_mentioned(case: dict[str, Any]) -> None:
    assert mentioned(case["body"], VECTORS["people"]) == case["mentions"]


@given(st.text("@`~ \nadbo.x", max_size=30), st.sampled_from(["", " ", "x ", "`b` ", "\n\n"]))
@settings(max_examples=300, deadline=None)
def test_what_stands_behind_or_in_front_changes_nothing(text: str, more: str) -> None:
    found = mentioned(text, VECTORS["people"])
    assert set(found) <= {"ada", "bob"}
    assert mentioned(f"@ada {more}", VECTORS["people"]) == ["ada"]
    assert mentioned(f"{text}\n\n", VECTORS["people"]) == found


def test_those_whom_nobody_knows_are_seen_too() -> None:
    assert words_behind_at("@Kernel. `@x` me@y @ann.b, @-") == {"kernel", "ann.b"}
