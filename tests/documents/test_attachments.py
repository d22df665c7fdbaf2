"""Attachments are a live dict by name, checked against nbformat, written only where they differ, and undone."""
# ruff: noqa: PT012 (what a transaction rolls back is more than one statement)

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from pycrdt import Array
from support.notebooks import as_saved, notebook_of, opened, sent_by, two

from rtc_widgets.documents.cells import Cell
from rtc_widgets.errors import CellGone, DocumentError

OWL = {"image/png": "T1dM"}
CAT = {"image/png": "Q0FU", "image/svg+xml": "<svg/>"}


def test_a_conversation() -> None:
    ada, bob, _ = two()
    hers, his = ada["title"].attachments, bob["title"].attachments
    assert hers == {} and not hers and ada["raw"].attachments == {"i.png": {"image/png": "AA=="}}

    hers["🦉.png"] = OWL
    assert his == {"🦉.png": OWL} and list(his) == ["🦉.png"]
    his["🦉.png"]["image/png"] = "SE9P"
    assert hers["🦉.png"]["image/png"] == "SE9P"
    hers |= {"cat": CAT}
    bob["title"].attachments |= {"cat": OWL}
    del hers["🦉.png"]
    assert his.pop("cat") == OWL
    assert hers == his == {} and len(hers) == 0
    ada["title"].attachments = {"a": OWL, "b": CAT}
    assert bob["title"].attachments.copy() == {"a": OWL, "b": CAT}
    assert as_saved(bob)["cells"][0]["attachments"] == {"a": OWL, "b": CAT}
    bob["title"].attachments.clear()
    assert "attachments" not in as_saved(ada)["cells"][0]
    with pytest.raises(KeyError):
        _ = hers["a"]
    with pytest.raises(KeyError):
        del hers["a"]
    bob["title"].delete()
    with pytest.raises(CellGone):
        hers["a"] = OWL


def test_they_are_as_jupyterlab_has_them() -> None:
    """One plain JSON value in the cell, not a shared map: ``ymodel.get('attachments')``."""
    nb = opened()
    nb["title"].attachments["a"] = OWL
    with nb.document.reading() as replica:
        cells = replica.root("cells", Array)
        assert cells[0].get("attachments") == {"a": OWL}
        assert type(cells[0]["attachments"]) is dict
    nb["title"].attachments["lines"] = {"text/plain": ["a\n", "b"], "application/json": {"k": [1]}}
    assert nb["title"].attachments["lines"] == {"text/plain": "a\nb", "application/json": {"k": [1]}}
    nb["title"].attachments["lines"]["application/json"]["k"].append(2)
    assert nb["title"].attachments["lines"]["application/json"] == {"k": [1, 2]}


def test_only_what_differs_is_written() -> None:
    nb = opened()
    nb["title"].attachments["lines"] = {"text/plain": "ab"}
    sent = sent_by(nb)
    nb["raw"].attachments["i.png"] = {"image/png": "AA=="}
    nb["raw"].attachments["i.png"]["image/png"] = "AA=="
    nb["raw"].attachments |= {}
    nb["raw"].attachments = nb["raw"].attachments
    nb["title"].attachments["lines"] = {"text/plain": ["a", "b"]}
    nb["title"].attachments = {"lines": {"text/plain": "ab"}}
    nb["load-1"].attachments = {}
    nb["load-1"].attachments.clear()
    assert sent == []
    nb["title"].attachments.update({"a": OWL}, b=CAT)
    assert len(sent) == 1


BAD: list[tuple[str, Callable[[Cell], object], type[Exception]]] = [
    ("no bundle", lambda cell: cell.attachments.update(a="T1dM"), DocumentError),
    ("bytes", lambda cell: cell.attachments.update(a={"image/png": b"OWL"}), DocumentError),
    ("a number", lambda cell: cell.attachments.update(a={"image/png": 3}), DocumentError),
    ("no name", lambda cell: cell.attachments.update({3: OWL}), DocumentError),
    ("deep", lambda cell: cell.attachments["i.png"].update({"image/png": None}), DocumentError),
    ("one of two", lambda cell: setattr(cell, "attachments", {"a": OWL, "b": [OWL]}), DocumentError),
    ("a list", lambda cell: setattr(cell, "attachments", [OWL]), TypeError),
]


@pytest.mark.parametrize(("edit", "error"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_ones_are_refused_and_nothing_is_written(
    edit: Callable[[Cell], object], error: type[Exception]
) -> None:
    nb = opened()
    before, sent = nb.to_dict(), sent_by(nb)
    with pytest.raises(error):
        edit(nb["raw"])
    assert sent == [] and nb.to_dict() == before


def test_code_has_none() -> None:
    nb = opened()
    assert nb["load-1"].attachments == {}
    with pytest.raises(DocumentError, match="this cell is code"):
        nb["load-1"].attachments["a"] = OWL
    with pytest.raises(DocumentError, match="this cell is code"):
        nb["load-1"].attachments = {"a": OWL}
    nb["raw"].type = "code"
    assert nb["raw"].attachments == {}
    as_saved(nb)


def test_dicts_of_cells_and_of_the_notebook_carry_them() -> None:
    ada, bob, _ = two()
    ada["title"].attachments["a"] = OWL
    assert ada["title"].to_dict()["attachments"] == {"a": OWL}
    content = copy.deepcopy(bob.to_dict())
    content["cells"][0]["attachments"]["b"] = CAT
    del content["cells"][3]["attachments"]
    sent = sent_by(ada)
    ada.replace(nbformat.from_dict(content))
    assert len(sent) == 1
    assert bob["title"].attachments == {"a": OWL, "b": CAT} and bob["raw"].attachments == {}
    ada.replace(content)
    assert len(sent) == 1
    ada[0] = {**ada[0].to_dict(), "attachments": {"c": OWL}}
    assert bob["title"].attachments == {"c": OWL}
    bob.append(bob[0].to_dict())
    bob["title"].duplicate().attachments["d"] = CAT
    assert [cell.attachments.copy() for cell in ada.markdown] == [
        {"c": OWL},
        {"c": OWL, "d": CAT},
        {"c": OWL},
    ]
    as_saved(ada)


# ---------------------------------------------------------------------------------------------------------------- undo


def test_they_are_undone_name_by_name() -> None:
    ada, bob, _ = two()
    ada["title"].attachments["a"] = OWL
    ada["title"].attachments["a"] = CAT
    bob["title"].attachments["his"] = OWL
    assert ada.undo_stack == ["edit attachments"] * 2
    assert ada.undo() == "edit attachments"
    assert bob["title"].attachments == {"a": OWL, "his": OWL}
    ada.undo()
    assert bob["title"].attachments == {"his": OWL}
    ada.redo()
    ada.redo()
    assert bob["title"].attachments == {"a": CAT, "his": OWL}
    bob["title"].attachments["a"] = OWL
    assert ada.undo() == "edit attachments"
    assert ada["title"].attachments["a"] == OWL, "somebody else has set it since"
    assert bob.undo_stack == ["edit attachments"] * 2
    bob.undo()
    bob.undo()
    assert "attachments" in ada["title"].to_dict() and ada["title"].attachments == {"a": CAT}


def test_with_a_cell_that_is_deleted_moved_or_retyped() -> None:
    ada, bob, _ = two()
    with ada.transaction("all"):
        ada["raw"].attachments["a"] = OWL
        ada["raw"].delete()
    ada.undo()
    assert bob["raw"].attachments == {"i.png": {"image/png": "AA=="}}
    with ada.transaction("move"):
        ada["raw"].attachments["a"] = OWL
        ada["raw"].move(before=0)
        ada["raw"].attachments["b"] = CAT
    assert bob[0].attachments.keys() == {"i.png", "a", "b"}
    ada.undo()
    assert bob["raw"].index == 3 and bob["raw"].attachments.keys() == {"i.png"}
    ada.redo()
    assert bob[0].attachments.keys() == {"i.png", "a", "b"}
    ada["raw"].type = "markdown"
    bob["raw"].attachments["his"] = CAT
    ada.undo()
    assert bob["raw"].type == "raw" and "his" in bob["raw"].attachments
    ada["raw"].type = "code"
    ada.undo()
    assert bob["raw"].attachments.keys() == {"i.png", "a", "b", "his"}
    ada["raw"].attachments["late"] = OWL
    bob["raw"].type = "code"
    ada.undo()
    assert bob["raw"].attachments == {}
    as_saved(bob)


# -------------------------------------------------------------------------------------------------------------- events


def test_changes_are_told() -> None:
    ada, bob, _ = two()
    changes: list[Any] = []
    ada.on_change("attachments", changes.append, cell="raw")
    bob["title"].attachments["a"] = OWL
    bob["raw"].attachments["a"] = OWL
    bob["raw"].source += "!"
    assert [(c.cell, c.delta, c.person) for c in changes] == [(ada["raw"], (), ada.users["bob"])]
    waiting = ada.wait_for(lambda: "go" in ada["title"].attachments)
    bob["title"].attachments["go"] = OWL
    assert waiting.result(30) is True


def test_a_notebook_without_attachments_keeps_none() -> None:
    nb = notebook_of(("markdown", "text"))
    with pytest.raises(LookupError), nb.transaction():
        nb[0].attachments["a"] = OWL
        raise LookupError
    assert "attachments" not in nb[0].to_dict()
