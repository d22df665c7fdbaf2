"""Bad frames: what was found once, and anything near what is good, breaks nothing in any target."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtc_widgets.protocol.codec import varbytes
from rtc_widgets.testing.fuzz.guided import TARGETS as NAMES
from rtc_widgets.testing.fuzz.summary import summaries
from rtc_widgets.testing.fuzz.targets import TARGETS, pieces

CORPUS = Path(__file__).parents[1] / "corpus"
INPUTS = sorted(file for target in NAMES for file in (CORPUS / target).iterdir())
GOOD = {target: [file.read_bytes() for file in sorted((CORPUS / target).iterdir())] for target in NAMES}
MORE = int(os.environ.get("RTC_WIDGETS_EXAMPLES", "1"))


def test_each_target_has_a_corpus():
    assert set(NAMES) == set(TARGETS) == {folder.name for folder in CORPUS.iterdir() if folder.is_dir()}
    assert all(GOOD.values())
    assert max(len(data) for of in GOOD.values() for data in of) <= 5000


@pytest.mark.parametrize("file", INPUTS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_is_in_the_corpus(file):
    TARGETS[file.parent.name](file.read_bytes())


def test_what_both_languages_decode_is_written_down():
    # labextension/test/protocol/corpus.test.ts holds TypeScript to the same file.
    if os.environ.get("RTC_WIDGETS_WRITE"):
        (CORPUS / "decoded.json").write_text(summaries(CORPUS))
    assert summaries(CORPUS) == (CORPUS / "decoded.json").read_text()


@st.composite
def damaged(draw, good):
    """Return something good with some of it cut, doubled, or written over, or with a piece of another."""
    data = draw(st.sampled_from(good))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        upto = draw(st.integers(at, min(len(data), at + 20)))
        other = draw(st.sampled_from(good))
        start = draw(st.integers(0, len(other)))
        new = draw(
            st.sampled_from([b"", b"\0", b"\x7f", b"\x80", b"\xff" * 7 + b"\x0f", data[at:upto] * 2])
            | st.binary(max_size=4)
            | st.just(other[start : start + 20])
        )
        data = data[:at] + new + data[upto:]
    return data


@pytest.mark.parametrize("target", [name for name in NAMES if name not in {"updates", "room"}])
def test_decoders(target):
    @settings(max_examples=200 * MORE, deadline=None, database=None)
    @given(damaged(GOOD[target]) | st.binary(max_size=100))
    def run(data):
        TARGETS[target](data)

    run()


UPDATES = [update for data in GOOD["updates"] for update in pieces(data)]
DEEDS = [deed for data in GOOD["room"] for deed in pieces(data)[1:]]


@settings(max_examples=60 * MORE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(UPDATES) | damaged(UPDATES), max_size=4))
def test_updates(updates):
    TARGETS["updates"](b"".join(map(varbytes, updates)))


@settings(max_examples=100 * MORE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 3), st.lists(st.sampled_from(DEEDS) | damaged(DEEDS), max_size=10))
def test_somebody_hostile_in_a_room(role, deeds):
    TARGETS["room"](b"".join(map(varbytes, [bytes([role]), *deeds])))
