"""Who may do what, on a real server with users, an authorizer that looks at paths, and rights that end."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest
from pycrdt import Doc, Text
from support.server import Server, until
from support.tab import Refused, Tab
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import rtc_widgets
from rtc_widgets.protocol import awareness, envelope, sync
from rtc_widgets.protocol.codec import Reader
from rtc_widgets.protocol.codes import CloseCode

# Tokens are names: ada may write, eve may read what does not lie in "secret/", mallory may nothing. A file named
# "frozen" next to the configuration takes everybody's right to write away.
CONFIG = """
from pathlib import Path
from jupyter_server.auth import Authorizer, IdentityProvider, User

FROZEN = Path(__file__).with_name("frozen")

class Names(IdentityProvider):
    def get_user(self, handler):
        name = handler.request.headers.get("Authorization", "").removeprefix("token ").removesuffix("-token-for-tests")
        name = {"a": "ada"}.get(name, name)
        handler._token_authenticated = True
        return User(name) if name in ("ada", "eve", "mallory") else None

class ByPath(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        if user.username == "mallory" and resource == "contents":
            return False
        if user.username == "eve" and (action != "read" or "/secret/" in handler.request.path):
            return False
        return not (FROZEN.exists() and action in ("write", "execute"))

c.ServerApp.identity_provider_class = Names
c.ServerApp.authorizer_class = ByPath
c.RelayApp.recheck_interval = 0.2
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("guarded"), config=CONFIG)
    yield server
    server.close()


async def test_a_viewer_reads_along_and_cannot_write_by_any_frame(guarded):
    path = guarded.notebook("a_viewer_reads_along_and_canno.ipynb", "x = 1")
    async with Tab(guarded, path) as ada:
        for frame in (sync.update, sync.step2):
            async with Tab(guarded, path, token="eve") as eve:
                assert eve.grant["role"] == "viewer" and eve.welcome.role == "viewer"
                ada.cell(0)["source"].insert(0, "# ")
                await eve.until(lambda: eve.sources == ada.sources, "the viewer reads along")
                stolen = Doc()
                stolen.get("mine", type=Text).insert(0, "stolen")
                eve.say(frame(stolen.get_update()))
                await eve.until(lambda: eve.closed, "the viewer is closed")
                assert eve.closed["code"] == CloseCode.READ_ONLY and "Ask its owner" in eve.closed["reason"]
        ada.cell(0)["source"].insert(0, "still here ")
        await ada.committed()
        await ada.save()
        assert guarded.sources(path) == ada.sources == ["still here # # x = 1"]


async def test_a_viewer_cannot_save(guarded):
    path = guarded.notebook("a_viewer_cannot_save.ipynb", "x = 1")
    async with Tab(guarded, path, token="eve") as eve:
        with pytest.raises(Refused) as refused:
            await eve.save()
        assert refused.value.code == CloseCode.READ_ONLY


async def test_nobody_writes_annotations_directly(guarded):
    path = guarded.notebook("nobody_writes_annotations_dire.ipynb", "x = 1")
    async with Tab(guarded, path, document="annotations") as ada:
        ada.doc.get("threads", type=Text).insert(0, "forged")
        await ada.until(lambda: ada.closed, "the document is closed")
        assert ada.closed["code"] == CloseCode.READ_ONLY


async def test_the_authorizer_sees_the_path(guarded):
    guarded.notebook("secret/a.ipynb", "x = 1")
    async with Tab(guarded, "secret/a.ipynb") as ada:
        assert ada.sources == ["x = 1"]
    with pytest.raises(Refused) as refused:
        await asyncio.to_thread(Tab(guarded, "secret/a.ipynb", token="eve").ask)
    assert refused.value.status == 403


async def test_who_may_nothing_gets_nothing(guarded):
    guarded.notebook("a.ipynb", "x = 1")
    with pytest.raises(Refused) as refused:
        await asyncio.to_thread(Tab(guarded, "a.ipynb", token="mallory").ask)
    assert refused.value.status == 403
    with pytest.raises(urllib.error.HTTPError) as unknown:
        await asyncio.to_thread(urllib.request.urlopen, f"{guarded.url}/api/rtc_widgets")
    with unknown.value:
        assert unknown.value.code == 403 and "code" not in json.load(unknown.value)
    for way, method in (("/api/rtc_widgets", "GET"), ("/api/rtc_widgets/rooms/a.ipynb", "PUT")):
        body = {"format": "json", "type": "notebook"} if method == "PUT" else None
        with pytest.raises(urllib.error.HTTPError) as known:
            await asyncio.to_thread(guarded.api, way, method, body, "mallory")
        with known.value:
            assert known.value.code == 403 and json.load(known.value)["code"] == CloseCode.NO_ACCESS


async def test_a_right_that_is_taken_away_ends(guarded):
    path = guarded.notebook("a_right_that_is_taken_away_end.ipynb", "x = 1")
    frozen = guarded.work / "config" / "frozen"
    async with Tab(guarded, path) as ada:
        frozen.touch()
        await ada.until(lambda: ada.events, "the tab is told")
        assert (ada.events[0].name, ada.events[0].params) == ("role", {"role": "viewer"})
        ada.cell(0)["source"].insert(0, "too late ")
        await ada.until(lambda: ada.closed, "the document is closed")
        assert ada.closed["code"] == CloseCode.READ_ONLY
    frozen.unlink()


async def test_a_right_that_is_taken_away_ends_for_stock_clients_too(guarded):
    path = guarded.notebook("stock-frozen.ipynb", "x = 1")
    frozen = guarded.work / "config" / "frozen"
    url = f"ws://127.0.0.1:{guarded.port}/api/rtc_widgets/yjs/{path}"
    async with (
        Tab(guarded, path) as ada,
        connect(url, additional_headers={"Authorization": "token ada"}) as socket,
    ):
        frozen.touch()
        await ada.until(lambda: ada.events, "rights were looked at again")
        late = Doc()
        while socket.close_code is None:
            # The two connections look at different times.
            late.get("mine", type=Text).insert(0, "x")
            with contextlib.suppress(ConnectionClosed):
                await socket.send(sync.update(late.get_update()))
                await asyncio.wait([asyncio.ensure_future(socket.wait_closed())], timeout=0.1)
        assert socket.close_code == 4403
    frozen.unlink()


async def test_nobody_is_told_of_under_another_name(guarded):
    path = guarded.notebook("forged-presence.ipynb", "x = 1")
    ada = {"username": "ada", "name": "Ada", "display_name": "Ada Lovelace", "avatar_url": "/ada.png"}
    url = f"ws://127.0.0.1:{guarded.port}/api/rtc_widgets/yjs/{path}"
    async with (
        Tab(guarded, path) as witness,
        Tab(guarded, path, token="eve") as eve,
        connect(url, additional_headers={"Authorization": "token eve"}) as stock,
    ):
        witness.say(_state(witness.doc.client_id, 1, user={"username": "ada"}, status="I am Ada"))
        await eve.until(lambda: witness.doc.client_id in eve.states, "Ada is seen")
        eve.say(_state(witness.doc.client_id, 9, user=ada, status="no, I am"))
        eve.say(_state(eve.doc.client_id, 1, user=ada, kind="kernel", cursors=[{"anchor": 1}]))
        await stock.send(_state(7, 1, user={**ada, "colorLight": "#fff"}, cursor={"anchor": 2}))
        await witness.until(lambda: {7, eve.doc.client_id} <= set(witness.states), "both are seen")
        await eve.until(lambda: 7 in eve.states, "by everybody")
        assert witness.doc.client_id not in witness.states, "nobody speaks for her"
        assert eve.states[witness.doc.client_id]["status"] == "I am Ada"
        for client, own in (
            (7, {"cursor": {"anchor": 2}}),
            (eve.doc.client_id, {"cursors": [{"anchor": 1}]}),
        ):
            said = dict(witness.states[client])
            user = said.pop("user")
            assert (user["username"], user["name"], user["display_name"]) == ("eve", "eve", "eve")
            assert user["avatar_url"] is None and said == own


def _state(client, clock, **said):
    state = awareness.State(client, clock, json.dumps(said))
    return awareness.encode(awareness.encode_states([state]))


async def test_a_stock_client_that_may_write_at_last_is_asked_for_what_it_has(serve):
    server = serve(config=CONFIG)
    path = server.notebook("stock-promoted.ipynb", "x = 1")
    frozen = server.work / "config" / "frozen"
    frozen.touch()
    url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/yjs/{path}"
    async with (
        Tab(server, path) as ada,
        connect(url, additional_headers={"Authorization": "token ada"}) as stock,
    ):
        assert ada.grant["role"] == "viewer"
        frozen.unlink()
        async with asyncio.timeout(20):
            while not (frame := await stock.recv()).startswith(b"\0\0"):
                pass
        replica = Doc()
        replica.get("mine", type=Text).insert(0, "kept")
        await stock.send(sync.step2(replica.get_update(sync.decode(Reader(frame[1:])).state_vector)))
        await ada.until(lambda: str(ada.doc.get("mine", type=Text)) == "kept", "what it had arrives")
        await ada.until(lambda: ada.events and ada.events[-1].params == {"role": "runner"}, "ours is told")
        ada.cell(0)["source"].insert(0, "y = ")
        await ada.committed()


HOOKED = (
    CONFIG
    + """
import asyncio

WORDS = Path(__file__).with_name("words")

async def role_hook(identity, path, role):
    await asyncio.sleep(0)
    word = WORDS.read_text() if WORDS.exists() else ""
    if word == "raise":
        raise LookupError("The directory of people is away.")
    if identity["username"] == "eve" and path == "shared/hooked.ipynb":
        return word or role
    return None if word == "nobody" else role

c.RelayApp.role_hook = role_hook
"""
)


async def test_a_deployment_has_the_last_word_on_a_role(serve):
    server = serve(config=HOOKED)
    path, other = server.notebook("shared/hooked.ipynb", "x = 1"), server.notebook("other.ipynb", "x = 1")
    words = server.work / "config" / "words"
    async with (
        Tab(server, path) as ada,
        Tab(server, path, token="eve") as eve,
        Tab(server, other, token="eve"),
    ):
        assert (ada.grant["role"], eve.grant["role"]) == ("runner", "viewer")
        for word in ("commenter", "editor", "runner", "viewer", "editor"):
            words.write_text(word)
            await eve.until(
                lambda: eve.events and eve.events[-1].params == {"role": word},  # noqa: B023
                f"she is a {word} on the same connection",
            )
        eve.cell(0)["source"].insert(0, "by eve: ")
        await ada.until(lambda: ada.sources == ["by eve: x = 1"], "and writes")
        assert not ada.events, "of Ada nothing else was said"


@pytest.mark.parametrize("word", ["raise", "emperor", "nobody"])
async def test_a_hook_that_fails_or_says_no_takes_all_rights(serve, word):
    server = serve(config=HOOKED)
    path = server.notebook("shared/hooked.ipynb", "x = 1")
    words = server.work / "config" / "words"
    who = "eve" if word == "emperor" else "ada"
    async with Tab(server, path, token=who) as tab:
        words.write_text(word)
        await tab.until(lambda: tab.closed, "who is in is closed")
        assert tab.closed["code"] == CloseCode.UNAUTHORIZED
    with pytest.raises(Refused) as refused:
        await asyncio.to_thread(Tab(server, path, token=who).ask)
    assert refused.value.status == 403
    said = "" if word == "nobody" else f"RelayApp.role_hook failed, so {who} has no access to '{path}'."
    assert said in server.log
    words.unlink()
    async with Tab(server, path, token=who) as tab:
        assert tab.sources == ["x = 1"]


SET_BACK = """
import time

NOW, BACK = time.time, Path(__file__).with_name("back")
time.time = lambda: NOW() - 3600 * BACK.exists()
"""


async def test_what_was_revoked_ends_also_after_the_clock_was_set_back(serve):
    server = serve(config=HOOKED + SET_BACK)
    path = server.notebook("shared/hooked.ipynb", "x = 1")
    config = server.work / "config"
    (config / "words").write_text("runner")
    url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/yjs/{path}"
    async with (
        Tab(server, path, token="eve") as eve,
        connect(url, additional_headers={"Authorization": "token eve"}) as stock,
    ):
        (config / "back").touch()
        # Looked up once more, by the time that was set for that before.
        (config / "words").write_text("editor")
        await eve.until(lambda: eve.events and eve.events[-1].params == {"role": "editor"}, "she writes")
        (config / "words").write_text("raise")
        await eve.until(lambda: eve.closed, "who is in is closed", timeout=30)
        assert eve.closed["code"] == CloseCode.UNAUTHORIZED
        await asyncio.wait_for(stock.wait_closed(), 30)
        assert stock.close_code == CloseCode.UNAUTHORIZED.websocket


# What a URL may say of a folder, so that neither an authorizer nor a hook knows it again.
ALIASES = [
    "./secret/a.ipynb",
    "other/../secret/a.ipynb",
    "%2e/secret/a.ipynb",
    "%252e/secret/a.ipynb",
    "secret%2fa.ipynb",
    "%73ecret/a.ipynb",
    "%2573ecret/a.ipynb",
    "/secret/a.ipynb",
    "%2Fsecret/a.ipynb",
    "secret//a.ipynb",
    "secret/a.ipynb/",
]


@pytest.mark.parametrize("alias", ALIASES)
async def test_a_file_has_one_path_by_which_it_is_decided_who_may(guarded, alias):
    guarded.notebook("secret/a.ipynb", "x = 1")
    (guarded.root / "other").mkdir(exist_ok=True)
    body = {"format": "json", "type": "notebook"}
    assert await asyncio.to_thread(_ask, guarded, "secret/a.ipynb", body, "eve") == 403
    assert await asyncio.to_thread(_ask, guarded, alias, body, "eve") in {403, 404}
    assert await asyncio.to_thread(_ask, guarded, alias, body, "ada") == 404
    async with _raw_socket(guarded, f"/api/rtc_widgets/yjs/{alias}") as (reader, _):
        # Whether it is refused before it is a WebSocket or after.
        said = await asyncio.wait_for(reader.read(), 30)
        assert b" 101 " not in said.split(b"\r\n")[0] or said.endswith(b"not-found")


@contextlib.asynccontextmanager
async def _raw_socket(server, path):
    """Ask for a WebSocket at just this path, which a client of HTTP would tidy."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: token ada\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    )
    writer.write(head.encode())
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _ask(server, path, body, token):
    """Return the status of the answer to a request for just this path."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(
        "PUT", f"/api/rtc_widgets/rooms/{path}", json.dumps(body), {"Authorization": f"token {token}"}
    )
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("name", ["50%25 of it.ipynb", "a%2Fb.ipynb", "a+b ü.ipynb", "%2e%2e.ipynb"])
async def test_a_name_that_looks_escaped_is_that_files(guarded, name):
    """And not another one's, whose name it would be if it were read twice."""
    guarded.notebook(name, "mine")
    guarded.notebook("50% of it.ipynb", "another's")
    async with Tab(guarded, urllib.parse.quote(name)) as tab:
        assert (tab.grant["path"], tab.sources) == (name, ["mine"])
    nb = await asyncio.to_thread(rtc_widgets.connect, guarded.url, token="ada", path=name)
    try:
        assert nb[0].source == "mine"
    finally:
        await asyncio.to_thread(nb.close)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("notebook", 400),
        (5, 400),
        ({"format": "text", "type": "notebook"}, 415),
        ({"format": "base64", "type": "notebook"}, 415),
        ({"format": "other", "type": "file"}, 415),
    ],
)
async def test_a_notebook_has_one_room(guarded, body, status):
    path = guarded.notebook("one-room.ipynb", "x = 1")
    assert await asyncio.to_thread(_ask, guarded, path, body, "ada") == status


async def test_a_hook_gives_nothing_to_who_may_not_read(serve):
    server = serve(config=CONFIG + 'c.RelayApp.role_hook = lambda identity, path, role: "runner"')
    path = server.notebook("a.ipynb", "x = 1")
    async with Tab(server, path, token="eve") as eve:
        assert eve.grant["role"] == "runner"
    with pytest.raises(Refused) as refused:
        await asyncio.to_thread(Tab(server, path, token="mallory").ask)
    assert refused.value.status == 403


SEEN = """
from pathlib import Path

def role_hook(identity, path, role):
    with Path(__file__).with_name("seen").open("a") as seen:
        seen.write(f"{identity['username']}\\n")
    return role

c.RelayApp.role_hook = role_hook
c.RelayApp.recheck_interval = 0.1
"""


async def test_who_has_only_the_servers_token_is_the_same_person_to_a_hook_all_the_time(serve):
    """Though jupyter_server makes up another name for each request without a cookie."""
    server = serve(config=SEEN)
    seen = server.work / "config" / "seen"
    async with Tab(server, server.notebook("a.ipynb", "x = 1")) as tab:
        await tab.until(lambda: len(seen.read_text().split()) > 4, "rights were looked up again")
        assert not tab.closed
    assert len(set(seen.read_text().split())) == 1


async def test_a_ticket_is_for_one_document_once(guarded):
    path = guarded.notebook("a_ticket_is_for_one_document_o.ipynb", "x = 1")
    async with Tab(guarded, path) as ada, Tab(guarded, path) as ben:
        data = {"versions": [1], "release": "0.1.0", "lineage": None}
        for ticket in (ada.grant["ticket"], "made up", None, 5):
            ben.say_raw(envelope.pack(envelope.close(ben.comm_id, "normal", "")))
            ben.closed = None
            ben.say_raw(envelope.pack(envelope.open_(ben.comm_id, {**data, "ticket": ticket})))
            await ben.until(lambda: ben.closed, "the open is refused")
            assert ben.closed["code"] == CloseCode.UNAUTHORIZED


async def test_no_token_no_socket(guarded):
    guarded.notebook("a.ipynb", "x = 1")
    for path in ("comms", "yjs/a.ipynb"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://127.0.0.1:{guarded.port}/api/rtc_widgets/{path}"):
                pass
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_a_foreign_origin_gets_no_socket(server, origin):
    """A page elsewhere rides on the cookie of a signed-in person; scripts with a token have no origin."""
    cookie = await asyncio.to_thread(_sign_in, server)
    url = f"ws://127.0.0.1:{server.port}/api/rtc_widgets/comms"
    async with connect(url, additional_headers={"Cookie": cookie}):
        pass
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, additional_headers={"Cookie": cookie}, origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_a_form_without_the_xsrf_token_opens_no_room(server):
    path = server.notebook("xsrf.ipynb", "x = 1")
    cookie = await asyncio.to_thread(_sign_in, server)
    request = urllib.request.Request(
        f"{server.url}/api/rtc_widgets/rooms/{path}",
        method="PUT",
        headers={"Cookie": cookie, "Content-Type": "application/json"},
        data=b'{"format": "json", "type": "notebook"}',
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        await asyncio.to_thread(urllib.request.urlopen, request)
    with refused.value:
        assert refused.value.code == 403


async def test_a_viewer_with_a_stock_client_cannot_write_either(guarded):
    path = guarded.notebook("a_viewer_with_a_stock_client_c.ipynb", "x = 1")
    async with Tab(guarded, path) as ada:
        headers = {"Authorization": "token eve"}
        url = f"ws://127.0.0.1:{guarded.port}/api/rtc_widgets/yjs/{path}"
        async with connect(url, additional_headers=headers) as socket:
            stolen = Doc()
            stolen.get("mine", type=Text).insert(0, "stolen")
            await socket.send(sync.update(stolen.get_update()))
            frames = [frame async for frame in _until_closed(socket)]
            assert not any(frame[:2] == b"\0\0" for frame in frames), "a viewer is not asked for its content"
            assert socket.close_code == 4403
        await ada.save()
        await asyncio.to_thread(until, lambda: guarded.sources(path) == ["x = 1"], "nothing was written")


async def _until_closed(socket):
    with contextlib.suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


def _sign_in(server) -> str:
    """Return the cookie header of a person who signed in with the token, as a browser does."""
    with urllib.request.urlopen(f"{server.url}/?token={server.token}") as response:
        response.read()
        request = response
    cookies = request.headers.get_all("Set-Cookie") or []
    if not any("username" in cookie for cookie in cookies):
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            opener.open(f"{server.url}/tree?token={server.token}")
        except urllib.error.HTTPError as redirected:
            with redirected:
                cookies = redirected.headers.get_all("Set-Cookie") or []
    return "; ".join(cookie.split(";")[0] for cookie in cookies)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None
