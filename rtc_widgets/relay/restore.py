"""Write a file anew from the log: for one that was damaged, or deleted, while its server did not run."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
import time
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import nbformat
from pycrdt import Doc

from rtc_widgets.documents.content import content_of, read
from rtc_widgets.documents.ipynb import Writer
from rtc_widgets.documents.seed import normalize
from rtc_widgets.documents.wrapped import TEXT
from rtc_widgets.errors import StoreError
from rtc_widgets.registry import document_class
from rtc_widgets.relay.index import RoomIndex
from rtc_widgets.relay.purge import NO_FILE, NO_LOG
from rtc_widgets.rooms.log import load
from rtc_widgets.rooms.room import comm_id
from rtc_widgets.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from rtc_widgets.relay.index import RoomRecord

__all__ = ["Restored", "restore"]


@dataclass(frozen=True, slots=True)
class Restored:
    """Tell what was written.

    Args:
        file: that was written.
        kept: where what stood there is now; None where nothing did.
        partial: whether the log was damaged, too: then what follows the damage is missing.
    """

    file: Path
    kept: Path | None
    partial: bool


async def restore(log: Path, root: Path, path: str, output: Path | None = None) -> Restored:
    """Write the file at *path* as its log has it, with everything that was ever acknowledged; the log stays as it is.

    A server may be running: what it reads is a copy, and what is written is to it a change by another program.

    Args:
        log: the SQLite file.
        root: the server's root folder.
        path: of the file, from there on.
        output: where to write, in place of *path*.

    Raises:
        StoreError: there is no such log or file, or something stands where it would be written that can be read;
            nothing was written.
    """
    if not await asyncio.to_thread(log.exists):
        raise StoreError(NO_LOG.format(log=log))
    with tempfile.TemporaryDirectory(prefix="rtc_widgets-") as folder:
        copy = Path(folder) / log.name
        for suffix in (".sqlite", ".rooms.sqlite"):
            await asyncio.to_thread(_copy, _part(log, suffix), _part(copy, suffix))
        async with (
            aclosing(RoomIndex(_part(copy, ".rooms.sqlite"))) as index,
            aclosing(SqliteStore(copy)) as store,
        ):
            record = await index.last(path)
            if record is None:
                raise StoreError(NO_FILE.format(log=log, path=path))
            doc: Doc[Any] = Doc()
            tally = await load(store, comm_id(record.room, "content"), doc, record.lineage)
            if tally is None:
                raise StoreError(f"{log} has nothing of {path!r} any more.")
    file = (root / path if output is None else output).resolve()
    bytes_ = _bytes(doc, record)
    kept = await asyncio.to_thread(_put, file, bytes_, record, replaced=output is None)
    return Restored(file, kept, tally.damaged)


def _part(log: Path, suffix: str) -> Path:
    return log if suffix == ".sqlite" else log.with_suffix(suffix)


def _copy(source: Path, target: Path) -> None:
    """Copy a database as it is at this moment, whoever writes it."""
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as there,
            closing(sqlite3.connect(target)) as here,
        ):
            there.backup(here)
    except sqlite3.Error as error:
        raise StoreError(
            f"{source} cannot be read: {error}. A damaged log is mended when a server starts on it."
        ) from error


def _bytes(doc: Doc[Any], record: RoomRecord) -> bytes:
    """Return the document as the bytes of a file."""
    bare = record.type == "notebook" or record.type in TEXT
    content = content_of(
        read(doc, record.type, None if bare else document_class(record.type)(doc)),
        record.type,
        record.base or None,
    )
    if record.type == "notebook":
        return Writer().write(content).encode()
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes | bytearray):
        return bytes(content)
    raise StoreError(
        f"{record.path} is a {record.type}, which only a server can write. Open it there, and save it."
    )


def _put(file: Path, content: bytes, record: RoomRecord, *, replaced: bool) -> Path | None:
    """Write *content*, and return where a copy of what stood there is."""
    kept = None
    if file.exists():
        if not replaced:
            raise StoreError(f"{file} is there already. Name another file to write.")
        if _can_be_read(file, record.type):
            raise StoreError(
                f"{file} is in order, and was left as it is. To have what the log has beside it, name a new file with "
                "--output."
            )
        kept = file.with_name(f"{file.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}{file.suffix}")
        # A copy, and no other name: to a server that runs this would be the file, renamed.
        shutil.copy2(file, kept)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.restored")
    new.write_bytes(content)
    if kept is not None:
        shutil.copymode(kept, new)
    new.replace(file)
    return kept


def _can_be_read(file: Path, type_: str) -> bool:
    """Tell whether a server would open the file."""
    content = file.read_bytes()
    if type_ != "notebook" and type_ not in TEXT:
        return bool(content)
    try:
        text = content.decode()
        if type_ == "notebook":
            normalize("notebook", nbformat.reads(text, as_version=4))
    except Exception:  # noqa: BLE001 - nbformat raises anything for what is no notebook
        return False
    return bool(text)
