"""Notebooks to talk about: as opened from a file, shared by two, and as they would be saved."""

from __future__ import annotations

from typing import Any

import nbformat
from jupyter_ydoc import YNotebook
from pycrdt import Doc

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.origins import Origin
from rtc_widgets.testing.hub import Hub

FILE: dict[str, Any] = {
    "cells": [
        {"cell_type": "markdown", "id": "title", "source": "# Título 😀", "metadata": {}},
        {
            "cell_type": "code",
            "id": "load-1",
            "source": "df = read()\ndf",
            "metadata": {"tags": ["setup"], "n": 1},
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": "hé\n"},
                {
                    "output_type": "execute_result",
                    "execution_count": 3,
                    "metadata": {},
                    "data": {"application/json": {"x": 1}},
                },
            ],
            "execution_count": 3,
        },
        {
            "cell_type": "code",
            "id": "load-2",
            "source": "",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        },
        {
            "cell_type": "raw",
            "id": "raw",
            "source": "<b>",
            "metadata": {},
            "attachments": {"i.png": {"image/png": "AA=="}},
        },
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python"}, "level": 2},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def opened(content: dict[str, Any] = FILE) -> Notebook:
    """Return a notebook as a relay would seed it from a file."""
    theirs = YNotebook()
    theirs.set(content)
    nb = Notebook(LiveDocument())
    nb.document.apply_remote(theirs.ydoc.get_update(), Origin("remote"))
    return nb


def two(content: dict[str, Any] = FILE, *, instantly: bool = True) -> tuple[Notebook, Notebook, Hub]:
    """Return Ada's and Bob's handles on one notebook."""
    ada, bob, hub = opened(content), Notebook(LiveDocument()), Hub(instantly=instantly)
    hub.join(ada.document, "ada")
    hub.join(bob.document, "bob")
    return ada, bob, hub


def as_saved(nb: Notebook) -> dict[str, Any]:
    """Return the notebook as jupyter_ydoc would save it, checked against the format's schema."""
    doc: Doc[Any] = Doc()
    doc.apply_update(nb.document.diff_update(b"\0"))
    saved: dict[str, Any] = YNotebook(doc).get()
    nbformat.validate(nbformat.from_dict(saved))  # type: ignore[no-untyped-call]
    return saved


def notebook_of(*cells: str | tuple[str, str]) -> Notebook:
    """Return a notebook of code cells with these sources, or of pairs of type and source."""
    nb = Notebook.new()
    for cell in cells:
        type_, source = ("code", cell) if isinstance(cell, str) else cell
        nb.append(source, type=type_)
    return nb


def sources(nb: Notebook) -> list[str]:
    return [cell.source for cell in nb]


def sent_by(nb: Notebook) -> list[bytes]:
    """Return a list that fills with the updates that *nb* sends."""
    sent: list[bytes] = []
    nb.document.on_update(lambda update, _: sent.append(update))
    return sent
