"""Whom one may mention who never was in this document: those whom the server knows, for who may comment there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.roles import Role
from rtc_widgets.rooms.bounds import check_unicode

__all__ = ["FIND", "IDENTITY", "PeopleDirectory", "find_people"]

FIND = "people.find"
# What is told of people, of jupyter_server's identity model.
IDENTITY = ("name", "display_name", "initials", "avatar_url", "color")

_LONGEST = 100  # code points of a query
_NO_PEOPLE = (
    "Only who may comment on this document may look for people to mention. Ask its owner for the right."
)


class PeopleDirectory(Protocol):
    """Know people."""

    async def find(self, query: str) -> list[dict[str, Any]]:
        """Return those whose user name, or a word of whose name, begins so: identities, the likeliest first."""
        ...

    def get(self, username: str) -> Mapping[str, Any] | None:
        """Return the identity of somebody who may have been found, without the user name; None for nobody."""
        ...


async def find_people(
    directory: PeopleDirectory | None, role: Role, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Do what ``people.find`` asks (docs/protocol.md, 3.4).

    Raises:
        ChannelClosed: it is refused.
    """
    if not role.may_annotate:
        raise ChannelClosed(CloseCode.READ_ONLY, _NO_PEOPLE)
    check_unicode(params)
    query = params.get("query")
    if not isinstance(query, str) or len(query) > _LONGEST:
        raise ChannelClosed("bad-request", f"'query' is a text of at most {_LONGEST} characters.")
    return {"people": [] if directory is None else await directory.find(query)}
