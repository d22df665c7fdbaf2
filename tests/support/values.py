"""What is written into notebooks at random: texts of all kinds, keys, metadata, outputs."""

from __future__ import annotations

from hypothesis import strategies as st
from support.plain import plain_lines

__all__ = ["KEY", "LINE", "NUMBER", "OUTPUTS", "PART", "SURROGATE", "TAG", "TEXT", "TYPE", "VALUE", "WHICH"]

# Letters of one to four bytes, marks that join what stands before, and all that somewhere ends a line.
LETTERS = [
    "a",
    "b",
    "x = 1",
    " ",
    "é",
    "e\u0301",
    "\u0301",
    "𝔘",
    "🦉",
    "👩\u200d👩\u200d👧",
    "\u200d",
    "\ufeff",
    "\x00",
]
ENDS = ["\n", "\n\n", "\r\n", "\r", "\u2028", "\x85", "\x0b", "\n# A\n", "# B", "\r## Ü\r\n", "\u2028# no"]
TEXT = st.lists(
    st.sampled_from([*LETTERS, *ENDS]),
    max_size=6,
).map("".join)
LINE = TEXT.map(lambda text: "".join(plain_lines(text)))
NUMBER = st.integers(-9, 9)
WHICH = st.integers(0, 20)
TYPE = st.sampled_from(["code", "markdown", "raw"])
KEY = st.one_of(
    st.integers(-6, 6),
    st.builds(
        slice,
        st.integers(-4, 6) | st.none(),
        st.integers(-4, 6) | st.none(),
        st.sampled_from([None, 1, 2, -1]),
    ),
)
PART = st.builds(slice, st.integers(-8, 8) | st.none(), st.integers(-8, 8) | st.none())
TAG = st.sampled_from(["setup", "é", "🦉", "a b"])
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.just(0.5) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["k", "é", "🦉"]), inner, max_size=2)
    ),
    max_leaves=4,
)
OUTPUTS = st.lists(
    st.one_of(
        TEXT.map(lambda text: {"output_type": "stream", "name": "stdout", "text": text}),
        VALUE.map(
            lambda value: {"output_type": "display_data", "metadata": {}, "data": {"application/json": value}}
        ),
    ),
    max_size=3,
)
SURROGATE = "x\ud800"
