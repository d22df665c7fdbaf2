"""What is known of a room's file, and what is told of it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pycrdt import Doc, Map, Subscription

from rtc_widgets.documents.merge import FILE, MergeResult
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.logged import fields
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.relay.disk import Disk
from rtc_widgets.relay.file_version import FileVersion, Stat
from rtc_widgets.relay.versions import RELAY, NotMerged, Versions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from jupyter_server.services.contents.manager import ContentsManager

__all__ = ["FileState"]

# Changes that are the file's own, or say something about it: nothing to save. Events carry an origin's hash only.
_OWN = frozenset({hash(FILE), hash(RELAY)})

# Of more conflicts, and of longer texts (code points), people are not shown all: both versions are in the document.
_MOST_CONFLICTS = 20
_MOST_TEXT = 20_000

_log = logging.getLogger(__name__)

T = TypeVar("T")


class FileState:
    """Hold what the live document *doc* and its file have of each other.

    Args:
        contents: the server's contents manager.
        path: the manager's.
        type_: a document type.
        format_: ``json``, ``text`` or ``base64``.
        doc: the content document.
    """

    def __init__(self, contents: ContentsManager, path: str, type_: str, format_: str, doc: Doc[Any]) -> None:
        self.on_notice: Callable[[str, str, str, list[dict[str, Any]]], None] = ignore
        """Called with level, code and a sentence for everybody in the room, and with the conflicts that it is about."""
        self.on_writable: Callable[[bool], None] = ignore
        """Called when the file becomes read-only, or writable again."""
        self.before_save: Callable[[], Awaitable[None]] | None = None
        """Awaited between the reading of the document and the writing of the file: the log is to have at least what
        the file gets, or after a crash it would look like somebody else's, and stand twice."""
        self.on_saving: Callable[[Any], Awaitable[None]] | None = None
        """Awaited with the content that is about to be written."""
        self.on_merging: Callable[[str, Any], Awaitable[None]] | None = None
        """Awaited with the hash and the content of a version of the file, before it is merged."""
        self.on_saved: Callable[[Stat, Any], Awaitable[None]] | None = None
        """Awaited with each version of the file that was read or written, and with the base of merges then."""
        self.page_for: Callable[[Any], Any] = same
        """Called with the copy of the comments that the file has, for the one that it is to have."""
        self.on_replaced: Callable[[Any, Any], Coroutine[Any, Any, None]] | None = None
        """Awaited with what stands in the file and what is about to, or does: by us, before it is written; by others,
        after."""
        self.on_page: Callable[[Any], None] = ignore
        """Called with a copy of the comments that somebody else wrote into the file."""
        self.page: Any = None
        """The copy of the comments that the file was last given, or was read with."""
        self.problem: ChannelClosed | None = None
        """Why the document is not being saved by itself, if it is not."""
        self.deleted = False
        """Whether the file is gone; it is made anew only on demand."""
        self.removed = False
        """Whether it was deleted through the contents manager, and was not made anew."""
        self._doc = doc
        self._state: Map[Any] = doc.get("state", type=Map)
        self._disk = Disk(contents, path, type_, format_)
        self._versions = Versions(doc, type_)
        self._known: Stat | None = None
        self._lock = asyncio.Lock()
        self._running = False
        # Changes by others than ourselves: in all, when ``changed`` last looked, when the file had all of them.
        self._changes = self._seen = self._saved = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._looks = self._strikes = 0
        self._blocked = ""  # by the version of the file that has this time
        # What each write since the watch looked wrote over, and its base: a write may have gone to a name that the
        # file has no more, of which we are told a moment later.
        self._overwritten: list[tuple[Stat, Any]] = []
        self._looked_at = 0
        self._vanished: Stat | None = None  # what was known of a file that is gone
        self._told = ""
        self._page_read: Any = None
        self._subscription: Subscription | None = doc.observe(self._on_transaction)

    @property
    def path(self) -> str:
        """Return where the file is."""
        return self._disk.path

    @property
    def writable(self) -> bool:
        """Tell whether the server may write the file."""
        return self._known is None or self._known.writable

    @property
    def base(self) -> Any:
        """Return what stands in the file, normalized, under the live cells' ids."""
        return self._versions.base

    @property
    def known(self) -> Stat | None:
        """Return the version of the file that was last read or written; None where there is none."""
        return self._known

    @property
    def saved_at(self) -> str | None:
        """Return when the file was last changed, by us or by others, in ISO 8601; None where there is none."""
        return None if self._known is None else self._known.last_modified

    @property
    def ran(self) -> Callable[[], set[str]]:
        """What returns the cells whose outputs were seen by the one person who could change them."""
        return self._versions.ran

    @ran.setter
    def ran(self, ran: Callable[[], set[str]]) -> None:
        self._versions.ran = ran

    @property
    def trusted(self) -> frozenset[str]:
        """Return the ids of the cells that the contents manager may trust, unless their outputs were changed."""
        return self._versions.trusted

    def trusted_cells(self) -> list[str]:
        """Return the cells whose outputs may be shown as trusted: they are those that the file is signed with."""
        return self._versions.shown_as_trusted()

    async def _note_merging(self, version: FileVersion) -> None:
        """Have noted what is about to be merged: if the server ends then, and the file goes on, it is the base."""
        if self.on_merging is not None and version.stat.hash is not None:
            await self.on_merging(version.stat.hash, version.content)

    async def _bring(self, version: FileVersion) -> None:
        """Merge *version* into the document.

        Raises:
            ChannelClosed: it cannot be merged; the document was not changed.
        """
        await self._note_merging(version)
        self._take(version)

    def _take(self, version: FileVersion) -> None:
        """Merge *version*, which was noted, into the document.

        Raises:
            ChannelClosed: it cannot be merged; the document was not changed.
        """
        before = self._versions.base
        try:
            merged = self._versions.take(version)
        except NotMerged as error:
            raise ChannelClosed("not-merged", f"{self.path}: {error} {overwrite(self.path)}") from error
        self._took(version, merged)
        if before is not None and self.on_replaced is not None:
            self._task(self.on_replaced(before, self._versions.base))

    def _took(self, version: FileVersion, merged: MergeResult | None) -> None:
        self._note_writable(version.stat)
        self._known = version.stat
        if version.page != self._page_read:
            self.page = self._page_read = version.page
            self.on_page(version.page)
        self.problem, self._blocked = None, ""
        self.removed = False
        # In the turn of the merge, so that the log has both or neither: `Versions.recover`.
        self._say(hash=self._hash)
        if merged is not None and merged.conflicts:
            self._notice(
                "warning",
                "merged",
                f"{self.path} was changed outside at places that were changed here, too. Both versions are in the "
                "document now; where only one can be, it is the one that was here.",
                told_conflicts(merged),
            )

    def _lost(self, problem: ChannelClosed) -> None:
        if problem.code == CloseCode.NOT_FOUND:
            self.deleted = True
            problem = ChannelClosed(
                "deleted",
                f"{self.path} was deleted or moved outside. What is open here is kept; save (Ctrl+S) to write it "
                "again.",
            )
        self._say(dirty=True)
        self._block(problem, "gone")

    def _block(self, problem: ChannelClosed, last_modified: str) -> None:
        """Save no more by itself until the file is in order again, or somebody saves on demand."""
        self._blocked = last_modified
        self._tell_problem(problem)

    def _on_transaction(self, happened: Any) -> None:
        if happened.transaction.origin() not in _OWN:
            self._changes += 1

    @property
    def _hash(self) -> str | None:
        return None if self._known is None else self._known.hash

    def _say(self, **facts: Any) -> None:
        """Write *facts* about the file into the document's state, where they are new."""
        new = {key: value for key, value in facts.items() if self._state.get(key) != value}
        if new:
            with self._doc.transaction(origin=RELAY):
                for key, value in new.items():
                    self._state[key] = value

    def _note_writable(self, stat: Stat) -> None:
        if self._known is not None and self._known.writable != stat.writable:
            self._known = replace(self._known, writable=stat.writable)
            self.on_writable(stat.writable)

    async def _tell_saved(self) -> None:
        if self.on_saved is not None and self._known is not None:
            await self.on_saved(self._known, self.base)

    def _tell_problem(self, problem: ChannelClosed) -> None:
        """Say what is wrong, once."""
        self.problem = problem
        if problem.reason != self._told:
            self._told = problem.reason
            level = "error" if problem.code in (CloseCode.UNREADABLE, "save-failed") else "warning"
            self._notice(level, problem.code, problem.reason)

    def _notice(
        self, level: str, code: str, message: str, conflicts: list[dict[str, Any]] | None = None
    ) -> None:
        _log.warning("%s [%s]", message, code, extra=fields("document.notice", path=self.path, code=code))
        self.on_notice(level, code, message, conflicts or [])

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work, name=f"save {self.path}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def told_conflicts(merged: MergeResult) -> list[dict[str, Any]]:
    """Return what people are shown of the conflicts of a merge (docs/protocol.md, 3.5)."""
    told: list[dict[str, Any]] = []
    for name in merged.conflicts[:_MOST_CONFLICTS]:
        sides = merged.sides.get(name)
        texts = {} if sides is None else {"here": _cut(sides.here), "there": _cut(sides.there)}
        told.append({"name": name, **texts})
    return told


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}\n…"


def overwrite(path: str) -> str:
    """Say what a person can do who wants the file to be what is open here."""
    return f"Save (Ctrl+S) to write what is open here over {path}."


def ignore(*_: object) -> None:
    """Stand in for a callback that nobody has set."""


def same(page: Any) -> Any:
    """Leave the copy of the comments in the file as it is."""
    return page
