"""Two people who signed in to a JupyterHub in one notebook, on the server of one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from support.hub import BY_GROUP, SHARES, Hub, HubServer
from support.others import avatar, says, stands
from support.person import Person
from support.server import until


class HubPerson(Person):
    """Drive a page behind JupyterHub's form."""

    def sign_in(self, name: str) -> None:
        """Give a name at the form; whoever does is let in."""
        assert isinstance(self.server, HubServer)
        self.page.goto(f"{self.server.hub.url}/hub/login")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill("not-checked")
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(re.compile("/hub/(home|spawn)|/user/"))

    def open(self, path: str = "", ready: bool = True) -> None:
        """Open *path*, by whom the browser is signed in as."""
        self.page.goto(f"{self.server.url}{self.address(path)}")
        # Whose server it is says who else comes to it, once.
        if self.page.get_by_role("button", name="Authorize").is_visible():
            self.page.get_by_role("button", name="Authorize").click()
        if ready:
            self.ready(path)
        else:
            # The page takes as long, whatever it is for.
            self.cells.first.wait_for(timeout=40_000)


@pytest.fixture
def adas(tmp_path: Path) -> Iterator[HubServer]:
    hub = Hub(tmp_path / "hub", SHARES, BY_GROUP)
    yield hub.serve("ada")
    hub.close()


@pytest.fixture
def comes(browser: Browser, adas: HubServer) -> Iterator[Callable[..., HubPerson]]:
    """Let somebody sign in and open a file of Ada's, in a browser of their own."""
    people: list[HubPerson] = []

    def _comes(name: str, path: str, ready: bool = True) -> HubPerson:
        context = browser.new_context(viewport={"width": 1200, "height": 600})
        person = HubPerson(adas, context.new_page(), name)
        people.append(person)
        person.sign_in(name)
        person.open(path, ready=ready)
        return person

    yield _comes
    for person in people:
        person.page.context.close()


def test_two_people_of_a_hub_see_each_other_and_what_changes_at_the_hub_holds_without_a_reload(
    adas: HubServer, comes: Callable[..., HubPerson], screenshots: Path
) -> None:
    path = adas.notebook("together.ipynb", "x = 1")
    adas.hub.person("ben")
    adas.share("ben")
    ada, ben = comes("ada", path), comes("ben", path, ready=False)
    expect(avatar(ada, re.compile("ben"))).to_be_visible()
    expect(avatar(ben, re.compile("ada"))).to_be_visible()
    says(ben, re.compile("Read-only"))
    adas.hub.join("editors", "ben")
    says(ben, re.compile("Live"))
    ben.type(" + 2")
    ada.sees(0, "x = 1 + 2")
    stands(ada, "x = 1 + 2")
    ada.page.screenshot(path=screenshots / "hub.png")
    adas.unshare("ben")
    # Who he is, the Hub still knows.
    says(ben, "No access")
    expect(ben.toast("You may not open together.ipynb any more. Ask its owner for access.")).to_have_count(1)
    until(ben.is_read_only, "his editor is locked")
    expect(avatar(ada, re.compile("ben"))).to_have_count(0)
    ada.type("# hers\n", end=False)
    ben.page.screenshot(path=screenshots / "hub-revoked.png", animations="disabled")
    adas.share("ben")
    # JupyterLab may have a dialog for him about what it asked the server itself meanwhile.
    says(ben, re.compile("Live"))
    expect(ben.toast("You may edit together.ipynb now.")).to_have_count(1)  # for five seconds
    expect(ben.toast("You may not open")).to_have_count(0)
    for person in (ada, ben):
        person.sees(0, "# hers\nx = 1 + 2")
    until(lambda: not ben.is_read_only(), "his editor is his again")
    ada.sees_no_dialog()
    secret = ada.page.evaluate(
        "() => JSON.parse(document.getElementById('jupyter-config-data').textContent).token"
    )
    assert secret and secret not in adas.log


def test_who_is_signed_out_of_the_hub_is_told_so(
    adas: HubServer, comes: Callable[..., HubPerson], screenshots: Path
) -> None:
    path = adas.notebook("hers.ipynb", "x = 1")
    ada = comes("ada", path)
    says(ada, re.compile("Live"))
    # What the Hub gave her page to be known by; it ends with her sign-in.
    for token in adas.hub.api("users/ada/tokens")["api_tokens"]:
        if token["oauth_client"].startswith("Server at"):
            adas.hub.api(f"users/ada/tokens/{token['id']}", "DELETE")
    says(ada, "Signed out")
    assert not ada.is_read_only()
    expect(ada.toast("You may not open")).to_have_count(0)
    ada.page.screenshot(path=screenshots / "hub-signed-out.png", animations="disabled")
