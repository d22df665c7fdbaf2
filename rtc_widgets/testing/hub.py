"""An in-memory hub: live documents that hear of each other without a server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.people import People
from rtc_widgets.documents.subscription import Subscription
from rtc_widgets.origins import Origin

__all__ = ["Hub"]


class Hub:
    """Carry updates between live documents, at once or when told, and what their people say, always at once.

    Between two documents the order is kept, as on a real connection; across pairs it is the test's to choose.

    Args:
        instantly: whether an update arrives everywhere before the line that made it returns.

    >>> from rtc_widgets.documents.notebook import Notebook
    >>> ada, bob = Notebook(LiveDocument()), Notebook(LiveDocument())
    >>> hub = Hub()
    >>> hub.join(ada.document, "ada")
    >>> hub.join(bob.document, "bob")
    >>> _ = ada.append("x = 1")
    >>> bob[0].source
    'x = 1'
    """

    def __init__(self, *, instantly: bool = True) -> None:
        self._instantly = instantly
        self._members: dict[LiveDocument, tuple[Origin, Subscription]] = {}
        self._said: dict[LiveDocument, Subscription] = {}
        self._under_way: dict[tuple[LiveDocument, LiveDocument], deque[bytes]] = {}

    def join(self, document: LiveDocument, user: str = "somebody") -> None:
        """Bring *document* and the others to one state, and keep them there."""
        origin = Origin("remote", user=user)
        for other, (theirs, _) in self._members.items():
            document.apply_remote(other.diff_update(document.state_vector()), theirs)
            other.apply_remote(document.diff_update(other.state_vector()), origin)
        subscription = document.on_update(lambda update, _: self._send(document, update))
        self._members[document] = (origin, subscription)
        people = document.part(People)
        if "user" not in people.mine:
            people.say(user={"username": user, "name": user, "display_name": user})
        self._said[document] = people.on_said(lambda: self._introduce(document))
        for member in self._members:
            self._introduce(member)

    def leave(self, document: LiveDocument) -> None:
        """Carry nothing to or from *document* any more; what is under way is lost."""
        self._members.pop(document)[1].close()
        self._said.pop(document).close()
        gone = [replace(state, value=None) for state in document.part(People).introduce()]
        document.part(People).forget()
        for other in self._members:
            other.part(People).receive(gone)
        self._under_way = {pair: updates for pair, updates in self._under_way.items() if document not in pair}

    @property
    def under_way(self) -> int:
        """How many updates have not arrived yet."""
        return sum(len(updates) for updates in self._under_way.values())

    def deliver(self, choose: Callable[[int], int] = lambda _: 0) -> None:
        """Deliver all that is under way.

        Args:
            choose: is given a number of pairs that have something under way, and returns which goes next.
        """
        while waiting := [pair for pair, updates in self._under_way.items() if updates]:
            self.deliver_one(choose(len(waiting)))

    def deliver_one(self, choice: int = 0) -> None:
        """Deliver one update, of the pair that *choice* picks among those that have some."""
        waiting = [pair for pair, updates in self._under_way.items() if updates]
        if waiting:
            sender, receiver = pair = waiting[choice % len(waiting)]
            receiver.apply_remote(self._under_way[pair].popleft(), self._members[sender][0])

    def _introduce(self, document: LiveDocument) -> None:
        states = document.part(People).introduce()
        for other in [other for other in self._members if other is not document]:
            other.part(People).receive(states)

    def _send(self, sender: LiveDocument, update: bytes) -> None:
        for receiver in [other for other in self._members if other is not sender]:
            if self._instantly:
                receiver.apply_remote(update, self._members[sender][0])
            else:
                self._under_way.setdefault((sender, receiver), deque()).append(update)
