"""The package as its users meet it: public names, one version, the hooks, and what a wheel carries."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from importlib.metadata import requires, version
from pathlib import Path

import pytest

import rtc_widgets
from rtc_widgets import errors

ROOT = Path(__file__).parents[1]
NPM = json.loads((ROOT / "labextension" / "package.json").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def npm_version(python: str) -> str:
    """Return a Python version as npm writes it: ``0.2.0a1`` is ``0.2.0-alpha.1``."""
    release, kind, number = re.fullmatch(r"([\d.]+)(?:(a|b|rc)(\d+))?", python).groups()  # type: ignore[union-attr]
    return f"{release}-{ {'a': 'alpha', 'b': 'beta', 'rc': 'rc'}[kind] }.{number}" if kind else release


def test_python_and_npm_have_one_version() -> None:
    assert npm_version(rtc_widgets.__version__) == NPM["version"]
    assert rtc_widgets.__version__ == version("rtc_widgets")


@pytest.mark.parametrize(
    ("python", "npm"), [("0.1.0", "0.1.0"), ("1.2.0a1", "1.2.0-alpha.1"), ("2.0.0rc3", "2.0.0-rc.3")]
)
def test_versions_are_written_in_both_ways(python: str, npm: str) -> None:
    assert npm_version(python) == npm


def test_the_changelog_knows_the_version() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0].startswith(rtc_widgets.__version__)


def test_all_is_sorted_and_complete() -> None:
    assert rtc_widgets.__all__ == sorted(rtc_widgets.__all__)
    assert {"__version__", *rtc_widgets._HOMES} == set(rtc_widgets.__all__)
    assert set(errors.__all__) <= set(rtc_widgets.__all__)


@pytest.mark.parametrize("name", rtc_widgets.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(rtc_widgets, name) is not None
    assert name in dir(rtc_widgets)


def test_type_checkers_see_the_same_names_in_the_same_places() -> None:
    tree = ast.parse(Path(rtc_widgets.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("rtc_widgets")
        for alias in node.names
    }
    assert seen == rtc_widgets._HOMES


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rtc_widgets.nothing


def test_the_server_finds_the_relay() -> None:
    (point,) = rtc_widgets._jupyter_server_extension_points()
    assert point["module"] == "rtc_widgets.relay.extension"
    assert point["app"].name == "rtc_widgets"


def test_the_server_extension_is_enabled_by_installing() -> None:
    config = json.loads((ROOT / "jupyter-config" / "server-config" / "rtc_widgets.json").read_text())
    assert config == {"ServerApp": {"jpserver_extensions": {"rtc_widgets": True}}}


def test_the_lab_extension_goes_where_jupyterlab_looks() -> None:
    (path,) = rtc_widgets._jupyter_labextension_paths()
    assert path["dest"] == NPM["name"]
    shared = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert shared["rtc_widgets/labextension"] == f"share/jupyter/labextensions/{NPM['name']}"
    assert NPM["jupyterlab"]["outputDir"] == "../rtc_widgets/labextension"
    assert json.loads((ROOT / "install.json").read_text())["packageName"] == "rtc_widgets"


def test_a_kernel_environment_gets_no_server() -> None:
    base = [line for line in requires("rtc_widgets") or [] if "extra ==" not in line]
    assert sorted(re.split(r"[^\w-]", line)[0].replace("-", "_") for line in base) == [
        "jupyter_ydoc",
        "pycrdt",
    ]


def test_the_lock_file_names_no_registry() -> None:
    assert not re.search(r"https?://", (ROOT / "labextension" / "yarn.lock").read_text())
