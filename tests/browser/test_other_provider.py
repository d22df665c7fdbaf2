"""Beside jupyter-collaboration, the real one: ours steps aside and says so, once; theirs works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.others import standing
from support.server import Server

OTHER = "jupyter-collaboration==5.0.4"


@pytest.fixture(scope="module")
def other(pytestconfig, tmp_path_factory) -> Path:
    """Return a folder with jupyter-collaboration and whatever of its dependencies is not here already.

    A folder on PYTHONPATH and not another virtual environment: that would take JupyterLab and all a second time. It is
    kept in pytest's cache, so only the first run needs the network (5 s).
    """
    cache = getattr(pytestconfig, "cache", None)  # none with -p no:cacheprovider
    beside = cache.mkdir("jupyter-collaboration") if cache else tmp_path_factory.mktemp("cache")
    folder: Path = beside / f"{OTHER}-{sys.version_info.minor}"
    done = folder / "done"
    if done.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    report = folder / "report.json"
    try:
        _pip("--dry-run", "--report", str(report), OTHER)
        items = json.loads(report.read_text())["install"]
        missing = [f"{item['metadata']['name']}=={item['metadata']['version']}" for item in items]
        _pip("--no-deps", "--target", str(folder), *missing)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"jupyter-collaboration cannot be installed, is there a network? {error.stderr[-500:]}")
    done.touch()
    return folder


def _pip(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def both(other, tmp_path_factory):
    """Start a server on which both extensions are installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(other), os.environ.get("PYTHONPATH")])))
        patch.setenv("JUPYTER_PATH", str(other / "share/jupyter"))
        patch.setenv("JUPYTER_CONFIG_PATH", str(other / "etc/jupyter"))
        server = Server(tmp_path_factory.mktemp("both"), "lab")
    yield server
    server.close()


def test_the_other_one_shares_and_ours_says_that_it_stays_aside(both, visit, screenshots):
    path = both.notebook("theirs.ipynb", "x = 1")
    ada, ben = visit(both, path), visit(both, path)
    notice = "jupyter-collaboration shares the documents here"
    expect(ada.toast(notice)).to_have_count(1)
    ada.page.screenshot(path=screenshots / "stepped-aside.png")
    ada.type(" + 1")
    ben.sees(0, "x = 1 + 1")
    for person in (ada, ben):
        assert person.page.evaluate(
            "() => window.jupyterapp.hasPlugin('@jupyter/docprovider-extension:content-provider')"
        )
        expect(person.page.locator(".jp-Dialog")).to_have_count(0)
    ada.reload(path)
    ada.sees(0, "x = 1 + 1")
    expect(ada.toast(notice)).to_have_count(0)
    expect(standing(ada)).to_have_accessible_name("Collaboration: Not shared")


def test_our_rooms_are_refused(both):
    path = both.notebook("refused.ipynb", "x = 1")
    about = both.api("/api/rtc_widgets")
    assert (about["provider"], about["other"]) == ("other", "jupyter-collaboration")
    with pytest.raises(urllib.error.HTTPError) as refused:
        both.api(f"/api/rtc_widgets/rooms/{path}", "PUT", {"format": "json", "type": "notebook"})
    with refused.value as answer:
        assert answer.code == 409
        assert json.loads(answer.read())["code"] == "other-provider"


def test_a_kernel_is_told_why_not(both, visit):
    code = (
        "%load_ext rtc_widgets\nimport rtc_widgets\n"
        "try: rtc_widgets.notebook()\nexcept Exception as error: print(type(error).__name__, error)"
    )
    ada = visit(both, both.notebook("told.ipynb", code))
    ada.run()
    ada.sees_output(0, "pip uninstall jupyter-collaboration")
