"""What is taken for an anchor: all that are made, and nothing that a reader would stumble over."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc

from rtc_widgets.documents.anchor_check import is_anchor
from rtc_widgets.documents.anchors import make_anchor, resolve
from rtc_widgets.documents.seed import seed

OUTPUT = {"output_type": "stream", "name": "stdout", "text": "one\ntwo\n"}
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "source": "x = 1\ny = 🦉",
            "outputs": [OUTPUT],
            "execution_count": 3,
        }
    ],
}
TARGETS: list[dict[str, Any]] = [
    {"kind": "document"},
    {"kind": "cell", "cell": "a"},
    {"kind": "range", "cell": "a", "start": 10, "end": 11},
    {"kind": "line", "cell": "a", "line": 0},
    {"kind": "output", "cell": "a", "output": 0},
    {"kind": "output", "cell": "a", "output": 0, "line": 1},
]


def notebook() -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc.apply_update(seed("notebook", NOTEBOOK).update)
    return doc


ANCHORS = [make_anchor(notebook(), target) for target in TARGETS]


@pytest.mark.parametrize("anchor", ANCHORS, ids=[str(target) for target in TARGETS])
def test_every_anchor_that_is_made_is_one_also_after_a_journey(anchor: dict[str, Any]) -> None:
    assert is_anchor(anchor)
    assert is_anchor(json.loads(json.dumps(anchor)))


@pytest.mark.parametrize(
    "value", [None, 7, "cell", [], {}, {"kind": "planet"}, {"kind": ["cell"]}, {"kind": "cell"}]
)
def test_what_is_none(value: Any) -> None:
    assert not is_anchor(value)


JUNK = st.sampled_from(
    [None, True, -1, 1.5, "x", [], [1], {}, {"client": 1}, float("nan"), float("inf"), 10**30]
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return (
        [at, *(path for key, one in inner for path in paths(one, (*at, key)))]
        if at
        else [path for key, one in inner for path in paths(one, (key,))]
    )


@given(st.sampled_from(ANCHORS), st.data())
def test_whatever_is_put_into_an_anchor_it_is_refused_or_can_be_resolved(
    anchor: dict[str, Any], data: st.DataObject
) -> None:
    broken = copy.deepcopy(anchor)
    path = data.draw(st.sampled_from(paths(broken)))
    inner: Any = broken
    for key in path[:-1]:
        inner = inner[key]
    if isinstance(inner, dict) and data.draw(st.booleans(), label="remove"):
        del inner[path[-1]]
    else:
        inner[path[-1]] = data.draw(JUNK)
    if is_anchor(broken):
        resolve(notebook(), broken)
