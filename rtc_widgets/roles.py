"""What a peer may do in a room: roles, each including the ones before it."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Role"]


class Role(StrEnum):
    """Name a peer's rights (design.md, decision 2)."""

    VIEWER = "viewer"
    COMMENTER = "commenter"
    EDITOR = "editor"
    RUNNER = "runner"

    @property
    def may_annotate(self) -> bool:
        """Tell whether the peer may ask the relay for comments and suggestions."""
        return self is not Role.VIEWER

    @property
    def may_write(self) -> bool:
        """Tell whether the peer may change the content document."""
        return self in (Role.EDITOR, Role.RUNNER)

    @property
    def may_execute(self) -> bool:
        """Tell whether the peer may run cells."""
        return self is Role.RUNNER
