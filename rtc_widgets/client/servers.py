"""Which servers run on this machine, by the files that they leave in Jupyter's runtime folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rtc_widgets.client.address import Address
from rtc_widgets.errors import NotConnected

__all__ = ["RunningServer", "find", "running", "token_of"]

_HERE = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", ""})  # noqa: S104 (compared, not bound)
_NONE = (
    "No Jupyter server runs on this machine, as far as its runtime folder {folder} tells. Start one "
    "(jupyter lab), or give the URL of one: rtc_widgets.connect(url, path=…)."
)
_SEVERAL = (
    "Several servers run on this machine, and it is not clear which one has {path!r}: {urls}. Give the URL of the "
    "one that is meant: rtc_widgets.connect(url, path=…)."
)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Hold what a running server wrote about itself."""

    url: str
    token: str
    root: Path

    @property
    def address(self) -> Address:
        """Return how to reach it."""
        return Address(f"{self.url.rstrip('/')}/", self.token or None)


def running() -> list[RunningServer]:
    """Return the servers that run on this machine for this user, the newest first."""
    files = sorted(_folder().glob("jpserver-*.json"), key=_age, reverse=True)
    return [server for file in files for server in _read(file)]


def find(path: str) -> tuple[Address, str]:
    """Return the server that has the file *path*, and the file's path there.

    A path is looked for in the working folder first, where that is part of a server's, then below each server's own.

    Raises:
        NotConnected: no server runs here, or it is not clear which one is meant.
    """
    servers = running()
    if not servers:
        raise NotConnected(_NONE.format(folder=_folder()))
    here = Path(path).expanduser().absolute()
    inside = [server for server in servers if here.exists() and here.is_relative_to(server.root)]
    if inside:
        # Of servers one inside the other, the innermost.
        chosen = max(inside, key=lambda server: len(server.root.parts))
        return chosen.address, here.relative_to(chosen.root).as_posix()
    having = [server for server in servers if (server.root / path.strip("/")).exists()]
    if len(having or servers) > 1:
        urls = ", ".join(server.url for server in having or servers)
        raise NotConnected(_SEVERAL.format(path=path, urls=urls))
    return (having or servers)[0].address, path


def token_of(address: Address) -> str | None:
    """Return the token of a server on this machine, None where it is not known."""
    wanted = _place(address.base)
    return next((server.token for server in running() if _place(server.url) == wanted and server.token), None)


def _place(url: str) -> tuple[str, int | None, str]:
    parts = urlsplit(url)
    host = "" if parts.hostname in _HERE else parts.hostname
    return host or "", parts.port, parts.path.rstrip("/")


def _read(file: Path) -> Iterator[RunningServer]:
    try:
        found = json.loads(file.read_text())
        if _lives(int(found["pid"])) and found.get("url", "").startswith("http"):
            yield RunningServer(found["url"], str(found.get("token") or ""), Path(found["root_dir"]))
    except (OSError, ValueError, KeyError, TypeError):
        return  # half written, or another program's


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _lives(pid: int) -> bool:
    if os.name == "nt":  # there, signal 0 is Ctrl+C
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _folder() -> Path:
    try:
        from jupyter_core.paths import jupyter_runtime_dir  # noqa: PLC0415 (where it is installed)
    except ImportError:
        return _usual_folder()
    return Path(jupyter_runtime_dir())


def _usual_folder() -> Path:
    """Return Jupyter's runtime folder as jupyter_core would name it."""
    if named := os.environ.get("JUPYTER_RUNTIME_DIR"):
        return Path(named)
    if data := os.environ.get("JUPYTER_DATA_DIR"):
        return Path(data, "runtime")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Jupyter" / "runtime"
    if os.name == "nt":
        return Path(os.environ.get("APPDATA", Path.home())) / "jupyter" / "runtime"
    share = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(share, "jupyter", "runtime")
