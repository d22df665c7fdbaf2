"""A document in the wrapper of its type, the ``jupyter_ydoc`` class, for types whose inside is not known here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.replica import Replica
from rtc_widgets.registry import document_class

if TYPE_CHECKING:
    from jupyter_ydoc.ybasedoc import YBaseDoc

    from rtc_widgets.origins import Origin

__all__ = ["TEXT", "wrap", "writing"]

TEXT = frozenset({"file", "unicode"})
"""The types that are one text."""


def wrap(replica: Replica, type_: str) -> YBaseDoc | None:
    """Return a wrapper; None for notebooks and text, which are read without one.

    Never inside a CRDT transaction: an undo manager is made with it, and that panics there. Never to be kept: it
    records for undo, which would be everybody's changes for ever.
    """
    return None if type_ == "notebook" or type_ in TEXT else document_class(type_)(replica.doc)


@contextmanager
def writing(
    document: LiveDocument, type_: str, *, origin: Origin | None = None
) -> Iterator[tuple[Replica, Any]]:
    """Open a block that is one CRDT transaction, and give the replica and its wrapper."""
    while True:
        with document.reading() as replica:
            wrapper = wrap(replica, type_)
        with document.writing(origin=origin) as current:
            if current is replica:
                yield current, wrapper
                return
