"""Notebooks read as JSON where the contents manager keeps them in plain files, which spares their validation.

jupyter_server checks each notebook that it reads against nbformat's schema, which takes longer than everything else
until a document is open; what a document cannot hold is refused by ``normalize`` anyway. A manager that reads
notebooks in a way of its own (other formats, paired files, a database) is asked in the ordinary way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyter_server.services.contents.filemanager import AsyncFileContentsManager, FileContentsManager
from nbformat import NotebookNode

if TYPE_CHECKING:
    from jupyter_server.services.contents.manager import ContentsManager

__all__ = ["is_plain", "parse"]

# What decides on what a notebook is read from, and as what. Where a release has no such method it is the same None.
_READERS = ("get", "_notebook_model", "_file_model", "_read_notebook", "_read_file")


def is_plain(contents: ContentsManager) -> bool:
    """Tell whether *contents* reads notebooks as jupyter_server itself does, from files of that name."""
    stock = (
        AsyncFileContentsManager if isinstance(contents, AsyncFileContentsManager) else FileContentsManager
    )
    return isinstance(contents, stock) and all(
        name not in vars(contents) and getattr(type(contents), name, None) is getattr(stock, name, None)
        for name in _READERS
    )


def parse(text: str) -> dict[str, Any] | None:
    """Return the notebook as ``nbformat.read`` would, unchecked; None where that does more than parse it."""
    try:
        content = json.loads(text)
        if content["nbformat"] != 4 or "nbformat_minor" not in content:
            return None
        _join(content)
        # A node, but only at the top, because that is what signatures are made of.
        node: dict[str, Any] = NotebookNode()
        node.update(content)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # to be told what is wrong by who checks it
    return node


def _join(content: dict[str, Any]) -> None:
    """Join the lines of all that is text, and take out what is never read, as nbformat does."""
    for key in ("orig_nbformat", "orig_nbformat_minor", "signature"):
        content["metadata"].pop(key, None)
    for cell in content["cells"]:
        cell["metadata"].pop("trusted", None)
        if isinstance(cell.get("source"), list):
            cell["source"] = "".join(cell["source"])
        for data in (cell.get("attachments") or {}).values():
            _join_bundle(data)
        if cell["cell_type"] != "code":
            continue
        for output in cell.get("outputs") or ():
            if output["output_type"] in ("execute_result", "display_data"):
                _join_bundle(output.get("data") or {})
            elif isinstance(output.get("text"), list):
                output["text"] = "".join(output["text"])


def _join_bundle(data: dict[str, Any]) -> None:
    for mime, value in data.items():
        if isinstance(value, list) and not _is_json(mime) and all(isinstance(line, str) for line in value):
            data[mime] = "".join(value)


def _is_json(mime: str) -> bool:
    return mime == "application/json" or (mime.startswith("application/") and mime.endswith("+json"))
