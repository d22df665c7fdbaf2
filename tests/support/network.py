"""A network at its worst: what one says reaches each of the others late, twice, or once they are back."""

from __future__ import annotations

from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.origins import Origin

__all__ = ["Network"]


class Network:
    """Carry updates between live documents, each link by itself, whenever the test says.

    Within one link they stay in order, as on every carrier of ours. Out of order, yrs (0.28, with pycrdt 0.14.13)
    may keep them pending for ever, and panics where the keys of a map's event are read.

    >>> from rtc_widgets.documents.notebook import Notebook
    >>> ada, bob = Notebook(LiveDocument()), Notebook(LiveDocument())
    >>> network = Network([ada.document, bob.document])
    >>> ada += ["x = 1", "y = 2"]
    >>> network.leave(0)
    >>> _ = ada.append("z = 3")
    >>> network.come_back(0)
    >>> network.deliver_all()
    >>> [cell.source for cell in bob]
    ['x = 1', 'y = 2', 'z = 3']
    """

    def __init__(self, documents: list[LiveDocument]) -> None:
        self.documents = documents
        self.away: set[int] = set()
        self._links: dict[tuple[int, int], list[bytes]] = {
            (one, other): []
            for one in range(len(documents))
            for other in range(len(documents))
            if one != other
        }
        for number, document in enumerate(documents):
            document.on_update(lambda update, _, number=number: self._send(number, update))  # type: ignore[misc]

    @property
    def under_way(self) -> int:
        """How many updates have not arrived yet."""
        return sum(map(len, self._links.values()))

    def deliver(self, link: int, *, again: bool = False) -> None:
        """Deliver one update.

        Args:
            link: of which of the links that have some.
            again: whether the same will be delivered once more, at another time.
        """
        waiting = [pair for pair, updates in self._links.items() if updates]
        if waiting:
            sender, receiver = pair = waiting[link % len(waiting)]
            updates = self._links[pair]
            self._give(sender, receiver, updates[0] if again else updates.pop(0))

    def deliver_all(self, order: int = 0) -> None:
        """Deliver everything, from whichever link comes up, and bring everybody back."""
        while self.under_way:
            self.deliver(order)
            order = order * 31 + 7
        for number in range(len(self.documents)):
            self.come_back(number)

    def leave(self, number: int) -> None:
        """Cut all links of a document; what is under way on them is lost."""
        self.away.add(number)
        for pair, updates in self._links.items():
            if number in pair:
                updates.clear()

    def come_back(self, number: int) -> None:
        """Bring a document and the others to one state, as their state vectors tell."""
        self.away.discard(number)
        mine = self.documents[number]
        for other, theirs in enumerate(self.documents):
            if other != number and other not in self.away:
                self._give(other, number, theirs.diff_update(mine.state_vector()))
                self._give(number, other, mine.diff_update(theirs.state_vector()))

    def _give(self, sender: int, receiver: int, update: bytes) -> None:
        self.documents[receiver].apply_remote(update, Origin("remote", user=f"person {sender}"))

    def _send(self, sender: int, update: bytes) -> None:
        for (one, other), updates in self._links.items():
            if one == sender and not {one, other} & self.away:
                updates.append(update)
