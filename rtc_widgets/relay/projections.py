"""A notebook opened as text: a room of its own that has no file, kept in step with the notebook's room.

The work is done by a `Projection` in a thread, while somebody has the text open, and not more often than it costs. Of
what people type the notebook's room hears through peers of theirs: so it is signed with their names, held to their
rights, and known to kernels and tabs as theirs.

What was typed and is no notebook is in the text's log, as everything is, and there again when the text is opened. For
that the log says from time to time that all before is in the notebook's log, too: what comes after may not be.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pycrdt import Map

from rtc_widgets.documents.projection import Projection, Step
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.logged import fields
from rtc_widgets.protocol import event, sync
from rtc_widgets.relay.mirrored import Mirrored
from rtc_widgets.relay.pace import Pace
from rtc_widgets.relay.typing_peer import TypingPeer
from rtc_widgets.relay.typings import Typings
from rtc_widgets.relay.validity import check
from rtc_widgets.relay.versions import RELAY
from rtc_widgets.rooms.peer import signature
from rtc_widgets.stores.entry import Signature

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from rtc_widgets.documents.typed import Problem
    from rtc_widgets.relay.files import RoomFile
    from rtc_widgets.rooms.document import RoomDocument
    from rtc_widgets.rooms.peer import RoomPeer
    from rtc_widgets.rooms.room import Room

__all__ = ["IN_STEP", "TextBacking"]

_BY_RELAY = Signature("relay", "relay")
IN_STEP = "in step"
"""The label of an entry of the log: what the text said then was in the notebook's log."""

_LOG_PATIENCE = 5.0  # seconds that closing waits for the notebook's log
_QUIET = 0.5  # seconds from a step to the note of it in the log

_log = logging.getLogger(__name__)
T = TypeVar("T")


class TextBacking:
    """Keep the text document *text* in step with the notebook of *room*, instead of with a file.

    Args:
        room: the notebook's.
        text: the content of the text's room.
        base: the last text all of which is in the notebook; None for the text as it stands.
        author: who typed what differs from it.
    """

    def __init__(self, room: Room, text: RoomDocument, base: str | None, author: Signature | None) -> None:
        self._room = room
        self._file: RoomFile = room.backing  # type: ignore[assignment] # the relay's rooms have no other
        self._notebook = room.content
        self._text = text
        self._base = base
        self._author = author
        self._projection: Projection | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._lock = asyncio.Lock()
        self._pace = Pace(self._ring)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._problem: Problem | None = None
        # What was done since the last step: to the notebook, and by whom; to the text, by one person after the other.
        self._done: list[bytes] = []
        self._authors: set[Signature] = set()
        self._typed = Typings()
        self._merging = self._writing = self._noting = self._closed = False
        self._changes = self._noted = 0
        text.on_update(self._on_text)
        self._people = Mirrored(self._notebook, text, self._on_moved)
        self._notebook.on_update(self._on_notebook)
        self._notebook.on_changed(self._follow)

    # --- what a room asks of its backing

    @property
    def writable(self) -> bool:
        """Tell whether the notebook's file may be written."""
        return self._file.writable

    @property
    def problem(self) -> ChannelClosed | None:
        """Tell why the notebook is not being written to its file at present, if it is not."""
        return self._file.problem

    @property
    def removed(self) -> bool:
        """Tell whether somebody deleted the notebook here."""
        return self._file.removed

    @property
    def unsaved(self) -> bool:
        """Tell whether the notebook has something that its file has not."""
        return self._file.unsaved

    @property
    def saved_at(self) -> str | None:
        """Return when the notebook's file was last changed."""
        return self._file.saved_at

    def remove(self) -> None:
        """Need nothing: the notebook's room learns of it."""

    def trusted_cells(self) -> list[str]:
        """Return none: a text shows no outputs."""
        return []

    def changed(self) -> None:
        """Note that the text changed; it was noted update by update."""

    async def renamed(self, path: str) -> None:
        """Follow the notebook's file to *path*, of which its document tells."""
        self._follow()

    async def save(self) -> dict[str, Any]:
        """Write the notebook's file, with all that was typed here; the text is then as the file is.

        Raises:
            ChannelClosed: ``invalid-text``: what was typed is no notebook; else as the notebook's room says.
        """
        step = await self.step(tidy=True)
        if step.problem is not None:
            where = f"line {step.problem.line}, column {step.problem.column}"
            raise ChannelClosed(
                "invalid-text",
                f"{self._room.path} was not saved: the text is not a notebook ({where}: {step.problem.message}) Mend "
                "it, or show the notebook's text again.",
            )
        return await self._file.save()

    async def aclose(self) -> None:
        """Take over what was typed last, and stop."""
        if self._projection is not None and (self._typed.is_typed or self._merging):
            await self.step()
        if self._noted != self._changes:
            # A log that refuses is waited for elsewhere, and is told of there.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOG_PATIENCE):
                    await self._note()
        self._closed = True
        self._people.close()
        self._pace.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with self._lock:
            self._let_go()
        self._pace.close()

    # --- the work

    async def refresh(self) -> None:
        """Bring the text up to date."""
        # Where nobody looks, nobody's way of writing is in the way of the file's.
        await self.step(tidy=not self._text.peers)

    async def step(self, *, tidy: bool = False, discard_by: str | None = None) -> Step:
        """Take over what was done to the notebook and to the text since the last time.

        Args:
            tidy: write the text as the file would be written.
            discard_by: the name of who gives up what was typed and is not in the notebook.
        """
        async with self._lock:
            self._pace.stop()
            began = time.monotonic()
            projection = await self._begun()
            self._merging = True
            try:
                step = await self._worked(projection, tidy, discard_by)
            except BaseException:
                # It may have taken one half of a step: begin anew from the documents.
                self._let_go()
                raise
            finally:
                self._merging = False
            self._pace.took(time.monotonic() - began)
            self._tell(step.problem)
        self._follow()
        if self._authors or self._typed.is_typed:
            self._touch()
        elif not self._noting and self._noted != self._changes:
            self._noting = True
            self._start(self._note(_QUIET))
        return step

    async def _worked(self, projection: Projection, tidy: bool, discard_by: str | None) -> Step:
        done, self._done = self._done, []
        authors, self._authors = self._authors, set()
        *before, (typing, updates) = self._typed.take()
        for earlier, theirs in before:
            self._merge(await self._run(partial(projection.take, theirs, _client(earlier))), earlier)
        work = partial(
            projection.step,
            done,
            updates,
            writer=_client(typing),
            tidy=tidy,
            discard=discard_by is not None,
        )
        step = await self._run(work)
        self._merge(step, typing)
        if step.text is not None:
            if discard_by is not None:
                authors.add(Signature(discard_by, "person"))
            if step.notebook is not None and typing is not None:
                authors.add(signature(typing))
            self._project(step.text, authors)
        return step

    async def _begun(self) -> Projection:
        if self._projection is None:
            notebook, text = self._notebook.doc.get_update(), self._text.doc.get_update()
            self._done = []
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="rtc_widgets text")
            make = partial(Projection, notebook, text, check, base=self._base, written=self._file.base)
            self._projection = await self._run(make)
        return self._projection

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _let_go(self) -> None:
        """Keep nothing but the base."""
        if self._projection is not None:
            self._base, self._projection = self._projection.base, None
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None
        self._done = []
        self._typed.take()

    def _merge(self, step: Step, typing: TypingPeer | None) -> None:
        """Do to the notebook what *typing* typed."""
        if step.notebook is not None:
            self._changes += 1
            here = typing is not None and typing in self._notebook.peers and self._notebook.may_write(typing)
            if here and typing is not None:
                self._notebook.receive(typing, [sync.update(step.notebook)])
            else:
                author = self._author if typing is None else signature(typing)
                self._notebook.write(step.notebook, author or _BY_RELAY)
        if step.problem is None:
            self._author = None

    def _project(self, update: bytes, authors: set[Signature]) -> None:
        """Do to the text what *authors* did to the notebook."""
        self._changes += 1
        self._writing = True
        try:
            self._text.write(update, authors.pop() if len(authors) == 1 else _BY_RELAY)
        finally:
            self._writing = False

    async def _note(self, after: float = 0) -> None:
        """Say in the log that what stands there is in the notebook's log, too, once it is."""
        try:
            await asyncio.sleep(after)
            noting = -1
            while noting != self._changes:
                noting = self._changes
                await self._notebook.committed()
            if self._in_step and self._noted != noting:
                self._noted = noting
                self._text.note(IN_STEP)
        finally:
            self._noting = False

    @property
    def _in_step(self) -> bool:
        return not (self._typed.is_typed or self._merging or self._problem)

    # --- when to work

    def _touch(self) -> None:
        if not self._closed and self._text.peers:
            self._pace.touch()

    def _ring(self) -> None:
        if not self._lock.locked():  # else the step that goes on looks again
            self._start(self.step())

    def _start(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(self._safely(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _safely(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 - a bug here must not end the room: the log has what was typed
            _log.exception(
                "The text of %s could not be brought up to date",
                self._room.path,
                extra=fields("view.failed", path=self._room.path, room=self._room.id),
            )

    def _on_notebook(self, update: bytes, author: Signature, writer: RoomPeer | None) -> None:
        if self._projection is None or isinstance(writer, TypingPeer):
            return
        self._done.append(update)
        if writer is not None or author.by != "relay":  # which only says how the file stands
            self._authors.add(author)
            self._touch()

    def _on_text(self, update: bytes, author: Signature, writer: RoomPeer | None) -> None:
        if self._writing or (writer is None and self._projection is None):
            return
        self._typed.add(self._people.typing(writer), update)
        if writer is not None:
            self._touch()

    def _on_moved(self) -> None:
        """Work for those who have the text open, and rest when nobody has."""
        if self._text.peers:
            self._touch()
        elif not self._closed:
            self._start(self._rest())

    async def _rest(self) -> None:
        """Take over what was typed last, and work no more until somebody comes."""
        if self._projection is not None:
            await self.step()
        async with self._lock:
            if not self._text.peers:
                self._let_go()
        await self._note()

    # --- what the people in the text are told

    def greet(self, peer: RoomPeer) -> None:
        """Tell a peer that has just joined, maybe after an outage, whether the text is in the notebook, or why not."""
        peer.send(self._text.outgoing(event.encode("projection", _told(self._problem))))

    def _tell(self, problem: Problem | None) -> None:
        if problem != self._problem:
            self._problem = problem
            self._text.tell("projection", _told(problem))

    def _follow(self) -> None:
        """Say of the file what the notebook says: it is theirs both."""
        if self._closed:
            return
        file: Map[Any] = self._notebook.doc.get("state", type=Map)
        state: Map[Any] = self._text.doc.get("state", type=Map)
        facts = {key: file.get(key) for key in ("path", "hash", "dirty")}
        facts["dirty"] = bool(facts["dirty"]) or not self._in_step
        new = {key: value for key, value in facts.items() if state.get(key) != value}
        if new:
            with self._text.doc.transaction(origin=RELAY):
                for key, value in new.items():
                    state[key] = value


def _client(typing: TypingPeer | None) -> int | None:
    return None if typing is None else typing.client


def _told(problem: Problem | None) -> dict[str, Any]:
    """Return the params of the event (docs/protocol.md, section 3.5)."""
    if problem is None:
        return {"valid": True}
    return {"valid": False, "line": problem.line, "column": problem.column, "message": problem.message}
