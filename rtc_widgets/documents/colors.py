"""The colours of participants as numbers, and what is read well on them."""

from __future__ import annotations

import re

__all__ = ["ink", "rgb"]

# JupyterLab's colours of collaborators, as of its light theme; those who are in its pages have one of them.
_COLLABORATORS = ("ffad8e", "dac83d", "72dd76", "00e4d0", "45d4ff", "e2b1ff", "ff9de6")
_NAMED = {
    "black": "000",
    "silver": "c0c0c0",
    "white": "fff",
    "maroon": "800000",
    "red": "f00",
    "purple": "800080",
    "fuchsia": "f0f",
    "green": "008000",
    "lime": "0f0",
    "olive": "808000",
    "yellow": "ff0",
    "navy": "000080",
    "blue": "00f",
    "teal": "008080",
    "aqua": "0ff",
    "orange": "ffa500",
}
_UNKNOWN = "808080"
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_VARIABLE = re.compile(r"var\(--jp-collaborator-color([1-7])\b.*")
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\b.*\)")


def rgb(color: str | None) -> tuple[int, int, int]:
    """Return red, green and blue of a colour as CSS has it; of one that is not understood, a grey."""
    told = (color or "").strip().lower()[:100]
    if (parts := _RGB.fullmatch(told)) is not None:
        return min(int(parts[1]), 255), min(int(parts[2]), 255), min(int(parts[3]), 255)
    if (variable := _VARIABLE.fullmatch(told)) is not None:
        digits = _COLLABORATORS[int(variable[1]) - 1]
    elif (hexed := _HEX.fullmatch(told)) is not None:
        digits = hexed[1]
    else:
        digits = _NAMED.get(told, _UNKNOWN)
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def ink(red: int, green: int, blue: int) -> str:
    """Return black or white, whichever is read better on a colour: one of them always has a contrast of 4.5.

    After WCAG 2.2, "relative luminance" and "contrast ratio".
    """
    parts = [part / 255 for part in (red, green, blue)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"
