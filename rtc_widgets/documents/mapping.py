"""Metadata, and attachments, as a live dict: read from the document each time, written key by key."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, MutableSequence
from typing import Any, Self, overload

from pycrdt import Map

from rtc_widgets.documents import looks, rules, schema
from rtc_widgets.documents.place import Place
from rtc_widgets.errors import DocumentError

__all__ = ["LiveList", "LiveMapping", "plain_map", "same", "set_attachments", "set_map"]

Path = tuple[str | int, ...]


class _Live:
    """Stand for the dict or list at *path* in the metadata, or the attachments, of *place*."""

    __slots__ = ("_path", "_place")

    def __init__(self, place: Place, path: Path = ()) -> None:
        self._place = place
        self._path = path

    def copy(self) -> Any:
        """Return all of it as plain data, for example for ``json.dumps``."""
        with self._place.document.reading() as replica:
            holder, _ = self._place.holder(replica)
            return self._walk(holder)

    def _walk(self, holder: Map[Any]) -> Any:
        if not self._path:
            return plain_map(holder, self._place.field)
        value = _get(holder.get(self._place.field), self._path[0])
        for step in self._path[1:]:
            value = value[step]
        return self._expected(value)

    def _expected(self, value: Any) -> Any:
        if not isinstance(value, self._kind()):
            raise KeyError(f"{self._place.field}{_brackets(self._path)} is something else now")
        return value

    @abstractmethod
    def _kind(self) -> type: ...

    def _change(self, change: Callable[[Any], None]) -> None:
        """Have *change* made to the plain data; what is then under the top key is written, if it differs."""
        top = self._path[0]
        assert isinstance(top, str)
        with self._place.document.writing() as replica:
            holder, kind = self._place.holder(replica)
            old = plain_map(holder, self._place.field)
            new = {**old, top: copy.deepcopy(old[top])}
            inner: Any = new
            for step in self._path:
                inner = inner[step]
            change(self._expected(inner))
            self._store(holder, new, kind, old)

    def _store(self, holder: Map[Any], new: dict[str, Any], kind: str, old: dict[str, Any]) -> None:
        store = set_map if self._place.field == "metadata" else set_attachments
        store(holder, new, kind, old=old)

    def _wrap(self, step: str | int, value: Any) -> Any:
        path = (*self._path, step)
        if isinstance(value, dict):
            return LiveMapping(self._place, path)
        return LiveList(self._place, path) if isinstance(value, list) else value

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: object) -> Any:
        return self.copy()

    def __eq__(self, other: object) -> bool:
        mine = self.copy()
        return bool(mine == (other.copy() if isinstance(other, _Live) else other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        try:
            return looks.shortened(repr(self.copy()))
        except LookupError as error:
            return looks.lost(error)

    def _repr_html_(self) -> str:
        try:
            return looks.data(f"{self._place.field}{_brackets(self._path)}", self.copy())
        except LookupError as error:
            return looks.text(str(error.args[0]))


class LiveMapping(_Live, MutableMapping[str, Any]):
    """Be the metadata of a cell or a notebook, the attachments of a cell, or a dict within them.

    Behaves as a `dict`, and is live: a change is seen by everybody, and a dict or list within it is live too.
    What is written is the whole value under a key of the outermost dict, and only where it differs; so of two
    who change one such value at once, one wins. A value that nbformat does not allow raises `DocumentError`, and
    nothing is written. `copy` gives a plain dict.

    >>> from rtc_widgets.documents.notebook import Notebook
    >>> cell = Notebook.new().append("x = 1")
    >>> cell.metadata["slideshow"] = {"slide_type": "slide"}
    >>> cell.metadata["slideshow"]["slide_type"] = "skip"
    >>> cell.metadata
    {'slideshow': {'slide_type': 'skip'}}
    """

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        if not isinstance(key, str):
            raise KeyError(key)
        with self._place.document.reading() as replica:
            holder, _ = self._place.holder(replica)
            if self._path:
                value = self._walk(holder)[key]
            else:
                value = _get(holder.get(self._place.field), key)
        return self._wrap(key, value)

    def __setitem__(self, key: str, value: Any) -> None:
        new = schema.checked_json({key: value}, self._place.field)
        if self._path:
            self._change(lambda inner: inner.update(new))
        else:
            self._write(new, ())

    def __delitem__(self, key: str) -> None:
        if self._path:
            self._change(lambda inner: inner.__delitem__(key))
        else:
            self._write({}, (key,))

    def __iter__(self) -> Iterator[str]:
        return iter(self.copy())

    def __len__(self) -> int:
        return len(self.copy())

    def update(self, other: Any = (), /, **more: Any) -> None:
        """Set several keys in one transaction."""
        new = schema.checked_json({**dict(other), **more}, self._place.field)
        if self._path:
            self._change(lambda inner: inner.update(new))
        else:
            self._write(new, ())

    def clear(self) -> None:
        """Remove all keys in one transaction."""
        if self._path:
            self._change(lambda inner: inner.clear())
        else:
            self._write({}, None)

    def pop(self, key: str, *default: Any) -> Any:
        """Remove a key and return what it had, as plain data: a live view of it would show nothing any more."""
        if default and key not in self:
            return default[0]
        found = _plain(self[key])
        del self[key]
        return found

    def popitem(self) -> tuple[str, Any]:
        """Remove the last key and return it with what it had, as plain data."""
        for key in reversed(list(self)):
            return key, self.pop(key)
        raise KeyError("popitem(): there is nothing in it")

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.copy(), **other}

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**other, **self.copy()}

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]
        self.update(other)
        return self

    def _ipython_key_completions_(self) -> list[str]:
        """Return what completes ``cell.metadata["`` in IPython: the keys; none where the cell was deleted."""
        try:
            return list(self)
        except LookupError:
            return []

    def _write(self, new: dict[str, Any], remove: Iterable[str] | None) -> None:
        with self._place.document.writing() as replica:
            holder, kind = self._place.holder(replica)
            old = plain_map(holder, self._place.field)
            kept = {} if remove is None else dict(old)
            for key in remove or ():
                del kept[key]
            self._store(holder, kept | new, kind, old)

    def _kind(self) -> type:
        return dict


class LiveList(_Live, MutableSequence[Any]):
    """Be a list within metadata, live as `LiveMapping` is."""

    __slots__ = ()

    @overload
    def __getitem__(self, key: int) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> list[Any]: ...
    def __getitem__(self, key: int | slice) -> Any:
        values = self.copy()
        if isinstance(key, slice):
            return values[key]
        return self._wrap(range(len(values))[key], values[key])

    def __setitem__(self, key: int | slice, value: Any) -> None:
        new = schema.checked_value(list(value) if isinstance(key, slice) else value)
        self._change(lambda inner: inner.__setitem__(key, new))

    def __delitem__(self, key: int | slice) -> None:
        self._change(lambda inner: inner.__delitem__(key))

    def __len__(self) -> int:
        return len(self.copy())

    def insert(self, index: int, value: Any) -> None:
        """Put *value* in front of the one at *index*."""
        new = schema.checked_value(value)
        self._change(lambda inner: inner.insert(index, new))

    def pop(self, index: int = -1) -> Any:
        """Remove a value and return it, as plain data: a live view of it would show nothing any more."""
        found = _plain(self[index])
        del self[index]
        return found

    def __iadd__(self, values: Iterable[Any]) -> Self:
        new = schema.checked_value(list(values))
        self._change(lambda inner: inner.extend(new))
        return self

    def _kind(self) -> type:
        return list


def _plain(value: Any) -> Any:
    return value.copy() if isinstance(value, _Live) else value


def plain_map(parent: Map[Any], key: str) -> dict[str, Any]:
    """Return the map or dictionary under *key* as plain data, its keys sorted: a CRDT knows no order of them."""
    found = parent.get(key)
    value = found.to_py() if isinstance(found, Map) else found
    return dict(sorted(schema.plain(value).items())) if isinstance(value, dict) else {}


def set_map(
    parent: Map[Any], new: dict[str, Any], kind: str | None, *, old: dict[str, Any] | None = None
) -> None:
    """Make the metadata of *parent* equal to *new*, writing only what differs.

    Args:
        parent: of which the metadata are.
        new: plain data.
        kind: whose rules the changed entries are held to; None where that has been done.
        old: the metadata as they are, where the caller has read them.

    Raises:
        DocumentError: nbformat does not allow one of the changes; nothing was written.
    """
    old = plain_map(parent, "metadata") if old is None else old
    changes = {key: value for key, value in new.items() if key not in old or not same(old[key], value)}
    if kind is not None:
        for key, value in changes.items():
            rules.checked_entry(key, value, kind)
    shared = parent.get("metadata")
    if not isinstance(shared, Map):
        parent["metadata"] = Map(new)
        return
    for key in old.keys() - new.keys():
        del shared[key]
    for key, value in changes.items():
        shared[key] = value


def set_attachments(
    ycell: Map[Any], new: dict[str, Any], kind: str, *, old: dict[str, Any] | None = None
) -> None:
    """Make the attachments of a cell equal to *new*, which is written whole, as JupyterLab has it, if it differs.

    Args:
        ycell: whose.
        new: plain data, of which what differs is held to nbformat's rules.
        kind: the cell's type.
        old: the attachments as they are, where the caller has read them.

    Raises:
        TypeError: an attachment is no ``dict``.
        DocumentError: nbformat does not allow it, or the cell is code; nothing was written.
    """
    old = plain_map(ycell, "attachments") if old is None else old
    changes = {name: data for name, data in new.items() if name not in old or not same(old[name], data)}
    if changes and kind == "code":
        raise DocumentError("Markdown and raw cells have attachments; this cell is code.")
    new = {**new, **rules.checked_attachments(changes)}
    if same(new, old):
        return
    if new:
        ycell["attachments"] = new
    else:
        del ycell["attachments"]


def same(one: Any, other: Any) -> bool:
    """Compare as JSON: unlike in Python, true is not 1 there."""
    return schema.alike(one, schema.plain(other))


def _get(shared: Any, key: str | int) -> Any:
    if not isinstance(shared, Map | dict) or not isinstance(key, str) or key not in shared:
        raise KeyError(key)
    found = shared[key]
    return schema.plain(found.to_py() if hasattr(found, "to_py") else found)


def _brackets(path: Path) -> str:
    return "".join(f"[{step!r}]" for step in path)
