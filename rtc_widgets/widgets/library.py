"""The components that all widgets of a kernel share: one model with their code, whatever the number of widgets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import ipywidgets  # type: ignore[import-untyped]
from traitlets import Unicode

__all__ = ["LOADER", "Library", "library"]

_FOLDER: Final = Path(__file__).parent
LOADER: Final = (_FOLDER / "loader.js").read_text(encoding="utf-8")

_UNBUILT = (
    "The components of the widgets are not built in this checkout: there is no {path}. Install Node.js and run "
    "scripts/setup, or `jlpm build` in labextension/."
)


class Library(ipywidgets.Widget):  # type: ignore[misc] # ipywidgets is not typed
    """Carry the code to pages that do not have it."""

    code = Unicode().tag(sync=True)


_library: Library | None = None


def library() -> Library:
    """Return this process' one.

    Raises:
        FileNotFoundError: the components are not built.
    """
    global _library  # noqa: PLW0603 (one is the point)
    if _library is None or _library.comm is None:  # closed with all widgets
        path = _FOLDER / "static" / "widgets.js"
        try:
            code = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise FileNotFoundError(_UNBUILT.format(path=path)) from None
        _library = Library(code=code)
    return _library
