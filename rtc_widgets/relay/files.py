"""Keeping a file and a live document in step: saving, watching, merging.

One file has one writer here. What people change is saved after a pause, at the latest after a maximum wait,
and on demand. Before every save the file is checked to be the version that is known; one that was changed
outside is read and merged first, and a watch notices it within a second. What cannot be merged, because the
file is gone, damaged or was emptied, changes nothing in the document and is not written over, except on
demand: then it is a person's decision. Until it is saved, the log has what people typed.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pycrdt import Doc, Map, Subscription

from rtc_widgets.documents.content import content_of, trusted_cells
from rtc_widgets.documents.merge import FILE, MergeResult, identify, merge_notebook, merge_other, merge_text
from rtc_widgets.documents.seed import normalize
from rtc_widgets.documents.ycells import settle_twins
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.origins import Origin
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.registry import document_class
from rtc_widgets.relay.disk import Disk, FileVersion, Stat
from rtc_widgets.relay.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyter_server.services.contents.manager import ContentsManager

__all__ = ["RoomFile"]

RELAY = Origin("relay")

# A symbolic link tells when it was made, not when the file behind it was written: now and then, compare the
# bytes.
_HASH_EVERY = 10  # looks

# Changes that are the file's own, or say something about it: nothing to save. Events carry an origin's hash
# only.
_OWN = frozenset({hash(FILE), hash(RELAY)})
_TEXT = frozenset({"file", "unicode"})
_OVERWRITE = "Save (Ctrl+S) to write what is open here over it."

_log = logging.getLogger(__name__)


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
        self.on_saved: Callable[[Stat, Any], Awaitable[None]] | None = None
        """Awaited with each version of the file that was read or written, and its content: the base of
        merges."""
        self.on_writable: Callable[[bool], None] = _ignore
        """Called when the file becomes read-only, or writable again."""
        self.problem: ChannelClosed | None = None
        """Why the document is not being saved by itself, if it is not."""
        self.deleted = False
        """Whether the file is gone; it is made anew only on demand."""
        self._disk = Disk(contents, path, type_, format_)
        self._type = type_
        self._doc = doc
        self._document = None if type_ == "notebook" or type_ in _TEXT else document_class(type_)(doc)
        self._state: Map[Any] = doc.get("state", type=Map)
        self._schedule = Schedule(save_delay, save_max_wait, self._start_save)
        self._poll_interval = poll_interval
        self._lock = asyncio.Lock()
        # What stands in the file.
        self._base: Any = None
        self._known: Stat | None = None
        self._version: FileVersion | None = None
        self._trusted: dict[str, Any] = {}
        self._attempted: Any = None
        # What is to be saved.
        self._changes = self._seen = self._saved = 0
        self._queued: asyncio.Task[Stat] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watch: asyncio.Task[None] | None = None
        # What is wrong.
        self._looks = self._strikes = 0
        self._blocked = ""  # by the version of this time
        self._told = ""
        self._running = False
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
        return self._base

    @property
    def known(self) -> Stat | None:
        """Return the version of the file that was last read or written; None where there is none."""
        return self._known

    @property
    def unsaved(self) -> bool:
        """Tell whether people changed something since the last save."""
        return self._changes != self._saved

    @property
    def trusted(self) -> frozenset[str]:
        """Return the ids of the cells whose outputs, as in the file, the contents manager trusts."""
        return frozenset(self._trusted)

    # --- opening and closing

    async def load(self) -> FileVersion:
        """Read the file.

        Raises:
            ChannelClosed: ``not-found``, or ``unreadable``.
        """
        self._version = await self._disk.read()
        self._known = self._version.stat
        return self._version

    async def begin(self, base: Any) -> None:
        """Take up the work, now that the document holds what was seeded or logged.

        Merges what was done to the file since *base* was known, and saves what was logged but not saved.

        Args:
            base: ``Seed.content`` where the document was just seeded; ``RoomRecord.base`` where it was read
                from its log; None where neither is known.
        """
        if self._version is None:
            raise RuntimeError("load() comes before begin()")
        version = self._version
        self._base = base
        try:
            self._take(version)
        except ChannelClosed as problem:
            self._block(problem, version.stat.last_modified)
        self._running = True
        self._say(path=self.path)
        self._settle()
        await self._tell_saved()
        self._watch = asyncio.create_task(self._poll_for_ever(), name=f"watch {self.path}")

    async def aclose(self) -> None:
        """Save what is unsaved and stop; where that fails, the log has it."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        self._schedule.stop()
        if self._running and self.unsaved and self.writable:
            await self._save_by_itself()
        self._running = False
        self._schedule.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._subscription is not None:
            self._doc.unobserve(self._subscription)
            self._subscription = None

    async def renamed(self, path: str) -> None:
        """Follow the file to *path*."""
        self._disk.path = path
        self._strikes = 0
        self._say(path=path)

    # --- saving

    def changed(self) -> None:
        """Note that the document changed; cheap, and called at most once a turn of the event loop."""
        if self._changes == self._seen or not self._running:
            return
        self._seen = self._changes
        self._say(dirty=True)
        self._schedule.touch()

    async def save(self) -> dict[str, Any]:
        """Write the file now, because a person asked for it; requests that come together share one write.

        This also writes over a file that is damaged or gone, and upgrades one of an old format.

        Returns:
            ``hash`` and ``last_modified`` of the file.

        Raises:
            ChannelClosed: ``read-only`` or ``save-failed``; everything is kept, and it is tried again.
        """
        if self._queued is None:
            self._queued = asyncio.create_task(self._save_queued(), name=f"save {self.path}")
            self._tasks.add(self._queued)
            self._queued.add_done_callback(self._tasks.discard)
        return (await asyncio.shield(self._queued)).to_json()

    async def _save_queued(self) -> Stat:
        async with self._lock:
            self._queued = None  # who asks from now on may have changed more
            try:
                return await self._save(forced=True)
            except ChannelClosed as problem:
                self._failed(problem, tell=False)
                raise

    async def _save_by_itself(self) -> None:
        try:
            async with self._lock:
                await self._save(forced=False)
        except ChannelClosed as problem:
            self._failed(problem)
        except Exception as error:  # noqa: BLE001 - the trust boundary to hooks and contents managers of others
            _log.exception("%s could not be saved", self.path)
            self._failed(ChannelClosed("save-failed", f"{self.path} could not be saved: {error}."))

    async def _save(self, *, forced: bool) -> Stat:
        await self._check(forced=forced)
        if self._type == "notebook":
            settle_twins(self._doc, RELAY)
        changes, content = self._changes, self._content()
        if content == self._base and self._known is not None and not (forced and self._old_format):
            self._clean(changes)
            return self._known
        if not forced and _empties(self._type, self._base, content):
            raise ChannelClosed(
                "emptied", f"{self.path} was not overwritten with an empty notebook. {_OVERWRITE}"
            )
        if self._old_format and self._known is not None:
            await self._disk.keep_copy()
        path, self._attempted = self.path, content
        line_end = "\n" if self._version is None else self._version.line_end
        written, left = await self._disk.write(content, trusted=self._trust(content), line_end=line_end)
        version = await self._disk.read()
        self._attempted = None
        if path == self.path:
            self._schedule.succeeded()
            self._strikes, self.deleted, self._told = 0, False, ""
            self._wrote(content, left, version, same=version.stat.last_modified == written.last_modified)
            self._clean(changes)
            await self._tell_saved()
        return version.stat

    async def _check(self, *, forced: bool) -> None:
        """Bring in what was done to the file outside, or raise where it must not be written."""
        try:
            stat = await self._disk.stat()
        except ChannelClosed as problem:
            if forced and problem.code == CloseCode.NOT_FOUND:
                self._known = None
                return
            raise
        self._note_writable(stat)
        if not stat.writable:
            raise ChannelClosed(CloseCode.READ_ONLY, f"{self.path} may not be written by the server.")
        if self._known is None or self._blocked or not stat.same(self._known):
            await self._bring_in(forced=forced)
        if self._old_format and not forced:
            raise ChannelClosed(
                "upgrade",
                f"{self.path} is a notebook of the old format {self._old_format}, and saving it writes format 4. Save "
                "(Ctrl+S) to do so; a checkpoint keeps the old one. Until then your changes are kept here only.",
            )

    async def _bring_in(self, *, forced: bool) -> None:
        """Read and merge a version of the file that is not known; on demand, resolve to write over what
        cannot be.
        """
        try:
            version = await self._disk.read()
            if not self._is_ours(version):
                self._take(version)
                return
        except ChannelClosed as problem:
            half_written = self._attempted is not None and problem.code == CloseCode.UNREADABLE
            if problem.code == CloseCode.NOT_FOUND or not (forced or half_written):
                raise
        self._known = None

    def _is_ours(self, version: FileVersion) -> bool:
        """Tell whether the file is what a save that failed half-way left behind."""
        if self._attempted is None:
            return False
        if isinstance(self._attempted, str):
            return self._attempted.startswith(str(normalize(self._type, version.content)))
        return bool(normalize(self._type, version.content) == self._attempted)

    def _take(self, version: FileVersion) -> None:
        """Merge *version* into the document.

        Raises:
            ChannelClosed: it cannot be merged; the document was not changed.
        """
        result = self._merge(version.content)
        if result.refused:
            raise ChannelClosed("not-merged", f"{self.path}: {result.refused} {_OVERWRITE}")
        self._note_version(version, result.content)
        if result.conflicts:
            self._notice(
                "warning",
                "merged",
                f"{self.path} was changed outside at places that were changed here, too. Both versions are in the "
                "document now; where only one can be, it is the one that was here.",
            )

    def _merge(self, theirs: Any) -> MergeResult:
        if self._type == "notebook":
            return merge_notebook(self._doc, self._base, theirs)
        if self._document is None:
            return merge_text(self._doc, self._base, theirs)
        return merge_other(self._document, self._type, self._base, theirs)

    def _wrote(self, content: Any, left: Any, version: FileVersion, *, same: bool) -> None:
        """Take over what stands in the file after a save of *content*.

        That is not always what was written: hooks change it (*left*), and so do contents managers that keep
        only a part of a notebook. Either way it is the base of the next merge, and the document stays as it
        is. But somebody may also have written the file right after us, and a post-save hook may have: that
        is merged.
        """
        if self._type == "notebook":
            found = identify(content, version.content)
            expected = same or found == identify(content, left)
        else:
            found = normalize(self._type, version.content)
            expected = same or found == normalize(self._type, left)
        if expected:
            self._note_version(version, found)
        else:
            self._base = content
            self._take(version)

    def _note_version(self, version: FileVersion, content: Any) -> None:
        self._base, self._version = content, version
        if self._known is not None:
            self._note_writable(version.stat)
        self._known = version.stat
        self.problem, self._blocked = None, ""
        if self._type == "notebook":
            cells = content["cells"]
            self._trusted = {cells[index]["id"]: cells[index].get("outputs") for index in version.trusted}

    def _trust(self, content: Any) -> set[str]:
        """Return which cells to hand to the contents manager as trusted: it signs the notebook if all are."""
        if self._type != "notebook":
            return set()
        kept = {
            cell["id"]
            for cell in content["cells"]
            if cell["id"] in self._trusted and cell.get("outputs") == self._trusted[cell["id"]]
        }
        return kept | trusted_cells(self._doc)

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
                return
            full = stat if stat.hash else await self._disk.stat()
            if full.hash is not None and full.same(self._known):
                self._known = full
                return
        version = await self._disk.read()
        if self._is_ours(version):
            return
        self.deleted = False
        try:
            self._take(version)
        except ChannelClosed as problem:
            self._block(problem, version.stat.last_modified)
            return
        self._settle()
        await self._tell_saved()

    def _lost(self, problem: ChannelClosed) -> None:
        if problem.code == CloseCode.NOT_FOUND:
            self.deleted = True
            problem = ChannelClosed(
                "deleted",
                f"{self.path} was deleted or moved outside. What is open here is kept; save (Ctrl+S) to write it again.",
            )
        self._say(dirty=True)
        self._block(problem, "")

    def _block(self, problem: ChannelClosed, last_modified: str) -> None:
        """Save no more by itself until the file is in order again, or somebody saves on demand."""
        self._blocked = last_modified or "gone"
        self._tell_problem(problem)

    def _tell_problem(self, problem: ChannelClosed) -> None:
        """Say what is wrong, once."""
        self.problem = problem
        if problem.reason != self._told:
            self._told = problem.reason
            level = "error" if problem.code in (CloseCode.UNREADABLE, "save-failed") else "warning"
            self._notice(level, problem.code, problem.reason)

    async def _poll_for_ever(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(self._poll_interval)
            try:
                await self.poll()
                failing = False
            except Exception:  # the watch must go on, whatever a contents manager raises
                if not failing:
                    _log.exception("%s could not be looked at", self.path)
                failing = True

    # --- small parts

    @property
    def _old_format(self) -> int | None:
        return None if self._version is None else self._version.old_format

    def _on_transaction(self, happened: Any) -> None:
        if happened.transaction.origin() not in _OWN:
            self._changes += 1

    def _content(self) -> Any:
        return content_of(self._doc, self._type, self._base, self._document)

    def _settle(self) -> None:
        """After the file was read: the document is clean, or what it has more is to be saved."""
        changes = self._changes
        if self.problem is None and self._content() == self._base:
            self._clean(changes)
        else:
            self._saved = -1  # there is something to save, whoever changed it
            self._say(dirty=True, hash=self._hash)
            self._schedule.touch()

    def _clean(self, changes: int) -> None:
        """Say which version the file has, and that it holds everything unless something was changed
        meanwhile.
        """
        if self._changes == changes:
            self._saved = self._seen = changes
            if not self._blocked:
                self.problem, self._told = None, ""
            self._schedule.stop()
            self._say(dirty=False, hash=self._hash)
        else:
            self._say(hash=self._hash)

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
            await self.on_saved(self._known, self._base)

    def _notice(self, level: str, code: str, message: str) -> None:
        _log.log(logging.WARNING if level != "info" else logging.INFO, "%s [%s]", message, code)
        self.on_notice(level, code, message)

    def _failed(self, problem: ChannelClosed, *, tell: bool = True) -> None:
        """Note that a save failed: say so once, and try again later what may work again."""
        if problem.code == "save-failed" and self._running:
            self._schedule.failed()
        if problem.code != CloseCode.NOT_FOUND and tell:  # of that the watch tells, when it is sure
            self._tell_problem(problem)

    def _start_save(self) -> None:
        task = asyncio.get_running_loop().create_task(self._save_by_itself(), name=f"save {self.path}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _ignore(*_: object) -> None:
    """Stand in for a callback that nobody has set."""


def _empties(type_: str, base: Any, content: Any) -> bool:
    if type_ != "notebook" or not base:
        return False
    full = len(base["cells"]) > 1 or any(cell["source"] for cell in base["cells"])
    return full and len(content["cells"]) == 1 and not content["cells"][0]["source"]
