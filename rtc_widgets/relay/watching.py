"""Watching a room's file: what is done to it outside is noticed and merged."""

from __future__ import annotations

import asyncio
import logging

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.logged import fields
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.relay.saving import Saving

__all__ = ["Watching"]

# A symbolic link tells when it was made, not when the file behind it was written: now and then compare the bytes.
_HASH_EVERY = 10  # looks

_log = logging.getLogger(__name__)


class Watching(Saving):
    """Look at the file again and again."""

    _poll_interval: float

    async def poll(self) -> None:
        """Look at the file once, and merge what was done to it outside."""
        async with self._lock:
            try:
                await self._look()
                self._strikes = 0
            except ChannelClosed as problem:
                # Editors replace and truncate files while they write them: what is wrong must be so twice.
                self._strikes += 1
                if self._strikes == 2 and problem.code == CloseCode.NOT_FOUND and await self._tell_move():
                    return
                if self._strikes in (2, 3):  # the third where it was moved, and nobody follows
                    self._lost(problem)

    async def _tell_move(self) -> bool:
        """Tell whether another program has renamed the file; then the room is told to follow it."""
        path = None if self._known is None else await self._disk.moved(self._known)
        if path is None:
            return False
        _log.info(
            "%s was renamed to %s outside.", self.path, path, extra=fields("file.renamed", path=self.path)
        )
        self._disk.tell_rename(path)
        return True

    async def _look(self) -> None:
        self._looks += 1
        # What was wrong a look ago is looked for as closely again, or it would never be so twice.
        stat = await self._disk.stat(hash_=self._strikes > 0 or self._looks % _HASH_EVERY == 0)
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
            await self._bring(version)
        except ChannelClosed as problem:
            self._block(problem, version.stat.last_modified)
        else:
            await self._settle()

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
                    _log.exception(
                        "%s could not be looked at",
                        self.path,
                        extra=fields("file.not-watched", path=self.path),
                    )
                failing = True
