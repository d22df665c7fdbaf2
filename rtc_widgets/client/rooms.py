"""Ask a server over HTTP to open a file, and find out what is wrong where it does not (docs/protocol.md, section 6)."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from http.cookies import SimpleCookie
from typing import Any, NoReturn

from rtc_widgets._version import __version__
from rtc_widgets.client.address import Address
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.protocol import version
from rtc_widgets.protocol.codes import CloseCode

__all__ = ["Room", "format_of", "join"]

# Seconds.
TIMEOUT = 20.0
# Statuses of a proxy, or of JupyterHub, whose server is away for a moment.
_AWAY = frozenset({424, 429, 502, 503, 504})
_FORBIDDEN = frozenset({301, 302, 303, 307, 308, 401, 403})

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
NO_RIGHT = "You may not read {path} on {base}. Ask its owner to share it with you."
NO_FILE = (
    "There is no file {path!r} on {base}. A path begins at the server's root folder, which is what JupyterLab's file "
    "browser shows first."
)


@dataclass(frozen=True, slots=True)
class Room:
    """Hold what one needs to open the content document of a file."""

    path: str
    lineage: str
    ticket: str
    comm_id: str


def format_of(type_: str) -> str:
    """Return the format in which files of *type_* are read."""
    return {"notebook": "json", "blob": "base64"}.get(type_, "text")


def join(address: Address, path: str, type_: str) -> Room:
    """Open the room of a file; blocks.

    Raises:
        NotConnected: no relay answers there; says what to do.
        ChannelClosed: the relay refuses; code and sentence say why.
    """
    body = {"format": format_of(type_), "type": type_}
    status, answer = _ask(address, f"api/rtc_widgets/rooms/{path}", "PUT", body)
    if status != 200:
        _refused(address, path, status, answer)
    version.choose(
        answer.get("versions", []),
        peer="the server",
        peer_release=str(answer.get("release")),
        our_release=__version__,
        us="this process",
    )
    return Room(
        str(answer["path"]),
        str(answer["lineage"]),
        str(answer["ticket"]),
        str(answer["documents"]["content"]["comm_id"]),
    )


def _refused(address: Address, path: str, status: int, answer: dict[str, Any]) -> NoReturn:
    base = address.base
    code = answer.get("code")
    if code == CloseCode.NOT_FOUND:
        reason = str(answer.get("message", ""))
        missing = reason == CloseCode.NOT_FOUND.sentence
        raise ChannelClosed(CloseCode.NOT_FOUND, NO_FILE.format(path=path, base=base) if missing else reason)
    if code in set(CloseCode):
        raise ChannelClosed(str(code), str(answer.get("message") or CloseCode(code).sentence))
    if status in _AWAY:
        raise NotConnected(f"The server at {base} is away for the moment (it answers {status}). Try again.")
    if status in _FORBIDDEN or status == 404:
        _diagnose(address, path, status)
    said = answer.get("message") or "no reason given"
    raise ChannelClosed(CloseCode.INTERNAL_ERROR, f"The server at {base} answers {status}: {said}.")


def _diagnose(address: Address, path: str, status: int) -> NoReturn:
    """Find out whether the URL, the extension, the token or the rights are at fault."""
    base = address.base
    info, answer = _ask(address, "api/rtc_widgets")
    if info == 200 and "release" in answer:
        if status == 404:
            raise ChannelClosed(CloseCode.NOT_FOUND, NO_FILE.format(path=path, base=base))
        raise ChannelClosed(CloseCode.UNAUTHORIZED, NO_RIGHT.format(path=path, base=base))
    if info in _FORBIDDEN and status in _FORBIDDEN:
        sentence = NOT_ACCEPTED if address.token else TELL_WHO
        raise ChannelClosed(CloseCode.UNAUTHORIZED, sentence.format(base=base))
    _, about = _ask(address, "api")
    if "version" in about:
        raise NotConnected(NO_RELAY.format(base=base))
    raise NotConnected(NOT_JUPYTER.format(base=base))


def _ask(address: Address, path: str, method: str = "GET", body: Any = None) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON of the answer; a redirect is an answer like any other."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", **address.headers}
    data = None if body is None else json.dumps(body).encode()
    if method != "GET" and address.token is None:
        headers |= _xsrf(address)
    request = urllib.request.Request(address.url(path), data, headers, method=method)  # noqa: S310 (http only)
    try:
        with _opener().open(request, timeout=TIMEOUT) as response:
            return response.status, _json(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _json(error.read())
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, ssl.SSLCertVerificationError):
            reason = f"{reason}; set SSL_CERT_FILE to the file of the authority that signed its certificate"
        raise NotConnected(
            NO_SERVER.format(base=address.base, error=str(reason) or type(reason).__name__)
        ) from error


def _xsrf(address: Address) -> dict[str, str]:
    """Return what a server without tokens wants besides: the cookie that it gave, once more as a header."""
    request = urllib.request.Request(address.url("tree"), headers={"Accept": "text/html"})  # noqa: S310
    try:
        with _opener().open(request, timeout=TIMEOUT) as response:
            given = response.headers.get_all("Set-Cookie") or []
    except urllib.error.HTTPError as error:
        with error:
            given = error.headers.get_all("Set-Cookie") or []
    except (OSError, HTTPException):
        return {}
    cookies: SimpleCookie = SimpleCookie()
    for line in given:
        cookies.load(line)
    if "_xsrf" not in cookies:
        return {}
    sent = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
    return {"Cookie": sent, "X-XSRFToken": cookies["_xsrf"].value}


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
