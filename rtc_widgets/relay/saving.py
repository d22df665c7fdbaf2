"""Saving a room's document to its file: after a pause, and on demand."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.logged import fields
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.relay.disk import Overtaken
from rtc_widgets.relay.file_state import FileState, overwrite
from rtc_widgets.relay.schedule import Schedule

if TYPE_CHECKING:
    from jupyter_server.services.contents.manager import ContentsManager
    from pycrdt import Doc

    from rtc_widgets.relay.file_version import Stat
    from rtc_widgets.relay.last_look import LastLook

__all__ = ["Saving"]

_RECENT = 8  # writes, of which it is remembered what they wrote over
_TRIES = 5  # of a save, each time somebody else has written the file while it was made ready

_log = logging.getLogger(__name__)


class Saving(FileState):
    """Write the live document to its file.

    Args:
        contents: as for ``FileState``, like all up to *doc*.
        save_delay: seconds without a change before it is saved.
        save_max_wait: seconds after which it is saved also while somebody types.
    """

    def __init__(
        self,
        contents: ContentsManager,
        path: str,
        type_: str,
        format_: str,
        doc: Doc[Any],
        *,
        save_delay: float,
        save_max_wait: float,
    ) -> None:
        super().__init__(contents, path, type_, format_, doc)
        self._schedule = Schedule(save_delay, save_max_wait, self._start_save)
        self._queued: asyncio.Task[Stat] | None = None

    @property
    def unsaved(self) -> bool:
        """Tell whether there is something to save."""
        return self._changes != self._saved

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
            _log.exception(
                "%s could not be saved",
                self.path,
                extra=fields("file.not-saved", path=self.path, code="save-failed"),
            )
            if self._running:
                self._schedule.failed()
            raise ChannelClosed("save-failed", f"{self.path} could not be saved: {error}.") from error

    async def _save(self, *, forced: bool) -> Stat:
        versions = self._versions
        for _ in range(_TRIES):
            looked = await self._check(forced=forced)
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
                    f"{self.path} was not overwritten with an empty notebook. {overwrite(self.path)}",
                )
            if self.before_save is not None:
                await self.before_save()
            if versions.base is not None and self.on_replaced is not None:
                await self.on_replaced(versions.base, content)
            if versions.old_format and self._known is not None:
                await self._disk.keep_copy()
            if self.on_saving is not None:
                await self.on_saving(content)
            async with self._disk.turn():
                there, last = await self._disk.look()
                if there is looked is None or (there and looked and there.same(looked)):
                    try:
                        return await self._write(content, changes, page, last)
                    except Overtaken as overtaken:
                        _log.info(
                            "%s: %s.", self.path, overtaken, extra=fields("file.overtaken", path=self.path)
                        )
        raise ChannelClosed(
            "save-failed", f"{self.path} could not be saved: it changes faster than it is merged."
        )

    async def _write(self, content: Any, changes: int, page: Any, last: LastLook | None) -> Stat:
        versions = self._versions
        before, known, attempted = versions.base, self._known or self._vanished, versions.attempted
        versions.attempted = content
        begun = time.monotonic()
        try:
            written, left = await self._disk.write(
                content,
                trusted=versions.to_trust(content),
                line_end=versions.line_end,
                page=page,
                last=last,
            )
        except Overtaken as overtaken:
            if not overtaken.written:
                versions.attempted = attempted
            raise
        version = await self._disk.read_back(page)
        self._schedule.succeeded()
        self._strikes, self.deleted, self._told = 0, False, ""
        same = version.stat.last_modified == written.last_modified
        if same:
            # Also where a hook has stripped it: it is not written again and again.
            self.page, self._page_read = page, version.page
        merged = await versions.wrote(
            content, left, version, same=same, hooks=self._disk.hooks, merging=self._note_merging
        )
        self._took(version, merged)
        self._looked_at = self._looks
        if known is not None:
            self._overwritten = [*self._overwritten[1 - _RECENT :], (known, before)]
        self._vanished = None
        self._clean(changes)
        seconds = round(time.monotonic() - begun, 4)
        _log.debug(
            "%s was saved in %g s.",
            self.path,
            seconds,
            extra=fields("file.saved", path=self.path, seconds=seconds),
        )
        await self._tell_saved()
        return version.stat

    async def _check(self, *, forced: bool) -> Stat | None:
        """Bring in what was done to the file outside, or raise where it must not be written.

        Returns:
            The version of the file that may be written over; None where there is none.
        """
        try:
            stat = await self._disk.stat()
        except ChannelClosed as problem:
            if forced and problem.code == CloseCode.NOT_FOUND:
                self._vanished, self._known = self._known or self._vanished, None
                return None
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
        return self._known or stat

    async def _bring_in(self, *, forced: bool) -> None:
        """Read and merge a version of the file that is not known; on demand, write over what cannot be merged."""
        try:
            version = await self._disk.read()
            if not self._versions.half_written(version):
                await self._bring(version)
                # Before what is about to be written is noted, which has it, too: `Versions.recover` tells that it was
                # written by what only it has.
                await self._tell_saved()
                return
        except ChannelClosed as problem:
            half_written = self._versions.attempted is not None and problem.code == CloseCode.UNREADABLE
            if problem.code == CloseCode.NOT_FOUND or not (forced or half_written):
                raise
        self._known = None

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

    def _start_save(self) -> None:
        self._task(self._save_by_itself())
