"""Keeping a file and a live document in step: saving, watching, merging.

One file has one writer here. What people change is saved after a pause, at the latest after a maximum wait, and on
demand. Before every save the file is checked to be the version that is known; one that was changed outside is read
and merged first, and a watch notices it within a second. What cannot be merged, because the file is gone, damaged or
was emptied, changes nothing in the document and is not written over, except on demand: that is a person's decision.
Until it is saved, the log has what people typed.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pycrdt import Doc, Map, Subscription

from rtc_widgets.documents.merge import FILE
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.relay.disk import Disk, FileVersion, Stat
from rtc_widgets.relay.schedule import Schedule
from rtc_widgets.relay.versions import RELAY, NotMerged, Versions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from jupyter_server.services.contents.manager import ContentsManager

__all__ = ["RoomFile"]

# A symbolic link tells when it was made, not when the file behind it was written: now and then compare the bytes.
_HASH_EVERY = 10  # looks
_RECENT = 8  # writes, of which it is remembered what they wrote over
_TRIES = 5  # of a save, each time somebody else has written the file while it was made ready

# Changes that are the file's own, or say something about it: nothing to save. Events carry an origin's hash only.
_OWN = frozenset({hash(FILE), hash(RELAY)})

_log = logging.getLogger(__name__)

T = TypeVar("T")


class RoomFile:
    """Tie the live document *doc* to a file; the relay's ``Backing`` of a room.

    First ``load()``, then fill *doc* (seed it, or read its log), then ``begin()``.

    Args:
        contents: the server's contents manager.
        path: the manager's.
        type_: a document type.
        format_: ``json``, ``text`` or ``base64``.
        doc: the content document.
        save_delay: seconds without a change before it is saved.
        save_max_wait: seconds after which it is saved also while somebody types.
        poll_interval: seconds between two looks at the file.
    """

    def __init__(
        self,
        contents: ContentsManager,
        path: str,
        type_: str,
        format_: str,
        doc: Doc[Any],
        *,
        save_delay: float = 1.0,
        save_max_wait: float = 10.0,
        poll_interval: float = 1.0,
    ) -> None:
        self.on_notice: Callable[[str, str, str], None] = _ignore
        """Called with level, code and a sentence for everybody in the room."""
        self.on_writable: Callable[[bool], None] = _ignore
        """Called when the file becomes read-only, or writable again."""
        self.before_save: Callable[[], Awaitable[None]] | None = None
        """Awaited between the reading of the document and the writing of the file: the log is to have at least what
        the file gets, or after a crash it would look like somebody else's, and stand twice."""
        self.on_saving: Callable[[Any], Awaitable[None]] | None = None
        """Awaited with the content that is about to be written."""
        self.on_saved: Callable[[Stat, Any], Awaitable[None]] | None = None
        """Awaited with each version of the file that was read or written, and with the base of merges then."""
        self.page_for: Callable[[Any], Any] = _same
        """Called with the copy of the comments that the file has, for the one that it is to have."""
        self.on_page: Callable[[Any], None] = _ignore
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
        self._schedule = Schedule(save_delay, save_max_wait, self._start_save)
        self._poll_interval = poll_interval
        self._lock = asyncio.Lock()
        self._running = False
        # Changes by others than ourselves: in all, when ``changed`` last looked, when the file had all of them.
        self._changes = self._seen = self._saved = 0
        self._queued: asyncio.Task[Stat] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watch: asyncio.Task[None] | None = None
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
    def unsaved(self) -> bool:
        """Tell whether there is something to save."""
        return self._changes != self._saved

    @property
    def trusted(self) -> frozenset[str]:
        """Return the ids of the cells that the contents manager may trust, unless their outputs were changed."""
        return self._versions.trusted

    def trusted_cells(self) -> list[str]:
        """Return the cells whose outputs may be shown as trusted: they are those that the file is signed with."""
        return self._versions.shown_as_trusted()

    # --- opening and closing

    async def load(self) -> FileVersion:
        """Read the file.

        Raises:
            ChannelClosed: ``not-found``, or ``unreadable``.
        """
        version = self._versions.file = await self._disk.read()
        self._known = version.stat
        return version

    async def begin(self, base: Any, attempted: Any = None, *, unchanged: bool = False) -> None:
        """Take up the work, now that the document holds what was seeded or logged.

        Merges what was done to the file since *base* was known, and saves what was logged but not saved.

        Args:
            base: ``Seed.content`` where the document was just seeded; ``RoomRecord.base`` where it was read from
                its log; None where neither is known.
            attempted: ``RoomRecord.attempted``.
            unchanged: whether *base* is known to be what the file holds: then nothing is compared to it.
        """
        version = self._versions.file
        if unchanged and version is not None:
            self._versions.keep(version, base)
            self._took(version, [])
        elif self._versions.recover(base, attempted, version) and version is not None:
            try:
                self._take(version)
            except ChannelClosed as problem:
                self._block(problem, version.stat.last_modified)
        else:
            self._known = None
        self._running = True
        self._say(path=self.path)
        await self._settle(told=unchanged)
        self._watch = asyncio.create_task(self._look_for_ever(), name=f"watch {self.path}")

    async def aclose(self) -> None:
        """Save what is unsaved and stop; where that fails, the log has it."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        self._schedule.stop()
        if self._running and self.unsaved and self.writable and not self.removed:
            await self._save_by_itself()
        self._running = False
        self._schedule.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._subscription is not None:
            self._doc.unobserve(self._subscription)
            self._subscription = None
        # These lead back here: without them the document goes at once, and not when the collector finds it.
        self.on_notice = self.on_writable = self.on_page = _ignore
        self.page_for = _same
        self.before_save = self.on_saving = self.on_saved = None

    def remove(self) -> None:
        """Learn from the contents manager that the file was deleted, before the watch could see it."""
        self.removed = True
        self._strikes = 2
        self._lost(ChannelClosed(CloseCode.NOT_FOUND, CloseCode.NOT_FOUND.sentence))

    async def renamed(self, path: str) -> None:
        """Follow the file to *path*."""
        async with self._lock:
            old, self._disk.path = self._disk.path, path
            self._strikes = 0
            self._say(path=path)
            await self._take_back(old)
        if self._running and self.unsaved:
            self._schedule.touch()

    async def _take_back(self, old: str) -> None:
        """Undo a write that made the file at *old* anew: it came between the rename and the telling of it.

        What the file has at its new place is older, and must not be taken for a change.
        """
        if not self._overwritten or self._known is None or old == self.path:
            return
        try:
            here = await self._disk.stat()
            if not (await self._disk.at(old).stat()).same(self._known):
                return
        except ChannelClosed:
            return  # there is one file, as it should be
        _log.info("A save made %s anew after it had become %s; it is taken away again.", old, self.path)
        await self._disk.at(old).delete()
        bases = [base for stat, base in self._overwritten if stat.same(here)]
        self._versions.base = bases[-1] if bases else self._overwritten[-1][1]
        self._overwritten, self._known = [], None
        self._saved = -1
        self._say(dirty=True)

    # --- saving

    def changed(self) -> None:
        """Note that the document changed; cheap, and called at most once a turn of the event loop."""
        if self._changes == self._seen or not self._running:
            return
        self._seen = self._changes
        if not self._schedule.armed:  # else it was said already
            self._say(dirty=True)
        self._schedule.touch()

    def commented(self) -> None:
        """Note that the file is to have another copy of the comments."""
        self._changes += 1
        self.changed()

    async def save(self) -> dict[str, Any]:
        """Write the file now, because a person asked for it; requests that come together share one write.

        This also writes over a file that is damaged or gone, and upgrades one of an old format.

        Returns:
            ``hash`` and ``last_modified`` of the file.

        Raises:
            ChannelClosed: ``read-only`` or ``save-failed``; everything is kept here.
        """
        if self._queued is None:
            self._queued = self._task(self._save_on_demand())
        return (await asyncio.shield(self._queued)).to_json()

    async def _save_on_demand(self) -> Stat:
        async with self._lock:
            self._queued = None  # who asks from now on may have changed more
            return await self._try_save(forced=True)

    async def _save_by_itself(self) -> None:
        async with self._lock:
            try:
                await self._try_save(forced=False)
            except ChannelClosed as problem:
                if problem.code != CloseCode.NOT_FOUND:  # of that the watch tells, when it is sure
                    self._tell_problem(problem)

    async def _try_save(self, *, forced: bool) -> Stat:
        try:
            return await self._save(forced=forced)
        except ChannelClosed as problem:
            if problem.code == "save-failed" and self._running:
                self._schedule.failed()
            raise
        except Exception as error:
            # The trust boundary to the hooks and contents managers of others.
            _log.exception("%s could not be saved", self.path)
            if self._running:
                self._schedule.failed()
            raise ChannelClosed("save-failed", f"{self.path} could not be saved: {error}.") from error

    async def _save(self, *, forced: bool) -> Stat:
        versions = self._versions
        for _ in range(_TRIES):
            await self._check(forced=forced)
            changes = self._changes
            versions.settle_twins()
            content = await versions.live()
            page = self.page_for(self.page)
            same = content == versions.base and page == self.page
            if self._known is not None and same and not (forced and versions.old_format):
                self._clean(changes)
                return self._known
            if not forced and versions.would_empty(content):
                raise ChannelClosed(
                    "emptied",
                    f"{self.path} was not overwritten with an empty notebook. {_overwrite(self.path)}",
                )
            if self.before_save is not None:
                await self.before_save()
            if versions.old_format and self._known is not None:
                await self._disk.keep_copy()
            if self.on_saving is not None:
                await self.on_saving(content)
            if self._known is None or (await self._disk.stat()).same(self._known):
                return await self._write(content, changes, page)
        raise ChannelClosed(
            "save-failed", f"{self.path} could not be saved: it changes faster than it is merged."
        )

    async def _write(self, content: Any, changes: int, page: Any) -> Stat:
        versions = self._versions
        before, known = versions.base, self._known or self._vanished
        versions.attempted = content
        written, left = await self._disk.write(
            content, trusted=versions.to_trust(content), line_end=versions.line_end, page=page
        )
        version = await self._disk.read_back()
        self._schedule.succeeded()
        self._strikes, self.deleted, self._told = 0, False, ""
        same = version.stat.last_modified == written.last_modified
        if same:
            # Also where a hook has stripped it: it is not written again and again.
            self.page, self._page_read = page, version.page
        self._took(version, await versions.wrote(content, left, version, same=same))
        self._looked_at = self._looks
        if known is not None:
            self._overwritten = [*self._overwritten[1 - _RECENT :], (known, before)]
        self._vanished = None
        self._clean(changes)
        await self._tell_saved()
        return version.stat

    async def _check(self, *, forced: bool) -> None:
        """Bring in what was done to the file outside, or raise where it must not be written."""
        try:
            stat = await self._disk.stat()
        except ChannelClosed as problem:
            if forced and problem.code == CloseCode.NOT_FOUND:
                self._vanished, self._known = self._known or self._vanished, None
                return
            raise
        self._note_writable(stat)
        if not stat.writable:
            raise ChannelClosed(CloseCode.READ_ONLY, f"{self.path} may not be written by the server.")
        if self._known is None or self._blocked or not stat.same(self._known):
            await self._bring_in(forced=forced)
        old = self._versions.old_format
        if old and not forced:
            raise ChannelClosed(
                "upgrade",
                f"{self.path} is a notebook of the old format {old}, and saving it writes format 4. Save (Ctrl+S) "
                "to do so; a checkpoint keeps the old one. Until then your changes are kept here only.",
            )

    async def _bring_in(self, *, forced: bool) -> None:
        """Read and merge a version of the file that is not known; on demand, write over what cannot be merged."""
        try:
            version = await self._disk.read()
            if not self._versions.half_written(version):
                self._take(version)
                return
        except ChannelClosed as problem:
            half_written = self._versions.attempted is not None and problem.code == CloseCode.UNREADABLE
            if problem.code == CloseCode.NOT_FOUND or not (forced or half_written):
                raise
        self._known = None

    def _take(self, version: FileVersion) -> None:
        """Merge *version* into the document.

        Raises:
            ChannelClosed: it cannot be merged; the document was not changed.
        """
        try:
            conflicts = self._versions.take(version)
        except NotMerged as error:
            raise ChannelClosed("not-merged", f"{self.path}: {error} {_overwrite(self.path)}") from error
        self._took(version, conflicts)

    def _took(self, version: FileVersion, conflicts: list[str]) -> None:
        self._note_writable(version.stat)
        self._known = version.stat
        if version.page != self._page_read:
            self.page = self._page_read = version.page
            self.on_page(version.page)
        self.problem, self._blocked = None, ""
        self.removed = False
        # In the turn of the merge, so that the log has both or neither: `Versions.recover`.
        self._say(hash=self._hash)
        if conflicts:
            self._notice(
                "warning",
                "merged",
                f"{self.path} was changed outside at places that were changed here, too. Both versions are in the "
                "document now; where only one can be, it is the one that was here.",
            )

    # --- watching

    async def poll(self) -> None:
        """Look at the file once, and merge what was done to it outside."""
        async with self._lock:
            try:
                await self._look()
                self._strikes = 0
            except ChannelClosed as problem:
                # Editors replace and truncate files while they write them: what is wrong must be so twice.
                self._strikes += 1
                if self._strikes == 2:
                    self._lost(problem)

    async def _look(self) -> None:
        self._looks += 1
        stat = await self._disk.stat(hash_=self._looks % _HASH_EVERY == 0)
        self._note_writable(stat)
        if stat.last_modified == self._blocked:
            return
        if self._known is not None and not self._blocked and not self.deleted:
            if stat.last_modified == self._known.last_modified and stat.same(self._known):
                if self._looks > self._looked_at + 1:
                    self._overwritten = []
                return
            full = stat if stat.hash else await self._disk.stat()
            if full.hash is not None and full.same(self._known):
                self._known = full
                return
        version = await self._disk.read()
        if self._versions.half_written(version):
            return
        self.deleted = False
        try:
            self._take(version)
        except ChannelClosed as problem:
            self._block(problem, version.stat.last_modified)
        else:
            await self._settle()

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

    async def _look_for_ever(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(self._poll_interval)
            try:
                await self.poll()
                failing = False
            except Exception:  # noqa: BLE001 - the first of each series is logged
                # The watch must go on, whatever a contents manager raises.
                if not failing:
                    _log.exception("%s could not be looked at", self.path)
                failing = True

    # --- small parts

    def _on_transaction(self, happened: Any) -> None:
        if happened.transaction.origin() not in _OWN:
            self._changes += 1

    async def _settle(self, *, told: bool = False) -> None:
        """After the file was read: the document is clean, or what it has more is to be saved.

        Args:
            told: whether it was told already which version of the file this is.
        """
        changes = self._changes
        known = self._known is not None and not self._blocked
        if known and await self._versions.live() == self._versions.base:
            self._clean(changes)
        else:
            self._saved = -1  # whoever changed it
            self._say(dirty=True)
            self._schedule.touch()
        if not told:
            await self._tell_saved()

    def _clean(self, changes: int) -> None:
        """Say which version the file has, and that it holds everything unless something was changed meanwhile."""
        self._say(hash=self._hash)
        if self._changes == changes:
            self._saved = self._seen = changes
            self._schedule.stop()
            self._say(dirty=False)
            if not self._blocked:
                self.problem, self._told = None, ""

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

    def _notice(self, level: str, code: str, message: str) -> None:
        _log.warning("%s [%s]", message, code)
        self.on_notice(level, code, message)

    def _start_save(self) -> None:
        self._task(self._save_by_itself())

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work, name=f"save {self.path}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _overwrite(path: str) -> str:
    return f"Save (Ctrl+S) to write what is open here over {path}."


def _ignore(*_: object) -> None:
    """Stand in for a callback that nobody has set."""


def _same(page: Any) -> Any:
    """Leave the copy of the comments in the file as it is."""
    return page
