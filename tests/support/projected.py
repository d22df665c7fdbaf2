"""A notebook and its text, kept in step by a projection, without a relay."""

from __future__ import annotations

from typing import Any

from pycrdt import Array, Doc, Text

from rtc_widgets.documents.content import content_of, read
from rtc_widgets.documents.ipynb import Writer
from rtc_widgets.documents.projection import Projection, Step
from rtc_widgets.documents.seed import seed
from rtc_widgets.documents.text import set_text
from rtc_widgets.documents.ycells import read_cells
from rtc_widgets.relay.validity import check


def code(name: str, source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    cell = {"id": name, "cell_type": "code", "source": source, "metadata": {}}
    return {**cell, "outputs": list(outputs), "execution_count": None}


def notebook_of(*cells: dict[str, Any], minor: int = 5) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {"level": 2}, "nbformat": 4, "nbformat_minor": minor}


FILE = notebook_of(code("one", "a = 1\nb = 2"), code("two", "c = 3"), code("three", ""))


class Pair:
    """A notebook and its text, as the relay has them, and what keeps them in step."""

    def __init__(self, content: dict[str, Any] = FILE) -> None:
        seeded = seed("notebook", content)
        self.written = seeded.content
        self.notebook: Doc[Any] = Doc()
        self.notebook.apply_update(seeded.update)
        self.doc: Doc[Any] = Doc()
        self.doc.apply_update(seed("file", Writer().write(seeded.content)).update)
        self.ytext: Text = self.doc.get("source", type=Text)
        self._heard: tuple[list[bytes], list[bytes]] = [], []
        self._subscriptions = [
            self.notebook.observe(lambda happened: self._heard[0].append(happened.update)),
            self.doc.observe(lambda happened: self._heard[1].append(happened.update)),
        ]
        self.projection = self.begun()

    def begun(self, base: str | None = None) -> Projection:
        """Begin anew from the documents, as a server does that has been restarted."""
        self._heard[0].clear()
        self._heard[1].clear()
        self.projection = Projection(
            self.notebook.get_update(), self.doc.get_update(), check, base=base, written=self.written
        )
        return self.projection

    @property
    def text(self) -> str:
        return str(self.ytext)

    @property
    def cells(self) -> list[dict[str, Any]]:
        return read_cells(self.notebook)

    @property
    def sources(self) -> list[str]:
        return [cell["source"] for cell in self.cells]

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = content_of(read(self.notebook, "notebook"), "notebook", self.written)
        return content

    def begin(self, **options: Any) -> Step:
        """Let the projection work; what it says is not done yet."""
        heard = [*self._heard[0]], [*self._heard[1]]
        self._heard[0].clear()
        self._heard[1].clear()
        return self.projection.step(*heard, **options)

    def end(self, step: Step) -> Step:
        """Do what the projection said."""
        if step.notebook is not None:
            self.notebook.apply_update(step.notebook)
        if step.text is not None:
            heard = len(self._heard[1])
            self.doc.apply_update(step.text)
            del self._heard[1][heard:]  # the projection's own
        return step

    def step(self, **options: Any) -> Step:
        return self.end(self.begin(**options))

    def type(self, text: str, cell: int = 0, at: int = 0) -> None:
        """Type into a cell of the notebook."""
        self.notebook.get("cells", type=Array)[cell]["source"].insert(at, text)

    def write(self, text: str) -> None:
        """Edit the text until it is *text*."""
        set_text(self.ytext, text)

    def replace(self, old: str, new: str) -> None:
        assert self.text.count(old) == 1, self.text
        self.write(self.text.replace(old, new))
