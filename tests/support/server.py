"""A real Jupyter server in a process of its own, with private folders, for tests that need the real thing."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat

__all__ = ["Server", "free_port", "keep_quiet", "until"]

TOKEN = "a-token-for-tests"
# What scripts in a page of JupyterLab, and of Notebook 7, may look at.
EXPOSED = ("--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True")


def until(condition: Callable[[], Any], what: str | Callable[[], str], timeout: float = 20.0) -> Any:
    """Return the first true result of *condition*; fail with *what*, told then, after *timeout* seconds."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not so within {timeout} s: {what() if callable(what) else what}")
        time.sleep(0.02)


def keep_quiet(settings: Path) -> None:
    """Have JupyterLab, with its settings in that folder, ask about no news."""
    folder = settings / "@jupyterlab/apputils-extension"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )


class Server:
    """Run ``jupyter server`` or ``jupyter lab`` below *work*.

    Args:
        work: a folder for everything that the server writes.
        app: ``server`` or ``lab``.
        options: more command line options.
        beside: another server, whose folders to share.
        config: text of a jupyter_server_config.py.
    """

    def __init__(
        self,
        work: Path,
        app: str = "server",
        options: Sequence[str] = (),
        config: str = "",
        beside: Server | None = None,
    ) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self._log = work / "server.log"
        self.work = work = beside.work if beside else work
        self.root = work / "root"
        self.root.mkdir(parents=True, exist_ok=True)
        self.token = TOKEN
        self.port = free_port()
        self._app = app
        self._options = list(options)
        (work / "config").mkdir(exist_ok=True)
        if config:
            (work / "config" / "jupyter_server_config.py").write_text(config)
        # Notebook 7, where it is installed, adds a button of its own to JupyterLab's notebooks.
        (work / "config/labconfig").mkdir(exist_ok=True)
        (work / "config/labconfig/page_config.json").write_text(
            '{"disabledExtensions": {"@jupyter-notebook/lab-extension": true}}'
        )
        keep_quiet(work / "settings")
        self.start()

    @property
    def url(self) -> str:
        """Return the server's base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Return what the server printed so far."""
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        """Start the server, on the same port as before, and wait until it answers."""
        module = {"server": "jupyter_server", "lab": "jupyterlab"}[self._app]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", module),
                    "--no-browser",
                    "--allow-root",
                    "--ip=127.0.0.1",
                    f"--port={self.port}",
                    "--ServerApp.port_retries=0",
                    f"--IdentityProvider.token={self.token}",
                    f"--ServerApp.root_dir={self.root}",
                    *(EXPOSED if self._app == "lab" else []),
                    *self._options,
                ],
                env={**os.environ, **self._environment()},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._answers, "the server answers", timeout=60)

    @property
    def pid(self) -> int:
        """Return the number of the server's process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether the server runs, and has not been killed."""
        return self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send the server a signal, if it runs."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self, kill: bool = False) -> None:
        """Stop the server, in good order or by ``kill -9``."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGABRT)  # it prints where each of its threads is
                self._process.wait(20)
                if not _only_anyio_is_left(self.log):
                    raise AssertionError(f"the server did not stop:\n{self.log[-8000:]}") from None

    def close(self) -> None:
        """Shut the kernels down and stop."""
        self.end_kernels()
        self.stop()

    def end_kernels(self) -> None:
        """Shut the kernels down; the server forgets their sessions."""
        if self._process.poll() is None:
            for kernel in self.api("/api/kernels"):
                self.api(f"/api/kernels/{kernel['id']}", "DELETE")

    def api(self, path: str, method: str = "GET", body: Any = None, token: str | None = None) -> Any:
        """Send a request and return the JSON of the answer.

        Raises:
            urllib.error.HTTPError: the server refused.
        """
        request = urllib.request.Request(
            self.url + path,
            method=method,
            headers={"Authorization": f"token {token or self.token}", "Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
        return json.loads(text) if text else None

    def notebook(self, name: str, *sources: str, minor: int = 5, kernel: str = "python3") -> str:
        """Write a notebook of code cells and return its path."""
        cells = [
            nbformat.v4.new_code_cell(source, id=f"cell-{index}") for index, source in enumerate(sources)
        ]
        notebook = nbformat.v4.new_notebook(cells=cells)
        if minor < 5:
            notebook.nbformat_minor = minor
            for cell in cells:
                del cell["id"]
        notebook.metadata["kernelspec"] = {
            "name": kernel,
            "display_name": kernel,
            "language": "python",
        }
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook))
        return name

    def write(self, name: str, notebook: Any) -> None:
        """Write a notebook to disk, as another program would."""
        (self.root / name).write_text(json.dumps(notebook))

    def read(self, name: str) -> Any:
        """Return a notebook from disk.

        jupyter_server truncates the file that it writes, so for a moment a reader may see an empty one.
        """
        return until(lambda: _parsed((self.root / name).read_bytes()), f"{name} is written")

    def sources(self, name: str) -> list[str]:
        """Return the sources of a notebook on disk."""
        return ["".join(cell["source"]) for cell in self.read(name)["cells"]]

    def kept(self) -> bytes:
        """Return all that the relay keeps, and the files that people have."""
        stores = [*self.work.rglob("rtc_widgets/*"), *self.root.rglob("*")]
        for name in (".people.", ".private."):
            assert any(name in file.name for file in stores)
        return b"".join(file.read_bytes() for file in stores if file.is_file())

    def _environment(self) -> dict[str, str]:
        work = self.work
        return {
            "HOME": str(work),
            "JUPYTER_CONFIG_DIR": str(work / "config"),
            "JUPYTER_DATA_DIR": str(work / "data"),
            "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(work / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(work / "workspaces"),
            "IPYTHONDIR": str(work / "ipython"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "PYTHONFAULTHANDLER": "1",
        }

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError(f"the server ended:\n{self.log[-4000:]}")
        try:
            self.api("/api/status")
        except urllib.error.HTTPError as refused:
            # A server with users of its own knows no token of ours, but it is there.
            with refused:
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return True


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _only_anyio_is_left(log: str) -> bool:
    """Tell whether a server that was aborted had stopped in good order, but for threads of AnyIO's.

    One that works for a request when jupyter_server's event loop stops waits for more to do, and Python for it, for
    ever (jupyterlab/jupyterlab#10442). A page that has just been opened asks what nbconvert can do: that takes seconds.
    """
    told = log.rpartition("Fatal Python error: Aborted")[2]
    _, *threads = re.split(r"^(?:Thread|Current thread) 0x.*$", told, flags=re.MULTILINE)
    left = [
        calls for calls in threads if not re.match(r'\s*File ".*threading\.py", line \d+ in _shutdown', calls)
    ]
    waiting = re.compile(
        r'queue\.py", line \d+ in get\s+File ".*anyio._backends._asyncio\.py", line \d+ in run'
    )
    return len(left) < len(threads) and all(waiting.search(calls) for calls in left)


def free_port() -> int:
    """Return a port that nobody has, and that the system hands out to none of the kernels that start meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
