"""One version of a file: what it holds, and how it is told from another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["FileVersion", "Stat", "line_end_of", "notebook_of", "stat_of"]

_OLD_FORMATS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Stat:
    """Tell one version of a file from another.

    Args:
        hash: of its bytes; None where the contents manager has none.
        last_modified: in ISO 8601.
        writable: whether the server may write it.
    """

    hash: str | None
    last_modified: str
    writable: bool

    def same(self, other: Stat) -> bool:
        """Tell whether both are of one version, as far as can be told without reading."""
        if self.hash is not None and other.hash is not None:
            return self.hash == other.hash
        return self.last_modified == other.last_modified

    def to_json(self) -> dict[str, Any]:
        """Return the answer to a save request (docs/protocol.md, section 3.4)."""
        return {"hash": self.hash, "last_modified": self.last_modified}


@dataclass(frozen=True, slots=True)
class FileVersion:
    """Hold a file as it was read.

    Args:
        content: as for ``merge_notebook``: a cell has an id only if it has it in the file.
        stat: which version of the file this is.
        old_format: the notebook's major version where writing it would be an upgrade, else None.
        line_end: what the file's lines end with.
        trusted: the indexes of the cells whose outputs the contents manager trusts.
        normal: the content, normalized, as for ``seed``.
        page: the copy of the comments that a notebook has (docs/schema.md), which is no part of the content.
    """

    content: Any
    stat: Stat
    old_format: int | None = None
    line_end: str = "\n"
    trusted: frozenset[int] = frozenset()
    normal: Any = None
    page: Any = None


def stat_of(model: dict[str, Any]) -> Stat:
    """Return which version of a file the contents manager's *model* is of."""
    modified = model["last_modified"]
    text = modified if isinstance(modified, str) else modified.isoformat()
    return Stat(model.get("hash") or None, text, bool(model.get("writable", True)))


def notebook_of(version: FileVersion, again: dict[str, Any]) -> FileVersion:
    """Take out what is not in the file: ids that are others on each reading, and a note on its old format."""
    content = version.content
    cells = [
        {key: value for key, value in cell.items() if key != "id" or value == other.get("id")}
        for cell, other in zip(content["cells"], again["cells"], strict=True)
    ]
    trusted = (index for index, cell in enumerate(cells) if cell.get("metadata", {}).get("trusted"))
    was = content.get("metadata", {}).get("orig_nbformat")
    return replace(
        version,
        content={**content, "cells": cells},
        old_format=was if was in _OLD_FORMATS else None,
        trusted=frozenset(trusted),
    )


def line_end_of(content: Any) -> str:
    """Return the line ends that JupyterLab would keep, too."""
    if not isinstance(content, str) or "\r" not in content:
        return "\n"
    return "\r\n" if "\r\n" in content else "\r"
