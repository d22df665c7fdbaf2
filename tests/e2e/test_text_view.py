"""A notebook that is open as a notebook and as text is one notebook: on a real server, with a real kernel."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import nbformat
import pytest
from pycrdt import Map, Text
from support.kernel import Kernel
from support.server import Server, until
from support.tab import Refused, Tab

from rtc_widgets.documents.text import set_text
from rtc_widgets.protocol import awareness, request
from rtc_widgets.protocol.codes import CloseCode

_clocks = itertools.count(1)


class TextTab(Tab):
    """Hold a notebook open as text."""

    def __init__(self, server: Server, path: str, **options: Any) -> None:
        super().__init__(server, path, type_="file", format_="text", **options)

    @property
    def text(self) -> str:
        return str(self.doc.get("source", type=Text))

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.doc.get("state", type=Map).to_py() or {})

    @property
    def told(self) -> list[dict[str, Any]]:
        """Return what the relay told of the text, the latest at the end."""
        return [told.params for told in self.events if told.name == "projection"]

    def replace(self, old: str, new: str) -> None:
        """Edit the text as a person does: by a small change."""
        assert self.text.count(old) == 1, self.text
        set_text(self.doc.get("source", type=Text), self.text.replace(old, new))

    async def shows(self, text: str) -> None:
        await self.until(lambda: text in self.text, f"the text shows {text!r}")

    async def discard(self) -> None:
        number = next(self._requests)
        self.say(request.encode_request(number, "discard"))
        await self.until(lambda: number in self.responses, "the request is answered")
        assert self.responses.pop(number).ok


def introduce(tab: Tab, username: str) -> None:
    """Say who sits at a tab, as a browser does."""
    state = json.dumps({"user": {"username": username, "name": username.title()}})
    states = [awareness.State(tab.doc.client_id, next(_clocks), state)]
    tab.say(awareness.encode(awareness.encode_states(states)))


async def test_both_show_the_same_live(server: Server) -> None:
    path = server.notebook("both.ipynb", "a = 1", "b = 2")
    async with Tab(server, path) as ada, TextTab(server, path) as ben:
        written = nbformat.writes(nbformat.from_dict(json.loads((server.root / path).read_text())))
        assert ben.text == written + "\n", "it is what the file would be"
        ben.replace("a = 1", "a = 10")
        await ada.until(lambda: ada.sources == ["a = 10", "b = 2"], "the notebook follows the text")
        ada.cell(1)["source"].insert(0, "# Zoë 🦉\n")
        await ben.shows('"# Zoë 🦉\\n",\n    "b = 2"')
        await ben.until(
            lambda: (server.root / path).read_text() == ben.text, "the file is what the text shows"
        )
        assert [cell["id"] for cell in ada.cells] == ["cell-0", "cell-1"]
        assert ben.told == [{"valid": True}], "once, to who joins"


async def test_cells_are_added_moved_and_deleted_in_the_text(server: Server) -> None:
    path = server.notebook("rows.ipynb", "a = 1", "b = 2", "c = 3")
    async with Tab(server, path) as ada, TextTab(server, path) as ben:
        notebook = json.loads(ben.text)
        a, b, c = notebook["cells"]
        notebook["cells"] = [c, a, {"cell_type": "markdown", "metadata": {}, "source": "new"}]
        set_text(ben.doc.get("source", type=Text), json.dumps(notebook, indent=1) + "\n")
        await ada.until(lambda: ada.sources == ["c = 3", "a = 1", "new"], "the notebook follows")
        assert [cell["id"] for cell in ada.cells][:2] == [c["id"], a["id"]]
        await ben.shows(ada.cells[2]["id"])
        del b


async def test_a_text_that_is_no_notebook_is_told_and_comes_back(server: Server) -> None:
    path = server.notebook("invalid.ipynb", "a = 1", "b = 2")
    async with Tab(server, path) as ada, TextTab(server, path) as ben, TextTab(server, path) as eve:
        ben.replace('"a = 1"', '"a = 11')
        for tab in (ben, eve):
            await tab.until(lambda: tab.told and not tab.told[-1]["valid"], "people are told")  # noqa: B023
            told = tab.told[-1]
            assert not told["valid"] and told["message"]
            assert ben.text.split("\n")[told["line"] - 1].strip() == '"a = 11'
        assert ben.state["dirty"]
        with pytest.raises(Refused) as refused:
            await ben.save()
        assert refused.value.code == "invalid-text" and "line" in refused.value.message
        ada.cell(1)["source"].insert(0, "meanwhile ")
        await ada.committed()
        assert ada.sources == ["a = 1", "meanwhile b = 2"], "the notebook stays as it was"
        ben.replace('"a = 11', '"a = 11"')
        await ada.until(lambda: ada.sources == ["a = 11", "meanwhile b = 2"], "both survive")
        await ben.shows("meanwhile b = 2")
        assert ben.told[-1] == {"valid": True}


async def test_what_is_wrong_is_said_where_it_is(server: Server) -> None:
    path = server.notebook("where.ipynb", "a = 1", "b = 2")
    async with TextTab(server, path) as ben:
        for place, wrong, line, message in (
            ('"id": "cell-1",', '"id": "cell-1", "colour": "red",', '"id": "cell-1"', "colour"),
            ('"nbformat": 4', '"nbformat": 3', '"nbformat": 3', "nbformat is 4"),
        ):
            ben.replace(place, wrong)
            await ben.until(lambda: ben.told and not ben.told[-1]["valid"], "it is told")
            assert message in ben.told[-1]["message"], ben.told
            lines = ben.text.split("\n")
            at = ben.told[-1]["line"] - 1
            assert line in "".join(lines[at : at + 6])
            ben.replace(wrong, place)
            await ben.until(lambda: ben.told[-1]["valid"], "it is mended")


async def test_what_was_typed_can_be_given_up(server: Server) -> None:
    path = server.notebook("discard.ipynb", "a = 1")
    async with Tab(server, path) as ada, TextTab(server, path) as ben:
        ben.replace('"a = 1"', "nonsense")
        await ben.until(lambda: ben.told, "it is told")
        ada.cell(0)["source"].insert(0, "live ")
        await ada.committed()
        await ben.discard()
        await ben.shows('"live a = 1"')
        assert ben.told[-1] == {"valid": True} and "nonsense" not in ben.text
        assert ada.sources == ["live a = 1"]


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_an_invalid_text_survives_the_server_and_its_last_reader(serve, kill: bool) -> None:
    server = serve(options=["--RelayApp.close_delay=0.1"])
    path = server.notebook("survives.ipynb", "a = 1", "b = 2")
    async with TextTab(server, path) as ben:
        ben.replace('"a = 1"', '"a = 1')
        await ben.until(lambda: ben.told, "it is told")
        await ben.committed()
        lineage = ben.welcome.lineage
    async with Tab(server, path) as ada:
        ada.cell(1)["source"].insert(0, "later ")
        await ada.committed()
        if not kill:
            await ada.save()
    await asyncio.to_thread(server.stop, kill)
    await asyncio.to_thread(server.start)
    async with TextTab(server, path, doc=ben.doc, lineage=lineage) as back, TextTab(server, path) as eve:
        for tab in (back, eve):
            assert tab.closed is None
            await tab.until(lambda: tab.told, "it is told at opening")  # noqa: B023
            assert '"a = 1\n' in tab.text and tab.text.count("cells") == 1
        eve.replace('"a = 1', '"a = 11"')
        async with Tab(server, path) as ada:
            await ada.until(lambda: ada.sources == ["a = 11", "later b = 2"], "both survive")
        await back.shows("later b = 2")


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_a_tab_that_comes_back_to_another_server_doubles_nothing(serve, kill: bool) -> None:
    server = serve(options=["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000"])
    path = server.notebook("again.ipynb", "a = 1")
    async with TextTab(server, path) as ben:
        ben.replace("a = 1", "a = 11")
        await ben.committed()
        lineage = ben.welcome.lineage
        await asyncio.to_thread(server.stop, kill)
    ben.forget()
    ben._socket = None
    ben.replace("a = 11", "a = 111")
    await asyncio.to_thread(server.start)
    async with TextTab(server, path, doc=ben.doc, lineage=lineage) as back, Tab(server, path) as ada:
        assert back.closed is None
        await ada.until(lambda: ada.sources == ["a = 111"], "the notebook has it")
        assert back.text.count("a = 111") == 1


async def test_saving_the_text_saves_the_notebook(serve) -> None:
    server = serve(options=["--RelayApp.save_delay=1000", "--RelayApp.save_max_wait=1000"])
    path = server.notebook("save.ipynb", "a = 1")
    async with TextTab(server, path) as ben, Tab(server, path) as ada:
        ben.replace('"a = 1"', '\n\n  "a = 2"')
        await ada.until(lambda: ada.sources == ["a = 2"], "the notebook follows")
        assert '\n\n  "a = 2"' in ben.text, "the text stays as it was typed"
        saved = await ben.save()
        await ben.until(lambda: ben.state["hash"] == saved["hash"] and not ben.state["dirty"], "it is saved")
        assert server.sources(path) == ["a = 2"]
        assert (server.root / path).read_text() == ben.text, "and is as the file is"


async def test_a_change_outside_a_rename_and_a_deletion_are_followed(server: Server) -> None:
    path = server.notebook("outside-text.ipynb", "a = 1", "b = 2")
    async with TextTab(server, path) as ben:
        ben.replace("a = 1", "a = 11")
        await asyncio.to_thread(until, lambda: server.sources(path)[0] == "a = 11", "it is saved")
        notebook = server.read(path)
        notebook["cells"][1]["source"] = ["b = 22"]
        server.write(path, notebook)
        await ben.shows("b = 22")
        await asyncio.to_thread(server.api, f"/api/contents/{path}", "PATCH", {"path": "moved-text.ipynb"})
        await ben.until(lambda: ben.state["path"] == "moved-text.ipynb", "the rename is told")
        ben.replace("b = 22", "b = 23")
        await asyncio.to_thread(
            until, lambda: server.sources("moved-text.ipynb") == ["a = 11", "b = 23"], "the file follows"
        )
        assert not (server.root / path).exists()
        await asyncio.to_thread(server.api, "/api/contents/moved-text.ipynb", "DELETE")
        await ben.until(lambda: [e for e in ben.events if e.params.get("code") == "deleted"], "it is told")
        assert not (server.root / "moved-text.ipynb").exists()


async def test_the_notebook_s_room_is_open_as_long_as_its_text(serve) -> None:
    server = serve(options=["--RelayApp.close_delay=0.1"])
    path = server.notebook("alone.ipynb", "a = 1")
    async with TextTab(server, path) as ben:
        async with Tab(server, path) as ada:
            ada.cell(0)["source"].insert(0, "x")
            await ben.shows("xa = 1")
        await asyncio.sleep(0.3)
        ben.replace("xa = 1", "xya = 1")
        await asyncio.to_thread(until, lambda: server.sources(path) == ["xya = 1"], "the file follows")
        async with Tab(server, path) as ada:
            assert ada.sources == ["xya = 1"]


async def test_the_kernel_sees_who_typed_in_the_text(named: Server) -> None:
    path = named.notebook("kernel-text.ipynb", "a = 1", "b = 2")
    connect = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\nseen = []\n"
    hear = "_ = nb.on_change('source', lambda change: seen.append(change.person), thread='any')"
    async with (
        Tab(named, path) as ada,
        TextTab(named, path, token="ben") as ben,
        Kernel(named, path) as kernel,
    ):
        introduce(ada, "ada")
        introduce(ben, "ben")
        await kernel.run(connect + "nb.wait_for(lambda: 'ben' in nb.users, 10).result()\n" + hear)
        ben.replace("a = 1", "a = 11")
        await kernel.run("nb.wait_for(lambda: nb[0].source == 'a = 11' and seen, 10).result()")
        assert await kernel.run("print(seen[0].username)") == "ben\n"
        # What only deletes says nothing of who did it by itself.
        ben.replace("a = 11", "a = 1")
        await kernel.run("nb.wait_for(lambda: nb[0].source == 'a = 1' and len(seen) > 1, 10).result()")
        assert await kernel.run("print(seen[-1].username)") == "ben\n"
        await kernel.run("nb[1].source = 'by the kernel'")
        await ben.shows("by the kernel")


READERS = """
from jupyter_server.auth import Authorizer, IdentityProvider, User

class Names(IdentityProvider):
    def get_user(self, handler):
        handler._token_authenticated = True
        name = handler.request.headers.get("Authorization", "").removeprefix("token ")
        return User("eve" if name == "eve" else "ada")

class EveReads(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return user.username != "eve" or action == "read"

c.ServerApp.identity_provider_class = Names
c.ServerApp.authorizer_class = EveReads
"""


async def test_who_may_only_read_may_only_read_the_text(serve) -> None:
    server = serve(config=READERS)
    path = server.notebook("locked.ipynb", "a = 1")
    async with Tab(server, path) as ada, TextTab(server, path, token="eve") as eve:
        assert eve.welcome.role == "viewer"
        ada.cell(0)["source"].insert(0, "x")
        await eve.shows("xa = 1")
        eve.replace("xa = 1", "xa = 2")
        await eve.until(lambda: eve.closed, "it is refused")
        assert eve.closed["code"] == CloseCode.READ_ONLY
        assert ada.sources == ["xa = 1"]
