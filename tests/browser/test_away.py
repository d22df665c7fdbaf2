"""A server that is away and comes back: restarted, without its log, upgraded, or with another token."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.others import standing
from support.person import IN_BOTH, Person
from support.server import until


def _standing(person: Person, words: str) -> None:
    """Wait until the status bar says so."""
    expect(person.page.get_by_role("button", name=words)).to_be_visible(timeout=40_000)


@pytest.mark.parametrize("log", ["kept", "deleted"])
def test_a_server_that_is_stopped_and_started(start_lab, visit, log):
    """Without its log it seeds the same document from the same file, so nobody notices."""
    lab = start_lab()
    path = lab.notebook("restarted.ipynb", "a", "b")
    ada, ben = visit(lab, path), visit(lab, path)
    for person in (ada, ben):
        person.is_told_that_the_server_is_away()
    lab.stop()
    _standing(ada, "Offline")
    ada.type(" ada", 0)
    ben.type("ben ", 0, end=False)
    if log == "deleted":
        for file in (lab.work / "data").rglob("*.sqlite*"):
            file.unlink()
    lab.start()
    for person in (ada, ben):
        until(lambda: person.sources() == ["ben a ada", "b"], "both have both", 40)  # noqa: B023
    until(lambda: lab.sources(path) == ["ben a ada", "b"], "and so has the file")
    assert ada.toast("anew").count() == 0


def test_another_token_is_waited_for(start_lab, visit, screenshots):
    lab = start_lab()
    path = lab.notebook("signed-out.ipynb", "a", "b")
    ada = visit(lab, path)
    ada.is_told_that_the_server_is_away()
    lab.stop(kill=True)
    ada.type(" ada")
    lab.token = "another-token-for-tests"
    ada.page.context.clear_cookies()  # of a browser that is still known the token is not asked
    lab.start()
    _standing(ada, "Signed out")
    ada.type(" more")
    assert ada.sources()[0] == "a ada more" and not ada.is_read_only()
    # The person signs in, in another tab of the same browser, and looks at the first again.
    details = ada.page.get_by_role("dialog", name="Collaboration")
    standing(ada).click()
    expect(details).to_contain_text("Your sign-in has expired")
    ada.page.screenshot(path=screenshots / "signed-out.png")
    with ada.page.context.expect_page() as opened:
        details.get_by_role("button", name="Sign In").click()
    login = opened.value
    login.locator("input[name=password]").first.fill(lab.token)
    login.locator("#login_submit").click()
    login.wait_for_url("**/lab**")
    login.close()
    standing(ada).click()
    # The page tries by itself, too, and may be back before the click.
    back = details.get_by_text("Everybody sees changes at once")
    details.get_by_role("button", name="Reconnect Now").or_(back).click()
    until(lambda: lab.sources(path)[0] == "a ada more", "what was typed is saved", 40)
    _standing(ada, "Live")


# A server of a later release, which speaks another protocol.
UPGRADED = """
from rtc_widgets.protocol import version
version.VERSIONS = (2,)
"""


@IN_BOTH
def test_an_upgraded_server_asks_for_a_reload_and_the_text_waits(start_lab, visit, screenshots, at):
    lab = start_lab()
    path = lab.notebook("upgraded.ipynb", "a", "b")
    ada = visit(lab, path, at=at)
    ada.is_told_that_the_server_is_away()
    lab.stop()
    ada.type(" ada")
    config = lab.work / "config/jupyter_server_config.py"
    config.write_text(UPGRADED)
    lab.start()
    sentence = ada.toast("which speak no common version of the protocol")
    expect(sentence).to_be_visible(timeout=40_000)
    expect(sentence.get_by_role("button", name="Copy My Text")).to_be_visible()
    assert ada.is_read_only()
    ada.page.screenshot(path=screenshots / f"upgraded-{at.__name__}.png")
    # The page of the later release would speak it; here the server is taken back.
    lab.stop()
    config.unlink()
    lab.start()
    sentence.get_by_role("button", name="Reload the Page").click()
    ada.page.wait_for_load_state()
    ada.ready(path)
    until(lambda: ada.sources() == ["a ada", "b"], "the text is there", 40)
    until(lambda: lab.sources(path) == ["a ada", "b"], "and on disk")
