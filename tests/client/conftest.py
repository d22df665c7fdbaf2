"""A real server for all tests of this folder, and fresh ones for those that stop or configure theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server of the test's own."""
    servers: list[Server] = []

    def _serve(**options: Any) -> Server:
        server = Server(tmp_path / f"server{len(servers)}", **options)
        servers.append(server)
        return server

    yield _serve
    for server in reversed(servers):
        server.close()


@pytest.fixture(autouse=True)
def no_leftovers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Know no server but the test's, and leave no connection behind."""
    from rtc_widgets.client import loop, session

    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "no-runtime"))
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    yield
    for left in list(session._sessions):
        for link in left.links:
            loop.submit(link.provider.aclose()).result(10)
            loop.submit(left.forget(link)).result(10)
    assert session.current() is None
