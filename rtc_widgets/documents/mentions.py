"""Who is mentioned in a comment: ``@ada`` in its text, but for what is code there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["mentioned", "words_behind_at"]

# As labextension/src/comments/mentions.ts has them. A line begins behind "\n" and nothing else, in both languages.
# Fences, to their end or that of the text; then code in a line, which an empty line ends.
_CODE = re.compile(
    r"(?<![^\n]) {0,3}(`{3,}(?=[^`\n]*(?![^\n]))|~{3,})[^\n]*\n?[\s\S]*?"
    r"(?:(?<![^\n]) {0,3}\1[`~]*[ \t]*(?![^\n])|(?![\s\S]))"
    r"|(?<!`)(`+)(?!`)(?:[^\n]|\n(?![ \t]*\n))*?(?<!`)\2(?!`)"
)
_AT = re.compile(r"(?<![\w@/.])@([\w][\w.-]*)")
_BEFORE = re.compile(r"[\w@/.]")
_LETTER = re.compile(r"\w")


def mentioned(body: str, people: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the user names of those who are mentioned in a text, each once, in the order of the text.

    Of two names that stand there the longer one is meant. What several are called is a user name before a name that
    is shown, and of those the first user's in alphabetical order. The same as in JupyterLab: both languages sit
    ``tests/vectors/mentions.json``.

    Args:
        body: Markdown.
        people: by user name, the other names by which they are known.

    >>> mentioned("See @Ada, @bob and `@cyd`", {"ada": ["Ada L"], "bob": [], "cyd": []})
    ['ada', 'bob']
    """
    if "@" not in body:
        return []
    text = _CODE.sub(" ", body)
    called = [(user.lower(), user) for user in sorted(people)]
    called += [(name.lower(), user) for user in sorted(people) for name in people[user]]
    longest = sorted(((name, user) for name, user in called if name), key=lambda one: -len(one[0]))
    found: dict[str, None] = {}
    place = text.find("@")
    while place >= 0:
        who = None
        if not _BEFORE.match(text[place - 1 : place]):
            who = next((one for one in longest if _stands(text, place + 1, one[0])), None)
        if who is not None:
            found[who[1]] = None
        place = text.find("@", place + 1)
    return list(found)


def _stands(text: str, place: int, name: str) -> bool:
    """Tell whether a name, in small letters, stands there, whole."""
    end = place + len(name)
    return text[place:end].lower() == name and not _LETTER.match(text[end : end + 1])


def words_behind_at(body: str) -> set[str]:
    """Return all that stands behind an ``@``, in small letters: those whom nobody knows, too."""
    return {match[1].casefold().rstrip(".-") for match in _AT.finditer(_CODE.sub(" ", body))}
