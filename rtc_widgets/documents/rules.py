"""What nbformat allows in cells, metadata and outputs, checked before anything is written.

By hand and not by nbformat's own validator: that loads a JSON schema library, which a kernel would otherwise
not import, and says of a bad value less than a person needs. The tests hold the two to the same verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rtc_widgets.documents.schema import checked_json, checked_type
from rtc_widgets.documents.text import checked
from rtc_widgets.errors import DocumentError

__all__ = [
    "checked_attachments",
    "checked_cell",
    "checked_count",
    "checked_entry",
    "checked_metadata",
    "checked_output",
    "checked_tag",
]

_CELL_ID = re.compile(r"[a-zA-Z0-9-_]{1,64}")
_JSON_TYPE = re.compile(r"application/(.*\+)?json")
# Keys of the running session, which some tools leave in what they hand over.
_PASSING = frozenset({"execution_state", "trusted"})
_OUTPUT_KEYS = {
    "stream": {"name", "text"},
    "display_data": {"data", "metadata"},
    "execute_result": {"data", "metadata", "execution_count"},
    "error": {"ename", "evalue", "traceback"},
}


# ------------------------------------------------------------------------------------------------- metadata


def checked_entry(key: str, value: Any, kind: str) -> None:
    """Check one entry of the metadata of a cell of type *kind*, or, for ``notebook``, of the notebook.

    Raises:
        DocumentError: nbformat does not allow that value under that key.
    """
    check = _ENTRIES.get(key)
    if check is not None and kind in check[0]:
        wanted = check[2]
        if not check[1](value):
            raise DocumentError(f"The metadata {key!r} of a {kind} is {wanted}, not {value!r}.")


def checked_metadata(metadata: object, kind: str) -> dict[str, Any]:
    """Return a copy of *metadata* if nbformat allows all of it."""
    copy = checked_json(metadata)
    for key, value in copy.items():
        checked_entry(key, value, kind)
    return copy


def checked_tag(tag: object) -> str:
    """Return *tag* if it can be one.

    Raises:
        TypeError: it is not a ``str``.
        DocumentError: it is empty, or has a comma, which separates tags.
    """
    text = checked(tag, "A tag")
    if not _is_tag(text):
        raise DocumentError(f"A tag is not empty and has no comma, unlike {text!r}.")
    return text


def _is_tag(value: object) -> bool:
    return isinstance(value, str) and value != "" and "," not in value


def _is_tags(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_tag, value)) and len(set(value)) == len(value)


def _has_words(*keys: str) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in keys)

    return check


def _is_language(value: object) -> bool:
    return _has_words("name")(value) and all(
        isinstance(value.get(key, ""), kinds)  # type: ignore[attr-defined]
        for key, kinds in (
            ("codemirror_mode", str | dict),
            ("file_extension", str),
            ("mimetype", str),
            ("pygments_lexer", str),
        )
    )


def _is_execution(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


_CELLS = frozenset({"code", "markdown", "raw"})
_CODE = frozenset({"code"})
_NOTEBOOK = frozenset({"notebook"})
# For whom, the check, what a person is told.
_ENTRIES: dict[str, tuple[frozenset[str], Callable[[Any], bool], str]] = {
    "tags": (_CELLS, _is_tags, "a list of different words, not empty and without commas"),
    "name": (_CELLS, lambda value: isinstance(value, str) and bool(value.strip("\n")), "a word"),
    "jupyter": (_CELLS, lambda value: isinstance(value, dict), "a dict"),
    "format": (frozenset({"raw"}), lambda value: isinstance(value, str), "a str"),
    "execution": (_CODE, _is_execution, "a dict of times, each a str"),
    "collapsed": (_CODE, lambda value: isinstance(value, bool), "True or False"),
    "scrolled": (_CODE, lambda value: isinstance(value, bool) or value == "auto", "True, False or 'auto'"),
    "kernelspec": (_NOTEBOOK, _has_words("name", "display_name"), "a dict with name and display_name"),
    "language_info": (_NOTEBOOK, _is_language, "a dict with the name of the language"),
    "title": (_NOTEBOOK, lambda value: isinstance(value, str), "a str"),
    "authors": (_NOTEBOOK, lambda value: isinstance(value, list), "a list"),
    "orig_nbformat": (_NOTEBOOK, lambda value: _is_count(value) and value > 0, "a positive int"),
}


# -------------------------------------------------------------------------------------------------- outputs


def checked_output(output: object, where: str = "An output") -> dict[str, Any]:
    """Return a copy of *output* as the document holds it, texts joined, if nbformat allows it.

    Raises:
        TypeError: it is not a ``dict``.
        DocumentError: it is no output; the message says why.
    """
    if not isinstance(output, Mapping):
        raise TypeError(f"{where} is a dict as nbformat has it, not {type(output).__name__}.")
    value = checked_json(dict(output), where)
    type_ = value.get("output_type")
    keys = _OUTPUT_KEYS.get(type_) if isinstance(type_, str) else None
    if keys is None:
        raise DocumentError(f"{where} has an output_type of {', '.join(_OUTPUT_KEYS)}, not {type_!r}.")
    _only(value, keys | {"output_type"}, f"{where} of type {type_}")
    if "data" in keys:
        value["data"] = _bundle(value["data"], where)
        _is(value["metadata"], dict, f"The metadata of {where.lower()}")
    if "execution_count" in keys:
        checked_count(value["execution_count"])
    if "text" in keys:
        value["text"] = _joined(value["text"], f"The text of {where.lower()}")
    for key in keys & {"name", "ename", "evalue"}:
        _is(value[key], str, f"{key!r} of {where.lower()}")
    if "traceback" in keys and not _is_lines(value["traceback"]):
        raise DocumentError(f"The traceback of {where.lower()} is a list of str.")
    return value


def checked_count(count: object) -> int | None:
    """Return *count* if it can be the number in a prompt: an int from 0, or None.

    Raises:
        DocumentError: it cannot.
    """
    if count is not None and not _is_count(count):
        raise DocumentError(f"An execution count is an int from 0, or None, not {count!r}.")
    return count  # type: ignore[return-value]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53


def _is_lines(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


def _is(value: object, kind: type, what: str) -> None:
    if not isinstance(value, kind):
        raise DocumentError(f"{what} is a {kind.__name__}, not {type(value).__name__}.")


def _joined(value: object, what: str) -> str:
    if isinstance(value, list) and _is_lines(value):
        return "".join(value)
    if not isinstance(value, str):
        raise DocumentError(f"{what} is a str, not {type(value).__name__}.")
    return value


def _bundle(data: object, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise DocumentError(
            f"The data of {where.lower()} are a dict by mime type, not {type(data).__name__}."
        )
    return {
        mime: value if _JSON_TYPE.fullmatch(mime) else _joined(value, f"{mime!r} of {where.lower()}")
        for mime, value in data.items()
    }


def _only(value: dict[str, Any], keys: set[str], what: str) -> None:
    missing, other = sorted(keys - value.keys()), sorted(value.keys() - keys)
    if missing:
        raise DocumentError(f"{what} has {', '.join(map(repr, missing))} too.")
    if other:
        raise DocumentError(f"{what} has no {', '.join(map(repr, other))}.")


# ---------------------------------------------------------------------------------------------------- cells


def checked_attachments(attachments: object) -> dict[str, Any]:
    """Return a copy of the *attachments* of a cell if nbformat allows them."""
    copy = checked_json(attachments, "The attachments")
    return {name: _bundle(data, f"The attachment {name!r}") for name, data in copy.items()}


def checked_cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of *cell*, nbformat data, as the document holds it; without an id where it has none.

    What is left out is filled in.

    Raises:
        TypeError: something in it is of a wrong type.
        DocumentError: nbformat does not allow it; the message says why.
    """
    if not isinstance(cell, Mapping):
        raise TypeError(f"A cell is a str or a dict as nbformat has it, not {type(cell).__name__}.")
    type_ = checked_type(cell.get("cell_type"))
    known = {"id", "cell_type", "source", "metadata"}
    known |= {"outputs", "execution_count"} if type_ == "code" else {"attachments"}
    other = sorted(str(key) for key in cell if key not in known | _PASSING)
    if other:
        raise DocumentError(f"A {type_} cell has no {', '.join(map(repr, other))}.")
    source = cell.get("source", "")
    value: dict[str, Any] = {}
    if cell.get("id") is not None:
        value["id"] = _checked_id(cell["id"])
    metadata = checked_metadata(cell.get("metadata", {}), type_)
    metadata.pop("trusted", None)  # of the one who ran it
    value |= {
        "cell_type": type_,
        "source": checked("".join(source) if _is_lines(source) else source),
        "metadata": metadata,
    }
    if type_ == "code":
        outputs = cell.get("outputs", [])
        if not isinstance(outputs, list | tuple):
            raise TypeError(f"Outputs are a list, not {type(outputs).__name__}.")
        value["outputs"] = [checked_output(output, f"Output {i}") for i, output in enumerate(outputs)]
        value["execution_count"] = checked_count(cell.get("execution_count"))
    elif cell.get("attachments"):
        value["attachments"] = checked_attachments(cell["attachments"])
    return value


def _checked_id(cell_id: object) -> str:
    if not isinstance(cell_id, str) or not _CELL_ID.fullmatch(cell_id):
        raise DocumentError(f"A cell's id is 1 to 64 of a-z, A-Z, 0-9, - and _, not {cell_id!r}.")
    return cell_id
