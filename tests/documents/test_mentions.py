"""Who is mentioned in a text."""

from __future__ import annotations

import pytest

from rtc_widgets.documents.mentions import mentioned, words_behind_at

PEOPLE = {"ada": ["Ada Lovelace"], "bob": [""], "ann.b": [], "kernel": ["Kernel (Ada)"], "zoë": []}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("@ada", ["ada"]),
        ("@Ada, @BOB: look!", ["ada", "bob"]),
        ("(@ada) and @ada again.", ["ada"]),
        ("@Ada Lovelace knows", ["ada"]),
        ("@ann.b.", ["ann.b"]),
        ("@zoë", ["zoë"]),
        ("@kernel, run it", ["kernel"]),
        ("ada", []),
        ("mail@ada", []),
        ("@adam", []),
        ("`@ada` is a decorator", []),
        ("```python\n@ada\ndef f(): ...\n```\n@bob", ["bob"]),
        ("@nobody", []),
        ("", []),
    ],
)
def test_who_is_mentioned(body: str, names: list[str]) -> None:
    assert mentioned(body, PEOPLE) == names


def test_those_whom_nobody_knows_are_seen_too() -> None:
    assert words_behind_at("@Kernel. `@x` me@y @ann.b, @-") == {"kernel", "ann.b"}
