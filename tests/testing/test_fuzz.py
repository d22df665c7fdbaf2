"""Bad frames: what was found once, and anything near what is good, breaks nothing in any target."""

from __future__ import annotations

import json
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
# Somebody in a room with others.
ATTACKS = ("room", "stock", "kernels")
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


@pytest.mark.parametrize("target", [name for name in NAMES if name not in {"updates", *ATTACKS}])
def test_decoders(target):
    @settings(max_examples=200 * MORE, deadline=None, database=None)
    @given(damaged(GOOD[target]) | st.binary(max_size=100))
    def run(data):
        TARGETS[target](data)

    run()


UPDATES = [update for data in GOOD["updates"] for update in pieces(data)]
DEEDS = {target: [deed for data in GOOD[target] for deed in pieces(data)[1:]] for target in ATTACKS}


@settings(max_examples=60 * MORE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(UPDATES) | damaged(UPDATES), max_size=4))
def test_updates(updates):
    TARGETS["updates"](b"".join(map(varbytes, updates)))


@pytest.mark.parametrize("target", ATTACKS)
def test_somebody_hostile_in_a_room(target):
    @settings(max_examples=100 * MORE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 15), st.lists(st.sampled_from(DEEDS[target]) | damaged(DEEDS[target]), max_size=10))
    def run(how, deeds):
        TARGETS[target](b"".join(map(varbytes, [bytes([how]), *deeds])))

    run()


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**53 - 2, 2**70)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=5)
    | st.sampled_from(["s", "t", "r.content", "r.annotations", "s.content", "a.ipynb", "control", "comm"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
GOOD_DATA = [
    {"kind": "hello", "versions": [1], "release": "0", "ways": ["control"], "cell_id": "x", "lineages": {}},
    {
        "kind": "open",
        "open": 1,
        "path": "b.ipynb",
        "format": "json",
        "type": "notebook",
        "document": "content",
    },
    {"kind": "frame", "comm_id": "r.content", "seq": 1},
    {"kind": "head", "comm_id": "r.content", "seq": 1},
    {"kind": "resync", "comm_id": "r.content"},
    {"kind": "close", "comm_id": "r.content", "code": "normal", "reason": ""},
    {"kind": "bye", "code": "normal", "reason": ""},
    {"kind": "refused", "code": "normal", "reason": ""},
    {"kind": "welcome", "comm_id": "r.content", "seq": 1, "welcome": {}},
]
FRAMES = [deed[1:] for deed in DEEDS["stock"] if deed[:1] == b"\0"] + [
    b"\x44\1\0\2a",
    b"\0\2\2\0\0",
    b"\0\0\1\0",
    b"",
]


@st.composite
def said_by_a_kernel(draw):
    """Return a message of a kernel's with any value in the place of some of its keys, and a frame behind it."""
    data = {"session": "s"} | draw(st.sampled_from(GOOD_DATA))
    for key in draw(st.lists(st.sampled_from([*sorted(data), "lineage", "path"]), max_size=2, unique=True)):
        data[key] = draw(ANYTHING)
    if draw(st.booleans()):
        data.pop(draw(st.sampled_from(sorted(data))))
    return b"\0" + json.dumps(data).encode() + b"\n" + draw(st.sampled_from(FRAMES))


@settings(max_examples=150 * MORE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 3), st.lists(said_by_a_kernel() | st.sampled_from(DEEDS["kernels"]), max_size=8))
def test_a_kernel_that_says_anything(how, deeds):
    TARGETS["kernels"](b"".join(map(varbytes, [bytes([how]), *deeds])))
