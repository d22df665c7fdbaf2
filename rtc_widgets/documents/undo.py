"""One's own steps, undone and done again, whatever others did meanwhile.

Each transaction made here is one step. A step is taken back by the reverse of what it did, in the document as
it stands: text that others typed stays, and so do the outputs. Where somebody else has changed the same thing
since (a metadata key, the cell's place by deleting it), theirs stays.
"""

from __future__ import annotations

import json
import logging
import weakref
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map, Text

from rtc_widgets.documents import schema
from rtc_widgets.documents.arrange import falling_runs
from rtc_widgets.documents.cell_index import CellIndex
from rtc_widgets.documents.journal import (
    ABSENT,
    FILE,
    Gone,
    Journal,
    MetaEdit,
    Put,
    Seen,
    TextEdit,
    metadata_of,
)
from rtc_widgets.documents.replica import Replica
from rtc_widgets.documents.subscription import weakly
from rtc_widgets.documents.text import apply
from rtc_widgets.documents.tracks import OTHERS, TextTrack
from rtc_widgets.errors import DocumentError
from rtc_widgets.origins import Origin

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["TextUndo", "Undo"]

# How many steps are kept, and how many characters of deleted cells and texts.
MOST_STEPS = 200
MOST_CHARACTERS = 50_000_000
# What is written under these origins is no step.
NO_STEPS = frozenset({"undo", "outputs", "file", "relay"})

# From here on, cells are read in one call (facts.md, Speed).
_MANY = 100

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Step:
    """Hold what one transaction did, or, of an undone one, what undoing it did."""

    number: int
    label: str
    texts: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[Gone] = field(default_factory=list)
    puts: list[Put] = field(default_factory=list)
    metas: list[MetaEdit] = field(default_factory=list)
    size: int = 0


class Undo:
    """Keep the steps of one document: what is written here, never what others write.

    Begins with the first transaction made here, and costs nothing before. Forgets everything when the
    document is rebuilt.
    """

    _is_text = False

    def __init__(self, document: LiveDocument) -> None:
        self._document = weakref.ref(document)
        self._journal: Journal | None = None
        self._tracks: dict[str, TextTrack] = {}
        self._uses: Counter[str] = Counter()
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._last = 0
        self._size = 0
        document.recorder = self
        document.on_rebuild(weakly(self.forget))

    @property
    def labels(self) -> list[str]:
        """What `undo` would take back, the next one last."""
        return [step.label for step in list(self._done)]

    @property
    def undone_labels(self) -> list[str]:
        """What `redo` would do again, the next one last."""
        return [step.label for step in list(self._undone)]

    def undo(self, running: str | None = None) -> str | None:
        """Take the last step back; return its label, None where there is none.

        Args:
            running: the cell that is running, which stays where it is.
        """
        return self._switch(self._done, self._undone, done=False, running=running)

    def redo(self, running: str | None = None) -> str | None:
        """Do the step that was undone last again; return its label, None where there is none."""
        return self._switch(self._undone, self._done, done=True, running=running)

    def forget(self) -> None:
        """Forget all steps."""
        journal, self._journal = self._journal, None
        if journal is not None:
            journal.close()
        self._tracks.clear()
        self._uses.clear()
        self._done.clear()
        self._undone.clear()
        self._size = 0

    # ------------------------------------------------------------------------------------------- `Recorder`

    def prepare(self) -> None:
        """Begin to follow the document, with the first transaction made here."""
        document = self._document()
        if self._journal is None and document is not None:
            self._journal = Journal(document.replica, is_text=self._is_text)

    def settle(self, origin: Origin, *, remote: bool) -> None:
        """Make a step of a transaction made here; follow one made by others."""
        if self._journal is None:
            return
        try:
            seen = self._journal.take()
            if origin.kind != "undo" or remote:
                self._record(seen, origin, own=not remote and origin.kind not in NO_STEPS)
        except Exception:  # noqa: BLE001 (see below)
            # Others' documents may hold anything, and what was written is written: only undo is lost.
            _log.exception("A change could not be understood, so there is nothing to undo any more.")
            self.forget()

    def _record(self, seen: Seen, origin: Origin, *, own: bool) -> None:
        if not own:
            self._follow(seen.texts, OTHERS)
            # A cell that comes from somebody else is theirs, also where it had been here before.
            for gone in seen.removed:
                self._tracks.pop(gone.cell_id, None)
            return
        if not (seen.texts or seen.added or seen.removed or seen.puts or seen.metas):
            return
        while self._undone:
            self._drop(self._undone.pop())
        number = self._last = self._last + 1
        self._follow(seen.texts, number)
        journal = self._journal
        assert journal is not None
        for cell_id in seen.added:
            self._tracks[cell_id] = TextTrack(len(journal.source(cell_id)))
        size = sum(gone.size for gone in seen.removed) + sum(text.size for text in seen.texts)
        size += sum(meta.size for meta in seen.metas)
        step = _Step(
            number,
            origin.detail or _label(seen),
            [text.cell_id for text in seen.texts],
            seen.added,
            seen.removed,
            seen.puts,
            seen.metas,
            size,
        )
        self._done.append(step)
        self._size += size
        self._uses.update({*step.texts, *step.added})
        while len(self._done) > 1 and (len(self._done) > MOST_STEPS or self._size > MOST_CHARACTERS):
            self._drop(self._done.pop(0))

    def _follow(self, texts: list[TextEdit], number: int) -> None:
        for text in texts:
            track = self._tracks.get(text.cell_id)
            if track is not None and track.length != len(text.old):
                track = None  # something was missed: earlier steps do not touch this text any more
                self._tracks.pop(text.cell_id)
            if track is None and number != OTHERS:
                track = self._tracks[text.cell_id] = TextTrack(len(text.old))
            if track is not None:
                track.edited(text.edits, text.old, number)

    def _drop(self, step: _Step) -> None:
        self._size -= step.size
        for cell_id in step.texts:
            track = self._tracks.get(cell_id)
            if track is not None:
                track.forget(step.number)
        for cell_id in {*step.texts, *step.added}:
            self._uses[cell_id] -= 1
            if not self._uses[cell_id]:
                del self._uses[cell_id]
                self._tracks.pop(cell_id, None)

    # ------------------------------------------------------------------------------------------ the reverse

    def _switch(
        self, source: list[_Step], target: list[_Step], *, done: bool, running: str | None
    ) -> str | None:
        document = self._document()
        if document is None or not source:
            return None
        refuse_inside(document)
        with document.writing(origin=Origin("undo", document.origin.user, source[-1].label)) as replica:
            if not source:
                return None
            step = source[-1]
            if any(put.gone.cell_id == running for put in step.puts):
                raise DocumentError(
                    "This step moved or retyped the running cell, whose outputs would go to the place it "
                    "has. Undo it when the cell has ended, from another one."
                )
            try:
                reverse = _Reverse(replica, self._tracks, self._is_text).of(step, done=done)
            except Exception:
                self.forget()
                raise
            source.pop()
            target.append(reverse)
            return step.label


class TextUndo(Undo):
    """Keep the steps of a text file."""

    _is_text = True


def refuse_inside(document: LiveDocument) -> None:
    """Raise where undo or redo is called inside a transaction."""
    if document.stage_of_caller() is not None:
        raise DocumentError(
            "Undo and redo are steps of their own: call them before the transaction or after it."
        )


class _Reverse:
    """Write the reverse of a step, and know what that did.

    Args:
        replica: to write to.
        tracks: of the texts that steps changed.
        is_text: whether it is a text file.
    """

    def __init__(self, replica: Replica, tracks: dict[str, TextTrack], is_text: bool) -> None:
        self._replica = replica
        self._tracks = tracks
        self._is_text = is_text

    def of(self, step: _Step, *, done: bool) -> _Step:
        """Write the reverse of *step* and return what it did."""
        mirror = _Step(step.number, step.label, texts=step.texts, size=step.size)
        if not self._is_text:
            # A copy of our own: the index follows only when the CRDT transaction has ended.
            self._order = list(self._replica.part(CellIndex).ids())
            self._cells: Array[Any] = self._replica.root("cells", Array)
        for cell_id in step.texts:
            self._text(cell_id, step.number, done=done)
        mirror.metas = [back for meta in step.metas if (back := self._meta(meta)) is not None]
        if step.added or step.removed or step.puts:
            self._cells_of(step, mirror)
        return mirror

    def _cells_of(self, step: _Step, mirror: _Step) -> None:
        """Take out what was added and moved, then put back what was there: in the order in which it stood."""
        taken = [cell_id for cell_id in step.added if not self._is_theirs(cell_id)]
        now = self._standing([*taken, *(put.gone.cell_id for put in step.puts)])
        mirror.removed = [now[cell_id] for cell_id in step.added if cell_id in now]
        there = set(self._order)
        back: list[tuple[Gone, dict[str, Any]]] = [
            (gone, gone.value) for gone in step.removed if gone.cell_id not in there
        ]
        mirror.added = [gone.cell_id for gone, _ in back]
        for put in step.puts:
            was = now.get(put.gone.cell_id)
            if was is None:
                continue
            value = _retyped_back(was.value, put)
            mirror.puts.append(Put(was, str(value["cell_type"]), put.moved))
            if put.moved:
                back.append((put.gone, value))
            else:
                del self._cells[was.index]
                self._cells.insert(was.index, schema.make(value))
        # By place: of twins, which two who move one cell at once leave, the other one is somebody else's.
        out = {gone.index for gone in [*mirror.removed, *(put.gone for put in mirror.puts if put.moved)]}
        self._delete_all(out)
        self._insert_all(sorted(back, key=lambda one: one[0].index))
        for cell_id in mirror.added:
            if (track := self._tracks.get(cell_id)) is not None:
                track.adopt()

    def _text(self, cell_id: str, number: int, *, done: bool) -> None:
        track = self._tracks.get(cell_id)
        if track is None:
            return
        if cell_id == FILE and self._is_text:
            text = self._replica.root("source", Text)
        else:
            found = self._find(cell_id)
            shared = None if found is None else found[1].get("source")
            if not isinstance(shared, Text):
                return
            text = shared
        now = str(text)
        if track.length == len(now):
            apply(text, track.switch(number, now, done=done), old=now)
        else:
            del self._tracks[cell_id]

    def _meta(self, meta: MetaEdit) -> MetaEdit | None:
        if meta.cell_id is None:
            parent: Map[Any] = self._replica.root("meta", Map)
        else:
            found = self._find(meta.cell_id)
            if found is None:
                return None
            parent = found[1]
        if meta.field == "attachments":
            return _attachment(parent, meta)
        now = metadata_of(parent).get(meta.key, ABSENT)
        shared = parent.get("metadata")
        target = _merged(meta.old, meta.new, now)
        if not isinstance(shared, Map) or target is now:
            return None
        if target is ABSENT:
            del shared[meta.key]
        else:
            shared[meta.key] = target
        return MetaEdit(meta.cell_id, meta.key, now, target)

    def _is_theirs(self, cell_id: str) -> bool:
        """Tell whether somebody else has typed into a cell that was added here."""
        track = self._tracks.get(cell_id)
        return track is not None and track.has_others

    def _standing(self, cell_ids: list[str]) -> dict[str, Gone]:
        """Return those of the cells that are there, and where they stand."""
        places = {cell_id: place for place, cell_id in reversed(list(enumerate(self._order)))}
        there = [cell_id for cell_id in cell_ids if cell_id in places]
        values = json.loads(str(self._cells)) if len(there) >= _MANY else None
        found = {}
        for cell_id in there:
            place = places[cell_id]
            value = schema.value_of(self._cells[place]) if values is None else schema.plain(values[place])
            value.pop("execution_state", None)
            after = self._order[place - 1] if place else None
            before = self._order[place + 1] if place + 1 < len(self._order) else None
            found[cell_id] = Gone(cell_id, value, place, after, before)
        return found

    def _delete_all(self, places: set[int]) -> None:
        for start, stop in falling_runs(sorted(places, reverse=True)):
            del self._cells[start:stop]
            del self._order[start:stop]

    def _insert_all(self, cells: list[tuple[Gone, dict[str, Any]]]) -> None:
        """Insert *cells*, given in the order in which they stood.

        Of those that stood together the last goes first, because a place costs more the further back it is.
        """
        start = 0
        while start < len(cells):
            end = start + 1
            while end < len(cells) and cells[end][0].after == cells[end - 1][0].cell_id:
                end += 1
            place = self._place(cells[start][0])
            for _, value in reversed(cells[start:end]):
                self._cells.insert(place, schema.make(value))
            self._order[place:place] = [gone.cell_id for gone, _ in cells[start:end]]
            start = end

    def _place(self, gone: Gone) -> int:
        """Return where a cell belongs that is not in the document at the moment."""
        if gone.after is not None and (place := self._where(gone.after)) is not None:
            return place + 1
        if gone.before is not None and (place := self._where(gone.before)) is not None:
            return place
        return min(gone.index, len(self._order))

    def _find(self, cell_id: str) -> tuple[int, Map[Any]] | None:
        place = self._where(cell_id)
        return None if place is None else (place, self._cells[place])

    def _where(self, cell_id: str) -> int | None:
        try:
            return self._order.index(cell_id)
        except ValueError:
            return None


def _attachment(ycell: Map[Any], meta: MetaEdit) -> MetaEdit | None:
    """Write the reverse of what happened to one attachment, and return what that did."""
    there = metadata_of(ycell, "attachments")
    now = there.pop(meta.key, ABSENT)
    target = _merged(meta.old, meta.new, now)
    if ycell.get("cell_type") == "code" or target is now:
        return None
    if target is not ABSENT:
        there[meta.key] = target
    if there:
        ycell["attachments"] = there
    else:
        del ycell["attachments"]
    return MetaEdit(meta.cell_id, meta.key, now, target, "attachments")


def _retyped_back(value: dict[str, Any], put: Put) -> dict[str, Any]:
    """Return the cell of the type that it had before, with what a cell of that type had been stripped of."""
    old = put.gone.value
    if not value["cell_type"] == put.new_type != old["cell_type"]:
        return value
    stripped = ("attachments",) if put.new_type == "code" else ("outputs", "execution_count")
    kept = {key: old[key] for key in stripped if key in old}
    return schema.retyped(value, str(old["cell_type"])) | kept


def _merged(old: Any, new: Any, now: Any) -> Any:
    """Return what *now* becomes when the change from *old* to *new* is taken back; itself for unchanged."""
    if now is new or (now is not ABSENT and new is not ABSENT and now == new):
        return old
    values = [[] if value is ABSENT else value for value in (old, new, now)]
    if all(isinstance(value, list) and all(isinstance(item, str) for item in value) for value in values):
        before, after, current = values  # tags: a set, of which each has added and removed some
        kept = [item for item in current if item in before or item not in after]
        return kept + [item for item in before if item not in after and item not in kept]
    return now


def _label(seen: Seen) -> str:
    """Name a step that was given no label."""
    for what, count in (
        ("insert", len(seen.added)),
        ("delete", len(seen.removed)),
        ("move", sum(put.moved for put in seen.puts)),
        ("retype", sum(not put.moved for put in seen.puts)),
        ("edit", len({text.cell_id for text in seen.texts} - {FILE})),
    ):
        if count:
            return f"{what} {'cell' if count == 1 else f'{count} cells'}"
    if seen.texts:
        return "edit text"
    return "edit metadata" if any(meta.field == "metadata" for meta in seen.metas) else "edit attachments"
