"""The people in a notebook and those in its text, as they see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtc_widgets.protocol import awareness
from rtc_widgets.relay.typing_peer import Said, TypingPeer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtc_widgets.rooms.document import RoomDocument
    from rtc_widgets.rooms.peer import RoomPeer

__all__ = ["Mirrored"]


class Mirrored:
    """Let each room know who has the other one open.

    Who types in the text is a peer of the notebook's room, with rights and a name. Who has the notebook open is only
    told of in the text's room, which is at rest where nobody is in it.

    Args:
        notebook: the content of the notebook's room.
        text: the content of the text's room.
        moved: is called when somebody came into the text or left it.
    """

    def __init__(self, notebook: RoomDocument, text: RoomDocument, moved: Callable[[], None]) -> None:
        self._notebook = notebook
        self._text = text
        self._moved = moved
        self._typing: dict[RoomPeer, TypingPeer] = {}
        self._told: dict[RoomPeer, Said] = {}
        self._closed = False
        text.on_met(self._on_text)
        notebook.on_met(self._on_notebook)
        for peer in notebook.peers:
            self._on_notebook(peer)

    def typing(self, peer: RoomPeer | None) -> TypingPeer | None:
        """Return what a peer of the text is in the notebook's room."""
        return None if peer is None else self._typing.get(peer)

    def close(self) -> None:
        """Tell nobody of anybody any more, and let go of *moved*, which leads back here."""
        self._closed = True
        self._moved = _nothing
        for told in self._told.values():
            self._text.forget(told)
        self._told.clear()

    def _on_text(self, peer: RoomPeer) -> None:
        typing = self._typing.get(peer)
        if peer in self._text.peers:
            if typing is None:
                typing = self._typing[peer] = TypingPeer(peer)
                self._notebook.join(typing, [])
                self._moved()
            news = typing.said.news(self._text.said(peer))
            if news is not None:
                self._notebook.receive(typing, [awareness.encode(news)])
        elif typing is not None:
            del self._typing[peer]
            self._notebook.leave(typing)
            self._moved()

    def _on_notebook(self, peer: RoomPeer) -> None:
        if self._closed or isinstance(peer, TypingPeer):
            return
        said = self._notebook.said(peer) if peer in self._notebook.peers else []
        told = self._told.get(peer)
        if said:
            if told is None:
                told = self._told[peer] = Said(
                    "notebook", ("user", "kind", "activeCell", "cell", "status", "pointer")
                )
            news = told.news(said)
            if news is not None:
                self._text.tell_of(told, news)
        elif told is not None:
            del self._told[peer]
            self._text.forget(told)


def _nothing() -> None:
    """Stand in for what is not called any more."""
