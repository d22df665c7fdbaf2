"""How a room comes to be: from its log where there is one, else seeded from the file, exactly once."""

from __future__ import annotations

import asyncio
import logging
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_server.services.contents.manager import ContentsManager
from jupyter_server.utils import ensure_async
from pycrdt import Doc, Map, Text
from tornado.web import HTTPError

from rtc_widgets.documents.content import content_of, read
from rtc_widgets.documents.ipynb import Writer
from rtc_widgets.documents.seed import Seed, seed
from rtc_widgets.errors import ChannelClosed, DocumentError, StoreError, UnknownDocumentType
from rtc_widgets.ids import new_client_id, new_id
from rtc_widgets.logged import fields
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.registry import document_class
from rtc_widgets.relay.backups import Backups, Losses
from rtc_widgets.relay.file_version import FileVersion, Stat
from rtc_widgets.relay.files import RoomFile
from rtc_widgets.relay.index import RoomIndex, RoomRecord
from rtc_widgets.relay.mending import begin_anew, remark
from rtc_widgets.relay.mirroring import Mirroring
from rtc_widgets.relay.projections import IN_STEP, TextBacking
from rtc_widgets.relay.text_room import TextRoom
from rtc_widgets.rooms.counts import Counts
from rtc_widgets.rooms.directory import PeopleDirectory
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.log import Tally, load
from rtc_widgets.rooms.manager import RoomKey
from rtc_widgets.rooms.private import PrivateNotes
from rtc_widgets.rooms.retention import Retention
from rtc_widgets.rooms.room import Room, comm_id
from rtc_widgets.stores.entry import DAMAGED, Entry, Signature, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rtc_widgets.relay.relay import RelaySettings

__all__ = ["RoomMaker"]

_log = logging.getLogger(__name__)
_FORMATS = ("json", "text", "base64")
_LOG_PATIENCE = 5.0  # seconds that a save waits for a log whose disk refuses


class RoomMaker:
    """Make rooms from files.

    Args:
        contents: the server's contents manager.
        store: the logs.
        index: which room a file has.
        settings: the configuration.
        private: where what is kept for single people is kept.
        directory: knows whom one may mention.
        aside: tells where a log is now that was found damaged, if one was.
    """

    def __init__(
        self,
        contents: ContentsManager,
        store: Store,
        index: RoomIndex,
        settings: RelaySettings,
        private: PrivateNotes | None = None,
        directory: PeopleDirectory | None = None,
        aside: Callable[[], Path | None] = lambda: None,
        *,
        counts: Counts | None = None,
        told: Callable[[Room, str, str, str], object] | None = None,
        backups: Backups | None = None,
    ) -> None:
        self._aside = aside
        self._contents: Any = contents  # jupyter_server types few of its methods
        self._store = store
        self._index = index
        self._private = private
        self._directory = directory
        self._settings = settings
        self._mended: set[str] = set()  # rooms, not yet open
        self._counts = counts
        self._told = told
        self._backups = backups

    async def make(self, key: RoomKey) -> Room:
        """Return the room of *key*.

        Raises:
            ChannelClosed: the file is missing, too large, unreadable or of an unknown type; it was not touched.
        """
        self._check_type(key)
        await self._check_size(key.path)
        doc: Doc[Any] = Doc(client_id=new_client_id())
        file = RoomFile(
            self._contents,
            key.path,
            key.type,
            key.format,
            doc,
            save_delay=self._settings.save_delay,
            save_max_wait=self._settings.save_max_wait,
            poll_interval=self._settings.poll_interval,
        )
        try:
            room = await self._make(key, doc, file)
        except BaseException:
            await file.aclose()  # or the two, each of which leads to the other, are never collected
            raise
        if room is None:
            await file.aclose()
            return await self.make(key)
        return room

    async def _make(self, key: RoomKey, doc: Doc[Any], file: RoomFile) -> Room | None:
        """Return the room with *doc* and *file*; None where it was mended, and is to be made anew."""
        record = await self._index.find(key.path, key.format, key.type)
        version, damage = None, None
        try:
            version = await file.load()
        except ChannelClosed as problem:
            if problem.code != CloseCode.UNREADABLE or record is None:
                raise
            damage = ChannelClosed(CloseCode.UNREADABLE, f"{problem.reason} {_restorable(key.path)}")
            # What a server leaves that ends while it writes is in the log. Anything else may be somebody's work, such
            # as a merge of Git that has to be finished by hand: as text it can be opened, while this is refused.
            if record.attempted is None:
                raise damage from problem
        if record is None and version is not None and _tells(version.normal):
            record = await self._index.restore(key.path, key.format, key.type, version.normal)
        unchanged = _unchanged(record, version)
        tally = None
        if record is not None:
            tally = await load(self._store, comm_id(record.room, "content"), doc, record.lineage)
        if record is not None and tally is not None and tally.damaged:
            if version is None:
                raise damage or ChannelClosed(CloseCode.UNREADABLE, CloseCode.UNREADABLE.sentence)
            _log.warning(
                "The log of %s lost entries. The document is made from its file and the rest.",
                key.path,
                extra=fields("log.lost", path=key.path, room=record.room),
            )
            await begin_anew(self._store, self._index, record, version)
            self._mended.add(record.room)
            return None
        lost = record is not None and tally is None
        if record is None or tally is None:
            if version is None:
                raise damage or ChannelClosed(CloseCode.UNREADABLE, CloseCode.UNREADABLE.sentence)
            (record, tally), unchanged = await self._seed(doc, key, version), True
        room = await self._room(key, record, doc, file, tally, lost=lost)
        # Only now, with the room listening, so that what was done to the file meanwhile is logged like any change.
        merged = None if unchanged else await self._merged(record, doc)
        await file.begin(record.base, record.attempted, merged, unchanged=unchanged)
        return room

    async def _merged(self, record: RoomRecord, doc: Doc[Any]) -> Any:
        """Return what the file held when *doc* merged it last, where the server ended before it noted that."""
        hash_ = doc.get("state", type=Map).get("hash")
        if not isinstance(hash_, str) or hash_ == record.hash:
            return None
        return await self._index.merged(record.room, hash_)

    def _check_type(self, key: RoomKey) -> None:
        try:
            document_class(key.type)
        except UnknownDocumentType as error:
            raise ChannelClosed(CloseCode.UNKNOWN_TYPE, str(error)) from error
        formats = ("json",) if key.type == "notebook" else _FORMATS
        if key.format not in formats:
            raise ChannelClosed(
                CloseCode.UNKNOWN_TYPE,
                f"The format of a {key.type} is {' or '.join(formats)}, and not {key.format!r}.",
            )

    async def _check_size(self, path: str) -> None:
        try:
            model = await ensure_async(self._contents.get(path, content=False))
        except HTTPError as error:
            if error.status_code == 404:
                raise ChannelClosed(CloseCode.NOT_FOUND, CloseCode.NOT_FOUND.sentence) from error
            raise
        size, limit = model.get("size") or 0, self._settings.max_file_size
        if model["type"] == "directory":
            raise ChannelClosed(CloseCode.NOT_FOUND, f"{path} is a folder, not a document.")
        if size > limit:
            raise ChannelClosed(
                CloseCode.TOO_LARGE,
                f"{path} has {_bytes(size)}, and files over {_bytes(limit)} are opened without "
                "collaboration. Clear large outputs, or raise RelayApp.max_file_size on the server.",
            )

    async def _seed(self, doc: Doc[Any], key: RoomKey, version: FileVersion) -> tuple[RoomRecord, Tally]:
        try:
            # Half a second for 10,000 cells, in which the others must not wait.
            seeded = await asyncio.to_thread(seed, key.type, version.normal, normal=True)
        except DocumentError as error:
            raise ChannelClosed(CloseCode.UNREADABLE, f"{CloseCode.UNREADABLE.sentence} ({error})") from error
        stat = version.stat
        record = RoomRecord(
            new_id(),
            key.path,
            key.format,
            key.type,
            seeded.lineage,
            stat.hash,
            stat.last_modified,
            seeded.content,
        )
        entry = Entry(seeded.update, None, time.time(), "seed", seeded.lineage)
        # First the log, then the index: a room that is in the index has its seed.
        seq = await self._store.append(comm_id(record.room, "content"), [entry])
        await self._index.put(record)
        doc.apply_update(seeded.update)
        return record, Tally(seq, size=len(seeded.update))

    async def make_view(self, room: Room, key: RoomKey) -> Room:
        """Return the room of *key*, which shows the notebook of *room* as text.

        Raises:
            StoreError: the log cannot be read or written.
        """
        doc: Doc[Any] = Doc(client_id=new_client_id())
        record = await self._index.find(key.path, key.format, key.type)
        logged = None if record is None else await self._load_text(doc, record)
        if record is None or logged is None:
            file: Any = room.backing
            taken = read(room.content.doc, "notebook")
            text, seeded = await asyncio.to_thread(_text_seed, taken, file.base)
            record = RoomRecord(new_id(), key.path, key.format, key.type, seeded.lineage, None, "", "")
            entry = Entry(seeded.update, None, time.time(), "seed", seeded.lineage)
            await self._store.append(comm_id(record.room, "content"), [entry])
            await self._index.put(record)
            doc.apply_update(seeded.update)
            logged = text, None
        content, annotations, _ = await self._documents(record, doc)
        return TextRoom(
            record.room,
            key.path,
            key.format,
            key.type,
            content,
            annotations,
            TextBacking(room, content, *logged),
        )

    async def _load_text(self, doc: Doc[Any], record: RoomRecord) -> tuple[str, Signature | None] | None:
        """Fill *doc* from its log; return what it said when it last said the same as the notebook, and who typed since.

        None where there is no log of that lineage.
        """
        name = comm_id(record.room, "content")
        entries = [entry async for entry in self._store.read(name)]
        if any(entry.label == DAMAGED for entry in entries):
            return None  # the notebook has all but what was no notebook yet
        if not entries or entries[0].kind == "update" or entries[0].label != record.lineage:
            return None
        last = max(
            index for index, entry in enumerate(entries) if entry.kind != "update" or entry.label == IN_STEP
        )
        for entry in entries[: last + 1]:
            doc.apply_update(entry.update)
        said = str(doc.get("source", type=Text))
        if last:
            # Its history is the notebook's, which has a log.
            await self._store.compact(name, upto=entries[last].seq, snapshot=doc.get_update())
        for entry in entries[last + 1 :]:
            doc.apply_update(entry.update)
        since = reversed(entries[last + 1 :])
        return said, next((Signature(entry.author, entry.by) for entry in since if entry.author), None)

    async def _documents(
        self, record: RoomRecord, doc: Doc[Any], tally: Tally | None = None
    ) -> tuple[RoomDocument, RoomDocument, Tally | None]:
        """Return both documents, and what was read of the annotations' log."""
        notes: Doc[Any] = Doc(client_id=new_client_id())
        name = comm_id(record.room, "annotations")
        noted = await load(self._store, name, notes, record.room, seeded=False)
        limits, every = self._settings.limits, self._settings.snapshot_every
        kept = Retention(self._settings.history_days, self._settings.max_log_size)
        content = RoomDocument(
            comm_id(record.room, "content"),
            "content",
            doc,
            record.lineage,
            self._store,
            limits=limits,
            tally=tally,
            # A notebook's text has none: its log is made short whenever it is opened.
            snapshot_every=0 if tally is None else every,
            counts=self._counts,
            retention=None if tally is None else kept,
        )
        annotations = RoomDocument(
            name,
            "annotations",
            notes,
            # Nothing is seeded here, and only the relay writes: its history is one as long as the room is.
            record.room,
            self._store,
            writable=False,
            limits=limits,
            tally=noted,
            snapshot_every=every,
            counts=self._counts,
            retention=kept,
        )
        return content, annotations, noted

    async def _room(
        self, key: RoomKey, record: RoomRecord, doc: Doc[Any], file: RoomFile, tally: Tally, *, lost: bool
    ) -> Room:
        content, annotations, noted = await self._documents(record, doc, tally)
        room = Room(record.room, key.path, key.format, key.type, content, annotations, file)
        room.private, room.directory = self._private, self._directory
        room.annotator.bounds = replace(room.annotator.bounds, body=self._settings.max_comment)
        aside, mended = self._aside(), record.room in self._mended
        self._mended.discard(record.room)
        if aside is not None or mended:
            comments = noted is not None and noted.damaged
            room.remarks.append(remark(aside, lost=lost or mended, comments=comments))
        if self._told is not None:
            room.told = self._told
        if key.type == "notebook":
            mirroring = Mirroring(room.annotator, annotations, file, self._settings.mirror)
            room.undecided = mirroring.undecided
        file.on_notice = room.tell
        file.on_writable = lambda _: room.roles_changed()
        file.on_saving = partial(self._note_saving, record.room)
        file.on_merging = partial(self._index.merging, record.room)
        file.on_saved = partial(self._note_saved, content, record.room)
        if room.trust is not None:
            file.ran = room.trust.ran
        file.before_save = partial(_before_save, content)
        if key.type == "notebook" and self._backups is not None and self._backups.most:
            file.on_replaced = partial(_keep_backup, self._backups, room, Losses())
        return room

    async def _note_saving(self, room: str, content: Any) -> None:
        with _written_anyhow(room):
            await self._index.saving(room, content)

    async def _note_saved(self, content: RoomDocument, room: str, stat: Stat, base: Any) -> None:
        # After a crash what a merge brought would be in no log, and taken for known.
        if await _logged(content):
            with _written_anyhow(room):
                await self._index.saved(room, stat.hash, stat.last_modified, base)


def _restorable(path: str) -> str:
    return (
        "The server's log has the document as it was: to write that, and keep what is there now beside it, run this in "
        f"the server's root folder: jupyter rtc restore {shlex.quote(path)}"
    )


def _text_seed(taken: Any, written: Any) -> tuple[str, Seed]:
    text = Writer().write(content_of(taken, "notebook", written))
    return text, seed("file", text)


def _unchanged(record: RoomRecord | None, version: FileVersion | None) -> bool:
    """Tell whether the file is certainly the one that the record tells of; where there are no hashes, it is not."""
    if record is None or version is None or record.attempted is not None:
        return False
    return record.hash is not None and record.hash == version.stat.hash


def _tells(content: Any) -> bool:
    """Tell whether a file's content is enough to know it by: that of all empty ones is the same."""
    if isinstance(content, dict):
        return any(str(cell.get("source", "")).strip() for cell in content.get("cells", ()))
    return isinstance(content, str | bytes | bytearray) and bool(content.strip())


async def _keep_backup(backups: Backups, room: Room, losses: Losses, before: Any, after: Any) -> None:
    """Keep a copy of the notebook from before most of it went, and tell those who may write where it is."""
    found = await asyncio.to_thread(losses.see, before, after)
    if found is None:
        return
    lost, of, full = found
    kept = await backups.keep(room.id, room.path, full)
    if kept is not None:
        room.tell(
            "warning",
            "backup",
            f"{lost} of the {of} cells of {room.path} were deleted. The notebook as it was before is kept on "
            f"the server; to get it back, copy it here, for example in a cell: !cp {shlex.quote(str(kept))} .",
            writers=True,
        )


@contextmanager
def _written_anyhow(room: str) -> Iterator[None]:
    """Go on where the index refuses: while its disk is full the file is the only place for what is typed.

    After a crash such a file is one that was changed outside, and merged.
    """
    try:
        yield
    except StoreError as error:
        _log.error(
            "The list of shared documents refused a note: %s",
            error,
            extra=fields("index.refused", room=room),
        )


async def _logged(content: RoomDocument) -> bool:
    """Wait for the log, and tell whether it has everything."""
    try:
        async with asyncio.timeout(_LOG_PATIENCE):
            await content.committed()
    except TimeoutError:
        return False
    return True


async def _before_save(content: RoomDocument) -> None:
    """Have the log first: after a crash a file that has more would read as if somebody had changed it outside."""
    await _logged(content)


def _bytes(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"
