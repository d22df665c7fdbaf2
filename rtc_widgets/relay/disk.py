"""One file, read and written through the contents manager.

Whatever the manager is (files on disk, a database, text notebooks): it is asked for a hash where it has
hashes, and what it says it holds is believed, not what was sent to it.

Trust is the manager's too: it tells on reading which outputs it trusts, by signature, and signs on writing.
It never travels by sync, so it is taken out of what is read, remembered here, and handed back for the cells
whose outputs are still those that were trusted.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import errno
import inspect
import json
import logging
import re
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from rtc_widgets.documents.mirror import put_in, remove, take_out
from rtc_widgets.documents.seed import normalize
from rtc_widgets.errors import ChannelClosed, DocumentError, RtcError
from rtc_widgets.logged import fields
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.relay.file_version import FileVersion, Stat, line_end_of, notebook_of, stat_of
from rtc_widgets.relay.last_look import LastLook, local_file
from rtc_widgets.relay.turns import take_turn, written_by_others

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from jupyter_server.services.contents.manager import ContentsManager

__all__ = ["Disk", "Overtaken"]

_log = logging.getLogger(__name__)

# The ids that nbformat makes up for cells that have none, different ones each time it reads the file.
_MADE_UP = re.compile(r"[0-9a-f]{8}")
_READS = 5  # of a file that changes while it is read
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TICK = 0.02  # seconds; two changes within one may give a file the same time

# A local file's device, number there, and the time in nanoseconds at which it was written.
_Identity = tuple[int, int, int]


class Overtaken(RtcError):
    """Tell that somebody else wrote the file while it was being saved; nothing of theirs was written over.

    Args:
        written: whether they came after us, so that their version may be made from ours.
    """

    def __init__(self, *, written: bool) -> None:
        super().__init__("the file was changed while it was being saved")
        self.written = written


class Disk:
    """Read and write the file at *path*.

    Args:
        contents: the server's contents manager, synchronous or not.
        path: the manager's; may be set to follow a rename.
        type_: a document type; what the manager calls a file, unless it is a notebook.
        format_: ``json``, ``text`` or ``base64``.
    """

    def __init__(self, contents: ContentsManager, path: str, type_: str, format_: str) -> None:
        self.path = path
        self._contents: Any = contents  # jupyter_server types few of its methods
        self._type = type_
        self._format = format_
        self._kind = "notebook" if type_ == "notebook" else "file"
        parameters = inspect.signature(contents.get).parameters
        self._hashes = "require_hash" in parameters
        self._identity: _Identity | None = None  # of the local file when it was last there

    def at(self, path: str) -> Disk:
        """Return the same kind of file at another *path*."""
        return Disk(self._contents, path, self._type, self._format)

    @property
    def hooks(self) -> bool:
        """Tell whether somebody's code may change a file after it was written."""
        hooks = (getattr(self._contents, name, None) for name in ("post_save_hook", "_post_save_hooks"))
        return any(hooks)

    @property
    def _local(self) -> Path | None:
        return local_file(self._contents, self.path)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Have the file alone among relays, to look at it and to write it."""
        return take_turn(self._local, alone=True)

    async def look(self) -> tuple[Stat | None, LastLook | None]:
        """Return the version of the file, None where there is none, and what ``write`` is to compare it with.

        Raises:
            ChannelClosed: ``unreadable``.
        """
        local, last = self._local, None
        if local is not None:
            await asyncio.sleep(_fresh(local))
            last = LastLook(self._contents, local)
        try:
            stat = await self.stat()
        except ChannelClosed as problem:
            if problem.code != CloseCode.NOT_FOUND:
                raise
            return None, last
        if last is not None:
            last.hash = stat.hash
        return stat, last

    async def moved(self, known: Stat) -> str | None:
        """Return where the file is now, if another program has renamed it within its folder.

        It is the same file for the system, written when it was, and holds the same: what is new may have got the number
        of one that is gone, and be as like it as one new notebook is to another.
        """
        local, was = self._local, self._identity
        if local is None or was is None or known.hash is None:
            return None
        folder = self.path.rpartition("/")[0]
        for name in await asyncio.to_thread(_names_of, local, was):
            path = f"{folder}/{name}".strip("/")
            with contextlib.suppress(ChannelClosed):
                if (await self.at(path).stat()).hash == known.hash:
                    return path
        return None

    def tell_rename(self, path: str) -> None:
        """Tell the server that the file is at *path* now, as the contents manager does when it has renamed one."""
        self._contents.emit({"action": "rename", "path": path, "source_path": self.path})

    async def delete(self) -> None:
        """Delete the file, as the contents manager does it."""
        try:
            await ensure_async(self._contents.delete(self.path))
        except (HTTPError, OSError) as error:
            _log.warning(
                "%s could not be deleted: %s",
                self.path,
                error,
                extra=fields("file.not-deleted", path=self.path),
            )

    async def stat(self, *, hash_: bool = True) -> Stat:
        """Ask for the version of the file without its content; without its hash it costs next to nothing.

        Raises:
            ChannelClosed: ``not-found`` or ``unreadable``.
        """
        return stat_of(await self._get(content=False, hash_=hash_))

    async def read(self) -> FileVersion:
        """Read the file, once it has stopped changing.

        Raises:
            ChannelClosed: ``not-found``, or ``unreadable``: the bytes are not a file of this type, or there
                are none.
        """
        async with take_turn(self._local, alone=False):
            await written_by_others(self._local)
            return await self._read()

    async def _read(self) -> FileVersion:
        model = await self._get()
        for _ in range(_READS):
            # A second reading tells ids that are in the file from ids that are made up.
            twice = self._may_have_made_up_ids(model)
            again = await self._get(content=twice)
            if stat_of(model).same(stat_of(again)):
                break
            model = again if twice else await self._get()
        else:
            raise _unreadable(self.path, "it changes faster than it can be read")
        content = model["content"]
        again = again["content"] if twice else content
        return await asyncio.to_thread(self._version, model, again)

    async def read_back(self, page: Any = None) -> FileVersion:
        """Read what was just written: without asking for trust, and by its JSON where the manager gives that.

        That spares a notebook its validation and its signature, which take as long again as saving it. The turn is
        still that of the writing.

        Args:
            page: the copy of the comments that was written; it is the version's if the file has it.
        """
        if self._kind == "notebook":
            try:
                model = await self._get(kind="file", format_="text")
                content = await asyncio.to_thread(json.loads, model["content"])
            except (ChannelClosed, ValueError, TypeError):  # the manager stores notebooks in another way
                return await self._read()
            if isinstance(content, dict) and content.get("nbformat") == 4:
                return await asyncio.to_thread(self._version, {**model, "content": content}, content, page)
        return await self._read()

    def _version(self, model: dict[str, Any], again: Any, page: Any = None) -> FileVersion:
        content = model["content"]
        version = FileVersion(content, stat_of(model), line_end=line_end_of(content))
        if self._kind == "notebook":
            version = notebook_of(version, again)
            version = replace(version, page=take_out(version.content, page))
        try:
            return replace(version, normal=normalize(self._type, version.content))
        except DocumentError as error:
            raise _unreadable(self.path, error) from error

    async def write(
        self,
        content: Any,
        *,
        trusted: Iterable[str] = (),
        line_end: str = "\n",
        page: Any = None,
        last: LastLook | None = None,
    ) -> tuple[Stat, Any]:
        """Write normalized *content*; return which version that made, and the content as hooks had left it.

        Args:
            content: of a document, for a file.
            trusted: the cells that the contents manager may trust.
            line_end: what the lines of a text are to end with.
            page: a copy of the comments.
            last: what is known to stand in the file: nothing else is written over.

        Raises:
            Overtaken: something else stands there.
            ChannelClosed: ``read-only`` or ``save-failed``; the sentence says why and what to do.
        """
        model = {"type": self._kind, "format": self._format, "content": content}
        if self._kind == "notebook":
            model["format"] = "json"
            model["content"] = await asyncio.to_thread(_for_file, content, set(trusted), page)
        elif isinstance(content, bytes | bytearray):
            model["content"] = base64.b64encode(content).decode()
        elif line_end != "\n" and isinstance(content, str):
            model["content"] = content.replace("\n", line_end)
        try:
            with nullcontext() if last is None else last.kept():
                saved = await ensure_async(self._contents.save(model, self.path))
        except (HTTPError, OSError, ValueError, TypeError) as error:
            if last is not None and last.overtaken:
                raise Overtaken(written=last.written) from error
            raise _save_failed(self.path, error) from error
        self._identity = _identity(self._local) or self._identity
        left = model["content"]
        if self._kind == "notebook":
            remove(left)
        return stat_of(saved), left

    async def keep_copy(self) -> None:
        """Have the contents manager keep a checkpoint of the file as it is, if it can."""
        try:
            await ensure_async(self._contents.create_checkpoint(self.path))
        except (HTTPError, OSError) as error:
            _log.warning(
                "No checkpoint of %s could be made: %s",
                self.path,
                error,
                extra=fields("file.no-checkpoint", path=self.path),
            )

    async def _get(
        self, *, content: bool = True, hash_: bool = True, kind: str = "", format_: str = ""
    ) -> dict[str, Any]:
        options: dict[str, Any] = {"content": content, "type": kind or self._kind}
        if options["type"] == "file":
            options["format"] = format_ or self._format
        if self._hashes and hash_:
            options["require_hash"] = True
        try:
            model: dict[str, Any] = await ensure_async(self._contents.get(self.path, **options))
        except (HTTPError, FileNotFoundError) as error:
            status = getattr(error, "status_code", 404)
            if status == 404:
                raise ChannelClosed(CloseCode.NOT_FOUND, CloseCode.NOT_FOUND.sentence) from error
            raise _unreadable(self.path, error) from error
        except (OSError, ValueError) as error:  # as half a surrogate pair, of which it can make no signature
            raise _unreadable(self.path, error) from error
        self._identity = _identity(self._local) or self._identity
        return model

    def _may_have_made_up_ids(self, model: dict[str, Any]) -> bool:
        if self._kind != "notebook":
            return False
        cells = model["content"].get("cells", [])
        return any(_MADE_UP.fullmatch(str(cell.get("id"))) for cell in cells)


def _identity(path: Path | None) -> _Identity | None:
    if path is None:
        return None
    try:
        stat = path.lstat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns


def _names_of(path: Path, was: _Identity) -> list[str]:
    """Return the names, of the kind of *path*, under which the file that was there is in its folder."""
    try:
        beside = [other for other in path.parent.iterdir() if other.suffix == path.suffix]
    except OSError:
        return []
    return [other.name for other in beside if _identity(other) == was]


def _fresh(path: Path) -> float:
    """Return for how many seconds another change could still give the file at *path* the time that it has."""
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
    return _TICK - age if 0 <= age < _TICK else 0.0


def _for_file(content: dict[str, Any], trusted: set[str], page: Any) -> dict[str, Any]:
    """Return the notebook as the contents manager takes it: ids only from 4.5 on, trust where it is due.

    With copies of all that may be changed in it, because hooks work on it.
    """
    bare = content["nbformat"] == 4 and content["nbformat_minor"] < 5
    cells = []
    for cell in content["cells"]:
        mine = copy.deepcopy({key: value for key, value in cell.items() if key != "id" or not bare})
        if cell["id"] in trusted:
            mine["metadata"]["trusted"] = True
        cells.append(mine)
    made = {**content, "metadata": copy.deepcopy(content["metadata"]), "cells": cells}
    # Of 10,000 threads a deep copy takes five times as long; and so others have their turn in between.
    items = None if page is None else page.get("items")
    if isinstance(items, list):
        page = {**page, "items": [json.loads(json.dumps(item)) for item in items]}
    return put_in(made, page)


def _unreadable(path: str, reason: Exception | str) -> ChannelClosed:
    if isinstance(reason, Exception):
        reason = _reason(reason)
    return ChannelClosed(CloseCode.UNREADABLE, f"{CloseCode.UNREADABLE.sentence} ({path}: {reason})")


def _save_failed(path: str, error: Exception) -> ChannelClosed:
    cause = error.__cause__ or error
    if isinstance(error, HTTPError) and error.status_code == 403:
        return ChannelClosed(CloseCode.READ_ONLY, f"{path} may not be written: {_reason(error)}.")
    if getattr(cause, "errno", None) in _FULL:
        return ChannelClosed(
            "save-failed",
            f"{path} could not be saved: the disk is full. Your changes are kept here; free some space, and they are "
            "saved by themselves.",
        )
    return ChannelClosed(
        "save-failed",
        f"{path} could not be saved: {_reason(error)}. Your changes are kept here; it is tried again.",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return str(error.log_message or error.reason or error).rstrip(".")
    return str(error).rstrip(".")
