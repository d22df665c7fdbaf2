"""The provider, against a real room's document: conversations, broken lines, other lineages."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycrdt import Doc
from support.memory_relay import MemoryRelay
from support.providers import People, cell, notebook, until

from rtc_widgets.channels.backoff import Backoff
from rtc_widgets.documents.datafile import handle_of
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.link import LinkState
from rtc_widgets.documents.threads import Author, read_threads
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.origins import Origin
from rtc_widgets.protocol import awareness, event, peer, request, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.provider import Provider
from rtc_widgets.roles import Role
from rtc_widgets.rooms.annotate import Actor, Annotator


@pytest.fixture
async def people() -> AsyncIterator[People]:
    people = People()
    yield people
    await people.aclose()


async def test_ready_when_it_has_started(people: People) -> None:
    relay = people.relay(content="Zoë 🦉")
    text, provider = await people.join(relay)
    assert text.text == "Zoë 🦉"
    assert provider.state is LinkState.LIVE
    assert provider.role is Role.EDITOR


async def test_two_people_write_and_what_is_synced_is_in_the_log(people: People) -> None:
    relay = people.relay()
    ada, ada_provider = await people.join(relay, "ada")
    ben, ben_provider = await people.join(relay, "ben")
    ada.append("a")
    ben.append("b")
    await asyncio.gather(ada_provider.synced(), ben_provider.synced())
    assert ada_provider.unsaved == ben_provider.unsaved == 0
    await until(lambda: ada.text == ben.text and len(ada.text) == 2)
    entries = [entry async for entry in relay.store.read(relay.document.comm_id)]
    assert {entry.author for entry in entries} == {"ada", "ben"}


async def test_a_burst_is_few_messages(people: People) -> None:
    relay = people.relay()
    ada, provider = await people.join(relay)
    for _ in range(1000):
        ada.append("x")
    await provider.synced()
    assert relay.text == "x" * 1000
    assert len(relay.peers[0].received) < 40


async def test_nothing_is_lost_offline_on_either_side(people: People) -> None:
    relay = people.relay(content="x")
    ada, ada_provider = await people.join(relay, "ada")
    ben, ben_provider = await people.join(relay, "ben")
    states: list[LinkState] = []
    ada_provider.on_state(states.append)
    for number in range(5):
        relay.away = True
        relay.drop()
        ada.append(f" a{number}")
        await until(lambda: ada_provider.state is LinkState.OFFLINE)
        ben.append(f" b{number}")
        barrier = asyncio.create_task(ada_provider.synced())
        await asyncio.sleep(0)
        assert not barrier.done()
        relay.away = False
        await barrier
        await ben_provider.synced()
        await until(lambda: ada.text == ben.text == relay.text)
    assert sorted(ada.text.split()) == sorted(["x"] + [f"{who}{n}" for who in "ab" for n in range(5)])
    assert states == [LinkState.OFFLINE, LinkState.LIVE] * 5


async def test_what_the_relay_lost_with_a_crash_is_brought_back(people: People) -> None:
    """A kill -9 before the commit: the log has less than the replicas."""
    relay = people.relay(content="x")
    ada, provider = await people.join(relay)
    before = relay.document.doc.get_update()
    ada.append(" typed")
    await provider.synced()
    from pycrdt import Doc

    from rtc_widgets.rooms.document import RoomDocument

    doc: Doc[Any] = Doc()
    doc.apply_update(before)
    old = relay.document
    relay.drop()
    relay.document = RoomDocument("again", "content", doc, old.lineage, relay.store)
    await until(lambda: relay.text == "x typed")
    await old.aclose()


async def test_large_frames_travel_in_parts_both_ways(people: People) -> None:
    relay = people.relay(content="h" * 300_000, limits=Limits(frame=4096))
    ada, provider = await people.join(relay)
    assert ada.text == "h" * 300_000
    ada.text = "k" * 500_000
    await provider.synced()
    assert relay.text == "k" * 500_000
    assert max(map(len, relay.peers[0].received)) < 4096 + 20


async def test_twelve_megabytes(people: People) -> None:
    relay = people.relay()
    ada, provider = await people.join(relay)
    ada.text = "z" * (12 * 2**20)
    await provider.synced()
    ben, _ = await people.join(relay, "ben")
    assert len(ben.text) == 12 * 2**20


async def test_many_threads_write_while_the_line_breaks(people: People) -> None:
    relay = people.relay()
    ada, provider = await people.join(relay)
    ben, _ = await people.join(relay, "ben")

    def write(name: str) -> None:
        for number in range(100):
            ada.append(f" {name}{number}")
            time.sleep(0.0005)

    threads = [threading.Thread(target=write, args=(name,)) for name in "pqrstuvw"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        relay.drop()
        await asyncio.sleep(0.02)
    await provider.synced()
    expected = sorted(f"{name}{number}" for name in "pqrstuvw" for number in range(100))
    await until(lambda: sorted(ben.text.split()) == expected)
    assert sorted(ada.text.split()) == expected


# --------------------------------------------------------------------------------------------- another lineage


async def test_a_new_lineage_replaces_the_document_without_doubling_it(people: People) -> None:
    relay = people.relay("notebook", notebook(cell("a", "x = 1"), cell("b", "y = 2")))
    nb, provider = await people.join(relay)
    handle = nb["a"]
    relay.seed(notebook(cell("a", "x = 10"), cell("c", "z = 3")))
    await until(lambda: [c.source for c in nb] == ["x = 10", "z = 3"])
    assert handle.source == "x = 10"
    assert provider.recoveries == []
    assert relay.opened[-2:] != [None, None] and relay.opened[-1] is None
    nb[0].source += "  # still live"
    await provider.synced()


async def test_what_was_not_acknowledged_is_applied_again_by_cell_id(people: People) -> None:
    relay = people.relay("notebook", notebook(cell("a", "x = 1"), cell("b", "y = 2"), cell("c", "z = 3")))
    nb, provider = await people.join(relay)
    nb["a"].source += "  # acknowledged"
    await provider.synced()
    relay.away = True
    relay.drop()
    nb["b"].source = "y = 2  # mine"
    nb.append("new = 1")
    nb["c"].delete()
    barrier = asyncio.create_task(provider.synced())
    relay.seed(
        notebook(cell("z", "first"), cell("a", "x = 1"), cell("b", "# theirs\ny = 2"), cell("c", "z = 3"))
    )
    relay.away = False
    await barrier
    sources = [c.source for c in nb]
    # The deletion is not repeated; the acknowledged edit went with the old document, as the file had it without.
    assert sorted(sources) == sorted(["first", "x = 1", "# theirs\ny = 2  # mine", "z = 3", "new = 1"])
    assert sources.index("first") == 0
    ben, _ = await people.join(relay, "ben")
    assert [c.source for c in ben] == sources
    assert len(provider.recoveries) == 1 and provider.recoveries[0].conflicts == []


async def test_a_text_is_merged_with_the_new_document(people: People) -> None:
    relay = people.relay(content="one\ntwo\nthree\n")
    ada, provider = await people.join(relay)
    relay.away = True
    relay.drop()
    ada.text = "one\ntwo\nthree, mine\n"
    relay.seed("one, theirs\ntwo\nthree\n")
    relay.away = False
    await until(lambda: ada.text == "one, theirs\ntwo\nthree, mine\n")
    await provider.synced()
    assert relay.text == ada.text


async def test_threads_write_while_the_document_is_started_anew(people: People) -> None:
    """Nobody sees an empty notebook, and no cell is lost or doubled."""
    relay = people.relay("notebook", notebook(cell("a", "x = 1")))
    nb, provider = await people.join(relay)
    stop = threading.Event()
    written: dict[str, list[str]] = {}
    shortest = []

    def write(name: str) -> None:
        mine = written.setdefault(name, [])
        while not stop.is_set():
            source = f"{name} {len(mine)}"
            nb.append(source)
            mine.append(source)
            shortest.append(len(nb))
            time.sleep(0.001)

    threads = [threading.Thread(target=write, args=(name,)) for name in "pq"]
    for thread in threads:
        thread.start()
    try:
        for number in range(5):
            await asyncio.sleep(0.05)
            before = len(relay.opened)
            content = [{**c, "id": c["id"]} for c in nb.to_dict()["cells"]]
            relay.seed(notebook(*content, cell(f"s{number}", f"seeded {number}")))
            await until(lambda before=before: len(relay.opened) > before and provider.state is LinkState.LIVE)
            await until(lambda: len(provider.recoveries) >= 0)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    await provider.synced()
    sources = [c.source for c in nb]
    assert len(sources) == len(set(sources)), "nothing is doubled"
    assert {source for mine in written.values() for source in mine} <= set(sources), "nothing is lost"
    assert min(shortest) > 1


# ------------------------------------------------------------------------------------------------------ rights


async def test_a_viewer_is_refused_here_before_anything_is_sent(people: People) -> None:
    relay = people.relay("notebook", notebook(cell("a", "x = 1")))
    relay.role = Role.VIEWER
    nb, provider = await people.join(relay)
    with pytest.raises(NotConnected, match=r"may read .* but not change it"):
        nb[0].source = "stolen"
    assert nb[0].source == "x = 1"
    assert relay.peers[0].received == []
    await provider.synced()


async def test_rights_that_are_given_let_write_and_those_taken_refuse(people: People) -> None:
    relay = people.relay(content="x")
    relay.role = Role.VIEWER
    ada, provider = await people.join(relay)
    relay.tell_role(Role.EDITOR)
    await until(lambda: provider.role is Role.EDITOR and provider.state is LinkState.LIVE)
    ada.append("y")
    await provider.synced()
    relay.tell_role(Role.VIEWER)
    await until(lambda: provider.role is Role.VIEWER)
    with pytest.raises(NotConnected):
        ada.append("z")
    assert relay.text == "xy"


async def test_what_was_written_offline_and_may_not_be_any_more_is_said(people: People) -> None:
    relay = people.relay(content="x")
    ada, provider = await people.join(relay)
    relay.away = True
    relay.drop()
    ada.append("y")
    barrier = asyncio.create_task(provider.synced())
    await asyncio.sleep(0.01)
    relay.role = Role.VIEWER
    relay.away = False
    with pytest.raises(ChannelClosed, match="save a copy") as closed:
        await barrier
    assert closed.value.code == CloseCode.READ_ONLY
    assert ada.text == "xy", "the text is still here"
    assert relay.text == "x"


# ------------------------------------------------------------------------------------------------------- ends


@pytest.mark.parametrize("code", [CloseCode.BAD_FRAME, CloseCode.TOO_LARGE, CloseCode.UNAUTHORIZED])
async def test_a_close_for_good_is_an_exception_and_refuses_writes(people: People, code: CloseCode) -> None:
    relay = people.relay(content="x")
    ada, provider = await people.join(relay)
    relay.document.expel(relay.peers[0], code, code.sentence)
    await until(lambda: provider.state is LinkState.CLOSED)
    assert provider.closed is not None and provider.closed.code == code
    with pytest.raises(NotConnected, match=code):
        ada.append("y")
    with pytest.raises(ChannelClosed):
        await provider.request("save")
    assert ada.text == "x"


@pytest.mark.parametrize("code", [CloseCode.NOT_FOUND, CloseCode.OTHER_PROVIDER, CloseCode.UNAUTHORIZED])
async def test_a_refusal_at_the_start_is_raised(people: People, code: CloseCode) -> None:
    relay = people.relay()
    relay.refusal = ChannelClosed(code, code.sentence)
    with pytest.raises(ChannelClosed) as refused:
        await people.join(relay)
    assert refused.value.code == code


async def test_where_nobody_answers_the_start_says_so(people: People) -> None:
    relay = people.relay()
    relay.away = True
    with pytest.raises(NotConnected):
        await people.join(relay)


async def test_a_frame_that_does_not_parse_ends_the_document(people: People) -> None:
    relay = people.relay(content="x")
    _, provider = await people.join(relay)
    await relay.peers[0].channel.send(b"\0\7")
    await until(lambda: provider.state is LinkState.CLOSED)
    assert provider.closed is not None and provider.closed.code == CloseCode.BAD_FRAME


async def test_unknown_frames_are_ignored(people: People) -> None:
    relay = people.relay(content="x")
    ada, provider = await people.join(relay)
    await relay.peers[0].channel.send(b"\x7fsomething")
    ada.append("y")
    await provider.synced()


async def test_after_closing_nothing_is_left(people: People) -> None:
    relay = people.relay(content="x")
    ada, provider = await people.join(relay)
    await provider.aclose()
    await provider.aclose()
    await until(lambda: not relay.document.peers)
    with pytest.raises(NotConnected):
        ada.append("y")


# ---------------------------------------------------------------------------------- requests, events, presence


async def test_a_request_comes_after_the_edits_and_is_answered(people: People) -> None:
    relay = people.relay()
    ada, provider = await people.join(relay)
    seen = []

    async def answer(asker: Any, asked: request.Request) -> Any:
        seen.append((asked.method, relay.text))
        if asked.method == "no":
            raise ChannelClosed("read-only", "Not you.")
        return {"hash": "h"}

    relay.document.on_request = answer
    ada.append("first")
    assert await provider.save() == {"hash": "h"}
    assert seen == [("save", "first")]
    with pytest.raises(ChannelClosed, match="Not you") as refused:
        await provider.request("no")
    assert refused.value.code == "read-only"


async def test_a_save_outlives_a_broken_line_and_a_request_does_not(people: People) -> None:
    relay = people.relay()
    _, provider = await people.join(relay)
    count = 0

    async def answer(asker: Any, asked: request.Request) -> Any:
        nonlocal count
        count += 1
        if count <= 2:
            await asyncio.sleep(60)
        return {}

    relay.document.on_request = answer
    saving = asyncio.create_task(provider.save())
    await until(lambda: count == 1)
    asking = asyncio.create_task(provider.request("once"))
    await until(lambda: count == 2)
    relay.drop()
    with pytest.raises(NotConnected, match="before it answered"):
        await asking
    assert await saving == {}


async def test_a_request_that_nobody_answers_ends(people: People) -> None:
    relay = people.relay()
    _, provider = await people.join(relay)
    relay.open_gate.clear()
    with pytest.raises(NotConnected, match="did not answer within"):
        await provider.request("save", timeout=0.05)
    relay.open_gate.set()


async def test_events_are_told_and_a_rename_is_followed(people: People) -> None:
    relay = people.relay()
    _, provider = await people.join(relay)
    told: list[event.Event] = []
    provider.on_event(told.append)
    relay.document.tell("renamed", {"path": "b.ipynb"})
    relay.document.tell("notice", {"level": "info", "code": "merged", "message": "m"})
    await until(lambda: len(told) == 2)
    assert provider.path == "b.ipynb"
    assert told[1].params["code"] == "merged"


class Said:
    """A presence of one state."""

    def __init__(self, client: int) -> None:
        self.client = client
        self.heard: dict[int, str] = {}

    def introduce(self) -> bytes:
        return awareness.encode_states([awareness.State(self.client, 1, '{"user": "me"}')])

    def receive(self, update: bytes) -> None:
        self.heard |= {state.client: state.json for state in awareness.decode_states(update)}

    def forget(self) -> None:
        self.heard.clear()

    def origin(self, update: bytes) -> Origin:
        return Origin("remote", "somebody")


async def test_presence_travels_and_returns_after_a_reconnect(people: People) -> None:
    relay = people.relay()
    ada, ben = Said(11), Said(22)
    _, ada_provider = await people.join(relay, "ada", presence=ada)
    _, ben_provider = await people.join(relay, "ben", presence=ben)
    await until(lambda: 11 in ben.heard and 22 in ada.heard)
    ada_provider.tell(awareness.encode_states([awareness.State(11, 2, '{"cell": "a"}')]))
    await until(lambda: ben.heard[11] == '{"cell": "a"}')
    relay.drop()
    await until(lambda: ben_provider.state is LinkState.LIVE and 11 in ben.heard and 22 in ada.heard)


# --------------------------------------------------------------------------------------------------- convergence


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["ada", "ben", "drop", "away", "back", "turn"]),
            st.integers(0, 20),
            st.sampled_from(["a", "é", "🦉", "\n", "word "]),
        ),
        max_size=40,
    )
)
def test_everybody_ends_with_the_same_text(steps: list[tuple[str, int, str]]) -> None:
    async def play() -> None:
        people = People()
        relay = people.relay(content="start")
        texts = {name: (await people.join(relay, name)) for name in ("ada", "ben")}
        count = 0
        for what, place, text in steps:
            if what in texts:
                texts[what][0].insert(place, text)
                count += len(text)
            elif what == "drop":
                relay.drop()
            elif what == "turn":
                await asyncio.sleep(0.003)
            else:
                relay.away = what == "away"
        relay.away = False
        await asyncio.gather(*(provider.synced() for _, provider in texts.values()))
        await until(lambda: texts["ada"][0].text == texts["ben"][0].text == relay.text)
        assert len(texts["ada"][0].text) == len("start") + count
        await people.aclose()

    asyncio.run(play())


def test_what_is_sent_says_how_many_updates_it_holds() -> None:
    """The pure part: an acknowledgement frees what travelled in that message, and no more."""
    from rtc_widgets.documents.unacknowledged import Unacknowledged

    unacknowledged = Unacknowledged()
    document = LiveDocument()
    text = handle_of(document, "file")
    updates: list[bytes] = []
    document.on_update(lambda update, _: updates.append(update))
    for letter in "abcd":
        text.append(letter)
    for update in updates:
        unacknowledged.wrote(update)
    assert unacknowledged.base("file") == ""
    unacknowledged.sent(3, 2)
    unacknowledged.sent(4, 1)
    unacknowledged.acknowledge(3)
    assert (unacknowledged.safe, unacknowledged.waiting, unacknowledged.empty) == (2, 1, False)
    assert unacknowledged.base("file") == "ab"
    unacknowledged.unsent()
    assert unacknowledged.waiting == 2
    unacknowledged.sent(1, 2)
    unacknowledged.acknowledge(1)
    assert unacknowledged.empty and unacknowledged.base("file") == "abcd"
    assert isinstance(peer.decode(sync.update(updates[0])), sync.Update)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["ask", "drop", "away", "back", "deaf", "hears", "turn"]), st.integers(0, 3)
        ),
        max_size=30,
    )
)
def test_what_is_asked_until_it_is_answered_happens_once(steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        relay = MemoryRelay("file", "text")
        notes: Doc[Any] = Doc()
        annotator = Annotator(notes, lambda _: True)
        ada = Actor(Author("ada", "person", "Ada"), Role.EDITOR)

        async def carry_out(_peer: Any, asked: request.Request) -> Any:
            answer = annotator.carry_out(ada, asked.method, asked.params)
            await asyncio.sleep(0)  # the log; the connection may break meanwhile
            return answer

        relay.document.on_request = carry_out
        document = LiveDocument()
        provider = Provider(
            document, "a.txt", "file", relay.opener("ada"), backoff=Backoff(first=0.001, most=0.002)
        )
        await provider.start()
        asked: list[asyncio.Task[Any]] = []
        anchor = {"kind": "document"}
        for what, number in steps:
            match what:
                case "ask":
                    params = {
                        "thread": f"t{number}",
                        "comment": f"c{len(asked)}",
                        "body": "x",
                        "anchor": anchor,
                    }
                    asked.append(asyncio.create_task(provider.ask("comments.add", params)))
                case "drop":
                    relay.drop()
                case "away" | "back":
                    relay.away = what == "away"
                case "deaf":
                    relay.open_gate.clear()
                case "hears":
                    relay.open_gate.set()
                case _:
                    for _ in range(number + 1):
                        await asyncio.sleep(0.001)
        relay.away = False
        relay.open_gate.set()
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*asked)
        said = [comment.id for thread in read_threads(notes).values() for comment in thread.comments]
        assert sorted(said) == sorted(f"c{number}" for number in range(len(asked)))
        assert sorted(answer["comment"] for answer in answers) == sorted(said)
        await provider.aclose()
        await relay.aclose()

    asyncio.run(play())
