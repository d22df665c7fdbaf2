"""Build the JupyterLab extension before Python is packed.

hatch-jupyter-builder calls `build_labextension`, as pyproject.toml tells it to. From a checkout it always
builds, so that a wheel never holds JavaScript older than its sources. An sdist carries the built assets: a
wheel made from one needs no Node.js.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from hatch_jupyter_builder import npm_builder
from hatch_jupyter_builder.utils import is_stale

ROOT: Final = Path(__file__).parent

# What rspack, which bundles the extension, runs on: ^20.19 or >=22.12.
_CURE: Final = (
    "so the JupyterLab extension cannot be built: install Node.js 20.19 (or 22.12) or newer and try again, "
    "or install the released wheel, which needs no Node.js: pip install rtc_widgets"
)


class BuildError(SystemExit):
    """End the build with one sentence instead of a traceback."""


def check_node(path: str | None = None) -> None:
    """Make sure that a usable Node.js is there.

    Args:
        path: where to look, in the form of ``$PATH``, which is what None means.

    Raises:
        BuildError: there is none, or it is too old.
    """
    node = shutil.which("node", path=path)
    if node is None:
        raise BuildError(f"rtc_widgets: There is no Node.js on PATH, {_CURE}")
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    if version is None:
        raise BuildError(f"rtc_widgets: {node} does not tell its version, {_CURE}")
    major, minor = int(version[1]), int(version[2])
    if not ((major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22):
        raise BuildError(f"rtc_widgets: {node} is Node.js {answer.stdout.strip()}, too old, {_CURE}")


def build_labextension(target: str, version: str, *, script: str, root: Path = ROOT) -> None:
    """Build the extension into ``rtc_widgets/labextension``, unless an unchanged sdist brought it along.

    Args:
        target: what hatch builds, ``sdist`` or ``wheel``.
        version: ``standard``, or ``editable``, which is built with source maps.
        script: which script of labextension/package.json to run.
        root: the folder of pyproject.toml.

    Raises:
        BuildError: there is no usable Node.js.
    """
    sources, assets = root / "labextension", root / "rtc_widgets" / "labextension"
    unpacked_sdist = (root / "PKG-INFO").is_file()
    if unpacked_sdist and not is_stale(assets, sources):
        return
    check_node()
    # File names hold hashes, so a build on top of an older one would pack both.
    shutil.rmtree(assets, ignore_errors=True)
    npm_builder(target, version, path=str(sources), build_cmd=script, npm=["jlpm"])
