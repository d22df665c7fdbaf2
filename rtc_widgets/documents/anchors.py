"""Anchors: what a comment is about, so kept that it survives what people do to notebooks (docs/schema.md, "Anchors").

The same as ``labextension/src/documents/anchors.ts``, but for offsets: code points here, UTF-16 units there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pycrdt import Doc

from rtc_widgets.documents.anchor_outputs import describe, find_line, find_output, lines_of
from rtc_widgets.documents.anchor_places import FILE, Places
from rtc_widgets.documents.anchor_search import Range, find_cell, find_range, with_original
from rtc_widgets.documents.quotes import make_quote
from rtc_widgets.errors import CellGone, DocumentError

__all__ = ["Anchor", "Places", "Resolution", "State", "make_anchor", "reattach", "resolve"]

Anchor = dict[str, Any]
State = Literal["exact", "moved", "changed", "cell", "orphan", "current", "earlier"]

# How much of a cell's source is kept to know the cell by, should it come back under another id.
_CELL_QUOTED = 200


@dataclass(frozen=True, slots=True)
class Resolution:
    """Say where an anchor is now.

    Args:
        state: ``exact``: where and what it was. ``moved``: to the letter, in another place. ``changed``: the text,
            or the output of the same run, is another. ``cell``: the text is gone, its cell is there. ``orphan``:
            all is gone, or not there at the moment. Of outputs ``current``, or ``earlier``: it was about an
            earlier run.
        cell_id: the cell; None for a document, the text of a file, and orphans.
        start: the first code point in the source.
        end: behind the last.
        quote: what is there; where nothing is there any more, what was.
        confidence: 0 to 1; below 1, how alike the text, or its surroundings, are.
        output: which output, from 0; None where that is gone.
        line: which line of it, from 0.
        run: the execution count of the run that it is about.
        healed: the anchor to keep in place of the old one, None where that is as good.
    """

    state: State
    cell_id: str | None = None
    start: int | None = None
    end: int | None = None
    quote: str | None = None
    confidence: float = 1.0
    output: int | None = None
    line: int | None = None
    run: int | None = None
    healed: Anchor | None = None


def make_anchor(doc: Doc[Any] | Places, target: Mapping[str, Any]) -> Anchor:
    """Return an anchor, plain JSON, at a place of a notebook or of a text file.

    Args:
        target: ``{"kind": "document"}``, ``{"kind": "cell", "cell": id}``,
            ``{"kind": "range", "cell": id, "start": int, "end": int}`` in code points,
            ``{"kind": "line", "cell": id, "line": int}`` or ``{"kind": "output", "cell": id, "output": int}``, the
            latter with ``"line"`` for one line of its text or traceback. All count from 0; in a text file there is
            no ``cell``.

    Raises:
        CellGone: there is no such cell.
        DocumentError: there is no such place in it.

    >>> from rtc_widgets.documents.anchors import make_anchor, resolve
    >>> from pycrdt import Text
    >>> doc = Doc({"source": Text("one 🦉 two")})
    >>> anchor = make_anchor(doc, {"kind": "range", "start": 4, "end": 5})
    >>> doc["source"].insert(0, "zero ")
    >>> found = resolve(doc, anchor)
    >>> found.state, found.start, found.end, found.quote
    ('exact', 9, 10, '🦉')
    """
    places = doc if isinstance(doc, Places) else Places(doc)
    kind = target.get("kind")
    if kind == "document":
        return {"kind": kind}
    where = _where(places, target)
    if kind in ("range", "line"):
        start, end = _range(places.string(where), target)
        return _range_anchor(places, str(kind), where, start, end)
    if where == FILE or kind not in ("cell", "output"):
        raise DocumentError(
            f"An anchor is at a document, cell, range, line or output, not at {dict(target)!r}."
        )
    anchor = _cell_anchor(places, str(kind), where)
    if kind == "output":
        anchor["output"] = _output(places, where, target)
    return anchor


def reattach(doc: Doc[Any] | Places, anchor: Anchor, target: Mapping[str, Any]) -> Anchor:
    """Return an anchor at another place, chosen by hand, which remembers what it was about first."""
    made = make_anchor(doc, target)
    original = anchor.get("original", anchor.get("quote", {}).get("exact"))
    if original is not None and made["kind"] in ("range", "line") and made["quote"]["exact"] != original:
        made["original"] = original
    return made


def resolve(doc: Doc[Any] | Places, anchor: Anchor) -> Resolution:
    """Return where an anchor is now. It raises for none that `make_anchor` has made.

    Args:
        doc: the document; for many anchors one `Places` of it.
    """
    places = doc if isinstance(doc, Places) else Places(doc)
    if anchor["kind"] == "document":
        return Resolution("exact")
    if anchor["kind"] in ("range", "line"):
        return _resolve_range(places, anchor)
    found = find_cell(places, anchor)
    if found is None:
        excerpt = anchor["output"]["excerpt"] if "output" in anchor else anchor["quote"]["exact"]
        run = anchor["output"]["execution_count"] if "output" in anchor else None
        return Resolution("orphan", quote=excerpt, confidence=0.0, run=run)
    where, confidence = found
    fresh = _cell_anchor(places, anchor["kind"], where)
    if anchor["kind"] == "output":
        return _resolve_output(places, anchor, where, fresh)
    moved = fresh["cell"] != anchor["cell"]
    return Resolution(
        "moved" if moved else "exact",
        cell_id=fresh["cell"],
        quote=fresh["quote"]["exact"],
        confidence=confidence,
        healed=_news(fresh, anchor),
    )


def _resolve_range(places: Places, anchor: Anchor) -> Resolution:
    found = find_range(places, anchor)
    if found is None:
        own = places.own(anchor)
        quote, cell_id = anchor["quote"]["exact"], anchor.get("cell")
        if not own or own == [FILE]:
            return Resolution("orphan", quote=quote, confidence=0.0)
        return Resolution("cell", cell_id=cell_id, quote=quote, confidence=0.0)
    found = with_original(places, anchor, found)
    quote = places.string(found.where)[found.start : found.end]
    return Resolution(
        found.state,
        cell_id=places.id_at(found.where),
        start=found.start,
        end=found.end,
        quote=quote,
        confidence=found.confidence,
        healed=_healed(places, anchor, found, quote),
    )


def _healed(places: Places, anchor: Anchor, found: Range, quote: str) -> Anchor | None:
    old = anchor["quote"]
    now = make_quote(places.string(found.where), found.start, found.end)
    if found.at_position and now == old and (found.state == "exact") == ("original" not in anchor):
        return None
    fresh = _range_anchor(places, anchor["kind"], found.where, found.start, found.end)
    original = anchor.get("original", None if "length" in old else old["exact"])
    if original is not None and original != quote:
        fresh["original"] = original
    return _news(fresh, anchor)


def _resolve_output(places: Places, anchor: Anchor, where: int, fresh: Anchor) -> Resolution:
    wanted = anchor["output"]
    outputs = places.outputs(where)
    line = wanted.get("line")
    count, run = places.execution_count(where), wanted["execution_count"]
    state: State = "current"
    index = find_output(outputs, wanted)
    at = wanted["index"]
    if index is None:
        same_place = at < len(outputs) and outputs[at].get("output_type") == wanted["type"]
        same_run = same_place and count is not None and count == run
        state, index = ("changed", at) if same_run else ("earlier", None)
    found = None if index is None or line is None else find_line(outputs[index], line)
    if state == "earlier" and line is not None:
        # The same frame of the same error, once more.
        hits = ((i, find_line(output, line)) for i, output in enumerate(outputs))
        index, found = next(((i, hit) for i, hit in hits if hit is not None), (None, None))
    fresh["output"] = {**wanted, "index": index} if state == "current" else wanted
    return Resolution(
        state,
        cell_id=fresh["cell"],
        quote=wanted["excerpt"] if line is None else line["text"],
        confidence=1.0 if state == "current" else 0.5 if state == "changed" else 0.0,
        output=index,
        line=found,
        run=run,
        healed=_news(fresh, anchor),
    )


def _news(fresh: Anchor, anchor: Anchor) -> Anchor | None:
    """Return *fresh* if it says another thing; that neighbours came and went alone is none."""
    same = {**fresh, "near": None, "line": None} == {**anchor, "near": None, "line": None}
    return None if same else fresh


def _where(places: Places, target: Mapping[str, Any]) -> int:
    if target.get("cell") is None:
        return FILE
    where = places.find(target["cell"])
    if where is None:
        raise CellGone(f"There is no cell {target['cell']!r}.")
    return where


def _range(string: str, target: Mapping[str, Any]) -> tuple[int, int]:
    if target["kind"] == "line":
        lines = string.split("\n")
        line = target["line"]
        if not 0 <= line < len(lines):
            raise DocumentError(f"The text has {len(lines)} lines, so none of index {line}.")
        start = sum(len(one) + 1 for one in lines[:line])
        return start, start + len(lines[line])
    start, end = target["start"], target["end"]
    if not 0 <= start <= end <= len(string):
        raise DocumentError(f"The text has {len(string)} code points, so no range from {start} to {end}.")
    return start, end


def _range_anchor(places: Places, kind: str, where: int, start: int, end: int) -> Anchor:
    found = places.text(where)
    if found is None:
        raise DocumentError("The cell has no source.")
    string = found.string
    anchor: Anchor = {"kind": kind}
    if where != FILE:
        anchor |= {"cell": places.id_at(where), "near": places.near(where)}
    anchor["position"] = {
        "start": found.make(start, 0),
        "end": found.make(end, -1),
    }
    return anchor | {"quote": make_quote(string, start, end), "line": string.count("\n", 0, start)}


def _cell_anchor(places: Places, kind: str, where: int) -> Anchor:
    string = places.string(where)
    quote = make_quote(string, 0, min(len(string), _CELL_QUOTED))
    return {"kind": kind, "cell": places.id_at(where), "near": places.near(where), "quote": quote}


def _output(places: Places, where: int, target: Mapping[str, Any]) -> dict[str, Any]:
    outputs, index, line = places.outputs(where), target["output"], target.get("line")
    if not 0 <= index < len(outputs):
        raise DocumentError(f"The cell has {len(outputs)} outputs, so none of index {index}.")
    output = describe(outputs[index], index, places.execution_count(where))
    if line is not None:
        lines = lines_of(outputs[index])
        if not 0 <= line < len(lines):
            raise DocumentError(f"The output has {len(lines)} lines, so none of index {line}.")
        output["line"] = {"index": line, "text": lines[line]}
    return output
