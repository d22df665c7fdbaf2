"""What IPython completes of a live notebook, beyond the keys that the handles name themselves.

Two things: IPython reads on through our handles (``nb.users["``, ``nb[0].metadata["``), whose properties it would
not touch otherwise, and it knows what may stand in ``%rtc``, ``nb.defining("`` and ``notebook("``.
"""

from __future__ import annotations

import re
import sys
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.cell_index import CellIndex
from rtc_widgets.documents.cells import Cell
from rtc_widgets.documents.celltext import CellText
from rtc_widgets.documents.comments import Comments
from rtc_widgets.documents.datafile import LiveData
from rtc_widgets.documents.definitions import defined
from rtc_widgets.documents.headings import Section, Sections
from rtc_widgets.documents.lines import Lines
from rtc_widgets.documents.lookup import TypedCells
from rtc_widgets.documents.mapping import LiveList, LiveMapping
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.outputs import Outputs
from rtc_widgets.documents.tags import Tags
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.documents.thread import Comment, Thread
from rtc_widgets.documents.users import Person, Users
from rtc_widgets.errors import NotConnected
from rtc_widgets.kernel import extension
from rtc_widgets.kernel.api import notebook
from rtc_widgets.kernel.magics import SUBCOMMANDS
from rtc_widgets.kernel.remarks import STATES, open_numbers

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

    from rtc_widgets.documents.document import LiveDocument

__all__ = ["Completion"]

# Reading what these have, attributes and items, changes nothing and waits for nobody.
_READABLE = frozenset(
    {
        Notebook,
        LiveText,
        LiveData,
        TypedCells,
        Cell,
        CellText,
        Lines,
        LiveMapping,
        LiveList,
        Tags,
        Outputs,
        Sections,
        Section,
        Users,
        Person,
        Comments,
        Thread,
        Comment,
    }
)
_ALLOWANCES = ("allowed_getattr", "allowed_getitem")

# How many cells' syntax trees are made for one completion: about 0.2 s.
_PARSED = 1000

_MAGIC = re.compile(r"\s*%(rtc|undo|redo)\s+(.*\s)?(\S*)$")
_REMARKS = re.compile(r"\s*%(comments|resolve)\s+(\S*)$")
_DEFINING = re.compile(r"(?<![\w.\])])(\w+)\.defining\(\s*(?:name\s*=\s*)?['\"](\w*)$")
_NOTEBOOK = re.compile(r"(?<![\w.\])])(?:(\w+)\.)?(\w+)\(\s*(?:path\s*=\s*)?['\"]([^'\"]*)$")

Found = tuple[str, Iterable[str], str]
"""What is typed already, what may stand there, and of which kind that is."""


class Completion:
    """Teach a shell's completer, as far as it can learn; `remove` makes it forget."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._completer: Any = shell.Completer
        self._before: Any = None
        self._after: Any = None
        self._matcher = _matcher(shell)
        if self._matcher is not None:
            self._completer.custom_matchers.append(self._matcher)
        if hasattr(self._completer, "policy_overrides"):  # IPython 9.3
            self._allow()

    def remove(self) -> None:
        """Undo all that; what somebody has set meanwhile stays."""
        if self._matcher is not None and self._matcher in self._completer.custom_matchers:
            self._completer.custom_matchers.remove(self._matcher)
        if self._after is not None and self._completer.policy_overrides == self._after:
            self._completer.policy_overrides = self._before

    def _allow(self) -> None:
        """Let the completer read attributes and items of our handles, where it reads those of other things."""
        from IPython.core.guarded_eval import EVALUATION_POLICIES  # noqa: PLC0415 (not before there is a shell)

        policy = EVALUATION_POLICIES.get(self._completer.evaluation)
        if all(hasattr(policy, name) for name in _ALLOWANCES):
            self._before = dict(self._completer.policy_overrides)
            allowed = {
                name: {*self._before.get(name, getattr(policy, name)), *_READABLE} for name in _ALLOWANCES
            }
            self._after = self._before | allowed
            self._completer.policy_overrides = self._after


def _matcher(shell: InteractiveShell) -> Any:
    try:
        from IPython.core.completer import SimpleCompletion, context_matcher  # noqa: PLC0415 (as above)
    except ImportError:  # before IPython 8.6
        return None

    def match(context: CompletionContext) -> Any:
        """Complete what stands in our magics and calls."""
        found = _found(context.text_until_cursor, shell.user_ns)
        if found is None:
            return {"completions": []}
        typed, words, kind = found
        completions = [SimpleCompletion(text=word, type=kind) for word in words if word.startswith(typed)]
        # The files that IPython offers for an open quotation mark are as good as the paths that are open.
        return {
            "completions": completions,
            "matched_fragment": typed,
            "suppress": bool(completions) and kind != "path",
        }

    marked: Any = context_matcher(identifier="rtc_widgets")
    return marked(match)


def _found(line: str, names: dict[str, Any]) -> Found | None:
    """Return what may stand at the end of *line*; None where it is none of ours."""
    if (magic := _MAGIC.match(line)) is not None:
        name, earlier, typed = magic.groups()
        return typed, [*(SUBCOMMANDS if name == "rtc" and not earlier else ()), *_paths()], "magic argument"
    if (magic := _REMARKS.match(line)) is not None:
        words = STATES if magic[1] == "comments" else open_numbers()
        return magic[2], words, "magic argument"
    if (call := _DEFINING.search(line)) is not None and isinstance(handle := names.get(call[1]), Notebook):
        return call[2], handle.document.part(_Definitions).beginning(call[2]), "name"
    if (call := _NOTEBOOK.search(line)) is not None:
        module, name, typed = call.groups()
        ours = module is None and names.get(name) is notebook
        ours = ours or (name == "notebook" and names.get(module) is sys.modules["rtc_widgets"])
        return (typed, _paths(), "path") if ours else None
    return None


def _paths() -> list[str]:
    """Return the paths of the notebooks that this kernel has."""
    try:
        session = extension.current()
    except NotConnected:
        return []
    return [] if session is None else [path for path in session.paths if path.endswith(".ipynb")]


class _Definitions:
    """Keep which names each code cell of a document defines: syntax trees take their time."""

    def __init__(self, document: LiveDocument) -> None:
        self._document = weakref.ref(document)
        self._known: dict[str, set[str]] = {}

    def beginning(self, typed: str) -> list[str]:
        """Return the names that begin with *typed*; of very many new cells, those of the last, and next time more."""
        document = self._document()
        assert document is not None  # it asks for us
        with document.reading() as replica:
            rows = replica.part(CellIndex).rows()
        sources = [row.source for row in reversed(rows) if row.type == "code" and typed in row.source]
        new = [source for source in dict.fromkeys(sources) if source not in self._known][:_PARSED]
        if new:
            there = {row.source for row in rows}
            self._known = {source: names for source, names in self._known.items() if source in there}
            self._known |= {source: defined(source) for source in new}
        names = {name for source in sources for name in self._known.get(source, ())}
        return sorted(name for name in names if name.startswith(typed))
