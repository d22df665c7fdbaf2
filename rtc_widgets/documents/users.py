"""``nb.users`` and ``nb.me``: who is here, what they do, and where."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rtc_widgets.documents import looks
from rtc_widgets.documents.annotations import Annotations
from rtc_widgets.documents.answers import READING
from rtc_widgets.documents.people import Participant, People, pointer
from rtc_widgets.documents.subscription import Subscription
from rtc_widgets.errors import CellGone, DocumentError

if TYPE_CHECKING:
    from rtc_widgets.documents.cells import Cell
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["Acquaintance", "NotebookPeople", "Person", "Sociable", "Users", "others", "whereabouts"]

# Seconds that a pointer is shown.
POINTED = 30.0


class Sociable:
    """Give a handle its people."""

    document: LiveDocument

    @property
    def users(self) -> Users:
        """Everybody who has this document open, by username: people, kernels, and this participant itself.

        Live: it always tells who is here now.
        """
        return Users(self)

    @property
    def me(self) -> Person:
        """This participant: in a kernel the kernel itself, which is not the person who runs it."""
        people = _introduced(self)
        return next(Person(self, username) for username, who in people.everybody().items() if who.is_me)

    def status(self, text: str | None) -> None:
        """Say what goes on, for everybody to see beside this participant's name; None takes it back.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> nb = Notebook.new()
        >>> nb.status("training")
        >>> nb.me.status
        'training'
        """
        if text is not None and not isinstance(text, str):
            raise TypeError(f"A status is a str, or None, not {type(text).__name__}.")
        _introduced(self).say(status=text or None)

    def cell_handle(self, cell_id: object) -> Cell | None:
        """Return the handle of a cell that is there."""
        return None


class NotebookPeople(Sociable):
    """Give a notebook's handle its people, and where they are."""

    @property
    def active(self) -> Cell | None:
        """The cell where the person is whose code runs; None where no tab tells.

        Of several people it is the one whose tab ran this code, else the one who moved last.
        """
        people = self.document.part(People)
        everybody = [who for who in people.everybody().values() if who.kind == "person" and not who.is_me]
        states = [state.value or {} for who in everybody for state in who.states]
        if people.runner is not None:
            states.sort(key=lambda value: value.get("session") != people.runner)
        cells = (self.cell_handle(value.get("activeCell")) for value in states)
        return next((cell for cell in cells if cell is not None), None)

    def point(self, cell: Cell | str | int, text: str = "", *, seconds: float = POINTED) -> Subscription:
        """Point everybody to a cell, with a few words; closing what is returned takes it back.

        Args:
            cell: a handle, an index, the beginning of an id, or a tag (``"#tag"``).
            text: what to say.
            seconds: how long it is shown.

        Raises:
            KeyError: no cell's id begins so.
            IndexError: there is no cell at that index.
            CellGone: it was deleted.
        """
        if not isinstance(text, str):
            raise TypeError(f"What to say is a str, not {type(text).__name__}.")
        if not 0 < seconds < float("inf"):
            raise DocumentError(f"A pointer is shown for some seconds, not for {seconds!r}.")
        found: Cell = self.resolve(cell)
        _ = found.index  # raises where it was deleted
        people = _introduced(self)
        value = {"cell": found.id, "text": text, "until": time.time() + seconds}
        people.say(pointer=value)

        def take_back() -> None:
            if people.mine.get("pointer") == value:
                people.say(pointer=None)

        return Subscription(take_back)

    def resolve(self, which: Cell | str | int) -> Cell:
        """Return the cell that a handle or a key names."""
        raise NotImplementedError

    def cell(self, cell_id: str) -> Cell:
        """Return the handle for a whole id."""
        raise NotImplementedError

    def cell_handle(self, cell_id: object) -> Cell | None:
        """Return the handle of a cell that is there."""
        cell = self.cell(cell_id) if isinstance(cell_id, str) and cell_id else None
        return cell if cell is not None and cell.exists else None


class Person:
    """Stand for one participant, a person with all their tabs or a kernel: live, by username."""

    def __init__(self, handle: Sociable, username: str) -> None:
        self._handle = handle
        self._username = username
        who = self._find()
        self._name = username if who is None else who.name
        self._color = None if who is None else who.color
        self._kind: Literal["person", "kernel"] = "person" if who is None else who.kind

    @property
    def username(self) -> str:
        """The name to sign in with; what `Users` is keyed by."""
        return self._username

    @property
    def name(self) -> str:
        """The name that is shown."""
        who = self._find()
        return self._name if who is None else who.name

    @property
    def color(self) -> str | None:
        """The colour of the cursor and the avatar, as CSS has it; one that nobody chose is no other person's here."""
        who = self._find()
        return self._color if who is None else who.color

    @property
    def kind(self) -> Literal["person", "kernel"]:
        """Whether it is a person or a kernel."""
        return self._kind

    @property
    def here(self) -> bool:
        """Whether the document is open there now."""
        return self._find() is not None

    @property
    def is_me(self) -> bool:
        """Whether it is this participant."""
        who = self._find()
        return who is not None and who.is_me

    @property
    def cell(self) -> Cell | None:
        """The cell where the person is, or that the kernel runs; None where that is not told."""
        who = self._find()
        return None if who is None else _cell_of(self._handle, who)

    @property
    def status(self) -> str | None:
        """What the participant says that it does."""
        who = self._find()
        said = None if who is None else who.said("status")
        return said if isinstance(said, str) else None

    @property
    def pointing(self) -> tuple[Cell, str] | None:
        """The cell that the participant points to, and what it says; None for nothing, or nothing any more."""
        who = self._find()
        found = None if who is None else pointer(who.said("pointer"))
        cell = None if found is None else self._handle.cell_handle(found[0])
        return None if found is None or cell is None else (cell, found[1])

    @property
    def clients(self) -> tuple[int, ...]:
        """The CRDT client ids under which the participant writes, one a tab."""
        who = self._find()
        return () if who is None else tuple(state.client for state in who.states)

    def _find(self) -> Participant | None:
        return self._handle.document.part(People).everybody().get(self._username)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Person):
            return NotImplemented
        return self._username == other._username and self._handle.document is other._handle.document

    def __hash__(self) -> int:
        return hash(self._username)

    def __repr__(self) -> str:
        face = self._face()
        facts = [fact for fact in (face.where, self.status, "me" if face.me else "") if fact]
        told = "".join(f", {looks.shortened(fact, 100)}" for fact in facts)
        username, name = (looks.shortened(text, 60) for text in (repr(self._username), face.name))
        return f"<{self._kind} {username} ({name}){told}>"

    def _repr_html_(self) -> str:
        return looks.face(self._face())

    def _face(self) -> looks.Face:
        who = self._find()
        if who is None:
            return looks.Face(self._name, self._username, self._color, self._kind == "kernel", where="gone")
        return _face(self._handle, who, _cell_of(self._handle, who))


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """Tell of somebody whom the server knows.

    Args:
        username: the name to sign in with.
        name: the name that is shown.
        initials: of it, as the server has them; may be empty.
        color: as CSS has it, None where nobody chose one.
        avatar_url: of a picture, None where there is none.
    """

    username: str
    name: str
    initials: str = ""
    color: str | None = None
    avatar_url: str | None = None


class Users(Mapping[str, Person]):
    """Be everybody who is here, by username; found by the name that is shown, too."""

    def __init__(self, handle: Sociable) -> None:
        self._handle = handle

    def __getitem__(self, key: str) -> Person:
        """Return the participant of a username or of a name; capitals do not matter.

        Raises:
            KeyError: nobody of that name is here.
        """
        everybody = self._everybody()
        if key in everybody:
            return Person(self._handle, key)
        folded = str(key).casefold()
        found = [
            who for who in everybody.values() if folded in (who.username.casefold(), who.name.casefold())
        ]
        if len(found) == 1:
            return Person(self._handle, found[0].username)
        if found:
            raise KeyError(f"several are called {key!r}: {', '.join(who.username for who in found)}")
        raise KeyError(f"{key!r} is not here; here are: {', '.join(everybody) or 'nobody'}")

    def __contains__(self, key: object) -> bool:
        try:
            return isinstance(key, str) and self[key] is not None
        except KeyError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._everybody())

    def __len__(self) -> int:
        return len(self._everybody())

    def directory(self, query: str = "", timeout: float = READING) -> list[Acquaintance]:
        """Return people whom the server knows, here or not, whose user name or a word of whose name begins so.

        Those who were on the server last come first, at most twenty; ``@`` and the name mentions them in a comment.
        Whom the server tells is its owner's to say (``RelayApp.remember_people``, ``RelayApp.directory``); without a
        server it is nobody.

        Args:
            query: without regard to case and accents; all by default.
            timeout: seconds.

        Raises:
            NotConnected: there was no answer in time.
            CommentRefused: it takes the right to comment on the document.

        >>> from rtc_widgets.documents.notebook import Notebook
        >>> Notebook.new().users.directory("ad")
        []
        """
        document = self._handle.document
        if document.link is None:
            return []
        return [_acquaintance(one) for one in document.part(Annotations).find_people(query, timeout)]

    def __repr__(self) -> str:
        people = list(self.values())
        more = f", … {len(people) - looks.MOST:,} more" if len(people) > looks.MOST else ""
        return f"<users: {', '.join(map(repr, people[: looks.MOST])) or 'nobody'}{more}>"

    def _repr_html_(self) -> str:
        handle = self._handle
        return looks.people([_face(handle, who, _cell_of(handle, who)) for who in self._everybody().values()])

    def _ipython_key_completions_(self) -> list[str]:
        """Return what completes ``nb.users["`` in IPython."""
        return list(self)

    def _everybody(self) -> dict[str, Participant]:
        return self._handle.document.part(People).everybody()


def _acquaintance(identity: Mapping[str, Any]) -> Acquaintance:
    """Read jupyter_server's identity model, with a user name."""
    told = {key: value for key, value in identity.items() if isinstance(value, str) and value}
    username = str(identity["username"])
    name = told.get("display_name") or told.get("name") or username
    return Acquaintance(username, name, told.get("initials", ""), told.get("color"), told.get("avatar_url"))


def _introduced(handle: Sociable) -> People:
    """Return the people, after making sure that this participant has a name."""
    people = handle.document.part(People)
    if "user" not in people.mine:
        try:
            name = getpass.getuser()
        except (OSError, KeyError, ImportError):
            name = "me"
        people.say(at_once=False, user=identity(name, name))
    return people


def identity(username: str, name: str, color: str | None = None) -> dict[str, Any]:
    """Return what a participant calls itself, as jupyter_server has it."""
    initials = "".join(word[0] for word in name.split()[:2]).upper()
    return {
        "username": username,
        "name": name,
        "display_name": name,
        "initials": initials,
        "avatar_url": None,
        "color": color,
    }


def whereabouts(handle: Sociable) -> dict[str, list[looks.Face]]:
    """Return who is where, by cell id; under an empty one those of whom that is not told."""
    found: dict[str, list[looks.Face]] = {}
    for who in handle.document.part(People).everybody().values():
        cell = _cell_of(handle, who)
        found.setdefault("" if cell is None else cell.id, []).append(_face(handle, who, cell))
    return found


def others(handle: Sociable) -> list[looks.Face]:
    """Return everybody but this participant, who need not be told that it is here."""
    return [face for faces in whereabouts(handle).values() for face in faces if not face.me]


def _cell_of(handle: Sociable, who: Participant) -> Cell | None:
    running = getattr(handle, "running_cell_id", None) if who.is_me else None
    return handle.cell_handle(running or who.said("cell") or who.said("activeCell"))


def _face(handle: Sociable, who: Participant, cell: Cell | None) -> looks.Face:
    """Return what is shown of a participant, who is in *cell*."""
    kernel = who.kind == "kernel"
    found = pointer(who.said("pointer"))
    place, target = _index(cell), None if found is None else _index(handle.cell_handle(found[0]))
    where = "" if place is None else f"{'runs' if kernel else 'in'} cell {place}"
    points = "" if found is None or target is None else f"points to cell {target} {found[1]}".rstrip()
    says = " · ".join(said for said in (who.said("status"), points) if said and isinstance(said, str))
    return looks.Face(who.name, who.username, who.color, kernel, who.is_me, where, says)


def _index(cell: Cell | None) -> int | None:
    try:
        return None if cell is None else cell.index
    except CellGone:  # in this moment
        return None
