"""Ask a server over HTTP to open a file, and find out what is wrong where it does not (docs/protocol.md, section 6)."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from http.cookies import Morsel, SimpleCookie
from typing import Any, NoReturn

from rtc_widgets._version import __version__
from rtc_widgets.client.address import Address
from rtc_widgets.documents.datafile import format_of
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.protocol import version
from rtc_widgets.protocol.codes import CloseCode

__all__ = ["Room", "Rooms"]

# Seconds.
TIMEOUT = 20.0
# Statuses of a proxy, or of JupyterHub, whose server is away for a moment.
_AWAY = frozenset({424, 429, 502, 503, 504})
_FORBIDDEN = frozenset({301, 302, 303, 307, 308, 401, 403})
# JupyterHub's own answer, besides, where a server does not run.
_NOT_THERE = frozenset({404, 405})

NO_SERVER = (
    "No server answers at {base} ({error}). Check the URL, and that the server runs: `jupyter server list` names "
    "those on its machine."
)
NOT_JUPYTER = (
    "There is no Jupyter server at {base}. Copy the address from a browser that shows JupyterLab there, or what "
    "`jupyter server list` prints."
)
NO_RELAY = (
    "The server at {base} does not run rtc_widgets, so its documents are not live. In the environment of that "
    'server: pip install "rtc_widgets[server]", see that `jupyter server extension list` names it as enabled, and '
    "restart the server."
)
TELL_WHO = (
    "The server at {base} wants to know who you are. Give its token: connect(url, token=…), or set JUPYTER_TOKEN; "
    "`jupyter server list` shows it on the server's machine."
)
NOT_ACCEPTED = (
    "The server at {base} does not accept this token. A server that was restarted may have a new one: `jupyter "
    "server list` shows it on the server's machine."
)
AWAY = "The server at {base} is away for the moment (it answers {status}). Try again."
NOT_SHARED = (
    "You may not use the server at {base}, which is on a JupyterHub. Ask its owner to share it with you."
)
NOT_OF_THE_HUB = (
    "JupyterHub does not accept this token. If it has expired or was revoked, make one at {hub}token."
)
TELL_HUB_WHO = (
    "JupyterHub wants to know who you are. Make a token at {hub}token, and give it: connect(url, token=…)."
)
NOT_STARTED = "No server runs at {base} on the JupyterHub. Whose it is can start it at {hub}home."
A_HUB = (
    "{base} is a JupyterHub. Give the address of a server on it, as a browser shows it: it has /user/… in it."
)
NO_RIGHT = "You may not read {path} on {base}. Ask its owner to share it with you."
NO_FILE = (
    "There is no file {path!r} on {base}. A path begins at the server's root folder, which is what JupyterLab's file "
    "browser shows first."
)


@dataclass(frozen=True, slots=True)
class Room:
    """Hold what one needs to open the documents of a file.

    Args:
        id: of the room, which stays over renames.
        comm_ids: by the documents' names, ``content`` and ``annotations``.
    """

    id: str
    path: str
    lineage: str
    ticket: str
    comm_ids: dict[str, str]


class Rooms:
    """Ask one server to open files. Blocks: for a thread.

    Args:
        address: of the server, with the token.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        # By the cookie that it gave, a server knows a visitor again: with a token alone, each request would come from
        # another anonymous user, and nobody could edit their own comment after a reconnect.
        self._cookies: dict[str, Morsel[str]] = {}

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers that say who is asking; for the WebSocket too."""
        headers = dict(self._address.headers)
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={one.coded_value}" for name, one in self._cookies.items())
        if "_xsrf" in self._cookies:
            headers["X-XSRFToken"] = self._cookies["_xsrf"].value
        return headers

    def join(self, path: str, type_: str, room: str | None = None) -> Room:
        """Open the room of a file.

        Args:
            path: of the file.
            type_: a document type.
            room: the id of the one that this process had: it is followed where its file was renamed meanwhile.

        Raises:
            NotConnected: no relay answers there; says what to do.
            ChannelClosed: the relay refuses; code and sentence say why.
        """
        body = {"format": format_of(type_), "type": type_, **({} if room is None else {"room": room})}
        status, answer = self._ask(f"api/rtc_widgets/rooms/{path}", "PUT", body)
        moved = answer.get("path")
        if status == 404 and room is not None and isinstance(moved, str):
            # Once: what is renamed again in this moment is followed at the next attempt.
            status, answer = self._ask(f"api/rtc_widgets/rooms/{moved}", "PUT", body)
            path = moved
        if status != 200:
            self._refused(path, status, answer)
        version.choose(
            answer.get("versions", []),
            peer="the server",
            peer_release=str(answer.get("release")),
            our_release=__version__,
            us="this process",
        )
        return Room(
            str(answer["room"]),
            str(answer["path"]),
            str(answer["lineage"]),
            str(answer["ticket"]),
            {name: str(document["comm_id"]) for name, document in answer["documents"].items()},
        )

    def me(self) -> dict[str, Any]:
        """Return who the server takes this process for (``api/me``); nothing where it does not say."""
        try:
            identity = self._ask("api/me")[1].get("identity")
        except NotConnected:
            return {}
        return identity if isinstance(identity, dict) else {}

    def _refused(self, path: str, status: int, answer: dict[str, Any]) -> NoReturn:
        base = self._address.base
        code = answer.get("code")
        said = answer.get("message")
        if code == CloseCode.NOT_FOUND:
            missing = said in {None, CloseCode.NOT_FOUND.sentence}
            reason = NO_FILE.format(path=path, base=base) if missing else str(said)
            raise ChannelClosed(CloseCode.NOT_FOUND, reason)
        if code in set(CloseCode) - {CloseCode.NO_ACCESS}:
            raise ChannelClosed(str(code), str(said or CloseCode(code).sentence))
        if status in _AWAY:
            raise NotConnected(AWAY.format(base=base, status=status))
        if status in _FORBIDDEN | _NOT_THERE:
            self._diagnose(path, status, bool(answer))
        reason = f"The server at {base} answers {status}: {said or 'no reason given'}."
        raise ChannelClosed(CloseCode.INTERNAL_ERROR, reason)

    def _diagnose(self, path: str, status: int, in_json: bool) -> NoReturn:
        """Find out whether the URL, the extension, the token or the rights are at fault.

        Args:
            in_json: whether the refusal is in JSON, as a server's own is.
        """
        base = self._address.base
        info, answer = self._ask("api/rtc_widgets")
        if info == 200 and "release" in answer:
            if not in_json:  # it was not there yet a moment ago, and JupyterHub answered in its place
                raise NotConnected(AWAY.format(base=base, status=status))
            if status == 404:
                raise ChannelClosed(CloseCode.NOT_FOUND, NO_FILE.format(path=path, base=base))
            raise ChannelClosed(CloseCode.NO_ACCESS, NO_RIGHT.format(path=path, base=base))
        self._diagnose_hub(status, in_json)
        if answer.get("code") == CloseCode.NO_ACCESS:
            raise ChannelClosed(CloseCode.NO_ACCESS, NO_RIGHT.format(path=path, base=base))
        if info in _FORBIDDEN and status in _FORBIDDEN:
            sentence = NOT_ACCEPTED if self._address.token else TELL_WHO
            raise ChannelClosed(CloseCode.UNAUTHORIZED, sentence.format(base=base))
        _, about = self._ask("api")
        if "version" in about:
            raise NotConnected(NO_RELAY.format(base=base))
        raise NotConnected(NOT_JUPYTER.format(base=base))

    def _diagnose_hub(self, status: int, in_json: bool) -> None:
        """Find out what is wrong where the server is, or would be, on a JupyterHub; elsewhere do nothing."""
        base, token = self._address.base, self._address.token
        root, user, _ = base.partition("/user/")
        hub = f"{root.rstrip('/')}/hub/"
        told = {"Accept": "application/json", **self._address.headers}
        if "version" not in _json(self._send(f"{hub}api", "GET", {})[1]):
            return
        if not user:
            raise NotConnected(A_HUB.format(base=base))
        if self._send(f"{hub}api/user", "GET", told)[0] != 200:
            sentence = NOT_OF_THE_HUB if token else TELL_HUB_WHO
            raise ChannelClosed(CloseCode.UNAUTHORIZED, sentence.format(hub=hub))
        if "version" in self._ask("api")[1]:
            if in_json:
                raise ChannelClosed(CloseCode.NO_ACCESS, NOT_SHARED.format(base=base))
            raise NotConnected(AWAY.format(base=base, status=status))
        raise NotConnected(NOT_STARTED.format(base=base, hub=hub))

    def _ask(self, path: str, method: str = "GET", body: Any = None) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON of the answer; a redirect is an answer like any other."""
        if method != "GET" and self._address.token is None:
            self._visit()
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self.headers()}
        data = None if body is None else json.dumps(body).encode()
        status, answer = self._send(self._address.url(path), method, headers, data)
        return status, _json(answer)

    def _visit(self) -> None:
        """Get what a server without tokens wants: the cookies that it gives, one of them once more as a header."""
        if "_xsrf" not in self._cookies:
            self._send(self._address.url("tree"), "GET", {"Accept": "text/html"})

    def _keep(self, given: Message) -> None:
        """Keep the cookies of an answer; an empty one takes it back."""
        cookies: SimpleCookie = SimpleCookie()
        for line in given.get_all("Set-Cookie") or []:
            cookies.load(line)
        for name, morsel in cookies.items():
            if morsel.value:
                self._cookies[name] = morsel
            else:
                self._cookies.pop(name, None)

    def _send(
        self, url: str, method: str, headers: dict[str, str], data: bytes | None = None
    ) -> tuple[int, bytes]:
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 (`parse` sees to the scheme)
        try:
            with _opener().open(request, timeout=TIMEOUT) as response:
                self._keep(response.headers)
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                self._keep(error.headers)
                return error.code, error.read()
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, ssl.SSLCertVerificationError):
                reason = (
                    f"{reason}; set SSL_CERT_FILE to the file of the authority that signed its certificate"
                )
            text = str(reason) or type(reason).__name__
            raise NotConnected(NO_SERVER.format(base=self._address.base, error=text)) from error


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Let no redirect be followed: it leads to a page where a person signs in."""

    def redirect_request(self, *_args: Any) -> None:
        """Follow nothing."""


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data or b"{}")
    except ValueError:
        return {}  # a proxy's error page; the status says enough
    return value if isinstance(value, dict) else {}
