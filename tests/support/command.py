"""The command line of a server's environment, as who runs the server uses it."""

from __future__ import annotations

import os
import subprocess
import sys

from support.server import Server

__all__ = ["rtc"]


def rtc(server: Server, command: str, path: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run `jupyter rtc COMMAND PATH` with the server's root folder and data folder."""
    data = {"JUPYTER_DATA_DIR": str(server.work / "data")}
    whole = [sys.executable, "-m", "rtc_widgets.relay", command, path, "--root-dir", str(server.root), *more]
    return subprocess.run(
        whole, env={**os.environ, **data}, capture_output=True, text=True, check=False, timeout=60
    )
