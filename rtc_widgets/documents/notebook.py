"""A live notebook: a sequence of cells that other people edit at the same time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from pycrdt import Array, Map

from rtc_widgets.documents import looks, schema, whole
from rtc_widgets.documents.annotated import AnnotatedNotebook
from rtc_widgets.documents.cells import cell_lines, clear_outputs
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.handle import Handle
from rtc_widgets.documents.link import LinkState
from rtc_widgets.documents.lookup import Lookup
from rtc_widgets.documents.mapping import LiveMapping, set_map
from rtc_widgets.documents.observable import Observable
from rtc_widgets.documents.outputs import outputs_origin
from rtc_widgets.documents.place import NotebookPlace
from rtc_widgets.documents.transactions import Transaction
from rtc_widgets.documents.undo import Undo
from rtc_widgets.documents.undoable import Undoable
from rtc_widgets.documents.users import NotebookPeople, whereabouts

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Notebook"]


class Notebook(Lookup, Undoable, Observable, AnnotatedNotebook, NotebookPeople, Handle):
    """Be the cells of a live document of the type ``notebook``.

    Reads come from the replica here; writes are seen by everybody at once. Cells are found by index, by the
    beginning of their id, by a tag (``"#tag"``), or in a slice.

    >>> nb = Notebook.new()
    >>> cell = nb.append("x = 1")
    >>> nb.insert(0, "# Title", type="markdown").cell_type
    'markdown'
    >>> [cell.source for cell in nb]
    ['# Title', 'x = 1']
    """

    def __init__(self, document: LiveDocument) -> None:
        self.document = document
        self._steps = document.part(Undo)
        # Set by the kernel for as long as a cell runs: that cell is neither moved nor retyped.
        self.running_cell_id: str | None = None

    @classmethod
    def new(cls) -> Self:
        """Return an empty notebook that nobody else sees."""
        notebook = cls(LiveDocument())
        with notebook.document.writing() as replica:
            meta = replica.root("meta", Map)
            meta["nbformat"] = 4
            meta["nbformat_minor"] = 5
            meta["metadata"] = Map({})
        return notebook

    # ------------------------------------------------------------------------------------------ as a whole

    @property
    def metadata(self) -> LiveMapping:
        """The notebook's metadata as a live dict: see `LiveMapping`. Set, the keys that differ are written.

        Raises:
            TypeError: set to something other than a ``dict``.
            DocumentError: set to what JSON or nbformat does not allow; nothing was written.
        """
        return LiveMapping(NotebookPlace(self.document))

    @metadata.setter
    def metadata(self, new: Mapping[str, Any]) -> None:
        new = schema.checked_json(new)
        with self.document.writing() as replica:
            set_map(replica.root("meta", Map), new, "notebook")

    def to_dict(self) -> dict[str, Any]:
        """Return the notebook as plain nbformat data, as it would be saved now."""
        with self.document.reading() as replica:
            meta = schema.plain(replica.root("meta", Map).to_py())
            text = str(replica.root("cells", Array))
        cells = schema.parsed(text)
        minor = int(meta.get("nbformat_minor", 5))
        for cell in cells:
            cell.pop("execution_state", None)
            if not cell.get("attachments", True):
                del cell["attachments"]
            if minor < 5:  # ids came with nbformat 4.5
                cell.pop("id", None)
        return {
            "cells": cells,
            "metadata": meta.get("metadata", {}),
            "nbformat": int(meta.get("nbformat", 4)),
            "nbformat_minor": minor,
        }

    def to_nbformat(self) -> NotebookNode:
        """Return the notebook as an ``nbformat.NotebookNode``, as it would be saved now.

        Raises:
            ModuleNotFoundError: nbformat is not installed.
        """
        return whole.to_nbformat(self.to_dict())

    def replace(self, content: Mapping[str, Any]) -> None:
        """Make the notebook what *content*, a ``NotebookNode`` or plain nbformat data, says, by the least change.

        Cells are known again by their ids, and those without one by what they hold; they keep their ids, and only what
        differs in them is written. So cursors and comments stay, and what others write meanwhile joins.

        Raises:
            DocumentError: it is no notebook of format 4, or the running cell would be retyped; nothing was written.

        >>> nb = Notebook.new()
        >>> nb += ["a", "b"]
        >>> kept, content = nb[1], nb.to_dict()
        >>> content["cells"].reverse()
        >>> content["cells"][0]["source"] = "B"
        >>> nb.replace(content)
        >>> [cell.source for cell in nb], nb.index(kept)
        (['B', 'a'], 0)
        """
        with self.transaction("replace"):
            whole.replace(self.document, content, self.running_cell_id)

    def clear_outputs(self) -> None:
        """Remove the outputs and execution counts of all cells."""
        with self.document.writing(origin=outputs_origin(self.document)) as replica:
            cells = replica.root("cells", Array)
            for place, cell in enumerate(json.loads(str(cells))):  # finding each cell in the array is slow
                if cell.get("outputs") or cell.get("execution_count") is not None:
                    clear_outputs(cells[place])

    def transaction(self, label: str | None = None) -> Transaction:
        """Return a block whose changes happen together or not at all: one update, one undo step.

        Inside it the notebook shows the changes made so far, and nothing of what others do meanwhile. An
        exception takes everything back. The first one copies the document: some milliseconds, more with
        megabytes of outputs; the copy is kept for the next.

        >>> nb = Notebook.new()
        >>> with nb.transaction("tidy up"):
        ...     first = nb.append("a")
        ...     first.source += "!"
        >>> [cell.source for cell in nb]
        ['a!']
        """
        return self.document.transaction(label)

    # ------------------------------------------------------------------------------------------------- looks

    def __repr__(self) -> str:
        path = self.path
        return f"<notebook{'' if path is None else f' {path!r}'}, {self._census()}>"

    def _repr_html_(self) -> str:
        cells = self[: looks.MOST]
        shown = {cell.id for cell in cells}
        elsewhere = [
            face
            for cell_id, faces in whereabouts(self).items()
            for face in faces
            if cell_id not in shown and not face.me
        ]
        state = "" if self.state == LinkState.LIVE else f", {self.state}"
        title = looks.titled(self.path or "Live notebook", f"{self._census()}{state}")
        return looks.cells(title, cell_lines(self, cells), len(self), also=elsewhere)

    def _census(self) -> str:
        with self.document.reading() as replica:
            cells = replica.root("cells", Array)
            count = len(cells)
            few = [ycell for ycell in cells if isinstance(ycell, Map)] if count <= 500 else []
            types = Counter(str(ycell.get("cell_type")) for ycell in few)
        parts = ", ".join(f"{number} {type_}" for type_, number in types.items())
        return f"{count:,} cell{'' if count == 1 else 's'}" + (f" ({parts})" if parts else "")
