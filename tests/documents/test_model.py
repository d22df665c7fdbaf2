"""Whatever is done to a live notebook, it stays what a list of dicts becomes by the same.

``RTC_WIDGETS_EXAMPLES=50 pytest tests/documents/test_model.py`` tries fifty times as many examples.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from support.plain import PlainNotebook, Standing, new_cell, plain_lines
from support.side_by_side import SideBySide
from support.tries import patience, tries
from support.values import KEY, LINE, NUMBER, OUTPUTS, PART, SURROGATE, TAG, TEXT, TYPE, VALUE, WHICH

from rtc_widgets.documents import cell_index, journal, replica, undo
from rtc_widgets.documents.cells import Cell
from rtc_widgets.errors import DocumentError, StaleCell

MOST = 9
"""How many cells there are at most, for speed."""


class HandleAndModel(SideBySide):
    """Do to a live notebook and to a plain one whatever can be done to a notebook."""

    # ------------------------------------------------------------------------------------------- as a list

    @initialize(texts=st.lists(TEXT, min_size=1, max_size=4))
    def begin_with(self, texts: list[str]) -> None:
        self.both(lambda model: model.add(0, texts), lambda: self.nb.extend(texts))

    def has_room(self) -> bool:
        return len(self.model.cells) < MOST

    def has_cells(self) -> bool:
        return bool(self.model.cells)

    @precondition(has_room)
    @rule(index=NUMBER, text=TEXT, type_=TYPE, how=st.sampled_from(["append", "insert", "above", "below"]))
    def add(self, index: int, text: str, type_: str, how: str) -> None:
        new = new_cell(text, type_, {"tags": ["new"]})
        options: Any = {"type": type_, "metadata": {"tags": ["new"]}}
        if how == "append" or not self.model.cells:
            self.both(lambda model: model.cells.append(new), lambda: self.nb.append(text, **options))
        elif how == "insert":
            self.both(
                lambda model: model.cells.insert(index, new), lambda: self.nb.insert(index, text, **options)
            )
        else:
            cell = self.handle(abs(index))
            place = self.model.at(cell.id) + (how == "below")
            self.both(
                lambda model: model.cells.insert(place, new), lambda: getattr(cell, how)(text, **options)
            )

    @precondition(has_room)
    @rule(texts=st.lists(TEXT, max_size=3), which=WHICH, type_=TYPE, outputs=OUTPUTS)
    def extend(self, texts: list[str], which: int, type_: str, outputs: list[Any]) -> None:
        values = [*texts, self.whole(which, "whole", type_, outputs), self.whole(which, "twin", "raw", [])]

        def on_handle() -> None:
            self.nb += values

        self.both(lambda model: model.add(len(model.cells), values), on_handle)

    @precondition(lambda self: self.has_room() and self.has_cells())
    @rule(
        key=KEY,
        parts=st.lists(
            st.tuples(st.sampled_from(["text", "text", "cell", "whole"]), WHICH, TEXT, TYPE, OUTPUTS),
            max_size=5,
        ),
        ordered=st.booleans(),
    )
    def assign(self, key: Any, parts: list[Any], ordered: bool) -> None:
        """Put texts, whole cells and cells of the slice itself in the place of others."""
        there = self.model.ids[key] if isinstance(key, slice) else []
        values: list[Any] = []
        for what, which, text, type_, outputs in parts:
            if what == "whole":
                values.append(self.whole(which, text, type_, outputs))
            elif what == "cell" and there:
                values.append(Standing(there.pop(which % len(there))))
            else:
                values.append(text)
        if ordered:
            values += map(Standing, there)
        if not isinstance(key, slice):
            values = (values or ["only"])[:1]
        given = [self.nb.cell(value.cell_id) if isinstance(value, Standing) else value for value in values]
        new = given if isinstance(key, slice) else given[0]
        self.both(lambda model: model.assign(key, values), lambda: self.nb.__setitem__(key, new))

    @rule(key=KEY)
    def delete_some(self, key: Any) -> None:
        self.both(lambda model: model.cells.__delitem__(key), lambda: self.nb.__delitem__(key))

    @precondition(has_cells)
    @rule(which=WHICH, how=st.sampled_from(["delete", "remove", "pop", "cell", "prefix"]))
    def delete(self, which: int, how: str) -> None:
        cell, nb = self.handle(which), self.nb
        place = self.model.at(cell.id)
        ways: dict[str, Callable[[], Any]] = {
            "delete": lambda: nb.delete(cell),
            "remove": lambda: nb.remove(cell),
            "pop": lambda: self.check_popped(nb.pop(place)),
            "cell": cell.delete,
            "prefix": lambda: nb.__delitem__(self.prefix(cell.id)),
        }
        self.both(lambda model: model.cells.pop(place), ways[how])

    def check_popped(self, popped: dict[str, Any]) -> None:
        assert popped == self.model[popped["id"]]

    @rule()
    def reverse(self) -> None:
        self.both(lambda model: model.cells.reverse(), self.nb.reverse)

    @precondition(has_cells)
    @rule(which=WHICH, other=WHICH, after=st.booleans())
    def move(self, which: int, other: int, after: bool) -> None:
        cell, target = self.handle(which), self.handle(other)
        key: Any = [target, target.id, self.model.at(target.id)][other % 3]
        self.both(
            lambda model: model.move(cell.id, target.id, after=after),
            lambda: cell.move(**{"after" if after else "before": key}),
        )

    # ---------------------------------------------------------------------------------------------- one cell

    @precondition(lambda self: self.has_room() and self.has_cells())
    @rule(which=WHICH, at=NUMBER)
    def split(self, which: int, at: int) -> None:
        cell = self.handle(which)
        self.both(lambda model: model.split(cell.id, at), lambda: self.check_split(cell, cell.split(at)))

    @precondition(lambda self: self.has_room() and self.has_cells())
    @rule(which=WHICH, line=st.integers(-3, 3))
    def split_by_line(self, which: int, line: int) -> None:
        cell = self.handle(which)
        source = self.model[cell.id]["source"]
        starts = [0, *(end.end() for end in re.finditer(r"\r\n|\n|\r", source))]
        self.both(
            lambda model: model.split(cell.id, starts[line]),
            lambda: self.check_split(cell, cell.split(line=line)),
        )

    def check_split(self, cell: Cell, parts: tuple[Cell, Cell]) -> None:
        assert parts[1] == cell and parts[0].index + 1 == cell.index

    @precondition(has_cells)
    @rule(which=WHICH, others=st.lists(WHICH, max_size=3))
    def merge(self, which: int, others: list[int]) -> None:
        cell, more = self.handle(which), [self.handle(other) for other in others]
        self.both(lambda model: model.merge(cell.id, [other.id for other in more]), lambda: cell.merge(*more))

    @precondition(lambda self: self.has_room() and self.has_cells())
    @rule(which=WHICH)
    def duplicate(self, which: int) -> None:
        cell = self.handle(which)
        self.both(lambda model: model.duplicate(cell.id), cell.duplicate)

    @precondition(has_cells)
    @rule(which=WHICH, type_=TYPE)
    def retype(self, which: int, type_: str) -> None:
        cell = self.handle(which)
        self.both(lambda model: model.retype(cell.id, type_), lambda: setattr(cell, "type", type_))

    @precondition(has_cells)
    @rule(which=WHICH, text=TEXT, how=st.sampled_from(["source", "text", "edit", "stale"]))
    def write(self, which: int, text: str, how: str) -> None:
        cell = self.handle(which)
        ways: dict[str, Callable[[], Any]] = {
            "source": lambda: setattr(cell, "source", text),
            "text": lambda: setattr(cell, "text", text),
            "edit": lambda: cell.edit(text, if_unchanged=cell.version),
        }
        if how == "stale":
            with pytest.raises(StaleCell):
                cell.edit(text, if_unchanged="0" * 16)
        else:
            self.both(lambda model: model[cell.id].update(source=text), ways[how])

    def edit_text(self, which: int, edited: Callable[[str], str], edit: Callable[[Any], Any]) -> None:
        cell = self.handle(which)

        def on_model(model: PlainNotebook) -> None:
            model[cell.id]["source"] = edited(model[cell.id]["source"])

        self.both(on_model, lambda: edit(cell.text))

    @precondition(has_cells)
    @rule(which=WHICH, text=TEXT, at=NUMBER)
    def insert_text(self, which: int, text: str, at: int) -> None:
        self.edit_text(
            which,
            lambda now: (place := slice(at, None).indices(len(now))[0], now[:place] + text + now[place:])[1],
            lambda live: live.insert(at, text),
        )

    @precondition(has_cells)
    @rule(which=WHICH, text=TEXT, part=PART, how=st.sampled_from(["set", "del", "append"]))
    def edit_part(self, which: int, text: str, part: slice, how: str) -> None:
        def edited(now: str) -> str:
            if how == "append":
                return now + text
            letters = list(now)
            letters[part] = text if how == "set" else ""
            return "".join(letters)

        def edit(live: Any) -> None:
            if how == "append":
                live += text
            elif how == "set":
                live[part] = text
            else:
                del live[part]

        self.edit_text(which, edited, edit)

    @precondition(has_cells)
    @rule(
        which=WHICH,
        old=st.sampled_from(["a", "🦉", "\n", "\r", "é", "e\u0301", "ab"]),
        new=TEXT,
        count=st.integers(-1, 2),
    )
    def replace_text(self, which: int, old: str, new: str, count: int) -> None:
        self.edit_text(
            which, lambda now: now.replace(old, new, count), lambda live: live.replace(old, new, count)
        )

    @precondition(has_cells)
    @rule(
        which=WHICH,
        pattern=st.sampled_from([r"[aé]", r"(?m)^", r"\s+", r"(.)\1", r"\w*", r"$"]),
        count=st.integers(0, 2),
    )
    def sub(self, which: int, pattern: str, count: int) -> None:
        self.edit_text(
            which,
            lambda now: re.sub(pattern, r"<\g<0>🦉>", now, count=count),
            lambda live: live.sub(pattern, r"<\g<0>🦉>", count),
        )

    @precondition(has_cells)
    @rule(
        which=WHICH,
        key=KEY,
        new=st.lists(LINE, max_size=3),
        how=st.sampled_from(["set", "del", "insert", "append", "extend", "pop", "reverse", "all"]),
    )
    def edit_lines(self, which: int, key: Any, new: list[str], how: str) -> None:  # noqa: C901 (a list of deeds)
        cell = self.handle(which)
        index, line = key if isinstance(key, int) else 0, (new or [""])[0]

        def do(lines: Any) -> None:
            match how:
                case "set":
                    lines[key] = line if isinstance(key, int) else new
                case "del":
                    del lines[key]
                case "insert":
                    lines.insert(index, line)
                case "append":
                    lines.append(line)
                case "extend":
                    lines += new
                case "pop":
                    lines.pop(index)
                case "reverse":
                    lines.reverse()
                case "all":
                    lines[:] = new

        def on_model(model: PlainNotebook) -> None:
            lines = plain_lines(model[cell.id]["source"])
            do(lines)
            model[cell.id]["source"] = lines

        self.both(on_model, lambda: do(cell.lines))

    # -------------------------------------------------------------------- metadata, tags, outputs, the whole

    @precondition(has_cells)
    @rule(
        which=WHICH,
        key=st.sampled_from(["k", "é", "🦉"]),
        value=VALUE,
        how=st.sampled_from(["set", "del", "all", "nb"]),
    )
    def annotate(self, which: int, key: str, value: Any, how: str) -> None:
        cell = self.handle(which)

        def do(metadata: Any) -> None:
            if how == "del":
                del metadata[key]
            else:
                metadata[key] = value

        if how == "nb":
            self.both(lambda model: do(model.metadata), lambda: do(self.nb.metadata))
        elif how == "all":
            self.both(
                lambda model: model[cell.id].update(metadata={key: value}),
                lambda: setattr(cell, "metadata", {key: value}),
            )
        else:
            self.both(lambda model: do(model[cell.id]["metadata"]), lambda: do(cell.metadata))

    @precondition(has_cells)
    @rule(which=WHICH, tag=TAG, how=st.sampled_from(["add", "discard", "set", "toggle"]))
    def tag(self, which: int, tag: str, how: str) -> None:
        cell = self.handle(which)

        def on_model(model: PlainNotebook) -> None:
            metadata = model[cell.id]["metadata"]
            old = metadata.pop("tags", [])
            without = [one for one in old if one != tag]
            new = {
                "add": old if tag in old else [*old, tag],
                "discard": without,
                "set": [tag],
                "toggle": without if tag in old else [*old, tag],
            }[how]
            metadata |= {"tags": new} if new else {}

        def on_handle() -> None:
            if how == "set":
                cell.tags = [tag]
            elif how == "toggle":
                cell.tags ^= {tag}
            else:
                getattr(cell.tags, how)(tag)

        self.both(on_model, on_handle)

    @precondition(has_cells)
    @rule(which=WHICH, outputs=OUTPUTS, how=st.sampled_from(["set", "extend", "clear", "all", "count"]))
    def put_out(self, which: int, outputs: list[Any], how: str) -> None:
        cell = self.handle(which)
        code = self.model[cell.id]["cell_type"] == "code"

        def on_model(model: PlainNotebook) -> None:
            plain = model[cell.id]
            if how == "all":
                for one in model.cells:
                    one.update({"outputs": [], "execution_count": None} if one["cell_type"] == "code" else {})
            elif not code:
                if how != "clear" and (outputs or how == "count"):
                    raise DocumentError
            elif how == "count":
                plain["execution_count"] = len(outputs)
            elif how == "clear":
                plain |= {"outputs": [], "execution_count": None}
            else:
                plain["outputs"] = outputs if how == "set" else plain["outputs"] + outputs

        ways: dict[str, Callable[[], Any]] = {
            "set": lambda: setattr(cell, "outputs", outputs),
            "extend": lambda: cell.outputs.extend(outputs),
            "clear": cell.clear_outputs,
            "all": self.nb.clear_outputs,
            "count": lambda: setattr(cell, "execution_count", len(outputs)),
        }
        self.both(on_model, ways[how])

    @rule(
        order=st.randoms(use_true_random=False),
        text=TEXT,
        drop=st.booleans(),
        key=st.sampled_from(["k", "title"]),
    )
    def replace(self, order: Any, text: str, drop: bool, key: str) -> None:
        """Make the notebook what an ``nbformat`` node says: in another order, some edited, one gone, one new."""
        node: Any = self.nb.to_nbformat()
        order.shuffle(node.cells)
        if drop and node.cells:
            node.cells.pop()
        for cell in node.cells[::2]:
            cell.source += text
        if self.has_room():
            node.cells.insert(
                len(node.cells) // 2, nbformat.v4.new_markdown_cell(text, id=f"own-{next(self.names)}")
            )
        node.metadata[key] = text
        wanted = nbformat.from_dict(node)

        def on_model(model: PlainNotebook) -> None:
            model.cells = [{**cell, "metadata": dict(cell.metadata)} for cell in wanted.cells]
            model.metadata = dict(wanted.metadata)

        self.both(on_model, lambda: self.nb.replace(node))

    # ------------------------------------------------------------------------------ what is refused, and lookup

    @precondition(has_cells)
    @rule(which=WHICH, deed=st.integers(0, 30))
    def surrogate(self, which: int, deed: int) -> None:
        """Half a character cannot be written anywhere."""
        cell, nb = self.handle(which), self.nb
        deeds: list[Callable[[], Any]] = [
            lambda: nb.append(SURROGATE),
            lambda: nb.insert(0, {"cell_type": "raw", "source": SURROGATE}),
            lambda: nb.extend(["good", SURROGATE]),
            lambda: nb.__setitem__(0, SURROGATE),
            lambda: nb.__setitem__(slice(None), ["good", SURROGATE]),
            lambda: setattr(cell, "source", SURROGATE),
            lambda: cell.edit(SURROGATE),
            lambda: cell.below(SURROGATE),
            lambda: cell.text.append(SURROGATE),
            lambda: cell.text.__setitem__(slice(0, 0), SURROGATE),
            lambda: cell.text.replace("a", SURROGATE),
            lambda: cell.text.insert(0, SURROGATE),
            lambda: cell.lines.append(SURROGATE),
            lambda: cell.lines.__setitem__(slice(None), [SURROGATE]),
            lambda: cell.tags.add(SURROGATE),
            lambda: cell.metadata.__setitem__("k", {"deep": [SURROGATE]}),
            lambda: cell.metadata.__setitem__(SURROGATE, 1),
            lambda: setattr(nb, "metadata", {"k": SURROGATE}),
            lambda: cell.outputs.append({"output_type": "stream", "name": "stdout", "text": SURROGATE}),
            lambda: nb.replace({**nb.to_dict(), "cells": [{"cell_type": "raw", "source": SURROGATE}]}),
            lambda: cell.text.sub(r"^", lambda _: SURROGATE),
        ]

        def refused(_: PlainNotebook) -> None:
            raise DocumentError

        self.both(refused, deeds[deed % len(deeds)])

    @rule(
        pattern=st.sampled_from(["a", "🦉", r"^#", r"$", r"\bx\b", r"\s", r"é|e\u0301", r"."]),
        type_=st.none() | TYPE,
        tag=TAG | st.just("new"),
        key=KEY,
        begin=st.text("0123456789abcdef-own", max_size=3),
    )
    def look(self, pattern: str, type_: str | None, tag: str, key: Any, begin: str) -> None:
        nb, model = self.nb, self.model
        greps = model.grep(re.compile(pattern, re.MULTILINE), type_)
        assert [(found.cell.id, found.line, found.span) for found in nb.grep(pattern, type_)] == greps
        first = nb.find(pattern, type_)
        assert (first and first.id) == (greps[0][0] if greps else None)
        assert [cell.id for cell in nb.tagged(tag)] == model.tagged(tag)
        assert (f"#{tag}" in nb) == bool(model.tagged(tag))
        for name in ("code", "markdown", "raw"):
            ids = [cell["id"] for cell in model.cells if cell["cell_type"] == name]
            assert [cell.id for cell in getattr(nb, name)] == ids
        if isinstance(key, slice):
            assert [cell.id for cell in nb[key]] == model.ids[key]
        begun = [cell_id for cell_id in model.ids if cell_id.startswith(begin)]
        if begin and len(begun) == 1:
            assert nb[begin].id == begun[0]
        elif begin not in model.ids:
            with pytest.raises(KeyError):
                nb[begin]
        sections = [(one.level, one.title, [cell.id for cell in one]) for one in nb.sections]
        assert sections == model.sections()


class BulkReading(HandleAndModel):
    """Do the same in a notebook so large that cells are read in one call, as those of two cells are here."""

    def __init__(self) -> None:
        self._patch = pytest.MonkeyPatch()
        for module, name in ((cell_index, "_FEW"), (journal, "_MANY"), (replica, "_MANY"), (undo, "_MANY")):
            self._patch.setattr(module, name, 2)
        super().__init__()

    def teardown(self) -> None:
        super().teardown()
        self._patch.undo()


TestModel = patience(HandleAndModel.TestCase)
TestModel.settings = tries(60, 40)
TestBulkReading = patience(BulkReading.TestCase)
TestBulkReading.settings = tries(20, 40)
