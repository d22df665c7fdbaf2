"""What a handle has of undo: one's own steps only, one after the other."""

from __future__ import annotations

from typing import Protocol

from rtc_widgets.documents import looks

__all__ = ["Undoable"]


class Steps(Protocol):
    """Keep the steps of one document that were made here."""

    @property
    def labels(self) -> list[str]:
        """What `undo` would take back, the next one last."""

    @property
    def undone_labels(self) -> list[str]:
        """What `redo` would do again, the next one last."""

    def undo(self, running: str | None = None, /) -> str | None:
        """Take the last step back; return its label, None where there is none."""

    def redo(self, running: str | None = None, /) -> str | None:
        """Do the step that was undone last again; return its label, None where there is none."""


class Undoable:
    """Give a handle undo and redo of what was written through this document here."""

    _steps: Steps
    running_cell_id: str | None = None

    def undo(self) -> str | None:
        """Take back the last step made here, and return its label; None where there is none.

        A step is a transaction with its label, or else one statement. Others' edits stay, also in the same
        cell, and so do outputs. A cell that was inserted here stays where somebody else has typed into it.

        Raises:
            DocumentError: inside a transaction, or where the running cell would be moved or retyped.
            NotConnected: the document takes no writes.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> nb = Notebook.new()
        >>> with nb.transaction("greet"):
        ...     cell = nb.append("hello")
        >>> nb.undo(), len(nb)
        ('greet', 0)
        >>> nb.redo(), nb[0].source
        ('greet', 'hello')
        """
        return self._steps.undo(self.running_cell_id)

    def redo(self) -> str | None:
        """Do again what was undone last, and return its label; None where there is nothing.

        A new step ends what can be redone.
        """
        return self._steps.redo(self.running_cell_id)

    @property
    def undo_stack(self) -> list[str]:
        """The labels of the steps that `undo` would take back, the newest last; at most 200."""
        return looks.Shown(self._steps.labels, lambda steps: looks.steps("Undo", steps))

    @property
    def redo_stack(self) -> list[str]:
        """The labels of the steps that `redo` would do again, the next one last."""
        return looks.Shown(self._steps.undone_labels, lambda steps: looks.steps("Redo", steps))
