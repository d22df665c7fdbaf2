"""``%comment``, ``%comments`` and ``%resolve``: comments in one line, for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rtc_widgets.documents.annotations import Annotations
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.thread import Thread
from rtc_widgets.errors import NotConnected, RtcError
from rtc_widgets.kernel import api, extension

__all__ = ["CELL_MAGICS", "LINE_MAGICS", "STATES", "Refusal", "asks", "not_understood", "open_numbers"]

STATES = ("open", "resolved", "all")

_ASKS = re.compile(r"^%comment[ \t]+(\S.*\?)[ \t]*$", re.MULTILINE)
_COMMENT_USAGE = "%comment TEXT"
_COMMENTS_USAGE = "%comments [open | resolved | all]"
_RESOLVE_USAGE = "%resolve NUMBER ..."


class Refusal(RtcError):
    """Show a sentence in place of a traceback, and stop what would run next."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def not_understood(what: str, usage: str) -> Exception:
    """Return what to raise for a mistake in what was typed."""
    from IPython.core.error import UsageError  # noqa: PLC0415 (where there are magics, there is IPython)

    return UsageError(f"{what.strip()!r} is not understood; it is: {usage}")


def comment(line: str) -> None:
    """Say something about the cell that runs: ``%comment Why 0.5? @ada``. It is Markdown."""
    if not line.strip():
        raise not_understood(line, _COMMENT_USAGE)
    print(_said(line.strip()))  # noqa: T201 (what a magic says is its output)


def comment_cell(line: str, cell: str) -> None:
    """Say something about this cell: what stands below the magic is the comment, in Markdown.

    The notebook keeps the cell as it is, so delete it, or write over it, when that is said.
    """
    print(_said(f"{line.strip()}\n{cell}".strip()))  # noqa: T201


def comments(line: str) -> None:
    """Show the threads of comments that are open: ``%comments [open | resolved | all]``."""
    from IPython.display import display  # noqa: PLC0415 (as above)

    which = line.strip() or "open"
    if which not in STATES:
        raise not_understood(line, _COMMENTS_USAGE)

    def shown() -> Any:
        found = _notebook().comments
        threads = found if which == "all" else found.open if which == "open" else found.resolved
        len(threads)  # says here what is wrong, if it is
        return threads

    display(_refusing(shown))  # type: ignore[no-untyped-call]


def resolve(line: str) -> None:
    """Say that threads are done with, by their numbers: ``%resolve 12``."""
    words = [word.removeprefix("#") for word in line.replace(",", " ").split()]
    if not words or not all(word.isdecimal() for word in words):
        raise not_understood(line, _RESOLVE_USAGE)

    def done() -> str:
        known = _notebook().comments
        threads = [known[int(word)] for word in words]
        for thread in threads:
            thread.resolve()
        return "\n".join(f"Resolved: {_line(thread)}" for thread in threads)

    print(_refusing(done))  # noqa: T201


def asks(lines: list[str]) -> list[str]:
    """Let ``%comment Why?`` be a comment, in a cell that IPython is about to read.

    What ends with a question mark it takes for a wish for help, whatever stands in front.
    """
    if lines and lines[0].startswith("%%"):
        return lines
    return [_ASKS.sub(_call, line) for line in lines]


def _call(found: re.Match[str]) -> str:
    return f"get_ipython().run_line_magic('comment', {found[1]!r})"


# What is said is taken as it is: neither {x} nor $x stands for a variable's value.
for _magic in (comment, comment_cell):
    setattr(_magic, "_ipython_magic_no_var_expand", True)  # noqa: B010 (a function has no such attribute to mypy)

LINE_MAGICS: Mapping[str, Callable[[str], None]] = {
    "comment": comment,
    "comments": comments,
    "resolve": resolve,
}
CELL_MAGICS: Mapping[str, Callable[[str, str], None]] = {"comment": comment_cell}


def open_numbers() -> list[str]:
    """Return the numbers of the threads that are open, as far as they are here."""
    try:
        session = extension.current()
        notebook = None if session is None or not session.paths else session.wait(None, 0.0)
    except NotConnected:
        return []
    if notebook is None or not notebook.document.part(Annotations).here:
        return []
    return [str(thread.number) for thread in notebook.comments.open]


def _notebook() -> Notebook:
    return api.notebook()


def _said(body: str) -> str:
    def said() -> str:
        notebook = _notebook()
        running = notebook.running_cell_id
        # What a console runs is no cell of the notebook: then it is about the notebook.
        cell = notebook.cell_handle(running) if running is not None else None
        thread = notebook.comment(body) if cell is None else cell.comment(body)
        return f"Said: {_line(thread)}"

    return str(_refusing(said))


def _line(thread: Thread) -> str:
    number, body = thread.number, thread.body
    first = next((one.strip() for one in body.splitlines() if one.strip()), "")
    name = "(the server has not answered yet)" if number is None else f"#{number}"
    return f"{name} {first if len(first) <= 60 else first[:59] + '…'}"


def _refusing(what: Callable[[], Any]) -> Any:
    try:
        return what()
    except (RtcError, LookupError) as error:
        raise Refusal(str(error.args[0]) if error.args else str(error)) from None
