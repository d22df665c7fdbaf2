"""A real JupyterHub with its proxy, and the servers that it starts for people."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from support.server import EXPOSED, Server, free_port, keep_quiet, until

__all__ = ["BY_GROUP", "SHARES", "Hub", "HubServer"]

_PROXY = Path(__file__).parents[2] / "labextension/node_modules/.bin/configurable-http-proxy"
_SECRET = "what-the-hub-and-its-proxy-know"
_ADMIN = "an-administrators-token-for-tests"
# Whoever gives a name is let in under it. Each token of a person's may do what the person may.
_CONFIG = """
import json, sys
from pathlib import Path

given = json.loads(Path(__file__).with_name("given.json").read_text())
work, (port, proxy_port, hub_port) = Path(given["work"]), given["ports"]

c.JupyterHub.bind_url = f"http://127.0.0.1:{port}/"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{hub_port}/"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy_port}/"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.auth_token = given["secret"]
c.JupyterHub.db_url = f"sqlite:///{work}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(work / "cookie_secret")
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{work}/{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = given["options"]
c.Spawner.environment = given["environment"]
c.Spawner.notebook_dir = "~/root"
c.Spawner.http_timeout = c.Spawner.start_timeout = 60
c.JupyterHub.services = [{"name": "tests", "api_token": given["admin"]}]
c.JupyterHub.load_groups = {"editors": {"users": []}, "teachers": {"users": []}}
c.JupyterHub.load_roles = [
    {
        "name": "tests",
        "services": ["tests"],
        "scopes": ["admin:users", "admin:servers", "admin:groups", "tokens"],
    },
]
c.JupyterHub.log_level = "DEBUG"
"""

# As in docs/operations.md: who is let into a server reads, and editors write. Exams are their teachers'.
SHARES = """
c.JupyterHub.load_roles += [{"name": "user", "scopes": ["self", "shares!user", "read:users:name"]}]
"""
BY_GROUP = """
import os
from jupyterhub.singleuser.extension import JupyterHubAuthorizer

class ByGroup(JupyterHubAuthorizer):
    def is_authorized(self, handler, user, action, resource):
        if not super().is_authorized(handler, user, action, resource):
            return False
        is_owner = user.username == os.environ["JUPYTERHUB_USER"]
        return is_owner or action == "read" or "editors" in user.hub_user["groups"]

def role_hook(identity, path, role):
    if path.startswith("exams/") and "teachers" not in identity["hub_user"]["groups"]:
        return "viewer"
    return role

c.ServerApp.authorizer_class = ByGroup
c.RelayApp.role_hook = role_hook
c.RelayApp.recheck_interval = 0.5
"""


class Hub:
    """Run ``jupyterhub`` below *work*, with the npm proxy in front.

    Args:
        work: a folder for everything that the Hub and its servers write.
        config: more text of jupyterhub_config.py.
        server_config: text of the servers' jupyter_server_config.py.
    """

    def __init__(self, work: Path, config: str = "", server_config: str = "") -> None:
        assert _PROXY.exists(), "The Hub's proxy is not installed: run jlpm install in labextension/."
        self.work = work
        self.port, api, there = free_port(), free_port(), free_port()
        self._log = work / "hub.log"
        (work / "config").mkdir(parents=True)
        (work / "config/jupyter_server_config.py").write_text(server_config)
        keep_quiet(work / "settings")
        given = {
            "work": str(work),
            "ports": [self.port, api, there],
            "secret": _SECRET,
            "admin": _ADMIN,
            "options": ["--allow-root", "--log-level=DEBUG", *EXPOSED],
            "environment": {
                "JUPYTER_CONFIG_DIR": str(work / "config"),
                "JUPYTERLAB_SETTINGS_DIR": str(work / "settings"),
                "JUPYTER_PREFER_ENV_PATH": "1",
                "PYTHONFAULTHANDLER": "1",
                **{name: os.environ[name] for name in ("JUPYTER_PATH", "PYTHONPATH") if name in os.environ},
            },
        }
        (work / "given.json").write_text(json.dumps(given))
        (work / "jupyterhub_config.py").write_text(_CONFIG + config)
        ports = [f"--port={self.port}", f"--api-port={api}", f"--default-target=http://127.0.0.1:{there}"]
        proxy = [shutil.which("node") or "node", str(_PROXY), "--ip=127.0.0.1", "--api-ip=127.0.0.1", *ports]
        self._proxy = self._run(*proxy, f"--error-target=http://127.0.0.1:{there}/hub/error")
        self.start()

    def start(self) -> None:
        """Start the Hub, again after it was killed; it finds the servers that run."""
        self._process = self._run(sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py")
        until(self._answers, "the Hub answers", timeout=60)

    def kill(self) -> None:
        """Kill the Hub alone: the proxy and the servers go on."""
        self._process.kill()
        self._process.wait(20)

    @property
    def url(self) -> str:
        """Return the address of the proxy."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Return what the Hub, its proxy and its servers printed so far."""
        return self._log.read_text(errors="replace")

    def api(self, path: str, method: str = "GET", body: Any = None, token: str = _ADMIN) -> Any:
        """Send a request to the Hub, of an administrator's unless a token says otherwise, and return its answer."""
        request = urllib.request.Request(
            f"{self.url}/hub/api/{path}",
            method=method,
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
        return json.loads(text) if text else None

    def person(self, name: str) -> str:
        """Have the Hub know somebody, and return a token of theirs."""
        return self.token(name)["token"]

    def token(self, name: str) -> dict[str, Any]:
        """Return a new token of somebody's: its ``id``, and the ``token``."""
        try:
            self.api(f"users/{name}")
        except urllib.error.HTTPError as missing:
            with missing:
                self.api(f"users/{name}", "POST")
        made: dict[str, Any] = self.api(f"users/{name}/tokens", "POST", {"note": "for tests"})
        return made

    def join(self, group: str, name: str) -> None:
        """Take somebody into a group."""
        self.api(f"groups/{group}/users", "POST", {"users": [name]})

    def leave(self, group: str, name: str) -> None:
        """Take somebody out of a group."""
        self.api(f"groups/{group}/users", "DELETE", {"users": [name]})

    def serve(self, owner: str) -> HubServer:
        """Start somebody's server."""
        token = self.person(owner)
        (self.work / owner / "root").mkdir(parents=True)
        server = HubServer(self, owner, token)
        server.start()
        return server

    def close(self) -> None:
        """Stop the servers, the Hub and the proxy."""
        for process in (self._process, self._proxy):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        with self._log.open("a") as log:
            return subprocess.Popen(
                command,
                cwd=self.work,
                env={**os.environ, "CONFIGPROXY_AUTH_TOKEN": _SECRET},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        assert self._process.poll() is None, f"the Hub ended:\n{self.log[-6000:]}"
        try:
            self.api("")
        except (OSError, ValueError):
            return False
        return True


class HubServer(Server):
    """Be somebody's server on a Hub, as it is seen through the proxy."""

    def __init__(self, hub: Hub, owner: str, token: str) -> None:
        self.hub = hub
        self.owner = owner
        self.token = token
        self.port = hub.port
        self.work = hub.work / owner
        self.root = self.work / "root"

    @property
    def url(self) -> str:
        """Return the server's base URL."""
        return f"{self.hub.url}/user/{self.owner}"

    @property
    def log(self) -> str:
        """Return what the Hub, its proxy and its servers printed so far."""
        return self.hub.log

    def start(self) -> None:
        """Have the Hub start it, and wait until it answers."""
        self.hub.api(f"users/{self.owner}/server", "POST")
        until(lambda: self._state().get("ready"), lambda: f"it starts:\n{self.log[-6000:]}", timeout=60)

    def stop(self, kill: bool = False) -> None:
        """Have the Hub stop it."""
        self.hub.api(f"users/{self.owner}/server", "DELETE")
        until(lambda: not self._state(), lambda: f"it stops:\n{self.log[-6000:]}", timeout=60)

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.hub.api(f"users/{self.owner}")["servers"].get("", {})
        return state

    def share(self, name: str) -> None:
        """Let somebody in, as the owner does it."""
        self.hub.api(f"shares/{self.owner}/", "POST", {"user": name}, token=self.token)

    def unshare(self, name: str) -> None:
        """Let somebody in no more."""
        self.hub.api(f"shares/{self.owner}/", "PATCH", {"user": name}, token=self.token)
