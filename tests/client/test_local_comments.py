"""Comments on a local notebook, without any server: in the file, and in it once."""

from __future__ import annotations

import getpass
import importlib.util
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

import rtc_widgets
from rtc_widgets.errors import CommentRefused, DocumentError, NotConnected


@pytest.fixture
def file(tmp_path: Path) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("rate = 0.1", id="first")])  # type: ignore[no-untyped-call]
    nbformat.write(notebook, tmp_path / "a.ipynb")  # type: ignore[no-untyped-call]
    return tmp_path / "a.ipynb"


def items(file: Path) -> list[Any]:
    return json.loads(file.read_text())["metadata"]["rtc_widgets"]["comments"]["items"]


def test_they_are_there_the_next_time(file: Path) -> None:
    with rtc_widgets.local(file) as nb:
        thread = nb[0].comment("Why?", on="0.1")
        thread.reply("So.")
        thread.resolve()
        assert thread.author.user == getpass.getuser()
        assert "rtc_widgets" not in nb.metadata, "what is said is no content"
    nbformat.validate(nbformat.read(file, 4))  # type: ignore[no-untyped-call]
    written = file.read_bytes()
    with rtc_widgets.local(file) as nb:
        again = nb.comments[1]
        assert (again.id, again.state, again.anchored, again.quote) == (thread.id, "resolved", "exact", "0.1")
        assert [comment.body for comment in again.comments] == ["Why?", "So."]
        nb.save()
        assert file.read_bytes() == written, "nobody said anything, so nothing is written"
        again.reply("More.")
        nb[0].text.insert(0, "# x\n")
        assert again.span == (11, 14)
    assert len(items(file)) == 1 and len(items(file)[0]["body"]) == 3
    with rtc_widgets.local(file) as nb:
        assert nb.comments[1].span == (11, 14)
        nb.comments[1].delete()
    assert "rtc_widgets" not in json.loads(file.read_text())["metadata"]


def test_one_more_comment_is_a_small_difference(file: Path) -> None:
    with rtc_widgets.local(file) as nb:
        for number in range(3):
            nb[0].comment(f"Comment {number}")
    before = file.read_text().splitlines()
    with rtc_widgets.local(file) as nb:
        nb.comments[2].reply("One more.")
    after = file.read_text().splitlines()
    assert len(after) - len(before) == 13
    start = next(place for place, line in enumerate(after) if place >= len(before) or line != before[place])
    assert before[start:] == after[start + 13 :] or before[start - 1 :] == after[start + 12 :]


def test_what_is_said_in_the_file_meanwhile_joins(file: Path) -> None:
    with rtc_widgets.local(file) as ada, rtc_widgets.local(file) as ben:
        ada[0].comment("Ada's")
        ada.save()
        ben[0].comment("Ben's")
        ben.append("y = 2")
        ben.save()
        assert sorted(thread.body for thread in ben.comments) == ["Ada's", "Ben's"]
        assert sorted(thread.number for thread in ben.comments) == [1, 2]
        ada.save()
        assert sorted(thread.body for thread in ada.comments) == ["Ada's", "Ben's"]
        next(thread for thread in ada.comments if thread.body == "Ben's").delete()
        ada.save()
        ben.save()
        assert [thread.body for thread in ben.comments] == ["Ada's"]
    assert len(items(file)) == 1
    assert [cell["source"] for cell in json.loads(file.read_text())["cells"]] == [["rate = 0.1"], ["y = 2"]]


def test_damaged_comments_stop_nobody(file: Path) -> None:
    with rtc_widgets.local(file) as nb:
        nb[0].comment("Kept")
    content = json.loads(file.read_text())
    content["metadata"]["rtc_widgets"]["comments"]["items"] += [None, {"type": "Annotation"}, {"body": [1]}]
    content["metadata"]["rtc_widgets"]["other"] = 1
    file.write_text(json.dumps(content))
    with rtc_widgets.local(file) as nb:
        assert [thread.body for thread in nb.comments] == ["Kept"]
        assert nb.metadata["rtc_widgets"] == {"other": 1}
        nb[0].source += "  # x"
    assert json.loads(file.read_text())["metadata"]["rtc_widgets"]["other"] == 1
    assert len(items(file)) == 1


def test_the_rules_are_the_relays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with rtc_widgets.local(file) as nb:
        nb[0].comment("Mine")
    with monkeypatch.context() as other:
        other.setattr("rtc_widgets.client.localnotes._user", lambda: "somebody-else")
        with rtc_widgets.local(file) as nb:
            with pytest.raises(CommentRefused, match="only its author can edit it") as refused:
                nb.comments[1].edit("Not mine")
            assert refused.value.code == "not-yours"
            nb.comments[1].reply("But this is.")
    names = [body["creator"]["nickname"] for body in items(file)[0]["body"]]
    assert names == [getpass.getuser(), "somebody-else"]


def test_a_file_that_is_no_notebook_has_no_place_for_them(tmp_path: Path) -> None:
    with rtc_widgets.local(tmp_path / "a.md", create=True) as notes:
        with pytest.raises(NotConnected, match="no place for them"):
            notes.comment("Where?")
        with pytest.raises(NotConnected, match="no place for them"):
            len(notes.comments)
        assert "no place for them" in repr(notes.comments)
    with rtc_widgets.local(tmp_path / "b.ipynb", create=True) as nb:
        pass
    with pytest.raises(NotConnected, match="is closed here"):
        nb[0].comment("Too late")


def test_events_without_a_server(file: Path) -> None:
    with rtc_widgets.local(file) as nb:
        heard: list[Any] = []
        subscription = nb.comments.open.on(0).on_change(lambda change: heard.append(change.delta[0].action))
        mentions: list[Any] = []
        nb.comments.on_mention(lambda change: mentions.append(change.comment.body))
        thread = nb[0].comment("One")
        thread.comments[0].edit(f"One, @{getpass.getuser()}")
        nb.comment("Not on the cell")
        thread.resolve()
        assert heard == ["add", "edit"]
        assert mentions == [f"One, @{getpass.getuser()}"]
        subscription.close()
        thread.reopen()
        assert heard == ["add", "edit"]
        assert nb.wait_for(lambda: len(nb.comments) == 2, 5).result()


def test_exports_and_frames(file: Path, tmp_path: Path) -> None:
    with rtc_widgets.local(file) as nb:
        nb[0].comment("Why *0.1*? <b>", on="0.1").reply("So.")
        text = nb.comments.export(tmp_path / "r.md").read_text()
        assert text.startswith("# Comments on a.ipynb\n"), "not where it is on this machine"
        assert "## #1, cell 0 (open)" in text and "```\n0.1\n```" in text and "> Why *0.1*? <b>" in text
        page = nb.comments.export(tmp_path / "r.html").read_text()
        assert "&lt;b&gt;" in page and "<b>" not in page
        data = json.loads(nb.comments.export(tmp_path / "r.json").read_text())
        assert [one["body"] for one in data["comments"]] == ["Why *0.1*? <b>", "So."]
        with pytest.raises(ValueError, match=r"\.md, \.html, \.json"):
            nb.comments.export(tmp_path / "r.doc")
        rows = nb.comments.to_dicts()
        assert [row["reply"] for row in rows] == [0, 1] and {row["quote"] for row in rows} == {"0.1"}
        if importlib.util.find_spec("pandas") is None:
            with pytest.raises(ModuleNotFoundError, match="pip install pandas"):
                nb.comments.to_frame()
        else:
            assert list(nb.comments.to_frame()["reply"]) == [0, 1]
        nb[0].delete()
        assert nb.comments.orphaned and nb.comments.by(getpass.getuser()) and not nb.comments.by("nobody")
        assert nb.comments[1].cell is None and nb.comments[1].quote == "0.1"
        nb.comments[1].reply("# No heading\n\n```\nof the page's")
        text = nb.comments.export(tmp_path / "r.md").read_text()
        assert "## #1, about what is gone (open)" in text and text.endswith(
            "> # No heading\n>\n> ```\n> of the page's\n"
        )


def test_how_they_look(file: Path) -> None:
    with rtc_widgets.local(file) as nb:
        thread = nb[0].comment("Why? <script>", on="0.1")
        thread.reply("So.").delete()
        assert (
            repr(thread) == f"<comment 1 on '0.1' by {getpass.getuser()}, open, 0 replies: 'Why? <script>'>"
        )
        assert repr(nb.comments) == repr(thread)
        for html in (thread._repr_html_(), nb.comments._repr_html_(), thread.comments[0]._repr_html_()):
            assert "Why? &lt;script&gt;" in html and "<script>" not in html
        assert "deleted by" in thread._repr_html_()
        assert repr(nb.comments.resolved) == "<comments resolved: none>"
        with pytest.raises(LookupError, match="there are: 1"):
            nb.comments[0]


def test_a_thread_of_a_later_release_is_at_its_cell(file: Path) -> None:
    with rtc_widgets.local(file) as nb:
        nb[0].comment("x")
    content = json.loads(file.read_text())
    anchor = {"kind": "something new", "cell": "first"}
    content["metadata"]["rtc_widgets"]["comments"]["items"][0]["rtc_widgets"]["anchor"] = anchor
    file.write_text(json.dumps(content))
    with rtc_widgets.local(file) as nb:
        assert nb.comments[1].cell == nb[0]
        nb.comments[1].reply("y")
    assert items(file)[0]["rtc_widgets"]["anchor"]["kind"] == "something new"


def test_what_may_never_be_there_takes_no_comment(file: Path) -> None:
    with rtc_widgets.local(file) as nb:
        thread = nb[0].comment("Before")
        with nb.transaction():
            cell = nb.append("y = 2")
            with pytest.raises(DocumentError, match="after the block"):
                cell.comment("Inside")
            with pytest.raises(DocumentError, match="after the block"):
                thread.reattach(cell)
            thread.reply("A reply is about nothing new.")
        cell.comment("After")
        assert [thread.body for thread in nb.comments] == ["Before", "After"]


def test_a_copy_for_publishing_has_no_comments(file: Path) -> None:
    with rtc_widgets.local(file) as nb:
        nb[0].comment("Not for everybody")
    before = json.loads(file.read_text())
    with rtc_widgets.local(file) as nb:
        assert nb.comments.mirror is None
        nb.comments.strip()
        del before["metadata"]["rtc_widgets"]
        assert json.loads(file.read_text()) == before, "nothing else is changed"
        assert [thread.body for thread in nb.comments] == ["Not for everybody"], "here it is until the end"
        with pytest.raises(CommentRefused, match="mirror = 'always'"):
            nb[0].comment("Where would this be kept?")
        nb.comments.mirror = "always"
        nb[0].comment("In the file")
    assert len(items(file)) == 2
    with rtc_widgets.local(file) as nb:
        nb.comments.strip()
    with rtc_widgets.local(file) as nb:
        assert not nb.comments
        nb[0].comment("Another beginning")
    assert len(items(file)) == 1


@pytest.mark.parametrize("damage", ["text", None, 7, [], {"items": 7}, {}])
def test_a_damaged_copy_is_taken_out_too(file: Path, damage: Any) -> None:
    notebook = json.loads(file.read_text())
    before = file.read_bytes()
    notebook["metadata"]["rtc_widgets"] = {"comments": damage}
    file.write_text(json.dumps(notebook))
    with rtc_widgets.local(file) as nb:
        assert not nb.comments
        assert nb.comments.strip().done()
        assert json.loads(file.read_text()) == json.loads(before), "when it returns"


def test_what_was_read_is_known_for_as_long_as_the_handle_is(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rtc_widgets.local(file) as nb:
        nb[0].comment("Mine")
    with monkeypatch.context() as other:
        other.setattr("rtc_widgets.client.localnotes._user", lambda: "somebody-else")
        with rtc_widgets.local(file) as nb:
            nb.comments[1].reply("Theirs")
    with rtc_widgets.local(file) as nb:
        (thread,) = nb.comments.unread
        thread.mark_read()
        assert not nb.comments.unread and not thread.unread
