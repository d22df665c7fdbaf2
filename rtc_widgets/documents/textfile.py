"""A live text file: one text that other people edit at the same time."""

from __future__ import annotations

from rtc_widgets.documents import looks
from rtc_widgets.documents.annotated import AnnotatedText
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.editable import Editable
from rtc_widgets.documents.events import TextEvents
from rtc_widgets.documents.handle import Handle
from rtc_widgets.documents.observable import FileObservable
from rtc_widgets.documents.place import FilePlace
from rtc_widgets.documents.strings import LiveString
from rtc_widgets.documents.text import apply, checked, diff
from rtc_widgets.documents.transactions import Transaction
from rtc_widgets.documents.undo import TextUndo
from rtc_widgets.documents.undoable import Undoable
from rtc_widgets.documents.users import others

__all__ = ["LiveText"]


class LiveText(Editable, Undoable, FileObservable, AnnotatedText, Handle, LiveString):
    r"""Be the text of a live document of the type ``file``: a `str` that is live, and can be edited in place.

    All offsets are code points. Whatever `str` can do without changing anything, this can too; it is equal to every
    text that reads the same. Each edit is made where it belongs, so that others' cursors and typing stay.

    >>> file = LiveText(LiveDocument())
    >>> file.text = "naïve 😀 text"
    >>> file.insert(0, "A ")
    >>> file.replace("text", "file")
    1
    >>> file += "\n"
    >>> file.lines.append("end")
    >>> file[2:9], file.upper(), len(file), file.lines
    ('naïve 😀', 'A NAÏVE 😀 FILE\nEND\n', 19, ['A naïve 😀 file', 'end'])
    """

    _events = TextEvents

    def __init__(self, document: LiveDocument) -> None:
        self.document = document
        self._steps = document.part(TextUndo)

    @property
    def _place(self) -> FilePlace:
        return FilePlace(self.document)

    @property
    def text(self) -> str:
        """All of the text. Set, only what differs is written.

        What others typed since it was read is replaced, though, where the new text does not have it.

        Raises:
            TypeError: set to something other than a ``str``.
            DocumentError: set to a text with an unpaired surrogate.
        """
        return str(self)

    @text.setter
    def text(self, new: str) -> None:
        new = checked(new, "A text")
        old = self.text
        edits = diff(old, new)  # before the lock is taken: it may take a moment
        with self.document.writing() as replica:
            text = self._place.shared(replica)
            now = str(text)
            apply(text, edits if now == old else diff(now, new), old=now)

    def transaction(self, label: str | None = None) -> Transaction:
        """Return a block whose changes happen together or not at all."""
        return self.document.transaction(label)

    def __bool__(self) -> bool:
        """Be true even when empty: it is a document, not its text."""
        return True

    def __repr__(self) -> str:
        text, path = self.text, self.path
        shown = text if len(text) <= 40 else text[:39] + "…"
        return f"<live text{'' if path is None else f' {path!r}'}, {len(text)} characters: {shown!r}>"

    def _repr_html_(self) -> str:
        text = self.text
        title = looks.titled(self.path or "Live text", looks.counted(len(text), "character"))
        return looks.file(title, text, others(self))
