"""Widgets of comments without a page: what a page would be told, what it may ask for, and what Python sees of it."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import comm
import nbclient
import nbformat
import pytest
from comm.base_comm import BaseComm
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook
from support.server import until
from traitlets import TraitError

import rtc_widgets
from rtc_widgets.widgets.state import difference

ROOT = Path(__file__).parents[2]


class Pages:
    """See what the kernel says to all pages, and speak as one of them."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, dict]] = []

    def of(self, widget: object, kind: str) -> list:
        """Return what a widget said of one kind: ``patch``, ``answer`` or ``state``."""
        mine = [data for id_, type_, data in self.messages if (id_, type_) == (widget.model_id, "comm_msg")]
        return [one["content"] for one in mine if one.get("method") == "custom" and kind in one["content"]]

    def told(self, widget: object, name: str) -> list:
        """Return the values of a trait that pages were told."""
        mine = [data for id_, type_, data in self.messages if (id_, type_) == (widget.model_id, "comm_msg")]
        return [one["state"][name] for one in mine if one.get("method") == "update" and name in one["state"]]

    def says(self, widget: object, **message: object) -> None:
        """Say something to a widget, on its own comm."""
        data = {"method": "custom", "content": message}
        widget.comm.handle_msg({"content": {"comm_id": widget.model_id, "data": data}, "buffers": []})


@pytest.fixture
def pages(monkeypatch):
    pages = Pages()

    class Comm(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            pages.messages.append((self.comm_id, msg_type, data or {}))

    monkeypatch.setattr(comm, "create_comm", Comm)
    return pages


@pytest.fixture
def nb(tmp_path):
    nb = rtc_widgets.local(tmp_path / "review.ipynb", create=True)
    nb[0].source = "rate = 0.5"
    return nb


def bodies(state):
    return [[one["body"] for one in state["threads"][id_]["comments"].values()] for id_ in state["order"]]


def patched(state, patch):
    """Do what labextension/src/widgets/state.ts does."""
    new = dict(state)
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(state.get(key), dict):
            merged = {**state[key], **value}
            new[key] = {name: one for name, one in merged.items() if value.get(name, one) is not None}
        else:
            new[key] = value
    return new


def test_a_page_gets_all_there_is_and_then_what_changes(nb, pages):
    nb[0].comment("Why?", on="0.5")
    widget = rtc_widgets.CommentsWidget(nb)
    (opened,) = [
        data for id_, type_, data in pages.messages if (id_, type_) == (widget.model_id, "comm_open")
    ]
    state = opened["state"]["_state"]
    assert bodies(state) == [["Why?"]]
    (place,) = state["places"].values()
    assert (place["state"], place["quote"], state["cells"]) == ("exact", "0.5", {nb[0].id: 1})
    nb.comments[1].reply("From the paper.")
    nb.comment("All of it")
    until(lambda: widget.open_count == 2, "the widget followed")
    for one in pages.of(widget, "patch"):
        assert one["patch"]["seq"] == state["seq"] + 1
        state = patched(state, one["patch"])
    assert bodies(state) == [["All of it"], ["Why?", "From the paper."]]
    assert state == widget.get_state()["_state"]


def test_what_moves_in_the_document_moves_in_the_widget(nb, pages):
    thread = nb[0].comment("Why?", on="0.5")
    widget = rtc_widgets.CommentsWidget(nb)
    nb[0].source = "# new\nrate = 0.5"
    until(lambda: pages.of(widget, "patch"), "the widget followed")
    patch = pages.of(widget, "patch")[-1]["patch"]
    assert patch["places"][thread.id]["start"] == 13 and "threads" not in patch
    del nb[0]
    until(
        lambda: widget.get_state()["_state"]["places"][thread.id]["state"] == "orphan", "the widget followed"
    )


def test_what_a_page_asks_is_done_and_answered_after_the_change_was_told(nb, pages):
    thread = nb[0].comment("Why?")
    widget = rtc_widgets.CommentsWidget(nb)
    params = {"thread": thread.id, "comment": "c1", "body": "From the paper."}
    pages.says(widget, method="comments.add", params=params, number=1, view="v")
    until(lambda: pages.of(widget, "answer"), "the widget followed")
    (answer,) = pages.of(widget, "answer")
    assert (answer["answer"], answer["view"], answer["result"]["thread"]) == (1, "v", thread.id)
    assert [one.body for one in thread.comments] == ["Why?", "From the paper."]
    kinds = [next(iter(data["content"])) for _, _, data in pages.messages if data.get("method") == "custom"]
    assert kinds == ["patch", "answer"]


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("comments.add", {"thread": "t", "comment": "c", "body": "Hi"}, "no-thread"),
        ("comments.add", {"thread": "t"}, "bad-request"),
        ("save", {}, "unknown-method"),
        ("comments.strip", {}, "unknown-method"),
    ],
)
def test_what_is_refused_is_told_with_the_reason(nb, pages, method, params, code):
    widget = rtc_widgets.CommentsWidget(nb)
    pages.says(widget, method=method, params=params, number=3, view="v")
    until(lambda: pages.of(widget, "answer"), "the widget followed")
    (answer,) = pages.of(widget, "answer")
    assert (answer["answer"], answer["code"]) == (3, code) and answer["reason"]


def test_a_page_that_missed_something_gets_all_of_it_again(nb, pages):
    nb[0].comment("Why?")
    widget = rtc_widgets.CommentsWidget(nb)
    pages.says(widget, all=True)
    assert pages.of(widget, "state")[-1]["state"] == widget.get_state()["_state"]


def test_python_sets_what_all_pages_show_and_sees_what_one_of_them_chose(nb, pages):
    nb[0].comment("One")
    second = nb[0].comment("Two")
    widget = rtc_widgets.CommentsWidget(nb, filter="mine")
    seen = []
    widget.observe(lambda change: seen.append((change.name, change.new)), ["filter", "selected"])
    widget.selected = 2
    assert widget.thread == second and pages.told(widget, "selected") == [2]
    pages.says(widget, set={"filter": "resolved", "selected": 1, "open_count": 7, "nothing": 1})
    assert (widget.filter, widget.selected, widget.open_count) == ("resolved", 1, 2)
    # The others go on looking at what they look at.
    assert pages.told(widget, "selected") == [2] and pages.told(widget, "filter") == []
    assert seen == [("selected", 2), ("filter", "resolved"), ("selected", 1)]
    with pytest.raises(TraitError, match=r"There is no thread 9 here; there are: \[1, 2\]\."):
        widget.selected = 9
    with pytest.raises(TraitError):
        widget.filter = "whose"


def test_open_threads_are_counted_and_observers_are_told(nb):
    widget = rtc_widgets.CommentsWidget(nb)
    counts = []
    widget.observe(lambda change: counts.append(change.new), "open_count")
    first = nb[0].comment("One")
    until(lambda: counts == [1], "the widget followed")
    first.resolve()
    until(lambda: counts == [1, 0], "the widget followed")
    assert repr(widget) == f"<comments on {nb.path}: 0 open, 1 resolved>"
    bundle, _ = widget._repr_mimebundle_()
    assert bundle["text/plain"].startswith("<comments on")
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id


def test_a_thread_and_a_cell_have_widgets_of_their_own(nb, pages):
    thread = nb[0].comment("Why?", on="0.5")
    one, box = rtc_widgets.ThreadWidget(thread), rtc_widgets.CommentBox(nb[0], on="rate")
    assert one.thread == thread and repr(one) == repr(thread)
    assert box.cell == nb[0] and repr(box) == "<comments on cell 0>"
    state = box.get_state()
    assert (state["_cell"], state["_anchor"]["quote"]["exact"]) == (nb[0].id, "rate")
    params = {"thread": "t1", "comment": "c1", "body": "And this?", "anchor": state["_anchor"]}
    pages.says(box, method="comments.add", params=params, number=1, view="v")
    until(lambda: len(nb.comments) == 2, "the widget followed")
    assert nb.comments[2].quote == "rate"


def test_the_components_are_sent_once_for_all_widgets(nb, pages):
    widgets = [rtc_widgets.CommentsWidget(nb) for _ in range(3)]
    sizes = {id_: len(str(data)) for id_, type_, data in pages.messages if type_ == "comm_open"}
    assert all(sizes[widget.model_id] < 4_000 for widget in widgets)
    assert sum(size > 50_000 for size in sizes.values()) <= 1
    assert len({widget.get_state()["_library"] for widget in widgets}) == 1


def test_a_widget_that_is_closed_is_told_no_more_and_goes(nb, pages):
    widget = rtc_widgets.CommentsWidget(nb)
    feed, gone = weakref.ref(widget._feed), weakref.ref(widget)
    widget.close()
    before = len(pages.messages)
    nb[0].comment("Why?")
    feed().turn()
    assert len(pages.messages) == before
    del widget
    gc.collect()
    until(lambda: gone() is None and feed() is None, "the widget followed")


def test_a_text_file_without_a_place_for_comments_shows_none(tmp_path, pages):
    notes = rtc_widgets.local(tmp_path / "notes.md", create=True)
    widget = rtc_widgets.CommentsWidget(notes)
    assert widget.get_state()["_state"]["about"]["ready"] is False
    assert widget.open_count == 0


json = st.dictionaries(
    st.sampled_from("abc"),
    st.one_of(
        st.integers(),
        st.lists(st.integers(), max_size=2),
        st.dictionaries(st.sampled_from("xyz"), st.integers()),
    ),
)


@given(json, json)
def test_a_difference_put_over_the_old_is_the_new(old, new):
    new = {**old, **new}  # the keys of a state are always the same
    assert patched(old, difference(old, new) or {}) == new


def test_without_anywidget_making_one_names_what_to_install():
    code = (
        "import sys; sys.modules['anywidget'] = None\nimport rtc_widgets\n"
        "for name in dir(rtc_widgets): getattr(rtc_widgets, name)\n"
        "try: rtc_widgets.CommentsWidget(None)\nexcept ModuleNotFoundError as error: print(error)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50
    )
    assert ended.stdout.startswith("CommentsWidget needs anywidget and ipywidgets")
    assert 'pip install "rtc_widgets[widgets]"' in ended.stdout


@pytest.mark.timeout(120)
async def test_a_headless_run_keeps_the_widget_with_its_threads(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    notebook = new_notebook(
        cells=[
            new_code_cell(
                f"import rtc_widgets\nnb = rtc_widgets.local({str(tmp_path / 'a.ipynb')!r}, create=True)\n"
                "nb[0].comment('Why?')\nrtc_widgets.CommentsWidget(nb)"
            )
        ]
    )
    await nbclient.NotebookClient(notebook, timeout=50).async_execute()
    nbformat.validate(notebook)
    (output,) = notebook.cells[0].outputs
    assert "1 open, 0 resolved" in output.data["text/plain"]
    saved = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    view = output.data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert bodies(saved[view]["state"]["_state"]) == [["Why?"]]
