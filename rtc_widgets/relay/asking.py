"""Who sent a request, asked anew: identity providers keep their answers, and a right may have ended since."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import HTTPHeaders

__all__ = ["HubAnswers", "sent_again"]

_FRESH = 1.0  # seconds for which an answer is taken for several documents
_PATIENCE = 10.0  # seconds, with the Hub
# What rights depend on, of what the Hub says of somebody; the rest changes all the time.
_RIGHTS = ("name", "admin", "groups", "roles", "scopes")
H = TypeVar("H", bound=JupyterHandler)


class HubAnswers:
    """Keep what a server remembers of JupyterHub's answers up to date.

    JupyterHub's identity provider asks the Hub once in five minutes (`HubAuth.cache_max_age`) who has a token, and what
    they may do. Here it is asked at once, and where that is something else, the provider forgets what it was told
    before, about everybody. So a right that ended holds at no other URL of the server either.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: dict[tuple[str, str], tuple[float, asyncio.Task[None]]] = {}

    async def renew(self, handler: JupyterHandler) -> None:
        """Ask the Hub who sent *handler*'s request, before the identity provider does; elsewhere do nothing.

        Raises:
            tornado.web.HTTPError, TimeoutError: the Hub does not answer.
        """
        hub: Any = getattr(handler.identity_provider, "hub_auth", None)
        token = None if hub is None else hub.get_token(handler)
        if not token:
            return
        asked, now = (token, hub.get_session_id(handler)), self._clock()
        self._asked = {key: asking for key, asking in self._asked.items() if asking[0] > now - _FRESH}
        if asked not in self._asked:
            self._asked[asked] = now, asyncio.create_task(_renew(hub, *asked))
        await asyncio.shield(self._asked[asked][1])

    async def bars(self, handler: JupyterHandler) -> bool:
        """Tell whether the Hub knows who sent *handler*'s request, and does not let them into this server."""
        hub: Any = getattr(handler.identity_provider, "hub_auth", None)
        token = None if hub is None else hub.get_token(handler)
        if not token:
            return False
        async with asyncio.timeout(_PATIENCE):
            user = await hub.user_for_token(token, session_id=hub.get_session_id(handler), sync=False)
        return user is not None and not hub.check_scopes(hub.access_scopes, user)


async def _renew(hub: Any, token: str, session: str) -> None:
    async with asyncio.timeout(_PATIENCE):
        now = await hub.user_for_token(token, use_cache=False, sync=False)
        known = await hub.user_for_token(token, session_id=session, sync=False)
    if _rights(known) != _rights(now):
        hub.cache.clear()


def _rights(said: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if said is None else {key: said.get(key) for key in _RIGHTS}


def sent_again(handler: H) -> H:
    """Return a handler for *handler*'s request that does not know yet who sent it, to ask the identity provider.

    It would else say of *handler* for ever what it said first. The request is as it would be sent now: with the cookies
    of the answer to it, by which a server knows a nameless visitor again. It cannot be answered.
    """
    request = copy.copy(handler.request)
    # Tornado's, of the answer; of two of one name it reads the last.
    given = getattr(handler, "_new_cookie", {})
    cookies = [
        request.headers.get("Cookie", ""),
        *(f"{name}={one.coded_value}" for name, one in given.items()),
    ]
    request.headers = HTTPHeaders(request.headers)
    request.headers["Cookie"] = "; ".join(filter(None, cookies))
    request.__dict__.pop("_cookies", None)
    request.connection = cast(Any, _Nowhere())
    again = type(handler)(handler.application, request)
    again.path_args, again.path_kwargs = handler.path_args, handler.path_kwargs
    return again


class _Nowhere:
    """Be the connection of a request that is not answered."""

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Never call it."""
