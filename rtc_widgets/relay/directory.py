"""The people of this server: whom it has let into a document, and whom the deployment's own directory tells."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from rtc_widgets.errors import StoreError
from rtc_widgets.logged import fields
from rtc_widgets.rooms.directory import IDENTITY
from rtc_widgets.stores.database import Database

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["MOST_PEOPLE", "Directory"]

MOST_PEOPLE = 10_000
"""How many are remembered: of more, those who were here last."""
_MOST_FOUND = 20
_KEPT = 365 * 24 * 3600.0  # seconds since they were here last
_NOTED_EVERY = 3600.0  # seconds, in which it is not written again that somebody is here
_LONGEST = 256
_LONGEST_PICTURE = 4096
# Seconds that a person who types a name waits for a deployment's directory, and how many ask it at once.
_PATIENCE = 3.0
_AT_ONCE = 4
# jupyter_server's, for who has no identity: another one with each browser profile, who never comes back.
_ANONYMOUS = re.compile(r"[0-9a-f]{32}")

_APPLICATION = 0x52544344  # "RTCD"
_SCHEMA = [
    "CREATE TABLE people (username TEXT PRIMARY KEY, value TEXT NOT NULL, seen REAL NOT NULL) WITHOUT ROWID"
]
_log = logging.getLogger(__name__)

Json = dict[str, Any]


class Directory:
    """Remember people over restarts, in the SQLite file at *path*, and find them.

    Args:
        path: of the file.
        remember: whether to; else those who were remembered are forgotten.
        ask: the deployment's own directory: called with what is typed, in a thread unless it is a coroutine function,
            returns people as mappings, or as jupyter_server's ``User``.
        clock: seconds since the epoch.
        hold: see ``Database``.

    Raises:
        StoreError: the file is not one of these, or cannot be used; see ``Database``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        remember: bool = True,
        ask: Callable[[str], Any] | None = None,
        clock: Callable[[], float] = time.time,
        hold: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = Database(
            path,
            application=_APPLICATION,
            schema=_SCHEMA,
            what="the people who were here",
            hold=hold,
        )
        self._remember = remember
        self._ask = ask
        self._clock = clock
        self._people: dict[str, Json] = {}  # who was here last is last
        self._written: dict[str, float] = {}
        self._told: dict[str, Json] = {}  # by the deployment's directory
        self._asking = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def load(self) -> None:
        """Read who was here before; who was here meanwhile counts more."""
        oldest = self._clock() - _KEPT if self._remember else float("inf")
        await self._database.call(_forget, oldest)
        rows = await self._database.call(_read, None) if self._remember else []
        known = {username: json.loads(value) for username, value, _ in rows}
        self._written = {username: seen for username, _, seen in rows} | self._written
        self._people = {name: one for name, one in known.items() if name not in self._people} | self._people

    async def aclose(self) -> None:
        """Write what waits and close the file."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._database.aclose()

    def note(self, identity: Mapping[str, Any]) -> None:
        """Remember somebody whom the server has let into a document."""
        username, known = str(identity.get("username") or ""), _known(identity)
        nobody = _ANONYMOUS.fullmatch(username) and str(known.get("name")).startswith("Anonymous ")
        if not self._remember or not username or len(username) > _LONGEST or nobody:
            return
        before = self._people.pop(username, None)
        self._people[username] = known
        while len(self._people) > MOST_PEOPLE:
            gone = next(iter(self._people))
            del self._people[gone]
            self._written.pop(gone, None)
        now = self._clock()
        if before != known or self._written.get(username, 0.0) < now - _NOTED_EVERY:
            self._written[username] = now
            self._write((username, json.dumps(known), now))

    def get(self, username: str) -> Mapping[str, Any] | None:
        """Return the identity of somebody who may have been found, without the user name; None for nobody."""
        return self._people.get(username) or self._told.get(username)

    async def find(self, query: str) -> list[Json]:
        """Return those whose user name, or a word of whose name, begins so: who was here last is first.

        Behind them those whom the deployment's directory tells, in its own order.
        """
        wanted = _folded(query.strip())
        here = (name for name in reversed(self._people) if _fits(name, self._people[name], wanted))
        found = {name: self._people[name] for name, _ in zip(here, range(_MOST_FOUND), strict=False)}
        if self._ask is not None:
            found |= {name: one for name, one in (await self._asked(query)).items() if name not in found}
        return [{"username": name, **found[name]} for name in list(found)[:_MOST_FOUND]]

    async def _asked(self, query: str) -> dict[str, Json]:
        try:
            async with asyncio.timeout(_PATIENCE), self._asking:
                assert self._ask is not None
                answer = await asyncio.to_thread(self._ask, query)
                if isawaitable(answer):
                    answer = await answer
                told = _people(answer)
        except Exception:  # noqa: BLE001 - the trust boundary to a deployment's own code; those who were here are found
            _log.exception("RelayApp.directory failed.", extra=fields("hook.failed"))
            return {}
        for name, one in told.items():
            self._told.pop(name, None)
            self._told[name] = one
        while len(self._told) > MOST_PEOPLE:
            del self._told[next(iter(self._told))]
        return told

    def _write(self, row: tuple[str, str, float]) -> None:
        async def write() -> None:
            try:
                await self._database.call(_put, row)
            except StoreError as error:
                _log.warning(
                    "Who was here could not be written down: %s", error, extra=fields("people.not-kept")
                )

        task = asyncio.get_running_loop().create_task(write())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _people(answer: Iterable[Any]) -> dict[str, Json]:
    """Return what a deployment's directory tells, by user name; what is nobody is left out."""
    found: dict[str, Json] = {}
    for one, _ in zip(answer, range(_MOST_FOUND), strict=False):
        identity = asdict(one) if is_dataclass(one) and not isinstance(one, type) else one
        username = identity.get("username") if isinstance(identity, Mapping) else None
        if isinstance(username, str) and 0 < len(username) <= _LONGEST:
            found.setdefault(username, _known(identity))
    return found


def _known(identity: Mapping[str, Any]) -> Json:
    most = {"avatar_url": _LONGEST_PICTURE}
    texts = {key: identity.get(key) for key in IDENTITY}
    return {
        key: text
        for key, text in texts.items()
        if isinstance(text, str) and 0 < len(text) <= most.get(key, _LONGEST)
    }


def _fits(username: str, identity: Mapping[str, Any], wanted: str) -> bool:
    names = [_folded(name) for name in (username, identity.get("name"), identity.get("display_name")) if name]
    return any(text.startswith(wanted) for name in names for text in (name, *name.split()))


def _folded(text: str) -> str:
    """Return a text without case and accents."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


# --- in the database's thread


def _read(connection: sqlite3.Connection, times: Sequence[None]) -> list[Any]:
    rows = connection.execute("SELECT username, value, seen FROM people ORDER BY seen").fetchall()
    return [rows] * len(times)


def _put(connection: sqlite3.Connection, rows: Sequence[tuple[str, str, float]]) -> list[None]:
    connection.executemany("INSERT OR REPLACE INTO people VALUES (?, ?, ?)", rows)
    connection.execute(
        "DELETE FROM people WHERE username IN (SELECT username FROM people ORDER BY seen DESC LIMIT -1 OFFSET ?)",
        (MOST_PEOPLE,),
    )
    return [None] * len(rows)


def _forget(connection: sqlite3.Connection, times: Sequence[float]) -> list[None]:
    connection.executemany("DELETE FROM people WHERE seen < ?", [(when,) for when in times])
    return [None] * len(times)
