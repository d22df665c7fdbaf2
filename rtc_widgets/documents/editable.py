"""What a handle has besides its text: the lines, and edits that are refused where others typed meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rtc_widgets.documents.lines import Lines
from rtc_widgets.documents.strings import rewrite
from rtc_widgets.documents.text import checked, diff

if TYPE_CHECKING:
    from rtc_widgets.documents.place import TextPlace

__all__ = ["Editable"]


class Editable:
    """Give the handle of a cell, or of a text file, its lines, its version and `edit`."""

    __slots__ = ()

    @property
    def _place(self) -> TextPlace:
        raise NotImplementedError

    @property
    def lines(self) -> Lines:
        """The lines as a list that is edited in place: see `Lines`."""
        return Lines(self._place)

    @lines.setter
    def lines(self, new: Iterable[str]) -> None:
        if not isinstance(new, Lines) or new != self.lines:
            self.lines[:] = list(new) if not isinstance(new, str) else new

    @property
    def version(self) -> str:
        """A token that stands for the text as it is now, for `edit`."""
        return _version(self._place.read())

    def edit(self, new: str, *, if_unchanged: str | None = None) -> str:
        """Set the text, unless it was changed meanwhile, and return its new version.

        For programs that read, think, and write: what others typed while they thought is not overwritten.

        Args:
            new: the text, of which what differs is written.
            if_unchanged: the `version` that *new* was made for; None for any.

        Raises:
            StaleText: the text is another one by now, and nothing was written; of a cell it is a `StaleCell`.

        >>> from rtc_widgets import StaleText
        >>> from rtc_widgets.documents.notebook import Notebook
        >>> cell = Notebook.new().append("x = 1")
        >>> seen = cell.version
        >>> cell.source = "x = 2"
        >>> try:
        ...     cell.edit("x = 3", if_unchanged=seen)
        ... except StaleText:
        ...     cell.source
        'x = 2'
        """
        new = checked(new)

        def check(now: str) -> None:
            if if_unchanged is not None and _version(now) != if_unchanged:
                raise self._place.stale(
                    "Since its version was taken, {} was changed; nothing was written. "
                    "Read text and version again, and make the edit for them."
                )

        rewrite(self._place, lambda now: diff(now, new), check)
        return _version(new)


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
