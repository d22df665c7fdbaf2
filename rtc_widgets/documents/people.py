"""Who is here: what each participant says of itself, for as long as it is here (docs/protocol.md, 3.3).

Pure bookkeeping over awareness states; `rtc_widgets.presence` brings them from the wire and back.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rtc_widgets.documents.colors import Client, told_apart
from rtc_widgets.documents.schema import checked_json
from rtc_widgets.documents.subscription import Subscription, weakly

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["Participant", "People", "PersonEdit", "State", "pointer"]

Told = Callable[["PersonEdit"], None]


@dataclass(frozen=True, slots=True)
class State:
    """Hold what one client says of itself; None once it has left."""

    client: int
    clock: int
    value: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class PersonEdit:
    """Say what happened to one participant.

    Args:
        action: ``join``, ``update`` or ``leave``.
        username: whose.
    """

    action: Literal["join", "update", "leave"]
    username: str


@dataclass(slots=True)
class Participant:
    """Hold one participant: a person with all their tabs, or a kernel."""

    username: str
    name: str
    color: str
    kind: Literal["person", "kernel"]
    is_me: bool
    # Each client's state, the one that moved last in front.
    states: list[State] = field(default_factory=list)

    def said(self, key: str) -> Any:
        """Return what was said last under *key*, None for nothing."""
        values = (state.value.get(key) for state in self.states if state.value is not None)
        return next((value for value in values if value is not None), None)


class People:
    """Keep the newest state of each client of one document, this one's included.

    Any thread may use it. States are told by whoever carries them; what this participant says is handed to
    those who asked by `on_said`.
    """

    def __init__(self, document: LiveDocument) -> None:
        self._document = weakref.ref(document)
        self._client = document.client_id
        self._clock = 0
        self._lock = threading.Lock()  # of what this participant says: any thread may
        self._mine: dict[str, Any] = {}
        self._gone: list[State] = []
        # In the order in which they last moved, the latest at the end.
        self._others: dict[int, State] = {}
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._watchers: tuple[Told, ...] = ()
        # The session id of the Jupyter client whose code runs now: its person is the one who runs.
        self.runner: str | None = None
        document.on_rebuild(weakly(self._on_rebuild))

    # ------------------------------------------------------------------------------------- this participant

    @property
    def mine(self) -> dict[str, Any]:
        """What this participant says of itself."""
        return dict(self._mine)

    def say(self, *, at_once: bool = True, **keys: Any) -> bool:
        """Say something of this participant; None takes it back. Return whether it is news.

        Args:
            at_once: whether to send it now; else it goes along with what is said next.

        Raises:
            DocumentError: a value is not JSON.
        """
        keys = checked_json(keys)
        before = self._before()
        with self._lock:
            news = {key: value for key, value in {**self._mine, **keys}.items() if value is not None}
            if news == self._mine:
                return False
            self._mine = news
            self._clock += 1
        if at_once:
            for listener in self._listeners:
                listener()
        self._announce(before)
        return True

    def introduce(self) -> list[State]:
        """Return this participant's states, to be sent: one, and those it had before the document was rebuilt.

        Each call counts the clock up: who thought that we had left believes it.
        """
        with self._lock:
            self._clock += 1
            mine = dict(self._mine) if self._mine else None
            return [*self._gone, State(self._client, self._clock, mine)]

    def on_said(self, callback: Callable[[], None]) -> Subscription:
        """Have *callback* called, in the thread that says something, when there is something to send."""
        self._listeners = (*self._listeners, callback)

        def close() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not callback)

        return Subscription(close)

    # -------------------------------------------------------------------------------------------- the others

    def receive(self, states: Iterable[State]) -> None:
        """Take what others say of themselves; older news than what is known is left out."""
        before = self._before()
        others = dict(self._others)
        for state in states:
            known = others.get(state.client)
            if state.client == self._client or (known is not None and state.clock < known.clock):
                continue
            if known is not None and state.clock == known.clock and state.value is not None:
                continue
            others.pop(state.client, None)
            if state.value is not None:
                others[state.client] = state
        self._others = others
        self._announce(before)

    def forget(self) -> None:
        """Forget the others: there is no connection any more."""
        before = self._before()
        self._others = {}
        self._announce(before)

    def author(self, clients: Iterable[int]) -> str | None:
        """Return the username of whoever writes under *clients*, None for several, or for nobody who is here."""
        table = self._table()
        names = {
            username
            for username, who in table.items()
            for state in who.states
            if state.client in set(clients)
        }
        return names.pop() if len(names) == 1 else None

    def everybody(self) -> dict[str, Participant]:
        """Return the participants by username: people first, in the order in which they moved last."""
        table = self._table()
        ordered = sorted(table.values(), key=lambda who: who.kind == "kernel")
        return {who.username: who for who in ordered}

    def watch(self, told: Told) -> Subscription:
        """Have *told* called, outside the lock, with each thing that happens to a participant."""
        self._watchers = (*self._watchers, told)

        def close() -> None:
            self._watchers = tuple(other for other in self._watchers if other is not told)

        return Subscription(close)

    # --------------------------------------------------------------------------------------------- privates

    def _before(self) -> dict[str, Participant]:
        return self._table() if self._watchers else {}

    def _table(self) -> dict[str, Participant]:
        mine = [State(self._client, self._clock, self._mine)] if self._mine else []
        table: dict[str, Participant] = {}
        states = [*reversed(list(self._others.values())), *mine]
        identities = [_identity(state.client, state.value or {}) for state in states]
        colors = told_apart(
            Client(state.client, username, kind == "kernel", color)
            for state, (username, _, color, kind) in zip(states, identities, strict=True)
        )
        for state, (username, name, _, kind) in zip(states, identities, strict=True):
            is_me = state.client == self._client
            key = f"{username}-{state.client}" if kind == "kernel" and username in table else username
            who = table.setdefault(key, Participant(key, name, colors[state.client], kind, is_me))
            who.states.append(state)
            who.is_me = who.is_me or is_me
        return table

    def _announce(self, before: dict[str, Participant]) -> None:
        document = self._document()
        if document is None or not self._watchers:
            return
        after = self._table()
        edits = [PersonEdit("leave", name) for name in before if name not in after]
        for name, who in after.items():
            if name not in before:
                edits.append(PersonEdit("join", name))
            elif _shown(who) != _shown(before[name]):
                edits.append(PersonEdit("update", name))
        for edit in edits:
            for told in self._watchers:
                document.announce(lambda told=told, edit=edit: told(edit))  # type: ignore[misc]
        if edits:
            document.deliver()

    def _on_rebuild(self) -> None:
        document = self._document()
        if document is not None and document.client_id != self._client:
            self._gone.append(State(self._client, self._clock + 1, None))
            self._client = document.client_id


def pointer(value: Any) -> tuple[str, str] | None:
    """Return the cell id and the text of a pointer, None for one that has expired or is none."""
    if not isinstance(value, dict) or not isinstance(value.get("cell"), str):
        return None
    until = value.get("until")
    if isinstance(until, int | float) and until < time.time():
        return None
    return value["cell"], str(value.get("text", ""))


def _identity(client: int, value: dict[str, Any]) -> tuple[str, str, str | None, Literal["person", "kernel"]]:
    user = value.get("user")
    user = user if isinstance(user, dict) else {}
    name = str(user.get("display_name") or user.get("name") or user.get("username") or "Anonymous")
    username = str(user.get("username") or user.get("name") or f"anonymous-{client}")
    color = user.get("color")
    kind: Literal["person", "kernel"] = "kernel" if value.get("kind") == "kernel" else "person"
    return username, name, color if isinstance(color, str) else None, kind


def _shown(who: Participant) -> tuple[Any, ...]:
    """Return what a watcher is told of: a cursor moves too often."""
    said = (repr(who.said(key)) for key in ("activeCell", "cell", "status", "pointer"))
    return (who.name, who.color, frozenset(state.client for state in who.states), *said)
