"""Who may do what: a user's role for a file, by the server's identity and `Authorizer`, and a deployment's own word."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from inspect import getmodule, isawaitable
from typing import Any

from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import ensure_async

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.logged import fields
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.relay.asking import HubAnswers, sent_again
from rtc_widgets.roles import Role

__all__ = ["Grant", "Grants", "RoleHook", "identity_of", "path_of", "role_now", "role_of"]

_LIFETIME = 60.0  # seconds, docs/protocol.md, section 6
_PATIENCE = 10.0  # seconds, with a deployment's own code

# An escaped letter, digit, "-", ".", "_", "~" or "/", as no client of a URL writes them (RFC 3986, 2.3).
_ESCAPED = re.compile(r"%(?:2[def]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])", re.IGNORECASE)

RoleHook = Callable[[dict[str, Any], str, Role], Any]
_log = logging.getLogger(__name__)


async def role_of(handler: JupyterHandler, path: str, hook: RoleHook | None = None) -> Role | None:
    """Return the role of the user of *handler*'s request for the file at *path*, or None for no access.

    It is what the server's `Authorizer` says, unless *hook* says something else of somebody who may read. A hook that
    fails, or that says what is no role, takes all rights away.
    """
    user = await ensure_async(handler.identity_provider.get_user(handler))
    if user is None:
        return None
    role = await _allowed(handler, user)
    if role is None or hook is None:
        return role
    try:
        async with asyncio.timeout(_PATIENCE):
            said = await asyncio.to_thread(hook, _told_of(user), path, role)
            if isawaitable(said):
                said = await said
        return None if said is None else Role(said)
    except Exception:  # noqa: BLE001 - the trust boundary to a deployment's own code
        _log.exception(
            "RelayApp.role_hook failed, so %s has no access to %r.",
            user.username,
            path,
            extra=fields("hook.failed", path=path, user=user.username),
        )
        return None


async def role_now(handler: JupyterHandler, path: str, hook: RoleHook | None, hub: HubAnswers) -> Role | None:
    """Return the role of the user of *handler*'s request as it is now, some time after the request."""
    overridden = getmodule(handler.get_current_user)
    if type(handler.identity_provider) is IdentityProvider and overridden is not getmodule(JupyterHandler):
        # The way of before jupyter_server 2, where no provider knows who it was.
        return await role_of(handler, path, hook)
    again = sent_again(handler)
    await hub.renew(again)
    again.current_user = await ensure_async(again.identity_provider.get_user(again))
    return await role_of(again, path, hook)


def _told_of(user: Any) -> dict[str, Any]:
    """Return what a hook is told of a user: JupyterHub knows groups and scopes besides."""
    hub_user = getattr(user, "hub_user", None)
    return {**asdict(user), **({} if hub_user is None else {"hub_user": hub_user})}


async def _allowed(handler: JupyterHandler, user: Any) -> Role | None:
    """Return the role that the server's `Authorizer` gives a user.

    Who may read and not write the ``contents`` may still comment where the authorizer allows ``write`` of ``comments``.

    The request's path names the file, so a custom authorizer can decide by file; that is why a ticket is granted by an
    HTTP request and not by a message on the WebSocket that all documents share.
    """

    async def may(action: str, resource: str) -> bool:
        return bool(await ensure_async(handler.authorizer.is_authorized(handler, user, action, resource)))

    if not await may("read", "contents"):
        return None
    if not await may("write", "contents"):
        return Role.COMMENTER if await may("write", "comments") else Role.VIEWER
    return Role.RUNNER if await may("execute", "kernels") else Role.EDITOR


def path_of(handler: JupyterHandler, path: str) -> str:
    """Return the *path* that is in the URL of *handler*'s request, where it is the one path that its file has.

    The contents manager takes others for the same file, ``./a`` and ``b/../a``, by which neither an `Authorizer` nor a
    hook would know it again.

    Raises:
        ChannelClosed: ``not-found``; it is another.
    """
    asked = handler.request.path.partition("/api/rtc_widgets/")[2]
    if (
        _ESCAPED.search(asked)
        or any(part in {"", ".", ".."} for part in path.split("/"))
        or (os.sep != "/" and os.sep in path)
    ):
        raise ChannelClosed(CloseCode.NOT_FOUND, "The path is to be the file's own, as the server lists it.")
    return path


def identity_of(handler: JupyterHandler) -> dict[str, Any]:
    """Return who the user of *handler*'s request is, as the server's identity provider says it."""
    return {"kind": "person", **asdict(handler.current_user)}


@dataclass(slots=True)
class Grant:
    """Hold what one request was granted.

    Args:
        user: the user's name.
        identity: the user, as jupyter_server's identity model has it, and ``kind``.
        comm_ids: the documents that were not opened with the ticket yet.
        role: what the user may do.
        recheck: asks for the role again, for the path that the file has now; None when the right is gone. It must not
            lead to the room, which closes long before a ticket expires that nobody presents.
        ticket: the secret that a ``comm_open`` presents.
        expires: by the monotonic clock, in seconds.
    """

    user: str
    identity: Mapping[str, Any]
    comm_ids: set[str]
    role: Role
    recheck: Callable[[str], Awaitable[Role | None]]
    ticket: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    expires: float = 0.0

    async def ask_again(self, path: str) -> Role | None:
        """Return what the user may do now with the file, which is at *path*; what it was while nobody can tell."""
        try:
            return await self.recheck(path)
        except Exception as error:  # noqa: BLE001 - the trust boundary to the server's identities: a Hub may be away
            _log.warning(
                "What %s may do cannot be told now, and stays as it was: %s",
                self.user,
                error,
                extra=fields("rights.unknown", path=path, user=self.user),
            )
            return self.role


class Grants:
    """Issue tickets and redeem them, once for each document."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._grants: dict[str, Grant] = {}

    def issue(self, grant: Grant) -> str:
        """Return the ticket of *grant*, good for 60 s."""
        now = self._clock()
        for ticket in [ticket for ticket, old in self._grants.items() if old.expires < now]:
            del self._grants[ticket]
        grant.expires = now + _LIFETIME
        self._grants[grant.ticket] = grant
        return grant.ticket

    def redeem(self, ticket: object, comm_id: str, user: str | None) -> Grant:
        """Return the grant of *ticket*.

        Args:
            ticket: what the peer presents.
            comm_id: the document that it opens.
            user: who it is, or None for a peer with the server's token: without a cookie jupyter_server makes such a
                peer another anonymous user at each request, and whom the ticket was granted is who it is.

        Raises:
            ChannelClosed: the ticket is unknown, used, expired, another user's or for another document.
        """
        grant = self._grants.get(ticket) if isinstance(ticket, str) else None
        if (
            grant is None
            or grant.expires < self._clock()
            or user not in (None, grant.user)
            or comm_id not in grant.comm_ids
        ):
            raise ChannelClosed(CloseCode.UNAUTHORIZED, CloseCode.UNAUTHORIZED.sentence)
        grant.comm_ids.discard(comm_id)
        if not grant.comm_ids:
            del self._grants[grant.ticket]
        return grant
