"""Metadata, tags and outputs are live, and stay what nbformat allows."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_output
from support.notebooks import FILE, as_saved, notebook_of, opened, sent_by, two

from rtc_widgets.documents import rules
from rtc_widgets.documents.outputs import Output
from rtc_widgets.errors import DocumentError
from rtc_widgets.origins import Origin

# ------------------------------------------------------------------------------------------------------- metadata


def test_a_conversation() -> None:
    ada, bob, _ = two()
    hers, his = ada["load-1"].metadata, bob["load-1"].metadata

    hers["slides"] = {"type": "slide", "list": [1, {"a": 2}]}
    assert his["slides"]["type"] == "slide"
    his["slides"]["type"] = "skip"
    his["slides"]["list"][1]["a"] = 3
    his["slides"]["list"].append(True)
    assert hers["slides"] == {"type": "skip", "list": [1, {"a": 3}, True]}
    assert hers.setdefault("n", 5) == 1
    assert hers.pop("n") == 1
    del his["slides"]["list"][0]
    assert hers == {"tags": ["setup"], "slides": {"type": "skip", "list": [{"a": 3}, True]}}
    assert list(hers) == list(his) and len(hers) == 2 and "slides" in his
    hers |= {"x": 1, "y": 2}
    bob["load-1"].metadata |= {"z": 3}
    assert set(hers) == {"tags", "slides", "x", "y", "z"}
    assert hers | {"x": 2} == {**hers.copy(), "x": 2}
    hers.clear()
    assert his == {} and not his
    ada.metadata["kernelspec"]["display_name"] = "Pythón"
    assert bob.metadata["kernelspec"] == {"name": "python3", "display_name": "Pythón"}
    ada.metadata |= {"title": "Owls 🦉"}
    assert bob.metadata["title"] == "Owls 🦉"


def test_only_the_top_key_that_differs_is_written() -> None:
    ada, bob, hub = two(instantly=False)
    ada["load-1"].metadata["a"] = {"x": [1]}
    hub.deliver()
    ada["load-1"].metadata["a"]["x"].append(2)
    bob["load-1"].metadata["n"] = 2
    hub.deliver()
    assert ada["load-1"].metadata == bob["load-1"].metadata == {"tags": ["setup"], "n": 2, "a": {"x": [1, 2]}}

    sent = sent_by(ada)
    ada["load-1"].metadata["a"]["x"][0] = 1
    ada["load-1"].metadata.update(n=2)
    ada["load-1"].metadata["a"].update({})
    ada["load-1"].metadata |= {}
    ada["load-1"].tags.add("setup")
    assert sent == []


def test_what_is_taken_out_is_plain() -> None:
    nb = opened()
    metadata = nb[1].metadata
    metadata.update({"a": {"b": [{"c": 1}, {"d": 2}]}, "e": {"f": 3}})
    assert metadata["a"]["b"].pop() == {"d": 2}
    assert metadata["a"]["b"].pop(0) == {"c": 1}
    assert type(metadata.pop("a")) is dict
    assert metadata.pop("a", None) is None
    with pytest.raises(KeyError):
        metadata.pop("a")
    assert [metadata.popitem() for _ in range(3)] == [("tags", ["setup"]), ("n", 1), ("e", {"f": 3})]
    with pytest.raises(KeyError):
        metadata.popitem()


def test_several_keys_are_one_update() -> None:
    nb = opened()
    sent = sent_by(nb)
    nb[0].metadata.update({"a": 1}, b=2)
    nb[0].metadata.clear()
    assert len(sent) == 2


def test_a_view_of_what_is_gone_says_so() -> None:
    nb = opened()
    nb[0].metadata["a"] = {"b": {"c": 1}}
    inner = nb[0].metadata["a"]["b"]
    del nb[0].metadata["a"]
    with pytest.raises(KeyError):
        inner["c"] = 2
    with pytest.raises(KeyError):
        _ = inner["c"]
    nb[0].metadata["a"] = {"b": [1]}
    with pytest.raises(KeyError, match="something else now"):
        inner["c"] = 2
    with pytest.raises(KeyError):
        _ = nb[0].metadata["none"]
    with pytest.raises(KeyError):
        del nb[0].metadata["none"]
    with pytest.raises(KeyError):
        _ = nb[0].metadata[3]  # type: ignore[index]


def test_plain_copies() -> None:
    nb = opened()
    metadata = nb[1].metadata
    assert json.loads(json.dumps(metadata.copy())) == metadata
    assert type(copy.deepcopy(metadata)) is dict
    nb[0].metadata["theirs"] = metadata
    nb[0].metadata["tags"] = metadata["tags"]
    assert nb[0].metadata == {"theirs": {"tags": ["setup"], "n": 1}, "tags": ["setup"]}
    assert repr(metadata) == "{'n': 1, 'tags': ['setup']}"


BAD: list[tuple[str, str, Any]] = [
    ("code", "tags", "setup"),
    ("code", "tags", ["a", "a"]),
    ("code", "tags", ["a,b"]),
    ("markdown", "tags", [""]),
    ("raw", "name", ""),
    ("raw", "format", 3),
    ("code", "collapsed", "yes"),
    ("code", "scrolled", "no"),
    ("markdown", "jupyter", []),
    ("code", "execution", {"iopub.status.busy": 3}),
    ("notebook", "kernelspec", {"name": "python3"}),
    ("notebook", "kernelspec", "python3"),
    ("notebook", "language_info", {}),
    ("notebook", "language_info", {"name": "python", "mimetype": 3}),
    ("notebook", "title", 3),
    ("notebook", "authors", "Ada"),
]


@pytest.mark.parametrize(("kind", "key", "value"), BAD)
def test_what_nbformat_does_not_allow_is_refused(kind: str, key: str, value: Any) -> None:
    nb = notebook_of(("code", ""), ("markdown", ""), ("raw", ""))
    target: Any = nb if kind == "notebook" else next(cell for cell in nb if cell.type == kind)
    sent = sent_by(nb)
    for write in (
        lambda: target.metadata.__setitem__(key, value),
        lambda: target.metadata.update({"good": 1, key: value}),
        lambda: setattr(target, "metadata", {"good": 1, key: value}),
    ):
        with pytest.raises(DocumentError, match=key):
            write()
    assert sent == []
    if kind != "notebook":
        with pytest.raises(DocumentError, match=key):
            nb.append("", type=kind, metadata={key: value})


def test_a_change_deep_inside_is_held_to_the_rules_too() -> None:
    nb = opened()
    with pytest.raises(DocumentError, match="tags"):
        nb[1].metadata["tags"].append("setup")
    with pytest.raises(DocumentError, match="kernelspec"):
        del nb.metadata["kernelspec"]["name"]
    with pytest.raises(DocumentError, match="JSON"):
        nb.metadata["kernelspec"]["more"] = {1, 2}
    nb[0].metadata["format"] = 3
    with pytest.raises(DocumentError, match="format"):
        nb[0].type = "raw"
    as_saved(nb)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "auto", "a,b", "x", "x\n"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["name", "display_name", "codemirror_mode", "x"]), inner, max_size=3
        )
    ),
    max_leaves=4,
)


def valid(content: dict[str, Any]) -> bool:
    try:
        nbformat.validate(nbformat.from_dict(content))
    except nbformat.ValidationError:
        return False
    return True


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(sorted(rules._ENTRIES)), st.sampled_from(["code", "markdown", "raw", "notebook"]), JSON
)
def test_the_rules_are_those_of_nbformat(key: str, kind: str, value: Any) -> None:
    nb = notebook_of(("code" if kind == "notebook" else kind, ""))
    content = nb.to_dict()
    (content if kind == "notebook" else content["cells"][0])["metadata"] = {key: value}
    try:
        rules.checked_metadata({key: value}, kind)
    except DocumentError:
        assert not valid(content)
    else:
        assert valid(content)


# ------------------------------------------------------------------------------------------------------------ tags


def test_tags_are_a_set() -> None:
    ada, bob, _ = two()
    hers, his = ada["load-1"].tags, bob["load-1"].tags

    hers.add("parameters")
    hers |= {"setup", "slow"}
    assert his == {"setup", "parameters", "slow"} and list(his) == ["setup", "parameters", "slow"]
    his.discard("nothing")
    his.remove("setup")
    with pytest.raises(KeyError):
        his.remove("setup")
    assert hers & {"slow"} == {"slow"} and hers - {"slow"} == {"parameters"}
    assert type(hers | {"x"}) is set
    sent = sent_by(ada)
    ada["load-1"].tags ^= {"slow", "fast"}
    assert his == {"parameters", "fast"} and len(sent) == 1
    ada["load-1"].tags -= {"fast"}
    ada["load-1"].tags &= {"parameters"}
    assert bob["load-1"].metadata == {"tags": ["parameters"], "n": 1}
    ada["load-1"].tags = ["b", "parameters", "b"]
    assert list(his) == ["parameters", "b"]
    assert repr(his) == "{'parameters', 'b'}"
    hers.clear()
    assert bob["load-1"].metadata == {"n": 1} and repr(his) == "set()"


@pytest.mark.parametrize(("bad", "error"), [("", DocumentError), ("a,b", DocumentError), (3, TypeError)])
def test_a_bad_tag_is_refused(bad: Any, error: type[Exception]) -> None:
    nb = opened()
    sent = sent_by(nb)
    with pytest.raises(error):
        nb[0].tags.add(bad)
    with pytest.raises(error):
        nb[0].tags |= {"good", bad}
    with pytest.raises(TypeError, match="list of tags"):
        nb[0].tags = "setup"  # type: ignore[assignment]
    assert sent == []


# --------------------------------------------------------------------------------------------------------- outputs


def test_outputs_read_as_nbformat_objects() -> None:
    outputs = opened()[1].outputs

    assert outputs[0].output_type == "stream" and outputs[0].text == "hé\n"
    assert outputs[-1].data["application/json"].x == 1
    assert [output.output_type for output in outputs] == ["stream", "execute_result"]
    assert outputs[:1] == FILE["cells"][1]["outputs"][:1]
    with pytest.raises(AttributeError, match="no 'data', but '"):
        _ = outputs[0].data
    with pytest.raises(TypeError, match=r"output\.copy\(\)"):
        outputs[0].text = "changed"
    with pytest.raises(TypeError, match="copy"):
        outputs[1].data["text/plain"] = "changed"
    for plain in (outputs[1].copy(), copy.deepcopy(outputs[1]), pickle.loads(pickle.dumps(outputs[1]))):
        assert type(plain) is dict and type(plain["data"]) is dict and plain == outputs[1]
    assert json.dumps(outputs[1])
    assert "text" in dir(outputs[0])


def test_outputs_in_a_conversation() -> None:
    ada, bob, _ = two()
    origins: list[Origin] = []
    ada.document.on_update(lambda _, origin: origins.append(origin))
    hers, his = ada["load-1"].outputs, bob["load-1"].outputs

    hers.append(new_output("stream", name="stderr", text="é"))
    assert his[2].name == "stderr"
    hers[2] = his[2].copy() | {"text": ["a\n", "b"]}
    assert his[2].text == "a\nb"
    del hers[0]
    hers += [new_output("error", ename="E", evalue="e", traceback=["t"])]
    hers.insert(0, new_output("display_data", {"text/plain": "x", "image/png": "AA=="}))
    assert [output.output_type for output in his] == ["display_data", "execute_result", "stream", "error"]
    as_saved(ada)
    ada["load-1"].outputs = his[1:3]
    ada["load-1"].execution_count = 7
    assert len(his) == 2 and bob["load-1"].execution_count == 7
    ada["load-1"].clear_outputs()
    assert his == [] and bob["load-1"].execution_count is None
    assert {origin.kind for origin in origins} == {"outputs"}
    assert ada.undo_stack == []
    as_saved(bob)


def test_all_outputs_are_cleared_in_one_update() -> None:
    nb = opened()
    nb["load-2"].outputs.append(new_output("stream", name="stdout", text="x"))
    sent = sent_by(nb)
    nb.clear_outputs()
    nb.clear_outputs()
    assert all(cell.outputs == [] and cell.execution_count is None for cell in nb)
    assert len(sent) == 1


def test_a_transaction_that_fails_leaves_the_outputs() -> None:
    nb = opened()
    before = nb.to_dict()
    with pytest.raises(ValueError), nb.transaction():  # noqa: PT011, PT012
        nb["load-1"].outputs.clear()
        nb["load-1"].outputs.append(new_output("stream", name="stdout", text="x"))
        raise ValueError
    assert nb.to_dict() == before


BAD_OUTPUTS: list[Any] = [
    3,
    {},
    {"output_type": "nothing"},
    {"output_type": "stream", "name": "stdout"},
    {"output_type": "stream", "name": 1, "text": ""},
    {"output_type": "stream", "name": "stdout", "text": 3},
    {"output_type": "stream", "name": "stdout", "text": "", "more": 1},
    {"output_type": "display_data", "data": {"text/plain": 3}, "metadata": {}},
    {"output_type": "display_data", "data": {}, "metadata": []},
    {"output_type": "display_data", "data": {}},
    {"output_type": "display_data", "data": {}, "metadata": {}, "transient": {}},
    {"output_type": "execute_result", "data": {}, "metadata": {}, "execution_count": -1},
    {"output_type": "execute_result", "data": {}, "metadata": {}, "execution_count": True},
    {"output_type": "error", "ename": "", "evalue": "", "traceback": "t"},
    {"output_type": "error", "ename": "", "evalue": 1, "traceback": []},
    {"output_type": "stream", "name": "stdout", "text": "\ud800"},
    {"output_type": "display_data", "data": {"application/json": float("nan")}, "metadata": {}},
]


@pytest.mark.parametrize("bad", BAD_OUTPUTS)
def test_a_bad_output_is_refused(bad: Any) -> None:
    nb = opened()
    sent = sent_by(nb)
    outputs = nb["load-1"].outputs
    for write in (
        lambda: outputs.append(bad),
        lambda: outputs.insert(0, bad),
        lambda: outputs.__setitem__(0, bad),
        lambda: setattr(nb["load-1"], "outputs", [new_output("stream"), bad]),
    ):
        with pytest.raises((DocumentError, TypeError)):
            write()
    assert sent == []


def test_only_code_has_outputs() -> None:
    nb = opened()
    with pytest.raises(DocumentError, match="Only code"):
        nb["title"].outputs.append(new_output("stream"))
    with pytest.raises(DocumentError, match="Only code"):
        nb["title"].execution_count = 1
    with pytest.raises(DocumentError, match="execution count"):
        nb["load-1"].execution_count = "1"  # type: ignore[assignment]
    nb["title"].clear_outputs()
    assert nb["title"].outputs == [] and not nb["title"].outputs


OUTPUT = st.fixed_dictionaries(
    {"output_type": st.sampled_from(["stream", "display_data", "execute_result", "error", "x"])},
    optional={
        "name": st.sampled_from(["stdout", 3]),
        "text": st.sampled_from(["x", ["a", "b"], 3, [3]]),
        "data": st.sampled_from(
            [{}, {"text/plain": "x"}, {"a/b": ["x"]}, {"a/b": 3}, {"application/x+json": 3}, []]
        ),
        "metadata": st.sampled_from([{}, {"a": 1}, []]),
        "execution_count": st.sampled_from([None, 0, 3, -1, "x"]),
        "ename": st.just("E"),
        "evalue": st.just("e"),
        "traceback": st.sampled_from([[], ["t"], "t", [3]]),
    },
)
KEYS = {
    "stream": {"name", "text"},
    "display_data": {"data", "metadata"},
    "execute_result": {"data", "metadata", "execution_count"},
    "error": {"ename", "evalue", "traceback"},
    "x": set(),
}


@settings(max_examples=300, deadline=None)
@given(OUTPUT, st.booleans())
def test_the_rules_for_outputs_are_those_of_nbformat(output: dict[str, Any], cut: bool) -> None:
    if cut:  # else few would be valid
        keys = {"output_type", *KEYS[output["output_type"]]}
        output = {key: value for key, value in output.items() if key in keys}
    content = notebook_of("").to_dict()
    content["cells"][0]["outputs"] = [output]
    try:
        checked = rules.checked_output(output)
    except DocumentError:
        assert not valid(content)
    else:
        assert valid(content)
        content["cells"][0]["outputs"] = [Output(checked)]
        assert valid(content)
