"""A server that knows who somebody is, and lets them do different things."""

from __future__ import annotations

__all__ = ["CONFIG"]

# Tokens are names. Bob may read and comment, eve may only read.
CONFIG = """
from jupyter_server.auth import Authorizer, IdentityProvider, User

class Names(IdentityProvider):
    def get_user(self, handler):
        name = handler.request.headers.get("Authorization", "").removeprefix("token ").removesuffix("-token-for-tests")
        name = {"a": "ada"}.get(name, name)
        handler._token_authenticated = True
        return User(name, display_name=name.title(), color="#102030") if name in ("ada", "bob", "eve") else None

class ByName(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        may = {"ada": True, "bob": resource == "comments", "eve": False}
        return action == "read" or may[user.username]

c.ServerApp.identity_provider_class = Names
c.ServerApp.authorizer_class = ByName
"""
