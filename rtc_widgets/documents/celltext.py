"""The text of a cell as a string that can be edited in place, by everybody at once."""

from __future__ import annotations

from rtc_widgets.documents import looks
from rtc_widgets.documents.place import CellPlace
from rtc_widgets.documents.strings import LiveString

__all__ = ["CellText"]


class CellText(LiveString):
    r"""Be the text of a cell: a `str` that is live, and can be edited in place.

    All offsets are code points. Whatever `str` can do without changing anything, this can too. Each edit is made
    where it belongs, so that others' cursors, comments and typing in the cell stay.

    >>> from rtc_widgets.documents.notebook import Notebook
    >>> text = Notebook.new().append("df = read('🦉.csv')").text
    >>> text.replace("df", "owls"), text.sub(r"'(.*)\.csv'", r"'\1.parquet'")
    (1, 1)
    >>> text.insert(0, "# load\n")
    >>> text += "\nowls"
    >>> text[:6], "🦉" in text, text.endswith("owls"), len(text)
    ('# load', True, True, 36)
    >>> del text[:7]
    >>> print(text)
    owls = read('🦉.parquet')
    owls
    """

    __slots__ = ("_cell",)

    def __init__(self, place: CellPlace) -> None:
        self._cell = place

    @property
    def _place(self) -> CellPlace:
        return self._cell

    def __repr__(self) -> str:
        try:
            return looks.shortened(repr(str(self)))
        except LookupError as error:
            return looks.lost(error)

    def _repr_html_(self) -> str:
        try:
            return looks.preview(str(self))
        except LookupError as error:
            return looks.text(str(error.args[0]))
