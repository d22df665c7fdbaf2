"""What people who were let in do with comments in bad faith, on a real server: refused, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pycrdt import Doc, Map
from support.names import CONFIG
from support.server import Server
from support.tab import Refused, Tab
from websockets.asyncio.client import connect

from rtc_widgets.documents.threads import Author, ThreadValue, read_people, read_threads
from rtc_widgets.ids import new_client_id
from rtc_widgets.protocol import awareness, envelope, request, sync
from rtc_widgets.protocol.codes import CloseCode

DOCUMENT = {"kind": "document"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    server = Server(tmp_path_factory.mktemp("attacked"), config=CONFIG)
    yield server
    server.close()


def comments(server: Server, path: str, who: str | None = None) -> Tab:
    return Tab(server, path, document="annotations", token=who)


def threads(tab: Tab) -> dict[str, ThreadValue]:
    return read_threads(tab.doc)


async def refused(tab: Tab, method: str, **params: Any) -> str | None:
    with pytest.raises(Refused) as caught:
        await tab.request(f"comments.{method}", **params)
    return caught.value.code


async def test_no_field_of_a_request_says_who_asks(guarded: Server) -> None:
    path = guarded.notebook("forged.ipynb", "x = 1")
    ada = {"user": "ada", "kind": "person", "name": "Ada", "username": "ada", "display_name": "Ada"}
    lies = {
        **dict.fromkeys(("by", "author", "user", "identity", "actor", "creator"), ada),
        "role": "editor",
        "kind": "kernel",
        "name": "Ada",
        "at": 1,
        "n": 7,
        "number": 99,
        "edited": 5,
        "deleted": {"by": ada, "at": 1},
        "claimed": True,
        "ops": ["x"],
        "state": "resolved",
    }
    async with Tab(guarded, path, token="bob") as bob, comments(guarded, path) as notes:
        state = awareness.State(new_client_id(), 1, json.dumps({"user": ada, "kind": "kernel"}))
        bob.say(awareness.encode(awareness.encode_states([state])))
        params = {**lies, "thread": "t", "comment": "c", "body": "Signed?", "anchor": DOCUMENT}
        assert (await bob.request("comments.add", **params))["number"] == 1
        (thread,) = (await notes.until(lambda: threads(notes), "it is here")).values()
        (comment,) = thread.comments
        assert comment.by == thread.by == Author("bob", "person", "Bob")
        assert (comment.n, comment.deleted, comment.edited, thread.state) == (0, None, None, "open")
        assert comment.at > 1_700_000_000
        assert set(read_people(notes.doc)) == {"bob"}


@pytest.mark.parametrize("who", [None, "bob", "eve"], ids=["editor", "commenter", "viewer"])
@pytest.mark.parametrize("frame", [sync.update, sync.step2], ids=["update", "step 2"])
async def test_who_writes_annotations_without_asking_is_shown_the_door(
    guarded: Server, who: str | None, frame: Any
) -> None:
    path = guarded.notebook(f"written-{who}-{frame.__name__}.ipynb", "x = 1")
    async with Tab(guarded, path) as ada, comments(guarded, path) as notes:
        await ada.request("comments.add", thread="t", comment="c", body="Mine.", anchor=DOCUMENT)
        async with comments(guarded, path, who) as eve:
            before = eve.doc.get_state()
            eve.forget()
            shared = eve.doc.get("threads", type=Map)
            shared["t"]["comments"]["c"] = {"n": 0, "by": {"user": "ada"}, "body": "Forged.", "at": 1.0}
            shared["u"] = Map({"number": 9, "state": "open"})
            eve.doc.get("people", type=Map)["ada"] = {"display_name": "Eve"}
            eve.say(frame(eve.doc.get_update(before)))
            await eve.until(lambda: eve.closed, "the writer is closed")
            assert eve.closed is not None
            assert eve.closed["code"] == CloseCode.READ_ONLY
            assert "read" in eve.closed["reason"]
        await ada.request("comments.add", thread="t", comment="d", body="Still mine.")
        await notes.until(lambda: len(threads(notes)["t"].comments) == 2, "the reply is here")
        assert [one.body for one in threads(notes)["t"].comments] == ["Mine.", "Still mine."]
        assert set(threads(notes)) == {"t"} and read_people(notes.doc)["ada"]["display_name"] == "Ada"
        async with comments(guarded, path, who) as again:
            assert threads(again) == threads(notes)


async def test_any_yjs_client_reads_annotations_and_writes_none(guarded: Server) -> None:
    path = guarded.notebook("yjs.ipynb", "x = 1")
    url = f"ws://127.0.0.1:{guarded.port}/api/rtc_widgets/yjs/{path}?document=annotations"
    async with (
        comments(guarded, path) as notes,
        connect(url, additional_headers={"Authorization": f"token {guarded.token}"}) as socket,
    ):
        forged: Doc[Any] = Doc()
        forged.get("threads", type=Map)["t"] = Map({"number": 1})
        await socket.send(sync.update(forged.get_update()))
        await asyncio.wait_for(socket.wait_closed(), 20)
        assert socket.close_code == CloseCode.READ_ONLY.websocket
        assert threads(notes) == {}


async def test_anothers_ids_and_words_are_nobodys_to_use(guarded: Server) -> None:
    path = guarded.notebook("anothers.ipynb", "x = 1")
    other = guarded.notebook("other.ipynb", "x = 1")
    first = {"thread": "t", "comment": "c", "body": "Mine.", "anchor": DOCUMENT}
    async with (
        Tab(guarded, path) as ada,
        Tab(guarded, path, token="bob") as bob,
        Tab(guarded, path, token="eve") as eve,
        Tab(guarded, other, token="bob") as elsewhere,
        comments(guarded, path) as notes,
    ):
        await ada.request("comments.add", **first)
        await notes.until(lambda: threads(notes), "it is here")
        before = threads(notes)
        # What Ada asked, once more: it is done, and still hers.
        assert (await bob.request("comments.add", **first))["number"] == 1
        assert await refused(bob, "add", **{**first, "body": "Bob's."}) == "bad-request"
        for method, more in (
            ("edit", {"comment": "c", "body": "Bob's.", "op": "o"}),
            ("delete", {"comment": "c"}),
            ("delete", {}),
            ("resolve", {"op": "o"}),
            ("reopen", {"op": "o"}),
            ("attach", {"op": "o", "anchor": DOCUMENT}),
        ):
            assert await refused(bob, method, thread="t", **more) == "not-yours", method
            assert await refused(eve, method, thread="t", **more) == "read-only", method
            gone = await refused(elsewhere, method, thread="t", **more)
            assert gone == "no-thread", "a thread of another notebook is none of this one"
        assert await refused(eve, "add", thread="u", comment="d", body="x", anchor=DOCUMENT) == "read-only"
        assert await refused(bob, "mirror", mirror="always") == "read-only"
        assert threads(notes) == before
        await ada.request("comments.delete", thread="t")
        assert await refused(bob, "add", thread="t", comment="d", body="But!") == "no-thread"
        assert await refused(ada, "edit", thread="t", comment="c", body="x", op="p") == "no-thread"


async def test_what_is_too_large_or_no_text_is_refused_and_the_connection_stays(guarded: Server) -> None:
    path = guarded.notebook("bodies.ipynb", "x = 1")
    async with Tab(guarded, path, token="bob") as bob:
        begin = {"thread": "t", "comment": "c", "anchor": DOCUMENT}
        assert await refused(bob, "add", **begin, body="é" * 2_000_000) == "too-large"
        deep: Any = "x"
        for _ in range(500):
            deep = [deep]
        assert await refused(bob, "add", **begin, body=deep) == "bad-request"
        assert await refused(bob, "add", **{**begin, "anchor": deep}, body="x") == "bad-request"
        for half in ({"body": "\\ud83d"}, {"body": "x", "mentions": ["\\ud83d"]}):
            text = json.dumps({**begin, **half}).replace("\\\\ud83d", "\\ud83d")
            number = bob.ask_for("x") + 1000
            bob.say(_request(number, "comments.add", text))
            with pytest.raises(Refused) as caught:
                await bob.answer(number)
            assert caught.value.code == "bad-request" and "half of a character" in caught.value.message
        bob.say(_request(5000, "private.draft", '{"key": "t", "text": "\\ud83d"}'))
        with pytest.raises(Refused) as caught:
            await bob.answer(5000)
        assert caught.value.code == "bad-request"
        assert await bob.request("private.get") == {"read": {}, "drafts": {}}
        assert bob.closed is None


def _request(number: int, method: str, text: str) -> bytes:
    """Return a request with the parameters as they are written here."""
    good = request.encode_request(number, method, {})
    assert good.endswith(b"\x02{}")
    data = text.encode()
    assert len(data) < 2**14
    return good[:-3] + bytes([len(data) & 127 | 128, len(data) >> 7]) + data


async def test_ten_thousand_requests_in_a_second_end_the_connection_that_sends_them(guarded: Server) -> None:
    path = guarded.notebook("flood.ipynb", "x = 1")
    async with Tab(guarded, path) as ada, Tab(guarded, path, token="bob") as bob:
        frames = [
            request.encode_request(n, "comments.add", {"thread": f"t{n}", "comment": "c", "body": "x"})
            for n in range(1, 10_001)
        ]
        for seq, start in enumerate(range(0, len(frames), 2_500), start=bob.sent + 1):
            message = envelope.comm(bob.comm_id, frames[start : start + 2_500], {"seq": seq})
            bob.say_raw(envelope.pack(message))
        await bob.until(lambda: bob.closed or bob.hung_up, "who floods is closed")
        assert bob.hung_up == 4429 or (bob.closed is not None and bob.closed["code"] == CloseCode.TOO_MANY)
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
        assert ada.closed is None and ada.hung_up is None


async def test_a_state_that_breaks_pages_reaches_none(guarded: Server) -> None:
    path = guarded.notebook("states.ipynb", "x = 1")
    async with Tab(guarded, path) as ada:
        for text in ('{"user": NaN}', "[" * 50_000):
            async with Tab(guarded, path, token="eve") as eve:
                client = new_client_id()
                state = awareness.encode_states([awareness.State(client, 1, text)])
                eve.say(awareness.encode(state))
                await eve.until(lambda eve=eve: eve.closed, "the sender is closed")
                assert eve.closed is not None and eve.closed["code"] == CloseCode.BAD_FRAME
                assert client not in ada.states
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()


async def test_an_author_in_a_file_is_not_taken_for_one_who_signed_in(guarded: Server) -> None:
    path = guarded.notebook("file.ipynb", "x = 1")
    notebook = guarded.read(path)
    body = {"type": "TextualBody", "value": "I, Ada, approve.", "id": "urn:rtc_widgets:comment:c"}
    creator = {"type": "Person", "name": "Ada", "nickname": "ada"}
    item = {"id": "urn:rtc_widgets:thread:t", "type": "Annotation", "creator": creator, "body": [body]}
    notebook["metadata"]["rtc_widgets"] = {"comments": {"items": [item]}}
    guarded.write(path, notebook)
    async with Tab(guarded, path) as ada, comments(guarded, path) as notes:
        await notes.until(lambda: threads(notes), "it is shown")
        (comment,) = threads(notes)["t"].comments
        assert comment.by == Author("ada", "person", "Ada", claimed=True)
        assert read_people(notes.doc) == {}
        edit = {"thread": "t", "comment": "c", "body": "x", "op": "o"}
        assert await refused(ada, "edit", **edit) == "not-yours"
        # Nor does a file change what was signed here.
        await ada.request("comments.add", thread="t", comment="d", body="I never said so.")
        forged = json.loads(json.dumps(notebook))
        more = {
            **body,
            "id": "urn:rtc_widgets:comment:d",
            "value": "I did.",
            "modified": "2026-11-01T00:00:00Z",
        }
        forged["metadata"]["rtc_widgets"]["comments"]["items"][0]["body"] += [
            more,
            {**body, "id": "urn:rtc_widgets:comment:e", "value": "Me too."},
        ]
        await ada.save()
        guarded.write(path, forged)
        await notes.until(lambda: len(threads(notes)["t"].comments) == 3, "what is new is here")
        told = [(one.body, one.by.claimed) for one in threads(notes)["t"].comments]
        assert told == [("I, Ada, approve.", True), ("I never said so.", False), ("Me too.", True)]


async def test_the_copy_is_no_content_that_anybody_could_write(guarded: Server) -> None:
    path = guarded.notebook("content.ipynb", "x = 1")
    async with Tab(guarded, path) as ada, comments(guarded, path) as notes:
        item = {"id": "x", "type": "Annotation", "creator": "Bob", "body": "Forged."}
        ada.doc.get("meta", type=Map)["metadata"]["rtc_widgets"] = {"comments": {"items": [item]}, "own": 1}
        ada.cell(0)["source"].insert(0, "# ")
        await ada.save()
        assert guarded.sources(path) == ["# x = 1"]
        assert guarded.read(path)["metadata"]["rtc_widgets"] == {"own": 1}
        saved = (await ada.save())["last_modified"]
        assert (await ada.save())["last_modified"] == saved, "and it is not saved for ever"
        assert threads(notes) == {}


@pytest.mark.parametrize("number", [2**62, 10**30, -1, True, 1.5, "7"])
async def test_a_number_in_a_file_does_not_spoil_those_to_come(guarded: Server, number: Any) -> None:
    path = guarded.notebook(f"number-{number}.ipynb", "x = 1")
    notebook = guarded.read(path)
    item = {"id": "a", "type": "Annotation", "body": "Hm.", "rtc_widgets": {"number": number}}
    notebook["metadata"]["rtc_widgets"] = {"comments": {"items": [item]}}
    guarded.write(path, notebook)
    async with Tab(guarded, path) as ada, comments(guarded, path) as notes:
        await notes.until(lambda: threads(notes), "it is shown")
        assert threads(notes)["a"].number == 1
        answer = await ada.request("comments.add", thread="t", comment="c", body="x", anchor=DOCUMENT)
        assert answer["number"] == 2
        await ada.save()
        assert await asyncio.to_thread(guarded.sources, path) == ["x = 1"]
