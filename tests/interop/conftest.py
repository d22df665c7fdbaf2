"""A real server for the peers that others wrote."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.close()
