"""In another language, and with other settings: as a language pack and a server's configuration have it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.person import IN_BOTH

WORDS = {
    "": {"domain": "rtc_widgets", "language": "de-DE", "plural_forms": "nplurals=2; plural=(n != 1);"},
    "Collaboration: %1": ["Zusammenarbeit: %1"],
    "Live": ["Verbunden"],
    "%1 person here": ["%1 Person hier", "%1 Personen hier"],
    "kernel not linked": ["Kernel nicht verbunden"],
    "Nobody else is here": ["Sonst ist niemand hier"],
}


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a language pack where the servers of this test find it."""
    packages = tmp_path / "packages"
    package, info = packages / "german_pack", packages / "german_pack-1.0.dist-info"
    messages = package / "locale/de_DE/LC_MESSAGES"
    messages.mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text("")
    (messages / "rtc_widgets.json").write_text(json.dumps(WORDS))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: german-pack\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[jupyterlab.languagepack]\nde_DE = german_pack\n")
    monkeypatch.setenv("PYTHONPATH", str(packages), prepend=":")


@IN_BOTH
def test_a_page_has_its_own_language_and_settings(german, start_lab, visit, at):
    lab = start_lab()
    for plugin, settings in {
        "@jupyterlab/translation-extension/plugin": {"locale": "de_DE"},
        "rtc-widgets/cursors": {"names": False},
    }.items():
        file = lab.work / f"settings/{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    path = lab.notebook("german.ipynb", "x = 1")
    ada = visit(lab, path, at=at)
    ada.page.get_by_role(
        "button", name="Zusammenarbeit: Verbunden, 1 Person hier, Kernel nicht verbunden"
    ).click()
    expect(ada.page.get_by_text("Sonst ist niemand hier")).to_be_visible()
    ada.page.keyboard.press("Escape")
    ben = visit(lab, path, at=at)
    several = "Zusammenarbeit: Verbunden, 2 Personen hier, Kernel nicht verbunden"
    expect(ada.page.get_by_role("button", name=several)).to_be_visible()
    # Cursors without names.
    ben.type(" + 1")
    caret = ada.page.locator(".rtcw-Caret")
    expect(caret).to_be_visible()
    expect(caret.locator(".rtcw-Caret-name")).to_have_css("opacity", "0")
