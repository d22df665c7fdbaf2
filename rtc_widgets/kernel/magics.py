"""``%rtc``, ``%undo`` and ``%redo``: the live notebook in one line, for people; those of comments beside them.

A mistake in what was typed gives a line of usage, and what cannot be done a sentence, never a traceback.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.cell_index import CellIndex, Row
from rtc_widgets.documents.cell_match import moved
from rtc_widgets.documents.cells import first_line
from rtc_widgets.documents.link import DEAF, LinkState
from rtc_widgets.errors import NotConnected, RtcError
from rtc_widgets.kernel import api, extension, remarks
from rtc_widgets.kernel.doctor import doctor
from rtc_widgets.kernel.remarks import Refusal, not_understood
from rtc_widgets.kernel.standing import AWAY, Card, missing, standing, who

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.kernel.session import KernelSession

__all__ = ["SUBCOMMANDS", "Magics"]

SUBCOMMANDS = ("doctor", "help", "sync", "who")

HELP = """\
%rtc                how the live notebook stands: cells, people, connection, what is saved
%rtc who            who is here, and where
%rtc doctor         what may be wrong between here and the server, and what to do about it
%rtc sync [-t 30]   wait until all that was written here is safe on the server, for at most 30 seconds
%undo [n]           take back the last step that this kernel's code made, or the last n; others' edits stay
%redo [n]           do again what was undone last
%comment text       say something about the cell that runs; %%comment for many lines, above the cell's code
%comments [open]    the threads of comments that are open, or resolved, or all
%resolve 12         say that thread 12 is done with

Where several notebooks share the kernel, each takes the path of one: %rtc who other.ipynb"""

_RTC_USAGE = "%rtc [who | doctor | sync [-t SECONDS] | help] [PATH.ipynb]"
_STEPS_USAGE = "%{} [NUMBER OF STEPS] [PATH.ipynb]"

# Seconds that `%rtc sync` waits unless told otherwise.
_PATIENCE = 30.0
# How many cells are listed one by one.
_LISTED = 10


@dataclass(slots=True)
class _Typed:
    """Hold what was typed behind a magic's name."""

    words: list[str] = field(default_factory=list)
    path: str | None = None
    timeout: float | None = None


class Magics:
    """Register the magics with a shell; `remove` gives back those that had their names before."""

    def __init__(self, shell: InteractiveShell) -> None:
        manager: Any = shell.magics_manager
        lines = {"rtc": rtc, "undo": undo, "redo": redo, **remarks.LINE_MAGICS}
        self._ours: list[tuple[dict[str, Any], str, Any, Any]] = []
        for kind, magics in (("line", lines), ("cell", remarks.CELL_MAGICS)):
            known: dict[str, Any] = manager.magics[kind]
            for name, function in magics.items():
                self._ours.append((known, name, function, known.get(name)))
                manager.register_function(function, kind, name)
        self._transformers: list[Any] = shell.input_transformers_cleanup
        self._transformers.append(remarks.asks)

    def remove(self) -> None:
        """Take the magics away, but for those that somebody has replaced meanwhile."""
        if remarks.asks in self._transformers:
            self._transformers.remove(remarks.asks)
        for known, name, function, before in self._ours:
            if known.get(name) is function:
                del known[name]
                if before is not None:
                    known[name] = before


def rtc(line: str) -> None:
    """Show how the live notebook stands, or who is here, or what may be wrong, or wait until all is safe."""
    typed = _parsed(line, _RTC_USAGE)
    command = typed.words[0] if typed.words else ""
    if len(typed.words) > 1 or command not in {"", *SUBCOMMANDS}:
        raise not_understood(" ".join(typed.words), _RTC_USAGE)
    if typed.timeout is not None and command != "sync":
        raise not_understood(line, _RTC_USAGE)
    match command:
        case "help":
            print(HELP)  # noqa: T201 (what a magic says is its output)
        case "sync":
            print(_sync(typed))  # noqa: T201
        case "who":
            _show(typed.path, lambda notebook, _: who(notebook))
        case "doctor":
            _show(typed.path, doctor)
        case _:
            _show(typed.path, standing)


rtc.__doc__ = f"{rtc.__doc__}\n\n{HELP}"


def undo(line: str) -> None:
    """Take back the last step that this kernel's code made, or the last n: ``%undo [n] [path.ipynb]``.

    Others' edits stay, also in the same cell, and so do outputs. %redo does it again.
    """
    print(_steps("undo", line))  # noqa: T201


def redo(line: str) -> None:
    """Do again the step that was undone last, or the last n: ``%redo [n] [path.ipynb]``."""
    print(_steps("redo", line))  # noqa: T201


def _parsed(line: str, usage: str) -> _Typed:
    try:
        words = shlex.split(line)
    except ValueError:  # a quotation mark that is not closed
        raise not_understood(line, usage) from None
    typed = _Typed()
    while words:
        word = words.pop(0)
        if word in {"-t", "--timeout"} and usage is _RTC_USAGE:
            typed.timeout = _seconds(words.pop(0) if words else "", usage)
        elif word.endswith(".ipynb") and typed.path is None:
            typed.path = word
        else:
            typed.words.append(word)
    return typed


def _seconds(text: str, usage: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 1e6:  # not NaN either
        raise not_understood(f"-t {text}", usage)
    return seconds


def _find(path: str | None) -> tuple[Notebook, KernelSession]:
    """Return the notebook that is meant, one that this kernel has: a magic opens no other.

    Raises:
        NotConnected: there is none.
    """
    session = extension.current()
    if path is not None and session is not None and session.paths and not session.knows(path):
        raise NotConnected(api.NOT_THAT_ONE.format(path=path, paths=", ".join(sorted(session.paths))))
    notebook = api.notebook(path)
    session = extension.current()
    assert session is not None  # or there would be no notebook
    return notebook, session


def _show(path: str | None, what: Callable[[Notebook, KernelSession], Card]) -> None:
    from IPython.display import display  # noqa: PLC0415 (as above)

    try:
        shown = what(*_find(path))
    except RtcError as error:
        # Who asks by a magic has no code that could do without.
        shown = missing(str(error).removesuffix(api.OR_NONE).rstrip())
    display(shown)  # type: ignore[no-untyped-call]


def _sync(typed: _Typed) -> str:
    timeout = _PATIENCE if typed.timeout is None else typed.timeout
    try:
        notebook, session = _find(typed.path)
        if session.deaf():
            raise NotConnected(DEAF)
        start = time.monotonic()
        waiting = notebook.synced()
        try:
            waiting.result(timeout)
        except NotConnected:
            away = notebook.state is LinkState.OFFLINE
            why = AWAY if away else "Nothing is lost: it is still on its way. %rtc sync waits again."
            raise NotConnected(
                f"The server has not said within {timeout:g} s that it has all that was written here. {why}"
            ) from None
    except RtcError as error:
        raise Refusal(str(error)) from None
    return f"All that was written here is safe on the server ({time.monotonic() - start:.2f} s)."


def _steps(what: str, line: str) -> str:
    usage = _STEPS_USAGE.format(what)
    typed = _parsed(line, usage)
    if len(typed.words) > 1 or any(not word.isdecimal() or not int(word) for word in typed.words):
        raise not_understood(line, usage)
    count = int(typed.words[0]) if typed.words else 1
    try:
        notebook, _ = _find(typed.path)
        do = notebook.undo if what == "undo" else notebook.redo
        before, metadata = _rows(notebook), notebook.metadata.copy()
        labels, end = _done(do, count)
        if not labels:
            return f"There is nothing to {what}."
        changes = _changes(before, _rows(notebook))
        if metadata != notebook.metadata.copy():
            changes.append("the notebook's metadata")
    except RtcError as error:
        raise Refusal(str(error)) from None
    more = len(changes) - _LISTED
    lines = changes[:_LISTED] + ([f"… and {more} more"] if more > 0 else [])
    head = f"{'Undone' if what == 'undo' else 'Done again'}: {', '.join(labels)}"
    body = [f"  {one}" for one in lines or ["nothing was left of it that could change"]]
    return "\n".join([head, *body, *end])


def _done(do: Callable[[], str | None], count: int) -> tuple[list[str], list[str]]:
    """Return the labels of what was done, and why it ended early, if it did."""
    labels: list[str] = []
    for _ in range(count):
        try:
            label = do()
        except RtcError as error:
            if not labels:
                raise
            return labels, [str(error)]
        if label is None:
            return labels, ["There is no more."] if labels else []
        labels.append(label)
    return labels, []


def _rows(notebook: Notebook) -> list[Row]:
    with notebook.document.reading() as replica:
        return replica.part(CellIndex).rows()


def _changes(before: list[Row], after: list[Row]) -> list[str]:
    """Say of each cell that differs how, in the order of the notebook."""
    old = {row.id: (place, row) for place, row in reversed(list(enumerate(before)))}
    new = {row.id for row in after}
    out = moved([old[row.id][0] for row in after if row.id in old])
    said = []
    for place, row in enumerate(after):
        was_at, was = old.get(row.id, (-1, None))
        if was is None:
            ways = ["is there"]
        else:
            signs = {
                "moved": was_at in out,
                "retyped": row.type != was.type,
                "text": row.source != was.source,
                "metadata": row.metadata != was.metadata,
            }
            ways = [way for way, differs in signs.items() if differs]
        if ways:
            said.append(f"cell {place}, {' and '.join(ways)}: {first_line(row.source)}".rstrip(": "))
    gone = [f"gone: {first_line(row.source)}".rstrip(": ") for row in before if row.id not in new]
    return said + gone
