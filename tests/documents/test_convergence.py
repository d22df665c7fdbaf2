"""Three people edit one notebook over the worst of networks, and agree in the end on all that they wrote.

What may become of a cell is in its id: ``t-…`` is typed into and split by everybody, and stays where it is; ``m-…`` is
moved and retyped by everybody, and not typed into; with ``d-…`` everybody does what they like.
"""

from __future__ import annotations

import itertools
import re
from contextlib import suppress
from typing import Any

import nbformat
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from support.network import Network
from support.notebooks import two
from support.tries import patience, tries

from rtc_widgets.documents.cells import Cell
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.ycells import settle_twins
from rtc_widgets.origins import Origin

WHO = st.integers(0, 2)
RELAY = 3
NUMBER = st.integers(0, 40)
TOKEN = re.compile(r"⟨\d-\d+ 🦉⟩")
TYPE = st.sampled_from(["code", "markdown", "raw"])


DEEDS = [
    "add",
    "insert",
    "insert",
    "append",
    "line",
    "cut",
    "set",
    "move",
    "move",
    "retype",
    "delete",
    "merge",
]
DEEDS += ["split", "note", "tag", "undo", "undo", "redo"]


class Lost(Exception):
    """Take a transaction back."""


class ThreePeople(RuleBasedStateMachine):
    """Have three people edit, each with a handle of their own, and a relay that settles twins now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.people = [Notebook(LiveDocument(client_id=number + 1)) for number in range(4)]
        self.network = Network([nb.document for nb in self.people])
        nb = self.people[RELAY]
        for cell_id in ("t-0", "m-0", "d-0", "m-1", "t-1", "d-1"):
            nb.append({"cell_type": "code", "id": cell_id, "source": cell_id, "outputs": [], "metadata": {}})
        self.network.deliver_all()
        # What each has written and can see; nobody else may take that away.
        self.mine: list[set[str]] = [set(), set(), set()]
        # The cells that tokens were written into.
        self.home: dict[str, str] = {}
        self.names = itertools.count()
        self.open: dict[int, list[Any]] = {}

    # ---------------------------------------------------------------------------------------- what one has

    def seen(self, who: int) -> set[str]:
        """Return the tokens and the ids of the lasting cells that somebody sees."""
        cells = self.people[who].to_dict()["cells"]
        tokens = {
            token for cell in cells for token in TOKEN.findall(cell["source"]) if cell["id"][:2] != "d-"
        }
        return tokens | {cell["id"] for cell in cells if cell["id"][:2] in {"t-", "m-"}}

    def own(self, who: int) -> set[str]:
        mark = re.compile(rf"⟨{who}-|[tm]-{who}-")
        return {one for one in self.seen(who) if mark.match(one)}

    def check(self, who: int) -> None:
        lost = self.lost(who, self.mine[who])
        assert not lost, f"somebody took from {who}: {lost}"

    def lost(self, who: int, had: set[str]) -> set[str]:
        """Return what of *had* is not there any more, and did not go with a cell that its maker took back.

        Whoever split that cell has a copy, which goes when the split is undone.
        """
        there = {cell.id for cell in self.people[who]}
        return {one for one in had - self.seen(who) if self.home.get(one) is None or self.home[one] in there}

    def token(self, who: int) -> str:
        return f"⟨{who}-{next(self.names)} 🦉⟩"

    def act(self, who: int, deed: Any) -> None:
        """Have somebody do something, before and after which all is there that they wrote."""
        self.check(who)
        with suppress(IndexError):  # there may be no next cell to merge with
            deed(self.people[who])
        self.mine[who] = self.own(who)

    def cell(self, nb: Notebook, number: int, kinds: str) -> Cell | None:
        found = [cell for cell in nb if cell.id[:2] in {f"{kind}-" for kind in kinds}]
        return found[number % len(found)] if found else None

    def do(self, who: int, what: str, kind: str, number: int, other: int, type_: str) -> None:  # noqa: C901, PLR0912
        nb, token = self.people[who], self.token(who)
        typed, put, loose, lasting = (self.cell(nb, number, kinds) for kinds in ("td", "md", "d", "t"))
        there = list(nb)
        if typed and what in {"insert", "append", "line"}:
            self.home[token] = typed.id
        match what:
            case "add":
                self.home[token] = cell_id = f"{kind}-{who}-{next(self.names)}"
                nb.insert(other, {"cell_type": type_, "id": cell_id, "source": token, "metadata": {}})
            case "insert" if typed:
                typed.text.insert(_gap(typed, other), token)
            case "append" if typed:
                typed.source += token
            case "line" if typed:
                typed.lines.insert(other, token)
            case "cut" if loose:
                del loose.text[number:other]
            case "set" if loose:
                loose.source = token
            case "move" if put:
                put.move(after=there[other % len(there)])
            case "retype" if put:
                put.type = type_
            case "delete" if loose:
                loose.delete()
            case "merge" if loose:
                loose.merge(*([cell] if (cell := self.cell(nb, other, "d")) else []))
            case "split" if lasting:
                lasting.split(_gap(lasting, other))
            case "note":
                there[number % len(there)].metadata[f"k{other % 3}"] = number
            case "tag":
                there[number % len(there)].tags ^= {f"t{other % 3}"}
            case "undo" if not self.open.get(who):
                others = self.seen(who) - self.own(who)
                nb.undo()
                assert not self.lost(who, others), f"{who} undid what others did"
            case "redo" if not self.open.get(who):
                nb.redo()

    DEED = st.tuples(st.sampled_from(DEEDS), st.sampled_from("tmd"), NUMBER, NUMBER, TYPE)

    # ------------------------------------------------------------------------------------------- what happens

    @rule(who=WHO, deed=DEED)
    def edit(self, who: int, deed: Any) -> None:
        self.act(who, lambda _: self.do(who, *deed))

    @rule(
        who=WHO,
        deeds=st.lists(DEED, max_size=3),
        inner=st.lists(DEED, max_size=2),
        fate=st.integers(0, 2),
        late=NUMBER,
    )
    def group(self, who: int, deeds: list[Any], inner: list[Any], fate: int, late: int) -> None:
        """Have somebody do several things at once, while something arrives; some of it is taken back."""

        def together(nb: Notebook) -> None:
            self.open[who] = [True]
            try:
                with suppress(Lost), nb.transaction("group"):
                    for deed in deeds:
                        with suppress(IndexError):
                            self.do(who, *deed)
                    self.network.deliver(late)
                    with suppress(Lost), nb.transaction("inner"):
                        for deed in inner:
                            with suppress(IndexError):
                                self.do(who, *deed)
                        if fate == 1:
                            raise Lost
                    if fate == 2:
                        raise Lost
            finally:
                del self.open[who]

        self.act(who, together)

    @rule(link=NUMBER, again=st.booleans())
    def deliver(self, link: int, again: bool) -> None:
        self.network.deliver(link, again=again)

    @rule(count=st.integers(2, 12), link=NUMBER)
    def deliver_some(self, count: int, link: int) -> None:
        for number in range(count):
            self.network.deliver(link + number)

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        self.network.leave(who)

    @precondition(lambda self: self.network.away)
    @rule(number=NUMBER)
    def come_back(self, number: int) -> None:
        self.network.come_back(sorted(self.network.away)[number % len(self.network.away)])

    @rule()
    def save(self) -> None:
        """Settle twins, as the relay does before it saves."""
        settle(self.people[RELAY])

    # --------------------------------------------------------------------------------------------- in the end

    def teardown(self) -> None:
        self.agree()
        for who in range(3):
            theirs = self.seen(who) - self.own(who)
            while self.people[who].undo():
                pass
            assert not self.lost(who, theirs), f"{who} undid what others did"
            self.mine[who] = self.own(who)
            self.agree()

    def agree(self) -> None:
        """Bring everything to everybody, and see that it is one notebook and all of it."""
        for _ in range(2):
            self.network.deliver_all()
            self.save()
        self.network.deliver_all()
        contents = [nb.to_dict() for nb in self.people]
        assert contents[0] == contents[1] == contents[2] == contents[RELAY]
        ids = [cell["id"] for cell in contents[0]["cells"]]
        assert len(ids) == len(set(ids)), "no cell is there twice"
        assert {"t-0", "t-1", "m-0", "m-1"} <= set(ids), "no cell is lost"
        for who in range(3):
            self.check(who)
        for nb in self.people:
            assert [(cell.id, cell.source) for cell in nb] == [
                (c["id"], c["source"]) for c in contents[0]["cells"]
            ]
        nbformat.validate(nbformat.from_dict(contents[0]))


def _gap(cell: Cell, number: int) -> int:
    """Return some place in the text of a cell that is within no token."""
    gaps = [0, *(match.end() for match in TOKEN.finditer(cell.source)), len(cell.text)]
    return gaps[number % len(gaps)]


def test_undoing_a_move_leaves_the_twin_that_somebody_types_into() -> None:
    """Two who move one cell at once leave it twice, until the relay settles that."""
    ada, bob, hub = two(instantly=False)
    ada["title"].move(after=1)
    bob["title"].move(after=3)
    bob["title"].text.append(", and Bob")
    hub.deliver()
    assert [cell["id"] for cell in ada.to_dict()["cells"]] == ["load-1", "title", "load-2", "raw", "title"]
    ada.undo()
    hub.deliver()

    assert [cell["source"] for cell in bob.to_dict()["cells"]][0::4] == [
        "# Título 😀",
        "# Título 😀, and Bob",
    ]


def settle(nb: Notebook) -> None:
    with nb.document.writing(origin=Origin("relay")) as replica:
        settle_twins(replica.doc, Origin("relay"))


def test_a_cell_whose_twin_got_another_id_comes_back_as_what_it_was() -> None:
    ada, bob, hub = two(instantly=False)
    ada["raw"].text.append("<i>")
    hub.deliver()
    bob["load-1"].type = "markdown"
    ada["load-1"].move(before=0)
    hub.deliver()
    settle(bob)
    hub.deliver()
    ada["load-1"].delete()
    ada.undo()

    assert ada["load-1"].type == "code" and len(ada["load-1"].outputs) == 2
    nbformat.validate(nbformat.from_dict(ada.to_dict()))


def test_a_cell_whose_twin_was_taken_away_can_still_be_edited_and_undone() -> None:
    ada, bob, hub = two(instantly=False)
    ada["title"].text.append("!")
    hub.deliver()
    ada["title"].move(after=1)
    bob["title"].move(after=3)
    hub.deliver()
    settle(bob)
    hub.deliver()
    ada["title"].text.append("?")
    assert [ada.undo() for _ in range(3)] == ["edit cell", "move cell", "edit cell"]
    assert ada["title"].source == "# Título 😀"
    assert [cell.id for cell in ada] == ["title", "load-1", "load-2", "raw"]


@pytest.mark.parametrize("deed", ["retype", "move"])
def test_undoing_what_was_done_while_somebody_moved_the_cell_keeps_the_cell(deed: str) -> None:
    ada, bob, hub = two(instantly=False)
    bob["title"].move(after=3)
    with ada.transaction():
        hub.deliver()
        if deed == "retype":
            ada["title"].type = "raw"
        else:
            ada["title"].move(after=1)
    hub.deliver()
    settle(bob)
    hub.deliver()
    ada.undo()

    assert ada["title"].type == "markdown" and ada["title"].source == "# Título 😀"


TestThreePeople = patience(ThreePeople.TestCase)
TestThreePeople.settings = tries(60, 40)
