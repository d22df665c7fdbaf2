"""Comments that mean harm, or were damaged, on a real server: nobody is hurt, and nothing is lost."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from support.server import Server, until

import rtc_widgets
from rtc_widgets.documents.annotations import Annotations
from rtc_widgets.documents.mirror import from_mirror, put_in, to_mirror
from rtc_widgets.documents.threads import Author, CommentValue, ThreadValue
from rtc_widgets.errors import CommentRefused

HARM = {
    "a script": "<script>alert(1)</script>",
    "an attribute": '<img src=x onerror="alert(1)">',
    "the end of what is around it": "</div></section></html><h1>--></style>",
    "a link": "[x](javascript:alert(1))",
    "signs of control": "a\x00b\x1b[31mc\u202ed",
    "Markdown without end": "```\n" + "[" * 500 + "\n" + "> " * 500,
    "no Latin": "𝒳 é e\u0301 🦉👩‍👩‍👧 مرحبا",
}


def connect(server: Server, path: str) -> Any:
    return rtc_widgets.connect(server.url, token=server.token, path=path)


def valid(server: Server, path: str) -> dict[str, Any]:
    """Return the notebook on disk, which must be a valid one."""
    notebook: dict[str, Any] = server.read(path)
    nbformat.validate(nbformat.from_dict(notebook))  # type: ignore[no-untyped-call]
    return notebook


def test_words_are_words_wherever_they_go(serve: Any, tmp_path: Path) -> None:
    server = serve(options=["--RelayApp.mirror=always"])
    path = server.notebook("harm.ipynb", "x = 1")
    with connect(server, path) as ada, connect(server, path) as ben:
        for body in HARM.values():
            ada[0].comment(body).reply(body)
        until(lambda: sum(len(one.comments) for one in ben.comments) == 2 * len(HARM), "all are here")
        assert [thread.body for thread in ben.comments] == list(HARM.values())
        page = ben.comments.export(tmp_path / "r.html").read_text()
        shown = [ben.comments._repr_html_(), *(one._repr_html_() for one in ben.comments)]
        for html in (page.partition("<h1>")[2], *shown):
            for tag in ("<script", "<img", "</html><", "-->", "</style"):
                assert tag not in html, tag
        data = json.loads(ben.comments.export(tmp_path / "r.json").read_text())
        assert [one["body"] for one in data["comments"][::2]] == list(HARM.values())
        ada.save()
        found = from_mirror(valid(server, path)["metadata"])
        assert [thread.comments[1].body for thread in found] == list(HARM.values())


def test_a_megabyte_is_refused_and_the_next_comment_is_not(server: Server) -> None:
    path = server.notebook("megabyte.ipynb", "x = 1")
    with connect(server, path) as nb:
        thread = nb[0].comment("Before")
        for too_long in ("x" * 2**20, "🦉" * 2**18, "é" * 33_000):
            for say in (nb[0].comment, thread.reply, thread.edit):
                with pytest.raises(CommentRefused, match="64 KiB") as refused:
                    say(too_long)
                assert refused.value.code == "too-large"
        thread.reply("x" * 65_536)
        assert nb.state == "live" and [len(one.body) for one in thread.comments] == [6, 65_536]


def test_a_place_that_is_nowhere_hurts_nobody(server: Server) -> None:
    path = server.notebook("nowhere.ipynb", "rate = 0.1", "y = 2")
    with connect(server, path) as nb:
        nb[0].outputs.append({"output_type": "stream", "name": "stdout", "text": "one\n"})
        kinds = {
            "range": nb[0].comment("x", on="0.1").anchor,
            "line": nb[0].comment("x", on=0).anchor,
            "output": nb[0].comment("x", on=(nb[0].outputs[0], 0)).anchor,
        }
        far = {"client": 2**52, "clock": 2**52}
        nowhere = {
            "range": {
                "position": {side: {"item": far, "type": far} for side in ("start", "end")},
                "line": 2**52,
            },
            "line": {"line": 10**9, "quote": {"exact": "", "prefix": "", "suffix": ""}},
            "output": {"output": {"index": 10**9, "line": {"index": 10**9, "text": "never"}, "hash": "x"}},
        }
        asked = nb.document.link.ask
        for number, kind in enumerate(("range", "line", "output")):
            anchor = _over(kinds[kind], nowhere[kind])
            params = {"thread": f"t{number}", "comment": f"c{number}", "body": kind, "anchor": anchor}
            asked("comments.add", params).result(20)
        until(lambda: len(nb.comments) == 6, "all are here")
        for number in range(3):
            thread = nb.thread(f"t{number}")
            assert thread.cell == nb[0], "its cell is what is left"
            start, end = thread.span or (0, 0)
            assert 0 <= start <= end <= len(nb[0].source)
        assert len(nb.comments.on(0)) == 6 and nb.comments.to_dicts() and nb.comments._repr_html_()
        with pytest.raises(CommentRefused) as refused:
            nb.document.part(Annotations).ask(
                "add",
                {"thread": "t9", "comment": "c9", "body": "x", "anchor": kinds["range"] | {"line": -1}},
                mark="",
                done=bool,
            )
        assert refused.value.code == "bad-request"


def _over(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _over(old.get(key), value) for key, value in new.items()}}
    return new


def items(page: Any) -> Any:
    return page["items"]


def first_body(page: Any) -> Any:
    return page["items"][0]["body"][0]


# What to do to a page of two threads, and which threads are left: what is understood of them.
DAMAGES: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "no page": (lambda page: [page], []),
    "a text": (json.dumps, []),
    "items are no list": (lambda page: page | {"items": {"0": items(page)[0]}}, []),
    "an item is none": (lambda page: page | {"items": [None, 7, "x", [], *items(page)]}, ["One", "Two"]),
    "numbers for texts": (
        lambda page: page | {"items": [items(page)[1], {"id": 1, "body": 2, "type": 3}]},
        ["Two"],
    ),
    "texts for objects": (
        lambda page: page | {"items": [items(page)[0] | {"rtc_widgets": "x", "creator": "x", "target": "x"}]},
        ["One"],
    ),
    "the same thread twice": (
        lambda page: page | {"items": [*items(page), *copy.deepcopy(items(page))]},
        ["One", "Two"],
    ),
    "keys of others": (
        lambda page: page | {"label": "x", "items": [one | {"x:score": {"y": [1]}} for one in items(page)]},
        ["One", "Two"],
    ),
    "cut off": (lambda page: page | {"items": [items(page)[0], {"id": items(page)[1]["id"]}]}, ["One"]),
    "times that never were": (
        lambda page: first_body(page).update(created="soon", modified={}) or page,
        ["One", "Two"],
    ),
    "a number below all": (
        lambda page: items(page)[0]["rtc_widgets"].update(number=-3) or page,
        ["One", "Two"],
    ),
}


@pytest.fixture(scope="module")
def with_comments(server: Server) -> dict[str, Any]:
    """Return a notebook whose file has two threads."""
    path = server.notebook("source.ipynb", "x = 1")
    with connect(server, path) as nb:
        nb[0].comment("One", on="1").reply("Indeed.")
        nb.comment("Two")
        nb.comments.mirror = "always"
        nb.save()
    return valid(server, path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_copy_gives_what_is_understood_once(
    server: Server, with_comments: dict[str, Any], damage: str
) -> None:
    damaging, left = DAMAGES[damage]
    notebook = copy.deepcopy(with_comments)
    ours = notebook["metadata"]["rtc_widgets"]
    ours["comments"] = damaging(ours["comments"])
    ours["others"] = {"kept": True}
    path = f"damaged-{sorted(DAMAGES).index(damage)}.ipynb"
    server.write(path, notebook)
    for time in (1, 2):
        with connect(server, path) as nb:
            until(lambda nb=nb: sorted(one.body for one in nb.comments) == left, "what is understood is here")
            assert nb.comments.to_dicts() is not None and repr(nb.comments)
            nb[0].source += f"\n# {time}"
            nb.save()
        written = valid(server, path)
        assert written["metadata"]["rtc_widgets"]["others"] == {"kept": True}
        # Somebody else writes the same into it once more: nothing comes twice.
        again = copy.deepcopy(notebook)
        again["cells"] = written["cells"]
        server.write(path, again)
    with connect(server, path) as nb:
        nb[0].comment("New")
        until(lambda: len(nb.comments) == len(left) + 1, "and no more than that")
        assert len({one.number for one in nb.comments}) == len(left) + 1


@pytest.mark.timeout(180)
def test_ten_thousand_threads(serve: Any) -> None:
    """Whatever takes a look at all of them for each takes longer than this test may."""
    server = serve(options=["--RelayApp.mirror=never"])
    path = server.notebook("many.ipynb", *(f"value_{n} = {n}\nprint(value_{n})" for n in range(100)))
    by = Author("ada", "person", "Ada")
    anchors = [
        {
            "kind": "range",
            "cell": f"cell-{n}",
            "near": [None, None],
            "line": 0,
            "quote": {"exact": f"value_{n} = {n}", "prefix": "", "suffix": "\nprint"},
        }
        for n in range(100)
    ]
    many = [
        ThreadValue(
            f"t{n}",
            n + 1,
            anchors[n % 100],
            "resolved" if n % 2 else "open",
            (CommentValue(f"c{n}", 0, by, 1.0 + n, f"Comment {n} @ben", ("ben",), None, None),),
            (),
            None,
        )
        for n in range(10_000)
    ]
    server.write(path, put_in(server.read(path), to_mirror(many)))
    with connect(server, path) as nb:
        # So many take longer to come than is usually waited.
        nb.document.part(Annotations).threads(timeout=60)
        until(lambda: len(nb.comments) == 10_000, "all are here", 60)
        assert len(nb.comments.open) == len(nb.comments.resolved) == 5_000
        assert len(nb.comments.on(7)) == 100 and len(nb.comments.mentioning("ben")) == 10_000
        assert {one.body for one in nb.comments} == {f"Comment {n} @ben" for n in range(10_000)}
        assert len(nb.comments.to_frame()) == 10_000
        assert "9,980 more" in repr(nb.comments)
        with pytest.raises(CommentRefused, match="10,000 threads, as many as fit in"):
            nb[0].comment("One more")
        with connect(server, path) as ben:
            ben.document.part(Annotations).threads(timeout=60)
            heard: list[tuple[str, str]] = []
            ben.comments.on_change(
                lambda change: heard.append((change.delta[0].action, change.thread.id)), thread="any"
            )
            for n in range(0, 200, 2):
                nb.thread(f"t{n}").reply("Again.")
            until(lambda: len(heard) == 100, "each is told", 40)
            assert heard == [("add", f"t{n}") for n in range(0, 200, 2)]
        nb.thread("t0").delete()
        assert nb[0].comment("One more").number == 10_001
