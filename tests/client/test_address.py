"""Whatever URL a person has at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rtc_widgets.client import servers
from rtc_widgets.client.address import Address, parse
from rtc_widgets.errors import NotConnected


@pytest.mark.parametrize(
    ("url", "base", "token", "path"),
    [
        ("http://localhost:8888", "http://localhost:8888/", None, None),
        ("localhost:8888", "http://localhost:8888/", None, None),
        (" http://localhost:8888/?token=abc ", "http://localhost:8888/", "abc", None),
        ("http://127.0.0.1:8888/lab?token=abc", "http://127.0.0.1:8888/", "abc", None),
        ("http://127.0.0.1:8888/lab/", "http://127.0.0.1:8888/", None, None),
        ("http://h/lab/tree/a/b%20c.ipynb?token=t&reset", "http://h/", "t", "a/b c.ipynb"),
        ("http://h/lab/tree/a.ipynb#cell", "http://h/", None, "a.ipynb"),
        ("http://h/lab/workspaces/auto-x/tree/a.ipynb", "http://h/", None, "a.ipynb"),
        ("http://h/lab/workspaces/auto-x", "http://h/", None, None),
        ("http://h/doc/tree/notes.md", "http://h/", None, "notes.md"),
        ("http://h/lab/tree/RTC:a.ipynb", "http://h/", None, "a.ipynb"),
        ("http://h/lab/tree/notebooks/lab/tree/x.ipynb", "http://h/", None, "notebooks/lab/tree/x.ipynb"),
        ("http://h/notebooks/a.ipynb?factory=Notebook", "http://h/", None, "a.ipynb"),
        ("http://h/tree", "http://h/", None, None),
        ("http://h/tree/folder/a.ipynb", "http://h/", None, "folder/a.ipynb"),
        ("http://h/edit/a.py", "http://h/", None, "a.py"),
        ("http://h/api/contents/a.ipynb", "http://h/", None, "a.ipynb"),
        ("https://hub/user/ada/lab/tree/x.ipynb", "https://hub/user/ada/", None, "x.ipynb"),
        ("https://hub/user/lab/lab/tree/x.ipynb", "https://hub/user/lab/", None, "x.ipynb"),
        ("https://hub/user/ada", "https://hub/user/ada/", None, None),
        ("wss://hub/user/ada/", "https://hub/user/ada/", None, None),
        ("http://ada:secret@h/lab", "http://h/", None, None),
        ("http://h/lab/tree/Zo%C3%AB%20%F0%9F%A6%89.ipynb", "http://h/", None, "Zoë 🦉.ipynb"),
    ],
)
def test_urls(url: str, base: str, token: str | None, path: str | None) -> None:
    assert parse(url) == Address(base, token, path)


@pytest.mark.parametrize("url", ["", "ftp://h/", "http://", "file:///a.ipynb"])
def test_what_is_no_url_is_said(url: str) -> None:
    with pytest.raises(NotConnected, match="is not the URL of a server"):
        parse(url)


@pytest.mark.parametrize("url", ["https://hub/hub/user-redirect/lab/tree/a.ipynb", "https://hub/hub/home"])
def test_links_to_a_hub_are_explained(url: str) -> None:
    with pytest.raises(NotConnected, match="JupyterHub"):
        parse(url)


def test_the_websocket_is_beside_the_base() -> None:
    assert parse("https://hub/user/ada/lab").websocket == "wss://hub/user/ada/api/rtc_widgets/comms"
    assert parse("http://h").url("api/rtc_widgets/rooms/a b/ü?.ipynb") == (
        "http://h/api/rtc_widgets/rooms/a%20b/%C3%BC%3F.ipynb"
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "runtime").mkdir()
    return tmp_path


def server(folder: Path, port: int, root: str, pid: int | None = None) -> None:
    (folder / root).mkdir(parents=True, exist_ok=True)
    about = {
        "url": f"http://localhost:{port}/",
        "token": f"t{port}",
        "root_dir": str(folder / root),
        "pid": pid or os.getpid(),
    }
    (folder / "runtime" / f"jpserver-{port}.json").write_text(json.dumps(about))


def test_no_server_is_said(folder: Path) -> None:
    with pytest.raises(NotConnected, match="No Jupyter server runs"):
        servers.find("a.ipynb")


def test_the_only_server_is_the_one(folder: Path) -> None:
    server(folder, 1, "one")
    server(folder, 2, "two", pid=2**22 + 1)  # ended without cleaning up
    (folder / "runtime" / "jpserver-3.json").write_text("half a fi")
    assert servers.find("a.ipynb") == (Address("http://localhost:1/", "t1"), "a.ipynb")


def test_the_server_that_has_the_file_is_the_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server(folder, 1, "one")
    server(folder, 2, "two")
    server(folder, 3, "two/inner")
    (folder / "two/inner/a.ipynb").touch()
    (folder / "one/b.ipynb").touch()
    assert servers.find("b.ipynb") == (Address("http://localhost:1/", "t1"), "b.ipynb")
    assert servers.find("inner/a.ipynb") == (Address("http://localhost:2/", "t2"), "inner/a.ipynb")
    assert servers.find(str(folder / "two/inner/a.ipynb"))[1] == "a.ipynb"
    monkeypatch.chdir(folder / "two")
    assert servers.find("inner/a.ipynb") == (Address("http://localhost:3/", "t3"), "a.ipynb")
    with pytest.raises(NotConnected, match="not clear which one"):
        servers.find("nowhere.ipynb")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_local_server_tells_its_token(folder: Path, host: str) -> None:
    server(folder, 1, "one")
    assert servers.token_of(parse(f"http://{host}:1/lab")) == "t1"
    assert servers.token_of(parse(f"http://{host}:1/other/lab")) is None
    assert servers.token_of(parse("http://elsewhere:1/")) is None


def test_without_jupyter_core_the_folder_is_the_usual_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "jupyter_core.paths", None)
    assert servers._folder() == folder / "runtime"
    monkeypatch.delenv("JUPYTER_RUNTIME_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    if sys.platform == "linux":
        assert servers._folder() == folder / "jupyter" / "runtime"
