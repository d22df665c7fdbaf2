"""A cell's outputs as a live list of nbformat objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, MutableSequence
from typing import Any, NoReturn, Self, overload

from pycrdt import Array, Map

from rtc_widgets.documents import looks, rules, schema, ycells
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.place import CellPlace
from rtc_widgets.errors import DocumentError
from rtc_widgets.origins import Origin

__all__ = ["Output", "Outputs", "outputs_origin"]


class Output(dict[str, Any]):
    """Be one output as it was when it was read: nbformat data, whose keys are attributes too.

    Not to be changed, because nobody would see it: assign ``cell.outputs[i]`` another one.

    >>> out = Output({"output_type": "stream", "name": "stdout", "text": "hi"})
    >>> out.text, out["name"], out == {"output_type": "stream", "name": "stdout", "text": "hi"}
    ('hi', 'stdout', True)
    """

    def __init__(self, value: Mapping[str, Any]) -> None:
        super().__init__(
            {key: Output(item) if isinstance(item, dict) else item for key, item in value.items()}
        )

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"This output has no {name!r}, but {', '.join(map(repr, self))}.") from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(key for key in self if key.isidentifier())})

    def copy(self) -> dict[str, Any]:
        """Return a plain copy, which can be changed and assigned."""
        plain: dict[str, Any] = json.loads(json.dumps(self))
        return plain

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("This is a copy: change output.copy(), and assign it to cell.outputs[i].")

    __setattr__ = __delattr__ = __setitem__ = __delitem__ = _refuse
    update = setdefault = pop = popitem = clear = __ior__ = _refuse

    def __copy__(self) -> dict[str, Any]:
        return self.copy()

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        return self.copy()

    def __reduce__(self) -> Any:
        return dict, (self.copy(),)

    def __repr__(self) -> str:
        return looks.shortened(super().__repr__())

    def _repr_html_(self) -> str:
        return looks.outputs("Output", [self]) if "output_type" in self else looks.data("Output", self)


class Outputs(MutableSequence[Output]):
    """Be the outputs of a code cell: a live list, empty for other cells.

    What is put in is nbformat data, a dict or what ``nbformat.v4.new_output`` makes. Nothing that is done here can
    be undone, because outputs are made by running.

    >>> from rtc_widgets.documents.notebook import Notebook
    >>> cell = Notebook.new().append("print('hi')")
    >>> cell.outputs.append({"output_type": "stream", "name": "stdout", "text": "hi"})
    >>> cell.outputs[0].text
    'hi'
    """

    __slots__ = ("_place",)

    def __init__(self, place: CellPlace) -> None:
        self._place = place

    @overload
    def __getitem__(self, key: int) -> Output: ...
    @overload
    def __getitem__(self, key: slice) -> list[Output]: ...
    def __getitem__(self, key: int | slice) -> Output | list[Output]:
        found = self._read()[key]
        return [Output(one) for one in found] if isinstance(found, list) else Output(found)

    def __len__(self) -> int:
        with self._place.document.reading() as replica:
            found = self._place.holder(replica)[0].get("outputs")
            return len(found) if isinstance(found, Array | list) else 0

    @overload
    def __setitem__(self, key: int, value: Mapping[str, Any]) -> None: ...
    @overload
    def __setitem__(self, key: slice, value: Iterable[Mapping[str, Any]]) -> None: ...
    def __setitem__(self, key: int | slice, value: Any) -> None:
        new = _checked(value) if isinstance(key, slice) else rules.checked_output(value)
        self._write(lambda outputs: outputs.__setitem__(key, new))  # type: ignore[index, assignment]

    def __delitem__(self, key: int | slice) -> None:
        self._write(lambda outputs: outputs.__delitem__(key))

    def insert(self, index: int, value: Mapping[str, Any]) -> None:
        """Put an output in front of the one at *index*.

        Raises:
            DocumentError: it is no output as nbformat has it, or the cell is not code.
        """
        new = rules.checked_output(value)
        self._write(lambda outputs: outputs.insert(index, new))

    def append(self, value: Mapping[str, Any]) -> None:
        """Put an output at the end."""
        self.extend([value])

    def extend(self, values: Iterable[Mapping[str, Any]]) -> None:
        """Put several outputs at the end, in one transaction."""
        new = _checked(values)
        self._write(lambda outputs: outputs.extend(new))

    def clear(self) -> None:
        """Remove all outputs."""
        self._write(lambda outputs: outputs.clear())

    def reverse(self) -> None:
        """Put them in reverse order."""
        self._write(lambda outputs: outputs.reverse())

    def __iadd__(self, values: Iterable[Mapping[str, Any]]) -> Self:
        self.extend(values)
        return self

    def copy(self) -> list[dict[str, Any]]:
        """Return the outputs as plain data."""
        return self._read()

    def __eq__(self, other: object) -> bool:
        return self._read() == (other.copy() if isinstance(other, Outputs) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        try:
            return looks.shortened(repr(self._read()))
        except LookupError as error:
            return looks.lost(error)

    def _repr_html_(self) -> str:
        try:
            outputs = self._read()
        except LookupError as error:
            return looks.text(str(error.args[0]))
        return looks.outputs(looks.titled("Outputs", f"{len(outputs):,}"), outputs)

    def _read(self) -> list[dict[str, Any]]:
        with self._place.document.reading() as replica:
            found = self._place.holder(replica)[0].get("outputs")
            text = str(found) if isinstance(found, Array) else json.dumps(found or [])
        outputs: list[dict[str, Any]] = schema.plain(json.loads(text))
        return outputs

    def _write(self, change: Callable[[list[dict[str, Any]]], object]) -> None:
        document = self._place.document
        with document.writing(origin=outputs_origin(document)) as replica:
            ycell, kind = self._place.holder(replica)
            outputs = self._read()
            change(outputs)
            write_outputs(ycell, kind, outputs)


def write_outputs(ycell: Map[Any], kind: str, outputs: list[dict[str, Any]]) -> None:
    """Make *outputs*, which are checked, those of a cell of type *kind*."""
    if kind == "code":
        ycells.set_outputs(ycell, outputs)
    elif outputs:
        raise DocumentError(f"Only code has outputs, and this cell is of type {kind}.")


def outputs_origin(document: LiveDocument) -> Origin:
    """Return what signs changes of outputs, which are never undone."""
    return Origin("outputs", document.origin.user)


def _checked(values: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if isinstance(values, Mapping | str):
        raise TypeError("Give a list of outputs, or append() one.")
    return [rules.checked_output(value, f"Output {i}") for i, value in enumerate(values)]
