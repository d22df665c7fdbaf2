"""Document types, as registered under the entry point ``jupyter_ydoc``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from jupyter_ydoc.ybasedoc import YBaseDoc

from rtc_widgets.errors import UnknownDocumentType

__all__ = ["document_class", "known_types"]


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="jupyter_ydoc")}


def known_types() -> list[str]:
    """Return the names of all registered document types, sorted."""
    return sorted(_entry_points())


def document_class(type_: str) -> type[YBaseDoc]:
    """Return the class that converts files of *type_* to a CRDT document and back.

    Raises:
        UnknownDocumentType: no installed package registers *type_*; the message lists those that are.
    """
    point = _entry_points().get(type_)
    if point is None:
        raise UnknownDocumentType(
            f"No document type {type_!r} is registered; known are {', '.join(known_types())}. "
            "Install the package that provides it into the server's environment."
        )
    loaded: type[YBaseDoc] = point.load()
    return loaded
