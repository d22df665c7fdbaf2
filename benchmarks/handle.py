"""The notebook handle: what code in a kernel does with a large notebook.

The floor is the quickest way that we know of to do the same with the bare CRDT, without locks, undo, events or checks.
"""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

from nbformat import v4
from pycrdt import Text, UndoManager

from benchmarks.runner import Rounds, Size, Topic, Ways
from benchmarks.sample import BARE, LIVE, PLAIN, Bare, bare_doc, live, new_bare, plain, sources, state
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.origins import Origin

TOPIC = Topic("The notebook handle", (LIVE, BARE, PLAIN))


class Trio:
    """Hold one notebook in the three ways, as just opened."""

    def __init__(self, size: Size) -> None:
        self.nb = live(state(size.cells))
        self.bare = bare_doc(state(size.cells))
        self.node = plain(size.cells)
        self.middle = size.cells // 2

    def settle(self) -> None:
        """Have it written to before, as a handle in use has been."""
        self.nb[0].source += " "


def in_use(size: Size) -> Trio:
    """Return a notebook that has been written to."""
    trio = Trio(size)
    trio.settle()
    return trio


def after_changes(ways: Callable[[Trio, Size], Ways]) -> Rounds:
    """Make rounds in front of each of which somebody has typed: nothing that was read before can be used again."""

    def rounds(size: Size) -> Iterator[Ways]:
        trio = in_use(size)
        typist = Typist(size)
        while True:
            typist.press(trio.nb)
            yield ways(trio, size)

    return rounds


class Typist:
    """Be somebody else, who types into the first cell."""

    def __init__(self, size: Size) -> None:
        self._bare = bare_doc(state(size.cells))
        self._made: list[bytes] = []
        self._end = self._bare.doc.observe(lambda event: self._made.append(event.update))

    def key(self) -> bytes:
        """Return the update of one key."""
        text = self._bare.cells[0]["source"]
        text.insert(len(text), "x")
        return self._made.pop()

    def press(self, nb: Notebook) -> None:
        """Type one character into *nb*."""
        nb.document.apply_remote(self.key(), Origin("remote"))


def cells_of(bare: Bare) -> list[dict[str, Any]]:
    """Return the cells of a bare document, by its own bulk read."""
    cells: list[dict[str, Any]] = json.loads(str(bare.cells))
    return cells


# ---------------------------------------------------------------------------------------------------- reading


@TOPIC.case("open: from the relay's first update to a handle")
def opened(size: Size) -> Iterator[Ways]:
    update, text = state(size.cells), json.dumps(plain(size.cells))
    return repeat(
        {
            LIVE: lambda: len(live(update)),
            BARE: lambda: len(bare_doc(update).cells),
            PLAIN: lambda: len(nbformat_reads(text)),
        }
    )


def nbformat_reads(text: str) -> list[Any]:
    """Return the cells of a notebook that nbformat reads."""
    return list(v4.reads(text).cells)


def all_sources(trio: Trio, _size: Size) -> Ways:
    return {
        LIVE: lambda: len([cell.source for cell in trio.nb]),
        BARE: lambda: len([cell["source"] for cell in cells_of(trio.bare)]),
        PLAIN: lambda: len([cell.source for cell in trio.node.cells]),
    }


TOPIC.case("all sources, after somebody typed")(after_changes(all_sources))


@TOPIC.case("all sources, once more")
def sources_again(size: Size) -> Iterator[Ways]:
    return repeat(all_sources(in_use(size), size))


@TOPIC.case("1,000 cells by index, each", per=1000)
def indexed(size: Size) -> Iterator[Ways]:
    trio = in_use(size)
    places = [i * 7919 % size.cells for i in range(1000)]
    return repeat(
        {
            LIVE: lambda: [trio.nb[i].id for i in places],
            BARE: lambda: [trio.bare.cells[i]["id"] for i in places],
            PLAIN: lambda: [trio.node.cells[i].id for i in places],
        }
    )


def middle_slice(trio: Trio, size: Size) -> Ways:
    part = slice(trio.middle, trio.middle + min(10, size.few))

    def bare() -> list[str]:
        with trio.bare.doc.transaction():
            return [cell["id"] for cell in trio.bare.cells[part]]

    return {
        LIVE: lambda: [cell.id for cell in trio.nb[part]],
        BARE: bare,
        PLAIN: lambda: [cell.id for cell in trio.node.cells[part]],
    }


TOPIC.case("a slice of 10 in the middle, after somebody typed")(after_changes(middle_slice))


def one_source(trio: Trio, _size: Size) -> Ways:
    def bare() -> int:
        return len(str(trio.bare.cells[trio.middle]["source"]))

    return {
        LIVE: lambda: len(trio.nb[trio.middle].source),
        BARE: bare,
        PLAIN: lambda: len(trio.node.cells[trio.middle].source),
    }


TOPIC.case("one source in the middle, after somebody typed")(after_changes(one_source))


def searched(pattern: str) -> Callable[[Trio, Size], Ways]:
    def ways(trio: Trio, size: Size) -> Ways:
        regex = re.compile(pattern.format(last=size.cells - 1), re.MULTILINE)

        def found(cells: Any) -> str | None:
            return next((cell["id"] for cell in cells if regex.search(cell["source"])), None)

        def ours() -> str | None:
            cell = trio.nb.find(regex)
            return None if cell is None else cell.id

        return {LIVE: ours, BARE: lambda: found(cells_of(trio.bare)), PLAIN: lambda: found(trio.node.cells)}

    return ways


TOPIC.case("find: in the last cell")(after_changes(searched("Step {last}$|Part {last}$")))
TOPIC.case("find: nowhere")(after_changes(searched("no such thing")))


def grepped(trio: Trio, _size: Size) -> Ways:
    regex = re.compile("data")

    def found(cells: Any) -> int:
        return len([match.span() for cell in cells for match in regex.finditer(cell["source"])])

    return {
        LIVE: lambda: len([match.span for match in trio.nb.grep(regex)]),
        BARE: lambda: found(cells_of(trio.bare)),
        PLAIN: lambda: found(trio.node.cells),
    }


TOPIC.case("grep: in every code cell")(after_changes(grepped))


def code_cells(trio: Trio, _size: Size) -> Ways:
    return {
        LIVE: lambda: len(list(trio.nb.code)),
        BARE: lambda: len([cell["id"] for cell in cells_of(trio.bare) if cell["cell_type"] == "code"]),
        PLAIN: lambda: len([cell for cell in trio.node.cells if cell.cell_type == "code"]),
    }


TOPIC.case("the code cells")(after_changes(code_cells))


def tagged(trio: Trio, _size: Size) -> Ways:
    def found(cells: Any) -> str | None:
        return next((cell["id"] for cell in cells if "last" in cell["metadata"].get("tags", [])), None)

    return {
        LIVE: lambda: trio.nb["#last"].id if "#last" in trio.nb else None,
        BARE: lambda: found(cells_of(trio.bare)),
        PLAIN: lambda: found(trio.node.cells),
    }


TOPIC.case('nb["#tag"]')(after_changes(tagged))


def defining(trio: Trio, _size: Size) -> Ways:
    def found(cells: Any) -> str | None:
        for cell in reversed(cells):
            if cell["cell_type"] == "code" and "value_1" in cell["source"]:
                names = [
                    node.id for node in ast.walk(ast.parse(cell["source"])) if isinstance(node, ast.Name)
                ]
                if "value_1" in names:
                    return str(cell["id"])
        return None

    def ours() -> str | None:
        cell = trio.nb.defining("value_1")
        return None if cell is None else cell.id

    return {LIVE: ours, BARE: lambda: found(cells_of(trio.bare)), PLAIN: lambda: found(trio.node.cells)}


TOPIC.case("defining: the second cell, a name like many")(after_changes(defining))


def headings(trio: Trio, _size: Size) -> Ways:
    def found(cells: Any) -> int:
        return len(
            [cell for cell in cells if cell["cell_type"] == "markdown" and cell["source"].startswith("#")]
        )

    return {
        LIVE: lambda: len(trio.nb.sections),
        BARE: lambda: found(cells_of(trio.bare)),
        PLAIN: lambda: found(trio.node.cells),
    }


TOPIC.case("the sections")(after_changes(headings))


@TOPIC.case("to_dict()")
def as_dict(size: Size) -> Iterator[Ways]:
    trio = in_use(size)
    return repeat(
        {
            LIVE: lambda: len(trio.nb.to_dict()["cells"]),
            BARE: lambda: len(cells_of(trio.bare)),
            PLAIN: lambda: len(json.loads(json.dumps(trio.node))["cells"]),
        }
    )


@TOPIC.case("to_nbformat()")
def as_nbformat(size: Size) -> Iterator[Ways]:
    trio = in_use(size)
    return repeat(
        {
            LIVE: lambda: len(trio.nb.to_nbformat().cells),
            BARE: lambda: len(cells_of(trio.bare)),
            PLAIN: lambda: len(copy.deepcopy(trio.node).cells),
        }
    )


# ---------------------------------------------------------------------------------------------------- writing


@TOPIC.case("the first write after opening")
def first_write(size: Size) -> Iterator[Ways]:
    while True:
        yield set_middle(Trio(size))


def set_middle(trio: Trio) -> Ways:
    """Change one character in the middle."""
    middle = trio.middle

    def bare() -> int:
        with trio.bare.doc.transaction():
            text: Text = trio.bare.cells[middle]["source"]
            old = str(text)
            del text[0:1]
            text.insert(0, "$" if old[0] == "#" else "#")
            return len(text)

    def ours() -> int:
        cell = trio.nb[middle]
        old = cell.source
        cell.source = ("$" if old[0] == "#" else "#") + old[1:]
        return len(old)

    def theirs() -> int:
        cell = trio.node.cells[middle]
        cell.source = ("$" if cell.source[0] == "#" else "#") + cell.source[1:]
        return len(cell.source)

    return {LIVE: ours, BARE: bare, PLAIN: theirs}


@TOPIC.case("one source in the middle")
def write_middle(size: Size) -> Iterator[Ways]:
    return repeat(set_middle(in_use(size)))


@TOPIC.case("the same in a transaction")
def transaction(size: Size) -> Iterator[Ways]:
    trio = in_use(size)
    ways = set_middle(trio)

    def ours() -> Any:
        with trio.nb.transaction("edit"):
            return ways[LIVE]()

    return repeat({**ways, LIVE: ours})


@TOPIC.case("somebody types: a key arrives")
def key_arrives(size: Size) -> Iterator[Ways]:
    trio, typist = in_use(size), Typist(size)

    while True:
        key = typist.key()
        yield {
            LIVE: lambda key=key: trio.nb.document.apply_remote(key, Origin("remote")),  # type: ignore[misc]
            BARE: lambda key=key: trio.bare.doc.apply_update(key),  # type: ignore[misc]
        }


@TOPIC.case("insert and delete one in the middle")
def insert_delete(size: Size) -> Iterator[Ways]:
    trio = in_use(size)
    middle = trio.middle

    def ours() -> int:
        trio.nb.insert(middle, "x = 1")
        del trio.nb[middle]
        return len(trio.nb)

    def bare() -> int:
        trio.bare.cells.insert(middle, new_bare("x = 1", "new"))
        del trio.bare.cells[middle]
        return len(trio.bare.cells)

    def theirs() -> int:
        trio.node.cells.insert(middle, v4.new_code_cell("x = 1"))
        del trio.node.cells[middle]
        return len(trio.node.cells)

    return repeat({LIVE: ours, BARE: bare, PLAIN: theirs})


@TOPIC.case("move the last to the front")
def move(size: Size) -> Iterator[Ways]:
    trio = in_use(size)

    def ours() -> None:
        trio.nb[-1].move(before=0)

    def bare() -> None:
        cells = trio.bare.cells
        with trio.bare.doc.transaction():
            last = len(cells) - 1
            value = cells[last].to_py()
            del cells[last]
            cells.insert(0, new_bare(value["source"], value["id"]))

    def theirs() -> None:
        trio.node.cells.insert(0, trio.node.cells.pop())

    return repeat({LIVE: ours, BARE: bare, PLAIN: theirs})


def append_all(nb: Notebook, bare: Bare, size: Size) -> Ways:
    """Append all cells in one transaction."""
    texts = sources(range(size.cells))

    def ours() -> int:
        with nb.transaction("append"):
            for text in texts:
                nb.append(text)
        return len(nb)

    def floor() -> int:
        with bare.doc.transaction():
            for index in reversed(range(size.cells)):  # at one place: at the end it takes ten times as long
                bare.cells.insert(0, new_bare(texts[index], f"new-{index}"))
        return len(bare.cells)

    def theirs() -> int:
        node = v4.new_notebook()
        for text in texts:
            node.cells.append(v4.new_code_cell(text))
        return len(node.cells)

    return {LIVE: ours, BARE: floor, PLAIN: theirs}


@TOPIC.case("append all cells in one transaction")
def appended(size: Size) -> Iterator[Ways]:
    while True:
        yield append_all(live(), bare_doc(), size)


@TOPIC.case("extend by all cells")
def extended(size: Size) -> Iterator[Ways]:
    while True:
        nb = live()

        def ours(nb: Notebook = nb) -> int:
            nb.extend(sources(range(size.cells)))
            return len(nb)

        yield {**append_all(nb, bare_doc(), size), LIVE: ours}


@TOPIC.case("append a tenth more, one by one")
def append_each(size: Size) -> Iterator[Ways]:
    while True:
        trio = in_use(size)

        def ours(nb: Notebook = trio.nb) -> int:
            for text in sources(range(size.few)):
                nb.append(text)
            return len(nb)

        def floor(bare: Bare = trio.bare) -> int:
            for index, text in enumerate(sources(range(size.few))):
                bare.cells.append(new_bare(text, f"new-{index}"))
            return len(bare.cells)

        def theirs(node: Any = trio.node) -> int:
            node.cells += [v4.new_code_cell(text) for text in sources(range(size.few))]
            return len(node.cells)

        yield {LIVE: ours, BARE: floor, PLAIN: theirs}


@TOPIC.case("undo the appending of all cells")
def undo(size: Size) -> Iterator[Ways]:
    while True:
        nb, bare = live(), bare_doc()
        manager = UndoManager(scopes=[bare.cells])
        ways = append_all(nb, bare, size)
        ways[LIVE](), ways[BARE]()
        node = plain(size.cells)

        def ours(nb: Notebook = nb) -> int:
            nb.undo()
            return len(nb)

        def floor(bare: Bare = bare, manager: Any = manager) -> int:
            manager.undo()
            return len(bare.cells)

        def theirs(node: Any = node) -> int:
            del node.cells[:]
            return len(node.cells)

        yield {LIVE: ours, BARE: floor, PLAIN: theirs}


@TOPIC.case("replace(node), one cell of it changed")
def replaced(size: Size) -> Iterator[Ways]:
    trio = in_use(size)
    middle, number = trio.middle, 0
    trio.nb.replace(trio.node)
    while True:
        number += 1
        trio.node.cells[middle].source = f"changed = {number}"

        def bare() -> str:
            for cell, ycell in zip(trio.node.cells, cells_of(trio.bare), strict=True):
                if cell["source"] != ycell["source"]:
                    with trio.bare.doc.transaction():
                        text = trio.bare.cells[middle]["source"]
                        text.clear()
                        text += cell["source"]
            return str(trio.bare.cells[middle]["source"])

        def ours() -> str:
            trio.nb.replace(trio.node)
            return trio.nb[middle].source

        yield {LIVE: ours, BARE: bare, PLAIN: lambda: copy.deepcopy(trio.node).cells[middle].source}
