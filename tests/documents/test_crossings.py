"""What was written in cells that others delete, or move, meanwhile is written again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pycrdt import Array
from support.providers import People, cell, notebook, until

from rtc_widgets.documents.ycells import read_cells
from rtc_widgets.protocol import event

THREE = notebook(cell("a", "a = 1"), cell("b", "b = 1\nb = 2\nb = 3"), cell("c", "c = 1"))


@pytest.fixture
async def people() -> AsyncIterator[People]:
    people = People()
    yield people
    await people.aclose()


def texts(nb: Any) -> list[tuple[str, str]]:
    """Return the cells; not by their handles, which take one of two with the same id for the other."""
    return [(cell["id"], cell["source"]) for cell in read_cells(nb.document.replica.doc)]


async def both(people: People, away: Callable[[Any], Any], here: Callable[[Any], Any]) -> list[Any]:
    """Have Ada write while she is away, and Ben while she is; return the cells that both have in the end."""
    relay = people.relay("notebook", THREE)
    ada, mine = await people.join(relay)
    ben, theirs = await people.join(relay, "ben")
    relay.away = True
    relay.drop()
    away(ada)
    relay.away = False
    await until(lambda: ben.state == "live")
    here(ben)
    await theirs.synced()
    await mine.synced()
    await until(lambda: texts(ada) == texts(ben), "both have the same")
    return texts(ada)


async def meanwhile(people: People, away: Callable[[Any], Any], here: Callable[[Any], Any]) -> list[Any]:
    """Likewise, and no cell is there twice."""
    cells = await both(people, away, here)
    ids = [id_ for id_, _ in cells]
    assert len(set(ids)) == len(ids)
    return cells


def typed(nb: Any) -> None:
    nb["b"].source = "b = 1\nb = 2, mine\nb = 3"


async def test_a_cell_that_was_deleted_comes_back_where_somebody_wrote_in_it(people: People) -> None:
    cells = await meanwhile(people, typed, lambda nb: nb["b"].delete())
    assert cells == [("a", "a = 1"), ("b", "b = 1\nb = 2, mine\nb = 3"), ("c", "c = 1")]


async def test_what_was_written_in_a_cell_goes_where_it_was_moved_to(people: People) -> None:
    def move(nb: Any) -> None:
        nb["b"].move(after="c")
        nb["b"].source = "b = 1, theirs\nb = 2\nb = 3"

    cells = await meanwhile(people, typed, move)
    assert cells == [("a", "a = 1"), ("c", "c = 1"), ("b", "b = 1, theirs\nb = 2, mine\nb = 3")]


async def test_of_the_same_line_both_stay(people: People) -> None:
    def move(nb: Any) -> None:
        nb["b"].move(before="a")
        nb["b"].source = "b = 1\nb = 2, theirs\nb = 3"

    cells = await meanwhile(people, typed, move)
    (source,) = [source for id_, source in cells if id_ == "b"]
    assert source.count("b = 2, mine") == source.count("b = 2, theirs") == 1


async def test_where_nothing_was_written_a_deletion_is_one(people: People) -> None:
    def away(nb: Any) -> None:
        nb["a"].source = "a = 1, mine"
        nb.append("new")

    cells = await meanwhile(people, away, lambda nb: nb["b"].delete())
    assert [source for _, source in cells] == ["a = 1, mine", "c = 1", "new"]


async def test_what_was_written_elsewhere_is_not_written_twice(people: People) -> None:
    def away(nb: Any) -> None:
        typed(nb)
        nb["a"].source += "\nmine"
        nb["c"].delete()

    def here(nb: Any) -> None:
        nb["a"].source = "theirs\n" + nb["a"].source
        nb["b"].delete()

    cells = await meanwhile(people, away, here)
    assert cells == [("a", "theirs\na = 1\nmine"), ("b", "b = 1\nb = 2, mine\nb = 3")]


async def test_what_others_wrote_where_somebody_deleted_offline_comes_back(people: People) -> None:
    cells = await meanwhile(people, lambda nb: nb["b"].delete(), typed)
    assert cells == [("a", "a = 1"), ("b", "b = 1\nb = 2, mine\nb = 3"), ("c", "c = 1")]


async def test_what_others_wrote_follows_to_where_somebody_moved_it_offline(people: People) -> None:
    def move(nb: Any) -> None:
        nb["b"].move(after="c")
        nb["b"].source = "b = 1, moved\nb = 2\nb = 3"

    cells = await meanwhile(people, move, typed)
    assert cells == [("a", "a = 1"), ("c", "c = 1"), ("b", "b = 1, moved\nb = 2, mine\nb = 3")]


async def test_what_others_wrote_where_nothing_was_deleted_stands_once(people: People) -> None:
    def away(nb: Any) -> None:
        nb["a"].source = "a = 2"
        nb["c"].delete()

    def here(nb: Any) -> None:
        nb["a"].source += "  # theirs"
        typed(nb)

    cells = await meanwhile(people, away, here)
    assert [id_ for id_, _ in cells] == ["a", "b"]
    assert cells[0][1].count("theirs") == cells[1][1].count("mine") == 1


async def test_who_writes_while_the_deletion_arrives_and_who_deleted_do_not_both_bring_it_back(
    people: People,
) -> None:
    """Its writer has no acknowledgement yet: the log takes a while."""
    relay = people.relay("notebook", THREE)
    ada, mine = await people.join(relay)
    ben, his = await people.join(relay, "ben")
    relay.away = True
    for peer in [peer for peer in relay.peers if peer.user == "ada"]:
        peer.close("gone", "The line broke.")
        relay.document.leave(peer)
    await until(lambda: mine.state == "offline")
    ada["b"].delete()
    append, may = relay.store.append, asyncio.Event()

    async def slowly(*arguments: Any) -> Any:
        await may.wait()
        return await append(*arguments)

    relay.store.append = slowly
    typed(ben)
    await until(lambda: "mine" in str(relay.document.doc.get("cells", type=Array)), "the relay has it")
    relay.away = False
    await until(
        lambda: "b" not in [id_ for id_, _ in texts(ben)] or ben["b"].source == "", "the deletion is here"
    )
    may.set()
    for provider in (mine, his):
        await provider.synced()
    await until(lambda: texts(ada) == texts(ben), "both have the same")
    assert texts(ada) == [("a", "a = 1"), ("b", "b = 1\nb = 2, mine\nb = 3"), ("c", "c = 1")]


async def test_both_deleted_it(people: People) -> None:
    def away(nb: Any) -> None:
        typed(nb)
        nb["b"].delete()

    cells = await meanwhile(people, away, lambda nb: nb["b"].delete())
    assert [id_ for id_, _ in cells] == ["a", "c"]


async def test_both_wrote_while_a_third_deleted_it(people: People) -> None:
    relay = people.relay("notebook", THREE)
    (ada, mine), (ben, his), (zoe, hers) = [await people.join(relay, who) for who in ("ada", "ben", "zoe")]
    relay.open_gate.clear()  # they do not hear of each other
    zoe["b"].delete()
    await until(lambda: len(relay.document.doc.get("cells", type=Array)) == 2, "the deletion has arrived")
    ada["b"].source = "b = 1, ada\nb = 2\nb = 3"
    ben["b"].source = "b = 1\nb = 2\nb = 3, ben"
    relay.open_gate.set()
    for provider in (mine, his, hers):
        await provider.synced()
    await until(lambda: texts(ada) == texts(ben) == texts(zoe), "all have the same")
    # The relay gives one of them another id before it saves.
    both = [("b", "b = 1\nb = 2\nb = 3, ben"), ("b", "b = 1, ada\nb = 2\nb = 3")]
    assert sorted(texts(ada)) == [("a", "a = 1"), *both, ("c", "c = 1")]


async def test_what_who_deleted_it_knew_of_is_for_that_one(people: People) -> None:
    relay = people.relay("notebook", THREE)
    ada, mine = await people.join(relay)
    ben, his = await people.join(relay, "ben")
    relay.open_gate.clear()
    ben["b"].delete()
    await until(lambda: len(relay.document.doc.get("cells", type=Array)) == 2, "the deletion has arrived")
    typed(ada)
    (peer,) = [peer for peer in relay.peers if peer.user == "ada"]
    # As the relay tells where it had heard of it before a deletion that was made offline.
    peer.say_first(event.encode("known", {"seq": 100}))
    relay.open_gate.set()
    for provider in (mine, his):
        await provider.synced()
    await until(lambda: texts(ada) == texts(ben), "both have the same")
    assert [id_ for id_, _ in texts(ada)] == ["a", "c"]


async def test_a_cell_that_two_have_moved_is_left_to_the_relay_to_settle(people: People) -> None:
    """Each of two who settled it could take out what the other leaves, and the cell would be gone."""

    def away(nb: Any) -> None:
        typed(nb)
        nb["c"].move(before="a")

    def here(nb: Any) -> None:
        nb["c"].move(before="b")
        nb["b"].delete()

    cells = await both(people, away, here)
    assert sorted(id_ for id_, _ in cells) == ["a", "b", "c", "c"]
    assert dict(cells)["b"] == "b = 1\nb = 2, mine\nb = 3"


async def test_a_cell_comes_back_once_behind_one_that_two_have_moved(people: People) -> None:
    def away(nb: Any) -> None:
        nb["a"].move(after="b")
        nb["c"].source = "c = 1, mine"

    def here(nb: Any) -> None:
        nb["a"].move(after="c")
        nb["c"].delete()

    cells = await both(people, away, here)
    assert sorted(id_ for id_, _ in cells) == ["a", "a", "b", "c"]
    assert dict(cells)["c"] == "c = 1, mine"
