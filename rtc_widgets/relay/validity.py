"""What keeps a notebook from being one, by nbformat's schema, in words for a person."""

from __future__ import annotations

from typing import Any

from nbformat.validator import iter_validate

__all__ = ["check"]

_LONGEST = 200  # characters of a message, which may quote a whole cell
_KINDS = {
    "cell_type": "A cell's cell_type is code, markdown or raw.",
    "output_type": "An output's output_type is stream, display_data, execute_result or error.",
}


def check(notebook: dict[str, Any]) -> tuple[str, list[str | int]] | None:
    """Return the first thing that is wrong with *notebook*, and the path to it; None where nothing is."""
    for key in ("nbformat", "nbformat_minor"):
        number = notebook.get(key)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            return f"A notebook's {key} is a whole number.", [key]
    if notebook["nbformat"] != 4:
        return "A notebook's nbformat is 4.", ["nbformat"]
    cells = notebook.get("cells")
    for index, cell in enumerate(cells if isinstance(cells, list) else []):
        # At which nbformat itself breaks.
        if isinstance(cell, dict) and not isinstance(cell.get("cell_type", ""), str):
            return _KINDS["cell_type"], ["cells", index, "cell_type"]
    errors = iter_validate(notebook, version=4, version_minor=notebook["nbformat_minor"])
    error: Any = next(iter(errors), None)
    if error is None:
        return None
    return _sentence(error), list(error.relative_path)


def _sentence(error: Any) -> str:
    if error.validator == "oneOf" and isinstance(error.instance, dict):
        for key, sentence in _KINDS.items():
            if key in error.instance:
                return sentence
        return "A cell needs a cell_type: code, markdown or raw."
    if error.validator == "oneOf":
        return "This is text, or a list of lines."
    message = str(error.message).rstrip(".")
    return f"{message[:_LONGEST]}{'…' if len(message) > _LONGEST else ''}."
