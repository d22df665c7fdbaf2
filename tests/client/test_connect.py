"""The handle from any process, on a real server: sync and async, several clients, and what may be wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.proxy import Proxy
from support.server import Server, until

import rtc_widgets
from rtc_widgets.client import session
from rtc_widgets.documents.datafile import LiveData
from rtc_widgets.documents.events import Edit
from rtc_widgets.documents.link import LinkState
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.protocol.codes import CloseCode

MEBIBYTE = 2**20


def connect(server: Server, path: str, **options: Any) -> Any:
    return rtc_widgets.connect(server.url, token=server.token, path=path, **options)


def test_the_very_next_line_has_the_content(server: Server) -> None:
    path = server.notebook("next.ipynb", "x = 1", "y = 2")
    with connect(server, path) as nb:
        assert [cell.source for cell in nb] == ["x = 1", "y = 2"]
        assert nb.path == path
        assert nb.state is LinkState.LIVE
        nb[0].source = "x = 100"
        assert nb.save()["last_modified"]
        assert server.sources(path) == ["x = 100", "y = 2"]
    assert nb.state is LinkState.CLOSED
    assert nb[0].source == "x = 100", "it can still be read"
    with pytest.raises(NotConnected, match="closed here"):
        nb[0].source = "late"
    nb.close()


def test_two_clients_see_each_other(server: Server) -> None:
    path = server.notebook("two.ipynb", "x = 1")
    with connect(server, path) as ada, connect(server, path) as ben:
        heard: list[Any] = []
        ben.on_change("source", heard.append)
        ada[0].source += "  # ada"
        ben.append("y = 2")
        until(lambda: ben[0].source == "x = 1  # ada" and len(ada) == 2, "both see both")
        until(lambda: heard, "the callback is called")
        assert heard[0].remote
        assert heard[0].cell == ben[0]


def test_a_callback_may_block_and_wait_for_the_server(server: Server) -> None:
    path = server.notebook("callback.ipynb", "x = 1")
    with connect(server, path) as ada, connect(server, path) as ben:
        done = threading.Event()

        def answer(change: Any) -> None:
            if change.remote:
                ben.append("answer")
                ben.save()
                done.set()

        ben.on_change("source", answer)
        ada[0].source = "question"
        assert done.wait(20)
        assert server.sources(path) == ["question", "answer"]


async def test_the_same_in_a_coroutine(server: Server) -> None:
    path = await asyncio.to_thread(server.notebook, "async.ipynb", "x = 1")
    options: Any = {"token": server.token, "path": path}
    async with rtc_widgets.connect_async(server.url, **options) as nb:
        threads: list[Any] = []
        nb.on_change("cells", lambda _: threads.append(threading.current_thread()))
        nb.append("y = 2")
        await nb.synced()
        await nb.saved()
        assert await asyncio.to_thread(server.sources, path) == ["x = 1", "y = 2"]
        other = await rtc_widgets.connect_async(server.url, **options)
        assert len(other) == 2
        await other.aclose()
        assert threads == [threading.current_thread()], "callbacks run on the caller's loop"
    assert nb.state is LinkState.CLOSED
    with pytest.raises(ChannelClosed):
        await rtc_widgets.connect_async(server.url, token=server.token, path="no.ipynb")


def test_text_and_bytes(server: Server) -> None:
    (server.root / "notes.md").write_text("# Zoë 🦉\n")
    (server.root / "x.bin").write_bytes(b"\0\1\2")
    with connect(server, "notes.md", type="file") as notes:
        notes.append("more\n")
        notes.save()
        assert (server.root / "notes.md").read_text() == "# Zoë 🦉\nmore\n"
    with connect(server, "x.bin", type="blob") as blob:
        assert blob.content == b"\0\1\2"
        blob.content = b"\3"
        blob.save()
        assert (server.root / "x.bin").read_bytes() == b"\3"


def test_open_gives_another_document_of_the_same_server(server: Server) -> None:
    path = server.notebook("first.ipynb", "x = 1")
    server.notebook("folder/second ü.ipynb", "y = 2")
    (server.root / "beside.md").write_text("text")
    with pytest.raises(NotConnected, match="connect first"):
        rtc_widgets.open("beside.md")
    with connect(server, path):
        notes = rtc_widgets.open("beside.md")
        other = rtc_widgets.open("/folder/second ü.ipynb")
        assert (str(notes), other[0].source) == ("text", "y = 2")
        assert rtc_widgets.open("beside.md") is notes
        assert len(session._sessions) == 1
        with pytest.raises(ChannelClosed) as refused:
            rtc_widgets.open("no such file.md")
        assert refused.value.code == CloseCode.NOT_FOUND
    assert notes.state is LinkState.LIVE, "the others stay open"
    notes.append("!")
    notes.close()
    other.close()
    assert session.current() is None
    until(lambda: (server.root / "beside.md").read_text() == "text!", "the file follows")


def test_twelve_megabytes_both_ways(server: Server) -> None:
    path = server.notebook("large.ipynb", "x = 1")
    notebook = server.read(path)
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * (12 * MEBIBYTE)}}
    notebook["cells"][0]["outputs"] = [picture]
    (server.root / path).write_text(json.dumps(notebook))
    with connect(server, path) as ada, connect(server, path) as ben:
        assert len(ada[0].outputs[0]["data"]["image/png"]) == 12 * MEBIBYTE
        text = "Zoë 🦉\n" * MEBIBYTE
        ada[0].source = text
        ada.synced().result(60)
        until(lambda: ben[0].source == text, "the large edit arrives", timeout=60)


# Whoever comes is called as the token.
NAMES = """
from jupyter_server.auth import IdentityProvider, User

class Names(IdentityProvider):
    def get_user(self, handler):
        name = handler.request.headers.get("Authorization", "").removeprefix("token ")
        handler._token_authenticated = True
        return User(name.removesuffix("-token-for-tests"))

c.ServerApp.identity_provider_class = Names
"""


def test_who_is_here_and_what_they_do(serve: Callable[..., Server]) -> None:
    server = serve(config=NAMES)
    path = server.notebook("people.ipynb", "x = 1")
    with (
        rtc_widgets.connect(server.url, token="ada", path=path) as ada,
        rtc_widgets.connect(server.url, token="ben", path=path) as ben,
    ):
        until(lambda: set(ada.users) == {"ada", "ben"} == set(ben.users), "each sees both")
        ada.status("training")
        until(lambda: ben.users["ada"].status == "training", "the status is told")
        heard: list[Any] = []
        ben.on_change("source", heard.append)
        ada[0].source = "x = 2"
        until(lambda: heard, "the change is told")
        assert heard[0].origin.user == "ada"
        server.stop(kill=True)
        until(lambda: set(ben.users) == {"ben"}, "nobody is known without a connection")
        server.start()
        until(lambda: set(ben.users) == {"ada", "ben"}, "both are back", timeout=40)
        assert ben.users["ada"].status == "training"
        ada.close()
        until(lambda: set(ben.users) == {"ben"}, "who leaves is gone at once")


@pytest.mark.parametrize("edited", [False, True])
def test_two_who_move_one_cell_at_once_leave_it_once(server: Server, edited: bool) -> None:
    path = server.notebook(f"moved-at-once-{edited}.ipynb", "moved", "b", "c")
    with connect(server, path) as ada, connect(server, path) as ben:
        moved = ada[0]
        with ada.transaction():  # hears of nobody until it ends
            moved.move(after=2)
            if edited:
                moved.source = "moved by ada"
            ben[0].move(after=1)
            ben.synced().result(20)
        ada.save()
        until(lambda: ada.to_dict() == ben.to_dict(), "they agree")
        assert [cell.id for cell in ada].count(moved.id) == 1
        # What only one of them wrote is kept, in a cell of its own.
        expected = ["b", "c", "moved"] if not edited else ["b", "c", "moved", "moved by ada"]
        assert sorted(cell.source for cell in ada) == expected
        assert sorted(server.sources(path)) == expected


def test_other_files_tell_what_changes_and_who_did_it(serve: Callable[..., Server]) -> None:
    server = serve(config=NAMES)
    path = server.notebook("beside.ipynb", "x = 1")
    (server.root / "notes.md").write_text("# Zoë 🦉\n")
    (server.root / "x.bin").write_bytes(b"\0\1")
    with rtc_widgets.connect(server.url, token="ada", path=path) as nb:
        notes, blob = rtc_widgets.open("notes.md"), rtc_widgets.open("x.bin", type="blob")
        assert isinstance(notes, LiveText) and isinstance(blob, LiveData)
        with (
            rtc_widgets.connect(server.url, token="ben", path="notes.md", type="file") as his,
            rtc_widgets.connect(server.url, token="ben", path="x.bin", type="blob") as his_blob,
        ):
            until(lambda: "ben" in notes.users and "ben" in blob.users, "he is here")
            heard: list[Any] = []
            notes.on_change(heard.append)
            blob.on_change("content", heard.append)
            version = notes.version
            his.lines.append("🦉 ünd more")
            until(lambda: heard, "the change of the text is told")
            assert heard[0].delta == (Edit(8, 8, "🦉 ünd more\n"),)
            assert heard[0].person == notes.users["ben"] and heard[0].remote
            with pytest.raises(rtc_widgets.StaleText):
                notes.edit("mine", if_unchanged=version)
            del his[0]
            until(lambda: len(heard) > 1, "the deletion is told")
            assert heard[1].delta == (Edit(0, 1, ""),) and heard[1].person == notes.users["ben"]
            waiting = notes.wait_for(lambda: "stop" in notes, 20)
            his.append("stop")
            assert waiting.result() is True
            his_blob.content = b"\2"
            until(lambda: heard[-1].kind == "content", "the change of the bytes is told")
            assert heard[-1].person == blob.users["ben"] and blob.content == b"\2"
            nb[0].type = "markdown"
            nb[0].attachments["a.png"] = {"image/png": "T1dM"}
            nb.save()
            assert server.read(path)["cells"][0]["attachments"] == {"a.png": {"image/png": "T1dM"}}
        notes.close()
        blob.close()


def test_many_threads(server: Server) -> None:
    path = server.notebook("threads.ipynb", "x = 1")
    with connect(server, path) as ada, connect(server, path) as ben:
        errors: list[BaseException] = []

        def work(nb: Any, name: str) -> None:
            try:
                for number in range(50):
                    nb.append(f"{name} {number}")
                    nb[0].source += name
            except BaseException as error:  # noqa: BLE001 - shown below
                errors.append(error)

        threads = [
            threading.Thread(target=work, args=(nb, name))
            for nb, names in ((ada, "pqrs"), (ben, "tuvw"))
            for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        until(lambda: len(ada) == len(ben) == 401, "every cell arrives", timeout=60)
        until(lambda: [c.source for c in ada] == [c.source for c in ben], "both have the same")


# ------------------------------------------------------------------------------------ the server comes and goes


@pytest.mark.parametrize("kill", [False, True])
def test_nothing_written_while_the_server_is_away_is_lost(serve: Callable[..., Server], kill: bool) -> None:
    server = serve()
    path = server.notebook("away.ipynb", "x = 1")
    with connect(server, path) as ada, connect(server, path) as ben:
        ada[0].source = "x = 1  # acknowledged"
        ada.synced().result()
        server.stop(kill=kill)
        until(lambda: ada.state is LinkState.OFFLINE, "the loss is noticed")
        ada.append("offline = 'ada'")
        ben.append("offline = 'ben'")
        waiting = ada.synced()
        assert not waiting.done()
        with pytest.raises(NotConnected, match="did not answer within"):
            ada.save(timeout=0.1)
        server.start()
        waiting.result(40)
        until(lambda: len(ada) == len(ben) == 3, "both are back", timeout=40)
        assert [c.source for c in ada] == [c.source for c in ben]
        assert ada[0].source == "x = 1  # acknowledged"
        ada.save()
        assert sorted(server.sources(path)) == sorted(c.source for c in ben)


def test_what_was_written_in_cells_that_others_took_out_is_there_once(server: Server) -> None:
    path = server.notebook("crossed.ipynb", "x = 1", "y = 2\nz = 3", "gone = 1", "gone = 2", "kept = 1")
    proxy = Proxy(server)
    try:
        with (
            rtc_widgets.connect(proxy.url, token=server.token, path=path) as ada,
            connect(server, path) as ben,
        ):
            proxy.cut()
            until(lambda: ada.state == "offline", "it notices")
            ada[1].source = "y = 2\nz = 3  # ada"
            ada[2].source += "  # ada"
            ben[1].source = "y = 2  # ben\nz = 3"
            ben[1].move(before=ben[0])
            ben["cell-2"].delete()
            ben["cell-3"].delete()
            ada["cell-4"].delete()
            ben["cell-4"].source += "  # ben"
            ben.synced().result(20)
            proxy.restore()
            # What was deleted stands behind the cell that it stood behind.
            expected = ["y = 2  # ben\nz = 3  # ada", "gone = 1  # ada", "x = 1", "kept = 1  # ben"]
            until(
                lambda: [c.source for c in ben] == expected, lambda: f"Ben has {[c.source for c in ben]}", 40
            )
            assert [c.source for c in ada] == expected
            ada.save()
            assert server.sources(path) == expected
            assert [c["id"] for c in server.read(path)["cells"]] == ["cell-1", "cell-2", "cell-0", "cell-4"]
    finally:
        proxy.close()


def test_a_document_that_was_started_anew_meanwhile_is_not_doubled(serve: Callable[..., Server]) -> None:
    """The log is gone, and the file was changed: another lineage."""
    server = serve()
    path = server.notebook("anew.ipynb", "x = 1", "y = 2")
    with connect(server, path) as nb:
        server.stop(kill=True)
        nb[1].source = "y = 2  # offline"
        for file in (server.work / "data" / "rtc_widgets").iterdir():
            file.unlink()
        server.notebook(path, "x = 10", "y = 2", "z = 3")
        server.start()
        nb.synced().result(40)
        assert [c.source for c in nb] == ["x = 10", "y = 2  # offline", "z = 3"]
        nb.save()
        assert server.sources(path) == ["x = 10", "y = 2  # offline", "z = 3"]


def test_a_rename_is_followed(server: Server) -> None:
    path = server.notebook("before.ipynb", "x = 1")
    with connect(server, path) as nb:
        server.api(f"/api/contents/{path}", "PATCH", {"path": "after.ipynb"})
        until(lambda: nb.path == "after.ipynb", "the new path is told")
        nb[0].source = "x = 2"
        nb.save()
        assert server.sources("after.ipynb") == ["x = 2"]


# --------------------------------------------------------------------------------------------- what may be wrong


def test_a_browser_url_says_it_all(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.notebook("folder/a b.ipynb", "x = 1")
    url = f"{server.url}/lab/workspaces/auto-k/tree/folder/a%20b.ipynb"
    with rtc_widgets.connect(f"{url}?token={server.token}") as nb:
        assert nb[0].source == "x = 1"
    monkeypatch.setenv("JUPYTER_TOKEN", server.token)
    with rtc_widgets.connect(url) as nb:
        assert nb[0].source == "x = 1"


def test_a_server_on_this_machine_is_found(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    path = server.notebook("found/a.ipynb", "x = 1")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.work / "runtime"))
    with rtc_widgets.connect(path=path) as nb:
        assert nb[0].source == "x = 1"
    with rtc_widgets.connect(server.url.replace("127.0.0.1", "localhost"), path=path) as nb:
        assert nb[0].source == "x = 1"
    monkeypatch.chdir(server.root / "found")
    with rtc_widgets.connect(path="a.ipynb") as nb:
        assert nb.path == path


def test_a_wrong_token_is_said(server: Server) -> None:
    server.notebook("token.ipynb", "x = 1")
    with pytest.raises(ChannelClosed, match="does not accept this token") as refused:
        rtc_widgets.connect(server.url, token="wrong", path="token.ipynb")
    assert refused.value.code == CloseCode.UNAUTHORIZED
    with pytest.raises(ChannelClosed, match="wants to know who you are"):
        rtc_widgets.connect(server.url, path="token.ipynb")


def test_a_wrong_url_is_said(server: Server) -> None:
    with pytest.raises(NotConnected, match=r"No server answers at http://127\.0\.0\.1:1/"):
        rtc_widgets.connect("http://127.0.0.1:1", path="a.ipynb")
    with pytest.raises(NotConnected, match=r"There is no Jupyter server at .*/elsewhere/"):
        rtc_widgets.connect(f"{server.url}/elsewhere", token=server.token, path="a.ipynb")
    with pytest.raises(NotConnected, match="Say which file"):
        rtc_widgets.connect(server.url)
    with pytest.raises(NotConnected, match="Say which file"):
        rtc_widgets.connect()


def test_a_missing_file_is_said(server: Server) -> None:
    with pytest.raises(ChannelClosed, match=r"no file 'no such\.ipynb'.*root folder") as refused:
        connect(server, "no such.ipynb")
    assert refused.value.code == CloseCode.NOT_FOUND
    (server.root / "sub").mkdir(exist_ok=True)
    with pytest.raises(ChannelClosed, match="is a folder"):
        connect(server, "sub")


def test_what_the_server_refuses_is_said_in_its_words(server: Server) -> None:
    (server.root / "broken.ipynb").write_text("{")
    server.notebook("kind.ipynb", "x = 1")
    for path, type_, code in (
        ("broken.ipynb", "notebook", CloseCode.UNREADABLE),
        ("kind.ipynb", "nonsense", CloseCode.UNKNOWN_TYPE),
    ):
        with pytest.raises(ChannelClosed) as refused:
            connect(server, path, type=type_)
        assert refused.value.code == code
    (server.root / "kind.md").write_text("x")
    with connect(server, "kind.md", type="file"), pytest.raises(ChannelClosed) as refused:
        connect(server, "kind.md", type="unicode")
    assert refused.value.code == CloseCode.CONFLICT
    assert session.current() is None


def test_a_server_without_the_relay_is_told_from_no_server(serve: Callable[..., Server]) -> None:
    server = serve(options=["--ServerApp.jpserver_extensions={'rtc_widgets': False}"])
    server.notebook("a.ipynb", "x = 1")
    with pytest.raises(NotConnected, match="does not run rtc_widgets"):
        connect(server, "a.ipynb")


def test_another_provider_is_named(serve: Callable[..., Server]) -> None:
    config = """
from rtc_widgets.relay.relay import Relay
Relay.other_provider = property(lambda self: "jupyter-collaboration")
"""
    server = serve(config=config)
    server.notebook("a.ipynb", "x = 1")
    with pytest.raises(ChannelClosed, match="Another collaboration extension") as refused:
        connect(server, "a.ipynb")
    assert refused.value.code == CloseCode.OTHER_PROVIDER


def test_releases_that_share_no_version_are_both_named(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = server.notebook("version.ipynb", "x = 1")
    monkeypatch.setattr("rtc_widgets.protocol.version.VERSIONS", (99,))
    with pytest.raises(ChannelClosed, match=r"The server has rtc_widgets .* and this process has") as refused:
        connect(server, path)
    assert refused.value.code == CloseCode.VERSION_MISMATCH
    assert "Upgrade the server" in refused.value.reason


def test_a_server_without_any_token(serve: Callable[..., Server]) -> None:
    config = """
from jupyter_server.auth import IdentityProvider

class Nobody(IdentityProvider):
    auth_enabled = False

c.ServerApp.identity_provider_class = Nobody
"""
    server = serve(config=config)
    path = server.notebook("open.ipynb", "x = 1")
    with rtc_widgets.connect(server.url, path=path) as nb:
        nb[0].source = "x = 2"
        nb.save()
    assert server.sources(path) == ["x = 2"]


def test_a_base_url(serve: Callable[..., Server]) -> None:
    server = serve(options=["--ServerApp.base_url=/user/ada/"])
    path = server.notebook("base.ipynb", "x = 1")
    with rtc_widgets.connect(f"{server.url}/user/ada/lab/tree/{path}", token=server.token) as nb:
        assert nb[0].source == "x = 1"
    server.stop()


VIEWERS = """
from jupyter_server.auth import Authorizer

class OnlyRead(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return action == "read"

c.ServerApp.authorizer_class = OnlyRead
"""


def test_a_viewer_reads_and_is_refused_before_anything_is_sent(serve: Callable[..., Server]) -> None:
    server = serve(config=VIEWERS)
    path = server.notebook("viewer.ipynb", "x = 1")
    with connect(server, path) as nb:
        assert nb[0].source == "x = 1"
        with pytest.raises(NotConnected, match=r"may read .* but not change it"):
            nb[0].source = "stolen"
        assert nb[0].source == "x = 1"
        with pytest.raises(ChannelClosed) as refused:
            nb.save()
        assert refused.value.code == CloseCode.READ_ONLY
        assert nb.state is LinkState.LIVE
    assert "expelled" not in server.log


# ------------------------------------------------------------------------------------------------ the process


SCRIPT = """
import os, signal, sys, threading, time
import rtc_widgets
url, token, path = sys.argv[1:4]
nb = rtc_widgets.connect(url, token=token, path=path)
"""


@pytest.fixture
def script(server: Server) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []

    def run(path: str, code: str) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", SCRIPT + code, server.url, server.token, path]
        process = subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str]) -> str:
    out, error = process.communicate(timeout=90)
    assert process.returncode == 0, error
    assert error == ""
    return out


def test_a_script_that_just_ends_loses_nothing(server: Server, script: Any) -> None:
    path = server.notebook("ends.ipynb", "x = 1")
    finished(script(path, "for n in range(500): nb[0].source += str(n % 10)\n"))
    expected = "x = 1" + "0123456789" * 50
    until(lambda: server.sources(path) == [expected], "everything arrived")


def test_an_interrupt_in_a_loop_of_edits_leaves_the_handle_usable(server: Server, script: Any) -> None:
    path = server.notebook("interrupt.ipynb", "x = 1")
    process = script(
        path,
        """
for round in range(5):
    try:
        print("go", flush=True)
        while True: nb[0].source = nb[0].source[-50:] + "."
    except KeyboardInterrupt:
        nb.append(f"round {round}")
try:
    print("interrupt a wait", flush=True)
    while True: nb.synced().result(); nb.save()
except KeyboardInterrupt:
    nb.append("waited")
nb.close()
print("done")
""",
    )
    for expected in ["go"] * 5 + ["interrupt a wait"]:
        assert process.stdout.readline().strip() == expected
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
    assert finished(process).strip() == "done"
    until(lambda: server.sources(path)[1:] == [f"round {n}" for n in range(5)] + ["waited"], "all arrived")


def test_a_fork_does_not_disturb_the_parent_and_may_connect_itself(server: Server, script: Any) -> None:
    path = server.notebook("fork.ipynb", "x = 1")
    process = script(
        path,
        """
stop = threading.Event()
def work():
    while not stop.is_set(): nb[0].source = "busy " + str(time.monotonic())
thread = threading.Thread(target=work); thread.start()
for number in range(5):
    pid = os.fork()
    if pid == 0:
        failed = 0
        try: nb.append("from the child")
        except rtc_widgets.NotConnected as error: failed += "forked child" in str(error)
        try: nb.synced()
        except rtc_widgets.NotConnected as error: failed += "forked" in str(error)
        with rtc_widgets.connect(url, token=token, path=path) as mine:
            mine.append(f"child {number}")
        os._exit(0 if failed == 2 else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop.set(); thread.join()
nb.append("parent")
nb.synced().result()
print(sorted(cell.source for cell in nb)[-6:])
""",
    )
    expected = sorted([f"child {n}" for n in range(5)] + ["parent"])
    assert finished(process).strip() == str(expected)


def test_multiprocessing_by_fork_ends_clean(server: Server, script: Any) -> None:
    path = server.notebook("pool.ipynb", "x = 1")
    process = script(
        path,
        """
import multiprocessing
def square(number): return number * number
with multiprocessing.get_context("fork").Pool(2) as pool:
    nb[0].source = str(pool.map(square, range(5)))
nb.close()
""",
    )
    finished(process)
    until(lambda: server.sources(path) == ["[0, 1, 4, 9, 16]"], "the result arrived")


def test_a_script_whose_server_died_says_what_is_lost_and_ends(serve: Callable[..., Server]) -> None:
    server = serve()
    path = server.notebook("dead.ipynb", "x = 1")
    code = SCRIPT + (
        "from rtc_widgets.client import session; session.LAST_WORDS = 0.5\n"
        "print('ready', flush=True); sys.stdin.readline()\nnb[0].source = 'lost'\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, server.url, server.token, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    server.stop(kill=True)
    start = time.monotonic()
    _, error = process.communicate("\n", timeout=30)
    assert time.monotonic() - start < 25
    assert f"1 changes of {path} did not reach the server" in error


def test_an_interrupt_while_connecting_leaves_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = server.notebook("while-connecting.ipynb", "x = 1")
    entered, interrupted = threading.Event(), threading.Event()
    from rtc_widgets.client import rooms

    real = rooms.Rooms.join

    def slow(*args: Any) -> Any:
        entered.set()
        interrupted.wait(60)  # an interrupt that came when it has connected would end pytest
        return real(*args)

    monkeypatch.setattr(rooms.Rooms, "join", slow)

    main = threading.get_ident()

    def interrupt() -> None:
        entered.wait(10)
        # Before that an interrupt takes nothing back: the connection would come about, and stay.
        until(lambda: sys._current_frames()[main].f_code.co_name == "wait", "it waits for the answer")
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        connect(server, path)
    interrupted.set()
    assert session.current() is None


def test_nothing_of_a_connection_is_left_in_memory(server: Server) -> None:
    """A hundred handles, opened and closed: no sockets, tasks or documents stay."""
    import gc
    import weakref

    from rtc_widgets.client import loop

    path = server.notebook("leak.ipynb", "x = 1")
    documents = []
    for _ in range(20):
        with connect(server, path) as nb:
            documents.append(weakref.ref(nb.document))
    del nb
    gc.collect()

    async def tasks() -> int:
        return len(asyncio.all_tasks()) - 1

    until(lambda: loop.submit(tasks()).result(5) == 0, "all tasks have ended")
    gc.collect()
    assert sum(document() is not None for document in documents) <= 1
