"""Stand in for the widgets where anywidget is not installed: making one says what to do."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["CommentBox", "CommentsWidget", "ThreadWidget"]

_MISSING = (
    "{name} needs anywidget and ipywidgets, which are not installed in this environment: "
    'pip install "rtc_widgets[widgets]", and restart the kernel.'
)


class _Missing:
    def __init__(self, *_: Any, **__: Any) -> NoReturn:
        name = type(self).__name__
        raise ModuleNotFoundError(_MISSING.format(name=name), name="anywidget")


class CommentsWidget(_Missing):
    """Be missing."""


class ThreadWidget(_Missing):
    """Be missing."""


class CommentBox(_Missing):
    """Be missing."""
