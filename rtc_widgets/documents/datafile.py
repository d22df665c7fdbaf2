"""A live file of any other type: the value that its ``jupyter_ydoc`` class makes of the document."""

from __future__ import annotations

from typing import Any

from rtc_widgets.documents import looks
from rtc_widgets.documents.dataevents import DataEvents
from rtc_widgets.documents.dataundo import DataUndo, plain_content
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.handle import Handle
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.observable import FileObservable
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.documents.transactions import Transaction
from rtc_widgets.documents.undoable import Undoable
from rtc_widgets.documents.users import Sociable, others
from rtc_widgets.documents.wrapped import TEXT, wrap, writing
from rtc_widgets.registry import document_class

__all__ = ["LiveData", "format_of", "handle_of"]


class LiveData(Undoable, FileObservable, Sociable, Handle):
    """Be the content of a live document of a registered type.

    Reading gives the content as the type's class has it (a ``dict``, ``bytes``, …), setting it writes what that
    class writes: how finely edits of several people merge is up to the type. Undo takes one's own steps back in the
    content as it stands: in a dict key by key, in a text line by line, and only where nobody has changed the same
    since.

    Args:
        document: the live document.
        type_: its type, of the entry points ``jupyter_ydoc``.

    Raises:
        UnknownDocumentType: no installed package registers *type_*.

    >>> blob = LiveData(LiveDocument(), "blob")
    >>> blob.content = b"one"
    >>> blob.content = b"two"
    >>> blob.undo(), blob.content
    ('edit content', b'one')
    """

    _events = DataEvents
    _kinds = ("content", "people")

    def __init__(self, document: LiveDocument, type_: str) -> None:
        self.document = document
        self.type = type_
        """The document type."""
        document_class(type_)
        self._steps = document.part(DataUndo)
        self._steps.type = document.part(DataEvents).type = type_

    @property
    def content(self) -> Any:
        """All of the content. Set, it is written by the type's class."""
        with self.document.reading() as replica:
            wrapper: Any = wrap(replica, self.type)
            return plain_content(wrapper.get())

    @content.setter
    def content(self, new: Any) -> None:
        with writing(self.document, self.type) as (_, wrapper):
            wrapper.set(new)

    def transaction(self, label: str | None = None) -> Transaction:
        """Return a block whose changes happen together or not at all."""
        return self.document.transaction(label)

    def __repr__(self) -> str:
        path = self.path
        return f"<live {self.type}{'' if path is None else f' {path!r}'}>"

    def _repr_html_(self) -> str:
        return looks.file(looks.titled(self.path or "Live file", self.type), None, others(self))


def format_of(type_: str) -> str:
    """Return the format in which files of *type_* are read (docs/protocol.md, section 6)."""
    return {"notebook": "json", "blob": "base64"}.get(type_, "text")


def handle_of(document: LiveDocument, type_: str) -> Notebook | LiveText | LiveData:
    """Return the handle for a document of *type_*."""
    if type_ == "notebook":
        return Notebook(document)
    return LiveText(document) if type_ in TEXT else LiveData(document, type_)
