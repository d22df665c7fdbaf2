"""Other files that this kernel's code asked for: each asked until the relay answers, and again after it was away."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from rtc_widgets.documents.datafile import format_of
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.kernel.linked import LinkedDocument
from rtc_widgets.protocol import kernel as wire

__all__ = ["Openings"]

# Section 8: as with the hello, "after 100 ms, then at doubling intervals up to 2 s", eight times.
FIRST = 0.1
SLOWEST = 2.0
TRIES = 8


@dataclass(slots=True)
class _Opening:
    what: wire.Opening
    future: Future[LinkedDocument] = field(default_factory=Future)
    at: float = 0.0
    wait: float = FIRST
    left: int = TRIES
    held: LinkedDocument | None = None  # what this kernel has of it
    about: LinkedDocument | None = None  # whose annotations are asked for


class Openings:
    """Ask for files and match the answers. For the session's thread, but for `new`.

    Args:
        publish: sends a message of a kind with keys.
    """

    def __init__(self, publish: Callable[..., None]) -> None:
        self._publish = publish
        self._numbers = itertools.count(1)
        self._open: dict[Any, _Opening] = {}

    def new(self, path: str, type_: str, lineage: str | None = None) -> _Opening:
        """Return something to `ask` for; any thread may call this."""
        return _Opening(wire.Opening(next(self._numbers), path, format_of(type_), type_, lineage))

    def ask(self, opening: _Opening) -> None:
        """Ask for it from now on."""
        self._open[opening.what.number] = opening

    def ask_about(self, document: LinkedDocument, lineage: str | None) -> None:
        """Ask for the annotations of a document, unless that goes on."""
        if not any(one.about is document and one.left for one in self._open.values()):
            what = wire.Opening(
                next(self._numbers),
                document.path,
                format_of(document.type),
                document.type,
                lineage,
                "annotations",
            )
            self.ask(_Opening(what, about=document))

    def about(self, number: Any) -> LinkedDocument | None:
        """Return the document whose annotations are asked for under *number*; that is answered now."""
        opening = self._open.get(number)
        if opening is None or opening.about is None:
            return None
        del self._open[number]
        return opening.about

    def forget(self, document: LinkedDocument) -> None:
        """Ask for the annotations of a document no more."""
        self._open = {number: one for number, one in self._open.items() if one.about is not document}

    def due(self) -> float | None:
        """Return when `say` has something to say, None for not at all."""
        return min((opening.at for opening in self._open.values() if opening.left), default=None)

    def say(self, now: float) -> None:
        """Ask for what is due."""
        for opening in list(self._open.values()):
            if opening.left and now >= opening.at:
                opening.left -= 1
                opening.at, opening.wait = now + opening.wait, min(2 * opening.wait, SLOWEST)
                self._publish("open", **opening.what.keys())

    def waits_for(self, number: Any) -> bool:
        """Tell whether *number* is asked for."""
        return number in self._open

    def type_of(self, number: Any) -> str | None:
        """Return the type of what is asked for under *number*, None where nothing is."""
        opening = self._open.get(number)
        return None if opening is None else opening.what.type

    def welcomed(self, number: Any, document: LinkedDocument) -> None:
        """Take the answer that was hoped for."""
        opening = self._open.pop(number, None)
        if opening is not None and not opening.future.done():
            opening.future.set_result(document)

    def refused(self, number: Any, code: str, reason: str) -> LinkedDocument | None:
        """Take the other one, and return the document that this kernel has and may have no longer."""
        opening = self._open.pop(number, None)
        if opening is None:
            return None
        if not opening.future.done():
            opening.future.set_exception(ChannelClosed(code, reason))
        return opening.held

    def drop(self, opening: _Opening) -> None:
        """Ask no more."""
        self._open.pop(opening.what.number, None)

    def fail(self, reason: str) -> None:
        """Answer all that is asked for: the session has ended."""
        for number in list(self._open):
            self.refused(number, "gone", reason)

    def again(self, document: LinkedDocument) -> None:
        """Ask for a document that this kernel had, after the relay was away; there is no hurry to give up."""
        if any(opening.held is document for opening in self._open.values()):
            return
        opening = self.new(document.path, document.type, document.welcome.lineage)
        opening.held = document
        self.ask(opening)
