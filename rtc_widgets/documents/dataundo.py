"""One's own steps in a file of any type, undone and done again, as far as its content tells.

What is inside such a document is not known here, so a step is kept as the content before it and after it. It is taken
back in the content as it stands: in a dict key by key, in a text line by line, and only where nobody has changed the
same since.
"""

from __future__ import annotations

import json
import logging
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents import wrapped
from rtc_widgets.documents.journal import ABSENT
from rtc_widgets.documents.subscription import weakly
from rtc_widgets.documents.text import apply_to_str, diff
from rtc_widgets.documents.undo import MOST_CHARACTERS, MOST_STEPS, NO_STEPS, refuse_inside
from rtc_widgets.origins import Origin

if TYPE_CHECKING:
    from rtc_widgets.documents.document import LiveDocument

__all__ = ["DataUndo", "plain_content", "taken_back"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Step:
    """Hold the content before one transaction, and after it."""

    label: str
    old: Any
    new: Any
    size: int


class DataUndo:
    """Keep the steps of one document: what is written here, never what others write.

    Reads the content before and after each write made here; forgets everything when the document is rebuilt.
    """

    # The document's type; set by the handle.
    type = ""

    def __init__(self, document: LiveDocument) -> None:
        self._document = weakref.ref(document)
        self._before: Any = ABSENT
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        document.recorder = self
        document.on_rebuild(weakly(self.forget))

    @property
    def labels(self) -> list[str]:
        """What `undo` would take back, the next one last."""
        return [step.label for step in list(self._done)]

    @property
    def undone_labels(self) -> list[str]:
        """What `redo` would do again, the next one last."""
        return [step.label for step in list(self._undone)]

    def undo(self, _running: str | None = None) -> str | None:
        """Take the last step back; return its label, None where there is none."""
        return self._switch(self._done, self._undone)

    def redo(self, _running: str | None = None) -> str | None:
        """Do the step that was undone last again; return its label, None where there is none."""
        return self._switch(self._undone, self._done)

    def forget(self) -> None:
        """Forget all steps."""
        self._before = ABSENT
        self._done.clear()
        self._undone.clear()

    def prepare(self) -> None:
        """Remember the content before a transaction made here."""
        self._before = self._content()

    def settle(self, origin: Origin, *, remote: bool) -> None:
        """Make a step of a transaction made here."""
        if remote or origin.kind in NO_STEPS:
            return
        old, new = self._before, self._content()
        if old is ABSENT or new is ABSENT or _same(old, new):
            return
        self._undone.clear()
        self._done.append(_Step(origin.detail or "edit content", old, new, _size(old)))
        while len(self._done) > 1 and (
            len(self._done) > MOST_STEPS or sum(step.size for step in self._done) > MOST_CHARACTERS
        ):
            del self._done[0]

    def _content(self) -> Any:
        """Return the content, `ABSENT` where the type's class cannot tell it: then there is nothing to undo."""
        document = self._document()
        if document is None:
            return ABSENT
        try:
            wrapper: Any = wrapped.wrap(document.replica, self.type)
            return plain_content(wrapper.get())
        except Exception:  # noqa: BLE001 (another package's class, and others' documents may hold anything)
            _log.exception("The content could not be read, so this step cannot be undone.")
            return ABSENT

    def _switch(self, source: list[_Step], target: list[_Step]) -> str | None:
        document = self._document()
        if document is None or not source:
            return None
        refuse_inside(document)
        origin = Origin("undo", document.origin.user, source[-1].label)
        with wrapped.writing(document, self.type, origin=origin) as (_, wrapper):
            if not source:
                return None
            step = source.pop()
            now = plain_content(wrapper.get())
            wanted = taken_back(step.old, step.new, now)
            if not _same(now, wanted):
                wrapper.set(wanted)
            target.append(_Step(step.label, now, wanted, _size(now)))
            return step.label


def plain_content(found: Any) -> Any:
    """Return what the class of a type makes of a document, with bytes for what a CRDT makes of bytes."""
    return bytes(found) if isinstance(found, bytearray) else found


def taken_back(old: Any, new: Any, now: Any) -> Any:
    r"""Return what *now* becomes when the change from *old* to *new* is taken back; itself for unchanged.

    >>> taken_back({"a": 1}, {"a": 2, "b": 3}, {"a": 2, "b": 4, "c": 5})
    {'a': 1, 'b': 4, 'c': 5}
    >>> taken_back("one\n\ntwo", "one\n\n2", "ONE\n\n2")
    'ONE\n\ntwo'
    """
    if isinstance(old, str) and isinstance(new, str) and isinstance(now, str):
        return _text_back(old, new, now)
    return _value_back(old, new, now)


def _value_back(old: Any, new: Any, now: Any) -> Any:
    if _same(now, new):
        return old
    if not all(isinstance(value, dict) for value in (old, new, now)):
        return now
    back = {
        key: _value_back(old.get(key, ABSENT), new.get(key, ABSENT), now.get(key, ABSENT))
        for key in (now | old)
    }
    return {key: value for key, value in back.items() if value is not ABSENT}


def _text_back(old: str, new: str, now: str) -> str:
    """Take back a change of lines, where others have changed none of them, nor one beside them.

    A text may be JSON or XML, of which a mixture of two changes would be neither.
    """
    back, theirs = diff(new, old), diff(new, now)
    spans = [(new.count("\n", 0, edit.start), new.count("\n", 0, edit.stop)) for edit in (*back, *theirs)]
    mine, others = spans[: len(back)], spans[len(back) :]
    if any(first - 1 <= end and start <= last + 1 for first, last in mine for start, end in others):
        return now
    return apply_to_str(new, sorted((*back, *theirs), key=lambda edit: edit.start))


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON where it is: unlike in Python, true is not 1 there."""
    try:
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    except TypeError:
        return bool(one == other)


def _size(content: Any) -> int:
    """Return about how many characters or bytes *content* takes."""
    return len(content) if isinstance(content, str | bytes) else len(str(content))
