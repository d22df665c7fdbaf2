"""Where a server is, read from whatever URL a person has at hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urlsplit

from rtc_widgets.errors import NotConnected

__all__ = ["Address", "parse"]

# What JupyterLab, Notebook 7 and the server itself put between the base URL and the path of a file.
_PLACES = re.compile(
    r"""(?P<base>.*?)/
        (?:(?:lab|doc)(?:/workspaces/[^/]+)?(?:/tree(?:/(?P<lab>.*))?)?
          |(?:notebooks|edit|tree|consoles|files|view|api/contents)(?:/(?P<other>.*))?)
        /?""",
    re.VERBOSE,
)
_HUB = (
    "{url} is a link to JupyterHub, which only forwards a browser. Start your server, and copy the address that "
    "the browser shows then: it has /user/… in it."
)


@dataclass(frozen=True, slots=True)
class Address:
    """Name a server.

    Args:
        base: its base URL, with a slash at the end.
        token: who is asking.
        path: of a file, where the URL named one.
    """

    base: str
    token: str | None = None
    path: str | None = None

    @property
    def websocket(self) -> str:
        """Return the URL of the relay's WebSocket."""
        return f"ws{self.base.removeprefix('http')}api/rtc_widgets/comms"

    @property
    def headers(self) -> dict[str, str]:
        """Return the HTTP headers that say who is asking."""
        return {"Authorization": f"token {self.token}"} if self.token else {}

    def url(self, *parts: str) -> str:
        """Return a URL below the base, of parts that are not quoted yet."""
        return self.base + "/".join(quote(part, safe="/") for part in parts)


def parse(url: str) -> Address:
    """Read a URL as a browser shows it, a server prints it or a person remembers it.

    Raises:
        NotConnected: it is no URL of a server; the message says why.

    >>> parse("http://127.0.0.1:8888/lab/tree/a%20b.ipynb?token=secret")
    Address(base='http://127.0.0.1:8888/', token='secret', path='a b.ipynb')
    >>> parse("hub.example.org/user/ada/lab").base
    'http://hub.example.org/user/ada/'
    """
    text = url.strip()
    if "://" not in text:
        text = f"http://{text}"
    parts = urlsplit(text)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in {"http", "https"} or not parts.hostname:
        raise NotConnected(f"{url!r} is not the URL of a server. Give one such as http://localhost:8888.")
    if "/hub/user-redirect/" in parts.path or parts.path.rstrip("/").endswith(
        ("/hub", "/hub/home", "/hub/spawn")
    ):
        raise NotConnected(_HUB.format(url=url))
    found = _PLACES.fullmatch(parts.path)
    base = parts.path if found is None else found["base"]
    path = None if found is None else found["lab"] or found["other"]
    token = parse_qs(parts.query).get("token", [""])[0]
    host = parts.netloc.rpartition("@")[2]
    return Address(
        f"{scheme}://{host}{base.rstrip('/')}/",
        token or None,
        unquote(path).strip("/").removeprefix("RTC:") or None if path else None,
    )
