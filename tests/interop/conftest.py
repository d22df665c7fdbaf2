"""A real server for the peers that others wrote."""

from __future__ import annotations

from collections.abc import Iterator

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
    config = signing_in(ada={"name": "Ada"}, zoe={"name": "Zoë"})
    server = Server(tmp_path_factory.mktemp("named"), config=config)
    yield server
    server.close()
