"""The browser's anchors under Node, to be asked the same as Python's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent.parent
NODE_TREE = HERE.parent / "labextension"


def utf16(text: str, offset: int) -> int:
    """Return the UTF-16 units of the first code points of a text."""
    return len(text[:offset].encode("utf-16-le")) // 2


class Peer:
    """One notebook under Node."""

    def __init__(self, folder: Path) -> None:
        node, esbuild = shutil.which("node"), NODE_TREE / "node_modules" / ".bin" / "esbuild"
        if node is None or not esbuild.exists():
            pytest.skip("esbuild is not installed: run jlpm install in labextension/")
        bundle = folder / "peer.cjs"
        subprocess.run(
            [
                esbuild,
                HERE / "interop" / "anchors_peer.mjs",
                "--bundle",
                "--platform=node",
                "--format=cjs",
                f"--outfile={bundle}",
                "--log-level=error",
            ],
            env={**os.environ, "NODE_PATH": str(NODE_TREE / "node_modules")},
            check=True,
        )
        self._process = subprocess.Popen(
            [node, bundle], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, do: str, **what: Any) -> Any:
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, "the peer ended"
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
