"""Who is mentioned in a comment: ``@ada`` in its text, but for what is code there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["mentioned", "words_behind_at"]

_CODE = re.compile(r"^(```+|~~~+).*?^\1[^\n]*$|(`+)(?!`).*?(?<!`)\2(?!`)", re.DOTALL | re.MULTILINE)
_AT = re.compile(r"(?<![\w@/.])@([\w][\w.-]*)")


def mentioned(body: str, people: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the user names of those who are mentioned in a text, in alphabetical order.

    Args:
        body: Markdown.
        people: by user name, the other names by which they are known.

    >>> mentioned("See @Ada, @bob and `@cyd`", {"ada": ["Ada L"], "bob": [], "cyd": []})
    ['ada', 'bob']
    """
    if "@" not in body:
        return []
    text = _CODE.sub(" ", body).casefold()
    names = {name.casefold(): user for user, others in people.items() for name in (*others, user) if name}
    found = set()
    # The longest first, and each only once: "@ada lovelace" does not mention "ada" besides.
    for name in sorted(names, key=len, reverse=True):
        pattern = re.compile(rf"(?<![\w@/.])@{re.escape(name)}(?!\w)")
        if pattern.search(text):
            found.add(names[name])
            text = pattern.sub(" ", text)
    return sorted(found)


def words_behind_at(body: str) -> set[str]:
    """Return all that stands behind an ``@``, in small letters: those whom nobody knows, too."""
    return {match[1].casefold().rstrip(".-") for match in _AT.finditer(_CODE.sub(" ", body))}
