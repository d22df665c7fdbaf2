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
from typing import TYPE_CHECKING, Any

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.logged import fields
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.relay.file_state import ignore, same
from rtc_widgets.relay.watching import Watching

if TYPE_CHECKING:
    from jupyter_server.services.contents.manager import ContentsManager
    from pycrdt import Doc

    from rtc_widgets.relay.file_version import FileVersion

__all__ = ["RoomFile"]

_log = logging.getLogger(__name__)


class RoomFile(Watching):
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
        super().__init__(
            contents, path, type_, format_, doc, save_delay=save_delay, save_max_wait=save_max_wait
        )
        self._poll_interval = poll_interval
        self._watch: asyncio.Task[None] | None = None

    async def load(self) -> FileVersion:
        """Read the file.

        Raises:
            ChannelClosed: ``not-found``, or ``unreadable``.
        """
        version = self._versions.file = await self._disk.read()
        self._known = version.stat
        return version

    async def begin(
        self, base: Any, attempted: Any = None, merged: Any = None, *, unchanged: bool = False
    ) -> None:
        """Take up the work, now that the document holds what was seeded or logged.

        Merges what was done to the file since *base* was known, and saves what was logged but not saved.

        Args:
            base: ``Seed.content`` where the document was just seeded; ``RoomRecord.base`` where it was read from
                its log; None where neither is known.
            attempted: ``RoomRecord.attempted``.
            merged: what the file held when the document, as it is logged, last merged it, where that is noted.
            unchanged: whether *base* is known to be what the file holds: then nothing is compared to it.
        """
        version = self._versions.file
        if unchanged and version is not None:
            self._versions.keep(version, base)
            self._took(version, None)
        elif self._versions.recover(base, attempted, version, merged) and version is not None:
            try:
                await self._bring(version)
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
        self.on_notice = self.on_writable = self.on_page = ignore
        self.page_for = same
        self.before_save = self.on_saving = self.on_merging = self.on_saved = self.on_replaced = None

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
        _log.info(
            "A save made %s anew after it had become %s; it is taken away again.",
            old,
            self.path,
            extra=fields("file.made-anew", path=self.path),
        )
        await self._disk.at(old).delete()
        bases = [base for stat, base in self._overwritten if stat.same(here)]
        self._versions.base = bases[-1] if bases else self._overwritten[-1][1]
        self._overwritten, self._known = [], None
        self._saved = -1
        self._say(dirty=True)
