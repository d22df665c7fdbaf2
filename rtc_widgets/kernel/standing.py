"""How a live notebook stands, for people: its cells, who is here, the connection, and what is saved."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pycrdt import Map

from rtc_widgets.documents.cell_index import CellIndex
from rtc_widgets.documents.link import LinkState
from rtc_widgets.documents.looks import advice, table
from rtc_widgets.errors import CellGone, NotConnected
from rtc_widgets.kernel.linked import LinkedDocument

if TYPE_CHECKING:
    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.documents.users import Person
    from rtc_widgets.kernel.session import KernelSession

__all__ = ["AWAY", "Card", "file_says", "missing", "standing", "who", "written_says"]

# Seconds to wait for an acknowledgement that is on its way: the relay commits at most every 200 ms, and tells a kernel
# no more often.
_MOMENT = 1.0

AWAY = (
    "The server is away. What is written here is kept in this kernel, and sent when the server is back: do not "
    "restart the kernel before that."
)


class Card:
    """Be shown as a small table: as text, and as HTML.

    Args:
        title: what stands above it.
        rows: each name and its value.
        note: what to do, below; of several lines those that begin with a dash are a list.
        html: what to show in place of the table, where there is HTML.
    """

    def __init__(
        self, title: str, rows: Sequence[tuple[str, str]], note: str = "", html: str | None = None
    ) -> None:
        self._title = title
        self._rows = rows
        self._note = note
        self._html = table(title, (), rows, below=advice(note)) if html is None else html

    def __repr__(self) -> str:
        width = max((len(name) for name, _ in self._rows), default=0)
        lines = [f"  {name:{width}}  {value}" for name, value in self._rows]
        return "\n".join([self._title, *lines, *([self._note] if self._note else [])])

    def _repr_html_(self) -> str:
        return self._html


def standing(notebook: Notebook, session: KernelSession) -> Card:
    """Return how *notebook* stands; waits a moment for an acknowledgement that is on its way."""
    here = "; ".join(f"{person.name}{_place(person)}" for person in notebook.users.values())
    rows = [
        ("cells", _census(notebook)),
        ("here", here or "nobody"),
        ("connection", _connection(notebook, session)),
        ("written here", written_says(notebook, session)),
        ("file", file_says(notebook, session)),
    ]
    note = notebook.document.detached or (AWAY if notebook.state is LinkState.OFFLINE else "")
    return Card(notebook.path or "Live notebook", rows, note)


def who(notebook: Notebook) -> Card:
    """Return who has *notebook* open, and where they are."""
    rows = [
        (person.name, f"{person.kind} {person.username!r}{_place(person)}" + ", this kernel" * person.is_me)
        for person in notebook.users.values()
    ]
    users = notebook.users
    return Card("Who is here", rows, "" if rows else "Nobody is here.", html=users._repr_html_())


def missing(why: str) -> Card:
    """Return what to show where there is no notebook: why, and the cure."""
    return Card("No live notebook here", [("connection", "none")], why)


def _place(person: Person) -> str:
    """Say where somebody is, and what they say they do."""
    parts = []
    try:
        if (cell := person.cell) is not None:
            parts.append(f"{'runs' if person.kind == 'kernel' else 'in'} cell {cell.index}")
        if (pointing := person.pointing) is not None:
            cell, text = pointing
            parts.append(f"points to cell {cell.index}" + (f" ({text})" if text else ""))
    except CellGone:
        pass  # deleted between the two looks, so they are nowhere
    if (status := person.status) is not None:
        parts.append(" ".join(status.split()))
    return "".join(f", {part}" for part in parts)


def _census(notebook: Notebook) -> str:
    with notebook.document.reading() as replica:
        rows = replica.part(CellIndex).rows()
    types = ", ".join(f"{count} {type_}" for type_, count in Counter(row.type for row in rows).items())
    return f"{len(rows)}" + (f" ({types})" if types else "")


def _connection(notebook: Notebook, session: KernelSession) -> str:
    parts = [str(notebook.state)]
    link = notebook.document.link
    if isinstance(link, LinkedDocument):
        parts.append(f"rtc_widgets {link.welcome.release} on the server")
        if not link.welcome.role.may_write:
            parts.append("for reading only")
    when = "also while a cell runs" if session.hears_during_cells else "between cells only"
    parts.append(f"changes by others arrive {when}")
    return "; ".join(parts)


def written_says(notebook: Notebook, session: KernelSession) -> str:
    """Say whether what was written here has arrived; waits a moment for it."""
    if not session.hears_during_cells:
        return "leaves at once; whether it has arrived is heard when the cell has ended"
    try:
        notebook.synced().result(_MOMENT)
    except NotConnected:
        return "not all of it is safe on the server yet; %rtc sync waits for it"
    return "all of it is safe on the server"


def file_says(notebook: Notebook, session: KernelSession) -> str:
    """Say what the file has, and since when."""
    with notebook.document.reading() as replica:
        dirty = replica.root("state", Map).get("dirty")
    parts = []
    if isinstance(dirty, bool):
        parts.append("lacks the last changes; the server saves by itself" if dirty else "has everything")
    saved = _saved_at(notebook.path, session)
    if saved is not None:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(saved))
        parts.append(f"last written {when}, {_ago(time.time() - saved)}")
    return "; ".join(parts) or "not known here"


def _saved_at(path: str | None, session: KernelSession) -> float | None:
    """Return when the file was last written, where this kernel sees the server's files; None elsewhere."""
    own = os.environ.get(
        "JPY_SESSION_NAME", ""
    )  # the whole path of the notebook that the kernel was started for
    if path is None or not Path(own).is_absolute():
        return None
    for known in session.paths:
        if Path(own).as_posix().endswith(f"/{known}"):
            try:
                return Path(Path(own).as_posix().removesuffix(known), path).stat().st_mtime
            except OSError:
                return None  # the kernel runs on another machine, or the file is gone
    return None


def _ago(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count = int(seconds // length)
        if count > 0:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
