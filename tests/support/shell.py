"""A real IPython in the process of the test, for what a person types and completes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

__all__ = ["completed", "ipython"]


def ipython(folder: Path) -> InteractiveShell:
    """Return an IPython that keeps its files in *folder*, and no history."""
    config: Any = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell(config=config, ipython_dir=str(folder))


def completed(shell: InteractiveShell, code: str) -> list[str]:
    """Return what *code* may become by a completion at its end, as a notebook's editor would put it in."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(code, len(code)))
    return [code[: one.start] + one.text + code[one.end :] for one in found]
