"""The colours of participants: who has which, as numbers, and what is read well on them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Client", "ink", "rgb", "told_apart"]

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


@dataclass(frozen=True, slots=True)
class Client:
    """Hold what one client tells of whose it is, and of which colour."""

    client: int
    username: str
    kernel: bool
    color: str | None


@dataclass(slots=True)
class _Owner:
    username: str
    wish: int  # which of the theme's colours it would have, were it alone
    chosen: str = ""
    clients: list[int] = field(default_factory=list)


def told_apart(told: Iterable[Client]) -> dict[int, str]:
    """Return each client's colour, as CSS has it: no two people have the same of JupyterLab's, if there are enough.

    A colour that was chosen stays. JupyterLab's pages tell people apart in the same way: tests/vectors/colors.json.
    """
    owners = _owners(told)
    found: dict[int, str] = {}
    taken: set[int] = set()
    late: list[_Owner] = []
    for owner in owners:
        if owner.chosen:
            found.update(dict.fromkeys(owner.clients, owner.chosen))
        elif owner.wish in taken:
            late.append(owner)
        else:
            taken.add(owner.wish)
            found.update(dict.fromkeys(owner.clients, _themes(owner.wish)))
    count = len(_COLLABORATORS)
    for owner in late:
        around = ((owner.wish + step - 1) % count + 1 for step in range(1, count))
        number = next((number for number in around if number not in taken), owner.wish)
        taken.add(number)
        found.update(dict.fromkeys(owner.clients, _themes(number)))
    return found


def _owners(told: Iterable[Client]) -> list[_Owner]:
    """Return the participants in an order that is the same for all who know them."""
    found: dict[tuple[str, int | None], _Owner] = {}
    for one in sorted(told, key=lambda one: one.client):
        color = (one.color or "").strip()
        drawn = _VARIABLE.match(color)  # by lot, in a browser to which the server told no colour
        wish = int(drawn[1]) if drawn else _number_of(one.username)
        key = (one.username, one.client if one.kernel else None)
        owner = found.setdefault(key, _Owner(one.username, wish))
        owner.clients.append(one.client)
        owner.chosen = owner.chosen or ("" if drawn else color)
    # The browsers' order of strings.
    return sorted(found.values(), key=lambda owner: (_utf16(owner.username), owner.clients[0]))


def _number_of(name: str) -> int:
    """Return the number of one of the theme's colours, always the same one for a name."""
    number = 0
    for letter in name:
        number = (number * 31 + ord(letter)) % 0x7FFFFFFF
    return 1 + number % len(_COLLABORATORS)


def _themes(number: int) -> str:
    return f"var(--jp-collaborator-color{number})"


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")
