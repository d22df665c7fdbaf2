"""What a peer may do in a room: roles, each including the ones before it."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Role"]


class Role(StrEnum):
    """Name a peer's rights, each including the ones before it; each is a ``str``."""

    VIEWER = "viewer"
    """May read."""
    COMMENTER = "commenter"
    """May annotate, too."""
    EDITOR = "editor"
    """May write, too."""
    RUNNER = "runner"
    """May run cells, too."""

    @property
    def may_annotate(self) -> bool:
        """Tell whether the peer may ask the relay for comments and suggestions."""
        return self is not Role.VIEWER

    @property
    def may_write(self) -> bool:
        """Tell whether the peer may change the content document."""
        return self in _WRITERS

    @property
    def may_execute(self) -> bool:
        """Tell whether the peer may run cells."""
        return self is Role.RUNNER


# Looked up at each key: an attribute of an Enum takes as long as all the rest of the question.
_WRITERS = (Role.EDITOR, Role.RUNNER)
