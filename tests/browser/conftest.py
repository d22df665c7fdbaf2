"""Two people and a kernel in real browsers: JupyterLab servers, Debian's Chromium, a page for each person."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from support import comments
from support.others import ADAPTIVE, CONFIG
from support.person import NotebookPerson, Person
from support.proxy import Proxy
from support.server import Server

CHROMIUM = os.environ.get("RTC_WIDGETS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
_numbers = itertools.count(1)

# A page of JupyterLab takes 3 s on an idle machine, and 20 where two cores do much else.
TIMEOUT = 180  # seconds
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    if not CHROMIUM:
        pytest.skip("no Chromium: apt-get install chromium, or name one in RTC_WIDGETS_CHROMIUM")
    quiet = [
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-sync", *quiet],
    }


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("lab"), "lab")
    yield server
    server.close()


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that knows Ada, Ben and Zoë, by tokens, whose pages are as light or dark as their browsers."""
    server = Server(tmp_path_factory.mktemp("named"), "lab", config=CONFIG)
    (server.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").write_text(ADAPTIVE)
    yield server
    server.close()


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server where Ada and Ben write, Cleo may only comment, and Eve only read."""
    server = Server(tmp_path_factory.mktemp("office"), "lab", config=comments.CONFIG)
    (server.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").write_text(ADAPTIVE)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _no_kernel_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """End the kernels of the servers that tests share: a hundred of them would run at the end."""
    yield
    for name in {"lab", "named", "office"} & set(request.fixturenames):
        request.getfixturevalue(name).end_kernels()


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a JupyterLab server for one test alone: ``start_lab(options=[...], config="...")``."""
    servers: list[Server] = []

    def _start(**arguments: Any) -> Server:
        servers.append(Server(tmp_path / f"lab{len(servers)}", "lab", **arguments))
        return servers[-1]

    yield _start
    for server in servers:
        server.close()


_failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_failed] = item.stash.get(_failed, False) or report.failed
    return report


@pytest.fixture
def visit(
    browser: Browser, request: pytest.FixtureRequest, screenshots: Path
) -> Iterator[Callable[..., Person]]:
    """Let a person open a file in a browser of their own: ``visit(lab, "a.ipynb", token="ada")``."""
    people: list[Person] = []

    def _visit(
        server: Server,
        path: str = "",
        token: str | None = None,
        ready: bool = True,
        width: int = 1200,
        height: int = 800,
        at: type[Person] = Person,
        **options: Any,
    ) -> Person:
        if at is NotebookPerson and importlib.util.find_spec("notebook") is None:
            pytest.skip('Notebook 7 is not installed: pip install "notebook>=7.4"')
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(20_000)
        person = at(server, context.new_page(), f"test{next(_numbers)}", token)
        people.append(person)
        person.open(path, ready=ready)
        return person

    yield _visit
    for number, person in enumerate(people):
        if request.node.stash.get(_failed, False):
            person.page.screenshot(path=screenshots / f"failed-{request.node.originalname}-{number}.png")
        person.page.context.close()


@pytest.fixture
def screenshots() -> Path:
    """Return the folder for pictures to look at: RTC_WIDGETS_SCREENSHOTS, or one that git ignores."""
    folder = Path(os.environ.get("RTC_WIDGETS_SCREENSHOTS", Path(__file__).parent / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def behind() -> Iterator[Callable[[Server], Proxy]]:
    """Return a network of one's own to a server: ``visit(behind(lab), path)``."""
    proxies: list[Proxy] = []

    def _behind(server: Server) -> Proxy:
        proxies.append(Proxy(server))
        return proxies[-1]

    yield _behind
    for proxy in proxies:
        proxy.close()
