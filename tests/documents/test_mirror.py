"""Comments in a notebook's file: there and back, damaged, and written by other tools."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc

from rtc_widgets.documents.mirror import from_mirror, put_in, take_out, to_mirror, understood
from rtc_widgets.documents.threads import Author, CommentValue, Happening, ThreadValue, Told, read_threads
from rtc_widgets.rooms.annotate import Annotator

_NAMES = st.text("abz_-", min_size=1, max_size=6)
_TIMES = st.integers(1, 2**31).map(lambda value: value / 8)
_AUTHORS = st.builds(Author, _NAMES, st.sampled_from(["person", "kernel"]), _NAMES)
_WORDS = st.text("aé🦉 \n", max_size=12).map(lambda text: f"w{text}")


def comment(n: int, **more: Any) -> st.SearchStrategy[CommentValue]:
    return st.builds(
        CommentValue,
        st.just(f"c{n}"),
        st.just(n),
        _AUTHORS,
        _TIMES,
        _WORDS,
        st.lists(_NAMES, max_size=2, unique=True).map(lambda names: tuple(sorted(names))),
        st.none() | _TIMES,
        st.none(),
    )


@st.composite
def threads(draw: st.DrawFn) -> list[ThreadValue]:
    found = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        comments = tuple(draw(comment(n)) for n in range(draw(st.integers(1, 3))))
        count = draw(st.integers(0, 2))
        found.append(
            ThreadValue(
                f"t{number}",
                number,
                draw(st.sampled_from([{"kind": "document"}, {"kind": "cell", "cell": "x"}])),
                draw(st.sampled_from(["open", "resolved"])),
                tuple(replace_ids(number, comments)),
                tuple(Happening("resolved", draw(_AUTHORS), draw(_TIMES), f"o{n}") for n in range(count)),
                None,
            )
        )
    return found


def replace_ids(number: int, comments: tuple[CommentValue, ...]) -> list[CommentValue]:
    return [
        CommentValue(f"{number}{one.id}", one.n, one.by, one.at, one.body, one.mentions, one.edited, None)
        for one in comments
    ]


def claimed(thread: ThreadValue) -> ThreadValue:
    """Return it as it stands in a document of a relay: whoever could write the file could write any name."""

    def by(one: Any) -> Any:
        return replace(one, by=replace(one.by, claimed=True))

    return replace(
        thread,
        comments=tuple(map(by, thread.comments)),
        happenings=tuple(map(by, thread.happenings)),
    )


def notebook(page: Any) -> dict[str, Any]:
    plain = {
        "cells": [],
        "metadata": {"kernelspec": {"name": "x", "display_name": "x"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return put_in(plain, page)


@given(threads())
@settings(max_examples=60, deadline=None)
def test_there_and_back(found: list[ThreadValue]) -> None:
    whole = notebook(to_mirror(found))
    nbformat.validate(nbformat.from_dict(whole))  # type: ignore[no-untyped-call]
    read = json.loads(json.dumps(whole))
    assert from_mirror(read["metadata"]) == found
    page = take_out(read)
    assert read == notebook(None)
    assert from_mirror(page) == found


@given(threads(), threads())
@settings(max_examples=60, deadline=None)
def test_reading_twice_gives_everything_once(first: list[ThreadValue], second: list[ThreadValue]) -> None:
    def after(*readings: list[ThreadValue]) -> dict[str, ThreadValue]:
        doc: Doc[Any] = Doc()
        annotator = Annotator(doc, lambda _: True)
        for reading in readings:
            annotator.restore(reading, {thread.id: thread.anchor for thread in reading})
        return read_threads(doc)

    assert list(after(first).values()) == [claimed(thread) for thread in first]
    both = after(first, second)
    assert after(first, first, second, second, first) == both
    assert {c.id for t in both.values() for c in t.comments} == {
        c.id for t in (*first, *second) for c in t.comments
    }
    assert len({thread.number for thread in both.values()}) == len(both)


@given(threads(), st.data())
@settings(max_examples=150, deadline=None)
def test_damage_raises_nothing(found: list[ThreadValue], data: st.DataObject) -> None:
    page: Any = copy.deepcopy(to_mirror(found))
    for _ in range(data.draw(st.integers(1, 4))):
        place = page
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
                place[key] = data.draw(
                    st.sampled_from([None, 0, -1, "", "x", [], {}, [None], {"x": 1}, 1e300, True])
                )
                break
            place = place[key]
    for broken in (
        page,
        {"rtc_widgets": {"comments": page}},
        {"rtc_widgets": page},
        page and page.get("items"),
    ):
        for thread in from_mirror(broken):
            assert thread.comments and all(one.body.strip() for one in thread.comments)
            to_mirror([thread])


@pytest.mark.parametrize("kind", [[], {}, ["range"], None, 7])
def test_an_anchor_of_no_kind_that_there_is_raises_nothing(kind: Any) -> None:
    page: Any = to_mirror([plain_thread()])
    page["items"][0]["rtc_widgets"]["anchor"]["kind"] = kind
    (found,) = from_mirror(page)
    assert found.anchor["kind"] == kind
    assert to_mirror([found])


def test_what_another_tool_wrote_is_read_and_gets_the_same_id_each_time() -> None:
    item = {
        "id": "https://example.org/anno/1",
        "type": "Annotation",
        "creator": "Ada",
        "created": "2026-01-02T03:04:05Z",
        "body": {"type": "TextualBody", "value": "Why?"},
        "target": {"source": "a.ipynb#cell-1", "selector": {"type": "TextQuoteSelector", "exact": "0.1"}},
    }
    page = {"type": "AnnotationPage", "items": [item, item, {"body": 7}, "x"]}
    (thread,) = from_mirror(page)
    assert from_mirror(page)[0].id == thread.id
    assert (thread.by.name, thread.comments[0].body, thread.comments[0].at) == ("Ada", "Why?", 1767323045.0)
    assert thread.anchor["cell"] == "cell-1" and thread.anchor["quote"]["exact"] == "0.1"


def test_what_only_harms_is_not_read() -> None:
    item = to_mirror([plain_thread()])["items"][0]  # type: ignore[index]
    item["rtc_widgets"] |= {
        "number": 10**18,
        "events": [{"what": "shouted"}, {"what": "resolved", "op": "../o"}],
    }
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    (thread,) = from_mirror({"items": [item]})
    assert thread.number == 0, "the next number could not be said, nor held"
    assert [one.what for one in thread.happenings] == ["resolved"]
    assert len(thread.happenings[0].op) == 32
    item["body"][0]["value"] = "half \ud83d"
    page = take_out(notebook({"items": [item]}))
    json.dumps(page, ensure_ascii=False).encode()
    assert from_mirror(page)[0].comments[0].body == "half \N{REPLACEMENT CHARACTER}"
    assert take_out(notebook({"items": [item, deep]})) == {}, "it is known that there was one"


def test_an_anchor_that_is_too_long_is_at_its_cell() -> None:
    line = {"index": 0, "text": "x" * 20_000}
    output = {"index": 0, "type": "stream", "execution_count": None, "mime": None, "excerpt": "", "hash": ""}
    quote = {"exact": "", "prefix": "", "suffix": ""}
    anchor = {"kind": "output", "cell": "a", "near": [None, None], "quote": quote, "output": output}
    assert understood(anchor) == anchor
    assert understood(anchor | {"output": output | {"line": line}})["kind"] == "cell"


def test_both_versions_that_a_merge_left_are_read() -> None:
    mine = to_mirror([plain_thread()])["items"][0]  # type: ignore[index]
    theirs = copy.deepcopy(mine)
    theirs["body"].append({**theirs["body"][0], "id": "urn:rtc_widgets:comment:c2", "value": "Theirs."})
    found = from_mirror({"items": [mine, theirs, mine]})
    assert [[one.body for one in thread.comments] for thread in found] == [["Why?"], ["Why?", "Theirs."]]


def plain_thread() -> ThreadValue:
    comment = CommentValue("c1", 0, Author("ada", "person", "Ada"), 1.0, "Why?", (), None, None)
    return ThreadValue("t", 1, {"kind": "document"}, "open", (comment,), (), None)


def test_what_was_deleted_is_not_in_the_file() -> None:
    by = Author("ada", "person", "Ada")
    kept = CommentValue("c1", 0, by, 1.0, "kept", (), None, None)
    gone = CommentValue("c2", 1, by, 1.0, "", (), None, Told(by, 2.0))
    thread = ThreadValue("t", 1, {"kind": "document"}, "open", (kept, gone), (), None)
    page = to_mirror([thread, ThreadValue("u", 2, {}, "open", (gone,), (), Told(by, 2.0))])
    assert page is not None
    assert [body["value"] for item in page["items"] for body in item["body"]] == ["kept"]
    assert to_mirror([]) is None
