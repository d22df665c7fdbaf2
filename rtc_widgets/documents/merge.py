"""Merging a file that was changed outside into the live document, by the smallest change that does it.

Three versions meet: *base*, what was last read from or written to the file; *theirs*, what stands in it now;
and the live document. What *theirs* changed of *base* is done to the live document, in one transaction. Where
the two agree nothing happens, whatever is live: a hook that strips outputs on their way to disk strips
nothing from the document, because the base is what the hook wrote.

Nothing is lost where both sides changed the same thing: of the same lines both versions stay (``diff3``), a
cell that one side deleted and the other edited stays, and of a value that cannot stand twice (metadata,
outputs) the live one stays. Each is reported as a conflict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pycrdt import Array, Doc, Map, Text

from rtc_widgets import ids
from rtc_widgets.documents import cell_match, diff3
from rtc_widgets.documents.seed import normalize, own_ids
from rtc_widgets.documents.text import set_text
from rtc_widgets.documents.ycells import new_ycell, parse_cells, read_cells, set_outputs, settle_twins
from rtc_widgets.origins import Origin

if TYPE_CHECKING:
    from jupyter_ydoc.ybasedoc import YBaseDoc

__all__ = [
    "FILE",
    "PLACEHOLDERS",
    "MergeResult",
    "Sides",
    "identify",
    "merge_cell",
    "merge_notebook",
    "merge_other",
    "merge_text",
]

FILE = Origin("file")

MergeSource = Callable[[str, str, str], diff3.Merged]

PLACEHOLDERS: dict[str, Any] = {"language_info": {"name": ""}, "kernelspec": {"name": "", "display_name": ""}}
"""What jupyter_ydoc puts into the metadata of a notebook that has none."""

_MISSING: Any = object()
_KEEP: Any = object()
_CONFLICT: Any = object()


class Sides(NamedTuple):
    """Hold what both sides had made of a text that both had changed; None for one that had deleted it."""

    here: str | None
    there: str | None


@dataclass(slots=True)
class MergeResult:
    """Tell what a merge did.

    Args:
        content: *theirs*, normalized, its cells under the ids of the live ones: the base of the next merge.
        changed: whether the live document was changed.
        refused: why nothing was merged, a sentence for a person; empty where it was.
        conflicts: what both sides had changed: ids of cells, or names of values.
        sides: the texts of those that have any, by the same names.
    """

    content: Any
    changed: bool = False
    refused: str = ""
    conflicts: list[str] = field(default_factory=list)
    sides: dict[str, Sides] = field(default_factory=dict)


def merge_text(doc: Doc[Any], base: str | None, theirs: str, origin: Origin = FILE) -> MergeResult:
    """Merge *theirs* into the text document *doc*; *base* is None where it is not known."""
    ytext: Text = doc.get("source", type=Text)
    live = str(ytext)
    result = MergeResult(normalize("file", theirs))
    if not theirs and live and base != theirs:
        result.refused = "The file was emptied outside. What is open here was kept."
        return result
    merged = diff3.merge(base or "", live, result.content)
    if merged.conflicts:
        result.conflicts.append("source")
        result.sides["source"] = Sides(live, result.content)
    if merged.text != live:
        result.changed = True
        with doc.transaction(origin=origin):
            set_text(ytext, merged.text)
    return result


def merge_other(document: YBaseDoc, type_: str, base: Any, theirs: Any, origin: Origin = FILE) -> MergeResult:
    """Set *document*, whose inside is not known, to *theirs* unless people changed it meanwhile."""
    live = normalize(type_, document.get())
    result = MergeResult(normalize(type_, theirs))
    if result.content in (base, live):
        return result
    if live != base:
        result.refused = f"The file was changed outside and here, and a {type_} cannot be merged."
        result.conflicts.append("content")
        return result
    result.changed = True
    with document.ydoc.transaction(origin=origin):
        document.set(result.content)
    return result


def merge_notebook(
    doc: Doc[Any],
    base: dict[str, Any] | None,
    theirs: dict[str, Any],
    origin: Origin = FILE,
    *,
    merge_source: MergeSource = diff3.merge,
    settle: bool = True,
) -> MergeResult:
    """Merge the notebook *theirs* into *doc*.

    Args:
        doc: the live document, in jupyter_ydoc's schema.
        base: a notebook under the live cells' ids, as ``seed(...).content`` or ``MergeResult.content`` has
            it; None where it is not known: then nothing is deleted.
        theirs: as read; a cell whose id is not really in the file has none.
        origin: signs the transaction.
        merge_source: makes one source of those of base, live and theirs.
        settle: whether to make ids unique first (`settle_twins`), which only one of all participants may do: of two,
            each may take out the cell that the other leaves.

    Raises:
        DocumentError: *theirs* is no notebook; nothing was changed.
    """
    merge = _NotebookMerge(doc, base, theirs, merge_source)
    if settle:
        settle_twins(doc, origin)
    with doc.transaction(origin=origin):
        return merge.run()


def merge_cell(
    doc: Doc[Any],
    index: int,
    base: dict[str, Any],
    theirs: dict[str, Any],
    origin: Origin = FILE,
    *,
    merge_source: MergeSource = diff3.merge,
) -> bool | None:
    """Merge one normalized cell, the live one at *index*, as a notebook in which nothing else differs would be.

    Returns:
        Whether both sides had changed the same; None where the cell has to be made anew, and nothing was done.
    """
    ycell = doc.get("cells", type=Array)[index]
    (live,) = parse_cells(f"[{ycell}]")
    changes, clash = _cell_changes(base, live, theirs, merge_source)
    if live["id"] != theirs["id"] or "cell_type" in changes:
        return None
    if changes:
        with doc.transaction(origin=origin):
            _apply(ycell, live["metadata"], changes)
    return clash


def identify(known: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook *content*, normalized, with its cells under the ids that they have in *known*."""
    result: dict[str, Any] = normalize("notebook", content)
    _rename(result["cells"], own_ids(content), known["cells"], set(), distinct=True)
    return result


class _NotebookMerge:
    """Carry out one merge of a notebook, within a transaction."""

    def __init__(
        self,
        doc: Doc[Any],
        base: dict[str, Any] | None,
        theirs: dict[str, Any],
        merge_source: MergeSource,
    ) -> None:
        self._doc = doc
        self._merge_source = merge_source
        self._ycells: Array[Any] = doc.get("cells", type=Array)
        self._base = {"cells": [], "metadata": {}} if base is None else base
        self._theirs = normalize("notebook", theirs)
        self._own_ids = own_ids(theirs)  # none at all where the notebook has no cells
        self._result = MergeResult(self._theirs)

    def run(self) -> MergeResult:
        result = self._result
        self._live = read_cells(self._doc)
        self._where = {cell["id"]: index for index, cell in enumerate(self._live)}
        if not self._own_ids and _holds_something(self._live) and _holds_something(self._base["cells"]):
            result.refused = "The notebook was emptied outside. What is open here was kept."
            return result
        self._merge_notebook_metadata()
        if self._own_ids:
            self._merge_cells()
        return result

    def _merge_cells(self) -> None:
        origins = self._identify()
        moved = self._moved(origins)
        gone = self._deleted()
        fresh = self._edit(origins, moved)
        chains = self._placed(origins, moved)
        order = _emit(chains, "")
        out = moved | gone
        for index, cell in enumerate(self._live):
            if cell["id"] not in out:
                order.append(cell["id"])
                if index == self._where[cell["id"]]:  # of twins behind the last, and once
                    order += _emit(chains, cell["id"])
        self._arrange(order, gone, fresh)

    def _identify(self) -> dict[str, dict[str, Any] | None]:
        """Give the cells of *theirs* the live ids, and return what each of them was in the base, by id."""
        base, cells = self._base["cells"], self._theirs["cells"]
        known = base or self._live
        # A base without ids, as of nbformat 4.4, says nothing about the ids that the file may have now.
        distinct = not base or self._base["nbformat_minor"] >= 5
        matched = _rename(cells, self._own_ids, known, set(self._where), distinct=distinct)
        return {
            cell["id"]: base[index] if base and index is not None else None
            for cell, index in zip(cells, matched, strict=True)
        }

    def _moved(self, origins: dict[str, dict[str, Any] | None]) -> set[str]:
        """Return the ids of the live cells that stand elsewhere in *theirs* than in the base."""
        ids = [cell["id"] for cell in self._base["cells"]]
        at = {name: index for index, name in enumerate(ids)}
        order = [at[name] for name in origins if name in at]
        some = cell_match.moved([index for index in order if ids[index] in self._where])
        # As few as can be; of two that changed places, those that are gone here tell which one went past them, too.
        most = {index for index in cell_match.moved(order) if ids[index] in self._where}
        return {ids[index] for index in (some if len(some) < len(most) else most)}

    def _deleted(self) -> set[str]:
        """Return the ids of the live cells that *theirs* deleted and nobody edited."""
        kept = {cell["id"] for cell in self._theirs["cells"]}
        gone = set()
        for before in self._base["cells"]:
            index = self._where.get(before["id"])
            if index is None or before["id"] in kept:
                continue
            if _edited(before, self._live[index]):
                self._conflict(before["id"], Sides(self._live[index]["source"], None))
            else:
                gone.add(before["id"])
        return gone

    # --- what cells hold

    def _edit(self, origins: dict[str, dict[str, Any] | None], moved: set[str]) -> dict[str, dict[str, Any]]:
        """Change live cells in place; return what those become that have to be made anew."""
        fresh = {name: self._live[self._where[name]] for name in moved}
        for cell in self._theirs["cells"]:
            index = self._where.get(cell["id"])
            before = origins[cell["id"]]
            if index is None or cell == before:
                continue
            live = self._live[index]
            changes, clash = _cell_changes(before or _blank(live), live, cell, self._merge_source)
            if clash:
                self._conflict(cell["id"], Sides(live["source"], cell["source"]))
            if "cell_type" in changes or (changes and cell["id"] in moved):
                # No frontend expects that a cell becomes another kind of cell: a new one under the same id.
                fresh[cell["id"]] = _changed(live, changes)
            elif changes:
                _apply(self._ycells[index], live["metadata"], changes)
                self._result.changed = True
        return fresh

    def _merge_notebook_metadata(self) -> None:
        ymeta: Map[Any] = self._doc.get("meta", type=Map)
        live = ymeta.to_py() or {}
        base, theirs = self._base, self._theirs
        for key in ("nbformat", "nbformat_minor"):
            if theirs[key] != base.get(key, theirs[key]) and live.get(key) == base[key]:
                ymeta[key] = float(theirs[key])
                self._result.changed = True
        metadata = live.get("metadata") or {}
        shown = {
            key: value
            for key, value in metadata.items()
            if value != PLACEHOLDERS.get(key, _MISSING) or key in base["metadata"]
        }
        changes, clash = _merge_maps(base["metadata"], shown, theirs["metadata"])
        if clash:
            self._conflict("metadata")
        if changes:
            if not isinstance(ymeta.get("metadata"), Map):
                ymeta["metadata"] = Map()
            _update(ymeta["metadata"], changes)
            self._result.changed = True

    def _conflict(self, name: str, sides: Sides | None = None) -> None:
        if name not in self._result.conflicts:
            self._result.conflicts.append(name)
        if sides is not None:
            self._result.sides[name] = sides

    # --- where cells stand

    def _placed(self, origins: dict[str, dict[str, Any] | None], moved: set[str]) -> dict[str, str]:
        """Return what is to be put right behind which cell, or at the beginning (``""``)."""
        behind: dict[str, str] = {}
        last = ""
        for cell in self._theirs["cells"]:
            name, before = cell["id"], origins[cell["id"]]
            if name not in self._where and before is not None:
                if not _edited(before, cell):
                    continue  # deleted here, and the file has nothing new to say of it
                self._conflict(name, Sides(None, cell["source"]))
            if name not in self._where or name in moved:
                behind[last] = name
            last = name
        return behind

    def _arrange(self, order: list[str], gone: set[str], fresh: dict[str, dict[str, Any]]) -> None:
        """Take out the cells that go or are made anew, and insert the new ones."""
        out = gone | fresh.keys()
        for index in range(len(self._live) - 1, -1, -1):
            if self._live[index]["id"] in out:
                del self._ycells[index]
                self._result.changed = True
        incoming = {cell["id"]: cell for cell in self._theirs["cells"]}
        for index, name in enumerate(order):
            if name in fresh or name not in self._where:
                self._ycells.insert(index, new_ycell(fresh.get(name) or incoming[name]))
                self._result.changed = True


def _rename(
    cells: list[dict[str, Any]],
    own: list[str | None],
    known: list[dict[str, Any]],
    live: set[str],
    *,
    distinct: bool,
) -> list[int | None]:
    """Give *cells* the ids that they have among *known*, new ones no id that is taken; return the matches."""
    matched = cell_match.match(known, cells, own, distinct=distinct)
    taken = {cell["id"] for cell in known} | live
    used = {known[index]["id"] for index in matched if index is not None}
    for cell, name, index in zip(cells, own, matched, strict=True):
        if index is not None:
            cell["id"] = known[index]["id"]
        elif cell["id"] in used or (name is None and cell["id"] in taken):
            cell["id"] = ids.new_cell_id()
        used.add(cell["id"])
    return matched


def _emit(behind: dict[str, str], name: str) -> list[str]:
    chain = []
    while (following := behind.get(name)) is not None:
        chain.append(following)
        name = following
    return chain


def _holds_something(cells: list[dict[str, Any]]) -> bool:
    return len(cells) > 1 or any(cell["source"] or cell.get("outputs") for cell in cells)


def _edited(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether a person's work differs; outputs and metadata can be made again."""
    return any(before.get(key) != after.get(key) for key in ("source", "cell_type", "attachments"))


def _cell_changes(
    before: dict[str, Any], live: dict[str, Any], theirs: dict[str, Any], merge_source: MergeSource
) -> tuple[dict[str, Any], bool]:
    """Return the new values of a live cell's keys, ``_MISSING`` for one that goes, and whether both changed one."""
    keys = (before.keys() | theirs.keys()) - {"id", "source", "metadata"}
    changes, clash = _merge_maps(
        {key: value for key, value in before.items() if key in keys},
        live,
        {key: value for key, value in theirs.items() if key in keys},
    )
    metadata, metadata_clash = _merge_maps(before["metadata"], live["metadata"], theirs["metadata"])
    source = merge_source(before["source"], live["source"], theirs["source"])
    if metadata:
        changes["metadata"] = metadata
    if source.text != live["source"]:
        changes["source"] = source.text
    return changes, clash or metadata_clash or bool(source.conflicts)


def _blank(live: dict[str, Any]) -> dict[str, Any]:
    """Return the base of a cell that stands in the file and is live, but was in no version that both know."""
    blank = {"cell_type": live["cell_type"], "source": "", "metadata": {}}
    return {**blank, "outputs": [], "execution_count": None} if live["cell_type"] == "code" else blank


def _changed(live: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    metadata = {**live["metadata"], **changes.get("metadata", {})}
    cell = {**live, **changes, "metadata": {k: v for k, v in metadata.items() if v is not _MISSING}}
    cell = {key: value for key, value in cell.items() if value is not _MISSING}
    if cell["cell_type"] == "code":
        return {"outputs": [], "execution_count": None, **cell}
    return {k: v for k, v in cell.items() if k not in {"outputs", "execution_count", "execution_state"}}


def _apply(ycell: Map[Any], metadata: dict[str, Any], changes: dict[str, Any]) -> None:
    """Write *changes* into a live cell."""
    rest = dict(changes)
    if "source" in rest:
        set_text(ycell["source"], rest.pop("source"))
    if "outputs" in rest:
        set_outputs(ycell, rest.pop("outputs"))
    if "metadata" in rest:
        if not isinstance(ycell.get("metadata"), Map):
            ycell["metadata"] = Map(metadata)
        _update(ycell["metadata"], rest.pop("metadata"))
    _update(ycell, rest)


def _update(ymap: Map[Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if value is not _MISSING:
            ymap[key] = value
        elif key in ymap:
            del ymap[key]


def _merge_maps(
    before: dict[str, Any], live: dict[str, Any], theirs: dict[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Return which keys of *live* to set to what, and whether both sides had changed one."""
    changes: dict[str, Any] = {}
    clash = False
    for key in sorted(before.keys() | theirs.keys()):
        value = _decide(before.get(key, _MISSING), live.get(key, _MISSING), theirs.get(key, _MISSING))
        if value is _CONFLICT:
            clash = True
        elif value is not _KEEP:
            changes[key] = value
    return changes, clash


def _decide(before: Any, live: Any, theirs: Any) -> Any:
    if theirs in (before, live):
        return _KEEP
    if live == before:
        return theirs
    if isinstance(live, dict) and isinstance(theirs, dict):
        inner, clash = _merge_maps(before if isinstance(before, dict) else {}, live, theirs)
        if not clash:
            merged = {**live, **inner}
            return {key: value for key, value in merged.items() if value is not _MISSING}
    return _CONFLICT
