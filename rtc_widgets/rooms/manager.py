"""Which rooms are open: each file's at most once, closed some time after the last peer left."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.logged import fields
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.room import Room

__all__ = ["RoomKey", "RoomManager"]

_FULL = (
    "{path} cannot be opened: this server has {most} documents open, as many as it may. Close some and open it again "
    "(c.RelayApp.max_rooms on the server)."
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoomKey:
    """Name a room: one path has one writer, so a path can be open as one format and type only, and in views of it."""

    path: str
    format: str
    type: str

    @property
    def source(self) -> RoomKey | None:
        """Return the room that has the file where this one is but a view of it: a notebook's text."""
        if (self.format, self.type) == ("text", "file") and self.path.lower().endswith(".ipynb"):
            return RoomKey(self.path, "json", "notebook")
        return None


class _Paths:
    """Hold paths, each with all that is below it: opening, closing and renaming go on one at a time there."""

    def __init__(self) -> None:
        self._holds: list[tuple[tuple[str, ...], asyncio.Event]] = []

    @asynccontextmanager
    async def hold(self, *paths: str) -> AsyncIterator[None]:
        """Wait for those who came earlier, and only for them; where there are none, without a pause."""
        earlier = [
            over
            for others, over in self._holds
            if any(_within(a, b) or _within(b, a) for a in paths for b in others)
        ]
        mine = paths, asyncio.Event()
        self._holds.append(mine)
        try:
            for over in earlier:
                await over.wait()
            yield
        finally:
            self._holds.remove(mine)
            mine[1].set()


class RoomManager:
    """Open rooms on demand and close the empty ones.

    Args:
        make: loads or seeds the room of a key; raises `ChannelClosed` where that cannot be.
        close_delay: seconds that an empty room stays open, for a reload to find it warm.
        forget: awaited with the id of a room that has closed after its file was deleted: what is made under that
            name later is another file.
        make_view: makes the view of a room that is open; the key says which.
        sized: told of each room that was opened or has closed, for the memory that its document takes.
        most: how many rooms may be open; an empty one makes way.
    """

    def __init__(
        self,
        make: Callable[[RoomKey], Awaitable[Room]],
        close_delay: float = 60.0,
        forget: Callable[[str], Awaitable[object]] | None = None,
        make_view: Callable[[Room, RoomKey], Awaitable[Room]] | None = None,
        sized: Callable[[Room], object] | None = None,
        most: int | None = None,
    ) -> None:
        self._make = make
        self._sized = sized
        self._make_view = make_view
        self._forget = forget
        self._close_delay = close_delay
        self._most = most
        self._making = 0
        self._rooms: dict[str, Room] = {}
        self._paths = _Paths()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def rooms(self) -> list[Room]:
        """Return the rooms that are open."""
        return list(self._rooms.values())

    @property
    def all(self) -> list[Room]:
        """Return the rooms that are open, and the views of them."""
        return [room for open_ in self._rooms.values() for room in (open_, *open_.views)]

    def get(self, path: str) -> Room | None:
        """Return the open room of *path*, if there is one."""
        return self._rooms.get(path)

    def document(self, comm_id: str) -> tuple[Room, RoomDocument] | None:
        """Return the open document of that comm id and its room, if there is one."""
        for open_ in self._rooms.values():
            for room in (open_, *open_.views):
                for document in room.documents.values():
                    if document.comm_id == comm_id:
                        return room, document
        return None

    async def open(self, key: RoomKey) -> Room:
        """Return the room of *key*, made by the first who asks; it closes again unless a peer joins.

        Raises:
            ChannelClosed: the path is open as another format or type, as many rooms are open as may be, or the room
                cannot be made.
        """
        if self._full and key.path not in self._rooms:
            await self._make_way()
        async with self._paths.hold(key.path):
            self._check_open()
            room = self._rooms.get(key.path)
            view = None if room is None else room.view(key.format, key.type)
            if view is None and not self._shows(room, key):
                return await self._open(key)
            if view is None:
                view = await self._view(key)
            await view.refresh()
            self.settle(view)
        return view

    def _shows(self, room: Room | None, key: RoomKey) -> bool:
        """Tell whether *key* names a view, and not what is open there already: a text file may be renamed."""
        is_open = room is not None and (room.format, room.type) == (key.format, key.type)
        return key.source is not None and self._make_view is not None and not is_open

    async def _view(self, key: RoomKey) -> Room:
        assert key.source is not None
        assert self._make_view is not None
        room = await self._open(key.source)
        view = await self._make_view(room, key)
        view.source = room
        room.views.append(view)
        return view

    async def _open(self, key: RoomKey) -> Room:
        room = self._rooms.get(key.path)
        if room is not None and room.empty and room.backing.removed:
            await self._close_safely(room)
            room = None
        if room is None:
            room = await self._opened(key)
        elif (room.format, room.type) != (key.format, key.type):
            if not room.empty:
                raise ChannelClosed(
                    CloseCode.CONFLICT,
                    f"{key.path} is open as {room.type} ({room.format}), so it cannot be opened as {key.type} "
                    f"({key.format}) too. Close it there first.",
                )
            await self._close(room)
            room = await self._opened(key)
        # Who comes gets everything, and of what the file brought nothing may be told before it is in the log.
        await room.content.released()
        self._check_open()
        self.settle(room)
        return room

    @property
    def _full(self) -> bool:
        return self._most is not None and len(self._rooms) + self._making >= self._most

    async def _make_way(self) -> None:
        """Close the room that has been empty for longest, if there is one."""
        empty = next(iter(self._timers), None)
        room = next((room for room in self.rooms if room.id == empty), None)
        if room is not None:
            await self._close_if_empty(room)

    async def _opened(self, key: RoomKey) -> Room:
        if self._full:
            raise ChannelClosed(CloseCode.TOO_MANY, _FULL.format(path=key.path, most=self._most))
        self._making += 1
        begun = time.monotonic()
        try:
            room = self._rooms[key.path] = await self._make(key)
        finally:
            self._making -= 1
        seconds = round(time.monotonic() - begun, 4)
        _log.info(
            "%s was opened in %g s.",
            key.path,
            seconds,
            extra=fields("room.opened", path=key.path, room=room.id, seconds=seconds),
        )
        if self._sized is not None:
            self._sized(room)
        return room

    def settle(self, room: Room) -> None:
        """Start, or stop, the wait before *room* is closed, by whether anybody is in it, or in a view of it."""
        room = room.source or room
        timer = self._timers.pop(room.id, None)
        if timer is not None:
            timer.cancel()
        if room.empty and not self._closed:
            loop = asyncio.get_running_loop()
            self._timers[room.id] = loop.call_later(self._close_delay, self._expire, room)

    async def rename(self, old: str, new: str, note: Callable[[], Awaitable[object]] | None = None) -> None:
        """Follow a file, or all files of a folder, from *old* to *new*.

        A room that is being opened is moved as soon as it is there. One that stands in the way is closed: its own
        file is gone, or it was opened under the new name before the rename was told.

        Args:
            old: the path that the file had.
            new: the path that it has now.
            note: awaited before anybody can open either path; writes the rename down.
        """
        async with self._paths.hold(old, new):
            moving = {
                new + path[len(old) :]: room for path, room in self._rooms.items() if _within(path, old)
            }
            for target in moving:
                other = self._rooms.get(target)
                if other is not None and other not in moving.values():
                    await self._close_safely(other)
            if note is not None:
                await note()
            for room in moving.values():
                del self._rooms[room.path]
            self._rooms |= moving
            for target, room in moving.items():
                await room.renamed(target)
                self.settle(room)

    async def delete(self, path: str, note: Callable[[list[str]], Awaitable[object]] | None = None) -> None:
        """Learn that the file, or the folder, at *path* was deleted.

        Rooms with somebody in them stay, for the file may be saved again; others close.

        Args:
            path: the path that is no more.
            note: awaited with the ids of the rooms that stay, before anybody can open the path.
        """
        async with self._paths.hold(path):
            kept = []
            for room in self.rooms:
                if _within(room.path, path):
                    room.backing.remove()
                    if room.empty:
                        await self._close_safely(room)
                    else:
                        kept += [room.id, *(view.id for view in room.views)]
            if note is not None:
                await note(kept)

    async def aclose(self) -> None:
        """Close every room; what is unsaved is written first."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        async with self._paths.hold(""):
            await asyncio.gather(*(self._close_safely(room) for room in self.rooms))

    def _check_open(self) -> None:
        if self._closed:
            raise ChannelClosed(CloseCode.GOING_AWAY, CloseCode.GOING_AWAY.sentence)

    def _expire(self, room: Room) -> None:
        self._timers.pop(room.id, None)
        task = asyncio.get_running_loop().create_task(self._close_if_empty(room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close_if_empty(self, room: Room) -> None:
        path = room.path
        async with self._paths.hold(path):
            # Renamed meanwhile, it has got another timer.
            if room.empty and self._rooms.get(path) is room:
                await self._close_safely(room)

    async def _close_safely(self, room: Room) -> None:
        ids = [room.id, *(view.id for view in room.views)]
        try:
            await self._close(room)
        except Exception:  # noqa: BLE001 - the log has every change; the next open loads it from there
            _log.exception(
                "The room of %s did not close cleanly",
                room.path,
                extra=fields("room.not-closed", path=room.path, room=room.id),
            )
        if room.backing.removed and self._forget is not None and not self._closed:
            for gone in ids:
                await self._forget(gone)

    async def _close(self, room: Room) -> None:
        timer = self._timers.pop(room.id, None)
        if timer is not None:
            timer.cancel()
        try:
            await room.aclose()
            _log.info("%s was closed.", room.path, extra=fields("room.closed", path=room.path, room=room.id))
        finally:
            if self._rooms.get(room.path) is room:
                del self._rooms[room.path]
            if self._sized is not None and not self._closed:
                self._sized(room)


def _within(path: str, root: str) -> bool:
    """Tell whether *path* is *root* or below it; everything is below ``""``."""
    return not root or path == root or path.startswith(root.rstrip("/") + "/")
