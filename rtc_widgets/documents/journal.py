"""What each transaction did to a document, with all that it takes to do the reverse.

The CRDT tells what is there now; what was there before is known from a copy of the small things (sources,
metadata, types, order), and of cells that are deleted from the moment before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from pycrdt import Array, Map, Text

from rtc_widgets.documents.replica import Replica
from rtc_widgets.documents.schema import plain
from rtc_widgets.documents.subscription import weakly
from rtc_widgets.documents.text import Edit, apply_to_str, diff, edits_of_delta

__all__ = ["ABSENT", "FILE", "Gone", "Journal", "MetaEdit", "Put", "Seen", "TextEdit", "metadata_of"]

# What takes the place of a cell's id for the one text of a text file.
FILE = ""
# The value of a key that is not there.
ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()
Field = Literal["metadata", "attachments"]
# From here on, inserted cells are read in one call (facts.md, Speed).
_MANY = 100


@dataclass(frozen=True, slots=True)
class Gone:
    """Hold a cell that is not there, and where it was: behind which cell, in front of which one."""

    cell_id: str
    value: dict[str, Any]
    index: int
    after: str | None
    before: str | None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Put:
    """Hold where a cell stood, and of which type it was, before it was moved or retyped."""

    gone: Gone
    new_type: str
    moved: bool


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Hold what happened to the text of one cell."""

    cell_id: str
    edits: tuple[Edit, ...]
    old: str

    @property
    def size(self) -> int:
        """How many characters were deleted."""
        return sum(edit.stop - edit.start for edit in self.edits)


@dataclass(frozen=True, slots=True)
class MetaEdit:
    """Hold what happened to one key of the metadata of a cell, or, for None, of the notebook, or to an attachment."""

    cell_id: str | None
    key: str
    old: Any
    new: Any
    field: Field = "metadata"

    @property
    def size(self) -> int:
        """How many characters of an attachment were replaced."""
        data = self.old if self.field == "attachments" and isinstance(self.old, dict) else {}
        return sum(len(value) for value in data.values() if isinstance(value, str))


@dataclass(slots=True)
class Seen:
    """Collect what one transaction did."""

    texts: list[TextEdit] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[Gone] = field(default_factory=list)
    puts: list[Put] = field(default_factory=list)
    metas: list[MetaEdit] = field(default_factory=list)


@dataclass(slots=True)
class _Copy:
    """Hold what is remembered of a cell."""

    source: str
    type: str
    metadata: dict[str, Any]
    attachments: dict[str, Any]


class Journal:
    """Observe one replica, and sum up each transaction when asked to.

    Used under the document's lock. Costs a deep observer, about 15 µs a keystroke of anybody.
    """

    def __init__(self, replica: Replica, *, is_text: bool) -> None:
        self._replica = replica
        replica.keep_deleted()
        self._copies: dict[str, _Copy] = {}
        self._order: list[str] = []
        self._text = str(replica.root("source", Text)) if is_text else ""
        self._metadata: dict[str, Any] = {}
        self._seen = Seen()
        self._gone: dict[str, Gone] = {}
        self._come: dict[str, _Copy] = {}
        if is_text:
            self._ends = [replica.observe(replica.root("source", Text), weakly(self._on_text))]
            return
        self._cells: Array[Any] = replica.root("cells", Array)
        self._meta: Map[Any] = replica.root("meta", Map)
        for value in json.loads(str(self._cells)):
            copy = _copy_of_value(value)
            cell_id = str(value.get("id", "")) if isinstance(value, dict) else ""
            self._order.append(cell_id)
            self._copies.setdefault(cell_id, copy)
        self._metadata = metadata_of(self._meta)
        self._ends = [
            replica.observe(self._cells, weakly(self._on_cells), deep=True),
            replica.observe(self._meta, weakly(self._on_meta), deep=True),
        ]

    def close(self) -> None:
        """Observe nothing any more."""
        while self._ends:
            self._ends.pop()()

    def source(self, cell_id: str) -> str:
        """Return the source of a cell."""
        return self._copies[cell_id].source

    def take(self) -> Seen:
        """Return what happened since the last call."""
        seen, self._seen = self._seen, Seen()
        gone, self._gone = self._gone, {}
        come, self._come = self._come, {}
        values = self._replica.take_deleted()
        several = len(gone.keys() | come.keys()) > 1
        there = set(self._order) if gone.keys() - come.keys() else set()
        for cell_id, place in gone.items():
            old = self._copies.get(cell_id)
            value = _value(cell_id, values.get(cell_id), old)
            lost = Gone(cell_id, value, place.index, place.after, place.before, len(values.get(cell_id, "")))
            new = come.pop(cell_id, None)
            if new is None and cell_id in there:  # of twins one went: that is how the relay settles them
                self._remember(cell_id)
                continue
            if new is None or old is None:
                seen.removed.append(lost)
                self._copies.pop(cell_id, None)
                continue
            moved = several or self._order[lost.index : lost.index + 1] != [cell_id]
            if moved or new.type != old.type:
                seen.puts.append(Put(lost, new.type, moved))
            if new.source != old.source:
                seen.texts.append(TextEdit(cell_id, tuple(diff(old.source, new.source)), old.source))
            seen.metas += _meta_edits(cell_id, old.metadata, new.metadata)
            if "code" not in (old.type, new.type):  # which have none
                seen.metas += _meta_edits(cell_id, old.attachments, new.attachments, "attachments")
            self._copies[cell_id] = new
        for cell_id, new in come.items():
            old = self._copies.get(cell_id)
            self._copies[cell_id] = new
            if old is None:
                seen.added.append(cell_id)
            elif new.type != old.type:
                # It was put again here while somebody else did so, too: its twin is theirs, and to take this one out
                # would take the cell away.
                value = _value(cell_id, values.get(cell_id), old)
                seen.puts.append(Put(Gone(cell_id, value, 0, None, None), new.type, moved=False))
        return seen

    # ------------------------------------------------------------------------------------------- observers

    def _on_text(self, event: Any) -> None:
        self._seen.texts.append(self._edit(FILE, self._text, str(event.target), event))
        self._text = str(event.target)

    def _on_meta(self, _events: list[Any]) -> None:
        now = metadata_of(self._meta)
        self._seen.metas += _meta_edits(None, self._metadata, now)
        self._metadata = now

    def _on_cells(self, events: list[Any]) -> None:
        for event in events:
            if not event.path:
                self._on_order(event)
        for event in events:
            if event.path:
                self._on_cell(event)

    def _on_order(self, event: Any) -> None:
        order, place, old = self._order, 0, 0
        after: str | None = None  # the cell in front, in the order as it was
        for part in event.delta:
            if "retain" in part:
                place, old = place + part["retain"], old + part["retain"]
                after = order[place - 1]
            elif "delete" in part:
                end = place + part["delete"]
                before = order[end] if end < len(order) else None
                for cell_id in order[place:end]:
                    self._gone.setdefault(cell_id, Gone(cell_id, {}, old, after, before))
                    after, old = cell_id, old + 1
                del order[place:end]
            else:
                copies = self._read(part["insert"], place)
                self._come.update(copies)
                order[place:place] = [cell_id for cell_id, _ in copies]
                place += len(copies)

    def _read(self, ycells: list[Any], place: int) -> list[tuple[str, _Copy]]:
        if len(ycells) >= _MANY:
            values = json.loads(str(self._cells))[place : place + len(ycells)]
        else:
            values = [
                {key: ycell.get(key) for key in ("id", "source", "cell_type")}
                | {"metadata": metadata_of(ycell), "attachments": metadata_of(ycell, "attachments")}
                if isinstance(ycell, Map)
                else None
                for ycell in ycells
            ]
        return [
            (str(value.get("id", "")) if isinstance(value, dict) else "", _copy_of_value(value))
            for value in values
        ]

    def _on_cell(self, event: Any) -> None:
        place, *inside = event.path
        cell_id = self._order[place]
        changed = {str(inside[0])} if inside else set(event.keys)
        ycell = self._cells[place]
        if "id" in changed and not inside:
            self._order[place] = str(ycell.get("id", ""))
            self._remember(self._order[place])
            if cell_id in self._order:  # of its twin, what was remembered may be of the one or the other
                self._remember(cell_id)
            return
        copy = self._copies.get(cell_id)
        if copy is None or cell_id in self._come:
            return
        if "source" in changed:
            new = str(ycell.get("source", ""))
            self._seen.texts.append(self._edit(cell_id, copy.source, new, event if inside else None))
            copy.source = new
        if "metadata" in changed:
            metadata = metadata_of(ycell)
            self._seen.metas += _meta_edits(cell_id, copy.metadata, metadata)
            copy.metadata = metadata
        if "attachments" in changed:
            attachments = metadata_of(ycell, "attachments")
            self._seen.metas += _meta_edits(cell_id, copy.attachments, attachments, "attachments")
            copy.attachments = attachments
        if "cell_type" in changed:
            copy.type = str(ycell.get("cell_type"))

    def _remember(self, cell_id: str) -> None:
        place = self._order.index(cell_id)
        self._copies[cell_id] = _copy_of_value(self._read([self._cells[place]], place)[0][1])

    @staticmethod
    def _edit(cell_id: str, old: str, new: str, event: Any | None) -> TextEdit:
        if event is not None and isinstance(event.target, Text):
            try:
                edits = edits_of_delta(old, event.delta)
            except UnicodeDecodeError:
                edits = ()
            if apply_to_str(old, edits) == new:
                return TextEdit(cell_id, tuple(edits), old)
        return TextEdit(cell_id, tuple(diff(old, new)), old)  # twins, or another text in its place


def metadata_of(parent: Map[Any], field: Field = "metadata") -> dict[str, Any]:
    """Return the metadata, or the attachments, in a cell, or in the notebook's ``meta``, as plain data."""
    found = parent.get(field)
    value = found.to_py() if isinstance(found, Map) else found
    return dict(plain(value)) if isinstance(value, dict) else {}


def _copy_of_value(value: Any) -> _Copy:
    if isinstance(value, _Copy):
        return value
    if not isinstance(value, dict):
        return _Copy("", "", {}, {})
    metadata, attachments = value.get("metadata"), value.get("attachments")
    return _Copy(
        str(value.get("source", "")),
        str(value.get("cell_type", "")),
        dict(plain(metadata)) if isinstance(metadata, dict) else {},
        dict(plain(attachments)) if isinstance(attachments, dict) else {},
    )


def _value(cell_id: str, text: str | None, copy: _Copy | None) -> dict[str, Any]:
    """Return a deleted cell as plain data: as it was before the transaction, which may have edited it first."""
    value: dict[str, Any] = {} if text is None else plain(json.loads(text))
    value.pop("execution_state", None)
    if copy is not None:
        # Its own type: what is remembered may be of its twin, another cell of that id.
        value = {"cell_type": copy.type, **value, "source": copy.source, "metadata": copy.metadata}
        value.pop("attachments", None)
        if copy.attachments and value["cell_type"] != "code":
            value["attachments"] = copy.attachments
    value["id"] = cell_id
    if value.get("cell_type") == "code":
        value = {"outputs": [], "execution_count": None} | value
    return value


def _meta_edits(
    cell_id: str | None, old: dict[str, Any], new: dict[str, Any], field: Field = "metadata"
) -> list[MetaEdit]:
    return [
        MetaEdit(cell_id, key, old.get(key, ABSENT), new.get(key, ABSENT), field)
        for key in old.keys() | new.keys()
        if json.dumps(old.get(key), sort_keys=True) != json.dumps(new.get(key), sort_keys=True)
        or (key in old) != (key in new)
    ]
