"""A real server for all tests of this folder, and fresh ones for those that stop or configure theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.others import signing_in
from support.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows people: by their user names, which are their tokens. Who says nothing is Ada."""
    people = {name: {"name": name.title()} for name in ("ada", "bob", "ben")}
    server = Server(tmp_path_factory.mktemp("named"), config=signing_in(**people))
    yield server
    server.close()


@pytest.fixture
def serve(tmp_path: Any) -> Iterator[Callable[..., Server]]:
    """Start a server of the test's own."""
    servers: list[Server] = []

    def _serve(**options: Any) -> Server:
        server = Server(tmp_path / f"server{len(servers)}", **options)
        servers.append(server)
        return server

    yield _serve
    for server in reversed(servers):
        server.close()
