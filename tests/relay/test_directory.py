"""Who was on a server is remembered, found, and forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rtc_widgets.relay import directory as module
from rtc_widgets.relay.directory import Directory


def person(username: str, name: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": "person", "username": username, "name": name or username, "display_name": name, **more}


async def opened(path: Path, *people: dict[str, Any], **options: Any) -> Directory:
    directory = Directory(path / "people.sqlite", **options)
    await directory.load()
    for one in people:
        directory.note(one)
    return directory


async def found(directory: Directory, query: str) -> list[str]:
    return [one["username"] for one in await directory.find(query)]


async def test_people_are_found_by_each_word_of_their_names_the_last_first(tmp_path: Path) -> None:
    directory = await opened(
        tmp_path, person("ada", "Ada Lovelace"), person("zoe", "Zoë Adams"), person("ben", "Ben Okri")
    )
    for query, expected in (
        ("ad", ["zoe", "ada"]),
        ("ADA L", ["ada"]),
        ("zoe", ["zoe"]),
        ("ZOË", ["zoe"]),
        ("okri", ["ben"]),
        ("kri", []),
        ("", ["ben", "zoe", "ada"]),
    ):
        assert await found(directory, query) == expected, query
    directory.note(person("ada", "Ada Lovelace"))
    assert await found(directory, "ad") == ["ada", "zoe"]
    await directory.aclose()


async def test_who_was_there_is_known_after_a_restart_for_a_year_as_they_were_last(tmp_path: Path) -> None:
    now = 1e9
    directory = await opened(tmp_path, person("ada", "Ada"), clock=lambda: now)
    now += 300 * 86_400
    directory.note(person("ben", "Ben", color="#123456", avatar_url="https://x/y.png", initials="B"))
    directory.note(person("ben", "Ben Okri", color="#123456", avatar_url="https://x/y.png", initials="B"))
    await directory.aclose()
    directory = await opened(tmp_path, clock=lambda: now)
    assert await found(directory, "") == ["ben", "ada"]
    assert (await directory.find("okri")) == [
        {
            "username": "ben",
            "name": "Ben Okri",
            "display_name": "Ben Okri",
            "initials": "B",
            "avatar_url": "https://x/y.png",
            "color": "#123456",
        }
    ]
    await directory.aclose()
    now += 100 * 86_400
    directory = await opened(tmp_path, clock=lambda: now)
    assert await found(directory, "") == ["ben"]
    await directory.aclose()


async def test_switched_off_it_forgets_whom_it_knew(tmp_path: Path) -> None:
    await (await opened(tmp_path, person("ada"))).aclose()
    directory = await opened(tmp_path, person("ben"), remember=False)
    assert await found(directory, "") == [] and directory.get("ben") is None
    await directory.aclose()
    directory = await opened(tmp_path)
    assert await found(directory, "") == []
    await directory.aclose()


async def test_of_many_those_who_were_there_last_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PEOPLE", 30)
    now = 0.0
    directory = await opened(tmp_path, clock=lambda: now)
    for number in range(50):
        now += 1
        directory.note(person(f"p{number}"))
    for again in (False, True):
        if again:
            await directory.aclose()
            directory = await opened(tmp_path, clock=lambda: now)
        assert await found(directory, "p") == [f"p{number}" for number in range(49, 29, -1)], (
            "twenty at a time"
        )
        assert directory.get("p20") is not None and directory.get("p19") is None
    await directory.aclose()


async def test_who_is_nobody_and_what_is_too_much_is_left_out(tmp_path: Path) -> None:
    directory = await opened(
        tmp_path,
        person("0123456789abcdef" * 2, "Anonymous Io"),
        person(""),
        person("x" * 300),
        person("big", "Big", avatar_url="data:" + "x" * 5_000, initials=7, color=None),
        person("f" * 32, "Francis"),
    )
    assert await found(directory, "") == ["f" * 32, "big"]
    assert directory.get("big") == {"name": "Big", "display_name": "Big"}
    await directory.aclose()


@dataclass
class User:
    """As jupyter_server's."""

    username: str
    name: str


async def later(query: str) -> list[Any]:
    await asyncio.sleep(0)
    return [User("lda", f"{query} of LDAP")]


def fails(_query: str) -> list[Any]:
    raise RuntimeError("no LDAP today")


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda query: [{"username": "lda", "name": f"{query} of LDAP"}, {"name": "x"}, 7], ["lda"]),
        (later, ["lda"]),
        (fails, []),
        (lambda _: None, []),
        (lambda _: [person(f"p{number}") for number in range(100)], [f"p{number}" for number in range(19)]),
    ],
)
async def test_a_deployments_own_directory_is_asked_too_and_may_fail(
    tmp_path: Path, ask: Callable[[str], Any], expected: list[str]
) -> None:
    directory = await opened(tmp_path, person("ada", "Ada"), ask=ask)
    assert await found(directory, "ad") == ["ada", *expected]
    if expected == ["lda"]:
        assert directory.get("lda") == {"name": "ad of LDAP"}, "whom it told may be mentioned"
    await directory.aclose()
