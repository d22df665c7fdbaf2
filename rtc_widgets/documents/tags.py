"""A cell's tags as a live set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSet
from typing import Any, Self

from rtc_widgets.documents import looks, rules
from rtc_widgets.documents.mapping import plain_map, set_map
from rtc_widgets.documents.place import Place

__all__ = ["Tags"]


class Tags(MutableSet[str]):
    """Be the tags of a cell: a set that keeps their order, as ``metadata["tags"]`` has it.

    The last one removed, the key goes too.

    >>> from rtc_widgets.documents.notebook import Notebook
    >>> cell = Notebook.new().append("alpha = 0.5")
    >>> cell.tags.add("parameters")
    >>> cell.tags |= {"slow"}
    >>> sorted(cell.tags), "slow" in cell.tags, cell.metadata
    (['parameters', 'slow'], True, {'tags': ['parameters', 'slow']})
    """

    __slots__ = ("_place",)

    def __init__(self, place: Place) -> None:
        self._place = place

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> set[Any]:
        return set(it)  # what `&`, `|`, `-` and `^` return

    def __contains__(self, tag: object) -> bool:
        return tag in self._read()

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def add(self, value: str) -> None:
        """Add a tag.

        Raises:
            DocumentError: it is empty or has a comma, which nbformat does not allow.
        """
        self.update([value])

    def discard(self, value: str) -> None:
        """Remove a tag, if the cell has it."""
        self._write(lambda tags: [tag for tag in tags if tag != value])

    def update(self, *others: Iterable[str]) -> None:
        """Add several tags in one transaction."""
        if any(isinstance(other, str) for other in others):
            raise TypeError("Give a list of tags, or add() one.")
        new = [rules.checked_tag(tag) for other in others for tag in other]
        self._write(lambda tags: [*tags, *new])

    def clear(self) -> None:
        """Remove all tags."""
        self._write(lambda _: [])

    def set(self, tags: Iterable[str]) -> None:
        """Make *tags* the tags; those that stay keep their place."""
        if isinstance(tags, str):
            raise TypeError("Give a list of tags: [tag].")
        new = [rules.checked_tag(tag) for tag in tags]
        self._write(lambda old: [*(tag for tag in old if tag in new), *new])

    def __ior__(self, other: Iterable[str]) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def __iand__(self, other: Iterable[Any]) -> Self:
        kept = set(other)
        self._write(lambda tags: [tag for tag in tags if tag in kept])
        return self

    def __isub__(self, other: Iterable[Any]) -> Self:
        out = set(other)
        self._write(lambda tags: [tag for tag in tags if tag not in out])
        return self

    def __ixor__(self, other: Iterable[Any]) -> Self:  # type: ignore[misc]
        turned = [rules.checked_tag(tag) for tag in other]
        self._write(
            lambda tags: (
                [tag for tag in tags if tag not in turned] + [tag for tag in turned if tag not in tags]
            )
        )
        return self

    def __eq__(self, other: object) -> bool:
        if isinstance(other, list | tuple):
            return self._read() == list(other)
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        try:
            tags = ", ".join(map(repr, self._read()))
        except LookupError as error:
            return looks.lost(error)
        return looks.shortened(f"{{{tags}}}") if tags else "set()"

    def _repr_html_(self) -> str:
        try:
            tags = self._read()
        except LookupError as error:
            return looks.text(str(error.args[0]))
        return f"<p>{looks.labels(tags)}</p>" if tags else looks.text("No tags.")

    def _read(self) -> list[str]:
        with self._place.document.reading() as replica:
            return _tags(plain_map(self._place.holder(replica)[0], "metadata"))

    def _write(self, change: Callable[[list[str]], list[str]]) -> None:
        with self._place.document.writing() as replica:
            holder, kind = self._place.holder(replica)
            old = plain_map(holder, "metadata")
            tags = list(dict.fromkeys(change(_tags(old))))
            if tags == old.get("tags", []):
                return
            rest = {key: value for key, value in old.items() if key != "tags"}
            set_map(holder, {**rest, "tags": tags} if tags else rest, kind, old=old)


def _tags(metadata: dict[str, Any]) -> list[str]:
    found = metadata.get("tags")
    return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []
