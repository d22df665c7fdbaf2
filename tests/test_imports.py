"""What importing a part loads: a kernel gets no server, a server gets no IPython."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_PROBE = """
import importlib, json, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def loaded_by(module: str) -> set[str]:
    """Return the top-level packages that importing *module* loads into a plain interpreter."""
    ended = subprocess.run(
        [sys.executable, "-c", _PROBE, module], capture_output=True, text=True, check=False, timeout=50
    )
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout))


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        (
            "rtc_widgets",
            {
                "IPython",
                "anywidget",
                "ipykernel",
                "ipywidgets",
                "jupyter_server",
                "jupyter_ydoc",
                "pycrdt",
                "tornado",
            },
        ),
        ("rtc_widgets.kernel.extension", {"jupyter_server", "jupyterlab", "tornado"}),
        ("rtc_widgets.kernel.api", {"anywidget", "ipywidgets", "jupyter_server", "jupyterlab", "tornado"}),
        (
            "rtc_widgets.client.api",
            {"IPython", "ipykernel", "jupyter_core", "jupyter_server", "nbformat", "tornado", "websockets"},
        ),
        ("rtc_widgets.client.local", {"IPython", "jupyter_server", "nbformat", "tornado", "websockets"}),
        ("rtc_widgets.opening", {"IPython", "jupyter_server", "pycrdt", "tornado", "websockets"}),
        ("rtc_widgets.relay.extension", {"IPython", "ipykernel", "ipywidgets", "jupyterlab"}),
        ("rtc_widgets.protocol.peer", {"asyncio", "pycrdt", "socket", "tornado"}),
    ],
)
def test_a_part_loads_no_more_than_it_needs(module: str, absent: set[str]) -> None:
    assert loaded_by(module) & absent == set()
