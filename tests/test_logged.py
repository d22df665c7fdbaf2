"""Each line that a server logs says in fields what it is about, and the manual has them all."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtc_widgets.logged import Fields, fields

PACKAGE = Path(__file__).parents[1] / "rtc_widgets"
OPERATIONS = (PACKAGE.parent / "docs/operations.md").read_text()
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
LOGGERS = {"_log", "self._log", "self.log", "log", "logger", "logging"}
FILES = sorted(
    file for folder in ("relay", "rooms", "stores", "kernel_link") for file in (PACKAGE / folder).glob("*.py")
)


def calls(file: Path) -> Iterator[ast.Call]:
    """Yield where *file* logs."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in LEVELS and ast.unparse(node.func.value) in LOGGERS:
            yield node


def event(call: ast.Call) -> tuple[str, str, set[str]]:
    """Return the event of a call that logs, its level and its fields."""
    assert isinstance(call.func, ast.Attribute)
    (extra,) = [keyword.value for keyword in call.keywords if keyword.arg == "extra"]
    assert isinstance(extra, ast.Call) and ast.unparse(extra.func) in {"fields", "self._fields"}
    (name,) = extra.args
    named = {keyword.arg or "" for keyword in extra.keywords}
    if ast.unparse(extra.func) == "self._fields":
        named.add("kernel")
    if "document" in named:
        named.add("room")
    assert isinstance(name, ast.Constant)
    return name.value, call.func.attr.replace("exception", "error"), named


def manual() -> dict[str, tuple[str, set[str]]]:
    """Return the level and the fields of each event in the manual."""
    found = {}
    for row in OPERATIONS.partition("| `event` | level")[2].splitlines()[2:]:
        if not row.startswith("| `"):
            break
        names, levels, told, _ = row.strip("|").split(" |", 3)
        events, each = re.findall(r"`([\w.-]+)`", names), levels.strip().split(", ")
        for place, one in enumerate(events):
            found[one] = (each[place if len(each) > 1 else 0], set(re.findall(r"`(\w+)`", told)))
    return found


def test_each_line_of_the_server_has_an_event_that_the_manual_tells_of() -> None:
    told = manual()
    made = [event(call) for file in FILES for call in calls(file)]
    assert len(made) > 30
    for name, level, named in made:
        assert told[name][0] == level, name
        assert named <= told[name][1], name
    assert told.keys() == {name for name, _, _ in made}


def test_the_name_of_a_document_in_the_log_tells_its_room() -> None:
    assert fields("log.refused", document="4f2a.content", count=2) == {
        "event": "log.refused",
        "room": "4f2a",
        "document": "content",
        "count": 2,
    }
    assert fields("peer.dropped", user=None) == {"event": "peer.dropped"}


@pytest.mark.parametrize("name", [*Fields.__annotations__, "event"])
def test_no_field_is_one_that_every_record_has(name: str) -> None:
    record = logging.makeLogRecord({})
    assert not hasattr(record, name) and name not in {"message", "asctime"}
