"""Views of a document for cells' outputs, built on anywidget; without it, what says how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["CommentBox", "CommentsWidget", "ThreadWidget"]

if TYPE_CHECKING:
    from rtc_widgets.widgets.comments import CommentBox, CommentsWidget, ThreadWidget
else:
    try:
        import anywidget  # noqa: F401
    except ModuleNotFoundError:
        # The names are there all the same: whoever lists what a module has must not fail.
        from rtc_widgets.widgets.missing import CommentBox, CommentsWidget, ThreadWidget
    else:
        from rtc_widgets.widgets.comments import CommentBox, CommentsWidget, ThreadWidget
