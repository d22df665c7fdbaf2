"""How things look at the end of a cell: HTML for light and dark pages, with and without style sheets.

What JupyterLab's sanitizer leaves of it in a notebook that is not trusted, and GitHub without any CSS, is still in
order: the markup says everything, and styles only help. So there is no style sheet, no script, and no colour that
a theme could turn against the text: colours are those of the page around.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

__all__ = ["Html", "card"]

# A long value is cut here: what is shown is for people to read, and is kept in the notebook's file.
_LONGEST = 500

_LEFT = "text-align:left;vertical-align:top"
_SOFT = "opacity:0.75"


class Html(str):
    """Mark a text as HTML that is not to be escaped again."""

    __slots__ = ()


def card(title: str, rows: Sequence[tuple[str, str]], *, note: str = "") -> str:
    """Return a small table of names and values as HTML, everything escaped.

    Args:
        title: what stands above it.
        rows: each name and its value.
        note: a sentence below.

    >>> "&lt;here&gt;</td>" in card("Relay", [("state", "<here>")])
    True
    """
    lines = "".join(
        f'<tr><th scope="row" style="{_LEFT}">{escaped(name)}</th><td style="{_LEFT}">{escaped(value)}</td></tr>'
        for name, value in rows
    )
    table = f'<table style="margin:0">{lines}</table>' if lines else ""
    below = f'<p style="margin:4px 0 0;{_SOFT}">{escaped(note)}</p>' if note else ""
    return Html(f'<div><p style="margin:0 0 4px"><strong>{escaped(title)}</strong></p>{table}{below}</div>')


def escaped(text: str) -> str:
    """Return *text* as HTML, cut where it is very long; what is `Html` already stays as it is."""
    if isinstance(text, Html):
        return text
    return html.escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
