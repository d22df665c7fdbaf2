"""A server on a JupyterHub that its owner shares: who people are, what they may do there, and rights that end."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
import urllib.error
from collections.abc import Iterator
from contextlib import closing

import pytest
from support.hub import BY_GROUP, SHARES, Hub, HubServer
from support.server import until
from support.tab import Refused, Tab
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

import rtc_widgets
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.protocol.codes import CloseCode

pytestmark = pytest.mark.timeout(120)

SAYS_AWAY = "cannot be told now, and stays as it was"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = Hub(tmp_path_factory.mktemp("hub"), SHARES, BY_GROUP)
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def adas(hub: Hub) -> HubServer:
    return hub.serve("ada")


@pytest.fixture
def ben(hub: Hub, adas: HubServer) -> Iterator[str]:
    """Return a new token of Ben's, an editor, with whom Ada shares her server."""
    token = hub.person("ben")
    adas.share("ben")
    hub.join("editors", "ben")
    yield token
    hub.leave("editors", "ben")
    adas.unshare("ben")


def authors(server: HubServer, since: float) -> set[str]:
    """Return whom the log has as authors of changes."""
    (log,) = (file for file in server.work.rglob("rtc_widgets/*.sqlite") if "." not in file.stem)
    with closing(sqlite3.connect(f"file:{log}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT name FROM entries JOIN names ON number = author WHERE time > ?", [since]
        )
        return {name for (name,) in rows}


def refused(server: HubServer, path: str, token: str) -> int:
    """Return the status with which a ticket is refused, 0 if it is granted."""
    try:
        Tab(server, path, token=token).ask()
    except Refused as refused:
        return refused.status
    return 0


async def test_people_are_who_the_hub_says(adas: HubServer, ben: str) -> None:
    path = adas.notebook("people.ipynb", "x = 1")
    begun = time.time()
    async with (
        rtc_widgets.connect_async(adas.url, token=adas.token, path=path) as hers,
        rtc_widgets.connect_async(adas.url, token=ben, path=path) as his,
    ):
        his[0].source = "x = 2"
        await hers.wait_for("source", 20)
        assert hers[0].source == "x = 2"
        assert (await asyncio.to_thread(hers[0].comment, "Why 2?")).author.name == "ada"
        assert {*hers.users} == {*his.users} == {"ada", "ben"}
        assert hers.users["ben"].name == "ben"
    assert authors(adas, begun) >= {"ada", "ben"}
    assert adas.api("/api/rtc_widgets/status")["rooms"], "and the owner sees what is open"


def refusal(url: str, token: str | None) -> tuple[type[Exception], str]:
    """Return with what a script is refused."""
    with pytest.raises((ChannelClosed, NotConnected)) as refused:
        rtc_widgets.connect(url, token=token, path="a.ipynb")
    return refused.type, str(refused.value)


def test_who_is_not_let_in_is_told_why(hub: Hub, adas: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    adas.notebook("a.ipynb", "x = 1")
    eve = hub.person("eve")
    kind, why = refusal(adas.url, eve)
    assert kind is ChannelClosed and "Ask its owner to share it with you." in why
    kind, why = refusal(adas.url, "no-such-token")
    assert kind is ChannelClosed and f"make one at {hub.url}/hub/token." in why
    kind, why = refusal(adas.url, None)
    assert kind is ChannelClosed and f"Make a token at {hub.url}/hub/token" in why
    kind, why = refusal(f"{hub.url}/user/eve/", eve)
    assert kind is NotConnected and f"can start it at {hub.url}/hub/home" in why
    kind, why = refusal(hub.url, eve)
    assert kind is NotConnected and "is a JupyterHub. Give the address of a server" in why


async def test_a_revoked_share_closes_the_writer_and_lets_nobody_in_again(adas: HubServer, ben: str) -> None:
    path = adas.notebook("revoked.ipynb", "x = 1")
    url = f"ws{adas.url.removeprefix('http')}/api/rtc_widgets/yjs/{path}"
    stock = connect(url, additional_headers={"Authorization": f"token {ben}"})
    async with Tab(adas, path) as ada, Tab(adas, path, token=ben) as his, stock as socket:
        his.cell(0)["source"].insert(0, "his ")
        await ada.until(lambda: ada.sources == ["his x = 1"], "he writes")
        await asyncio.to_thread(adas.unshare, "ben")
        await his.until(lambda: his.closed, "he is closed")
        assert his.closed["code"] == CloseCode.UNAUTHORIZED
        assert await asyncio.to_thread(refused, adas, path, ben) == 403
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(20):
                while True:
                    await socket.recv()
        assert socket.close_code == CloseCode.UNAUTHORIZED.websocket
        with pytest.raises(urllib.error.HTTPError) as elsewhere:
            await asyncio.to_thread(adas.api, "/api/contents", token=ben)
        with elsewhere.value:
            assert elsewhere.value.code == 403, "nor does jupyter_server let him in any more"
        ada.cell(0)["source"].insert(0, "hers ")
        await ada.committed()
        assert not ada.closed


async def test_a_revoked_token_closes_its_writer(hub: Hub, adas: HubServer, ben: str) -> None:
    path = adas.notebook("token.ipynb", "x = 1")
    leaked = hub.token("ben")
    async with Tab(adas, path, token=leaked["token"]) as thief, Tab(adas, path, token=ben) as his:
        await asyncio.to_thread(hub.api, f"users/ben/tokens/{leaked['id']}", "DELETE")
        await thief.until(lambda: thief.closed, "the token's connection is closed")
        assert thief.closed["code"] == CloseCode.UNAUTHORIZED
        assert await asyncio.to_thread(refused, adas, path, leaked["token"]) == 403
        his.cell(0)["source"].insert(0, "his ")
        await his.committed()
        assert not his.closed


async def test_a_group_that_changes_changes_the_role_on_an_open_connection(
    hub: Hub, adas: HubServer, ben: str
) -> None:
    path = adas.notebook("roles.ipynb", "x = 1")
    async with Tab(adas, path) as ada, Tab(adas, path, token=ben) as his:
        assert his.grant["role"] == "runner"
        await asyncio.to_thread(hub.leave, "editors", "ben")
        await his.until(lambda: his.events and his.events[-1].params == {"role": "viewer"}, "he reads only")
        await asyncio.to_thread(hub.join, "editors", "ben")
        await his.until(lambda: his.events[-1].params == {"role": "runner"}, "he writes again")
        his.cell(0)["source"].insert(0, "his ")
        await ada.until(lambda: ada.sources == ["his x = 1"], "on the same connection")
        assert not ada.events


async def test_a_share_lets_in_who_was_refused_a_moment_ago(hub: Hub, adas: HubServer) -> None:
    path = adas.notebook("late.ipynb", "x = 1")
    eve = hub.person("eve")
    assert await asyncio.to_thread(refused, adas, path, eve) == 403
    await asyncio.to_thread(adas.share, "eve")
    await asyncio.to_thread(until, lambda: refused(adas, path, eve) == 0, "she is let in")
    async with Tab(adas, path, token=eve) as tab:
        assert tab.grant["role"] == "viewer"
    await asyncio.to_thread(adas.unshare, "eve")


async def test_a_hook_decides_by_groups_of_the_hub(hub: Hub, adas: HubServer, ben: str) -> None:
    path = adas.notebook("exams/one.ipynb", "x = 1")
    async with Tab(adas, path, token=ben) as his:
        assert his.grant["role"] == "viewer"
        await asyncio.to_thread(hub.join, "teachers", "ben")
        await his.until(lambda: his.events and his.events[-1].params == {"role": "runner"}, "he teaches")
        await asyncio.to_thread(hub.leave, "teachers", "ben")
        await his.until(lambda: his.events[-1].params == {"role": "viewer"}, "and no more")


async def test_a_server_that_is_started_again_is_found_again(hub: Hub, adas: HubServer, ben: str) -> None:
    path = adas.notebook("again.ipynb", "x = 1")
    async with rtc_widgets.connect_async(adas.url, token=ben, path=path) as his:
        his[0].source = "typed before"
        await his.synced()
        await asyncio.to_thread(adas.stop)
        assert adas.sources(path) == ["typed before"], "the interrupt that stops it has it save"
        his[0].source = "typed meanwhile"
        await asyncio.to_thread(adas.start)
        await his.synced()
        await asyncio.to_thread(until, lambda: adas.sources(path) == ["typed meanwhile"], "it is saved")


async def test_while_the_hub_is_away_documents_stay_as_they_are(hub: Hub, adas: HubServer, ben: str) -> None:
    path = adas.notebook("away.ipynb", "x = 1")
    async with Tab(adas, path) as ada, Tab(adas, path, token=ben) as his:
        hub.kill()
        before = hub.log.count(SAYS_AWAY)
        await his.until(lambda: hub.log.count(SAYS_AWAY) > before + 3, "rights were looked up in vain")
        his.cell(0)["source"].insert(0, "his ")
        await ada.until(lambda: ada.sources == ["his x = 1"], "he goes on writing")
        async with Tab(adas, path, token=ben) as another:
            assert another.sources == ada.sources, "he may open it, too"
        await asyncio.to_thread(hub.start)
        await asyncio.to_thread(adas.unshare, "ben")
        await his.until(lambda: his.closed, "he is closed now that the Hub says so")
        assert not ada.closed
    await asyncio.to_thread(adas.share, "ben")


async def test_no_token_is_in_a_log_or_the_store(hub: Hub, adas: HubServer, ben: str) -> None:
    path = adas.notebook("secrets.ipynb", "x = 1")
    leaked = hub.person("eve")
    url = f"ws{adas.url.removeprefix('http')}/api/rtc_widgets/yjs/{path}"
    async with Tab(adas, path) as ada, rtc_widgets.connect_async(adas.url, token=ben, path=path) as his:
        his[0].source = "x = 2"
        await ada.request("comments.add", thread="t", comment="c", body="Why 2?", anchor={"kind": "document"})
        async with connect(url, additional_headers={"Authorization": f"token {ben}"}) as stock:
            assert await asyncio.wait_for(stock.recv(), 20)
        assert await asyncio.to_thread(refused, adas, path, leaked) == 403
        await his.synced()
        await ada.save()
        secrets = (ada.grant["ticket"], adas.token, ben, leaked)
    for told in ("rooms/secrets.ipynb", "api/rtc_widgets/comms", "yjs/secrets.ipynb"):
        assert told in hub.log, "the addresses are in the log"
    kept = adas.kept()
    assert b"x = 2" in kept and b"Why 2?" in kept, "it is this that holds what was said"
    for secret in secrets:
        assert secret not in hub.log
        assert secret.encode() not in kept
