"""``rtc_widgets.connect()`` and ``connect_async()``: a live handle of a file on a server, from any process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator
from concurrent.futures import Future
from dataclasses import replace
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar, cast, overload

from rtc_widgets.channels.websocket import require_websockets
from rtc_widgets.client import loop, servers
from rtc_widgets.client.address import Address, parse
from rtc_widgets.client.session import Dispatcher, Handle, Session, current
from rtc_widgets.documents.datafile import LiveData
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.errors import NotConnected, RtcError

__all__ = ["Connecting", "connect", "connect_async", "open_beside"]

H = TypeVar("H", Notebook, LiveText, LiveData)

_NO_PATH = (
    "Say which file to open: connect(url, path=…), with its path below the server's root folder, or give the URL that "
    "a browser shows where the file is open."
)
_SLOW = (
    "The server at {base} has not sent {path} within {timeout:g} s. Wait longer with timeout=…, or look into the "
    "server's log."
)
_INSIDE = (
    "A callback that was asked for with thread='any' runs in the thread of the connections, and cannot wait for one. "
    "Use connect_async() from your own event loop, or another thread."
)


@overload
def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    path: str | None = None,
    type: Literal["notebook"] = "notebook",
    timeout: float = 30.0,
) -> Notebook: ...
@overload
def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    path: str | None = None,
    type: Literal["file"],
    timeout: float = 30.0,
) -> LiveText: ...
@overload
def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    path: str | None = None,
    type: str,
    timeout: float = 30.0,
) -> Notebook | LiveText | LiveData: ...


def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    path: str | None = None,
    type: str = "notebook",  # noqa: A002 (what the contents manager calls it)
    timeout: float = 30.0,
) -> Notebook | LiveText | LiveData:
    """Return a live handle of a file on a Jupyter server, from any process; its content is here when this returns.

    The same handle as `notebook` gives in a kernel. It reconnects by itself, and what is written meanwhile is kept and
    sent later. Use it in a ``with`` block, or call ``close()``: either waits until all that was written is safe. The
    end of the process does that too.

    Args:
        url: of the server, or as the browser shows it where the file is open, token and path included. Left out, a
            server on this machine that has the file.
        token: of the server. Left out: the URL's, else ``JUPYTER_TOKEN``, else what a server on this machine left in
            Jupyter's runtime folder.
        path: of the file, below the server's root folder. With no URL, it may also be a path from the working folder.
        type: ``notebook``, ``file`` for any text, or another document type that the server knows.
        timeout: seconds until the content must be here.

    Raises:
        NotConnected: there is no relay; the message names the likely causes and their cures.
        ChannelClosed: the server refuses; ``code`` and ``reason`` say why.

    Example::

        with rtc_widgets.connect("http://localhost:8888", path="a.ipynb") as nb:
            nb[0].source = "x = 2"
    """
    if loop.inside():
        raise RuntimeError(_INSIDE)
    future = _begin(url, token, path, type, timeout, loop.dispatcher())
    try:
        return future.result()
    except BaseException:  # also an interrupt: nobody waits any more
        future.cancel()
        raise


@overload
def connect_async(
    url: str | None = None,
    *,
    token: str | None = None,
    path: str | None = None,
    type: Literal["notebook"] = "notebook",
    timeout: float = 30.0,
) -> Connecting[Notebook]: ...
@overload
def connect_async(
    url: str | None = None,
    *,
    token: str | None = None,
    path: str | None = None,
    type: Literal["file"],
    timeout: float = 30.0,
) -> Connecting[LiveText]: ...
@overload
def connect_async(
    url: str | None = None,
    *,
    token: str | None = None,
    path: str | None = None,
    type: str,
    timeout: float = 30.0,
) -> Connecting[Any]: ...


def connect_async(
    url: str | None = None,
    *,
    token: str | None = None,
    path: str | None = None,
    type: str = "notebook",  # noqa: A002
    timeout: float = 30.0,
) -> Connecting[Any]:
    """Do as `connect`, without blocking the event loop; callbacks run on that loop.

    Example::

        async with rtc_widgets.connect_async("http://localhost:8888", path="a.ipynb") as nb:
            nb[0].source = "x = 2"

        nb = await rtc_widgets.connect_async("http://localhost:8888", path="a.ipynb")
        await nb.aclose()
    """
    return Connecting(url, token, path, type, timeout)


class Connecting(Generic[H]):
    """Be awaited for a handle, or used in an ``async with`` block, which closes the handle at its end."""

    def __init__(
        self, url: str | None, token: str | None, path: str | None, type_: str, timeout: float
    ) -> None:
        self._asked = (url, token, path, type_, timeout)
        self._handle: H | None = None

    def __await__(self) -> Generator[Any, None, H]:
        return self._connect().__await__()

    async def _connect(self) -> H:
        future = _begin(*self._asked, loop.dispatcher())
        return cast("H", await asyncio.wrap_future(future))

    async def __aenter__(self) -> H:
        self._handle = await self._connect()
        return self._handle

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        assert self._handle is not None
        try:
            await self._handle.aclose()
        except RtcError:
            if kind is None:  # else it would hide what went wrong first
                raise


def open_beside(path: str, type_: str, timeout: float) -> Handle:
    """Return a live handle of another file on the server that `connect` was last called for."""
    session = current()
    assert session is not None
    if loop.inside():
        raise RuntimeError(_INSIDE)
    future = loop.submit(_open(session, path, type_, timeout, loop.dispatcher()))
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _begin(
    url: str | None, token: str | None, path: str | None, type_: str, timeout: float, dispatch: Dispatcher
) -> Future[Handle]:
    require_websockets()
    address, path = _resolve(url, token, path)
    return loop.submit(_open_new(address, path, type_, timeout, dispatch))


def _resolve(url: str | None, token: str | None, path: str | None) -> tuple[Address, str]:
    """Return the server, with its token, and the path of the file there."""
    if url is None:
        if not path:
            raise NotConnected(_NO_PATH)
        address, path = servers.find(path)
    else:
        address = parse(url)
        path = path or address.path
    if not path:
        raise NotConnected(_NO_PATH)
    token = token or address.token or os.environ.get("JUPYTER_TOKEN") or servers.token_of(address)
    return replace(address, token=token, path=None), path


async def _open_new(address: Address, path: str, type_: str, timeout: float, dispatch: Dispatcher) -> Handle:  # noqa: ASYNC109
    return await _open(Session(address), path, type_, timeout, dispatch)


async def _open(session: Session, path: str, type_: str, timeout: float, dispatch: Dispatcher) -> Handle:  # noqa: ASYNC109
    try:
        async with asyncio.timeout(timeout):
            return await session.open(path, type_, dispatch)
    except TimeoutError:
        base = session.address.base
        raise NotConnected(_SLOW.format(base=base, path=path, timeout=timeout)) from None
