"""A live text file: one text that other people edit at the same time."""

from __future__ import annotations

from pycrdt import Text

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.handle import Handle
from rtc_widgets.documents.text import Edit, apply, checked, diff
from rtc_widgets.documents.transactions import Transaction
from rtc_widgets.documents.undo import TextUndo
from rtc_widgets.documents.undoable import Undoable
from rtc_widgets.documents.users import Sociable

__all__ = ["LiveText"]


class LiveText(Undoable, Sociable, Handle):
    """Be the text of a live document of the type ``file``. All offsets are code points.

    >>> file = LiveText(LiveDocument())
    >>> file.text = "naïve 😀 text"
    >>> file.insert(0, "A ")
    >>> file.replace("text", "file")
    1
    >>> str(file), len(file), file[2:9]
    ('A naïve 😀 file', 14, 'naïve 😀')
    """

    def __init__(self, document: LiveDocument) -> None:
        self.document = document
        self._steps = document.part(TextUndo)

    @property
    def text(self) -> str:
        """All of the text. Set, only what differs is written.

        Raises:
            TypeError: set to something other than a ``str``.
            DocumentError: set to a text with an unpaired surrogate.
        """
        with self.document.reading() as replica:
            return str(replica.root("source", Text))

    @text.setter
    def text(self, new: str) -> None:
        new = checked(new, "A text")
        old = self.text
        edits = diff(old, new)  # before the lock is taken: it may take a moment
        with self.document.writing(tracked=True) as replica:
            text = replica.root("source", Text)
            now = str(text)
            apply(text, edits if now == old else diff(now, new), old=now)

    def insert(self, index: int, text: str) -> None:
        """Put *text* in front of the character at *index*; as in a list, any index will do."""
        text = checked(text, "A text")
        with self.document.writing(tracked=True) as replica:
            shared = replica.root("source", Text)
            now = str(shared)
            place = slice(index, None).indices(len(now))[0]
            apply(shared, [Edit(place, place, text)] if text else [], old=now)

    def append(self, text: str) -> None:
        """Put *text* at the end."""
        text = checked(text, "A text")
        with self.document.writing(tracked=True) as replica:
            shared = replica.root("source", Text)
            now = str(shared)
            apply(shared, [Edit(len(now), len(now), text)] if text else [], old=now)

    def delete(self, start: int, stop: int) -> None:
        """Delete the characters from *start* to before *stop*, as ``del text[start:stop]`` would."""
        with self.document.writing(tracked=True) as replica:
            shared = replica.root("source", Text)
            now = str(shared)
            first, last, _ = slice(start, stop).indices(len(now))
            apply(shared, [Edit(first, last, "")] if first < last else [], old=now)

    def replace(self, old: str, new: str, count: int = -1) -> int:
        """Replace *old* by *new* where it stands, at most *count* times, and return how often that was.

        Raises:
            ValueError: *old* is empty.
        """
        new = checked(new, "A text")
        if not old:
            raise ValueError("There is nothing to look for: old is empty.")
        with self.document.writing(tracked=True) as replica:
            shared = replica.root("source", Text)
            now = str(shared)
            edits: list[Edit] = []
            start = now.find(old)
            while start >= 0 and len(edits) != count:
                edits.append(Edit(start, start + len(old), new))
                start = now.find(old, start + len(old))
            apply(shared, edits, old=now)
        return len(edits)

    def transaction(self, label: str | None = None) -> Transaction:
        """Return a block whose changes happen together or not at all."""
        return self.document.transaction(label)

    def __str__(self) -> str:
        return self.text

    def __len__(self) -> int:
        return len(self.text)

    def __bool__(self) -> bool:
        """Be true even when empty: it is a document, not its text."""
        return True

    def __contains__(self, part: str) -> bool:
        return part in self.text

    def __getitem__(self, key: int | slice) -> str:
        return self.text[key]

    def __repr__(self) -> str:
        text, path = self.text, self.path
        shown = text if len(text) <= 40 else text[:39] + "…"
        return f"<live text{'' if path is None else f' {path!r}'}, {len(text)} characters: {shown!r}>"
